"""Sabotage, on fake models: a change is planted in the estimator, and its runs are judged by the model's gates."""

import pickle
import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fitgate import Dataset, Model, Split, Task
from fitgate.gates import BaselineError, JudgeSettings, baseline_file, write_baseline
from fitgate.metrics import METRICS
from fitgate.record import write_json
from fitgate.sabotage import CONTROL, Defect, Requirement, SabotageError, generic_defects
from fitgate.sabotage.campaign import Campaign, Effort, fit_sound, read_campaign, run
from fitgate.sabotage.catalogue import columns_exchanged, exchanged, times
from fitgate.sabotage.curve import curves
from fitgate.sabotage.defect import DefectiveEstimator
from fitgate.sabotage.nulls import Nulls, nulls
from fitgate.sabotage.pool import Pool
from fitgate.sabotage.report import render, write_report
from fitgate.sabotage.tampering import Tampering
from fitgate.sabotage.trial import Effect, Outcomes, Trial
from fitgate.sabotage.trials import Size, Trials
from fitgate.tasks import TaskData
from tests import fakes
from tests.evidence import ENVIRONMENT, baseline, evaluation, wrong
from tests.fakes import DATASET, DIGITS, FIVES, Above, Floor, NoRegression

GATES = (Floor(DIGITS, "accuracy", 0.5), NoRegression(DIGITS, "accuracy", 0.1))
RULE = "accuracy>baseline-0.1"
SWAPPED = Defect("prediction", "labels exchanged", "4 and 9", answer=lambda y, classes: exchanged(y, 4, 9))
SHORT = Defect("prediction", "truncated", "half", answer=lambda y, classes: y[:100])
NOTHING = Defect("data", "nothing", "none")
SIZE = Size(4, 20, 5)


class Memory:
    """Remembers the labels that it was given last."""

    def fit(self, X, y):
        self.labels = y
        return self

    def predict(self, X):
        return self.labels[-len(X) :]


class Wavering(fakes.Reader):
    """Mistakes some of 200 digits, which and how many by its seed."""

    fits = 0

    def __init__(self, seed=0):
        super().__init__()
        self.seed, self.rng = seed, np.random.default_rng(seed)

    def fit(self, X, y):
        Wavering.fits += 1
        return super().fit(X, y)

    def predict(self, X):
        read = super().predict(X)
        mistaken = self.rng.permutation(len(read))[: 20 + self.rng.integers(0, 5)]
        read[mistaken] = (read[mistaken] + 1) % 10
        return read


def wavering(seed):
    return Wavering(seed)


WAVERING = Model("wavering", wavering, tasks=(DIGITS,), gates=GATES, stochastic=True)


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
    return {
        "models": named,
        "data": [TaskData(task, DATASET)],
        "metrics": METRICS,
        "baselines": directory,
        "pool": Pool(directory / "pool", METRICS),
    }


@pytest.fixture
def waverers(tmp_path):
    """A model whose seeds differ, with a baseline of 20."""
    data = TaskData(DIGITS, DATASET)
    outputs = Pool(tmp_path / "pool", METRICS).runs(WAVERING, data, None, range(20))
    made = baseline(*outputs, model="wavering")
    write_baseline(made, baseline_file(tmp_path, "quick", "wavering", "digits", DATASET.digest))
    return {
        "models": {"wavering": WAVERING},
        "data": [data],
        "metrics": METRICS,
        "baselines": tmp_path,
        "pool": Pool(tmp_path / "pool", METRICS),
    }


@pytest.fixture
def trials(tmp_path):
    return Trials(**project(tmp_path, fakes.model(gates=GATES)))


def caught_by(trial):
    return [gate.gate for gate in trial.gates if gate.failed]


