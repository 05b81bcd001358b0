"""Engines whose artefacts travel: what they hold, and what they refuse to load; where the extra is installed."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from fitgate.engines import JAX_EXPORT, ONNX, PORTABLE, SKOPS, TREELITE, Engine, NotServed, is_portable
from fitgate.engines.jax_export import Exported
from tests import fakes
from tests.conftest import ROOT

X = np.random.default_rng(0).random((60, 5))
Y = (X[:, 0] > X[:, 1]).astype(int)


def halved(X):
    return X / 2


def test_what_the_library_loads_travels_however_a_model_converts():
    own = Engine("onnx", lambda estimator, X: b"", ONNX.load)
    other = Engine("onnx", lambda estimator, X: b"", lambda content: None)
    plugin = Engine("table", lambda estimator, X: b"", ONNX.load)
    assert [is_portable(engine) for engine in (*PORTABLE.values(), own, other, plugin)] == [True] * 5 + [False] * 2


class TestSkops:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("skops")

    def test_an_estimator_is_the_same_again(self):
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
        again = SKOPS.load(SKOPS.convert(forest, X))
        assert type(again) is RandomForestClassifier
        assert np.array_equal(again.predict_proba(X), forest.predict_proba(X))

    @pytest.mark.parametrize("function", [halved, lambda X: X])
    def test_one_with_code_of_the_project_is_not_converted(self, function):
        with pytest.raises(NotServed, match=r"it holds \S*(halved|lambda)\S*, which is this project's own"):
            SKOPS.convert(pipeline(function), X)

    def test_what_is_not_scikit_learn_s_is_loaded_where_it_is_trusted_alone(self):
        content = SKOPS.convert(pipeline(np.linalg.norm), X)
        with pytest.raises(NotServed, match=r"it holds numpy\.linalg\.norm, which is neither scikit-learn's"):
            SKOPS.load(content)
        assert hasattr(SKOPS.load(content, ["numpy.linalg.norm"]), "predict")

    @pytest.mark.parametrize(
        "name",
        ["os.system", "numpy.lib._datasource.DataSource", "sklearn.externals.x.Y", "sklearn.utils.fixes.x", "a.b"],
    )
    def test_types_that_do_more_than_estimators_are_refused(self, name):
        module, _, last = name.rpartition(".")
        with pytest.raises(NotServed, match=f"it holds {name}, which is neither"):
            SKOPS.load(naming(module, last))

    def test_a_pickle_within_is_not_read(self, tmp_path):
        ran = tmp_path / "ran"
        content = io.BytesIO()
        np.save(content, np.array([Command(ran)]), allow_pickle=True)
        with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
            SKOPS.load(naming("numpy", "ndarray", content.getvalue()))
        assert not ran.exists()

    @pytest.mark.parametrize("content", [b"", b"PK\5\6", b"\x80\x04N."])
    def test_what_is_nothing_of_the_kind_is_refused_in_a_line(self, content):
        with pytest.raises(NotServed, match="it is not what skops writes"):
            SKOPS.load(content)


class Command:
    """What runs where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def pipeline(function):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(function), LogisticRegression())


def naming(module, name, array=None):
    """A file of skops that holds an object of a type, or an array."""
    import skops
    from skops.io._protocol import PROTOCOL

    about = {"__class__": name, "__module__": module, "protocol": PROTOCOL, "_skops_version": skops.__version__}
    if array is None:
        empty = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}
        empty["key_types"] = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
        about |= {"__loader__": "ObjectNode", "content": empty}
    else:
        about |= {"__loader__": "NdArrayNode", "type": "numpy", "file": "0.npy"}
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("schema.json", json.dumps(about))
            if array is not None:
                archive.writestr("0.npy", array)
        return file.getvalue()


