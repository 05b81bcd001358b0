"""Small data: every example is tested out of fold, gates judge by all folds, and a record alone says so again."""

import shutil
from typing import ClassVar

import msgspec
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.stats import t

from fitgate import Above, CrossValidation, Dataset, Floor, Metric, Model, NoRegression, Outcome, Split, Task
from fitgate.cli import main
from fitgate.data import DataError
from fitgate.gates import GATES, Claim, Evidence, JudgeSettings, Truth, Verdict, collect, judge
from fitgate.gates.planning import plans
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.plugin.project import project as project_of
from fitgate.record import RecordError, judge_again, lost_examples, read
from fitgate.report.view.mending import answers
from fitgate.runs import Evaluator, ModelFailed, Once
from fitgate.runs.workers import run_seed
from fitgate.sabotage.defect import Defect, DefectiveEstimator
from fitgate.sabotage.pool import Pool
from fitgate.sabotage.trials import Size, Trials
from fitgate.statistics import Folds, corrected_bound, corrected_error, corrected_fall
from fitgate.statistics.folds import first_of_each
from fitgate.tasks import TaskData, known_metrics
from tests.records import blank, describe

N = 40
ROWS = np.arange(N, dtype=float)[:, None]
LABELS = np.arange(N) % 2
GROUPS = np.arange(N) // 4


def of(X=ROWS, y=LABELS, folds=4, repeats=3, **options):
    return Dataset.from_arrays("small", X, y, evaluation=CrossValidation(folds, repeats), **options)


def asked(estimator, *metrics, y=LABELS, seed=0, **options):
    """Its evaluation, on a task that reads these metrics, and that task's data."""
    data = TaskData(Task("t", of(y=y, **options), metrics=metrics or ("accuracy",)), of(y=y, **options))
    known = known_metrics([data.task])
    return run_seed(Model("m", estimator, tasks=(data.task,)), data, known, None, seed).evaluation, data


class Knowing:
    """Answers by the row's own number, wrongly where that is among `wrong`; notes what it was fitted on and asked."""

    seen: ClassVar[list] = []

    def __init__(self, wrong=()):
        self.wrong = list(wrong)

    def fit(self, X, y):
        self.fitted = set(X[:, 0])
        return self

    def predict(self, X):
        Knowing.seen.append((self.fitted, set(X[:, 0])))
        return (X[:, 0].astype(int) % 2) ^ np.isin(X[:, 0], self.wrong)


# Dealing


@pytest.mark.parametrize(
    "X", [ROWS, scipy.sparse.csr_matrix(ROWS), pd.DataFrame(ROWS), [f"text {i}" for i in range(N)]]
)
def test_each_example_is_tested_once_a_repeat_by_folds_of_its_classes_shares(X):
    data = of(X)
    assert (len(data.train), len(data.test), len(data.tested)) == (30, 10, 3 * N)
    for start in range(0, 3 * N, N):
        assert sorted(data.folds.examples[start : start + N]) == list(range(N))
    assert all(data.tested.y[part].sum() == 5 for part in data.folds.parts)
    assert data.folds.fault == ""


def test_repeats_deal_anew_and_the_seed_alone_decides():
    data = of()
    assert set(data.folds.examples[:10]) != set(data.folds.examples[N : N + 10])
    assert of().digest == data.digest
    assert len({data.digest, of(seed=1).digest, of(repeats=2).digest, of(folds=5).digest}) == 4


def test_no_group_is_in_two_folds_of_a_repeat():
    data = of(groups=GROUPS)
    for i in range(len(data.folds.sizes)):
        one = data.of_fold(i)
        assert not set(one.train.groups) & set(one.test.groups)
        assert len(one.train) + len(one.test) == N


def test_numbers_and_rare_classes_are_dealt_out_without_strata():
    for y in (np.linspace(0, 1, N), np.r_[2, LABELS[1:]]):
        assert of(y=y).folds.sizes == [10] * 12


