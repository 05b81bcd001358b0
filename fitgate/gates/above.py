"""Rivals: a metric is better than another model's on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitgate.gates.evidence import Evidence, NotEvaluated
from fitgate.gates.gate import Gate, Need
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.gates.wording import chance
from fitgate.metrics import Metric
from fitgate.statistics import normal_power
from fitgate.tasks import check_metric, is_better_higher


@dataclass(frozen=True)
class Above(Gate):
    """A metric is better than a rival model's on the same examples, significantly: p < 0.01, one-sided.

    The test is the metric's own paired one, such as DeLong's for ROC AUC.

    Args:
        task: on which task.
        metric: the metric's name.
        rival: the other model's name.
        perfect: whether output that equals the test labels may pass.

    Raises:
        TaskError: if the metric is not one of the task's.
    """

    metric: str
    rival: str

    def __post_init__(self) -> None:
        check_metric(self.task, self.metric)

    def rule(self, profile: str) -> str | None:
        """As `roc_auc>sgd`, or `log_loss<sgd`; a relation holds on any data."""
        return f"{self.metric}{'>' if is_better_higher(self.task, self.metric) else '<'}{self.rival}"

    def needs(self, model: str) -> Sequence[Need]:
        """The model's outputs and the rival's."""
        return Need(model, self.task.name), Need(self.rival, self.task.name)

    def examine(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation and its rival's."""
        from scipy.stats import norm

        task, settings = self.task.name, evidence.settings
        mine = evidence.evaluation_of(model, task)
        truth, metric = evidence.truths[task], evidence.metric(self.metric, task)
        try:
            theirs = evidence.evaluation_of(self.rival, task)
        except NotEvaluated as error:
            message = f"The rival {self.rival} was not evaluated. {error}"
            return self.verdict(model, evidence, Outcome.FAIL, message, metric=self.metric, reason=Reason.NOT_EVALUATED)
        if leaked := perfect_output(self, self.metric, model, evidence):
            return leaked
        outputs = []
        for evaluation in (mine, theirs):
            output = metric.output(evaluation.outputs)
            if evaluation.metrics.get(self.metric) is None or output is None:
                return without_value(self, metric, model, evidence, evaluation)
            outputs.append(output)
        value, rival_value = float(mine.metrics[self.metric] or 0), float(theirs.metrics[self.metric] or 0)
        test, significance, confidence = metric.paired_test, settings.significance, settings.confidence
        change = test.compute(truth.target, *outputs)  # from this model to its rival: a fall is a lead
        reach, one_sided = (
            float(norm.ppf(at)) * change.standard_error for at in ((1 + confidence) / 2, 1 - significance)
        )
        told = change if not test.detail(change) else test.compute(truth.target, *reversed(outputs))  # as of this model
        passed = change.p_value < significance
        power = (
            normal_power(change.size, change.standard_error, significance) if change.standard_error else float(passed)
        )
        direction = 1 if metric.higher_is_better else -1
        low, high = sorted(direction * x for x in (change.size - reach, change.size + reach))
        details = (
            f"{metric.title} {metric.shown(value)} against {self.rival}'s {metric.shown(rival_value)} on the same "
            f"{truth.n:,} examples: difference {direction * change.size:+.4f}, {confidence:.0%} interval [{low:+.4f}, "
            f"{high:+.4f}], {test.describe(told)}, p = {change.p_value:.2g}, "
            f"{'' if passed else 'not '}below {significance:g}. "
            f"A model no better passes about {significance:.0%} of test sets, one with this lead about {power:.1%}."
        )
        numbers = {
            "metric": self.metric,
            "reason": Reason.LEADS if passed else Reason.NO_LEAD,
            "value": value,
            "threshold": rival_value,
            "bound": change.size - one_sided,
            "bound_of": "lead",
            "n": truth.n,
            "p_value": change.p_value,
            "details": details,
        }
        message = self._message(metric, value, rival_value, change.p_value, significance)
        return self.verdict(model, evidence, Outcome.PASS if passed else Outcome.FAIL, message, **numbers)

    def _message(self, metric: Metric, value: float, rival: float, p_value: float, significance: float) -> str:
        """What was found, how sure that is, and what to do where the model does not lead."""
        found = f"{metric.title} {metric.shown(value)} is {{}}better than {self.rival}'s {metric.shown(rival)}"
        sure = f"n equal model would look as good in {chance(p_value)} of test sets"
        if p_value < significance:
            return f"{found.format('')}: a{sure}."
        asked = f"A{sure}, and the gate asks for less than {significance:.0%}."
        if metric.lead(value, rival) > 0:
            return f"{found.format('')}, but not surely. {asked} Test both on more examples, or take the gate out."
        return f"{found.format('not ')}. {asked} Mend the model, or take the gate out."