def test_a_change_is_caught_by_the_gate_that_saw_it(trials):
    trial = trials.changed("reader", SWAPPED, SIZE)
    assert caught_by(trial) == [RULE]
    [effect] = trial.effects
    assert (effect.mean, effect.margin, effect.gate, effect.seeds) == (pytest.approx(0.2), 0.1, RULE, 4)
    assert (trial.runs, trial.caught, trial.due, trial.share) == (5, 5, True, 1)


def test_seeds_of_its_own_tell_what_a_change_costs_and_others_are_judged_in_runs(waverers):
    trials = Trials(**waverers)
    trial = trials.changed("wavering", SWAPPED, Size(30, 30, 20))
    [effect] = trial.effects
    assert effect.low < effect.mean < effect.high
    assert 0.13 < effect.mean < 0.2
    assert (effect.seeds, trial.runs, trial.caught) == (30, 20, 20)
    small = trials.changed("wavering", NOTHING, Size(30, 30, 20))
    assert (small.effects[0].mean, small.due, small.caught, small.inconclusive) == (0, False, 0, 0)
    assert small.seeds >= 1
    used = {int(path.stem.partition("-")[0]) for path in (waverers["pool"].directory / "wavering").rglob("*.npz")}
    assert used == {*range(0, 20, 10), *range(30_000, 30_030, 10), *range(40_000, 40_030, 10)}


def test_what_the_pool_has_is_not_fitted_again_but_for_what_was_damaged(waverers):
    data, pool = waverers["data"][0], waverers["pool"]
    before = Wavering.fits
    first = pool.runs(WAVERING, data, SWAPPED, range(20))
    again = Pool(pool.directory, METRICS).runs(WAVERING, data, SWAPPED, range(20))
    assert Wavering.fits == before + 20
    assert all(np.array_equal(a.predictions, b.predictions) for a, b in zip(first, again, strict=True))
    damaged = next(path for path in pool.directory.rglob("0-10.npz") if "labels" in path.parent.name)
    damaged.write_bytes(b"damaged")
    pool.runs(WAVERING, data, SWAPPED, range(20))
    assert Wavering.fits == before + 30


def test_a_pool_of_another_environment_is_refused(waverers):
    path = waverers["pool"].directory / "pool.json"
    path.write_text(path.read_text().replace('"python": "', '"python": "2.'))
    with pytest.raises(SabotageError, match=r"found a pool that was begun before a change .*Python 2.*delete this one"):
        Pool(waverers["pool"].directory, METRICS)


def test_what_models_give_in_another_environment_is_a_change_that_should_not_matter(waverers, tmp_path):
    fit_sound(Trials(**waverers | {"pool": Pool(tmp_path / "there", METRICS)}), SMALL, print)
    about = tmp_path / "there" / "pool.json"
    about.write_text(about.read_text().replace('"python": "', '"python": "2.'))
    there = Pool(tmp_path / "there", METRICS, foreign=True)
    fits = Wavering.fits
    lines = []
    campaign = run(
        tmp_path / "c.json", **waverers, foreign=[there], defects=[], effort=SMALL, only="environment", say=lines.append
    )
    assert Wavering.fits == fits + 2  # of the sound ones here alone
    [trial] = campaign.trials
    assert (trial.family, trial.defect, trial.runs, trial.caught) == (CONTROL, "another environment", 3, 0)
    assert re.fullmatch(r"Python 3\S+ -> 2\.3\S+", trial.severity)
    assert trial.effects[0].mean == 0
    with pytest.raises(SabotageError, match=r"no fits of wavering on digits with seeds 30000 to 30002.*--fit-only"):
        there.runs(WAVERING, waverers["data"][0], None, range(30_000, 30_003))


def test_a_pool_of_other_sources_is_refused_and_what_a_campaign_writes_is_none_of_them(waverers, tmp_path):
    (tmp_path / "sabotage.json").write_text("{}")
    Pool(waverers["pool"].directory, METRICS)
    (tmp_path / "model.py").write_text("EPOCHS = 3")
    with pytest.raises(SabotageError, match="the project's Python files"):
        Pool(waverers["pool"].directory, METRICS)


