"""A scikit-learn citizen: its own checks, and the places that estimators are put in."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("jax")
import jax

from fitgate.machine import usable_cores
from models.cnn import build
from models.cnn.estimator import CNNClassifier

EXPECTED_FAILURES: dict[str, str] = {}  # by the check's name, with the reason: there are none


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks([CNNClassifier(device="cpu:0")], expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_scikit_learn_check(estimator, check, classifier):
    """On one device, for which there is less to compile."""
    check(estimator)


@pytest.mark.parametrize(
    "kinds",
    [
        np.array(["even", "odd"]),
        np.array([-1.0, 2.0, 7.0]),
        np.array([False, True]),
        np.array([10, 20, 30, 40, 50], np.int64),
        np.array([f"class {i}" for i in range(10)], object),
    ],
    ids=str,
)
def test_labels_are_of_any_dtype_and_number(classifier, digits, kinds):
    images, labels, _, _ = digits
    named = kinds[labels % len(kinds)]
    fitted = classifier(epochs=30).fit(images, named)
    assert fitted.classes_.tolist() == sorted(kinds.tolist())
    assert fitted.predict(images).dtype == named.dtype
    assert fitted.score(images, named) > 0.9
    probabilities = fitted.predict_proba(images)
    assert probabilities.shape == (len(images), len(kinds))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    decisions = fitted.decision_function(images)
    assert decisions.shape == ((len(images),) if len(kinds) == 2 else (len(images), len(kinds)))


@pytest.mark.parametrize("side", [8, 20, 32])
def test_images_are_of_any_square_shape(classifier, side):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    images = rng.integers(0, 100, (200, side, side), np.uint8)
    images[labels == 1, : side // 2] += 100  # the upper half is lighter
    fitted = classifier(epochs=20, image_shape=(side, side)).fit(images.reshape(200, -1), labels)
    assert fitted.n_features_in_ == side * side
    assert fitted.score(images.reshape(200, -1), labels) > 0.95


def test_images_of_another_shape_are_refused(classifier, digits):
    images, labels, _, _ = digits
    with pytest.raises(ValueError, match="X has 784 features, expected 20 x 20"):
        classifier(image_shape=(20, 20)).fit(images, labels)


def test_it_works_where_estimators_are_put(classifier, digits):
    images, labels, unseen, truth = digits
    estimator = classifier(epochs=20, device="cpu:0")
    assert clone(estimator).get_params() == estimator.get_params()
    scaled = make_pipeline(FunctionTransformer(lambda x: x / np.float32(255)), estimator)
    assert scaled.fit(images, labels).score(unseen, truth) > 0.7
    predictions = cross_val_predict(estimator, images, labels, cv=3)
    assert (predictions == labels).mean() > 0.7
    search = GridSearchCV(estimator, {"learning_rate": [1e-5, 1e-2]}, cv=2).fit(images, labels)
    assert search.best_params_ == {"learning_rate": 1e-2}
    few = labels < 3
    rest = OneVsRestClassifier(estimator).fit(images[few], labels[few])
    assert rest.score(images[few], labels[few]) > 0.9


def test_a_pickle_predicts_the_same(classifier, digits):
    images, labels, unseen, _ = digits
    fitted = classifier(epochs=5).fit(images, labels)
    before = fitted.decision_function(unseen)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).decision_function(unseen), before)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("features", [784, 70])
def test_an_exported_network_answers_as_the_classifier_does(classifier, digits, kind, features):
    """To the last bit, with as many images a program; 70 features fill no square."""
    images, labels, unseen, _ = digits
    parameters = {} if features == 784 else {"test_time_shift": 1, "channels": (4, 8), "normalise": True}
    images, unseen = images[:, -features:], unseen[:, -features:].astype(kind)
    fitted = classifier(epochs=5, **parameters).fit(images, labels)
    network = jax.jit(jax.export.deserialize(fitted.export(kind)).call)
    for n in (1, 8, 64):
        np.testing.assert_array_equal(network(unseen[:n]), fitted.decision_function(unseen[:n]))
    assert (fitted.classes_[np.asarray(network(unseen)).argmax(axis=1)] == fitted.predict(unseen)).all()


def test_an_exported_network_needs_jax_and_numpy_alone(classifier, digits, tmp_path):
    from models.cnn.bench import ANSWER, ANSWERS
    from models.cnn.race import EXPORTED

    images, labels, unseen, _ = digits
    fitted = classifier(epochs=2).fit(images, labels)
    (tmp_path / EXPORTED).write_bytes(fitted.export())
    np.save(tmp_path / "image.npy", unseen[:1])
    others = "{name.partition('.')[0] for name in sys.modules} & {'fitgate', 'models', 'flax', 'optax', 'sklearn'}"
    program = ANSWER.format(ANSWERS[EXPORTED]) + f"\nprint({others})"
    command = [sys.executable, "-c", program, str(tmp_path / EXPORTED), str(tmp_path / "image.npy")]
    answered = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answered.stdout.split("\n")[:2] == [str(fitted.predict(unseen[:1])[0]), "set()"]


def test_a_pickled_model_finds_its_process_prepared_as_where_it_was_trained(digits, tmp_path):
    images, labels, *_ = digits
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(build(0).fit(images, labels)))
    program = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb')); import jax; print(jax.device_count())"
    command = [sys.executable, "-c", program, str(tmp_path / "model.pkl")]
    environment = os.environ | {"FITGATE_COMPILE_CACHE": "off", "JAX_PLATFORMS": "cpu"}
    answered = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(answered.stdout) == min(usable_cores(), 8)


def test_only_a_fitted_network_is_exported(classifier):
    with pytest.raises(NotFittedError):
        classifier().export()


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_bytes_are_checked_as_well_as_other_numbers(classifier, digits, kind):
    """Of them, scikit-learn's slower checks are not made."""
    images, labels, unseen, _ = digits
    images, unseen = images.astype(kind), unseen.astype(kind)
    with pytest.raises(NotFittedError):
        classifier().predict(unseen)
    fitted = classifier(epochs=2)
    with pytest.raises(ValueError, match="y has one class"):
        fitted.fit(images, np.zeros(len(images)))
    with pytest.raises(NotFittedError):
        fitted.predict(unseen)
    fitted.fit(images, labels)
    expected = fitted.predict(unseen)
    for wrong, words in (
        (unseen[:, :-1], "X has 783 features, but CNNClassifier is expecting 784"),
        (unseen[0], "Expected 2D array, got 1D array"),
        (unseen[:0], "Found array with 0 sample"),
        (unseen.reshape(-1, 28, 28), "Found array with dim 3"),
    ):
        with pytest.raises(ValueError, match=words):
            fitted.predict(wrong)
    for same in (unseen.tolist(), np.asfortranarray(unseen), np.repeat(unseen, 2, axis=0)[::2]):
        assert fitted.predict(same).tolist() == expected.tolist()


