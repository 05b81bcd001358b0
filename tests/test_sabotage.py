"""Sabotage, on fake models: a defect is planted in the estimator, judged by the model's gates, and reported."""

import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fitgate import Dataset, Model, Split, Task
from fitgate.gates import BaselineError, baseline_file, write_baseline
from fitgate.metrics import METRICS
from fitgate.record import write_json
from fitgate.sabotage import CONTROL, Defect, Requirement, SabotageError, generic_defects
from fitgate.sabotage.campaign import Campaign, follow, read_campaign, run
from fitgate.sabotage.catalogue import columns_exchanged, exchanged, times
from fitgate.sabotage.defect import DefectiveEstimator
from fitgate.sabotage.tampering import Tampering
from fitgate.sabotage.trials import Trials
from fitgate.tasks import TaskData
from tests import fakes
from tests.evidence import ENVIRONMENT, baseline, evaluation, wrong
from tests.fakes import DATASET, DIGITS, FIVES, Above, Floor, NoRegression

GATES = (Floor(DIGITS, "accuracy", 0.5), NoRegression(DIGITS, "accuracy", 0.1))
RULE = "accuracy>baseline-0.1"
SWAPPED = Defect("prediction", "labels exchanged", "4 and 9", answer=lambda y, classes: exchanged(y, 4, 9))
SHORT = Defect("prediction", "truncated", "half", answer=lambda y, classes: y[:100])


class Memory:
    """Remembers the labels that it was given last."""

    def fit(self, X, y):
        self.labels = y
        return self

    def predict(self, X):
        return self.labels[-len(X) :]


@pytest.fixture(autouse=True)
def own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def project(directory, *models, task=DIGITS, outputs=None):
    """What a campaign takes of a project whose models have baselines with these outputs; by default, perfect ones."""
    for model in models:
        made = baseline(
            *[outputs or evaluation(DIGITS, wrong(0))] * (3 if model.stochastic else 1), task=task, model=model.name
        )
        write_baseline(made, baseline_file(directory, "quick", model.name, task.name, DATASET.digest))
    named = {model.name: model for model in models}
    return {"models": named, "task": task, "data": DATASET, "metrics": METRICS, "baselines": directory}


@pytest.fixture
def trials(tmp_path):
    return Trials(**project(tmp_path, fakes.model(gates=GATES)))


def test_a_defect_is_caught_by_the_gate_that_saw_it(trials):
    trial = trials.defective("reader", SWAPPED, [1])
    assert trial.caught_by == [RULE]
    assert (trial.effect, trial.margin, trial.metric) == (pytest.approx(0.2), 0.1, "accuracy")


def test_a_clean_model_raises_no_alarm(trials):
    alone, together = trials.clean("reader", [1, 2, 3])
    assert not any(trial.caught_by for trial in [*alone, together])
    assert [trial.seeds for trial in alone] == [[1], [2], [3]]


@pytest.mark.parametrize(("seeds", "tried"), [(1, [1]), (3, [1, 2, 3])])
def test_of_a_model_that_does_not_say_the_baseline_shows_whether_it_heeds_its_seed(tmp_path, seeds, tried):
    model = fakes.model(gates=GATES, stochastic=None)
    given = project(tmp_path, fakes.model(gates=GATES, stochastic=seeds > 1)) | {"models": {"reader": model}}
    trial = Trials(**given).defective("reader", SWAPPED, [1, 2, 3])
    assert (trial.seeds, trial.caught_by) == (tried, [RULE])


def test_a_defect_that_breaks_the_model_is_caught_outright(trials):
    trial = trials.defective("reader", SHORT, [1])
    assert (trial.caught_by, trial.effect) == (["failed outright"], None)
    assert "predictions of shape (100,) for 200 examples" in trial.error


def test_a_defect_that_is_broken_itself_is_no_success_of_the_gates(trials):
    broken = Defect("model", "a patch", "all", after_fit=lambda estimator: estimator.no_such_method())
    with pytest.raises(SabotageError, match="defect a patch, all: found AttributeError while it was planted"):
        trials.defective("reader", broken, [1])


def test_a_leak_reaches_the_estimator_and_is_suspected(tmp_path):
    model = fakes.model(estimator=Memory, gates=(NoRegression(DIGITS, "accuracy", 0.1),))
    leak = Defect("data", "test examples leaked into training", "all", leaked=1.0)
    given = project(tmp_path, model, outputs=evaluation(DIGITS, wrong(60)))
    trial = Trials(**given).defective("reader", leak, [1])
    assert (trial.caught_by, trial.suspected) == ([], [RULE])


def test_the_effect_is_of_the_metric_that_the_gate_judges(tmp_path):
    answers = fakes.LABELS == 5
    ranked = evaluation(FIVES, answers, answers.astype(float))
    gates = (NoRegression(FIVES, "roc_auc", 0.05),)
    given = project(tmp_path, fakes.model(gates=gates), task=FIVES, outputs=ranked)
    turned = Defect("prediction", "scores turned round", "all", scores=lambda scores: columns_exchanged(scores, 0, 1))
    trial = Trials(**given).defective("reader", turned, [1])
    assert (trial.metric, trial.effect) == ("ROC AUC", pytest.approx(1))
    assert trial.caught_by == ["roc_auc>baseline-0.05"]