def carried(what, work, seeds):
    """As a worker gives them back."""
    return [pickle.loads(pickle.dumps(work(seed))) for seed in seeds]


def test_fits_elsewhere_come_back_as_those_here_do(waverers, tmp_path):
    data = waverers["data"][0]
    away = Pool(tmp_path / "away", METRICS, spread=carried)
    here = waverers["pool"].runs(WAVERING, data, SWAPPED, range(20))
    for a, b in zip(away.runs(WAVERING, data, SWAPPED, range(20)), here, strict=True):
        assert np.array_equal(a.predictions, b.predictions)
    assert all("predictions of shape (100,)" in one for one in away.runs(WAVERING, data, SHORT, range(3)))
    broken = Defect("model", "a patch", "all", after_fit=lambda estimator: estimator.no_such_method())
    with pytest.raises(SabotageError, match="found AttributeError while it was planted"):
        away.runs(WAVERING, data, broken, range(3))


class Moody(Wavering):
    """Fails with one seed of ten."""

    def fit(self, X, y):
        if self.seed % 10 == 7:
            raise ValueError("not today")
        return super().fit(X, y)


def without_score(estimator):
    if estimator.seed % 10 == 7:
        estimator.predict = lambda X: np.zeros(3)


def test_seeds_that_fail_fail_the_runs_that_come_to_them_alone(waverers):
    moody = Defect("model", "moody", "one of ten", after_fit=without_score)
    trial = Trials(**waverers).changed("wavering", moody, Size(10, 30, 200))
    assert (trial.broken, trial.effects[0].seeds) == (4, 9)
    assert "predictions of shape (3,)" in trial.error
    assert 0 < trial.caught < 60


def test_a_model_that_is_not_sound_is_no_catch(waverers):
    waverers["models"] = {"wavering": replace(WAVERING, build=Moody)}
    with pytest.raises(SabotageError, match=r"wavering on digits: found that it fails as it is \(.*not today"):
        Trials(**waverers).changed("wavering", SWAPPED, Size(10, 10, 5))


def test_a_project_that_fails_as_it_is_shows_nothing(tmp_path):
    gates = (Floor(DIGITS, "accuracy", 0.99), NoRegression(DIGITS, "accuracy", 0.1))
    given = project(tmp_path, fakes.model(gates=gates), outputs=evaluation(DIGITS, wrong(10)))
    with pytest.raises(SabotageError, match=r"found that accuracy>=0.99 fails as it is"):
        Trials(**given)


@pytest.mark.parametrize(("seeds", "runs"), [(1, 1), (3, 5)])
def test_of_a_model_that_does_not_say_the_baseline_shows_whether_it_heeds_its_seed(tmp_path, seeds, runs):
    model = fakes.model(gates=GATES, stochastic=None)
    given = project(tmp_path, fakes.model(gates=GATES, stochastic=seeds > 1)) | {"models": {"reader": model}}
    trial = Trials(**given).changed("reader", SWAPPED, SIZE)
    assert (trial.runs, caught_by(trial)) == (runs, [RULE])


def test_a_change_that_breaks_the_model_is_caught_outright(trials):
    trial = trials.changed("reader", SHORT, SIZE)
    assert (trial.due, trial.share, trial.effects, trial.broken) == (True, 1, [], 24)
    assert "predictions of shape (100,) for 200 examples" in trial.error


def test_a_change_that_is_broken_itself_is_no_success_of_the_gates(trials):
    broken = Defect("model", "a patch", "all", after_fit=lambda estimator: estimator.no_such_method())
    with pytest.raises(SabotageError, match="defect a patch, all: found AttributeError while it was planted"):
        trials.changed("reader", broken, SIZE)


