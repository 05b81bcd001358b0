"""How sessions end: nothing that a model, a plugin, a worker or a signal does lets one pass unjudged."""

import fnmatch
import os
import re

import pytest

from fitgate.cli import main
from fitgate.gates import Outcome, Reason
from fitgate.report import RunOutcome, run_verdict

GATE = 'Floor(DIGITS, "accuracy", quick=0.9)'
READER = f"model(tasks=(DIGITS,), gates=({GATE},))"
RUDE = f'model("rude", Rude, tasks=(DIGITS,), gates=({GATE},))'
BOTH = {"reader": Outcome.PASS, "rude": Outcome.FAIL}


def outcomes(project):
    return {verdict.model: verdict.outcome for verdict in project.record.verdicts}


@pytest.fixture
def judged(monkeypatch, capsys):
    """`judged(project)`: the exit status of `fitgate judge`, and all that it shows."""

    def judge(project, *arguments):
        monkeypatch.chdir(project.path)
        status = main(["judge", *arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return judge


@pytest.fixture
def rude(project):
    """`rude(deed)`: a project of a good model and of one that does something else in a method."""

    def write(deed, method="fit", more=""):
        project.write(READER, RUDE)
        arguments = "self, X, y" if method == "fit" else "self, X"
        body = f"import os, signal, sys, threading, pytest\nclass Rude(Reader):\n    def {method}({arguments}):\n"
        add(project, f"{body}        {deed}\n{more}")
        return project

    return write


def add(project, code, name="conftest.py"):
    path = project.path / name
    path.write_text(f"{path.read_text() if path.exists() else ''}\n{code}")


DEEDS = (
    "pytest.skip('no mood')",
    "pytest.importorskip('no_such_library')",
    "pytest.xfail('not now')",
    "pytest.fail('never')",
    "pytest.exit('enough', returncode=0)",
    "sys.exit(0)",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "os._exit(0)",
    "os._exit(3)",
)


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_a_fit_raises_fails_that_model_alone_with_file_and_line(rude, deed):
    project = rude(deed)
    assert project.run("-k", "test_gate").ret == 1
    assert outcomes(project) == BOTH
    (failure,) = project.record.failures
    line = project.pytester.path.joinpath("conftest.py").read_text().splitlines().index(f"        {deed}") + 1
    assert f"conftest.py:{line}" in failure.error
    assert "\n" not in failure.error


@pytest.mark.parametrize("method", ["predict", "decision_function"])
def test_a_skip_in_whatever_a_model_answers_fails_it(rude, method):
    project = rude("pytest.skip('no mood')", method)
    conftest = project.path / "conftest.py"
    fives = conftest.read_text().replace("DIGITS", "FIVES").replace('"accuracy", quick=0.9', '"roc_auc", quick=0.5')
    conftest.write_text(fives)
    assert project.run("-k", "test_gate").ret == 1
    assert outcomes(project) == BOTH


def test_a_skip_in_build_a_metric_or_a_gate_fails_that_model_alone(project):
    project.write(
        READER,
        f'Model("rude", skipping, tasks=(DIGITS,), gates=({GATE},))',
        'model("measured", tasks=(ODD,), gates=(Floor(ODD, "odd", quick=0.5),))',
        'model("gated", tasks=(DIGITS,), gates=(Skipping(DIGITS),))',
    )
    code = """
        import pytest
        def skipping(*given): pytest.skip("no mood")
        ODD = Task("odd", DATASET, metrics=(Metric("odd", skipping, range=(0, 1)),))
        class Skipping(Gate):
            def rule(self, profile): return "mood"
            def examine(self, model, evidence): skipping()
    """
    add(project, "\n".join(line[8:] for line in code.splitlines()))
    assert project.run("-k", "test_gate").ret == 1
    assert outcomes(project) == {**BOTH, "measured": Outcome.FAIL, "gated": Outcome.FAIL}


def test_a_thread_that_ends_the_process_as_passed_fails_its_model(rude):
    project = rude("thread = threading.Thread(target=os._exit, args=(0,)); thread.start(); thread.join()")
    assert project.run("-k", "test_gate").ret == 1
    assert outcomes(project) == BOTH


EXIT_WHEN_TIMED = """
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 1: {exit}
        return super().predict(X)
"""


@pytest.mark.parametrize(
    "way", ["os._exit(0)", "t = threading.Thread(target=os._exit, args=(0,)); t.start(); t.join()"]
)
def test_an_exit_where_a_model_is_timed_fails_that_test_alone(rude, way):
    project = rude(EXIT_WHEN_TIMED.format(exit=way).strip(), "predict")
    result = project.run("-k", "test_gate or test_predict", subprocess=True)
    assert result.ret == 1
    assert outcomes(project) == {"reader": Outcome.PASS, "rude": Outcome.PASS}
    assert project.record.failed_tests
    assert all("rude" in name for name in project.record.failed_tests)


def test_a_child_that_a_model_forks_may_end_as_it_likes(rude):
    fork = "pid = os.fork()\n        if not pid: os._exit(0)\n        os.waitpid(pid, 0); return super().fit(X, y)"
    project = rude(fork)
    assert project.run("-k", "test_gate").ret == 0


CHILDREN = ("os.fork()", "if not os.fork(): raise ValueError('in the child')", "[os.fork() for _ in range(3)]")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, as POSIX has them")
@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize("deed", CHILDREN)
def test_a_child_that_a_model_forks_and_lets_go_on_is_no_second_session(rude, judged, deed, method):
    project = rude(deed, method, f"        return super().{method}(X{', y' * (method == 'fit')})")
    result = project.run("-k", "test_gate", "-v", subprocess=True)
    assert result.ret == 1
    assert outcomes(project) == BOTH
    (failure,) = project.record.failures
    assert re.match(r"it called os\.fork\(\) at conftest\.py:\d+.*, whose child left its code", failure.error)
    for once in ("*rude*FAILED*", "*reader*PASSED*", "fitgate: FAIL: *", "fitgate: report in *"):
        assert len(fnmatch.filter(result.outlines, once)) == 1
    assert judged(project)[0] == 1


FORKS = (
    "def pytest_sessionfinish(): os.fork()",
    "def pytest_collection_modifyitems(): os.fork()",
    "def pytest_runtest_setup(item): os.fork()",
    "def pytest_runtest_teardown(item): os.fork()",
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, as POSIX has them")
@pytest.mark.parametrize("hook", FORKS)
def test_a_child_that_a_hook_forks_writes_no_record_and_no_verdict(project, hook):
    project.write(READER)
    add(project, f"import os\n{hook}")
    result = project.run("-k", "test_gate", subprocess=True)
    assert result.ret == 0
    assert len(fnmatch.filter(result.outlines, "fitgate: PASS*")) == 1
    assert project.record.status == "finished"


def test_tracebacks_are_kept_in_a_log_that_the_terminal_names(rude):
    project = rude("raise RuntimeError('diverged')")
    add(
        project,
        "class Broken(Gate):\n    def rule(self, p): return 'b'\n    def examine(self, m, e): return e.nothing\n",
    )
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace("return [model(", "return [model('gated', gates=(Broken(DIGITS),)), model(")
    )
    result = project.run("-k", "test_gate")
    result.stdout.fnmatch_lines(["fitgate: tracebacks in .fitgate*errors.log"])
    log = (project.runs[0] / "errors.log").read_text()
    assert log.count("\nRuntimeError: diverged\n") == 1
    assert "AttributeError: 'Evidence' object has no attribute 'nothing'" in log
    assert "Traceback" not in (project.runs[0] / "record.json").read_text()


NOT_JUDGED = (
    "@pytest.fixture(autouse=True)\ndef mood(): pytest.skip('no mood')",
    "@pytest.fixture(autouse=True)\ndef broken(): raise RuntimeError('no database')",
    "def pytest_runtest_setup(item): pytest.skip('no mood')",
    "def pytest_runtest_protocol(item, nextitem): return True",
    "def pytest_itemcollected(item): item.add_marker(pytest.mark.skip('no mood'))",
)


@pytest.mark.parametrize("hook", NOT_JUDGED)
def test_a_selected_gate_that_no_test_judges_fails_the_session_by_name(project, judged, hook):
    project.write(READER)
    add(project, f"import pytest\n{hook}")
    result = project.run("-k", "test_gate")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["fitgate: FAIL: 1 of 1 gate failed: reader accuracy>=0.9 on digits, which no test judged"]
    )
    (verdict,) = project.record.verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NOT_JUDGED)
    assert "no test judged it" in project.report
    status, shown = judged(project)
    assert status == 1
    assert "FAIL: reader on digits, accuracy>=0.9." in shown