class TestTreelite:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("treelite")

    @pytest.mark.parametrize("classes", [2, 3])
    @pytest.mark.parametrize("name", ["RandomForest", "ExtraTrees", "GradientBoosting", "HistGradientBoosting"])
    def test_it_answers_as_the_trees_do(self, name, classes):
        y = np.array(["no", "perhaps", "yes"], object)[np.digitize(X[:, 0], np.linspace(0, 1, classes + 1)[1:-1])]
        own = trees(f"{name}Classifier").fit(X, y)
        served = TREELITE.load(TREELITE.convert(own, X))
        assert served.predict(X).tolist() == own.predict(X).tolist()
        assert served.predict_proba(X) == pytest.approx(own.predict_proba(X), abs=1e-6)
        numbers = trees(f"{name}Regressor").fit(X, X @ np.arange(5))
        assert TREELITE.load(TREELITE.convert(numbers, X)).predict(X) == pytest.approx(numbers.predict(X))

    def test_a_forest_s_probabilities_are_equal_and_so_ties_go_the_same_way(self):
        noisy = np.random.default_rng(1).integers(0, 10, 600)
        X = np.random.default_rng(2).random((600, 5))
        own = trees("RandomForestClassifier", n_estimators=10, max_depth=4).fit(X[:300], noisy[:300])
        served = TREELITE.load(TREELITE.convert(own, X))
        assert np.array_equal(served.predict_proba(X), own.predict_proba(X))
        few = trees("RandomForestClassifier", n_estimators=2).fit(X, noisy)
        shares = np.sort(few.predict_proba(X), axis=1)
        assert (shares[:, -1] == shares[:, -2]).sum() > 100
        assert np.array_equal(TREELITE.load(TREELITE.convert(few, X)).predict(X), few.predict(X))

    @pytest.mark.parametrize("dtype", [np.uint8, np.float64])
    def test_several_labels_and_several_numbers(self, dtype):
        examples = (255 * X).astype(dtype)
        labels = trees("RandomForestClassifier").fit(examples, np.column_stack([Y, np.digitize(X[:, 2], [0.3, 0.6])]))
        served = TREELITE.load(TREELITE.convert(labels, examples))
        assert np.array_equal(served.predict(examples), labels.predict(examples))
        assert list(map(np.shape, served.predict_proba(examples))) == [(60, 2), (60, 3)]
        numbers = trees("ExtraTreesRegressor").fit(examples, X[:, :2])
        served = TREELITE.load(TREELITE.convert(numbers, examples))
        assert served.predict(examples) == pytest.approx(numbers.predict(examples))

    def test_a_feature_beside_a_threshold_is_rounded_as_scikit_learn_rounds_it(self):
        own = trees("RandomForestClassifier", bootstrap=False).fit(np.array([[0.1], [0.3]]), [0, 1])
        beside = np.float64([[np.nextafter(0.2, 1)], [np.nextafter(0.2, 0)], [0.2 + 1e-9], [0.2 - 1e-9]])
        assert np.array_equal(TREELITE.load(TREELITE.convert(own, beside)).predict(beside), own.predict(beside))

    def test_what_is_no_such_trees_is_not_served(self):
        with pytest.raises(NotServed, match="it is none of scikit-learn's forests and boosted trees"):
            TREELITE.convert(fakes.Reader(), X)
        with pytest.raises(NotServed, match="it knows a single class"):
            TREELITE.convert(trees("RandomForestClassifier").fit(X, np.full(60, 3)), X)
        with pytest.raises(NotServed, match="it takes arrays of numbers"):
            TREELITE.convert(trees("RandomForestClassifier").fit(X, Y), X.tolist())

    def test_it_serves_without_scikit_learn(self):
        content = TREELITE.convert(trees("RandomForestClassifier").fit(X, Y), X)
        program = """
import sys
from fitgate.engines import TREELITE
served = TREELITE.load(sys.stdin.buffer.read())
sys.exit("sklearn" in sys.modules or len(served.predict([[0.5] * 5])) != 1)
"""
        subprocess.run([sys.executable, "-c", program], input=content, check=True, cwd=ROOT)


def trees(name, **parameters):
    from sklearn import ensemble

    few = {"max_iter" if name.startswith("Hist") else "n_estimators": 7}
    return getattr(ensemble, name)(random_state=0, **{**few, **parameters})


class Network:
    """A linear network that exports itself; or, where it is given a function, exports that."""

    classes_ = np.array(["less", "more"])

    def __init__(self, function=None):
        self.function = function

    def export(self, dtype, platforms):
        import jax
        import jax.numpy as jnp
        from jax import export

        n = len(X) if self.function else export.symbolic_shape("n")[0]
        checks = [export.DisabledSafetyCheck.custom_call("anything")] if self.function else []
        network = jax.jit(self.function or (lambda x: jnp.stack([x[:, 1], x[:, 0]], axis=1)))
        exported = export.export(network, platforms=None if self.function else platforms, disabled_checks=checks)
        return bytes(exported(jax.ShapeDtypeStruct((n, X.shape[1]), dtype)).serialize())


def calling(x):
    import jax

    return jax.ffi.ffi_call("anything", jax.ShapeDtypeStruct(x.shape, x.dtype))(x)


class TestJaxExport:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("jax")
        pytest.importorskip("flatbuffers")

    def test_a_network_answers_with_the_labels_of_its_classes(self):
        served = JAX_EXPORT.load(JAX_EXPORT.convert(Network(), X.astype(np.float32)))
        assert served.predict(X.astype(np.float32)).tolist() == np.where(Y == 1, "more", "less").tolist()
        assert served.predict_proba(X.astype(np.float32)).sum(axis=1) == pytest.approx(np.ones(60))

    def test_one_that_calls_what_is_not_its_own_is_not_loaded(self):
        content = JAX_EXPORT.convert(Network(calling), X.astype(np.float32))
        with pytest.raises(NotServed, match="it calls anything, which is not in the network itself"):
            JAX_EXPORT.load(content)

    def test_an_estimator_that_exports_nothing_is_not_served(self):
        with pytest.raises(NotServed, match="it has no `export`"):
            JAX_EXPORT.convert(fakes.Reader(), X)


def test_on_a_cpu_a_network_computes_some_examples_at_a_time():
    asked = []

    def network(X):
        asked.append(len(X))
        return np.asarray(X, np.float32)

    X = np.random.default_rng(0).random((300, 3))
    served = Exported(network, np.arange(3), 128)
    assert np.array_equal(served.predict(X), X.argmax(axis=1))
    assert asked == [128, 128, 44]
    Exported(network, np.arange(3)).predict(X)
    assert asked[3:] == [300]