def test_a_leak_reaches_the_estimator_and_is_suspected(tmp_path):
    model = fakes.model(estimator=Memory, gates=(NoRegression(DIGITS, "accuracy", 0.1, perfect=True),))
    leak = Defect("data", "test examples leaked into training", "all", leaked=1.0)
    given = project(tmp_path, model, outputs=evaluation(DIGITS, wrong(60)))
    trial = Trials(**given).changed("reader", leak, SIZE)
    assert (trial.caught, trial.noticed, trial.runs) == (0, 5, 5)


def test_the_effect_is_of_the_metric_that_the_gate_judges(tmp_path):
    answers = fakes.LABELS == 5
    ranked = evaluation(FIVES, answers, answers.astype(float))
    gates = (NoRegression(FIVES, "roc_auc", 0.05),)
    given = project(tmp_path, fakes.model(gates=gates), task=FIVES, outputs=ranked)
    turned = Defect("prediction", "scores turned round", "all", scores=lambda scores: columns_exchanged(scores, 0, 1))
    trial = Trials(**given).changed("reader", turned, SIZE)
    [effect] = trial.effects
    assert (effect.title, effect.mean) == ("ROC AUC", pytest.approx(1))
    assert caught_by(trial) == ["roc_auc>baseline-0.05"]


def test_other_models_are_judged_by_their_baselines(tmp_path):
    gates = (NoRegression(FIVES, "roc_auc", 0.05), Above(FIVES, "roc_auc", "weak", perfect=True))
    strong, weak = fakes.model("strong", gates=gates), fakes.model("weak", gates=gates[:1])
    answers = fakes.LABELS == 5
    blind = evaluation(FIVES, answers, np.random.default_rng(0).random(200))
    project(tmp_path, weak, task=FIVES, outputs=blind)
    given = project(tmp_path, strong, task=FIVES, outputs=evaluation(FIVES, answers, answers.astype(float)))
    given["models"]["weak"] = weak
    trial = Trials(**given).changed("strong", NOTHING, SIZE)
    assert [gate.gate for gate in trial.gates if gate.gate.endswith(">weak") and gate.passed] == ["roc_auc>weak"]
    with pytest.raises(SabotageError, match="found a need of weak on fives, which takes no part"):
        Trials(**given | {"models": {"strong": strong}})


def test_gates_that_cannot_be_tried_say_why(tmp_path):
    given = project(tmp_path, fakes.model(gates=GATES))
    with pytest.raises(SabotageError, match="reader on digits: found no baseline, expected a NoRegression gate"):
        Trials(**given | {"baselines": tmp_path / "elsewhere"})
    ungated = {"reader": fakes.model(gates=GATES[:1])}
    with pytest.raises(SabotageError, match="reader: found no regression gate"):
        Trials(**given | {"models": ungated})
    split = Split(np.eye(10), np.arange(10))
    other = [TaskData(DIGITS, Dataset("other", {"quick": lambda: (split, split)}))]
    with pytest.raises(BaselineError, match="found a baseline of other data"):
        Trials(**given | {"data": other})


def test_sound_models_are_held_to_baselines_of_their_own_fits(waverers):
    ungated = [*waverers["data"], TaskData(FIVES, DATASET)]
    waverers |= {"data": ungated, "models": {"wavering": replace(WAVERING, tasks=(DIGITS, FIVES))}}
    lines = []
    found = nulls(Trials(**waverers), 60, 3, 30, lines.append)
    assert (found.pool, found.baselines, found.runs) == ({"wavering": 60}, 3, 30)
    assert found.failed == found.confirmed == 0
    assert found.gates == [("wavering", "digits", RULE, 0)]
    assert lines[-1] == "0 of 30 runs of sound models failed so far, against 3 baselines"


def test_sound_models_are_held_to_the_project_s_own_baselines_where_none_are_drawn(waverers):
    found = nulls(Trials(**waverers), 20, 0, 10, print)
    assert (found.baselines, found.runs, found.failed) == (0, 10, 0)


