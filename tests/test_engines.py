"""Engines: fitted models converted, served, held to their own answers and gates, and timed; fakes answer at once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fitgate.engines import Engine, EngineError, NotServed, onnx, pack, unpack
from fitgate.model import Model, ModelError
from tests import fakes
from tests.conftest import ROOT

# Engines of a project: one answers as its model does, one otherwise, and others fail in every way.
ENGINES = """
import json, os, signal, time
import numpy as np
from fitgate.engines import NotServed

class Served:
    def __init__(self, blunder, fives=0.0):
        self.blunder, self.fives = blunder, fives

    def predict(self, X):
        digits = X[:, :10].argmax(axis=1)
        return np.where(digits % self.blunder == 0, (digits + 1) % 10, digits) if self.blunder else digits

    def decision_function(self, X):
        return X[:, :10].astype(float) + self.fives

class Short(Served):
    def predict(self, X):
        return super().predict(X)[:-1] if len(X) > 8 else super().predict(X)

class Ending(Served):
    def predict(self, X):
        os._exit(3) if os.getpid() != HOME else 1 / 0

class Masked(Served):
    def predict(self, X):
        digits = super().predict(X)
        return np.ma.masked_array(digits, digits == 0)

HOME = os.getpid()

def vandal(estimator, X):
    estimator.blunder = 2
    os.chdir("/")
    os.environ["VANDAL"] = "was here"
    return json.dumps([0, 0.25]).encode()

def writing(estimator, X):
    X.setflags(write=True)
    X[:] = 0
    return convert(estimator, X)

def stuck(estimator, X):
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def gone(estimator, X):
    os.kill(os.getpid(), signal.SIGKILL)

def long_winded(estimator, X):
    raise NotServed("it\\n" + 5_000 * "has no trees ")

class Mute(NotServed):
    def __str__(self):
        raise KeyError

def mute(estimator, X):
    raise Mute

def convert(estimator, X):
    assert X.shape == (200, 784)
    return json.dumps([estimator.blunder, 0.25]).encode()

def broken(estimator, X):
    raise ValueError("no operator for a Reader")

def refused(estimator, X):
    raise NotServed("it has no trees")

def load(content):
    return Served(*json.loads(content))

def otherwise(content):
    return Served(2)

def damaged(content):
    raise OSError("not one of ours")

def pytest_fitgate_engines():
    return [
        Engine("twin", convert, load),
        Engine("other", convert, otherwise),
        Engine("broken", broken, load),
        Engine("refused", refused, load),
        Engine("damaged", convert, damaged),
        Engine("wrong", lambda estimator, X: "text", load),
        Engine("absent", convert, load, requires=("magic",)),
        Engine("short", convert, lambda content: Short(0)),
        Engine("ending", convert, lambda content: Ending(0)),
        Engine("masked", convert, lambda content: Masked(0)),
        Engine("nothing", convert, lambda content: None),
        Engine("vandal", vandal, load),
        Engine("writing", writing, load),
        Engine("stuck", stuck, load),
        Engine("gone", gone, load),
        Engine("long_winded", long_winded, load),
        Engine("mute", mute, load),
    ]
"""
GATED = 'model("good", Scored, tasks=(DIGITS,), gates=(Floor(DIGITS, "accuracy", quick=0.9),))'
SCORED = """
import numpy as np
class Scored(Reader):
    def decision_function(self, X):
        return X[:, :10].astype(float)

class Poor(Reader):
    def predict(self, X):
        digits = super().predict(X)
        return np.where(digits % 2 == 0, (digits + 1) % 10, digits)
"""


@pytest.fixture
def served(project):
    """`served(*options)`: the result of timing a model `good` by the project's engines that options name."""

    def served(*options, models=(GATED,), more="", **how):
        project.write(*models)
        path = project.path / "conftest.py"
        path.write_text(path.read_text().replace("\ndef pytest", f"{SCORED}{more}\ndef pytest") + ENGINES)
        return project.run("--fit-timing=0.05", *(options or ("-k", "test_predict")), **how)

    return served


def predict(engines, *options):
    return "-k", "test_predict", f"--fit-engines={engines}", *options


