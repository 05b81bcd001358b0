"""What a person sees of a session: tests, exit status, record and report."""

import re
import shutil

import pytest

from fitgate.cli import main
from fitgate.gates import Outcome
from fitgate.record import read
from fitgate.report import RunOutcome, run_verdict

GATE = 'Floor(DIGITS, "accuracy", quick=0.9)'
READER = f"model(gates=({GATE},))"


def test_a_good_model_passes_and_is_reported(project):
    project.write(READER)
    result = project.run()
    assert result.ret == 0
    assert project.record.status == "finished"
    assert [v.outcome for v in project.record.verdicts] == [Outcome.PASS]
    assert "**PASS: the one gate passed**" in project.report
    result.stdout.fnmatch_lines(["fitgate: PASS: the one gate passed", "fitgate: report in .fitgate*report.md"])


def test_a_bad_model_fails_with_value_bound_and_n(project):
    project.write(f"model(blunder=5, gates=({GATE},))")
    result = project.run("-k", "test_gate")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["accuracy 0.8000 misses the floor of 0.9. With 99% confidence it is at least 0.72*, on 200 examples.*"]
    )
    assert "**FAIL: 1 of 1 gate failed: reader accuracy>=0.9 on digits**" in project.report


def test_a_gate_s_test_is_named_after_model_task_and_rule(project):
    project.write(READER)
    result = project.run("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*::test_gate[[]reader-digits-accuracy>=0.9[]]"])
    assert not project.runs


def test_a_model_is_fitted_once_per_task_however_many_tests_use_it(project):
    project.write(READER)
    assert project.run().ret == 0
    assert sorted(project.fits) == ["digits", "fives"]
    assert len(project.record.fits) == 2


def test_only_what_the_selected_tests_need_is_fitted(project):
    project.write(READER)
    assert project.run("-k", "test_gate").ret == 0
    assert project.fits == ["digits"]


def test_processes_of_one_session_fit_once_together(project):
    project.write('model(gates=(Above(FIVES, "roc_auc", rival="poor"),))', 'model("poor", blunder=3)')
    result = project.run("-n", "2", "-m", "not latency", subprocess=True)
    assert result.ret == 0
    assert sorted(project.fits) == ["digits", "digits", "fives", "fives"]
    assert len(project.record.fits) == len(project.record.evaluations) == 4
    assert project.record.workers == 2


def test_a_model_whose_fit_raises_leaves_the_others_intact(project):
    project.write(READER, f'model("broken", Unfittable, gates=({GATE},))')
    result = project.run("-m", "not latency")
    assert result.ret == 1
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*broken failed to fit on digits: RuntimeError: the optimiser diverged (*.py:*)"])
    assert "**broken** on digits, in `fit`: `RuntimeError: the optimiser diverged (" in project.report
    assert "| reader  | digits | 1.0000" in project.report
    assert {v.model: v.outcome for v in project.record.verdicts} == {"reader": Outcome.PASS, "broken": Outcome.FAIL}


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("Short", "predictions of shape (199,) for 200 examples"),
        ("NotANumber", "its scores are missing, or hold a NaN"),
    ],
)
def test_impossible_output_fails_the_gate(project, estimator, message):
    project.write(f'model("odd", {estimator}, gates=(Floor(FIVES, "roc_auc", quick=0.5),))')
    assert project.run("-k", "test_gate").ret == 1
    (verdict,) = project.record.verdicts
    assert verdict.outcome is Outcome.FAIL
    assert message in verdict.message


@pytest.mark.parametrize("estimator", ["Offset", "Fractional"])
def test_answers_are_not_bent_into_digits(project, estimator):
    project.write(f'model("odd", {estimator}, gates=({GATE},), tasks=(DIGITS,))')
    assert project.run("-k", "test_gate").ret == 1
    (verdict,) = project.record.verdicts
    assert verdict.outcome is Outcome.FAIL


def test_a_selection_without_any_gate_is_one_line(project):
    project.write(READER)
    result = project.run("-k", "nothing")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(
        ["fitgate: nothing was judged: the one gate and every other test of a model were left out"]
    )
    result = project.run("-k", "prediction")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["fitgate: FAIL: models were tested, but no gate was enforced"])


def test_a_written_test_that_fails_fails_the_report_too(project):
    project.write(READER)
    project.pytester.makepyfile(test_written="def test_structure(trained): assert False, 'not ten estimators'")
    assert project.run("-m", "not latency").ret == 1
    assert "**FAIL: 1 test failed: test_written.py::test_structure**" in project.report


