"""The example projects, with the built wheel: green as they are, red with the change that their READMEs name."""

import re
import shutil

import pytest

from fitgate.gates import Outcome
from fitgate.record import read
from tests.acceptance.installing import install, run
from tests.acceptance.markdown import ROOT

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
LIGHT = ("text", "predictions_only")
HEAVY = ("keras", "pytorch", "series", "tabular")  # to install
CHANGE = re.compile(r"Change `(.+?)` to `(.+?)`")


def requirements(*names):
    """What pip is to install for some examples."""
    files = [EXAMPLES / name / "requirements.txt" for name in names]
    return [word for path in files if path.exists() for word in ("-r", path)]


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory):
    """The `bin` of one environment for those that need the wheel alone."""
    return install(tmp_path_factory.mktemp("light"), wheel, *requirements(*LIGHT))


def last_run(directory):
    return read(sorted((directory / ".fitgate" / "runs").glob("2*"))[-1])


def check(bin_directory, name, directory):
    """It is green with each of its gates judged, and red once it is changed as its README says."""
    project = shutil.copytree(EXAMPLES / name, directory / name, ignore=shutil.ignore_patterns(".fitgate"))
    run(bin_directory / "pytest", "--gate-strict", "--gate-require-baseline", cwd=project)
    record = last_run(project)
    assert record.gates
    assert [verdict.outcome for verdict in record.verdicts] == [Outcome.PASS] * len(record.gates)
    old, new = CHANGE.search((project / "README.md").read_text()).groups()
    conftest = project / "conftest.py"
    assert conftest.read_text().count(old) == 1
    conftest.write_text(conftest.read_text().replace(old, new))
    run(bin_directory / "pytest", "-m", "not latency", cwd=project, fails=True)
    assert Outcome.FAIL in {verdict.outcome for verdict in last_run(project).verdicts}


def test_each_is_tested():
    assert {path.parent.name for path in EXAMPLES.glob("*/conftest.py")} == {*LIGHT, *HEAVY}


@pytest.mark.parametrize("name", LIGHT)
def test_it_holds_and_its_change_is_caught(light, name, tmp_path):
    check(light, name, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", HEAVY)
def test_it_holds_and_its_change_is_caught_with_a_heavy_library(wheel, name, tmp_path):
    check(install(tmp_path / "environment", wheel, *requirements(name)), name, tmp_path)