def test_the_train_and_the_test_split_are_those_of_the_first_fold():
    data = of()
    np.testing.assert_array_equal(data.test.X, data.tested.X[:10])
    assert sorted([*data.train.X[:, 0], *data.test.X[:, 0]]) == list(range(N))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CrossValidation(1), "1 folds and 10 repeats, expected 2 folds or more"),
        (lambda: CrossValidation(5, repeats=0), "5 folds and 0 repeats"),
        (lambda: CrossValidation(50, repeats=50), "1,000 fits at most"),
        (lambda: of(test_size=0.5), "a size of the test split beside cross-validation"),
        (lambda: Dataset.from_arrays("d", ROWS, LABELS, evaluation=5), "evaluation=5, expected CrossValidation"),
        (
            lambda: Dataset.from_arrays("d", ROWS, LABELS, ROWS, LABELS, evaluation=CrossValidation()),
            "evaluation beside a test split that is given",
        ),
        (
            lambda: of(folds=41).folds,
            "data that can't be dealt out .40 examples., expected enough examples for 41 folds",
        ),
        (lambda: of(folds=11, groups=GROUPS).folds, r"10 groups.*enough groups for 11 folds"),
        (lambda: of(groups=[None, *"a" * (N - 1)]).folds, "data that can't be dealt out"),
        (lambda: of(seed="x").folds, "the seed 'x'"),
        (lambda: Dataset("d", lambda: (Split(ROWS, LABELS),) * 2).of_fold(0), "one test split, expected folds"),
    ],
)
def test_what_can_t_be_dealt_out_is_one_clear_line(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_a_loader_of_one_s_own_may_deal_its_examples_out():
    data = Dataset("own", lambda: CrossValidation(4, repeats=3).deal("own", Split(ROWS, LABELS), 0))
    assert data.digest == of().digest


def test_rows_that_stand_in_another_fold_are_counted_over_all_folds():
    twice = np.r_[ROWS[: N // 2], ROWS[: N // 2]]
    found = of(twice, np.r_[LABELS[: N // 2], LABELS[: N // 2]], folds=N).overlap
    assert (found.rows, found.alike, found.n) == (N, N, N)


# Evaluating


def test_no_model_is_asked_about_what_it_was_fitted_on():
    Knowing.seen.clear()
    found, data = asked(lambda seed: Knowing())
    assert len(Knowing.seen) == 12
    assert not any(fitted & about for fitted, about in Knowing.seen)
    assert (found.n, len(found.predictions), found.metrics) == (3 * N, 3 * N, {"accuracy": 1.0})
    np.testing.assert_array_equal(found.predictions, data.dataset.tested.X[:, 0] % 2)
    assert found.further_seconds > 0


def test_every_fold_is_fitted_with_the_same_seed():
    seeds = []
    asked(lambda seed: seeds.append(seed) or Knowing(), seed=7)
    assert seeds == [7] * 12


def test_a_metric_is_the_mean_of_its_folds_values():
    from sklearn.metrics import f1_score

    found, data = asked(lambda seed: Knowing(range(0, N, 3)), "f1")
    each = [f1_score(data.y_tested[part], found.predictions[part]) for part in data.dataset.folds.parts]
    assert found.metrics["f1"] == pytest.approx(np.mean(each))
    assert found.metrics["f1"] != pytest.approx(f1_score(data.y_tested, found.predictions), abs=1e-6)


def test_a_metric_that_a_fold_lacks_has_no_value():
    def picky(target, predictions):
        return np.nan if 0 in predictions[:1] else 0.5

    found, _ = asked(lambda seed: Knowing([0]), Metric("picky", picky))
    assert found.metrics == {"picky": None}


def test_a_fit_that_fails_in_a_later_fold_fails_the_model():
    class Late(Knowing):
        def fit(self, X, y):
            if 39.0 not in X:
                raise RuntimeError("it needs example 39")
            return super().fit(X, y)

    with pytest.raises(ModelFailed, match="it needs example 39"):
        asked(lambda seed: Late())


def test_a_model_that_changes_the_data_of_a_later_fold_fails():
    class Careless(Knowing):
        count = 0

        def predict(self, X):
            Careless.count += 1
            if Careless.count == 5:
                X.base.flags.writeable = True
                X.base[:] = 1
            return super().predict(X)

    with pytest.raises(ModelFailed, match="changed the data"):
        asked(lambda seed: Careless())


def workers(build, noted):
    """What trains with seeds, of which the first is the session's own, where workers do jobs, which are noted."""
    data = TaskData(Task("t", of()), of())

    def spread(what, work, jobs):
        noted.append([tuple(job) for job in jobs])
        return [work(job) for job in jobs]

    model = Model("m", build, tasks=(data.task,), stochastic=True)
    evaluator = Evaluator(lambda task: data, METRICS, 1, Once(), spread=spread)
    return lambda seeds: evaluator.seed_runs(model, data.task, seeds)


def test_where_workers_do_it_each_fold_of_each_seed_is_a_job_and_the_figures_are_the_same():
    jobs = []
    runs = workers(lambda seed: Knowing([seed, 20 + seed]), jobs)([1, 2])
    assert jobs == [[(1, fold) for fold in range(1, 12)], [(2, fold) for fold in range(12)]]
    for seed, run in zip((1, 2), runs, strict=True):
        here, data = asked(lambda seed: Knowing([seed, 20 + seed]), seed=seed)
        np.testing.assert_array_equal(run.evaluation.predictions, here.predictions)
        assert (run.evaluation.n, run.evaluation.metrics) == (here.n, here.metrics)
        assert (run.fit.seed, run.fit.data_digest) == (seed, data.dataset.digest)
        assert run.evaluation.further_seconds > 0


def test_a_fold_that_fails_on_a_worker_fails_its_seed():
    class Late(Knowing):
        def fit(self, X, y):
            if 39.0 not in X:
                raise RuntimeError("it needs example 39")
            return super().fit(X, y)

    train = workers(lambda seed: Late() if seed == 2 else Knowing(), [])
    assert len(train([1])) == 1
    with pytest.raises(ModelFailed, match="it needs example 39"):
        train([1, 2])


# Judging


def test_the_error_of_folds_is_nadeau_and_bengio_s():
    values = np.array([0.9, 0.8, 1.0, 0.9])
    error = np.sqrt((1 / 4 + 1 / 3) * values.var(ddof=1))
    assert corrected_error(values, 1 / 3) == pytest.approx(error)
    assert corrected_bound(values, 1 / 3, 0.95) == pytest.approx(0.9 - t.ppf(0.95, 3) * error)
    fall = corrected_fall(values, values - [0.1, 0, 0.2, 0.1], 1 / 3)
    spread = np.sqrt((1 / 4 + 1 / 3) * np.var([0.1, 0, 0.2, 0.1], ddof=1))
    assert (fall.size, fall.standard_error) == pytest.approx((0.1, spread))
    assert fall.p_value == pytest.approx(t.sf(0.1 / spread, 3))


def test_folds_that_all_fall_alike_are_no_certainty():
    fall = corrected_fall([0.9] * 5, [0.8] * 5, 0.25, step=0.1)
    assert 0 < fall.p_value < 0.05
    assert corrected_fall([0.9] * 5, [0.9] * 5, 0.25, step=0.1).upper_bound(0.9) > 0
    assert corrected_bound([0.9] * 5, 0.25, 0.99, step=0.1) < 0.9


def test_the_correction_holds_its_level_where_plain_student_s_does_not():
    """Values of 20 folds with the correlation that the correction is for, n_test / (n_test + n_train) = 1/5."""
    rng = np.random.default_rng(0)
    draws = np.sqrt(0.2) * rng.normal(size=(4_000, 1)) + np.sqrt(0.8) * rng.normal(size=(4_000, 20))
    corrected = np.mean([corrected_fall(x, np.zeros(20), 0.25).p_value < 0.05 for x in draws])
    plain = np.mean(draws.mean(axis=1) / (draws.std(axis=1, ddof=1) / np.sqrt(20)) > t.isf(0.05, 19))
    assert 0.04 < corrected < 0.06
    assert plain > 0.2


def evidence(runs, data, baseline=None):
    truth = {"t": Truth.of(data)}
    found = {(name, "t"): [run] for name, run in runs.items()}
    held = {} if baseline is None else {("m", "t"): baseline}
    return Evidence(truth, METRICS, JudgeSettings(), environment(), found, baselines=held)


def test_a_floor_is_held_by_the_folds_bound_and_counts_each_example_once():
    run, data = asked(lambda seed: Knowing([0, 1]))
    (verdict,) = judge([Claim("m", Floor(data.task, "accuracy", 0.7), "r")], evidence({"m": run}, data)).verdicts
    assert (verdict.outcome, verdict.n, verdict.value) == (Outcome.PASS, N, pytest.approx(0.95))
    each = [np.mean(run.predictions[part] == data.y_tested[part]) for part in data.dataset.folds.parts]
    assert verdict.bound == pytest.approx(corrected_bound(each, 1 / 3, 0.99))
    assert "on n=40; Nadeau and Bengio 99% lower bound" in verdict.details


def test_answers_without_a_mistake_are_no_more_certain_than_their_number_lets_them_be():
    run, data = asked(lambda seed: Knowing())
    (verdict,) = judge(
        [Claim("m", Floor(data.task, "accuracy", 0.9, perfect=True), "r")], evidence({"m": run}, data)
    ).verdicts
    assert (verdict.outcome, verdict.bound) == (Outcome.FAIL, pytest.approx(0.01 ** (1 / N)))


def test_a_rival_is_beaten_fold_by_fold():
    run, data = asked(lambda seed: Knowing([3]))
    rival, _ = asked(lambda seed: Knowing(range(0, N, 3)))
    (verdict,) = judge(
        [Claim("m", Above(data.task, "accuracy", "other"), "r")], evidence({"m": run, "other": rival}, data)
    ).verdicts
    assert verdict.outcome is Outcome.PASS
    assert "the corrected resampled t-test, 12 folds" in verdict.details


def test_a_deterministic_model_is_held_to_its_baseline_in_the_same_folds():
    _, data = asked(lambda seed: Knowing([3]))
    first = run_seed(Model("m", lambda seed: Knowing([3]), tasks=(data.task,)), data, METRICS, None, 0)
    before = collect([first], "", environment(), None)
    gate = NoRegression(data.task, "accuracy", 0.2)
    verdicts = {}
    for name, wrong in {"same": [3], "as good": [5], "worse": range(0, N, 2), "unsure": range(1, 29, 4)}.items():
        now, _ = asked(lambda seed, wrong=wrong: Knowing(wrong))
        verdicts[name] = judge([Claim("m", gate, "r")], evidence({"m": now}, data, before)).verdicts[0]
    assert [v.outcome for v in verdicts.values()] == [Outcome.PASS, Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE]
    assert "such as a larger profile." in verdicts["unsure"].message
    assert "the output is the baseline's" in verdicts["same"].message
    assert "the corrected resampled t-test, 12 folds" in verdicts["worse"].details
    lost = set(data.dataset.folds.examples[verdicts["worse"].lost])
    assert (len(lost), {i % 2 for i in lost}) == (10, {0})
    (plan,) = plans([Claim("m", gate, "r")], evidence({}, data, before))
    assert plan.n == N


def test_the_first_output_of_each_example_stands_for_it():
    examples = np.array([2, 0, 1, 1, 2, 0])
    assert first_of_each(np.array([3, 2, 5, 0, 1]), examples).tolist() == [3, 5, 0]


@pytest.mark.parametrize(
    "folds",
    [
        Folds([2, 2], np.array([0, 1, 2, 2]), 1),
        Folds([2, 2], np.array([0, 1, 2]), 1),
        Folds([4], np.array([0, 1, 2, 3]), 1),
        Folds([1, 3, 2, 2], np.array([0, 1, 2, 3, 0, 1, 2, 4]), 2),
        Folds([3, 3, 1, 1], np.array([0, 1, 2, 3, 0, 1, 2, 3]), 2),
        Folds([2, 2], np.array([0, 1, 2, 3]), 0),
        Folds([], np.array([], int), 1),
        Folds([2, 2], np.array([0.0, 1, 2, 3]), 1),
    ],
)
def test_folds_that_do_not_test_each_example_once_a_repeat_are_found_out(folds):
    assert folds.fault


# Sessions

CONFTEST = """
import os
import numpy as np
from fitgate import CrossValidation, Dataset, Task
from tests.fakes import *

FOLDED = Task("digits", Dataset.from_arrays(
    "folded", images(), LABELS, evaluation=CrossValidation(4, repeats=2), class_names=tuple("0123456789")),
    kind="multiclass", metrics=("accuracy", "macro_f1"))
GATES = (Floor(FOLDED, "accuracy", 0.6), NoRegression(FOLDED, "accuracy", 0.05))

def pytest_fitgate_models():
    return [model("reader", tasks=(FOLDED,), blunder=int(os.environ.get("BLUNDER", 10)), stochastic=False, gates=GATES)]
"""


@pytest.fixture
def folded(project, monkeypatch):
    project.pytester.makeconftest(CONFTEST)
    others = "del test_contract  # the reader answers by an example's place in the query"
    project.pytester.makepyfile(test_models=f"from fitgate.checks import *\n{others}")
    monkeypatch.chdir(project.path)
    return project


QUICK = ("-q", "-m", "not latency")


def test_an_example_is_shown_with_an_answer_that_is_wrong_in_whichever_repeat_it_is():
    right, data = asked(lambda seed: Knowing())
    again = data.dataset.folds.examples[N:] == 7  # in the second and the third repeat
    once = np.concatenate([right.predictions[:N], right.predictions[N:] ^ again])
    records = []
    for predictions in (right.predictions, once):
        record = blank()
        describe(record, data)
        record.add(msgspec.structs.replace(right, predictions=predictions))
        records.append(record)
    place = int(np.flatnonzero(data.dataset.folds.examples == 7)[0])
    records[1].add(Verdict("m", "t", "r", Outcome.FAIL, "", lost=[place]))
    ((lost,),) = lost_examples(records[1], lambda task, i: None).values()
    assert (data.dataset.folds.examples[lost.index], lost.label, lost.answers) == (7, 1, {"m": 0})
    (change,) = answers(records[1], records[0])
    assert [(e.index, e.truth, e.before, e.now) for e in change.worse] == [(7, "1", "1", "0")]


@pytest.mark.parametrize("how", [(), ("-n", "2"), ("--fit-timeout", "60")])
def test_a_session_trains_once_a_fold_and_its_record_alone_judges_again(folded, how):
    assert folded.run(*QUICK, *how, subprocess=bool(how)).ret == 0
    assert folded.fits == ["digits"] * 8
    record = folded.record
    (data,), (evaluation,) = record.datasets, record.evaluations
    assert (data.n_train, data.n_test, data.n_tested, data.n_outputs) == (150, 50, 200, evaluation.n)
    assert [v.outcome for v in record.verdicts] == [Outcome.PASS, Outcome.NO_BASELINE]
    assert judge_again(record, GATES).verdicts == record.verdicts
    assert "200 examples, tested in 2 x 4 folds by a fit each; the first, which is timed, on 150" in folded.report
    numbers = [example.index for example in record.misclassified]
    assert len({data.example(i) for i in numbers}) == len(numbers) > 0


def test_a_baseline_of_folds_holds_a_later_session(folded, monkeypatch, capsys):
    folded.run(*QUICK)
    assert main(["bless", "--yes"]) == 0
    shutil.rmtree(folded.path / ".fitgate")
    assert main(["plan"]) == 0
    assert "| 200 of " in capsys.readouterr().out
    assert folded.run(*QUICK).ret == 0
    assert [v.outcome for v in folded.record.verdicts] == [Outcome.PASS] * 2
    shutil.rmtree(folded.path / ".fitgate")
    monkeypatch.setenv("BLUNDER", "3")
    assert folded.run(*QUICK).ret == 1
    assert "by the corrected resampled t-test, 8 folds" in folded.report


def test_defects_are_planted_in_every_fold(folded):
    folded.run(*QUICK)
    assert main(["bless", "--yes"]) == 0
    around = project_of(folded.path)
    (task,) = around.models["reader"].tasks
    pool = Pool(folded.path / "pool", around.metrics)
    trials = Trials(around.models, [around.tasks[task.name]], around.metrics, around.baselines, pool)
    wrong = Defect("answers", "off by one", "all", answer=lambda predictions, classes: (predictions + 1) % 10)
    trial = trials.changed("reader", wrong, Size(1, 1, 1))
    assert [gate.gate for gate in trial.gates if gate.failed] == ["accuracy>=0.6", "accuracy>baseline-0.05"]


def test_a_leak_is_of_all_examples_in_whichever_fold_they_are_tested():
    data = TaskData(Task("t", of()), of())
    leaking = DefectiveEstimator(Knowing(), Defect("leak", "test examples", "a quarter", leaked=0.25), 0, data)
    fold = data.dataset.of_fold(5)
    leaking.fit(fold.train.X, fold.train.y)
    assert leaking.estimator.fitted == {*fold.train.X[:, 0], *data.dataset.tested.X[:10, 0]}


def test_predictions_are_timed_of_the_first_fold_s_model_and_agree_with_its_answers(folded, monkeypatch):
    monkeypatch.setenv("BLUNDER", "0")  # others answer by an example's place in the query
    assert folded.run("-q", "--fit-timing", "0.05").ret == 0
    record = folded.record
    assert {audit.passed for audit in record.audits if audit.name == "agreement"} == {True}
    assert {t.batch_size for t in record.timings if t.scenario == "offline"} == {50}


def test_folds_that_were_edited_are_found_out(folded, tmp_path):
    folded.run(*QUICK)
    (run,) = folded.runs
    path = run / "record.json"
    content = msgspec.json.decode(path.read_bytes())
    content["datasets"][0]["folds"]["repeats"] = 1
    path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(RecordError, match="repeats in which not every example is tested once of folded"):
        read(run)