def test_without_the_option_nothing_is_converted(project, served):
    served("-k", "test_predict").assert_outcomes(passed=3)
    assert project.record.engines == []
    assert {timing.engine for timing in project.record.timings} == {"native"}
    assert "### Engines" not in project.report


def test_the_option_adds_a_test_for_each_engine_and_scenario_beside_the_model_s_own(served):
    result = served("--collect-only", "-q", *predict("twin,other"))
    ids = [line.partition("test_predict")[2] for line in result.stdout.lines if "test_predict" in line]
    scenarios = ("single", "multi", "offline")
    assert sorted(ids) == sorted(f"[good-{by}{s}]" for by in ("", "twin-", "other-") for s in scenarios)


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_an_engine_is_held_to_the_model_and_timed_as_it_is(project, served, processes):
    served(*predict("twin", f"--fit-processes={processes}")).assert_outcomes(passed=6)
    record, report = project.record, project.report
    (entry,) = record.engines
    assert (entry.model, entry.task, entry.engine) == ("good", "digits", "twin")
    assert (entry.n, entry.equal, entry.difference, entry.compared) == (200, 1.0, 0.25, "scores")
    assert (entry.reason, entry.fault, entry.lost, entry.size) == ("", "", [], len(b"[0, 0.25]"))
    assert [(v.gate, v.outcome) for v in entry.verdicts] == [("accuracy>=0.9", "PASS")]
    timed = {(timing.engine, timing.scenario): len(timing.processes) for timing in record.timings}
    assert timed == dict.fromkeys(
        [(by, scenario) for by in ("native", "twin") for scenario in ("single", "multi", "offline")], processes
    )
    assert {audit.engine for audit in record.audits if audit.passed} == {"native", "twin"}
    native, twin = (
        line for line in report.split("### Engines")[1].split("\n## ")[0].splitlines() if line.startswith("| good")
    )
    assert "| native" in native
    assert "| all 200" in twin
    assert "0.25 of scores" in twin
    assert "✅ `accuracy>=0.9`" in twin


def test_an_engine_that_fails_a_gate_which_the_model_clears_fails_its_tests(project, served):
    result = served(*predict("other"))
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*good by other fails gates that good itself does not: accuracy>=0.9: FAIL: *"])
    result.stdout.fnmatch_lines(["fitgate: FAIL: good by other fails gates that good itself does not: accuracy>=0.9"])
    (entry,) = project.record.engines
    assert (entry.equal, entry.lost) == (0.5, ["accuracy>=0.9"])
    assert [v.outcome for v in entry.verdicts] == ["FAIL"]
    assert {timing.engine for timing in project.record.timings} == {"native"}
    assert "| 100 of 200" in project.report
    assert "❌ `accuracy>=0.9`" in project.report


BENCHMARK = "pytest_benchmark.logger.PytestBenchmarkWarning"


def test_a_failing_engine_is_no_error_though_warnings_are(served):
    served(*predict("other", "-W", f"error::{BENCHMARK}")).assert_outcomes(passed=3, failed=3)


def test_an_engine_is_held_to_the_gates_though_timings_are_off(served):
    served(*predict("other", "--benchmark-disable")).assert_outcomes(skipped=3, failed=3)


def test_an_engine_does_not_fail_by_a_gate_that_the_model_fails_itself(project, served):
    poor = GATED.replace("Scored", "Poor")
    served(*predict("other"), models=[poor]).assert_outcomes(passed=6)
    (entry,) = project.record.engines
    assert ([v.outcome for v in entry.verdicts], entry.lost) == (["FAIL"], [])


