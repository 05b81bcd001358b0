"""Examples that a record shows: the hard ones, and those that a failed gate names."""

from __future__ import annotations

import numpy as np

from fitgate.data import Dataset
from fitgate.metrics import right
from fitgate.record.record import Hard, Record
from fitgate.tasks import DIGITS

HARD_EXAMPLES = 20


def hard_examples(record: Record, dataset: Dataset) -> list[Hard]:
    """The test digits that most models got wrong, most first; only ones that at least half of them did."""
    answers = {e.model: e.predictions for e in record.evaluations if e.task == DIGITS.name}
    if not answers:
        return []
    labels = dataset.test.labels
    wrong = sum((~right(labels, given)).astype(int) for given in answers.values())
    order = np.argsort(-np.asarray(wrong), kind="stable")[:HARD_EXAMPLES]
    return [
        Hard(
            index=int(i),
            label=int(labels[i]),
            answers={model: int(given[i]) for model, given in answers.items()},
            image=dataset.test.images[i],
        )
        for i in order
        if 2 * np.asarray(wrong)[i] >= len(answers)
    ]


def lost_examples(record: Record, dataset: Dataset) -> dict[str, list[Hard]]:
    """The test digits that failed regression gates name, with what the model makes of them now, by gate."""
    answers = {(e.model, e.task): e.predictions for e in record.evaluations}
    return {
        f"{v.model} on {v.task}, {v.gate}": [
            Hard(i, int(dataset.test.labels[i]), {v.model: int(answers[v.model, v.task][i])}, dataset.test.images[i])
            for i in v.lost
        ]
        for v in record.verdicts
        if v.lost and answers[v.model, v.task].ndim == 1
    }