def test_an_expected_failure_is_none_of_a_gate_s(project):
    project.write(f"model(blunder=5, tasks=(DIGITS,), gates=({GATE},))")
    add(project, "import pytest\ndef pytest_itemcollected(item): item.add_marker(pytest.mark.xfail)")
    result = project.run("-k", "test_gate")
    result.assert_outcomes(xfailed=1)
    assert result.ret == 1
    assert outcomes(project) == {"reader": Outcome.FAIL}


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("def pytest_runtest_setup(item): pytest.exit('enough', returncode=0)", ()),
        ("def pytest_runtest_setup(item): raise KeyboardInterrupt", ()),
        ("def pytest_runtest_setup(item): raise RuntimeError", ("-x",)),
        ("def pytest_runtest_setup(item): raise RuntimeError", ("--maxfail=1",)),
        ("import os, signal\ndef pytest_runtest_setup(item): os.kill(os.getpid(), signal.SIGTERM)", ()),
    ],
)
def test_a_session_that_is_stopped_is_incomplete_and_red(project, judged, code, arguments):
    project.write(READER)
    add(project, f"import pytest\n{code}")
    result = project.run("-k", "test_gate", *arguments, subprocess="Interrupt" in code or "SIG" in code)
    assert result.ret not in (0, pytest.ExitCode.NO_TESTS_COLLECTED)
    assert project.record.status == "interrupted"
    assert [gate.gate for gate in project.record.unjudged] == ["accuracy>=0.9"]
    assert run_verdict(project.record).outcome is RunOutcome.INCOMPLETE
    line = "INCOMPLETE: the run was stopped; gates judged before: 0"
    assert line in project.report
    assert "errors of its test" not in project.report
    result.stdout.fnmatch_lines([f"fitgate: {line}"])
    status, shown = judged(project)
    assert status == 1
    assert shown.splitlines()[-2:] == ["not judged: reader on digits, accuracy>=0.9", line]


