"""Fits are used again across sessions while nothing that they depend on has changed, and never else."""

import importlib
import shutil
from contextlib import suppress

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fitgate.cli import main
from fitgate.machine.imports import Sources
from fitgate.plugin import reuse
from fitgate.record import read
from fitgate.runs.parameters import Description, Undescribed

with suppress(ImportError):  # before any pytester: with it comes importlib_metadata, which changes sys.meta_path
    importlib.import_module("skops.io")

READER = 'model("reader", gates=(Floor(DIGITS, "accuracy", quick=0.9),))'
HAND_WRITTEN = """
from conftest import MODEL, DIGITS

def test_by_hand(trained):
    found = trained(MODEL).on(DIGITS)
    assert type(found.estimator).__name__ == "LogisticRegression"
    assert found.estimator.n_iter_[0] > 0
"""
LOGISTIC = """
from sklearn.linear_model import LogisticRegression
from fitgate import *
from tests.fakes import DIGITS

MODEL = Model("linear", lambda seed: LogisticRegression(), tasks=(DIGITS,), stochastic=False)

def pytest_fitgate_models():
    return [MODEL]
"""
LEARNER = 'model("learner", Learner, tasks=(DIGITS,), seeded=True)'


@pytest.fixture
def kept(project, monkeypatch):
    """A project whose fits are kept; `kept.files()` are the entries."""
    monkeypatch.setenv("FITGATE_CACHE_DIR", str(project.path / "cache"))
    project.files = lambda suffix="json": sorted((project.path / "cache" / "fits").glob(f"*/*.{suffix}"))
    return project


@pytest.fixture
def unwritten(monkeypatch):
    """Estimators are not written: that takes a process of its own."""
    monkeypatch.setattr(reuse.Kept, "_write_estimators", lambda self: None)


def session(project, *arguments):
    """A session's output, and its record."""
    before = set(project.runs)
    result = project.run("--fit-reuse", *arguments)
    (run,) = set(project.runs) - before
    return result.stdout.str(), read(run)


def numbers(record):
    return [(v.gate, v.outcome, v.value, v.n) for v in record.verdicts]


def test_a_second_session_fits_nothing_and_says_cached(kept, unwritten):
    kept.write(READER)
    _, first = session(kept, "-k", "gate or example")
    fits = list(kept.fits)
    assert fits == ["digits", "fives"]
    _, second = session(kept, "-k", "gate or example")
    assert kept.fits == fits
    assert numbers(first) == numbers(second)
    assert [fit.cached for fit in first.fits] == ["", ""]
    assert all(fit.cached for fit in second.fits)
    assert second.model_seconds == 0
    assert [e.metrics for e in first.evaluations] == [e.metrics for e in second.evaluations]
    assert [fit.seconds for fit in first.fits] == [fit.seconds for fit in second.fits]


def test_several_seeds_are_kept_one_by_one(kept, unwritten):
    kept.write(LEARNER)
    _, first = session(kept, "-k", "seed", "--fit-seeds=3")
    _, second = session(kept, "-k", "seed", "--fit-seeds=4")
    assert len(kept.fits) == 4
    assert [run.fit.seed for run in second.seed_runs if not run.fit.cached] == [45]
    assert len(first.seed_runs) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda kept: kept.write(READER.replace('"reader"', '"reader", blunder=50')), "its parameters changed"),
        (lambda kept: _damaged(kept), "what was kept is damaged"),
        (lambda kept: _renamed(kept), "what was kept is another model's"),
        (lambda kept: _elsewhere(kept, cpu="another"), "processor another -> "),
        (lambda kept: _elsewhere(kept, python="2.7"), "Python 2.7 -> "),
        (lambda kept: _depending(kept, parameters="others"), "its parameters changed"),
        (lambda kept: _depending(kept, data="other"), "its data changed"),
        (lambda kept: _depending(kept, settings={"threads": "7", "backend": ""}), "its settings changed"),
    ],
)
def test_what_is_stale_damaged_or_foreign_is_fitted_again_and_said_so(kept, unwritten, change, why):
    kept.write(READER)
    session(kept, "-k", "gate")
    change(kept)
    out, record = session(kept, "-k", "gate")
    assert kept.fits == ["digits", "digits"]
    (fit,) = record.fits
    assert why in fit.renewed
    assert not fit.cached
    assert f"reader on digits is fitted again: {why}" in out
    session(kept, "-k", "gate")
    assert len(kept.fits) == 2  # what was kept now serves


def _damaged(kept):
    (path,) = kept.files()
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)


def _renamed(kept):
    (path,) = kept.files()
    entry = reuse._read(path)
    fit = msgspec.structs.replace(entry.run.fit, model="other")
    reuse._save(path, msgspec.structs.replace(entry, run=msgspec.structs.replace(entry.run, fit=fit)))


