"""Precision, recall, and F1.

Two numbers hold what matters in that matrix. *Precision*: of those that it calls a 5, what share is one?
*Recall*: of those that are a 5, what share does it call one? With true positives TP, false positives FP and false
negatives FN, precision is TP / (TP + FP), and recall TP / (TP + FN).
"""

import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from suite.notebook.figures import FIGURES


def test_precision_and_recall(story, sgd_five_folds, fives):
    answers = sgd_five_folds.predictions
    precision, recall = precision_score(fives, answers), recall_score(fives, answers)
    (_, false_positives), (false_negatives, true_positives) = confusion_matrix(fives, answers)
    assert precision == pytest.approx(true_positives / (true_positives + false_positives), rel=1e-12)
    assert recall == pytest.approx(true_positives / (true_positives + false_negatives), rel=1e-12)
    story.compare(FIGURES["sgd_fives_precision"], precision)
    story.compare(FIGURES["sgd_fives_recall"], recall)
    story.tell(f"""
        When it says "5", it is right {100 * precision:.0f} % of the time, and it finds {100 * recall:.0f} % of the
        fives.
    """)


def test_f1(story, sgd_five_folds, fives):
    answers = sgd_five_folds.predictions
    precision, recall = precision_score(fives, answers), recall_score(fives, answers)
    f1 = 2 * precision * recall / (precision + recall)
    today = f1_score(fives, answers)
    assert today == pytest.approx(f1, rel=1e-15)
    story.tell("""
        *F1* is the harmonic mean of the two, 2 / (1/precision + 1/recall), which is high only where both are:
    """)
    story.compare(FIGURES["sgd_fives_f1"], f1)
    story.tell(f"""
        This is 2 precision recall / (precision + recall), as scikit-learn computed it in 2020. Today it computes
        2 TP / (2 TP + FP + FN), which is the same, rounded otherwise: {today!r}.
    """)
    story.tell(f"""
        It treats both alike, and often they are not. A filter that keeps bad videos from children should be precise
        even if it rejects many a good one; a shop's alarm should catch the thieves even if it rings once too often.
        {"Here precision is the higher one." if precision > recall else "Here recall is the higher one."}
    """)
