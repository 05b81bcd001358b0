"""Two libraries of boosted trees on one table: each is held to a floor, to its baseline."""

from functools import partial

from sklearn.datasets import load_breast_cancer

from fitgate import Dataset, Floor, Model, NoRegression, Task

TUMOURS = Task(
    "tumours",
    Dataset.from_sklearn(partial(load_breast_cancer, as_frame=True), name="breast_cancer", test_size=0.5),
    metrics=("roc_auc", "log_loss"),
)
GATES = (
    Floor(TUMOURS, "roc_auc", 0.95),
    Floor(TUMOURS, "log_loss", 0.3),
    NoRegression(TUMOURS, "roc_auc", margin=0.02),
)


def lightgbm(seed):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, min_child_samples=10, n_jobs=1, random_state=seed, verbose=-1)


def xgboost(seed):
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100, max_depth=4, n_jobs=1, random_state=seed)


def pytest_fitgate_models():
    return [
        Model("light", lightgbm, gates=GATES, requires=("lightgbm",), stochastic=False, description="LightGBM"),
        Model("extreme", xgboost, gates=GATES, requires=("xgboost",), stochastic=False, description="XGBoost"),
    ]