def _depending(kept, **changed):
    (path,) = kept.files()
    entry = reuse._read(path)
    reuse._save(
        path,
        msgspec.structs.replace(entry, dependencies=msgspec.structs.replace(entry.dependencies, **changed)),
    )


def _elsewhere(kept, **changed):
    (path,) = kept.files()
    environment = msgspec.structs.replace(reuse._read(path).dependencies.environment, **changed)
    _depending(kept, environment=environment)


def test_a_change_of_the_file_that_builds_the_model_is_one(kept, unwritten):
    kept.pytester.makeconftest(LOGISTIC)
    kept.pytester.makepyfile(test_models="from fitgate.checks import *")
    session(kept, "-k", "example")
    (kept.path / "conftest.py").write_text(LOGISTIC + "\n# changed\n")
    out, _ = session(kept, "-k", "example")
    assert "linear on digits is fitted again: conftest.py changed" in out


def test_without_the_option_nothing_is_kept_or_used(kept, unwritten):
    kept.write(READER)
    kept.run("-k", "gate")
    assert not kept.files()
    session(kept, "-k", "gate")
    kept.run("-k", "gate")
    assert len(kept.fits) == 3


def test_a_model_whose_parameters_have_no_words_is_fitted_each_time_and_said_so(kept, unwritten):
    kept.write(
        "model('reader', blunder=np.random.default_rng(0), tasks=(DIGITS,))".replace("np.", "__import__('numpy').")
    )
    for _ in range(2):
        out, _ = session(kept, "-k", "example")
    assert "can't be kept for --fit-reuse: it holds a Generator" in out
    assert not kept.files()


def test_an_estimator_is_kept_as_data_and_there_for_tests_by_hand_and_timings(kept, monkeypatch):
    pytest.importorskip("skops")
    kept.pytester.makeconftest(LOGISTIC)
    kept.pytester.makepyfile(test_models="from fitgate.checks import *", test_hand=HAND_WRITTEN)
    session(kept, "-k", "hand or example")
    assert len(kept.files("estimator")) == 1
    monkeypatch.setattr(LogisticRegression, "fit", None)
    out, record = session(kept, "-k", "hand or example or (predict and single)")
    assert record.fits[0].cached
    assert [timing.scenario for timing in record.timings] == ["single"]
    assert "CACHED, of earlier sessions: 1 of 1 fits" in out
    assert "CACHED" in max(kept.runs).joinpath("report.md").read_text()


def test_an_estimator_is_not_put_beside_the_fit_that_another_session_kept_meanwhile(kept, monkeypatch):
    pytest.importorskip("skops")
    kept.pytester.makeconftest(LOGISTIC)
    kept.pytester.makepyfile(test_models="from fitgate.checks import *")
    write = reuse.Kept._write_estimators

    def written_late(self):
        _depending(kept, parameters="others")
        write(self)

    monkeypatch.setattr(reuse.Kept, "_write_estimators", written_late)
    session(kept, "-k", "example")
    assert not kept.files("estimator")
    assert reuse._read(*kept.files()).form == ""


def test_a_damaged_estimator_is_fitted_again_where_it_is_asked_for(kept):
    pytest.importorskip("skops")
    kept.pytester.makeconftest(LOGISTIC)
    kept.pytester.makepyfile(test_models="from fitgate.checks import *", test_hand=HAND_WRITTEN)
    session(kept, "-k", "example")
    (path,) = kept.files("estimator")
    path.write_bytes(path.read_bytes()[:-10])
    out, record = session(kept, "-k", "hand")
    assert "its kept estimator is damaged" in out
    assert not record.fits[0].cached


def test_a_kept_fit_is_not_held_to_contracts_again(kept, unwritten, monkeypatch):
    kept.write(READER)
    kept.pytester.makepyfile(test_models="from fitgate.checks import test_contract, test_gate")
    _, first = session(kept)
    monkeypatch.setattr("fitgate.contracts.Subject.ask", None)
    _, second = session(kept)
    assert first.failed_tests == second.failed_tests == []
    kept.write(READER.replace('"reader"', '"reader", blunder=50'))
    _, changed = session(kept)
    assert len(changed.failed_tests) > 1


def test_what_checks_found_of_a_fit_that_was_not_kept_is_not_kept_with_another(kept, unwritten):
    bad, good = READER.replace('"reader"', '"reader", blunder=50'), READER
    kept.pytester.makepyfile(test_models="from fitgate.checks import test_contract, test_gate")
    kept.write(bad)
    _, first = session(kept)
    kept.write(good)
    session(kept, "-k", "contract")  # a fit that is not evaluated is not kept
    kept.write(bad)
    _, again = session(kept)
    assert again.failed_tests == first.failed_tests
    assert any("contract" in test for test in first.failed_tests)


