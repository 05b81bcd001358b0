"""The proof: how often the gate alarms where nothing changed, and how often it catches what did."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fitgate.ab.gate import fitted, timed
from fitgate.ab.revisions import commit_of
from fitgate.ab.verdict import Ratios, ratios
from fitgate.clock import perf_counter
from fitgate.executor import core_numbers
from fitgate.files import check_writable
from fitgate.latency.timing import MULTI, SINGLE, Scenario
from fitgate.machine import Environment, environment, usable_cores
from fitgate.record import RecordError, read_json, write_json

SCENARIOS = (SINGLE, MULTI)  # a query of the whole test split may take seconds, and each model 150 of them a block


class Trial(msgspec.Struct, frozen=True):
    """What one session found in one scenario.

    Attributes:
        session: its number. The scenarios of a session share its fits.
        scenario: its name.
        ratios: of all models, one family of tests.
    """

    session: int
    scenario: str
    ratios: list[Ratios]


class Asked(msgspec.Struct, frozen=True):
    """What all sessions of a proof have in common.

    Attributes:
        commit: of the revision.
        environment: the machine and its libraries.
        models: that were named; none for all that are not slow.
        scenarios: names.
        blocks: that were asked for; None for as many as the models need.
        seconds: that each process was asked for, a model.
    """

    commit: str
    environment: Environment
    models: list[str]
    scenarios: list[str]
    blocks: int | None
    seconds: float


class Proof(msgspec.Struct):
    """Many sessions of a revision against itself, as measured: they are judged when they are rendered.

    Attributes:
        asked: what they have in common.
        lanes: sessions that ran at once, each on a core of its own.
        slowdowns: to inject when they are judged, into one model at a time.
        trials: of all sessions.
        seconds_taken: wall time.
    """

    asked: Asked
    lanes: int
    slowdowns: list[float]
    trials: list[Trial] = []
    seconds_taken: float = 0.0


def prove(
    path: Path,
    *,
    sessions: int,
    revision: str,
    models: Sequence[str],
    scenarios: Sequence[Scenario],
    blocks: int | None,
    seconds: float,
    slowdowns: Sequence[float],
    say: Callable[[str], None],
) -> Proof:
    """Compare a revision with itself many times, as the gate does, and keep what was found in a file as it goes.

    Args:
        path: the file, JSON; sessions that it holds of the same proof are not repeated.
        sessions: how many; each has working trees and fits of its own.
        revision: of base and candidate.
        models: to time; for none, all that are not slow.
        scenarios: in each of which each session times them.
        blocks: of each session; None for as many as the models need.
        seconds: how long each process times each model.
        slowdowns: to inject when they are judged.
        say: is called with each line of progress.

    Raises:
        ComparisonError, ExecutorError: as `fitgate.ab.gate.run`.
        FileError: if the file can't be written.
    """
    check_writable(path)
    started, cores, commit = perf_counter(), core_numbers(), commit_of(revision)
    lanes = min(sessions, len(cores) or usable_cores())
    asked = Asked(commit, environment(), list(models), [scenario.name for scenario in scenarios], blocks, seconds)
    proof = Proof(asked, lanes, list(slowdowns), *_kept(path, asked))
    before, done = proof.seconds_taken, {trial.session for trial in proof.trials}
    numbers = iter([number for number in range(sessions) if number not in done])
    keeping, ended = threading.Lock(), threading.Event()

    def session(number: int, core: tuple[int, ...]) -> list[Trial]:
        found = []
        with fitted(revision, revision, models, core) as arms:
            for scenario in scenarios:
                times = timed(
                    arms, models, scenario, blocks=blocks, seconds=seconds, commits=(commit, commit), seed=number
                )
                found.append(Trial(number, scenario.name, ratios(times)))
                say(f"session {number + 1}, {scenario.name}: timed after {perf_counter() - started:.0f} s")
        return found

    def run_lane(lane: int) -> None:
        try:
            while not ended.is_set() and (number := next(numbers, None)) is not None:
                found = session(number, cores[lane : lane + 1])
                with keeping:
                    proof.trials += found
                    proof.seconds_taken = before + perf_counter() - started
                    write_json(proof, path)
                    say(f"{len(proof.trials) // len(scenarios)} of {sessions} sessions, {proof.seconds_taken:.0f} s")
        finally:
            ended.set()  # what stops one lane stops all

    with ThreadPoolExecutor(lanes) as pool:
        try:
            for future in [pool.submit(run_lane, lane) for lane in range(lanes)]:
                future.result()
        finally:
            ended.set()
    return proof


def _kept(path: Path, asked: Asked) -> tuple[list[Trial], float]:
    """The trials that a file holds of the same proof, and the time that they took."""
    try:
        kept = read_proof(path)
    except RecordError:
        return [], 0.0
    return (kept.trials, kept.seconds_taken) if kept.asked == asked else ([], 0.0)


def read_proof(path: Path) -> Proof:
    """Read a proof.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    return read_json(path, Proof, "fitgate ab --prove")