WHY = {
    "broken": "it can't be converted: ValueError: no operator for a Reader",
    "refused": "it has no trees",
    "wrong": "its conversion gives str, expected bytes",
    "absent": "absent needs magic, which is not installed",
    "damaged": "it can't be loaded: *not one of ours",
    "writing": "it can't be converted: it changed the data that all models share: test X; *",
    "long_winded": "it has no trees has no trees *more characters)",
    "mute": "(Mute has no text: its __str__ raised KeyError)",
}


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_an_engine_that_does_not_serve_a_model_is_a_row_with_its_reason(project, served, processes):
    result = served(*predict(",".join(WHY), f"--fit-processes={processes}", "-rs"))
    result.assert_outcomes(passed=3, skipped=3 * len(WHY))
    result.stdout.fnmatch_lines_random([f"SKIPPED *{name} does not serve good: {why}*" for name, why in WHY.items()])
    assert {entry.engine for entry in project.record.engines if entry.reason} == set(WHY)
    assert "**good** is not served by refused: it has no trees." in project.report
    assert {timing.engine for timing in project.record.timings} == {"native"}


@pytest.mark.parametrize("processes", [0, 1])
def test_a_conversion_leaves_model_and_process_as_they_are(project, served, processes):
    served(*predict("vandal,twin", f"--fit-processes={processes}")).assert_outcomes(passed=9)
    assert {entry.engine: entry.equal for entry in project.record.engines} == {"vandal": 1.0, "twin": 1.0}
    assert Path.cwd() == project.path
    assert "VANDAL" not in os.environ


def test_a_conversion_that_hangs_or_ends_its_process_is_a_row_where_a_limit_is_in_force(project, served):
    served(*predict("stuck,gone,absent,broken,refused,vandal,twin", "--fit-timeout=2")).assert_outcomes(
        passed=9, skipped=15
    )
    reasons = {entry.engine: entry.reason for entry in project.record.engines}
    late = "no answer after 2 s (--fit-timeout), so its process was ended; give it more time, or less work"
    assert reasons["stuck"] == f"it can't be converted: {late}"
    assert "found a process that was killed by SIGKILL" in reasons["gone"]
    assert reasons["broken"].startswith(WHY["broken"])
    told = {"absent": WHY["absent"], "refused": WHY["refused"], "vandal": "", "twin": ""}
    assert {name: reasons[name] for name in told} == told


def test_a_conversion_that_ends_a_worker_fails_the_engine_s_tests_alone(project, served):
    result = served(*predict("gone,twin", "-n", "2"), subprocess=True)
    result.stdout.fnmatch_lines(["*good by gone can't be judged on digits: the process that was at it ended*"])
    assert result.ret == 1
    assert {e.engine: bool(e.fault) for e in project.record.engines} == {"gone": True, "twin": False}


@pytest.mark.parametrize("processes", [0, 1])
@pytest.mark.parametrize(
    ("engine", "fault"),
    [
        ("short", "*predictions of shape (199,) for 200 examples*"),
        ("masked", "*predictions of which some are masked*"),
        ("nothing", "what it loads has no predict"),
        ("ending", "*"),
    ],
)
def test_an_engine_that_gives_no_answers_fails_its_tests_and_no_others(project, served, processes, engine, fault):
    result = served(*predict(f"twin,{engine}", f"--fit-processes={processes}"))
    result.assert_outcomes(passed=6, failed=3)
    result.stdout.fnmatch_lines([f"*good by {engine} can't be judged on digits: {fault}"])
    assert f"- ❌ **good** by {engine} can't be judged:" in project.report


def test_a_model_s_own_engine_serves_it_alone_and_takes_the_place_of_another(project, served):
    engines = 'Engine("twin", refused, load), Engine("private", convert, load)'
    models = [GATED, f'Model("own", lambda seed: Scored(), tasks=(DIGITS,), engines=({engines}))']
    result = served("--collect-only", "-q", *predict("twin,private"), models=models)
    assert "test_speed.py::test_predict[own-private-single]" in result.stdout.lines
    assert "private" not in "".join(line for line in result.stdout.lines if "[good" in line)
    served(*predict("twin"), models=models).assert_outcomes(passed=9, skipped=3)
    assert {entry.model: entry.reason for entry in project.record.engines} == {"good": "", "own": "it has no trees"}


def test_all_is_every_engine_that_there_is(project, served):
    shown = served("--collect-only", "-q", *predict("all")).stdout
    shown.fnmatch_lines_random(["*[[]good-twin-single]", "*[[]good-onnx-single]"])


