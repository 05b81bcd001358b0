"""A plugin from outside brings a dataset, a metric and a kind of gate of its own, without a change in the library."""

from fitgate import Outcome
from fitgate.cli import main
from fitgate.record import read

PLUGIN = '''
"""Whether plants are told apart, and none of their kinds forgotten: 40 lines, outside the library."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_iris
from sklearn.metrics import cohen_kappa_score, recall_score
from sklearn.tree import DecisionTreeClassifier

from fitgate import Dataset, Floor, Gate, Metric, Model, Outcome, Task

PLANTS = Task("plants", "iris", metrics=("kappa", "accuracy"), question="Which iris is it?")


@dataclass(frozen=True)
class LeastRecall(Gate):
    """No class is found less often than this."""

    share: float

    def rule(self, profile):
        return f"recall of each class>={self.share:g}"

    def examine(self, model, evidence):
        target, answers = evidence.truths["plants"].target, evidence.evaluation_of(model, "plants").predictions
        least = float(np.min(recall_score(target, answers, average=None)))
        outcome = Outcome.PASS if least >= self.share else Outcome.FAIL
        return self.verdict(model, evidence, outcome, f"The least recall is {least:.2f}.", value=least)


TREE = Model("tree", lambda seed: DecisionTreeClassifier(random_state=seed), gates=(
    Floor(PLANTS, "kappa", 0.5), LeastRecall(PLANTS, 0.6), LeastRecall(PLANTS, 0.999)))

def pytest_fitgate_models():
    return [TREE]

def pytest_fitgate_datasets():
    return [Dataset.from_sklearn(load_iris, test_size=0.5)]

def pytest_fitgate_metrics():
    return [Metric("kappa", cohen_kappa_score, label="Cohen's kappa", range=(-1, 1))]

def pytest_fitgate_gates():
    return [LeastRecall]
'''
TESTS = "from fitgate.checks import test_gate"


def test_it_is_gated_recorded_reported_and_judged_again(project, capsys):
    assert len([line for line in PLUGIN.splitlines() if line.strip()]) <= 40
    project.pytester.makepyfile(plants=PLUGIN, test_plants=TESTS)
    project.pytester.makeconftest('pytest_plugins = ["plants"]')
    assert project.run("-q").ret == 1
    (directory,) = project.runs
    record = read(directory)
    assert {v.gate: v.outcome for v in record.verdicts} == {
        "kappa>=0.5": Outcome.PASS,
        "recall of each class>=0.6": Outcome.PASS,
        "recall of each class>=0.999": Outcome.FAIL,
    }
    assert [(data.name, data.class_names) for data in record.datasets] == [
        ("iris", ["setosa", "versicolor", "virginica"])
    ]
    assert {v.kind for v in record.verdicts} == {"Floor", "LeastRecall"}
    report = (directory / "report.md").read_text(encoding="utf-8")
    assert "Cohen's kappa" in report
    assert "The least recall is 0." in report
    assert "versicolor" in report
    assert main(["judge", str(directory)]) == 1
    out = capsys.readouterr().out
    assert "the record has" not in out
    assert "FAIL: 1 of 3 gates failed: tree recall of each class>=0.999 on plants" in out
