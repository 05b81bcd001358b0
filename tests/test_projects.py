"""`fitgate init` and `fitgate list`: a project is begun, and seen."""

import importlib
import re

import pytest

from fitgate.cli import main
from fitgate.executor import Executor
from fitgate.plugin.discovery import discover
from fitgate.plugin.project import project as around_it


@pytest.fixture
def directory(project, monkeypatch):
    monkeypatch.chdir(project.path)
    return project.path


def in_its_session(project, *arguments):
    return project.run("-q", "--benchmark-skip", *arguments, subprocess=True)


@pytest.mark.parametrize(
    ("estimator", "name", "build"),
    [
        ((), "random_forest_classifier", "RandomForestClassifier(random_state=seed)"),
        (("GaussianNB",), "gaussian_nb", "GaussianNB()"),
        (("sklearn.linear_model.Ridge",), "ridge", "Ridge(random_state=seed)"),
    ],
)
def test_what_init_writes_runs(project, directory, estimator, name, build):
    assert main(["init", *estimator]) == 0
    text = (directory / "conftest.py").read_text()
    assert f'"{name}"' in text
    assert f"lambda seed: {build}," in text
    assert in_its_session(project).ret == 0
    assert [(v.model, v.outcome) for v in project.record.verdicts] == [(name, "PASS"), (name, "NO BASELINE")]


def test_init_begins_with_an_estimator_of_the_project_s_own(directory, capsys):
    (directory / "nets.py").write_text("from sklearn.tree import DecisionTreeClassifier as Net")
    assert main(["init", "nets.Net"]) == 0
    assert "from nets import Net" in (directory / "conftest.py").read_text()
    assert capsys.readouterr().out.startswith("wrote conftest.py\nwrote test_models.py\nwrote .github")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("RandomForestClasifier", "no class of scikit-learn of that name, .*; write RandomForestCl"),
        ("no.such.Class", r"no class that can be built without arguments \(No module named 'no'\)"),
        ("sklearn.multiclass.OneVsRestClassifier", "no class that can be built without arguments"),
        ("collections.OrderedDict", "a class without scikit-learn's tags"),
        ("sklearn.decomposition.PCA", "an estimator that is neither a classifier nor a regressor"),
    ],
)
def test_init_says_what_it_can_t_begin_with(directory, capsys, estimator, message):
    assert main(["init", estimator]) == 1
    assert re.search(f"error: .*{estimator}: found {message}", capsys.readouterr().err)
    assert not (directory / "conftest.py").exists()


def test_init_overwrites_nothing(directory, capsys):
    (directory / "test_models.py").write_text("mine")
    assert main(["init"]) == 1
    assert "test_models.py: found a file that is there already" in capsys.readouterr().err
    assert (directory / "test_models.py").read_text() == "mine"
    assert not (directory / "conftest.py").exists()


def test_list_shows_gates_where_they_are_declared_and_what_is_missing(project, directory, capsys):
    gates = 'Floor(DIGITS, "accuracy", full=0.9), NoRegression(DIGITS, "accuracy", 0.1)'
    project.write(f"model(gates=({gates},), tasks=(DIGITS,), requires=('no_such',))", 'model("bare", tasks=(FIVES,))')
    assert main(["list"]) == 0, capsys.readouterr().err
    rows = [re.split(r"\s{2,}", line.strip()) for line in capsys.readouterr().out.splitlines()[2:]]
    where = "conftest.py:6"
    assert rows == [
        ["reader", "digits", "fake (quick)", "Floor: not applied on profile quick", where],
        ["reader", "digits", "fake (quick)", "accuracy>baseline-0.1", where, "library no_such, baseline"],
        ["bare", "fives", "fake (quick)", "none"],
    ]
    assert not project.runs


def test_what_a_session_refuses_is_the_same_one_line_for_a_command(project, directory, capsys):
    project.write('model(gates=(Floor(DIGITS, "accuracy", 1.2),))')
    assert main(["list"]) == 0  # it judges nothing
    project.write("model()", "model()")
    for command in ("list", "judge"):
        assert main([command]) == 1
        assert capsys.readouterr().err.startswith("error: model reader: found two models of that name, expected one;")


@pytest.mark.parametrize("look", [around_it, discover])
def test_workers_of_a_command_import_what_a_session_s_would(directory, look):
    (directory / "pyproject.toml").write_text('[tool.pytest]\npythonpath = ["lib"]\n')
    (directory / "lib").mkdir()
    (directory / "lib" / "late.py").touch()
    look(directory)
    assert Executor("loky").spread("importing", importlib.import_module, ["late"])[0].__name__ == "late"


def test_list_says_how_a_slow_task_takes_part(project, directory, capsys):
    project.write('model(tasks=(Task("films", DATASET, slow=True),))')
    assert main(["list"]) == 0
    assert "--fit-tasks=films, as it is slow" in capsys.readouterr().out


def test_list_refuses_a_profile_that_no_data_have(project, directory, capsys):
    project.write("model()")
    assert main(["list", "--profile", "full"]) == 0
    capsys.readouterr()
    assert main(["list", "--profile", "nosuch"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: --profile: found 'nosuch', expected one of the datasets' profiles: full, ")


def test_list_says_where_there_is_nothing_to_list(directory, capsys):
    assert main(["list"]) == 1
    assert "found no models, expected some, " in capsys.readouterr().err


def test_the_last_run_is_judged_and_blessed_where_none_is_named(project, directory, capsys):
    assert main(["judge"]) == 1
    assert "found no run, expected the record of one; run pytest first" in capsys.readouterr().err
    project.write('model(gates=(NoRegression(DIGITS, "accuracy", 0.1),), stochastic=False)')
    project.run("-k", "gate")
    assert main(["judge"]) == 0, capsys.readouterr()
    assert main(["bless", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("1 baseline in " + str(directory / "baselines") + ", 0.00 MiB\n")
