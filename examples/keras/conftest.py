"""A network in Keras on JAX, with scikit-learn's API by Keras's own wrapper."""

import os

from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fitgate import Dataset, Floor, Model, NoRegression, Task

os.environ["KERAS_BACKEND"] = "jax"  # before Keras is imported, here and in the processes that train

DIGITS = Task(
    "digits",
    Dataset.from_sklearn(load_digits, test_size=0.5),
    metrics=("accuracy",),
    question="Which digit is it?",
)


def scaled(X):
    """Grey levels 0 to 16 as float32 from 0 to 1."""
    return (X / 16).astype("float32")


def layers(X, y):
    """Two dense layers, compiled for X float32 `(n, pixels)` and y `(n, classes)`, one-hot."""
    import keras

    network = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.AdamW(0.003), "categorical_crossentropy")
    return network


def network(seed):
    import keras
    from keras.wrappers import SKLearnClassifier

    keras.utils.set_random_seed(seed)
    net = SKLearnClassifier(layers, fit_kwargs={"epochs": 20, "batch_size": 64, "verbose": 0})
    return make_pipeline(FunctionTransformer(scaled), net)


def pytest_fitgate_models():
    gates = (Floor(DIGITS, "accuracy", 0.92), NoRegression(DIGITS, "accuracy", margin=0.02))
    requires = ("keras", "jax")
    return [
        Model("network", network, gates=gates, requires=requires, stochastic=True, description="two layers in Keras")
    ]