def test_other_models_are_judged_by_their_baselines(tmp_path):
    gates = (NoRegression(FIVES, "roc_auc", 0.05), Above(FIVES, "roc_auc", "weak"))
    strong, weak = fakes.model("strong", gates=gates), fakes.model("weak", gates=gates[:1])
    answers = fakes.LABELS == 5
    blind = evaluation(FIVES, answers, np.random.default_rng(0).random(200))
    given = project(tmp_path, strong, weak, task=FIVES, outputs=blind)
    trial = Trials(**given).defective("strong", Defect("data", "nothing", "none"), [1])
    assert trial.caught_by == []
    with pytest.raises(SabotageError, match="found a need of weak on fives, which takes no part"):
        Trials(**given | {"models": {"strong": strong}})


def test_gates_that_cannot_be_tried_say_why(tmp_path):
    given = project(tmp_path, fakes.model(gates=GATES))
    with pytest.raises(SabotageError, match="reader on digits: found no baseline, expected a NoRegression gate"):
        Trials(**given | {"baselines": tmp_path / "elsewhere"})
    ungated = {"reader": fakes.model(gates=GATES[:1])}
    with pytest.raises(SabotageError, match="reader on digits: found no regression gate"):
        Trials(**given | {"models": ungated})
    split = Split(np.eye(10), np.arange(10))
    other = Dataset("other", {"quick": lambda: (split, split)})
    with pytest.raises(BaselineError, match="found a baseline of other data"):
        Trials(**given | {"data": other})


def frame():
    import pandas as pd

    return pd.DataFrame({"a": np.arange(400.0), "b": np.arange(400)[::-1]})


def sparse():
    from scipy.sparse import csr_array

    return csr_array(np.arange(1, 801).reshape(400, 2))


EXAMPLES = {
    "floats": lambda: np.arange(800.0).reshape(400, 2),
    "images": lambda: np.resize(np.arange(250, dtype=np.uint8), (400, 2, 2)),
    "frame": frame,
    "sparse": sparse,
    "texts": lambda: [f"word {i}" for i in range(400)],
}
TARGETS = {
    "names": np.array(["a", "b", "c", "a"] * 100),
    "numbers": np.linspace(0.1, 0.9, 400),
    "labels": np.array([[0, 1], [1, 0]] * 200),
}


class Witness:
    """Notes what it is given, in a form that can be compared."""

    def fit(self, X, y):
        self.seen = [shown(X), shown(y)]
        return self

    def predict(self, X):
        self.seen.append(shown(X))
        return self.answers


def shown(X):
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X).tolist()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_generic_defect_that_applies_changes_what_is_learnt_seen_or_answered(examples, target):
    X, y = EXAMPLES[examples](), TARGETS[target]
    dataset = Dataset.from_arrays("d", X, y, X, y)
    data = TaskData(Task("t", dataset), dataset)
    model = Model("witness", lambda seed: Witness(), tasks=(data.task,))

    def outcome(defect):
        inner = Witness()
        inner.answers = y
        estimator = DefectiveEstimator(inner, defect, 7, data).fit(data.dataset.train.X, data.y_train)
        return estimator.predict(data.dataset.test.X).tolist(), inner.seen

    sound = outcome(Defect("data", "nothing", "none"))
    planted = [defect for defect in generic_defects() if defect.applies(model, data)]
    assert {defect.name for defect in planted} >= {"rows deleted", "label noise", "labels shifted by one"}
    assert any(defect.needs == (Requirement.CLASSES,) for defect in planted) == (target == "names")
    assert any(defect.needs == (Requirement.NUMERIC,) for defect in planted) == (
        examples in ("floats", "images", "frame")
    )
    for defect in planted:
        assert outcome(defect) != sound, defect


def test_generic_defects_have_names_of_their_own():
    names = [(defect.name, defect.severity) for defect in generic_defects()]
    assert len(set(names)) == len(names)


def test_settings_reach_the_estimator_inside_a_pipeline_and_a_wrapper():
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(C=2.0)))
    defect = Defect("training", "regularisation", "x10", settings={"C": times(10), "max_iter": 70})
    DefectiveEstimator(pipeline, defect, 0, TaskData(DIGITS, DATASET)).fit(np.eye(4, 784), np.array([0, 1, 0, 1]))
    inner = pipeline[-1].estimator
    assert (inner.C, inner.max_iter) == (20, 70)


def test_settings_apply_where_the_estimator_has_them():
    from sklearn.ensemble import RandomForestClassifier

    forest = Model("forest", lambda seed: RandomForestClassifier(max_depth=None), tasks=(DIGITS,))
    data = TaskData(DIGITS, DATASET)
    assert Defect("settings", "trees", "x0.1", settings={"n_estimators": times(0.1)}).applies(forest, data)
    assert not Defect("settings", "depth", "x0.1", settings={"max_depth": times(0.1)}).applies(forest, data)
    assert not Defect("settings", "C", "x10", settings={"C": 10}).applies(forest, data)
    with pytest.raises(SabotageError, match="found no parameter trees of forest"):
        Defect("settings", "trees", "5", ("forest",), settings={"trees": 5}).applies(forest, data)


