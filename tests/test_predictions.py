"""Predictions that were made elsewhere are judged as the model itself, or not at all."""

import csv
import pickle

import msgspec
import numpy as np
import pytest

from fitgate import Dataset, FitgateError, Split, Task
from fitgate.cli import main
from fitgate.data.table import read_table
from fitgate.record import read
from fitgate.runs.predictions import read_predictions
from fitgate.tasks import TaskData

CONFTEST = """
from pathlib import Path
import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.svm import LinearSVC
from fitgate import Dataset, Floor, Model, NoRegression, Task

rng = np.random.default_rng(0)
X = rng.normal(size=(600, 4)).astype(np.float32)
kind = np.digitize(X[:, 0] + 0.7 * rng.normal(size=600), [-0.5, 0.5])
ids = [f"c-{{i}}" for i in range(600)]

def task(name, y, *metrics, **about):
    return Task(name, Dataset.from_arrays(name, X, y, test_size=300, **about), metrics=metrics)

def forest(seed):
    return RandomForestClassifier(8, random_state=seed)

CASES = {{
    "repaid": (
        task("repaid", np.array(["no", "yes"])[(kind > 1) * 1], "roc_auc", "log_loss", "accuracy", ids=ids), forest),
    "margin": (task("margin", kind > 1, "roc_auc", "average_precision", "accuracy"), lambda seed: LinearSVC()),
    "grade": (
        task("grade", kind + 3, "roc_auc_ovr", "log_loss", "macro_f1", "brier", "calibration_error", "neg_log_loss"),
        forest),
    "traits": (task("traits", np.column_stack([kind > 0, kind > 1]), "macro_f1", "accuracy"), forest),
    "amount": (
        task("amount", X @ np.arange(4, dtype=np.float32), "mae", "rmse", ids=np.arange(600) * 7),
        lambda seed: RandomForestRegressor(8, random_state=seed)),
}}
TASK, BUILD = CASES[{case!r}]
FLOORS = tuple(Floor(TASK, name, {{"mae": 3.0, "rmse": 4.0, "log_loss": 9.0, "brier": 0.9,
    "calibration_error": 0.9, "neg_log_loss": -9.0}}.get(name, 0.4), perfect=True) for name in TASK.metric_names)
GATES = (*FLOORS, *(NoRegression(TASK, name, 0.2, perfect=True) for name in TASK.metric_names))
PATH = "predictions/oak-{case}.{form}"

def pytest_fitgate_models():
    there = [Model("elm", predictions=PATH, gates=GATES)] if Path(PATH).exists() else []
    return [Model("oak", BUILD, gates=GATES, stochastic=False), *there]
"""


def declare(project, case, form="csv"):
    project.pytester.makeconftest(CONFTEST.format(case=case, form=form))
    project.pytester.makepyfile(test_models="from fitgate.checks import *")
    assert main(["predict", "oak", f"--format={form}"]) == 0
    return project.path / "predictions" / f"oak-{case}.{form}"


def verdicts(project, model):
    """A model's verdicts, with all their numbers, as if it had no name."""
    found = [msgspec.to_builtins(v) for v in project.record.verdicts if v.model == model]
    return [{k: v.replace(model, "it") if isinstance(v, str) else v for k, v in one.items()} for one in found]


@pytest.mark.parametrize("case", ["repaid", "margin", "grade", "traits", "amount"])
def test_a_file_s_verdicts_are_those_of_the_trained_model_to_the_last_digit(project, case):
    declare(project, case)
    project.run("-m", "not latency")
    here, there = (verdicts(project, name) for name in ("oak", "elm"))
    assert here == there
    assert {v["outcome"] for v in here} == {"PASS", "NO BASELINE"}
    first, second = project.record.evaluations
    assert first.metrics == second.metrics
    assert first.predictions.dtype == second.predictions.dtype


def test_parquet_is_as_exact(project):
    pytest.importorskip("pyarrow")
    declare(project, "grade", "parquet")
    project.run("-k", "gate")
    assert verdicts(project, "oak") == verdicts(project, "elm")


def test_what_was_not_trained_here_has_no_time_of_it_and_is_not_timed(project):
    path = declare(project, "repaid")
    result = project.run()
    record = project.record
    (fit,) = (fit for fit in record.fits if fit.model == "elm")
    assert fit.seconds is None
    assert (fit.source.kind, fit.source.path) == ("predictions", "predictions/oak-repaid.csv")
    assert {timing.model for timing in record.timings} == {"oak"}
    assert "not trained here" in project.report
    assert result.parseoutcomes()["skipped"] >= 5  # its fit, the data of it, and three scenarios
    assert path.exists()


