"""The ROC curve, and the area under it.

The *receiver operating characteristic* plots, over all thresholds, the share of fives that are found (the true positive
rate, which is recall) against the share of other digits that are wrongly called a 5 (the false positive rate). A coin
gives the diagonal, and a perfect classifier goes through the upper left corner. The area under the curve (AUC) is the
chance that a five, drawn at random, gets a higher score than another digit, drawn at random.
"""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from fitgate.statistics import auc_lower_bound
from suite.notebook.figures import FIGURES
from suite.notebook.story import Axes, curve


def test_roc(story, sgd_five_folds, fives):
    scores = sgd_five_folds.scores
    false_positives, true_positives, _ = roc_curve(fives, scores)
    auc = roc_auc_score(fives, scores)
    assert auc == pytest.approx(np.trapezoid(true_positives, false_positives), rel=1e-9)
    assert auc_lower_bound(fives, scores, 0.99) < auc
    story.lines(
        "fives-roc",
        "The ROC curve of the linear classifier. The dashed line is guessing.",
        Axes(
            "",
            "false positive rate",
            "true positive rate (recall)",
            [curve("SGD", false_positives, true_positives), curve("guessing", [0, 1], [0, 1], "--")],
        ),
    )
    story.compare(FIGURES["sgd_fives_roc_auc"], auc)


def test_when_to_prefer_which(story, sgd_five_folds, fives):
    share, precision = fives.mean(), average_precision_score(fives, sgd_five_folds.scores)
    assert share < precision < 1
    story.tell(f"""
        Which of the two curves? The false positive rate divides by all the digits that are not a 5, and there are
        {np.sum(~fives) / np.sum(fives):.0f} of those for each 5: a thousand false alarms hardly move it. Precision
        divides by what was called a 5, and a thousand false alarms ruin it. So where positives are rare, or false
        alarms are what hurts, prefer precision and recall; where the classes are alike in size and in weight, ROC. Here
        the ROC curve looks nearly done, while the area under the curve of precision and recall (average precision) is
        {precision:.3f}: there is room.
    """)
