"""The bench of the race and the search before it, on racers of known pace and skill."""

import contextlib
import inspect
import re
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.cnn import bench, noise, racer, search
from models.cnn.race import RECORD, Race, Start, Trained, page, tables, write_race
from models.cnn.racer import IMAGE

ROOT = Path(__file__).parents[2]


class Fake:
    """Half as slow as its peer, if it is the CNN."""

    def __init__(self, name, wrong):
        self._pace, self._ours, self._wrong = (0.5 if name == "cnn" else 1.0), name == "cnn", wrong

    def images(self):
        return 60_000

    def fit(self, seed):
        compiling = 0.4 * self._ours
        return Trained(seed, self._pace * (1 + seed / 10) + compiling, compiling, 99 + seed / 100)

    def keep(self, directory):
        for form in ("pickle", "jax.export") if self._ours else ("pickle", "torch.jit", "ONNX Runtime"):
            (directory / form).write_text("7")
        np.save(directory / IMAGE, np.zeros((1, 4), np.uint8))
        return 7

    def engines(self):
        return ["predict"] if self._ours else ["predict", "torch.jit"]

    def single(self, engine, seconds):
        return (self._pace * 1e-4 / (4 if engine == "torch.jit" else 1),) * 3

    def differing(self, engine):
        return self._wrong * (engine != "predict")

    def batches(self, sizes, seconds):
        return [self._pace / size / 1_000 for size in sizes]


@pytest.mark.parametrize("wrong", [0, 2])
def test_the_race_is_told_by_ratios_and_wrong_answers_of_compiled_forms_fail_it(monkeypatch, capsys, tmp_path, wrong):
    started = []

    @contextlib.contextmanager
    def racing(name, directory, profile, variables):
        started.append((name, *variables))
        yield Fake(name, wrong)

    monkeypatch.setattr(bench, "racing", racing)
    monkeypatch.setattr(bench, "ANSWERS", dict.fromkeys(bench.ANSWERS, "label = open(model).read()"))
    out = tmp_path / "race.md"
    assert bench.main(["--seeds", "2", "--starts", "2", "--out", str(out)]) == (1 if wrong else 0)
    text = re.sub(" +", " ", capsys.readouterr().out)
    assert "| without compilation | 0.57 | 1.15 | 0.5 (0.5 to 0.5) |" in text
    assert "| of it compiling, cold | 0.40 | | |" in text
    assert "| torch_cnn, predict | 100.0 | 100.0 | 100.0 | 0.5 (0.5 to 0.5) | 0 |" in text
    assert f"| torch_cnn, torch.jit | 25.0 | 25.0 | 25.0 | 2 (2 to 2) | {wrong} |" in text
    assert "| 10,000 | 20,000,000 | 10,000,000 | 0.5 (0.5 to 0.5) |" in text
    assert "| accuracy, % | 99.015 (98.951 to 99.079), SD 0.007, least 99.01 |" in text
    assert "From a process's start to its first answer: seconds" in text
    for words in (
        "exported, cold",
        "exported, programs CACHED; the peer's by ONNX Runtime",
        "pickled, programs CACHED",
    ):
        assert re.search(rf"\| {words} \| \d+\.\d\d \| \d+\.\d\d \| \S+ \(", text)
    assert "60,000 images to train on, 2 seeds" in text
    assert started.count(("cnn", "JAX_ENABLE_COMPILATION_CACHE")) == 2
    record = msgspec.json.decode((tmp_path / "race" / RECORD).read_bytes(), type=Race)
    assert out.read_text() == page(record, "race/race.png")
    assert "**cnn trains in 0.50 times the time of torch_cnn** (0.50 to 0.50)" in out.read_text()
    assert (
        "|      2 |              99.02 |          0.60 |                    99.02 |          1.20 |" in out.read_text()
    )