UNSEEDED = """
import itertools
from sklearn.linear_model import LogisticRegression
from fitgate import *
from tests.fakes import DIGITS

FITS = itertools.count()

class Unseeded(LogisticRegression):
    def fit(self, X, y):
        self.shift_ = next(FITS)
        return super().fit(X[:30], y[:30])

    def predict(self, X):
        return (super().predict(X) + self.shift_ + 1) % 10

def pytest_fitgate_models():
    gates = (NoRegression(DIGITS, "accuracy", 0.1),)
    return [Model("unseeded", lambda seed: Unseeded(), gates=gates, stochastic=False)]
"""


def test_a_baseline_made_of_a_kept_fit_does_not_show_that_another_would_be_the_same(kept, unwritten, monkeypatch):
    monkeypatch.chdir(kept.path)
    kept.pytester.makeconftest(UNSEEDED)
    kept.pytester.makepyfile(test_models="from fitgate.checks import test_contract, test_gate")
    session(kept, "-k", "test_gate")
    assert main(["bless", "--yes"]) == 0
    _, record = session(kept)
    assert any("same_seed" in test for test in record.failed_tests)


def test_a_check_of_a_project_s_own_is_made_each_time(kept, unwritten):
    kept.write(READER)
    own = """
        from fitgate.checks import test_gate
        from fitgate.contracts import Broken
        from conftest import pytest_fitgate_models
        def check_mine(subject):
            {}
        def test_mine(trained, hold):
            assert hold(trained(pytest_fitgate_models()[0]), check_mine) is None
    """
    for body, failed in (("pass", 0), ("raise Broken('It is not mine.')", 1)):
        kept.pytester.makepyfile(test_models=own.format(body))
        _, record = session(kept, "-k", "mine or gate")
        assert len(record.failed_tests) == failed


def test_a_contract_check_in_which_a_kept_fit_raised_an_error_is_made_again(kept, unwritten):
    kept.write(READER)
    kept.pytester.makepyfile(test_models="from fitgate.checks import test_contract, test_gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fitgate.contracts.Subject.ask", None)
        _, first = session(kept)
    _, second = session(kept)
    assert first.failed_tests
    assert second.failed_tests == []


def test_a_directory_that_is_open_to_others_is_refused(kept, unwritten):
    kept.write(READER)
    session(kept, "-k", "gate")
    (kept.path / "cache" / "fits").chmod(0o755)
    result = kept.run("--fit-reuse", "-k", "gate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    shutil.rmtree(kept.path / "cache")


# --- What a model is made of


def test_sources_are_what_is_imported_wherever_that_stands(tmp_path):
    files = {
        "plugin.py": "import json\nfrom package.part import thing\n\ndef build(seed):\n    from lazy import made\n",
        "package/__init__.py": "",
        "package/part.py": "from . import sibling\n",
        "package/sibling.py": "",
        "package/other.py": "",
        "lazy.py": "def broken(:\n",
        "beside.py": "",
        ".venv/json.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = Sources(tmp_path).of(tmp_path / "plugin.py")
    own = {"plugin.py", "package/__init__.py", "package/part.py", "package/sibling.py", "lazy.py"}
    assert found.keys() == {*own, "fitgate"}
    (tmp_path / "package" / "sibling.py").write_text("CHANGED = 1\n")
    again = Sources(tmp_path).of(tmp_path / "plugin.py")
    assert [name for name in found if found[name] != again[name]] == ["package/sibling.py"]


def scaled(factor):
    return lambda X: X * factor


DIFFERENT = [
    lambda: LogisticRegression(),
    lambda: LogisticRegression(C=2.0),
    lambda: LogisticRegression(class_weight={0: 1, 1: 2}),
    lambda: RandomForestClassifier(random_state=1),
    lambda: RandomForestClassifier(random_state=np.int64(1)),
    lambda: make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
    lambda: make_pipeline(FunctionTransformer(scaled(2)), LogisticRegression()),
    lambda: make_pipeline(FunctionTransformer(scaled(3)), LogisticRegression()),
    lambda: FunctionTransformer(kw_args={"weights": np.arange(3)}),
    lambda: FunctionTransformer(kw_args={"weights": np.arange(4)}),
]


def test_a_description_tells_estimators_apart_and_knows_the_same_again():
    digests = [Description(make()).digest for make in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert digests == [Description(make()).digest for make in DIFFERENT]


def test_a_description_knows_what_an_estimator_is_made_of():
    described = Description(make_pipeline(FunctionTransformer(scaled(2)), LogisticRegression()))
    assert "sklearn.linear_model._logistic.LogisticRegression" in described.names
    assert __file__ in described.files


def test_what_can_t_be_told_apart_has_no_description():
    itself = []
    itself.append(itself)
    for value in (np.random.RandomState(0), RandomForestClassifier(random_state=np.random.RandomState(0)), itself):
        with pytest.raises(Undescribed):
            Description(value)
