"""What several sections of the notebook use: the data, parallel work, and each cross-validation, done once."""

from functools import partial

import numpy as np
import pytest

from suite.digits import DIGITS
from suite.notebook.folds import cross_validate

SEED = 42  # the notebook's, whatever seed the suite builds its models with

ENOUGH_TO_CONVERGE = 10_000  # images; on fewer, raw pixels take SGD to its 1,000 epochs, to no one's benefit


@pytest.fixture(scope="session")
def dataset(data_of):
    """The digits, of the session's profile."""
    return data_of(DIGITS)


@pytest.fixture(scope="session")
def X(dataset):
    """Training images, uint8 `(n, 784)`."""
    return dataset.train.X


@pytest.fixture(scope="session")
def y(dataset):
    """Their labels, uint8 `(n,)`."""
    return dataset.train.y


@pytest.fixture(scope="session")
def X_test(dataset):
    return dataset.test.X


@pytest.fixture(scope="session")
def y_test(dataset):
    return dataset.test.y


@pytest.fixture(scope="session")
def compares(dataset):
    """The figures were printed for all of MNIST."""
    return dataset.profile == "full"


@pytest.fixture(scope="session")
def step(executor):
    """A context manager for named work, in which joblib, and so scikit-learn, uses the session's backend."""
    return executor.step


@pytest.fixture(scope="session")
def folds_of(once, executor):
    """`folds_of(key, what, estimator, X, y, ...)`: a cross-validation, done once a session; see `cross_validate`."""

    def folds_of(key, *work, **options):
        return once(f"story-{key}", partial(cross_validate, executor, *work, **options))

    return folds_of


@pytest.fixture(scope="session")
def workers(executor):
    return executor


@pytest.fixture(scope="session")
def fives(y):
    return y == 5


@pytest.fixture(scope="session")
def sgd(X):
    """The notebook's linear classifier, not fitted; its classes are fitted side by side, which changes no figure."""
    from sklearn.linear_model import SGDClassifier

    few = len(X) < ENOUGH_TO_CONVERGE
    return SGDClassifier(random_state=SEED, n_jobs=-1, max_iter=50 if few else 1_000)


@pytest.fixture(scope="session")
def sgd_five_folds(folds_of, sgd, X, fives):
    """Of the fives, with the classifier fitted to all of the training data beside the folds."""
    return folds_of("sgd-fives", "SGD on fives", sgd, X, fives, "decision_function", refit=True)


@pytest.fixture(scope="session")
def forest_five_folds(folds_of, X, fives):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=SEED, n_jobs=-1)
    return folds_of("forest-fives", "forest on fives", forest, X, fives, "predict_proba", prefer="threads")


@pytest.fixture(scope="session")
def ink(X):
    """Which pixels differ between images, bool `(784,)`: the weights of the others would stay zero."""
    return X.min(axis=0) < X.max(axis=0)


@pytest.fixture(scope="session")
def sgd_folds(folds_of, sgd, X, y, ink):
    """Of the ten digits, on raw pixels."""
    return folds_of("sgd", "SGD on ten digits", sgd, X[:, ink], y, "decision_function")


@pytest.fixture(scope="session")
def scaled_folds(folds_of, sgd, X, y, ink):
    """Of the ten digits, on each pixel less its mean and over its standard deviation."""
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X[:, ink].astype(np.float64))
    return folds_of("sgd-scaled", "SGD on ten digits, scaled", sgd, scaled, y, "decision_function")
