"""Sabotage, on fake models: a defect is planted behind the harness's back, judged, and told."""

import re

import msgspec
import numpy as np
import pytest

from fitgate.gates.baseline import baseline_file, write_baseline
from fitgate.machine import environment
from fitgate.record import write_json
from fitgate.sabotage import defects
from fitgate.sabotage.campaign import Campaign, follow, read_campaign
from fitgate.sabotage.defects import Defect, Spoiled
from fitgate.sabotage.report import render
from fitgate.sabotage.tampering import Tampering
from fitgate.sabotage.trial import Court
from suite import DIGITS, Floor, NoRegression
from tests import fakes
from tests.test_gates import DATA, evaluation, wrong
from tests.test_regression import baseline

GATES = (Floor(DIGITS, "accuracy", quick=0.5), NoRegression(DIGITS, quick=0.1))
SWAPPED = Defect("classical", "label columns swapped", "4 and 9", ("reader",), answer=defects._exchange(4, 9))


class Memory:
    """Remembers the labels that it was given last."""

    def fit(self, X, y):
        self.labels = y
        return self

    def predict(self, X):
        return self.labels[-len(X) :]


@pytest.fixture
def court(tmp_path, monkeypatch):
    """A court for one perfect reader."""
    monkeypatch.chdir(tmp_path)
    perfect = baseline(evaluation(DIGITS, wrong(0)), model="reader")
    write_baseline(perfect, baseline_file(tmp_path, "quick", "reader", "digits"))
    return Court({"reader": fakes.model(gates=GATES)}, DATA, tmp_path)


def test_a_defect_is_caught_by_the_gate_that_saw_it(court):
    trial = court.try_model("reader", SWAPPED, [1])
    assert trial.caught_by == ["accuracy>baseline-0.1"]
    assert trial.effect == pytest.approx(0.2)


def test_a_clean_model_raises_no_alarm(court):
    alone, together = court.try_clean("reader", [1, 2, 3])
    assert not any(trial.caught_by for trial in [*alone, together])
    assert [trial.seeds for trial in alone] == [[1], [2], [3]]


def test_a_defect_that_breaks_the_model_is_caught_outright(court):
    short = Defect("preprocessing", "test set truncated", "half", ("reader",), answer=defects._truncated(0.5))
    trial = court.try_model("reader", short, [1])
    assert (trial.caught_by, trial.effect) == (["failed outright"], None)
    assert "predictions of shape (100,) for 200 examples" in trial.error


def test_a_leak_reaches_the_estimator_and_is_suspected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_baseline(
        baseline(evaluation(DIGITS, wrong(60)), model="reader"), baseline_file(tmp_path, "quick", "reader", "digits")
    )
    model = fakes.model(estimator=Memory, gates=(NoRegression(DIGITS, quick=0.1),))
    leak = Defect("data", "test examples leaked into training", "all", ("reader",), leaked=1.0)
    trial = Court({"reader": model}, DATA, tmp_path).try_model("reader", leak, [1])
    assert (trial.caught_by, trial.suspected) == ([], ["accuracy>baseline-0.1"])


def test_a_court_without_a_baseline_says_so(tmp_path):
    with pytest.raises(LookupError, match="reader has no baseline on digits"):
        Court({"reader": fakes.model(gates=GATES)}, DATA, tmp_path)


def test_every_defect_of_the_data_changes_what_is_learnt_or_seen():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (500, 784), np.uint8), np.resize(np.arange(10, dtype=np.uint8), 500)
    planted = [*defects._data(), *defects._preprocessing()]
    assert len({(d.name, d.severity) for d in planted}) == len(planted)
    for defect in planted:
        seen, labels = defect.train(x, y, rng)
        assert len(seen) == len(labels), defect
        same = np.array_equal(seen, x) and np.array_equal(labels, y)
        same &= np.array_equal(defect.test(x), x) and np.array_equal(defect.answer(y), y) and not defect.leaked
        assert not same, defect


def test_settings_reach_the_estimator_inside_a_pipeline():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=2.0))
    defect = Defect("training", "regularisation", "x10", settings={"C": defects._times(10), "max_iter": 7})
    Spoiled(pipeline, defect, seed=0, test=DATA.test).fit(np.eye(4, 784), np.array([0, 1, 0, 1]))
    assert (pipeline[-1].C, pipeline[-1].max_iter) == (20, 7)


def test_what_was_inconclusive_is_given_twice_the_seeds(court, tmp_path, monkeypatch):
    caught = court.try_model("reader", SWAPPED, [1])
    unsure = msgspec.structs.replace(caught, seeds=[1, 2, 3], caught_by=[], inconclusive=["accuracy>baseline-0.1"])
    path = tmp_path / "campaign.json"
    write_json(Campaign("quick", "0123", environment(), [unsure]), path)
    monkeypatch.setattr("fitgate.sabotage.campaign.defects", lambda: [SWAPPED])
    monkeypatch.setattr("fitgate.sabotage.campaign.Court", lambda *arguments: court)
    campaign = follow(path, tmp_path, print)
    assert [trial.seeds for trial in campaign.trials] == [[1, 2, 3], [4, 5, 6, 7, 8, 9]]
    told = render(read_campaign(path))
    assert "**1 of 1** defects whose effect is at least the margin were caught, 1 of them with more seeds" in told


def test_the_report_counts_what_was_due_and_what_was_missed(court, tmp_path):
    caught = court.try_model("reader", SWAPPED, [1])
    missed = msgspec.structs.replace(caught, defect="something subtle", caught_by=[])
    small = msgspec.structs.replace(missed, defect="something small", effect=0.01)
    alone, together = court.try_clean("reader", [1, 2])
    tamperings = [Tampering("an edited baseline", True, "ERROR: edited"), Tampering("a stale cache", False, "passed")]
    leaked = msgspec.structs.replace(missed, defect="a leak", effect=-0.2, suspected=["accuracy>baseline-0.1"])
    trials = [caught, missed, small, leaked]
    campaign = Campaign("quick", "0123", environment(), trials, alone, [together], tamperings, 60)
    path = tmp_path / "campaign.json"
    path.write_bytes(msgspec.json.encode(campaign))
    told = re.sub(" +", " ", render(read_campaign(path)))
    assert (
        "**1 of 2** defects whose effect is at least the margin were caught; missed: reader: something subtle, 4 and "
        "9, which passed. Of the 1 that do less, 0 were caught, 0 called inconclusive." in told
    )
    assert "**1 of 2** tamperings with the harness were refused." in told
    assert "**0 of 2** (at most 77.64 %, exact one-sided 95 % bound) clean runs with one fresh seed each" in told
    assert "**1 of 1** leaks that gain at least the margin were called one." in told
    assert "| something small | 4 and 9 | reader | · nothing | +1.00 | 10 | 1 |" in told
