"""The proof: how often the gate alarms where nothing changed, and how often it catches what did."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fitgate.ab.arms import Tree
from fitgate.ab.errors import ComparisonError
from fitgate.ab.session import compare
from fitgate.ab.verdict import judge
from fitgate.clock import perf_counter
from fitgate.executor import core_numbers
from fitgate.files import check_writable
from fitgate.gates import Outcome
from fitgate.latency.timing import SINGLE
from fitgate.machine import Environment, environment, usable_cores
from fitgate.record import read_json, working_commit, write_json


class Trial(msgspec.Struct, frozen=True):
    """The gate's outcome of one session, with one slowdown injected; 0 for none.

    Slowdowns are injected into the candidate's times, all of which they multiply: a process that really idles after its
    queries is slowed by more than that, as the next query then takes longer, too.
    """

    session: int
    slowdown: float
    outcome: Outcome
    ratio: float
    p_value: float


class Proof(msgspec.Struct):
    """Many sessions of a tree against itself.

    Attributes:
        commit: of the tree.
        environment: the machine and its libraries.
        model: that was timed.
        blocks: of each session.
        seconds: that each process was asked for.
        lanes: sessions that ran at once, each on a core of its own.
        slowdowns: that were injected; the first is 0, none.
        trials: of all sessions.
        seconds_taken: wall time.
    """

    commit: str | None
    environment: Environment
    model: str
    blocks: int
    seconds: float
    lanes: int
    slowdowns: list[float]
    trials: list[Trial] = []
    seconds_taken: float = 0.0


def prove(
    path: Path,
    *,
    sessions: int,
    model: str | None,
    blocks: int,
    seconds: float,
    slowdowns: Sequence[float],
    say: Callable[[str], None],
) -> Proof:
    """Compare the working tree with itself many times, and keep what was found in a file as it goes.

    Args:
        path: the file, JSON.
        sessions: how many.
        model: to time; None for the first by name of the quick ones.
        blocks: of each session.
        seconds: how long each process times the model.
        slowdowns: to inject.
        say: is called with each line of progress.

    Raises:
        ComparisonError: if the tree has no such model, or it fails.
        ExecutorError: if a process dies.
        FileError: if the file can't be written.
    """
    started = perf_counter()
    cores, tree = core_numbers(), Path.cwd()
    lanes = len(cores) or usable_cores()
    levels = [0.0, *slowdowns]
    check_writable(path)
    with tempfile.TemporaryDirectory(prefix="fitgate-ab-") as directory:
        fitted = Tree("base", tree, Path(directory)).fit([model] if model else [])
        if not fitted.models:
            raise ComparisonError(
                f"--models {model}" if model else "ab --prove",
                found="no such model that could be timed",
                expected="one of this project's, whose libraries are installed",
                next_step="correct the name, or install what it needs",
            )
        timed = fitted.models[0]
        proof = Proof(working_commit(tree), environment(), timed, blocks, seconds, lanes, levels)

        def session(i: int) -> list[Trial]:
            own = cores[i % lanes : i % lanes + 1]
            arms = [fitted.called(name, own) for name in ("base", "candidate", "control")]
            commits = (proof.commit, proof.commit)
            found = compare(arms, [timed], SINGLE, blocks=blocks, seconds=seconds, commits=commits, seed=i)
            judged = [(slowdown, judge(found, slowdown)[0]) for slowdown in levels]
            return [Trial(i, slowdown, f.outcome, f.ratio, f.p_value) for slowdown, f in judged]

        with ThreadPoolExecutor(lanes) as pool:
            lane_of = [range(lane, sessions, lanes) for lane in range(lanes)]
            keeping, done = threading.Lock(), 0

            def run_lane(numbers: range) -> None:
                nonlocal done
                for i in numbers:
                    proof.trials += session(i)
                    done += 1
                    proof.seconds_taken = perf_counter() - started
                    alarms = sum(t.outcome is Outcome.FAIL for t in proof.trials if t.slowdown == 0)
                    say(f"{done} of {sessions} sessions, {alarms} alarms, {proof.seconds_taken:.0f} s")
                    with keeping:
                        write_json(proof, path)

            for future in [pool.submit(run_lane, numbers) for numbers in lane_of]:
                future.result()
    return proof


def read_proof(path: Path) -> Proof:
    """Read a proof.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    return read_json(path, Proof, "fitgate ab --prove")
