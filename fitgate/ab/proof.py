"""The proof: how often the gate alarms where nothing changed, and how often it catches what did."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fitgate.ab.arms import Arm
from fitgate.ab.session import compare
from fitgate.ab.verdict import judge
from fitgate.gates.gates import Outcome
from fitgate.latency.timing import SINGLE
from fitgate.machine import Environment, environment, usable_cores
from fitgate.record import read_json, working_commit, write_json


class Trial(msgspec.Struct, frozen=True):
    """What the gate said of one session, with one slowdown injected; 0 for none.

    Slowdowns are injected into the candidate's times, all of which they multiply: a process that really idles after its
    queries is slowed by more than that, for the next query then takes longer, too.
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
        model: that was asked.
        blocks: of each session.
        seconds: that each process asked for.
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
    model: str,
    blocks: int,
    seconds: float,
    slowdowns: Sequence[float],
    say: Callable[[str], None],
) -> Proof:
    """Compare the working tree with itself many times, and keep what was found in a file as it goes.

    Args:
        path: the file, JSON.
        sessions: how many.
        model: to ask.
        blocks: of each session.
        seconds: how long each process asks.
        slowdowns: to inject.
        say: is told of progress.
    """
    started = time.perf_counter()
    lanes, tree = usable_cores(), Path.cwd()
    levels = [0.0, *slowdowns]
    proof = Proof(working_commit(tree), environment(), model, blocks, seconds, lanes, levels)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="digit-bench-ab-") as directory:
        fitted = Arm("base", tree, Path(directory))
        if fitted.fit([model]) != [model]:
            raise LookupError(f"no model {model!r} that could be timed; expected the name of one in models/")
        cores = sorted(os.sched_getaffinity(0))

        def session(i: int) -> list[Trial]:
            lane = (cores[i % lanes],)
            arms = [Arm(name, tree, Path(directory), lane) for name in ("base", "candidate", "control")]
            found = compare(
                arms,
                [model],
                SINGLE,
                blocks=blocks,
                seconds=seconds,
                commits=(proof.commit, proof.commit),
                seed=i,
            )
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
                    proof.seconds_taken = time.perf_counter() - started
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
    return read_json(path, Proof, "python -m suite ab --prove")
