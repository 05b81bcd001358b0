"""What pip installs, in an environment of its own and a directory with nothing but the README's example."""

import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from fitgate.gates import Reason
from fitgate.record import read
from tests.acceptance.installing import install, run
from tests.acceptance.markdown import ROOT, write_files

pytestmark = pytest.mark.slow

DISTRIBUTION = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tumour-trees"
version = "1.0"
dependencies = ["fitgate"]

[project.entry-points.pytest11]
tumour-trees = "tumour_trees"

[tool.setuptools]
py-modules = ["tumour_trees"]
"""


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The `bin` of a new environment with the wheel."""
    return install(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture(scope="session")
def example(installed, tmp_path_factory):
    """A directory with the README's example and nothing else, blessed."""
    directory = tmp_path_factory.mktemp("example")
    written = write_files(ROOT / "README.md", directory)
    assert [path.name for path in written] == ["conftest.py", "test_models.py"]
    assert sum(len(path.read_text().splitlines()) for path in written) <= 20
    first = run(installed / "pytest", cwd=directory)
    assert re.search(r"^fitgate: PASS: ", first, re.MULTILINE)
    run(installed / "pytest", "-m", "not latency", "--fit-seeds=20", "--fit-seed=2000", cwd=directory)
    run(installed / "fitgate", "bless", "--yes", cwd=directory)
    return directory


def last_run(directory):
    return read(sorted((directory / ".fitgate" / "runs").glob("2*"))[-1])


def test_a_wheel_and_an_sdist_hold_the_library_alone(built, wheel):
    (sdist,) = built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"fitgate", "fitgate_pytest"}
    assert {"fitgate/py.typed", "fitgate/report/templates/report.md.jinja", "fitgate_pytest/py.typed"} <= set(names)
    with tarfile.open(sdist) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 2}
    assert tops == {"fitgate", "fitgate_pytest", "fitgate.egg-info"}


def test_it_brings_no_deep_learning_library(installed):
    names = {line.partition("==")[0].lower() for line in run(installed / "pip", "freeze", cwd=installed).splitlines()}
    assert not names & {"jax", "jaxlib", "flax", "optax", "torch", "mlxtend", "scikit-learn-intelex", "pandas"}


def test_the_readme_s_example_is_gated_against_its_baseline(installed, example):
    run(installed / "pytest", "--gate-require-baseline", "--gate-strict", cwd=example)
    record = last_run(example)
    assert {v.outcome for v in record.verdicts} == {"PASS"}
    assert any(v.reason is Reason.SAME_OUTPUT for v in record.verdicts)
    assert (example / ".fitgate" / "runs" / ".gitignore").exists()
    report = sorted((example / ".fitgate" / "runs").glob("2*/report.md"))[-1].read_text()
    assert not re.search(r"digit|image", report)


def test_a_worse_estimator_turns_it_red_and_the_message_says_by_how_much(installed, example, tmp_path):
    worse = shutil.copytree(example, tmp_path / "worse")
    conftest = worse / "conftest.py"
    text = conftest.read_text()
    changed = text.replace("random_state=seed", "random_state=seed, max_depth=1, n_estimators=1")
    assert changed != text
    conftest.write_text(changed)
    out = run(installed / "pytest", "-m", "not latency", "--fit-seeds=5", cwd=worse, fails=True)
    fallen = r"is worse than the baseline's 0\.\d{4} by [\d.]+ points"
    collapsed = r"lies [\d.]+ points below the baseline's mean of 0\.\d{4}"
    assert re.search(f"{fallen}|{collapsed}", out)
    assert any(v.outcome == "FAIL" and v.p_value is not None for v in last_run(worse).verdicts)


def test_models_of_a_distribution_are_held_by_a_project_that_has_it(installed, example, tmp_path):
    source, project = tmp_path / "distribution", tmp_path / "project"
    source.mkdir()
    project.mkdir()
    (source / "pyproject.toml").write_text(DISTRIBUTION)
    shutil.copy(example / "conftest.py", source / "tumour_trees.py")
    run(installed / "pip", "install", "-q", "--no-deps", source, cwd=tmp_path)
    try:
        shutil.copy(example / "test_models.py", project)
        out = run(installed / "pytest", "-m", "not latency", cwd=project)
        assert "fitgate: PASS: " in out
        record = last_run(project)
        assert record.models
        assert all(gate.where.startswith("site-packages/tumour_trees.py:") for gate in record.gates)
    finally:
        run(installed / "pip", "uninstall", "-q", "-y", "tumour-trees", cwd=tmp_path)


def test_init_and_list_work_where_there_is_nothing_else(installed, tmp_path):
    run(installed / "fitgate", "init", "GradientBoostingClassifier", cwd=tmp_path)
    assert "gradient_boosting_classifier" in run(installed / "fitgate", "list", cwd=tmp_path)
    assert "fitgate: PASS: " in run(installed / "pytest", "--benchmark-skip", cwd=tmp_path)
    assert "PASS" in run(installed / "fitgate", "judge", cwd=tmp_path)
