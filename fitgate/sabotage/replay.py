"""Replays: complete runs of a project's gates, judged from outputs that are kept. Nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fitgate.gates import Baseline, Claim, Evidence, JudgeSettings, Need, Truth, Verdict, judge
from fitgate.machine import Environment
from fitgate.metrics import Metric
from fitgate.runs import Evaluation
from fitgate.sabotage.pool import Given

Key = tuple[str, str]  # the names of a model and of a task
DEFAULTS = JudgeSettings()  # as pytest judges without options


class Ran(NamedTuple):
    """How a run went.

    Attributes:
        verdicts: of the claims, in their order.
        seeds: how many each model had on each task in the end.
    """

    verdicts: list[Verdict]
    seeds: dict[Key, int]


@dataclass(frozen=True)
class Replay:
    """What runs of a project have in common.

    Attributes:
        claims: that are judged, as one family.
        truths: by the task's name.
        metrics: by name.
        environment: where the models ran.
    """

    claims: Sequence[Claim]
    truths: Mapping[str, Truth]
    metrics: Mapping[str, Metric]
    environment: Environment

    def run(
        self,
        outputs: Mapping[Key, Sequence[Given]],
        seeds: Mapping[Key, Sequence[int]],
        baselines: Mapping[Key, Baseline],
        settings: JudgeSettings = DEFAULTS,
    ) -> Ran:
        """A run in which models give these outputs: the first seed's at once, the others' one by one as gates ask.

        Args:
            outputs: of each model on each task, by seed; a seed that failed fails all gates that come to it.
            seeds: of those, by which gates know the baseline's own; of what is not among them they are not known.
            baselines: that models are held to.
            settings: how to judge.
        """
        given = dict.fromkeys(outputs, 1)

        def evidence() -> Evidence:
            shown = {key: several[: given[key]] for key, several in outputs.items()}
            failed = {key: [one for one in several if isinstance(one, str)] for key, several in shown.items()}
            return Evidence(
                truths=self.truths,
                metrics=self.metrics,
                settings=settings,
                environment=self.environment,
                runs={
                    key: [one for one in several if isinstance(one, Evaluation)]
                    for key, several in shown.items()
                    if not failed[key]
                },
                missing={key: reasons[0] for key, reasons in failed.items() if reasons},
                seeds={key: several[: given[key]] for key, several in seeds.items()},
                baselines=dict(baselines),
            )

        judgement = judge(self.claims, evidence())
        while judgement.requests:
            renewed = []
            for model, task, count in judgement.requests:
                key = (model, task)
                if (now := min(count, len(outputs[key]))) > given[key]:
                    given[key] = now
                    renewed.append(Need(*key))
            if not renewed:
                break
            judgement = judge(self.claims, evidence(), judgement, renewed)
        return Ran(judgement.verdicts, given)
