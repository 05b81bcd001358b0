"""A binary classifier: is it a 5?

One question, two answers, to begin with. The classifier is linear, and trained by stochastic gradient descent
(`SGDClassifier(random_state=42)`): it weighs each pixel, adds up, and says "5" where the sum is above zero. It sees one
image at a time, so it copes with any number of them, and because it draws the order at random, its seed belongs to the
experiment.
"""

from suite.notebook.figures import FIGURES


def test_the_first_digit_is_taken_for_a_five(story, sgd_five_folds, X, y):
    fitted = sgd_five_folds.fitted
    answer = fitted.predict(X[:1])[0]
    assert answer == (fitted.decision_function(X[:1])[0] > 0)
    right = "rightly" if answer == (y[0] == 5) else "wrongly"
    story.tell(f"""
        Fitted to all {len(X):,} training images, it says of the first one, a {y[0]}, that it is
        {"a 5" if answer else "no 5"}, {right} so:
    """)
    story.compare(FIGURES["sgd_fives_first"], answer)
    story.tell("One answer says nothing about the next. How good is it on images that it has not been trained on?")
