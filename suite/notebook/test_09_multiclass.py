"""Ten classes: one against one, one against the rest.

Some classifiers tell two classes apart and no more; ten digits take several of them. *One-vs-rest* trains one for each
digit, "a 3 or not?", and believes the highest score. *One-vs-one* trains one for each pair, "a 3 or a 7?", and counts
who wins the most duels: 45 pairs of ten classes, but each sees a fifth of the images. A support vector machine slows
down fast with more images, so for it scikit-learn prefers one against one.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.multiclass import OneVsOneClassifier
from sklearn.svm import SVC

from models.svc import SVC_OVR
from suite.digits import DIGITS
from suite.notebook.conftest import SEED
from suite.notebook.figures import FIGURES

SAMPLE = 500
EPOCHS_OF_2020 = 115

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration")  # as in the notebook


def duels(X):
    """The pairwise machines that `SVC()` holds inside, each by itself, so that they can be fitted side by side.

    `SVC()` derives its kernel's width from all the images, so each machine gets that one, not one of its own pair.
    """
    return OneVsOneClassifier(SVC(gamma=1 / (X.shape[1] * X.astype(np.float64).var())), n_jobs=-1)


@pytest.fixture(scope="session")
def svc(step, X, y):
    with step("SVC on ten digits, 45 machines side by side"):
        return duels(X).fit(X, y)


@pytest.fixture(scope="session")
def sgd_digits(step, sgd, X, y):
    with step("SGD on ten digits, all of the training data"):
        return clone(sgd).fit(X, y)


def test_svc_is_45_duels(story, step, X, y):
    sample, asked = X[:SAMPLE], X[-SAMPLE:]
    with step(f"SVC on {SAMPLE} images, 45 machines side by side"):
        parts = duels(sample).fit(sample, y[:SAMPLE])
    whole = SVC().fit(sample, y[:SAMPLE])
    np.testing.assert_allclose(parts.decision_function(asked), whole.decision_function(asked), rtol=0, atol=1e-9)
    story.tell(f"""
        `SVC()` does so unasked. Fitted to a sample of {SAMPLE} images, it and 45 machines of two classes each gave
        {SAMPLE} others the same scores, to nine digits after the point. So for all {len(X):,} images, too, the 45 were
        fitted side by side.
    """)


def test_svc_and_its_ten_scores(story, svc, X, y):
    scores, answer = svc.decision_function(X[:1])[0], svc.predict(X[:1])[0]
    assert scores.shape == (10,)
    winner = scores.argmax()
    story.tell(f"""
        For the first digit, a {y[0]}, the machine says {answer}. Its ten scores count the duels that each digit won,
        the margins breaking ties. The highest is at position {winner}, and `classes_[{winner}]` is
        {svc.classes_[winner]}: with digits the two are the same, with other classes they would not be.
    """)
    story.compare(FIGURES["svc_first"], [answer, winner, svc.classes_[5]])
    story.compare(FIGURES["svc_scores_first"], scores)
    assert svc.classes_[winner] == answer


def test_one_against_the_rest(story, trained, X):
    model = trained(SVC_OVR)
    fitted = model.on(DIGITS).estimator
    story.tell("`OneVsRestClassifier(SVC())` makes it the other strategy, with a machine for each digit:")
    story.compare(FIGURES["ovr_estimators"], [fitted.predict(X[:1])[0], len(fitted[-1].estimators_)])
    accuracy = model.evaluation(DIGITS).metrics["accuracy"]
    story.tell(f"""
        This is the suite's own model `{SVC_OVR.name}`, trained once for gates and story alike. Of the test images,
        locked away until now, it reads {100 * accuracy:.2f} % rightly.
    """)


def test_one_against_one(story, svc):
    story.tell("One against one, N classes make N (N - 1) / 2 pairs:")
    story.compare(FIGURES["ovo_estimators"], len(svc.estimators_))
    assert len(svc.estimators_) == 10 * 9 / 2


def test_sgd_and_its_ten_scores(story, sgd_digits, X, y):
    scores, answer = sgd_digits.decision_function(X[:1])[0], sgd_digits.predict(X[:1])[0]
    assert answer == sgd_digits.classes_[scores.argmax()]
    doubt = scores.argsort()[-2]
    story.tell(f"""
        The linear classifier handles ten classes by itself, one against the rest. It takes the first digit, a {y[0]},
        for a {answer}. Its scores show how sure it is: {np.sum(scores > 0)} of the ten are above zero, and the second
        highest is that of the {doubt}.
    """)
    story.compare(FIGURES["sgd_digits_first"], answer)
    story.compare(FIGURES["sgd_digits_scores_first"], scores)


def test_the_score_that_is_another_today(story, step, compares, sgd, sgd_digits, X, y):
    seed = np.random.RandomState(SEED).randint(np.iinfo(np.int32).max, size=10)[1]  # as SGDClassifier draws them
    machine = clone(sgd).set_params(random_state=seed, max_iter=EPOCHS_OF_2020, tol=None)
    with step(f"SGD on ones, {EPOCHS_OF_2020} epochs"):
        score = machine.fit(X, y == 1).decision_function(X[:1])[0]
    if score == sgd_digits.decision_function(X[:1])[0, 1]:
        story.tell(f"The machine for the 1 stops after {EPOCHS_OF_2020} epochs, as it did in 2020.")
    else:
        story.tell(f"""
            The machine for the 1 stops later today than in 2020, when it ended after {EPOCHS_OF_2020} epochs, as it
            does in scikit-learn 1.7. Made to stop there again, it gives the first digit the score {score:.8f}.
        """)
    assert not compares or f"{score:.8f}" == f"{FIGURES['sgd_digits_scores_first'].value[1]:.8f}"
