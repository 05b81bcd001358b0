"""A random forest, and two curves on one plot.

A forest asks a hundred decision trees, each grown on its own draw of the images and of the pixels, and takes the share
of trees that say "5" as its probability. It has no decision function, so that share is the score
(`RandomForestClassifier(random_state=42)`, the same three folds).
"""

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from suite.notebook.figures import FIGURES
from suite.notebook.story import Axes, curve


def test_predictions_follow_from_probabilities(story, forest_five_folds):
    story.tell("Its answers, too, follow from its probabilities: they are the likelier class, for every image.")
    probabilities = forest_five_folds.scores
    assert np.array_equal(forest_five_folds.predictions, probabilities.argmax(axis=1).astype(bool))


def test_roc_of_both(story, sgd_five_folds, forest_five_folds, fives):
    scores = {"SGD": sgd_five_folds.scores, "forest": forest_five_folds.scores[:, 1]}
    aucs = {name: roc_auc_score(fives, given) for name, given in scores.items()}
    assert aucs["forest"] > aucs["SGD"]
    roc = [curve(name, *roc_curve(fives, given)[:2]) for name, given in scores.items()]
    precision_recall = [curve(name, *precision_recall_curve(fives, given)[1::-1]) for name, given in scores.items()]
    story.lines(
        "fives-forest-roc",
        "The linear classifier and the forest: on the left ROC, on the right precision against recall.",
        Axes(
            "",
            "false positive rate",
            "true positive rate (recall)",
            [*roc, curve("guessing", [0, 1], [0, 1], "--")],
        ),
        Axes("", "recall", "precision", precision_recall),
    )
    story.compare(FIGURES["forest_fives_roc_auc"], aucs["forest"])


def test_precision_and_recall(story, forest_five_folds, fives):
    answers = forest_five_folds.predictions
    average = average_precision_score(fives, forest_five_folds.scores[:, 1])
    precision, recall = precision_score(fives, answers), recall_score(fives, answers)
    story.tell(f"""
        The forest is clearly the better one. Where more than half of its trees say "5", it is right
        {100 * precision:.1f} % of the time, and finds {100 * recall:.1f} % of the fives; its average precision is
        {average:.3f}.
    """)