def test_an_engine_that_there_is_not_ends_the_session_in_one_line(served):
    result = served(*predict("turbo"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --fit-engines: found 'turbo', expected all, or one of the engines: *twin*"])


def test_two_engines_of_one_name_are_refused(project):
    project.write('model("good")')
    path = project.path / "conftest.py"
    more = "\ndef pytest_fitgate_engines():\n    return [Engine('onnx', str, str)]\n"
    path.write_text(path.read_text() + more)
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: engine onnx: found two different engines of that name*"])


def test_with_cross_validation_an_engine_serves_the_model_of_the_first_fold_and_gates_are_not_judged(project, served):
    folded = """
from fitgate import CrossValidation
from tests.fakes import LABELS, images
FOLDED = Task("folded", Dataset.from_arrays("folds", images(), LABELS, evaluation=CrossValidation(2, 1)))
def digits(estimator, X):
    return json.dumps([0, 0.25]).encode()
"""
    model = 'Model("good", lambda seed: Scored(), (FOLDED,), engines=(Engine("twin", digits, lambda c: Served(0)),))'
    served(*predict("twin"), models=[model], more=folded).assert_outcomes(passed=6)
    (entry,) = project.record.engines
    assert (entry.n, entry.equal, entry.verdicts) == (100, 1.0, [])


@pytest.mark.parametrize("name", ["native", "all", "Up", "a-b", ""])
def test_an_engine_s_name_is_a_word_that_no_option_takes(name):
    with pytest.raises(EngineError, match="an engine's name: found"):
        Engine(name, lambda estimator, X: b"", lambda content: None)


def test_a_model_takes_nothing_but_engines():
    with pytest.raises(ModelError, match=r"model m: found 'onnx' among its engines"):
        Model("m", fakes.Reader, (fakes.DIGITS,), engines=("onnx",))


def test_arrays_travel_beside_what_is_loaded():
    content, arrays = unpack(pack(b"\0network\0", classes=np.array(["a", "b"])))
    assert content == b"\0network\0"
    assert arrays["classes"].tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="Object arrays"):
        pack(b"", classes=np.array([object()]))


def test_what_has_no_library_is_not_converted():
    with pytest.raises(NotServed, match="x needs magic, other_magic, which is not installed"):
        Engine("x", lambda estimator, X: b"", lambda c: None, requires=("magic", "other_magic")).converted(None, None)


def test_the_engines_import_no_library_until_they_are_used():
    program = "import sys, fitgate.engines; sys.exit(bool({'onnxruntime', 'sklearn', 'skl2onnx'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


REAL = """
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier, Ridge
from sklearn.svm import SVC
from fitgate import *
PIXELS = Dataset.from_sklearn(load_digits, test_size=0.5)
TASK = Task("pixels", PIXELS, metrics=("accuracy",))
FIVE = Task("five", PIXELS, target=lambda y: y == 5, metrics=("roc_auc", "accuracy"))
INK = Task("ink", PIXELS, target=lambda y: y / 7, metrics=("mae",), kind="continuous")
GATES = (Floor(TASK, "accuracy", 0.85),)

def pytest_fitgate_models():
    return [
        Model("forest", lambda seed: RandomForestClassifier(random_state=seed), gates=GATES),
        Model("svc", lambda seed: SVC(), gates=GATES),
        Model("sgd", lambda seed: SGDClassifier(random_state=seed), gates=(Floor(FIVE, "roc_auc", 0.85),)),
        Model("ridge", lambda seed: Ridge(), (INK,)),
    ]
"""


LABELS = [
    np.int64([3, 7]),
    np.uint8([3, 200]),
    np.int8([-1, 1]),
    np.uint16([3, 7]),
    np.array([False, True]),
    ["no", "yes"],
]


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: np.asarray(labels).dtype.name)
@pytest.mark.parametrize("name", ["KNeighborsClassifier", "GaussianNB", "SGDClassifier", "LinearSVC", "pipeline"])
def test_onnx_answers_with_labels_of_any_type(name, labels):
    """Where the extra `engines` is installed."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = np.asarray(labels)[(X[:, 0] > 0).astype(int)]
    estimator = onnx_models()[name].fit(X, y)
    served = onnx.load(onnx.convert(estimator, X))
    np.testing.assert_array_equal(served.predict(X), estimator.predict(X))
    assert estimator.classes_.dtype == y.dtype


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
@pytest.mark.parametrize("name", ["KNeighborsClassifier", "RandomForestClassifier"])
def test_onnx_gives_probabilities_of_several_labels_as_scikit_learn_does(name, kind):
    """Where the extra `engines` is installed."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    estimator = onnx_models()[name].fit(X, (X[:, :2] > 0).astype(kind))
    served = onnx.load(onnx.convert(estimator, X))
    np.testing.assert_array_equal(served.predict(X), estimator.predict(X))
    np.testing.assert_allclose(served.predict_proba(X), estimator.predict_proba(X), atol=1e-5)
    assert isinstance(served.predict_proba(X), list)