def test_a_rival_that_does_not_exist_ends_the_session_at_once(project):
    project.write('model(gates=(Above(FIVES, "roc_auc", rival="nobody"),))')
    result = project.run("-k", "test_gate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: conftest.py:*: found 'nobody' as the model to compare with, * correct the name."]
    )


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ((), "no model took part, so no gate was enforced"),
        ((f'model(requires=("no_such",), gates=({GATE},))',), "no gate was enforced: reader needs no_such, *"),
    ],
)
def test_why_no_gate_was_enforced_is_said(project, models, reason):
    project.write(*models)
    result = project.run("-m", "not latency")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"fitgate: FAIL: {reason}"])


def test_answers_none_of_which_is_a_class_are_one_line(project):
    project.write(f"model(estimator=Shares, gates=({GATE},), tasks=(DIGITS,))")
    assert project.run("-k", "test_gate").ret == 1
    assert "found only labels such as 0.5, none of which the task has, expected labels such as" in (
        project.record.verdicts[0].message
    )


def test_models_without_any_gate_fail_the_session(project):
    project.write("model()")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fitgate: FAIL: models were tested, but no gate was enforced"])


def test_a_verdict_that_no_test_asserts_fails_the_session_all_the_same(project):
    project.write(READER)
    project.pytester.makepyfile(
        test_written="""
        from tests.fakes import DIGITS
        from fitgate import Floor
        def test_careless(trained, judge, request):
            (reader,) = request.config.hook.pytest_fitgate_models()[0]
            judge(trained(reader), Floor(DIGITS, "accuracy", quick=0.999))
        """
    )
    result = project.run("-k", "careless")
    result.assert_outcomes(passed=1, deselected=8)
    assert result.ret == 1


@pytest.mark.parametrize("selection", [["-m", "latency"], ["--benchmark-only"]])
def test_timings_alone_need_no_gate(project, selection):
    project.write(READER)
    result = project.run(*selection)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["fitgate: NO VERDICT: no gate was selected"])
    assert {t.scenario for t in project.record.timings} == {"single", "multi", "offline"}


def test_skipping_benchmarks_leaves_the_gates(project):
    project.write(READER)
    assert project.run("--benchmark-skip").ret == 0
    assert project.record.verdicts
    assert not project.record.timings


def test_a_model_without_its_library_is_skipped_with_the_reason(project):
    project.write(READER, f'model("absent", requires=("no_such_library",), gates=({GATE},))')
    assert project.run("-k", "test_gate").ret == 0
    assert "skipped: absent needs no_such_library, which is not installed" in project.report


def test_requiring_a_model_turns_its_skip_into_a_failure(project):
    project.write(READER, f'model("absent", requires=("no_such_library",), gates=({GATE},))')
    result = project.run("-k", "test_gate", "--gate-require", "absent")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*absent needs no_such_library, which is not installed, and --gate-require absent asks*"]
    )


def test_the_models_option_selects_in_written_tests_too(project):
    project.write(READER, 'model("other")')
    project.pytester.makepyfile(
        test_written="""
        from tests.fakes import DIGITS
        def test_other(trained, request):
            models = {m.name: m for m in request.config.hook.pytest_fitgate_models()[0]}
            assert trained(models["other"]).on(DIGITS)
        """
    )
    result = project.run("--fit-models", "reader", "-m", "not latency", "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*other is not among --fit-models"])
    assert {fit.model for fit in project.record.fits} == {"reader"}


@pytest.mark.parametrize("option", ["--fit-models", "--gate-require"])
def test_an_unknown_model_is_a_usage_error(project, option):
    project.write(READER)
    result = project.run(option, "forrest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option}: found 'forrest', expected one of the models: reader; correct *"])


def test_a_missing_model_is_named_rather_than_the_tasks_that_went_with_it(project):
    project.write("")
    result = project.run("--fit-models=reader", "--fit-tasks=digits")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --fit-models: found 'reader', expected one of the models: there are none; *"])


def test_two_models_of_one_name_are_a_usage_error(project):
    project.write("model()", "model()")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: model reader: found two models of that name, expected one; rename *"])


