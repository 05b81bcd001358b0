"""Discovery: what the plugins of a directory contribute, as pytest loads them."""

from functools import partial
from pathlib import Path

import pytest

from fitgate.executor import Place, run
from fitgate.plugin.discovery import DiscoveryError, discover

ROOT = Path(__file__).parents[1]

CONFTEST = """
from fitgate.data import Dataset
from fitgate.model import Model
from fitgate.tasks import Task
TASK = Task("tiny", Dataset.from_arrays("tiny", [[0], [1]], [0, 1], [[0], [1]], [0, 1]))
print("loud")
def pytest_fitgate_models():
    return [Model(name, print, tasks=(TASK,)) for name in {names!r}.split()]
"""


@pytest.fixture
def found(tmp_path):
    """`found(describe)`: what a function makes of the contributions of a directory, in a process of its own."""
    place = Place(directory=tmp_path, path=[tmp_path, ROOT])
    return lambda describe: run(lambda: describe(discover(tmp_path)), label="discovery", place=place)


def test_models_of_a_conftest_are_found_by_name(tmp_path, found):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(names="one two"))
    assert found(lambda it: (list(it.models), it.models["one"].name)) == (["one", "two"], "one")
    assert found(lambda it: str(tmp_path) in it.path)


def test_a_directory_that_has_nothing_to_do_with_it_contributes_nothing(found):
    assert found(lambda it: (it.models, it.datasets, it.metrics, it.gates, it.kernels, it.defects)) == (
        {},
        {},
        {},
        (),
        (),
        (),
    )


def test_nothing_is_collected_or_shown(tmp_path, found, capfd):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(names="one two"))
    (tmp_path / "test_it.py").write_text("raise SystemExit('collected')")
    assert found(lambda it: len(it.models)) == 2
    assert capfd.readouterr() == ("", "")


def test_two_models_of_one_name_are_refused(tmp_path, found):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(names="same same"))
    with pytest.raises(DiscoveryError, match="two models named 'same', expected one of each name; rename one"):
        found(len)


def test_a_conftest_that_fails_is_told_with_its_error(tmp_path):
    (tmp_path / "conftest.py").write_text("import no_such_library")
    with pytest.raises(DiscoveryError, match="no_such_library"):
        run(partial(discover, tmp_path), label="discovery", place=Place(path=[tmp_path, ROOT]))