def test_a_worse_file_fails_against_its_baseline_by_a_paired_test(project, capsys):
    path = declare(project, "repaid")
    project.run("-k", "gate")
    assert main(["bless", "--yes"]) == 0
    assert "2 baselines" in capsys.readouterr().out
    rows = list(csv.DictReader(path.open()))
    for row in rows[::2]:
        row["prediction"], row["probability:no"] = "yes" if row["label"] == "no" else "no", row["probability:yes"]
        row["probability:yes"] = repr(1 - float(row["probability:yes"]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    project.run("-k", "gate and baseline", "--fit-models=elm", "--fit-runs-dir=again")
    (record,) = (project.path / "again").glob("*/record.json")
    fallen = [v for v in read(record).verdicts if v.kind == "NoRegression" and v.metric == "accuracy"]
    assert [v.outcome for v in fallen] == ["FAIL"]
    assert fallen[0].p_value < 0.01


# --- What is wrong with a file

Y = np.array(["no", "yes", "no", "yes"])


def data(y=Y, ids=None, **about):
    dataset = Dataset.of_test_split("loans", y, ids=ids)
    return TaskData(Task("repaid", dataset, **about), dataset)


def found(tmp_path, text, of):
    path = tmp_path / "theirs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FitgateError) as raised:
        read_predictions(path, "theirs.csv", of)
    assert str(raised.value).count("\n") == 0
    assert str(raised.value).startswith("theirs.csv: found ")
    return raised.value.found


IDS = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", "no row"),
        ("a,no", "3 of 4 test examples, such as id 'b'"),
        ("a,no\nb,yes\nc,no\nd,yes\nb,no", "id 'b' in line 3 and again in line 6"),
        ("a,no\nb,yes\nc,no\nd,yes\ne,no", "1 of 5 rows of no test example, such as id 'e' in line 6"),
        ("a,no\nb,yes\nc,no\n,yes", "nothing in column 'id', line 5"),
        ("a,no\nb,yes\nc,no\nd,", "nothing in column 'prediction', line 5"),
        ("a,no\nb,yes\nc\nd,yes", "a damaged file (ValueError: 1 values in line 4, and 2 columns)"),
        ('a,no\nb,"yes', "a damaged file"),
    ],
)
def test_rows_that_are_not_the_test_split_s_are_refused_by_the_place(tmp_path, rows, expected):
    assert expected in found(tmp_path, f"id,prediction\n{rows}", data(ids=IDS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,answer\na,no\nb,no\nc,no\nd,no", "no column 'prediction', but id, answer"),
        ("key,prediction\na,no", "no column 'id'"),
        ("id,id\na,no", "2 columns 'id'"),
        ("id;prediction\na;no", "no column 'id'"),
        (b"\xff\xfe\x00i", "a damaged file"),
        ("", "no row"),
        ("id,prediction,score:no\na,no,1\nb,no,1\nc,no,1\nd,no,1", "columns score:no"),
        ("id,prediction,probability:no\na,no,1\nb,no,1\nc,no,1\nd,no,1", "columns probability:no"),
        ("id,prediction,score\na,no,1\nb,no,much\nc,no,1\nd,no,1", "'much' in column 'score', line 3"),
        ("id,label,prediction\na,no,no\nb,no,no\nc,no,no\nd,yes,no", "1 labels that are not the test split's, such as"),
    ],
)
def test_columns_that_are_not_those_of_the_task_are_refused(tmp_path, text, expected):
    assert expected in found(tmp_path, text, data(ids=IDS))


def test_places_alone_do_not_say_whose_predictions_they_are(tmp_path):
    text = "id,prediction\n0,no\n1,no\n2,no\n3,no"
    assert "places alone" in found(tmp_path, text, data())


def test_a_file_of_another_order_is_judged_by_its_ids(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("prediction,score,id,note\nyes,4,d,x\nno,1,a,x\nyes,3,c,x\nno,2,b,x\n")
    of = data(ids=IDS)
    predicted = read_predictions(path, "theirs.csv", of)
    assert list(predicted.predict(of.dataset.test.X)) == ["no", "no", "yes", "yes"]
    assert list(predicted.decision_function(of.dataset.test.X)) == [1, 2, 3, 4]
    assert not hasattr(predicted, "predict_proba")


def test_predictions_answer_about_no_other_examples_here_or_in_another_process(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("id,prediction,probability\na,no,0.25\nb,no,0.5\nc,no,0\nd,yes,1\n")
    of = data(ids=IDS)
    predicted = pickle.loads(pickle.dumps(read_predictions(path, "theirs.csv", of)))
    assert predicted.predict_proba(of.dataset.test.X)[0].tolist() == [0.75, 0.25]
    with pytest.raises(FitgateError, match="other examples"):
        predicted.predict(("d", "c", "b", "a"))


def test_numbers_are_read_as_they_were_written(tmp_path):
    numbers = [0.1 + 0.2, 1e-320, -1.7976931348623157e308, float(np.float32(0.1)), 1 / 3]
    path = tmp_path / "numbers.csv"
    path.write_text("\n".join(["x", *map(repr, numbers)]))
    assert read_table(path, "").numbers("x").tolist() == numbers


@pytest.mark.parametrize("ids", [["a", "a", "b", "c"], ["a", None, "b", "c"], [0.5, 1.0, 2.0, 3.0], ["a", "b"]])
def test_ids_that_name_no_example_are_refused(ids):
    with pytest.raises(FitgateError, match=r"ids|id "):
        Split(list("abcd"), Y, ids=ids).check("loans")


def test_ids_go_with_their_examples_and_change_no_digest():
    X = np.arange(40.0).reshape(20, 2)
    y = np.arange(20) % 2
    plain, named = (Dataset.from_arrays("loans", X, y, ids=ids) for ids in (None, np.arange(20) + 100))
    assert plain.digest == named.digest
    assert (named.test.ids - 100 == named.test.X[:, 0] // 2).all()
    assert [int(name) for name in named.test.named] == named.test.ids.tolist()


def test_predict_says_what_it_can_t_do(project, capsys):
    declare(project, "repaid")
    capsys.readouterr()
    assert main(["predict", "nobody"]) == 1
    assert main(["predict", "oak", "--task", "nothing"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "one of elm, oak" in lines[0]


def test_no_contract_is_asked_of_what_has_no_estimator(project):
    declare(project, "repaid")
    result = project.run("-k", "contract and elm", "-rs")
    assert not result.parseoutcomes().get("failed", 0)
    assert result.parseoutcomes()["skipped"] >= 8