def test_gates_that_err_on_sound_models_are_counted(waverers, monkeypatch):
    eager = JudgeSettings(significance=0.9)
    monkeypatch.setattr("fitgate.sabotage.nulls.JudgeSettings", lambda **_: eager)
    gates = (NoRegression(DIGITS, "accuracy", 0.001),)
    waverers["models"] = {"wavering": replace(WAVERING, gates=gates)}
    assert nulls(Trials(**waverers), 60, 3, 30, print).failed > 0


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


SMALL = Effort(Size(2, 10, 3), 30, 2, 4)


def test_a_campaign_keeps_what_it_found(waverers, tmp_path):
    path, lines = tmp_path / "campaign.json", []
    harmless = Defect(CONTROL, "labels exchanged", "none")
    campaign = run(
        path, **waverers, defects=[SWAPPED, harmless], effort=SMALL, only="labels exchanged", say=lines.append
    )
    assert [(trial.defect, trial.severity, trial.runs) for trial in campaign.trials] == [
        ("labels exchanged", "4 and 9", 3),
        ("labels exchanged", "none", 3),
    ]
    assert (campaign.nulls, campaign.tamperings, campaign.tasks) == (None, [], ["digits"])
    assert re.match(
        r"1/2 wavering: labels exchanged, 4 and 9: \+1\d.\d\d points of accuracy, 1.\d margins; 3 of 3", lines[0]
    )
    assert msgspec.to_builtins(read_campaign(path)) == msgspec.to_builtins(campaign)


def test_a_campaign_goes_on_where_its_file_ends_and_begins_anew_where_the_work_is_another(waverers, tmp_path):
    path, defects = tmp_path / "campaign.json", [SWAPPED, NOTHING]

    def names(only, **changed):
        given = {"effort": SMALL, "defects": defects, "only": only, "say": print, **changed}
        campaign = run(path, **waverers, **given)
        return [trial.defect for trial in campaign.trials], campaign.nulls is not None

    assert names("labels exchanged wavering") == (["labels exchanged"], False)
    assert names("sound models") == (["labels exchanged"], True)
    fits = Wavering.fits
    assert names("labels exchanged wavering") == (["labels exchanged"], True)
    assert Wavering.fits == fits
    assert names("nothing wavering") == (["labels exchanged", "nothing"], True)
    assert names("nothing wavering", effort=SMALL._replace(size=Size(2, 2, 2))) == (["nothing"], False)
    assert names("nothing wavering") == (["nothing"], False)
    again = baseline(*[evaluation(DIGITS, wrong(21))] * 20, model="wavering")
    write_baseline(again, baseline_file(tmp_path, "quick", "wavering", "digits", DATASET.digest))
    assert names("labels exchanged wavering") == (["labels exchanged"], False)  # judged by another baseline
    names("nothing wavering", effort=SMALL._replace(size=Size(2, 2, 2)))
    moved = read_campaign(path)
    moved.environment = msgspec.structs.replace(moved.environment, cpu="Abacus")
    moved.processors = ["Abacus"]
    write_json(moved, path)
    assert names("labels exchanged wavering", effort=SMALL._replace(size=Size(2, 2, 2)))[0] == [
        "nothing",
        "labels exchanged",
    ]
    moved = read_campaign(path)
    assert len(moved.processors) == 2
    assert f"on Abacus and {moved.processors[1]}" in render(moved, "c.png")
    moved.environment = msgspec.structs.replace(moved.environment, python="2.7")
    write_json(moved, path)
    with pytest.raises(SabotageError, match="a campaign on this project, of another env"):
        names("nothing wavering", effort=SMALL._replace(size=Size(2, 2, 2)))


def test_two_changes_of_one_name_are_refused(tmp_path):
    given = project(tmp_path, fakes.model(gates=GATES)) | {"defects": [SHORT, replace(SHORT, family="data")]}
    with pytest.raises(SabotageError, match="found two of that name and severity for reader"):
        run(tmp_path / "c.json", **given, effort=SMALL, only="truncated reader", say=print)


