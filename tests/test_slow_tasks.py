"""Which tasks take part, and what of models: all but the slow ones, or those that `--fit-tasks` names."""

import shutil

import pytest

from fitgate import Floor, Model, Published
from fitgate.ab.probe import fit
from fitgate.cli import main
from tests.fakes import DIGITS, LATE

MODEL = """model(tasks=(LATE, DIGITS), gates=(
    Floor(LATE, "accuracy", 0.9), Floor(DIGITS, "accuracy", 0.9), NoRegression(LATE, "accuracy", 0.1)))"""
ONLY_LATE = 'model("sleeper", tasks=(LATE,), gates=(Floor(LATE, "accuracy", 0.9),))'


def test_a_slow_task_takes_no_part_by_default(project):
    project.write(MODEL, ONLY_LATE)
    assert project.run("-m", "not memory").ret == 0
    record = project.record
    assert project.fits == ["digits"]
    assert [(m.name, m.tasks) for m in record.models] == [("reader", ["digits"])]
    assert [gate.task for gate in record.gates] == ["digits"]
    assert [task.name for task in record.tasks] == ["digits"]
    assert {timing.task for timing in record.timings} == {"digits"}


def test_named_tasks_take_part_alone(project):
    project.write(MODEL, ONLY_LATE)
    project.run("-k", "gate", "--fit-tasks=late").assert_outcomes(passed=2, skipped=1)
    record = project.record
    assert record.settings.tasks == ["late"]
    assert {v.task for v in record.verdicts} == {"late"}
    assert {m.name: m.tasks for m in record.models} == {"reader": ["late"], "sleeper": ["late"]}


def test_several_tasks_are_timed_on_the_one_that_a_model_puts_first(project):
    project.write(MODEL)
    project.run("-m", "latency", "--fit-tasks=digits,late")
    assert {timing.task for timing in project.record.timings} == {"late"}


def test_the_key_of_the_configuration_names_them_too(project):
    project.write(MODEL)
    project.pytester.makeini("[pytest]\nfit_tasks = late")
    project.run("-k", "gate and 0.9").assert_outcomes(passed=1)
    assert project.record.settings.tasks == ["late"]


def test_an_unknown_task_is_a_usage_error(project):
    project.write(MODEL)
    result = project.run("--fit-tasks=early")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --fit-tasks: found 'early', expected one of the tasks: digits, late; correct *"]
    )


def test_a_model_that_is_named_and_has_no_task_left_is_a_usage_error(project):
    project.write(MODEL, ONLY_LATE)
    result = project.run("--fit-models=sleeper")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --fit-models: found 'sleeper', none of whose *; name *--fit-tasks: late."])


WRITTEN = """
from fitgate import Floor
from tests.fakes import DIGITS, LATE

def named(request, name):
    return {{m.name: m for m in request.config.hook.pytest_fitgate_models()[0]}}[name]

def test_written(trained, judge, request):
    {line}
"""


@pytest.mark.parametrize(
    "line",
    [
        "trained(named(request, 'sleeper'))",
        "trained(named(request, 'reader')).on(LATE)",
        "trained(named(request, 'reader')).evaluation(LATE)",
        "judge(trained(named(request, 'reader')), Floor(LATE, 'accuracy', 0.5))",
    ],
)
def test_a_written_test_of_a_task_that_takes_no_part_is_skipped_with_the_reason(project, line):
    project.write(MODEL, ONLY_LATE)
    project.pytester.makepyfile(test_written=WRITTEN.format(line=line))
    result = project.run("test_written.py", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*--fit-tasks"])
    assert not project.fits


def test_a_narrowed_model_keeps_what_it_declares_on_its_tasks():
    gates, published = (Floor(LATE, "accuracy", 0.9),), (Published(LATE, "accuracy", 0.9, source="them"),)
    whole = Model("m", object, tasks=(LATE, DIGITS), gates=gates, published=published, description="all")
    late, digits = whole.narrowed(lambda task: task.slow), whole.narrowed(lambda task: not task.slow)
    assert (late.tasks, late.gates, late.published, late.description) == ((LATE,), gates, published, "all")
    assert (digits.tasks, digits.gates, digits.published) == ((DIGITS,), (), ())
    assert whole.narrowed(lambda task: False) is None


# Commands


def test_a_run_on_a_slow_task_is_blessed_and_judged_again(project, capsys):
    project.write(MODEL)
    project.run("-k", "seed or gate", "--fit-tasks=late", "--fit-seeds=2")
    (run,) = project.runs
    assert main(["bless", str(run), "--least-seeds=2", "--yes"]) == 0
    shutil.rmtree(run.parent)
    project.run("-k", "gate", "--fit-tasks=late").assert_outcomes(passed=2)
    assert main(["judge", str(project.runs[0])]) == 0
    assert "the record has" not in capsys.readouterr().out


def test_sabotage_leaves_slow_tasks_alone_unless_one_is_named(project, monkeypatch, capsys):
    project.write(MODEL, ONLY_LATE)
    asked = []
    monkeypatch.setattr(
        "fitgate.sabotage.campaign.run", lambda *_, data, **__: asked.extend(one.task.name for one in data)
    )
    monkeypatch.setattr("fitgate.sabotage.report.write_report", lambda campaign, path: None)
    assert main(["sabotage"]) == main(["sabotage", "--task=late"]) == 0
    assert asked == ["digits", "late"]
    project.write(ONLY_LATE)
    assert main(["sabotage"]) == 1
    assert "--task: found no task that is not slow, expected one of late" in capsys.readouterr().err


def test_a_comparison_of_revisions_leaves_slow_tasks_alone(project, tmp_path):
    project.write(MODEL, ONLY_LATE)
    assert set(fit(project.path, [], tmp_path, 0)[0]) == {"reader"}
    assert set(fit(project.path, ["sleeper"], tmp_path, 0)[0]) == {"sleeper"}
