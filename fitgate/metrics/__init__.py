"""Metrics: numbers that say how good a model's output is, each with its bound and its paired test."""

from fitgate.metrics.builtin import METRICS
from fitgate.metrics.metric import Bound, Metric, Outputs, PairedTest, Rates, right

__all__ = ["METRICS", "Bound", "Metric", "Outputs", "PairedTest", "Rates", "right"]