def test_a_session_that_is_stopped_before_its_workers_are_up_says_that_nothing_was_judged(project):
    project.write(READER)
    add(project, "def pytest_configure_node(node): raise KeyboardInterrupt")
    result = project.run("-k", "test_gate", "-n", "2", subprocess=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not project.runs
    line = "fitgate: nothing was judged: the run was stopped before any test of a model began"
    assert result.outlines.count(line) == 1


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_in_a_fit_is_the_user_s_whatever_the_model_makes_of_it(rude, judged, number):
    project = rude(f"\n        try: os.kill(os.getpid(), signal.{number})\n        except BaseException: pass")
    result = project.run("-k", "test_gate", subprocess=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.record.status == "interrupted"
    assert not project.record.verdicts
    status, shown = judged(project)
    assert (status, shown.splitlines()[-1]) == (1, "INCOMPLETE: the run was stopped; gates judged before: 0")


@pytest.mark.parametrize(
    ("deed", "options"),
    [
        ("__import__('ctypes').CDLL(None)._exit(0)", ("-n", "2")),
        ("os.kill(os.getpid(), signal.SIGKILL)", ("-n", "1", "--max-worker-restart=0")),
        ("os.kill(os.getpid(), signal.SIGKILL)", ("-n", "2", "--dist=loadfile")),
    ],
)
def test_a_worker_that_dies_while_fitting_fails_its_model(rude, judged, deed, options):
    project = rude(deed)
    result = project.run("-k", "test_gate", *options, subprocess=True)
    assert result.ret == 1
    assert outcomes(project)["rude"] is Outcome.FAIL
    if "--max-worker-restart=0" not in options:
        assert outcomes(project) == BOTH
        assert "the process that was at it ended" in project.report
        assert {e.model for e in project.record.evaluations} == {"reader"}
    result.stdout.fnmatch_lines(["fitgate: FAIL: * rude accuracy>=0.9 on digits*"])
    assert judged(project)[0] == 1


def test_workers_that_die_in_a_project_that_pytest_finds_late_are_missed(project):
    directory = project.pytester.mkdir("late")
    project.write(f'model("zealot", Killed, tasks=(DIGITS,), gates=({GATE},))')
    for name in ("conftest.py", "test_quality.py"):
        (project.path / name).rename(directory / name)
    (project.path / "test_speed.py").unlink()
    result = project.run("-n", "1", "--max-worker-restart=0", "-k", "test_gate", subprocess=True)
    assert result.ret == 1
    assert outcomes(project) == {"zealot": Outcome.FAIL}


IMPORTS = ("import sys; sys.exit(0)", "import os; os._exit(0)")


@pytest.mark.parametrize("deed", IMPORTS)
@pytest.mark.parametrize("place", ["conftest.py", "plugin.py", "late/conftest.py"])
def test_an_import_that_ends_the_process_quietly_is_one_line(project, deed, place):
    project.write(READER)
    project.pytester.mkpydir("late")
    add(project, "from fitgate.checks import test_gate", "late/test_late.py")
    if place == "plugin.py":
        add(project, "pytest_plugins = ['plugin']")
    before = len((project.path / place).read_text().splitlines()) if (project.path / place).exists() else 0
    add(project, f"\n{deed}", place)
    result = project.run("-k", "test_gate", subprocess=True)
    assert result.ret == (1 if "_exit" in deed else pytest.ExitCode.USAGE_ERROR)
    assert f"{place.rpartition('/')[2]}:{before + 2 if before else 3}: " in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    "hook",
    [
        "def pytest_sessionfinish(): os._exit(0)",
        "def pytest_sessionfinish(): sys.exit(0)",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(): sys.exit(0)",
        "def pytest_unconfigure(): sys.exit(0)",
        "def pytest_unconfigure(): os._exit(0)",
        "def pytest_runtest_teardown(): os._exit(0)",
        "from threading import Thread\ndef pytest_runtest_teardown(): Thread(target=os._exit, args=(0,)).start()",
        "import atexit; atexit.register(os._exit, 0)",
        "def pytest_unconfigure():\n    import atexit; atexit.register(lambda: os._exit(0))",
    ],
)
def test_no_way_out_makes_a_failed_session_pass(project, hook):
    project.write(f"model(blunder=5, tasks=(DIGITS,), gates=({GATE},))")
    add(project, f"import os, sys, pytest\n{hook}")
    assert project.run("-k", "test_gate", subprocess=True).ret != 0


def test_an_unrelated_session_may_exit_as_it_likes(project):
    project.pytester.makepyfile(
        "import os\nEXIT = os._exit\ndef test_it(): assert type(EXIT).__name__ == 'builtin_function_or_method'; EXIT(0)"
    )
    assert project.run(subprocess=True).ret == 0
    add(project, "import sys; sys.exit(0)")
    assert project.run(subprocess=True).ret == 0


PACKAGE = f"""
from fitgate import *
from tests.fakes import *
def pytest_fitgate_models():
    return [model("{{name}}", tasks=(DIGITS,), gates=({GATE},{{more}}))]
"""


@pytest.fixture
def package(project):
    """`package(code)`: a project with a package of two plugins, of which one is broken by a line of code."""
    project.pytester.makeconftest("from fitgate import plugins_in\npytest_plugins = plugins_in('plants')")
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    project.pytester.mkpydir("plants")
    project.pytester.syspathinsert()

    def write(code, more=""):
        add(project, PACKAGE.format(name="good", more=more), "plants/good.py")
        add(project, f"{PACKAGE.format(name='bad', more='')}\n{code}", "plants/bad.py")
        return project

    return write


BROKEN = (
    "def (",
    "1 / 0",
    "import sys; sys.exit(0)",
    "raise KeyboardInterrupt",
    "import os; os._exit(0)",
    "import pytest; pytest.skip('no')",
)


@pytest.mark.parametrize("code", BROKEN)
def test_a_plugin_that_cannot_be_imported_fails_and_leaves_the_others_to_be_judged(package, code):
    project = package(code)
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fitgate: FAIL: plants.bad could not be imported"])
    result.assert_outcomes(passed=1, warnings=0)
    assert outcomes(project) == {"good": Outcome.PASS}
    (failure,) = project.record.failures
    assert (failure.model, failure.stage) == ("plants.bad", "import")
    assert "bad.py:8" in failure.error
    assert "**plants.bad**, in `import`:" in project.report
    assert "bad.py" in (project.runs[0] / "errors.log").read_text()


def test_its_baselines_and_those_who_are_measured_by_it_fail_without_ending_the_session(package):
    project = package("1 / 0", more='Above(FIVES, "accuracy", rival="bad")')
    conftest = project.path / "plants" / "good.py"
    conftest.write_text(conftest.read_text().replace("tasks=(DIGITS,)", "tasks=(DIGITS, FIVES)"))
    (project.path / "baselines" / "quick").mkdir(parents=True)
    (project.path / "baselines" / "quick" / "bad-digits-01234567.npz").write_bytes(b"")
    result = project.run("-n", "2", subprocess=True)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["fitgate: FAIL: plants.bad* could not be imported; 1 of 2 gates failed: good accuracy*"]
    )
    assert {(f.model, f.stage) for f in project.record.failures if f.stage == "import"} == {
        ("plants.bad", "import"),
        ("bad", "import"),
    }