def test_a_defective_estimator_has_scores_where_the_sound_one_has():
    defect, data = Defect("data", "nothing", "none"), TaskData(DIGITS, DATASET)
    assert hasattr(DefectiveEstimator(fakes.Reader(), defect, 0, data), "decision_function")
    assert not hasattr(DefectiveEstimator(Memory(), defect, 0, data), "decision_function")


def test_a_campaign_keeps_what_it_found(tmp_path):
    path, lines = tmp_path / "campaign.json", []
    given = project(tmp_path, fakes.model("learner", fakes.Learner, gates=GATES, seeded=True))
    harmless = Defect(CONTROL, "labels exchanged", "none")
    campaign = run(
        path, **given, defects=[SWAPPED, harmless], seeds=2, controls=5, only="labels exchanged", say=lines.append
    )
    assert [(trial.defect, trial.severity, len(trial.seeds)) for trial in campaign.trials] == [
        ("labels exchanged", "4 and 9", 2)
    ]
    assert [len(trial.seeds) for trial in campaign.together] == [2, 5]
    assert (len(campaign.alone), campaign.tamperings, campaign.task) == (5, [], "digits")
    assert lines[0].startswith("1/2 learner: labels exchanged, 4 and 9: effect +")
    assert msgspec.to_builtins(read_campaign(path)) == msgspec.to_builtins(campaign)


def test_two_defects_of_one_name_are_refused(tmp_path):
    given = project(tmp_path, fakes.model(gates=GATES)) | {"defects": [SHORT, replace(SHORT, family="data")]}
    with pytest.raises(SabotageError, match="found two of that name and severity for reader"):
        run(tmp_path / "c.json", **given, seeds=1, controls=0, only="truncated reader", say=print)


def test_what_was_inconclusive_is_given_twice_the_seeds(tmp_path):
    given = project(tmp_path, fakes.model(gates=GATES))
    caught = Trials(**given).defective("reader", SWAPPED, [1])
    unsure = msgspec.structs.replace(caught, seeds=[1, 2, 3], caught_by=[], inconclusive=[RULE])
    path = tmp_path / "campaign.json"
    write_json(Campaign("quick", "0123", ENVIRONMENT, [unsure]), path)
    campaign = follow(path, **given, defects=[SWAPPED], say=print)
    assert [trial.seeds for trial in campaign.trials] == [[1, 2, 3], [4, 5, 6, 7, 8, 9]]
    assert [trial.caught_by for trial in read_campaign(path).latest] == [[RULE]]


def test_the_report_counts_what_was_due_and_what_was_missed(trials, tmp_path):
    from fitgate.sabotage.report import render

    caught = trials.defective("reader", SWAPPED, [1])
    missed = msgspec.structs.replace(caught, defect="something subtle", caught_by=[])
    small = msgspec.structs.replace(missed, defect="something small", effect=0.01)
    alone, together = trials.clean("reader", [1, 2])
    tamperings = [Tampering("an edited baseline", True, "FAIL: edited"), Tampering("no gate", False, "passed")]
    leaked = msgspec.structs.replace(missed, defect="a leak", effect=-0.2, suspected=[RULE])
    campaign = Campaign(
        "quick", "0123", ENVIRONMENT, [caught, missed, small, leaked], alone, [together], tamperings, 60
    )
    path = tmp_path / "campaign.json"
    write_json(campaign, path)
    report = re.sub(" +", " ", render(read_campaign(path)))
    assert (
        "**1 of 2** defects whose effect is at least the margin were caught; missed: reader: something subtle, 4 and "
        "9, which passed. Of the 1 with a smaller effect, 0 were caught and 0 called inconclusive." in report
    )
    assert "**1 of 2** ways of tampering with a project were refused." in report
    assert "**0 of 2** (at most 77.64 %, exact one-sided 95 % bound) clean runs with one fresh seed each" in report
    assert "**1 of 1** leaks that gain at least the margin were suspected." in report
    assert "| something small | 4 and 9 | reader | · nothing | +1.00 | 10 | 1 |" in report


def test_a_metric_in_a_unit_of_its_own_is_shown_in_it(trials):
    from fitgate.sabotage.report import render

    share = trials.defective("reader", SWAPPED, [1])
    size = msgspec.structs.replace(share, effect=1.5, margin=0.5, metric="error", unit="mm")
    report = re.sub(" +", " ", render(Campaign("", None, ENVIRONMENT, [share, size], task="sizes")))
    assert "| effect | margin |" in report
    assert "| +20.00 points | 10 points | 1 |" in report
    assert "| +1.50 mm | 0.5 mm | 1 |" in report
    assert "task sizes; metric accuracy, error; not in git." in report
