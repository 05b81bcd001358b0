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
    return once("story-sgd-fives", partial(cross_validate, workers, "SGD on fives", sgd, X, fives, "decision_function"))


@pytest.fixture(scope="session")
def forest_five_folds(once, workers, X, fives):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=SEED, n_jobs=-1)
    return once(
        "story-forest-fives",
        partial(cross_validate, workers, "forest on fives", forest, X, fives, "predict_proba", prefer="threads"),
    )


@pytest.fixture(scope="session")
def sgd_of_ink(sgd):
    """The same, without the pixels that are the same in every image: their weights would stay zero."""
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.pipeline import make_pipeline

    return make_pipeline(VarianceThreshold(), sgd)


@pytest.fixture(scope="session")
def sgd_folds(once, workers, sgd_of_ink, X, y):
    """Of the ten digits, on raw pixels."""
    return once(
        "story-sgd", partial(cross_validate, workers, "SGD on ten digits", sgd_of_ink, X, y, "decision_function")
    )


@pytest.fixture(scope="session")
def scaled_folds(once, workers, sgd_of_ink, X, y):
    """Of the ten digits, on each pixel less its mean and over its standard deviation."""
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X.astype(np.float64))
    return once(
        "story-sgd-scaled",
        partial(cross_validate, workers, "SGD on ten digits, scaled", sgd_of_ink, scaled, y, "decision_function"),
    )
