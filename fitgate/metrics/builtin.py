"""The metrics that come with the library, by name."""

from __future__ import annotations

from fitgate.metrics.labels import LABELS
from fitgate.metrics.metric import Metric
from fitgate.metrics.numbers import NUMBERS
from fitgate.metrics.probabilities import PROBABILITIES
from fitgate.metrics.scores import SCORES

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*LABELS, *SCORES, *PROBABILITIES, *NUMBERS)}
