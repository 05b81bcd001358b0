"""A network in PyTorch, with scikit-learn's API by skorch."""

from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fitgate import Dataset, Floor, Model, NoRegression, Task

DIGITS = Task(
    "digits",
    Dataset.from_sklearn(load_digits, test_size=0.5),
    metrics=("accuracy", "macro_f1"),
    question="Which digit is it?",
)


def scaled(X):
    """Grey levels 0 to 16 as float32 from 0 to 1."""
    return (X / 16).astype("float32")


def network(seed):
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    net = NeuralNetClassifier(
        layers,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=0.003,
        max_epochs=20,
        batch_size=64,
        train_split=None,
        verbose=0,
    )
    return make_pipeline(FunctionTransformer(scaled), net)


def pytest_fitgate_models():
    gates = (Floor(DIGITS, "accuracy", 0.92), NoRegression(DIGITS, "accuracy", margin=0.02))
    requires = ("torch", "skorch")
    return [
        Model("network", network, gates=gates, requires=requires, stochastic=True, description="two layers in PyTorch")
    ]