def test_two_datasets_of_one_name_are_a_usage_error_though_tasks_name_it_once(project):
    project.write('model(tasks=(Task("named", "fake"),))')
    conftest = project.path / "conftest.py"
    twice = 'def pytest_fitgate_datasets():\n    return [DATASET, Dataset("fake", fakes.splits)]\n'
    conftest.write_text(f"{conftest.read_text()}\n{twice}")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: dataset fake: found two different datasets of that name, expected one; rename *"]
    )


def test_a_hook_that_returns_something_else_is_a_usage_error(project):
    project.write("'forest'")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: pytest_fitgate_models of *conftest.py: found 'forest', expected a list of Model objects; correct *"]
    )


def test_an_unknown_profile_ends_the_session_with_one_sentence(project):
    project.write(READER)
    result = project.run("--fit-profile", "huge")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --fit-profile: found 'huge', expected one of the datasets' profiles: full, quick; correct *"]
    )
    assert not project.runs


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("model()", "found Model(*, expected a list of Model objects"),
        ("[Floor(DIGITS, 'accuracy', 0.5)]", "found Floor(*, expected a list of kinds of gate"),
    ],
)
def test_what_a_hook_must_not_return_is_a_usage_error(project, returned, message):
    hook = "models" if "model" in returned else "gates"
    project.write(READER)
    plugin = f"from tests.fakes import *\ndef pytest_fitgate_{hook}():\n    return {returned}\n"
    project.pytester.makepyfile(extra=plugin)
    project.pytester.syspathinsert()
    result = project.run("-p", "fitgate.plugin", "-p", "extra")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: pytest_fitgate_* of *: {message}; correct what the hook returns."])


LOST = """
from fitgate.data import DataError
def lost():
    raise DataError("nowhere", found="no file", expected="the data", next_step="copy it there")
"""


@pytest.mark.parametrize("processes", [(), ("-n", "1")])
def test_bad_data_is_one_sentence_in_every_process(project, processes):
    project.write('model(tasks=(Task("lost", Dataset("lost", lost)),))')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + LOST)
    result = project.run("-m", "not latency", *processes, subprocess=True)
    assert result.ret != 0
    shown = result.stdout if processes else result.stderr
    shown.fnmatch_lines(["*nowhere: found no file, expected the data; copy it there*"])


def test_a_killed_run_keeps_what_it_finished(project):
    project.write(READER, 'model("zealot", Killed)')
    project.run("-k", "prediction", subprocess=True)
    record = project.record
    assert record.status == "running"
    assert {(e.model, e.task) for e in record.evaluations} == {("reader", "digits"), ("reader", "fives")}
    assert run_verdict(record).outcome is RunOutcome.INCOMPLETE


def test_the_same_seed_gives_the_same_metrics(project):
    project.write(READER)
    for _ in range(2):
        assert project.run("-m", "not latency", "--fit-seed", "7").ret == 0
    first, second = (read(run) for run in project.runs)
    assert [e.metrics for e in first.evaluations] == [e.metrics for e in second.evaluations]
    assert first.settings.seed == 7


