"""fitgate in the pytest of any project: it costs next to nothing until it is used, and then it is there."""

import os

import pytest

from tests.conftest import ROOT

MODELS = """
from fitgate import Dataset, Floor, Model, Task
from tests.fakes import Reader, images, LABELS

TASK = Task("{name}", Dataset.from_arrays("{name}", images(), LABELS, images(), LABELS))

def pytest_fitgate_models():
    return [Model("{name}", lambda seed: Reader(), gates=(Floor(TASK, "accuracy", 0.9, perfect=True),))]
"""
CHECKS = "from fitgate.checks import test_gate"
SCRIPT = """
import sys, pytest
status = pytest.main({arguments})
found = {{"numpy", "fitgate", "fitgate.plugin", "sklearn", "msgspec"}} & set(sys.modules)
sys.exit(f"{{status=}} {{found=}}" if status or found else 0)
"""


def test_an_unrelated_session_imports_nothing_of_it(project):
    project.pytester.makepyfile(test_it="def test_it(): pass")
    script = project.path / "start.py"
    script.write_text(SCRIPT.format(arguments=["-q", "-p", "no:cacheprovider"]))
    assert project.pytester.runpython(script).ret == 0


def test_a_project_keeps_options_and_packages_of_its_own(project):
    for package in ("suite", "models"):
        project.pytester.mkpydir(package)
    project.pytester.makeconftest(
        """
        import models, suite

        def pytest_addoption(parser):
            for name in ("--seed", "--models", "--profile", "--tasks"):
                parser.addoption(name)
        """
    )
    project.pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.getoption('seed') == '7'")
    assert project.run("--seed=7", "--models=a", "--profile=b", "--tasks=c", subprocess=True).ret == 0
    assert not project.runs


def test_a_conftest_needs_neither_marks_nor_a_list_of_plugins(project):
    project.pytester.makeconftest(MODELS.format(name="reader"))
    project.pytester.makepyfile(test_models=CHECKS)
    project.run("-q", subprocess=True).assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_conftest_in_a_directory_that_pytest_finds_late_is_heeded(project, workers):
    directory = project.pytester.mkdir("risk")
    (directory / "conftest.py").write_text(MODELS.format(name="reader"))
    (directory / "test_models.py").write_text(CHECKS)
    project.run("-q", *workers, subprocess=True).assert_outcomes(passed=1)
    assert project.record.status == "finished"
    assert [v.outcome for v in project.record.verdicts] == ["PASS"]


def test_models_that_come_after_others_were_collected_are_not_passed_over(project):
    for name in ("ants", "bees"):
        directory = project.pytester.mkpydir(name)
        (directory / "conftest.py").write_text(MODELS.format(name=name))
        (directory / "test_models.py").write_text(CHECKS)
    result = project.run("-q")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *bees*conftest.py: found models contributed after others *; move *"])


@pytest.fixture
def distribution(project, monkeypatch):
    """An installed distribution that contributes a model by an entry point of pytest's."""
    site = project.pytester.mkdir("site")
    (site / "readers.py").write_text(MODELS.format(name="reader"))
    about = site / "readers-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: readers\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pytest11]\nreaders = readers\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT, str(site)]))
    return project


def test_a_distribution_s_models_are_tested_by_one_import(distribution):
    distribution.pytester.makepyfile(test_models=CHECKS)
    distribution.run("-q", subprocess=True).assert_outcomes(passed=1)
    assert [v.model for v in distribution.record.verdicts] == ["reader"]


def test_a_distribution_s_models_leave_other_sessions_alone(distribution):
    distribution.pytester.makepyfile("""
        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("readers")
            assert not pytestconfig.pluginmanager.hasplugin("fitgate.plugin")
    """)
    assert distribution.run("-q", subprocess=True).ret == 0
    assert not distribution.runs


