"""Models that were trained elsewhere: judged from files that hold no code, and from no others."""

import io
import pickle
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fitgate import Dataset, FitgateError, Floor, Model, Task
from fitgate.engines import ArtefactError
from fitgate.model import ModelError
from fitgate.runs.evaluation import evaluate
from fitgate.runs.training import ModelFailed, train
from fitgate.tasks import TaskData, known_metrics
from tests.fakes import DIGITS, FIVES

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 3))
KIND = np.digitize(X[:, 0], [-0.5, 0.5])
GRADE = Task(
    "grade", Dataset.from_arrays("grade", X, np.array(["a", "b", "c"])[KIND]), metrics=("accuracy", "log_loss")
)
GOOD = Task("good", Dataset.from_arrays("good", X, KIND > 0), metrics=("accuracy", "roc_auc"))
AMOUNT = Task("amount", Dataset.from_arrays("amount", X, X @ np.arange(3.0)), metrics=("mae",))


def fitted(task=GRADE):
    return LogisticRegression().fit(task.dataset.train.X, task.dataset.train.y)


def judged(model):
    """What an evaluation makes of a model on its task."""
    (task,) = model.tasks
    metrics = known_metrics([task])
    data = TaskData(task, task.dataset)
    trained = train(model, data, 0)
    return trained, evaluate(trained, data, metrics)


def refusal(model):
    """Why a model could not be loaded, without its error's name."""
    with pytest.raises(ModelFailed) as raised:
        judged(model)
    assert raised.value.failure.stage == "load"
    kind, _, error = raised.value.failure.error.partition(": ")
    assert kind == ArtefactError.__name__
    return error


class Touching:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def torch_like(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return file.getvalue()


def compressed(value):
    file = io.BytesIO()
    joblib.dump(value, file, compress=3)
    return file.getvalue()


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.pt", "m.skops", "m.onnx", "m.safetensors"])
@pytest.mark.parametrize("write", [pickle.dumps, compressed, lambda value: torch_like(pickle.dumps(value))])
def test_a_pickle_is_refused_unexecuted_whatever_it_is_called(tmp_path, name, write):
    touched, path = tmp_path / "touched", tmp_path / name
    path.write_bytes(write(Touching(touched)))
    build = {"build": lambda seed: None} if name.endswith(".safetensors") else {}
    error = refusal(Model("theirs", **build, artefact=path, tasks=(GRADE,)))
    assert "found a pickle" in error
    assert "skops.io.dump" in error
    assert not touched.exists()


def test_what_skops_wrote_answers_as_what_it_was_written_of(tmp_path):
    io = pytest.importorskip("skops.io")
    io.dump(fitted(), tmp_path / "m.skops")
    theirs, found = judged(Model("theirs", artefact=tmp_path / "m.skops", tasks=(GRADE,)))
    _, own = judged(Model("own", lambda seed: LogisticRegression(), tasks=(GRADE,)))
    assert found.metrics == own.metrics
    assert np.array_equal(found.probabilities, own.probabilities)
    assert theirs.fit.seconds is None
    assert theirs.fit.source.path == "m.skops"
    assert len(theirs.fit.source.digest) == 64


def test_types_are_loaded_if_the_author_lists_them_and_else_nothing_is(tmp_path):
    io = pytest.importorskip("skops.io")
    from tests.fakes import Steady

    reader = Steady(0)
    reader.binary = False
    path = tmp_path / "m.skops"
    io.dump(reader, path)
    error = refusal(Model("theirs", artefact=path, tasks=(DIGITS,)))
    assert "found tests.fakes.Steady, of which nothing was loaded" in error
    assert "trusted=('tests.fakes.Steady',)" in error
    _, found = judged(Model("theirs", artefact=path, trusted=("tests.fakes.Steady",), tasks=(DIGITS,)))
    assert found.metrics["accuracy"] == 1


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_of_labels_and_probabilities(tmp_path, zipmap):
    convert = pytest.importorskip("skl2onnx").to_onnx
    model = fitted()
    made = convert(model, X[:1].astype(np.float32), options={id(model): {"zipmap": zipmap}})
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    theirs, found = judged(Model("theirs", artefact=path, tasks=(GRADE,)))
    _, own = judged(Model("own", lambda seed: LogisticRegression(), tasks=(GRADE,)))
    assert np.array_equal(found.predictions, own.predictions)
    assert np.allclose(found.probabilities, own.probabilities, atol=1e-6)
    again = pickle.loads(pickle.dumps(theirs.estimator))
    assert np.array_equal(again.predict(GRADE.dataset.test.X), found.predictions)


def layer(outputs, shape=(None, 3), kind=1):
    """An ONNX model of one layer, `(n, outputs)`."""
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.eye(3, outputs, dtype=np.float32), "W")
    flat = numpy_helper.from_array(np.array([-1, 3]), "flat")
    nodes = [helper.make_node("Reshape", ["X", "flat"], ["rows"]), helper.make_node("MatMul", ["rows", "W"], ["y"])]
    made = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("X", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (None, outputs))],
        [weights, flat],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.fixture