def test_commands_say_in_one_line_what_cannot_be_imported(package, judged, capsys):
    project = package("1 / 0")
    project.run()
    status, shown = judged(project)
    assert status == 1
    line = "plants.bad failed to import: ZeroDivisionError: division by zero ("
    assert sum(line in of for of in shown.splitlines()) == 1
    assert main(["list"]) == 1
    listed = capsys.readouterr()
    assert "good" in listed.out
    assert listed.err.count(line) == 1


def test_a_plugin_that_skips_as_it_is_imported_does_not_take_its_gates_along(project):
    project.write(READER)
    add(project, "pytest_plugins = ['boosted']")
    add(project, "import pytest, fitgate\npytest.importorskip('no_such_library')", "boosted.py")
    project.pytester.syspathinsert()
    assert project.run("-k", "test_gate").ret == 1
    assert run_verdict(project.record).line == "FAIL: boosted could not be imported"


def test_a_project_all_of_whose_plugins_are_broken_does_not_pass(project):
    project.pytester.makeconftest("from fitgate import plugins_in\npytest_plugins = plugins_in('plants')")
    project.pytester.mkpydir("plants")
    project.pytester.syspathinsert()
    add(project, "1 / 0", "plants/bad.py")
    project.pytester.makepyfile("def test_it(): pass")
    assert project.run().ret == 1
    assert run_verdict(project.record).line == "FAIL: plants.bad could not be imported"