def test_a_misspelt_hook_is_one_line(project):
    project.pytester.makeconftest("def pytest_fitgate_model(): return []")
    result = project.run(subprocess=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *conftest.py: found a hook pytest_fitgate_model, *; write pytest_fitgate_models."]
    )
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_a_hook_that_raises_is_one_line(project):
    project.write()
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\ndef pytest_fitgate_metrics():\n    assert 1 == 2, 'no metrics today'\n"
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: pytest_fitgate_metrics of *conftest.py: found AssertionError: no metrics today*"]
    )
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_hook_of_another_version_may_be_optional(project):
    project.pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(optionalhook=True)
        def pytest_fitgate_engines(): return []
        """
    )
    project.pytester.makepyfile("def test_it(): pass")
    assert project.run().ret == 0


def test_a_fixture_that_two_plugins_define_is_refused(project):
    fixture = "\n\nimport pytest\n\n@pytest.fixture(scope='session')\ndef net(trained): return 1\n"
    project.pytester.makepyfile(one=MODELS.format(name="one") + fixture, two=MODELS.format(name="two") + fixture)
    project.pytester.makeconftest("pytest_plugins = ['one', 'two']")
    project.pytester.makepyfile(test_models=CHECKS)
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: fixture net: found one in *one.py and one in *two.py, *; rename one of them."])


OBJECT = """
import pytest
{models}
class Plugin:
    __slots__ = ()
    pytest_fitgate_models = staticmethod(pytest_fitgate_models)
{fixture}
del pytest_fitgate_models

def pytest_configure(config):
    config.pluginmanager.register({plugin}, "own")
"""


@pytest.mark.parametrize("plugin", ["Plugin", "Plugin()"])
def test_a_class_or_an_object_may_be_a_plugin(project, plugin):
    project.pytester.makeconftest(OBJECT.format(models=MODELS.format(name="reader"), fixture="", plugin=plugin))
    project.pytester.makepyfile(test_models="def test_it(trained, judge): pass")
    project.run("-q", subprocess=True).assert_outcomes(passed=1)


def test_a_fixture_of_an_object_clashes_like_any_other(project):
    fixture = "    @pytest.fixture\n    def judge(self): return print"
    models = MODELS.format(name="reader")
    project.pytester.makeconftest(OBJECT.format(models=models, fixture=fixture, plugin="Plugin()"))
    project.pytester.makepyfile(test_models=CHECKS)
    result = project.run("-q", subprocess=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: fixture judge: found one in fitgate and one in Plugin, *"])


def test_where_no_plugin_loads_by_itself_this_one_may_be_named(project, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.pytester.makeconftest(MODELS.format(name="reader"))
    project.pytester.makepyfile(test_models=CHECKS)
    project.run("-q", "-p", "fitgate_pytest", subprocess=True).assert_outcomes(passed=1)


def test_what_is_wrong_with_a_late_project_is_one_line(project):
    directory = project.pytester.mkdir("risk")
    twice = "\none = pytest_fitgate_models\ndef pytest_fitgate_models():\n    return one() + one()\n"
    (directory / "conftest.py").write_text(MODELS.format(name="reader") + twice)
    (directory / "test_models.py").write_text(CHECKS.replace("test_gate", "*"))
    result = project.run("-q")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: model reader: found two models of that name, expected one; rename one of them."]
    )
    assert "Traceback" not in result.stdout.str()


def test_data_elsewhere_that_stands_apart_from_a_project_s_own_option_is_one_line(project, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    option = "def pytest_addoption(parser): parser.addoption('--fit-films-dir')"
    project.pytester.makeconftest(option)
    project.pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.getoption('fit_films_dir')")
    result = project.run("--fit-films-dir", str(data), subprocess=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --fit-films-dir {data}: found *; write --fit-films-dir={data}."])
    assert project.run(f"--fit-films-dir={data}", subprocess=True).ret == 0
    inside = project.pytester.mkdir("films")
    assert (
        project.run(
            "--fit-films-dir",
            str(inside),
            "test_data_elsewhere_that_stands_apart_from_a_project_s_own_option_is_one_line.py",
            subprocess=True,
        ).ret
        == 0
    )
