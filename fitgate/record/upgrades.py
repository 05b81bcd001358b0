"""Upgrades: one step per version, from the content of an older record to that of the next.

Records up to schema 2 were all of one project, digit-bench: of MNIST's images, with the three tasks and four metrics
that this module names. They are history, and no part of the library's vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.record.arrays import decode_array, encode_array

Content = dict[str, Any]

TASKS: dict[str, tuple[str, str, list[str], Callable[[NDArray[Any]], NDArray[Any]]]] = {
    "digits": ("multiclass", "Which of the ten digits is it?", ["accuracy", "macro_f1"], lambda y: y),
    "fives": ("binary", "Is it a 5?", ["roc_auc", "accuracy", "f1"], lambda y: y == 5),
    "traits": (
        "multilabel-indicator",
        "Is it 7 or more? Is it odd?",
        ["macro_f1", "accuracy"],
        lambda y: np.column_stack([y >= 7, y % 2 == 1]),
    ),
}
TITLES = {"accuracy": "accuracy", "f1": "F1", "macro_f1": "macro F1", "roc_auc": "ROC AUC"}
OLD_DIGITS = {"train-images": "train X", "train-labels": "train y", "t10k-images": "test X", "t10k-labels": "test y"}


def _to_second(content: Content) -> Content:
    """Schema 1 knew neither threads, conditions, calibrations nor memory: what it lacks has defaults."""
    return {**content, "schema": 2}


def _to_third(content: Content) -> Content:
    """Schema 2 had one dataset and no description of tasks, metrics and gates; its images are examples now."""
    old = dict(content)
    data, models, story = old.pop("data", None), old.pop("models", []), old.pop("story", [])
    seconds, hard, lost = old.pop("section_seconds", {}), old.pop("hard", []), old.pop("lost", {})
    settings = {"profile": old.pop("profile"), "seed": old.pop("seed"), "threads": old.pop("threads_asked", None)}
    seeds = {run["fit"]["seed"] for run in old.get("seed_runs", [])}
    named = dict.fromkeys(name for model in models for name in model["tasks"])
    extras = [{"type": "Extra", "owner": "story", "content": block} for block in story]
    if seconds:
        extras.append({"type": "Extra", "owner": "story-seconds", "content": seconds})
    return {
        **old,
        "schema": 3,
        "settings": {**settings, "seeds": len(seeds)},
        "datasets": [_data(data, settings["profile"])] if data else [],
        "tasks": [_task(name, data) for name in named] if data else [],
        "metrics": [{"type": "MetricEntry", "name": name, "title": title} for name, title in TITLES.items()],
        "models": [_model(model) for model in models],
        "verdicts": [_verdict(verdict) for verdict in old.get("verdicts", [])],
        "timings": [_timing(timing) for timing in old.get("timings", [])],
        "misclassified": [_example("digits", example) for example in hard],
        "lost": {gate: [_example(gate.split()[2].rstrip(","), e) for e in several] for gate, several in lost.items()},
        "extras": extras,
    }


def _data(data: Content, profile: str) -> Content:
    return {
        "type": "DataEntry",
        "name": data["name"],
        "profile": profile,
        "digest": data["digest"],
        "digests": {OLD_DIGITS[part]: digest for part, digest in data["digests"].items()},
        "n_train": data["n_train"],
        "n_test": data["n_test"],
        "labels": data["test_labels"],
        "class_names": [str(digit) for digit in range(10)],
        "image_shape": [28, 28],
    }


def _task(name: str, data: Content) -> Content:
    kind, question, metrics, target = TASKS[name]
    truth = np.ascontiguousarray(target(decode_array(data["test_labels"])))
    return {
        "type": "TaskEntry",
        "name": name,
        "dataset": data["name"],
        "kind": kind,
        "question": question,
        "metrics": metrics,
        "target": {**encode_array(truth), "shape": list(truth.shape)},
    }


def _model(model: Content) -> Content:
    """Predictions were timed on the ten digits, wherever that task stood; models were stochastic where none said."""
    return {
        "stochastic": True,
        **model,
        "type": "ModelEntry",
        "tasks": sorted(model["tasks"], key=lambda name: name != "digits"),
    }


def _verdict(verdict: Content) -> Content:
    """Kind and metric stood only in the rule's text."""
    rule = verdict["gate"]
    for sign, kind, bound_of in ((">=", "Floor", "value"), (">baseline-", "NoRegression", ""), (">", "Above", "lead")):
        metric, found, _ = rule.partition(sign)
        if found:
            return {**verdict, "kind": kind, "metric": metric, "bound_of": bound_of}
    return verdict


def _timing(timing: Content) -> Content:
    return {("work_per_example" if name == "work_per_image" else name): value for name, value in timing.items()}


def _example(task: str, example: Content) -> Content:
    kept = {name: value for name, value in example.items() if name != "image"}
    return {**kept, "task": task, "row": example["image"]}


UPGRADES: dict[Any, Callable[[Content], Content]] = {1: _to_second, 2: _to_third}
