"""Flips that break: examples that the baseline gets right, and the model no longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fitgate.gates.baseline import Baseline
from fitgate.gates.breakage import Breakage, breakage
from fitgate.gates.evidence import Evidence
from fitgate.gates.flips import flips_in_words, flips_of
from fitgate.gates.gate import Adjusted, Contested, Gate, Need
from fitgate.gates.holding import baseline_of, same_as, unchanged
from fitgate.gates.limit import Limit, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.perfect import perfect_output
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.gates.wording import chance, what_to_do
from fitgate.metrics import Metric
from fitgate.tasks import NUMBERS, Task, TaskError


@dataclass(frozen=True, init=False)
class NoFlips(Gate):
    """No more than so many of the examples break: those that the baseline gets right, and the model does not.

    Where the model's accuracy stays, such examples may still be many: users meet them as something that used to work.

    Of a deterministic model, an example breaks where the baseline's one output is right and the model's is wrong: the
    share of these is bounded. A model with seeds breaks some with any other seed. So an example counts for a seed if
    all of the baseline's get it right and this one does not; for a seed of the baseline's own, if all its others do.
    What is bounded is by how much the mean share of the model's seeds exceeds that of the baseline's, by Student's t
    with the spread of the baseline's, at looks as those of `NoRegression`. No seed alone fails a model: leave the one
    that broke most out, and the others are to have broken too many, too.

    FAIL takes a share that is surely above what is allowed, with the false alarms of all of a session's tests held
    together to 1 %; PASS takes an upper bound, of 90 %, that is not. What lies between is INCONCLUSIVE.

    Args:
        task: on which task: one whose answers are right or wrong.
        at_most: the share of the test examples, as 0.01 for one in a hundred, for all profiles.
        perfect: whether output that equals the test labels may pass.
        profiles: or one share for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if there is not just one way to know the share.
    """

    at_most: Limit

    def __init__(self, task: Task, at_most: float | None = None, *, perfect: bool = False, **profiles: float | None):
        most = limit(f"NoFlips({task.name})", at_most, profiles)
        for name, content in {"task": task, "at_most": most, "where": declared_at(), "perfect": perfect}.items():
            object.__setattr__(self, name, content)

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; empty where one number is for all."""
        return profiles_of(self.at_most)

    def rule(self, profile: str) -> str | None:
        """As `broken<=0.01`."""
        most = on_profile(self.at_most, profile)
        return None if most is None else f"broken<={most:.10g}"

    def baselines(self, model: str) -> Sequence[Need]:
        """The model's own on the gate's task."""
        return (Need(model, self.task.name),)

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse what is no share, or is for a profile that there is not."""
        where = f"{self.where}: NoFlips on {self.task.name}"
        check_profiles(where, self.at_most, self.task)
        most = on_profile(self.at_most, profile)
        if most is not None and not 0 < most < 1:
            raise TaskError(
                where,
                found=f"{most:g}",
                expected="a share above 0 and below 1",
                next_step="correct it: 0.01 is one example in a hundred",
            )

    def examine(self, model: str, evidence: Evidence) -> Verdict | Contested:
        """Count what broke; where the output is another than the baseline's, p-values of all gates decide together."""
        task, runs = self.task.name, evidence.runs_of(model, self.task.name)
        truth, settings = evidence.truths[task], evidence.settings
        if leaked := perfect_output(self, "", model, evidence):
            return leaked
        if truth.kind in NUMBERS:
            message = f"{task} asks for numbers, and no answer is right or wrong: hold an error to NoRegression."
            return self.verdict(model, evidence, Outcome.FAIL, message, reason=Reason.NO_VALUE)
        baseline = baseline_of(self, "", model, evidence)
        if isinstance(baseline, Verdict):
            return baseline
        most = on_profile(self.at_most, truth.profile)
        assert most is not None, "a gate examines on a profile that it applies to"
        if same_as(baseline, model, evidence):
            return unchanged(self, model, evidence, "", value=0.0, threshold=most)
        found = breakage(baseline, runs, truth, most, settings)

        def conclude(worse: Adjusted, better: Adjusted) -> Verdict:
            return self._concluded(model, baseline, found, most, worse, evidence)

        def more(verdict: Verdict) -> int | None:
            return None if verdict.level is None else found.more_seeds(verdict.level)

        return Contested(found.p_worse, 1.0, conclude, more)

    def _concluded(
        self, model: str, baseline: Baseline, found: Breakage, most: float, worse: Adjusted, evidence: Evidence
    ) -> Verdict:
        task, missed = self.task.name, evidence.settings.missed
        truth, runs = evidence.truths[task], evidence.runs_of(model, task)
        outcome, bound, power = found.decide(worse.level), found.bound(), found.power(worse.level)
        flips = flips_of(baseline, runs, truth)
        lost = [] if flips is None or outcome is not Outcome.FAIL else flips.lost
        changed = baseline.changes(evidence.environment, evidence.executions.get((model, task), ""))
        then = what_to_do([int(truth.examples[i]) for i in lost], changed)
        allowed, sure = f"the gate allows {most:.2%}", f"ith {1 - missed:.0%} confidence it is at most {bound:.2%}"
        if outcome is Outcome.FAIL:
            look = f"one that breaks just so many looks this bad in {chance(worse.p_value)} of sessions"
            rest = f"{allowed[0].upper()}{allowed[1:]}, and {look}. {then}"
        elif outcome is Outcome.PASS:
            rest = f"W{sure}, and {allowed}."
        else:
            rest = f"Too little to decide: w{sure}, and {allowed}. {found.advice(worse.level)}"
        reasons = {Outcome.PASS: Reason.WITHIN, Outcome.FAIL: Reason.BEYOND}
        details = (
            f"{found.method}, p = {worse.p_value:.2g} after Holm's adjustment. Twice as much as is allowed FAILs with "
            f"a probability of {power:.0%}, and no more than is allowed with one of {worse.level:.2g} at most. "
        )
        return self.verdict(
            model,
            evidence,
            outcome,
            f"{found.words}. {rest}",
            reason=reasons.get(outcome, Reason.UNSURE),
            value=found.value,
            threshold=most,
            bound=bound,
            bound_of="most",
            n=truth.n,
            seeds=found.seeds,
            p_value=worse.p_value,
            power=power,
            level=worse.level,
            lost=lost,
            details=details + flips_in_words(flips, truth),
            flips=flips,
        )