def onnx_file(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")

    def write(content):
        path = tmp_path / "m.onnx"
        path.write_bytes(content)
        return path

    return write


def test_onnx_of_a_number_for_each_class_answers_with_the_largest(onnx_file):
    path = onnx_file(layer(3, shape=(None, 1, 3)))  # as pictures have their own shape
    _, found = judged(Model("theirs", artefact=path, tasks=(GRADE,)))
    test = GRADE.dataset.test
    assert found.predictions.tolist() == np.array(["a", "b", "c"])[test.X.argmax(axis=1)].tolist()
    assert "log_loss" in found.missing  # these are no probabilities


def test_onnx_of_numbers(onnx_file):
    _, found = judged(Model("theirs", artefact=onnx_file(layer(1)), tasks=(AMOUNT,)))
    assert np.allclose(found.predictions, AMOUNT.dataset.test.X[:, 0])


def test_onnx_that_can_t_be_asked_is_refused(onnx_file):
    assert "one number for each example" in refusal(Model("theirs", artefact=onnx_file(layer(1)), tasks=(GRADE,)))
    assert "ONNX Runtime can't load it" in refusal(Model("theirs", artefact=onnx_file(b"nothing"), tasks=(GRADE,)))


class Linear:
    """Takes its weights, or learns none."""

    def import_weights(self, weights):
        self.classes_, self.weights = np.array(["a", "b", "c"]), weights["W"]

    def predict(self, X):
        return self.classes_[(X @ self.weights).argmax(axis=1)]


def test_weights_go_to_the_estimator_that_takes_them(tmp_path):
    save = pytest.importorskip("safetensors.numpy").save_file
    path = tmp_path / "m.safetensors"
    save({"W": np.eye(3)}, path)
    theirs, found = judged(Model("theirs", lambda seed: Linear(), artefact=path, tasks=(GRADE,)))
    assert found.predictions.tolist() == np.array(["a", "b", "c"])[GRADE.dataset.test.X.argmax(axis=1)].tolist()
    assert theirs.fit.seconds is None
    error = refusal(Model("theirs", lambda seed: LogisticRegression(), artefact=path, tasks=(GRADE,)))
    assert "weights for LogisticRegression, which takes none" in error
    path.write_bytes(path.read_bytes()[:20])
    error = refusal(Model("theirs", lambda seed: Linear(), artefact=path, tasks=(GRADE,)))
    assert "it is not what safetensors writes" in error


def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path):
    pytest.importorskip("skops")
    assert "No such file" in refusal(Model("theirs", artefact=tmp_path / "m.skops", tasks=(GRADE,)))
    assert "a file 'm.h5'" in refusal(Model("theirs", artefact=tmp_path / "m.h5", tasks=(GRADE,)))
    (tmp_path / "m.skops").write_bytes(b"PK\3\4 and then nothing")
    assert "it is not what skops writes" in refusal(Model("theirs", artefact=tmp_path / "m.skops", tasks=(GRADE,)))


def test_a_path_is_relative_to_the_file_that_declares_the_model(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    theirs = Model("theirs", predictions="theirs.csv", tasks=(GRADE,))
    assert theirs.file == Path(__file__).parent / "theirs.csv"
    assert theirs.narrowed(lambda task: True).file == theirs.file


def built(seed):
    return LogisticRegression()


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ({}, "nothing to judge"),
        ({"build": built, "predictions": "a.csv"}, "build beside predictions"),
        ({"artefact": "a.onnx", "predictions": "a.csv"}, "an artefact and predictions"),
        ({"build": built, "artefact": "a.skops"}, "build beside a whole model"),
        ({"artefact": "a.safetensors"}, "weights without the estimator"),
        ({"build": built, "trusted": ("a.B",)}, "trusted types without an artefact"),
        ({"predictions": "a.csv", "stochastic": True}, "stochastic=True"),
        ({"predictions": "a.csv", "serving_threads": 1}, "engines, work or serving threads"),
        ({"predictions": "a.csv", "tasks": (DIGITS, FIVES)}, "2 tasks"),
    ],
)
def test_what_does_not_go_together_is_refused_where_it_is_declared(declared, found):
    with pytest.raises(ModelError, match=found):
        Model("theirs", **{"tasks": (DIGITS,), **declared})


def test_a_model_that_was_not_trained_here_is_not_built_or_fitted_in_folds(tmp_path):
    from fitgate import CrossValidation

    model = Model("theirs", predictions="a.csv", tasks=(GRADE,))
    assert not model.is_trained
    with pytest.raises(FitgateError, match="not trained here"):
        model.build(0)
    folds = Task("folds", Dataset.from_arrays("folds", X, KIND, evaluation=CrossValidation(2, 1)))
    assert "tested in folds" in refusal(Model("theirs", artefact=tmp_path / "m.skops", tasks=(folds,)))


def test_data_of_a_test_split_alone_trains_nothing():
    task = Task("grade", Dataset.of_test_split("grade", GRADE.dataset.test.y, GRADE.dataset.test.X))
    with pytest.raises(ModelFailed, match="no training examples"):
        judged(Model("own", built, gates=(Floor(task, "accuracy", 0.5),)))
