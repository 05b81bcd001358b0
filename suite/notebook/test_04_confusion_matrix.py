"""The confusion matrix.

A better question than "how often is it right?" is "which are mistaken for which?" The confusion matrix counts it: a row
for what an image is, a column for what it was taken for. The answers are those of the cross-validation above, each
given by the one model that had not seen the image.
"""

import numpy as np
from sklearn.metrics import confusion_matrix

from suite.notebook.figures import FIGURES
from suite.notebook.story import Matrix


def test_predictions_follow_from_scores(story, sgd_five_folds):
    story.tell("""
        The notebook asks for answers and for scores in cross-validations of their own. One will do: the answers are
        where the scores are above zero, which was checked for each image.
    """)
    assert np.array_equal(sgd_five_folds.predictions, sgd_five_folds.scores > 0)


def test_confusion_matrix(story, sgd_five_folds, fives):
    matrix = confusion_matrix(fives, sgd_five_folds.predictions)
    (right_others, taken_for_fives), (missed, found) = matrix
    story.compare(FIGURES["sgd_fives_confusion"], matrix)
    story.matrices(
        "fives-confusion",
        "Class 0 is every other digit, class 1 is the 5.",
        Matrix("SGD: is it a 5?", matrix),
    )
    story.tell(f"""
        The upper row is the other digits: {right_others:,} were let be, {taken_for_fives:,} taken for fives (*false
        positives*). The lower row is the fives: {missed:,} were missed (*false negatives*), {found:,} found. So what
        the accuracy hid is that it misses {100 * missed / (missed + found):.0f} % of the fives.
    """)
    assert matrix.sum() == len(fives)
