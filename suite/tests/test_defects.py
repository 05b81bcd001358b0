"""The digits' own defects: each changes what is learnt, seen or answered, and the published campaign knows them all."""

from pathlib import Path

import numpy as np
import pytest

from fitgate.sabotage import CONTROL, generic_defects
from fitgate.sabotage.campaign import read_campaign
from fitgate.tasks import TaskData
from models.cnn.defects import network_defects
from models.forest import FOREST
from models.knn import KNN
from models.sgd import SGD
from models.svc import SVC
from suite.defects import digit_defects, moved, transposed
from suite.digits import DIGITS, FIVES, dataset

ROOT = Path(__file__).parents[2]


def test_every_defect_changes_something():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, (500, 784), np.uint8), np.resize(np.arange(10, dtype=np.uint8), 500)
    for defect in digit_defects():
        seen, labels = defect.train(X, y, rng)
        assert len(seen) == len(labels), defect
        same = np.array_equal(seen, X) and np.array_equal(labels, y) and not defect.settings
        same &= np.array_equal(defect.test(X), X) and np.array_equal(defect.answer(y, np.unique(y)), y)
        assert not same, defect


def test_images_are_moved_and_transposed_as_images():
    X = np.zeros((1, 784), np.uint8)
    X[0, 28 * 3 + 5] = 255  # row 3, column 5
    assert np.flatnonzero(moved(2)(X)).tolist() == [28 * 3 + 7]
    assert np.flatnonzero(transposed(X)).tolist() == [28 * 5 + 3]


@pytest.mark.parametrize("named", [FOREST, KNN, SGD, SVC], ids=lambda model: model.name)
def test_settings_are_those_of_the_models_that_they_name(named):
    data = TaskData(DIGITS, dataset().on("quick"))
    planted = [defect for defect in digit_defects() if named.name in defect.models]
    assert planted
    assert all(defect.applies(named, data) for defect in planted)


def test_defects_of_single_digits_apply_where_the_target_is_the_digit():
    data = TaskData(FIVES, dataset().on("quick"))
    applying = {defect.name for defect in digit_defects() if defect.applies(SGD, data)}
    assert "test images inverted" in applying
    assert not {"sevens thinned", "4 and 9 swapped", "label columns swapped"} & applying


def test_every_defect_of_the_published_campaign_is_still_known():
    campaign = read_campaign(ROOT / "reports" / "sabotage.json")
    published = {
        (trial.family, trial.defect, trial.severity)
        for trial in campaign.trials
        if trial.family != CONTROL or trial.severity
    }
    published -= {
        ("training", "epochs", f"{epochs} of 30") for epochs in (15, 3)
    }  # it shows quick's images 15 times now
    known = [*generic_defects(), *digit_defects(), *network_defects()]
    assert published <= {(defect.family, defect.name, defect.severity) for defect in known}