def test_a_directory_apart_from_its_option_is_refused_in_one_line(project):
    project.write(READER)
    result = project.run("--fit-runs-dir", str(project.path), subprocess=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --fit-runs-dir *; write --fit-runs-dir={project.path}."])


def test_a_path_may_follow_a_flag_or_an_option_of_another_plugin(project):
    project.write(READER)
    with (project.path / "conftest.py").open("a") as file:
        file.write("\ndef pytest_addoption(parser): parser.addoption('--fit-words')\n")
    result = project.run("--fit-words", str(project.path), "--gate-strict", "test_quality.py", subprocess=True)
    assert result.ret == 0


def test_work_is_announced_under_v(project):
    project.write(READER)
    result = project.run("-v", "-k", "test_gate")
    fitting = "[[]??:??] fitting reader on digits: 200 examples"
    result.stdout.fnmatch_lines([f"{fitting} ...", f"{fitting}: * s", "[[]??:??] predicting with reader on digits*"])


@pytest.mark.parametrize(("verbosity", "shown"), [((), True), (("-q",), False)])
def test_long_work_is_announced_whatever_the_verbosity_but_under_q(project, monkeypatch, verbosity, shown):
    monkeypatch.setattr("fitgate.plugin.announcer.PATIENCE", 0.15)
    monkeypatch.setattr("fitgate.plugin.announcer.REMINDER", 0.05)
    project.write(f"model(estimator=Slow, gates=({GATE},))", READER.replace("model(", 'model("fast", '))
    lines = project.run("-k", "test_gate", *verbosity).outlines
    reminders = [line for line in lines if "fitting reader on digits: 200 examples ..." in line]
    assert (len(reminders) > 1) == shown
    assert any("fitting reader on digits: 200 examples: " in line for line in lines) == shown
    assert not any("fitting fast" in line for line in lines)


def test_progress_of_a_model_is_announced(project):
    project.write("learner()")
    result = project.run("-v", "-k", "test_gate")
    result.stdout.fnmatch_lines([f"[[]??:??]   epoch {epoch} of 3: loss *" for epoch in (1, 2, 3)])
    assert project.record.fits[0].curves == {
        "training loss": [0.5, 0.25, 0.125],
        "validation accuracy": [0.9, 0.95, 0.99],
    }


def test_a_slow_model_takes_part_only_where_it_is_named(project):
    project.write(READER, "learner(slow=True)")
    project.run("-k", "test_gate").assert_outcomes(passed=1)
    (project.path / ".fitgate").rename(project.path / "before")
    project.run("-k", "test_gate", "--fit-models", "reader,learner").assert_outcomes(passed=2)
    assert "learner" in project.report


@pytest.mark.parametrize(("estimator", "fits"), [("Learner", 3), ("Crowd", 4)])
def test_several_seeds_are_trained_and_their_spread_reported(project, estimator, fits):
    project.write(f"learner(estimator={estimator})")
    assert project.run("--fit-seeds", "3", "--fit-seed", "7", "-k", "seed or gate").ret == 0
    runs = project.record.seed_runs
    assert [run.fit.seed for run in runs] == [7, 8, 9]
    assert all(run.evaluation.n == len(run.evaluation.predictions) == 200 for run in runs)
    accuracies = [1 - len(range(0, 200, 20 + seed)) / 200 for seed in (7, 8, 9)]
    assert [run.evaluation.metrics["accuracy"] for run in runs] == accuracies
    assert len((project.path / "fits.log").read_text().splitlines()) == fits  # a crowd, and one for the gate
    assert f"| learner | digits | accuracy | 3 | {sum(accuracies) / 3:.4f}" in re.sub(" +", " ", project.report)


def test_seeds_come_seed_by_seed_so_that_models_share_the_machine_s_moods(project):
    project.write(READER, "learner()")
    project.run("--fit-seeds", "2", "-k", "seed and digits or gate")
    assert [(r.fit.seed, r.fit.model) for r in project.record.seed_runs] == [
        (42, "learner"),
        (42, "reader"),
        (43, "learner"),
        (43, "reader"),
    ]


def test_without_the_option_no_seeds_are_trained(project):
    project.write(READER)
    project.run("-m", "not latency").assert_outcomes(passed=3, deselected=5)
    assert not project.record.seed_runs


@pytest.mark.parametrize("number", ["1", "-3", "many"])
def test_too_few_seeds_are_a_usage_error(project, number):
    project.write(READER)
    result = project.run("--fit-seeds", number)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{number}', expected a number of seeds from 2 on"])


def test_help_has_one_group_for_the_suite(project):
    project.write(READER)
    result = project.run("--help")
    result.stdout.fnmatch_lines(
        ["fitgate: tests of trained models:", "*--fit-profile=NAME*", "*--fit-models=NAME,...*", "*--gate-strict *"]
    )


def test_a_hook_that_forgets_to_return_is_a_usage_error(project):
    project.write(READER)
    project.pytester.makepyfile(forgetful="def pytest_fitgate_models():\n    [1]\n")
    project.pytester.syspathinsert()
    result = project.run("-p", "fitgate.plugin", "-p", "forgetful")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: pytest_fitgate_models of *.py: found None, expected a list of Model objects; correct *"]
    )


@pytest.mark.parametrize("how", ["raise SystemExit(0)", "pytest.xfail('not now')", "pytest.fail('never')"])
def test_a_model_that_ends_its_test_fails_alone(project, how):
    project.write(READER, 'model("rude", Rude, gates=(Floor(DIGITS, "accuracy", 0.5),))')
    conftest = project.path / "conftest.py"
    rude = f"\nimport pytest\nclass Rude(Reader):\n    def fit(self, X, y):\n        {how}\n"
    conftest.write_text(conftest.read_text() + rude)
    assert project.run("-k", "test_gate").ret == 1
    assert {v.model: v.outcome for v in project.record.verdicts} == {"reader": Outcome.PASS, "rude": Outcome.FAIL}


