"""Two checkouts in one environment: each session runs the code of the checkout that it is started for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.markdown import ROOT

pytestmark = pytest.mark.slow

PROBE = """
import fitgate, fitgate_pytest, models, suite

def test_where():
    print(*sorted({module.__file__.rpartition("/")[0].rpartition("/")[0] for module in (
        fitgate, fitgate_pytest, models, suite)}), sep=", ")
"""
PYTEST = str(Path(sys.executable).parent / "pytest")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A second checkout: the files that this one tracks, as they are."""
    copy = tmp_path_factory.mktemp("second") / "checkout"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).exists() and not name.startswith("reports/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / "suite" / "tests" / "test_where.py").write_text(PROBE)
    return copy


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
@pytest.mark.parametrize(
    ("command", "elsewhere"),
    [([PYTEST], False), ([sys.executable, "-m", "pytest"], False), ([PYTEST], True)],
    ids=["pytest", "python -m pytest", "from elsewhere"],
)
def test_a_session_runs_the_checkout_s_own_code(checkout, tmp_path, command, elsewhere, mode):
    directory = tmp_path if elsewhere else checkout
    test = str(checkout / "suite" / "tests" / "test_where.py")
    done = subprocess.run(
        [*command, "-q", "-s", f"--import-mode={mode}", test], cwd=directory, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == str(checkout)
