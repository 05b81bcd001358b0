"""What several sections of the notebook use: the training data, and each cross-validation, done once."""

from functools import partial

import numpy as np
import pytest

from suite.notebook.folds import cross_validate

SEED = 42  # the notebook's, whatever `--seed` says of the models of the suite

ENOUGH_TO_CONVERGE = 10_000  # images; on fewer, raw pixels take SGD to its 1,000 epochs, to no one's benefit


@pytest.fixture(scope="session")
def X(dataset):
    return dataset.train.images


@pytest.fixture(scope="session")
def y(dataset):
    return dataset.train.labels


@pytest.fixture(scope="session")
def fives(y):
    return y == 5


@pytest.fixture(scope="session")
def sgd(dataset):
    """The notebook's linear classifier, not fitted; its classes are fitted side by side, which changes no figure."""
    from sklearn.linear_model import SGDClassifier

    few = len(dataset.train) < ENOUGH_TO_CONVERGE
    return SGDClassifier(random_state=SEED, n_jobs=-1, max_iter=50 if few else 1_000)


@pytest.fixture(scope="session")
def sgd_five_folds(once, workers, sgd, X, fives):
    """Of the fives, with the classifier fitted to all of the training data beside the folds."""
    work = partial(cross_validate, workers, "SGD on fives", sgd, X, fives, "decision_function", refit=True)
    return once("story-sgd-fives", work)


@pytest.fixture(scope="session")
def forest_five_folds(once, workers, X, fives):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=SEED, n_jobs=-1)
    return once(
        "story-forest-fives",
        partial(cross_validate, workers, "forest on fives", forest, X, fives, "predict_proba", prefer="threads"),
    )


@pytest.fixture(scope="session")
def ink(X):
    """Which pixels differ between images, bool `(784,)`: the weights of the others would stay zero."""
    return X.min(axis=0) < X.max(axis=0)


@pytest.fixture(scope="session")
def sgd_folds(once, workers, sgd, X, y, ink):
    """Of the ten digits, on raw pixels."""
    work = partial(cross_validate, workers, "SGD on ten digits", sgd, X[:, ink], y, "decision_function")
    return once("story-sgd", work)


@pytest.fixture(scope="session")
def scaled_folds(once, workers, sgd, X, y, ink):
    """Of the ten digits, on each pixel less its mean and over its standard deviation."""
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X[:, ink].astype(np.float64))
    work = partial(cross_validate, workers, "SGD on ten digits, scaled", sgd, scaled, y, "decision_function")
    return once("story-sgd-scaled", work)
