"""Cross-validation, by hand and by the library.

To ask a model only about images that it has not seen, and yet to use all of them, cut the training data into three
folds, each with the same share of fives (`StratifiedKFold`). Three times, fit a fresh clone of the model to two folds,
and count how often it is right on the third.
"""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from suite.notebook.figures import FIGURES
from suite.notebook.folds import CV


def test_by_hand_and_by_cross_val_score_fold_by_fold(story, step, sgd, sgd_five_folds, X, fives):
    by_hand = sgd_five_folds.accuracy(fives)
    with step("SGD on fives, by cross_val_score"):
        by_library = cross_val_score(sgd, X, fives, cv=CV, scoring="accuracy", n_jobs=-1)
    assert np.array_equal(by_hand, by_library)
    story.tell("""
        That loop takes a dozen lines; `cross_val_score(model, X, is_five, cv=3)` does the same in one. Both were run,
        and gave the same three accuracies, fold by fold and to the last bit:
    """)
    story.compare(FIGURES["sgd_fives_cv_accuracy"], by_hand)


def test_never_five_is_nearly_as_accurate(story, sgd_five_folds, X, fives):
    never = cross_val_score(DummyClassifier(strategy="most_frequent"), X, fives, cv=CV, scoring="accuracy")
    lowest = sgd_five_folds.accuracy(fives).min()
    assert never.max() < lowest
    story.tell(f"""
        Every fold is above {int(100 * lowest)} %. Is that good? A classifier that never looks, and always says "not a
        5", is right {100 * never.mean():.1f} % of the time, because so few digits are fives. Where classes are unequal,
        accuracy flatters. The next sections look closer.
    """)