def onnx_models():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import SGDClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    models = [
        KNeighborsClassifier(3),
        GaussianNB(),
        SGDClassifier(random_state=0),
        LinearSVC(),
        RandomForestClassifier(5),
    ]
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    return {type(model).__name__: model for model in models} | {"pipeline": pipeline}


@pytest.mark.slow
def test_real_models_on_onnx_answer_as_they_do_themselves_without_scikit_learn(project):
    """Where the extra `engines` is installed."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    project.pytester.makeconftest(REAL)
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_predict")
    project.run("--fit-engines=onnx", "--fit-timing=0.1", "--fit-processes=1").assert_outcomes(passed=24)
    record = project.record
    found = {entry.model: entry for entry in record.engines}
    assert {name: entry.compared for name, entry in found.items()} == {
        "forest": "probabilities",
        "svc": "scores",
        "sgd": "scores",
        "ridge": "numbers",
    }
    assert all(entry.difference is not None for entry in found.values())
    # Of a forest's ties, float32 breaks some the other way.
    assert all(entry.equal >= (0.99 if name == "forest" else 1) for name, entry in found.items())
    assert all(v.outcome == "PASS" for entry in found.values() for v in entry.verdicts)
    assert [found["forest"].difference < 1e-5, found["svc"].difference < 1e-2] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize("meta", ["OneVsRestClassifier", "OneVsOneClassifier"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_scores_of_several_machines_survive_a_pipeline(meta, steps):
    """skl2onnx hands options of a pipeline to no classifier in it, whose scores then came normalised."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    import sklearn.multiclass
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler
    from sklearn.svm import SVC

    from fitgate.engines import onnx

    X, y = fakes.images()[:, :20], fakes.LABELS.astype(np.int64)
    estimator = getattr(sklearn.multiclass, meta)(SVC())
    for _ in range(steps):
        estimator = make_pipeline(MaxAbsScaler(), estimator)
    served = onnx.load(onnx.convert(estimator.fit(X, y), X))
    assert np.array_equal(served.predict(X), estimator.predict(X))
    assert np.allclose(served.decision_function(X), estimator.decision_function(X), atol=1e-3)


@pytest.mark.slow
def test_what_serves_by_onnx_imports_no_scikit_learn(tmp_path):
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    from sklearn.tree import DecisionTreeClassifier

    from fitgate.engines import onnx
    from fitgate.executor import Process, save
    from fitgate.latency.stopwatch import served

    class Modules:  # here, so that it goes by value, and brings no pytest along
        def __init__(self, stopwatch):
            self.answer = stopwatch.answer

        def modules(self):
            import sys

            return list(sys.modules)

    X, y = fakes.images()[:, :20], fakes.LABELS
    (tmp_path / "model.onnx").write_bytes(onnx.convert(DecisionTreeClassifier().fit(X, y), X))
    paths = tmp_path / "model.onnx", save(tmp_path, "load", onnx.load), save(tmp_path, "X", X)
    with Process(lambda: Modules(served(*paths, len(X), 0)), label="onnx") as process:
        assert np.array_equal(process.ask("answer", "predict"), y)
        assert "onnxruntime" in process.ask("modules")
        assert not {"sklearn", "skl2onnx", "onnx", "pytest"} & set(process.ask("modules"))