@pytest.mark.parametrize(("code", "words"), [("label = 6", "found label 6, expected 7"), ("1 / 0", "exit status 1")])
def test_a_form_that_answers_otherwise_or_not_at_all_is_one_line(monkeypatch, capsys, code, words):
    @contextlib.contextmanager
    def racing(name, directory, profile, variables):
        yield Fake(name, 0)

    monkeypatch.setattr(bench, "racing", racing)
    monkeypatch.setattr(bench, "ANSWERS", {"pickle": code})
    assert bench.main(["--seeds", "2", "--starts", "2"]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_an_exported_network_races_the_fastest_form_of_the_peer():
    published = msgspec.json.decode((ROOT / "reports" / "race" / RECORD).read_bytes(), type=Race)
    start = published.starts["cold"][0]

    def tables_of(traced):
        ours, theirs = ({**start.exported_seconds, form: s} for form, s in (("jax.export", 1.0), ("torch.jit", traced)))
        starts = {how: [Start(start.trained, 3.0, ours)] * 3 for how in ("CACHED", "cold")}
        starts["torch_cnn"] = [Start(start.trained, 2.0, theirs)] * 3
        return re.sub(" +", " ", tables(msgspec.structs.replace(published, starts=starts)))

    assert "| exported, cold | 1.00 | 1.25 | 0.8 (" in tables_of(1.25)
    assert "| exported, cold | 1.00 | 2.00 | 0.5 (" in tables_of(2.5)


@pytest.mark.parametrize("seeds", ["1", "few"])
def test_too_few_seeds_for_an_interval_are_refused(capsys, seeds):
    with pytest.raises(SystemExit):
        bench.main(["--seeds", seeds])
    assert f"found '{seeds}', expected 2 or more" in capsys.readouterr().err


@pytest.mark.parametrize("command", [bench, noise, search], ids=["bench", "noise", "search"])
def test_a_directory_without_the_digits_is_one_line(command, tmp_path, capsys):
    assert command.main(["--fit-mnist-dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_a_peer_that_is_not_installed_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(racer.LIBRARIES, "torch_cnn", ("no_such_library.of_tensors",))
    assert bench.main(["--fit-mnist-dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: torch_cnn: found no no_such_library, ")
    assert error.count("\n") == 1


def test_wrong_labels_are_as_many_as_said_and_each_another():
    labels = np.repeat([3, 5, 8], 100)
    found = noise.mislabelled(labels, 0.1, np.random.default_rng(0))
    assert (found != labels).sum() == 30
    assert set(found[:100]) == {3, 5, 8}
    assert (labels == np.repeat([3, 5, 8], 100)).all()


def test_the_published_race_is_what_its_record_renders_to(tmp_path):
    reports = ROOT / "reports"
    record = msgspec.json.decode((reports / "race" / RECORD).read_bytes(), type=Race)
    write_race(record, tmp_path / "race.md")
    assert (tmp_path / "race.md").read_text() == (reports / "race.md").read_text()
    assert (tmp_path / "race" / "race.png").stat().st_size > 5_000


def test_a_search_gives_both_the_same_trials_and_the_best_more_seeds(monkeypatch, tmp_path, capsys):
    asked = []

    class Skilled:
        def __init__(self, name):
            self._name = name

        def trial(self, settings, seed):
            asked.append((self._name, tuple(settings.values()), seed))
            lucky = 2 * (seed == 0 and settings["smoothing"] == 0)  # only at first
            return 99 - abs(settings["learning_rate"] - 0.01) + lucky

    @contextlib.contextmanager
    def racing(name, directory, profile, variables):
        yield Skilled(name)

    monkeypatch.setattr(search, "racing", racing)
    path = tmp_path / "search.json"
    assert search.main(["--trials", "6", "--seeds", "1", "--finals", "2", "--more", "2", "--out", str(path)]) == 0
    record = msgspec.json.decode(path.read_bytes(), type=search.Search)
    ours, theirs = record.trials.values()
    assert ours == theirs
    assert [rest for name, *rest in asked if name == "cnn"] == [rest for name, *rest in asked if name != "cnn"]
    assert [len(trial.accuracies) for trial in ours] == [3, 3, 1, 1, 1, 1]
    assert ours[0].mean >= ours[1].mean
    assert search.RECIPE in [trial.settings for trial in ours]
    assert len({tuple(trial.settings.values()) for trial in ours}) == 6
    assert f"| {ours[0].mean:.3f} |" in re.sub(" +", " ", capsys.readouterr().out)


def test_the_published_search_gave_both_the_same_trials_and_both_have_one_recipe_that_is_good_for_both():
    record = msgspec.json.decode((ROOT / "reports" / "race" / "search.json").read_bytes(), type=search.Search)
    ours, theirs = ({tuple(t.settings.items()): t for t in found} for found in record.trials.values())
    assert ours.keys() == theirs.keys()
    means = {key: (ours[key].mean + theirs[key].mean) / 2 for key in ours if len(ours[key].accuracies) > 2}
    chosen = []
    for name, estimator in (("models.cnn.estimator", "CNNClassifier"), ("models.torch_cnn", "TorchCNN")):
        defaults = inspect.signature(getattr(import_module(name), estimator)).parameters
        chosen.append(tuple((key, defaults[key].default) for key in search.RECIPE))
    assert chosen[0] == chosen[1]
    assert means[chosen[0]] > max(means.values()) - 0.03
