"""A machine of a comparison: its records, by its name, and what of it is timed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from statistics import mean, median
from typing import NamedTuple

import msgspec

from fitgate.engines import NATIVE, named
from fitgate.latency.audit import AGREEMENT
from fitgate.latency.timing import HELD, Timing
from fitgate.machine.energy import together
from fitgate.record import EngineEntry, Record
from fitgate.report.view.measured import Measured
from fitgate.runs import Evaluation
from fitgate.statistics import mean_interval


class Served(NamedTuple):
    """A model, as an engine serves it; as text, `knn` or `knn by onnx`."""

    model: str
    engine: str = NATIVE

    def __str__(self) -> str:
        return named(*self)


class Machine(NamedTuple):
    """A machine, by the name that the comparison calls it, and the records of one run there, or of its repeats."""

    name: str
    records: Sequence[Record]

    @property
    def record(self) -> Record:
        """The first one, for all that repeats have in common."""
        return self.records[0]

    @property
    def served(self) -> list[Served]:
        """The models that it has timings of, as each engine serves them."""
        return list(dict.fromkeys(Served(timing.model, timing.engine) for timing in self.record.timings))

    @property
    def scenarios(self) -> dict[str, int]:
        """Examples of a query, by the label of each scenario that was timed."""
        return {timing.label: timing.batch_size for timing in self.record.timings}

    def timings(self, of: Served, scenario: str) -> list[Timing]:
        """Its timings in a scenario, one a record; empty if one has none."""
        known = (*of, scenario)
        found = [t for r in self.records for t in r.timings if (t.model, t.engine, t.label) == known]
        return found if len(found) == len(self.records) else []

    def pooled(self, of: Served, scenario: str) -> Timing | None:
        """All queries of its timings in a scenario together; at the median rate."""
        timings = self.timings(of, scenario)
        if not timings:
            return None
        rates = [t.rate for t in timings if t.rate is not None]
        seconds = list(chain.from_iterable(t.seconds for t in timings))
        processes = list(chain.from_iterable(t.processes for t in timings))
        rate = median(rates) if rates else None
        joules = together([t.joules for t in timings])
        return msgspec.structs.replace(timings[0], seconds=seconds, processes=processes, rate=rate, joules=joules)

    def typical(self, of: Served, scenario: str) -> Measured | None:
        """A typical query in seconds, and where another run has it, nine times in ten.

        Of several runs it is their geometric mean, and the interval Student's over runs; see `Timing.interval` for
        that of one.
        """
        timings = self.timings(of, scenario)
        if not timings:
            return None
        logs = [math.log(timing.typical) for timing in timings]
        if len(logs) == 1:
            return Measured(timings[0].typical, *(timings[0].interval or ()))
        low, high = mean_interval(logs, HELD)
        reach = math.sqrt(len(logs) + 1) * (high - low) / 2  # of one more run about the mean, s sqrt(1 + 1/n)
        level = mean(logs)
        return Measured(math.exp(level), math.exp(level - reach), math.exp(level + reach))

    def task(self, model: str) -> str:
        """The task on which a model was timed; empty where it was not."""
        return next((t.task for t in self.record.timings if t.model == model), "")

    def evaluation(self, model: str) -> Evaluation | None:
        """What a model gave for the test split of the task on which it was timed."""
        subject = (model, self.task(model))
        return next((e for e in self.record.evaluations if (e.model, e.task) == subject), None)

    def entry(self, of: Served) -> EngineEntry | None:
        """What was found out about an engine's answers; None of an estimator as it is."""
        known = (of.model, self.task(of.model), of.engine)
        return next((e for e in self.record.engines if (e.model, e.task, e.engine) == known), None)

    def _unaudited(self, of: Served) -> list[str]:
        """Scenarios in which it was timed, and its answers kept to be audited, which then was not done."""
        found = []
        for record in self.records:
            audited = {a.scenario for a in record.audits if (a.model, a.engine) == of and a.name == AGREEMENT}
            timed = (t for t in record.timings if (t.model, t.engine) == of and t.repeated is not None)
            found += [timing.scenario for timing in timed if timing.scenario not in audited]
        return found

    def doubts(self, of: Served) -> list[str]:
        """Why its timings can't be believed: what audits found, in words, each with its scenario."""
        audits = (audit for record in self.records for audit in record.doubted if (audit.model, audit.engine) == of)
        found = [f"{audit.scenario}: {audit.message}" for audit in audits]
        found += [f"{scenario}: its test ended before its answers were audited" for scenario in self._unaudited(of)]
        entry = self.entry(of)
        if entry is not None and entry.fault:
            found.append(f"what it answers can be no answers: {entry.fault}")
        return list(dict.fromkeys(found))
