"""The trade-off, and a threshold for 90 % precision.

The classifier gives each image a score, and says "5" where it is above zero. Nothing is holy about zero: with a higher
threshold it says "5" more rarely and is right more often, with a lower one it finds more fives and errs more. So one
model is a whole family of classifiers, and the scores of the cross-validation show all of it at once.
"""

import numpy as np
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from suite.notebook.figures import FIGURES
from suite.notebook.story import Axes, curve

WANTED = 0.90


def test_the_threshold_for_90_percent_precision(story, sgd_five_folds, fives):
    scores = sgd_five_folds.scores
    precisions, recalls, thresholds = precision_recall_curve(fives, scores)
    threshold = thresholds[np.argmax(precisions >= WANTED)]
    precision, recall = (score(fives, scores >= threshold) for score in (precision_score, recall_score))
    assert precision >= WANTED
    assert (np.diff(recalls) <= 0).all()

    by_threshold = [curve("precision", thresholds, precisions[:-1]), curve("recall", thresholds, recalls[:-1])]
    at = curve(f"90 % precision, at {threshold:,.0f}", [threshold] * 2, [precision, recall], "o")
    story.lines(
        "fives-threshold",
        "Left: precision and recall at each threshold. Right: the one against the other.",
        Axes("", "threshold", "share", [*by_threshold, at]),
        Axes("", "recall", "precision", [curve("SGD", recalls, precisions), curve("90 %", [recall], [precision], "o")]),
    )
    story.tell("""
        Recall can only fall as the threshold rises; precision mostly rises, but where a five is the next to be let go,
        it drops for a moment. Suppose that somebody asks for 90 % precision. The first threshold that gives it, and
        what it costs:
    """)
    story.compare(FIGURES["sgd_fives_threshold_90"], threshold)
    story.compare(FIGURES["sgd_fives_precision_90"], precision)
    story.compare(FIGURES["sgd_fives_recall_90"], recall)
    story.tell(f"""
        So 90 % precision is easily had, at {100 * recall:.0f} % recall. Whoever asks for a precision should be asked
        back: *at what recall?*
    """)