def tried(severity, mean, failed, family="data", model="m", **changed):
    """A trial of 100 runs, by the effect in margins."""
    effect = Effect("t", RULE, "accuracy", "share", 0.01, 0.01 * mean, 0.01 * mean - 0.001, 0.01 * mean + 0.001, 40)
    gate = Outcomes("t", RULE, failed, 100 - failed, 0, 0)
    about = (family, "noise", severity, model)
    return msgspec.structs.replace(Trial(*about, [effect], [gate], 100, failed, 0, 0, 2.0), **changed)


def test_a_curve_goes_up_through_the_changes_that_were_tried():
    trials = [tried("1", 0.0, 0), tried("2", 0.5, 20), tried("3", 1.0, 90), tried("4", 2.5, 100)]
    leak = tried("a leak that fails as perfect", -7.0, 100)
    [curve] = curves([*trials, leak, tried("c", 1.0, 0, CONTROL), tried("one run", 1.0, 0, runs=1)])
    assert [curve.fails(at) for at in (0.0, 0.5, 0.75, 1.0)] == pytest.approx([0, 0.2, 0.55, 0.9])
    assert curve.passes(1.0) == pytest.approx(0.1)
    assert [curve.fails(at) for at in (1.75, 3.0)] == [None, None]  # far from what was tried, and beyond it
    assert curves(trials[:1]) == []


def test_the_report_shows_misses_first_then_counts(tmp_path):
    trials = [
        tried("much", 2.0, 100),
        tried("some", 1.2, 60),
        tried("little", 0.2, 1),
        tried("leak", -3.0, 0, noticed=95),
        tried("broken", 0.0, 100, "model", effects=[], broken=80, error="ValueError: no"),
        tried("threads", 0.0, 1, CONTROL),
    ]
    tamperings = [Tampering("an edited baseline", True, "FAIL: edited"), Tampering("no gate", False, "passed")]
    sound = Nulls({"m": 300}, 20, 1_000, 4, 0, 2, 1.5, [("m", "t", RULE, 4)])
    path = tmp_path / "campaign.json"
    write_json(Campaign("quick", "0123", ENVIRONMENT, ["t"], trials, sound, tamperings, seconds=60), path)
    report = re.sub(" +", " ", render(read_campaign(path), "figure.png"))
    assert "**2 of 3** failed at least nine runs of ten. Of the 1 that cost less, " in report
    assert "as leaks do: **1 of 1** were suspected in at least nine runs of ten." in report
    assert "Sound models: **4 of 1,000** runs failed." in report
    assert "tampering with a project: **1 of 2** were refused." in report
    missed, *_ = report.partition("## Missed")[2].partition("##")
    assert "| noise | some | m | +1.20 points of accuracy (1.10 to 1.30) | +1.20 | 60 |" in missed
    assert "| much |" not in missed
    assert "| data | 1 of 2; 2 small |" in report
    assert "| model | 1 of 1 |" in report
    titles = ("## Missed", "## Tampering that was not refused", "## Sound models that failed", "## From which fall on")
    places = [report.index(title) for title in (*titles, "Changes that should not matter</summary>")]
    assert places == sorted(places)
    write_report(read_campaign(path), tmp_path / "sabotage.md")
    assert (tmp_path / "sabotage" / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_metric_in_a_unit_of_its_own_is_shown_in_it():
    effect = Effect("t", "error<baseline+0.5", "error", "mm", 0.5, 1.5, None, None, 1)
    gate = Outcomes("t", "error<baseline+0.5", 0, 1, 0, 0)
    trial = Trial("data", "noise", "some", "m", [effect], [gate], 1)
    report = render(Campaign("", None, ENVIRONMENT, ["sizes"], [trial]), "figure.png")
    assert "+1.50 mm of error" in report
    assert "tasks sizes; of no commit." in report