def test_a_runs_directory_that_cannot_be_is_a_usage_error(project):
    project.write(READER)
    (project.path / "taken").write_text("a file")
    result = project.run("-k", "test_gate", "--fit-runs-dir=taken")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *taken: found *, expected a directory for runs; free it, or name *"])


FULL = 'Floor(DIGITS, "accuracy", full=0.99)'


def test_a_gate_without_a_number_for_the_profile_is_skipped_and_listed(project):
    project.write(f"model(gates=({GATE}, {FULL}))")
    result = project.run("-k", "test_gate", "-rs", "-v")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED * not applied on profile quick; it has numbers for full (conftest.py:*)"])
    result.stdout.fnmatch_lines(["*::test_gate[[]reader-digits-accuracy>=0.99[[]full[]][]] SKIPPED*"])
    reason = "not applied on profile quick; it has numbers for full. Declared at `conftest.py:"
    assert f"- \N{HEAVY MINUS SIGN} **reader** on digits, `accuracy>=0.99`: {reason}" in project.report
    assert "**PASS: the one gate passed**" in project.report
    assert [gate.gate for gate in project.record.gates] == ["accuracy>=0.9"]


def test_gates_that_do_not_apply_make_a_session_neither_pass_nor_fail(project):
    project.write(f"model(gates=({FULL},))")
    result = project.run("-k", "test_gate")
    assert result.ret == 0
    assert not project.fits
    result.stdout.fnmatch_lines(["fitgate: NO VERDICT: no gate was selected"])
    shutil.rmtree(project.runs[0])
    assert project.run("-m", "not latency").ret == 1
    assert "FAIL: models were tested, but no gate was enforced" in project.report
    shutil.rmtree(project.runs[0])
    assert project.run("-n", "2", "-k", "test_gate", subprocess=True).ret == 0
    assert len(project.record.not_applied) == 1


SCORED = """model(
    tasks=(Task("numbers", DATASET, metrics=("neg_median_absolute_error",)),), gates=()), model("again", tasks=(
    task := Task("more", DATASET, metrics=("neg_max_error", "mae")),), gates=(Floor(task, "neg_max_error", -1.5),))"""


def test_a_record_of_a_scikit_learn_scorer_is_judged_elsewhere(project, tmp_path, monkeypatch, capsys):
    project.write(SCORED)
    assert project.run("-m", "not latency").ret == 0
    assert "neg_max_error" in project.report
    (directory,) = project.runs
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["judge", str(directory)]) == 0
    assert "PASS: again on more, neg_max_error>=-1.5" in capsys.readouterr().out


HINGED = """model("hinged", stochastic=False, tasks=(task := Task("fives", DATASET, target=is_five, metrics=(HINGE,)),),
    gates=(NoRegression(task, "hinge", 0.1),))"""
HINGE = """
from sklearn.metrics import hinge_loss, make_scorer
SCORER = make_scorer(hinge_loss, greater_is_better=False, response_method="decision_function")
HINGE = Metric.from_scorer(SCORER, name="hinge")
"""


def test_a_metric_of_more_than_the_order_of_scores_gets_no_baseline_of_ranks(project, capsys):
    project.write(HINGED)
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("def pytest", f"{HINGE}def pytest"))
    project.run("-k", "test_gate")
    (directory,) = project.runs
    assert main(["bless", str(directory), "--yes"]) == 1
    assert "expected a metric that depends on the order of scores alone" in capsys.readouterr().err


MUTE = """
class Mute(Reader):
    @property
    def decision_function(self):
        raise AttributeError("it has none")
"""


@pytest.mark.parametrize(("metric", "status"), [("accuracy", 0), ("roc_auc", 1)])
def test_scores_that_there_are_not_fail_only_the_gates_that_read_them(project, metric, status):
    project.write(f'model("mute", Mute, tasks=(FIVES,), gates=(Floor(FIVES, "{metric}", quick=0.5),))')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + MUTE)
    result = project.run("-m", "not latency")
    assert result.ret == status
    assert re.search(r"\| mute +\| fives +\| - +\| 1.0000", project.report)
    assert "has no ROC AUC: Mute has neither decision_function nor predict_proba." in project.report
    if status:
        result.stdout.fnmatch_lines(
            ["*Mute has neither decision_function nor predict_proba, which roc_auc reads; use *"]
        )
