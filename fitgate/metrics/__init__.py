"""Metrics: numbers that say how good a model's output is, each with its bound and its paired test."""

from fitgate.metrics.builtin import METRICS
from fitgate.metrics.metric import Bound, Metric, MetricError, Outputs, PairedTest, Rates, Target, right

__all__ = ["METRICS", "Bound", "Metric", "MetricError", "Outputs", "PairedTest", "Rates", "Target", "right"]