@pytest.mark.parametrize(("kinds", "each"), [(2, 100), (500, 4)])
def test_classes_are_two_or_hundreds_and_images_few(classifier, kinds, each):
    rng = np.random.default_rng(0)
    prototypes = rng.integers(0, 200, (kinds, 144))
    labels = np.repeat(np.arange(kinds), each + 1)
    images = (prototypes[labels] + rng.integers(0, 56, (len(labels), 144))).astype(np.uint8)
    unseen = np.arange(len(labels)) % (each + 1) == 0
    fitted = classifier(device="cpu:0").fit(images[~unseen], labels[~unseen])
    assert fitted.score(images[unseen], labels[unseen]) > 0.95


def test_its_weights_make_the_same_network_again(classifier, digits):
    images, labels, test_images, _ = digits
    fitted = classifier().fit(images, labels)
    again = classifier()
    again.import_weights(fitted.export_weights())
    assert np.array_equal(fitted.decision_function(test_images), again.decision_function(test_images))
    assert again.operations_ == fitted.operations_
    with pytest.raises(ValueError, match=r"convolutions.* of shape"):
        classifier(channels=(4, 24)).import_weights(fitted.export_weights())
    with pytest.raises(TypeError, match="are no weights"):
        classifier().fit(images, labels.astype(str)).export_weights()
