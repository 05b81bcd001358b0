"""Bundles: what a session keeps, what is packed, and what another machine makes of it."""

import subprocess
import sys

import pytest

from fitgate.cli import main
from fitgate.record import read
from tests.conftest import ROOT

pytest.importorskip("skops")

CONFTEST = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from fitgate import *
from fitgate.engines import SKOPS

TASK = Task("pixels", Dataset.from_sklearn(load_digits, test_size=0.5), metrics=("accuracy",))

def halved(X):
    return X / 2

class Own:
    def predict(self, X):
        return np.zeros(len(X), int)

def plain(estimator, X):
    return SKOPS.convert(estimator[-1].fit(X, X[:, 0] > 3), X)

def pytest_fitgate_models():
    return [
        Model("bayes", lambda seed: GaussianNB(), (TASK,)),
        Model("tree", lambda seed: DecisionTreeClassifier(random_state=seed), (TASK,)),
        Model("halving", lambda seed: make_pipeline(FunctionTransformer(halved), GaussianNB()), (TASK,),
              engines=(Engine("table", lambda estimator, X: b"", lambda content: Own()),)),
    ]
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """`quick(*options)`: run in a project, and its run's directory; the same options give the same run."""
    runs = {}

    def quick(*options):
        if options not in runs:
            directory = tmp_path_factory.mktemp("project")
            (directory / "conftest.py").write_text(CONFTEST)
            (directory / "test_speed.py").write_text("from fitgate.checks import test_predict\n")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--fit-timing=0.02", *options]
            done = subprocess.run(command, cwd=directory, capture_output=True, text=True, env=environment())
            assert "error" not in done.stderr.lower(), done.stdout + done.stderr
            (runs[options],) = (path for path in (directory / ".fitgate/runs").glob("*") if path.is_dir())
        return runs[options]

    return quick


def environment():
    import os

    return {**os.environ, "PYTHONPATH": ROOT}


@pytest.fixture(scope="module")
def kept(quick):
    return quick("--fit-keep", "--fit-engines=table", "-m", "latency")


@pytest.fixture(scope="module")
def bundle(kept, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "b.zip"
    assert main(["pack", str(kept), "--out", str(path)]) == 0
    return path


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """`timed(bundle, *options)`: the exit code of timing it, and the record."""
    monkeypatch.setattr("fitgate.bundle.timing.KERNELS", ())

    def timed(bundle, *options):
        code = main(["time", str(bundle), "--out", str(tmp_path / "out"), "--processes=1", "--timing=0.02", *options])
        return code, read(tmp_path / "out")

    return timed


def test_a_session_keeps_what_it_times_and_says_what_it_can_t(kept):
    record = read(kept)
    found = {(entry.model, entry.engine): entry for entry in record.kept_models}
    assert {key: entry.loader for key, entry in found.items()} == {
        ("bayes", "native"): "skops",
        ("tree", "native"): "skops",
        ("halving", "native"): "",
        ("halving", "table"): "",
    }
    assert "halved, which is this project's own" in found["halving", "native"].reason
    assert found["halving", "table"].reason.endswith("the project's own code, which is on no other machine")
    assert sorted(path.name for path in (kept / "kept").iterdir()) == sorted(
        entry.digest for entry in (*record.kept_models, *record.kept_data) if not entry.reason
    )


def test_packing_says_what_is_in_the_bundle_and_what_is_left_out(kept, tmp_path, capsys):
    main(["pack", str(kept / "record.json"), "--out", str(tmp_path / "b.zip")])
    out = capsys.readouterr().out
    assert "halving by native: left out: it holds " in out
    assert "bayes by native: " in out


def test_a_bundle_is_timed_without_its_project(bundle, timed, capsys):
    code, record = timed(bundle)
    assert code == 0, capsys.readouterr()
    assert {(t.model, t.engine, t.scenario, len(t.processes)) for t in record.timings} == {
        (model, "native", scenario, 1) for model in ("bayes", "tree") for scenario in ("single", "multi", "offline")
    }
    assert {(e.model, e.engine): (e.n, e.equal) for e in record.engines if not e.reason} == {
        ("bayes", "native"): (898, 1.0),
        ("tree", "native"): (898, 1.0),
    }
    assert all(audit.passed for audit in record.audits)
    assert record.status == "finished"


def test_timing_a_bundle_imports_no_pytest_and_no_pickle_of_it(bundle, tmp_path):
    program = (
        "import sys\nfrom fitgate.cli import main\n"
        f"code = main(['time', {str(bundle)!r}, '--out', {str(tmp_path / 'out')!r}, '--models=bayes', "
        "'--processes=1', '--timing=0.02'])\nsys.exit(code or 2 * ('pytest' in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
