"""Judging as a stage: one family of verdicts, the same wherever and however often it is done."""

import dataclasses
import shutil

import pytest
from msgspec import structs

from fitgate import Gate, NoRegression, Outcome
from fitgate.cli import main
from fitgate.gates import GATES, Reason, judge
from fitgate.record import evidence, judge_again, read, save
from tests.conftest import SEEDED
from tests.evidence import baseline, claim, evaluation, wrong
from tests.evidence import evidence as made
from tests.fakes import DIGITS

SUBTLE = SEEDED.replace("0.1", "0.02")
READER = 'model(gates=(Floor(DIGITS, "accuracy", 0.9), Above(FIVES, "roc_auc", "poor"), Floor(FIVES, "f1", 0.9)))'
POOR = 'model("poor", blunder=4, gates=(Floor(DIGITS, "accuracy", 0.9), Floor(FIVES, "f1", 0.5)))'


def forget(project):
    shutil.rmtree(project.path / ".fitgate")


def bless(project):
    (run,) = project.runs
    status = main(["bless", str(run), "--baselines", str(project.path / "baselines"), "--least-seeds", "3", "--yes"])
    forget(project)
    return status


def verdicts_of(record):
    numbers = ("model", "task", "gate", "outcome", "reason", "value", "threshold", "bound", "p_value", "power", "lost")
    return sorted([str(getattr(v, name)) for name in numbers] for v in record.verdicts)


def test_each_gate_is_examined_once_however_many_there_are():
    examined = []

    @dataclasses.dataclass(frozen=True)
    class Counted(NoRegression):
        def examine(self, model, evidence):
            examined.append(model)
            return super().examine(model, evidence)

    names = [f"m{i}" for i in range(50)]
    before = baseline(evaluation(DIGITS, wrong(10)))
    found = made(
        {(name, "digits"): evaluation(DIGITS, wrong(10), model=name) for name in names},
        {(name, "digits"): before for name in names},
    )
    judge([claim(name, Counted(DIGITS, "accuracy", 0.1)) for name in names], found)
    assert examined == names


@pytest.mark.parametrize("how", [("-n", "2"), ("-x",)])
def test_verdicts_are_the_same_however_the_session_runs(project, how):
    project.write(READER, POOR)
    project.run("-k", "test_gate")
    expected = verdicts_of(project.record)
    assert len(expected) == 5
    shutil.rmtree(project.path / ".fitgate")
    project.run("-k", "test_gate", *how, subprocess="-n" in how)
    assert verdicts_of(project.record) == expected


def test_a_selection_is_the_family_that_is_judged(project):
    project.write(READER, POOR)
    project.run("-k", "test_gate and f1")
    assert (
        {gate.gate for gate in project.record.gates}
        == {v.gate for v in project.record.verdicts}
        == {"f1>=0.9", "f1>=0.5"}
    )


def test_a_record_is_judged_again_with_the_same_verdicts(blessed, capsys, monkeypatch):
    blessed.write(SUBTLE, READER, POOR)
    blessed.run("--fit-seeds", "3", "--fit-seed", "50", "-k", "seed or gate")
    record = blessed.record
    assert len(record.verdicts) == 6
    before = verdicts_of(record)
    record.verdicts = judge_again(record, GATES).verdicts
    assert verdicts_of(record) == before
    monkeypatch.chdir(blessed.runs[0])  # where no project is
    assert main(["judge", "."]) == 1
    assert "the record has" not in capsys.readouterr().out


def test_the_settings_that_were_in_force_judge_again(blessed, capsys, monkeypatch):
    blessed.write(SEEDED.replace("0.1", "0.001"))
    assert blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "1", "--gate-strict").ret == 1
    monkeypatch.chdir(blessed.runs[0])
    assert main(["judge", "."]) == 1
    assert "FAIL: 1 of 1 gate failed" in capsys.readouterr().out


def test_a_record_of_other_settings_is_judged_otherwise(project, capsys):
    project.write(READER, POOR)
    project.run("-k", "test_gate")
    (run,) = project.runs
    record = read(run)
    strict = structs.replace(record.settings.judge, confidence=0.9999999)
    record.settings = structs.replace(record.settings, judge=strict)
    save(record, run / "record.json")
    assert main(["judge", str(run)]) == 1
    assert "FAIL (the record has PASS): reader on digits, accuracy>=0.9." in capsys.readouterr().out


UNDECIDED = SEEDED.replace("0.1", "0.006")  # by seeds from 20 on, each of which has lost one example of 200
PLAIN = 'model("plain", tasks=(DIGITS,), gates=(Floor(DIGITS, "accuracy", 0.5),))'


def test_an_undecided_gate_trains_one_seed_after_the_other_within_its_budget(blessed):
    blessed.write(UNDECIDED)
    blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "4")
    (verdict,) = blessed.record.verdicts
    assert (verdict.outcome, verdict.seeds) == (Outcome.INCONCLUSIVE, 4)
    assert [run.fit.seed for run in blessed.record.seed_runs] == [20, 21, 22, 23]
    assert len(blessed.fits) == 3 + 4  # the baseline's, and no seed twice


def test_a_decided_gate_trains_no_more_seeds(blessed):
    blessed.run("-k", "test_gate", "--fit-seed", "45")
    (verdict,) = blessed.record.verdicts
    assert (verdict.outcome, verdict.seeds, blessed.record.seed_runs) == (Outcome.PASS, 1, [])


def test_after_the_budget_s_minutes_no_further_seed_is_begun(blessed, monkeypatch):
    blessed.write(UNDECIDED)
    now = iter(range(0, 1_000_000, 61))  # a minute and a second at each look at the clock
    monkeypatch.setattr("fitgate.plugin.stage.monotonic", lambda: next(now))
    blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "2.5min")
    (verdict,) = blessed.record.verdicts
    assert (verdict.outcome, verdict.seeds) == (Outcome.INCONCLUSIVE, 3)
    assert blessed.record.settings.judge.minutes == 2.5


@pytest.mark.parametrize("budget", ["0", "ten", "-1min", "1e9", "1001", "min"])
def test_a_budget_that_is_none_ends_the_session_in_one_line(project, budget):
    project.write(READER)
    result = project.run(f"--gate-budget={budget}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--gate-budget: found *, expected a number of seeds from 1 to 1,000, or minutes*"])


def test_a_record_of_several_looks_is_judged_again_with_the_same_verdicts(blessed, capsys, monkeypatch):
    blessed.write(UNDECIDED.replace("gates=(", 'gates=(NoRegression(DIGITS, "macro_f1", 0.1), '))
    blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "4")
    record = blessed.record
    assert sorted(v.outcome for v in record.verdicts) == [Outcome.INCONCLUSIVE, Outcome.PASS]
    assert judge_again(record, GATES).verdicts == record.verdicts


def test_processes_of_one_session_spend_one_budget(blessed):
    blessed.write(UNDECIDED, PLAIN)
    blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "3", "-n", "2", subprocess=True)
    found = {v.gate: v.seeds for v in blessed.record.verdicts}
    assert found["accuracy>baseline-0.006"] == 3
    assert len(blessed.record.seed_runs) == 3


def test_a_confirmed_fall_is_trained_for_and_judged_again_with_the_same_verdict(blessed):
    blessed.run("-k", "test_gate", "--fit-seed=-17", "--gate-confirm", "--gate-budget", "1")
    record = blessed.record
    (verdict,) = record.verdicts
    assert (verdict.outcome, len(record.seed_runs)) == (Outcome.FAIL, 6)
    assert "5 fresh seeds see, too" in verdict.message
    assert judge_again(record, GATES).verdicts == record.verdicts


# The default seed


def test_an_unchanged_model_gives_its_baseline_s_output_and_passes_at_once(project):
    project.write(SEEDED)
    project.run("--fit-seeds", "3", "--fit-seed", "2000", "-k", "seed or gate")
    assert bless(project) == 0
    project.run("-k", "test_gate", "--gate-strict")
    (verdict,) = project.record.verdicts
    assert (verdict.reason, verdict.seeds, verdict.p_value) == (Reason.SAME_OUTPUT, 1, None)
    assert [fit.seed for fit in project.record.fits] == [2000]
    assert "Seed 2000." in project.report


def test_several_seeds_are_the_baseline_s_too_and_then_count_on(project):
    project.write(SEEDED, PLAIN)
    project.run("--fit-seeds", "3", "--fit-seed", "2000", "-k", "seed or gate")
    assert bless(project) == 0
    project.run("--fit-seeds", "5", "-k", "(seed or gate) and learner")
    assert [run.fit.seed for run in project.record.seed_runs] == [2000, 2001, 2002, 2003, 2004]
    forget(project)
    project.run("--fit-seeds", "2", "-k", "(seed or gate) and digits")
    assert sorted((run.fit.model, run.fit.seed) for run in project.record.seed_runs) == [
        ("learner", 2000),
        ("learner", 2001),
        ("plain", 42),
        ("plain", 43),
    ]
    (verdict,) = (v for v in project.record.verdicts if v.kind == "NoRegression")
    assert (verdict.reason, verdict.seeds) == (Reason.SAME_OUTPUT, 2)


def test_a_seed_that_is_named_counts(blessed):
    blessed.run("-k", "test_gate", "--fit-seed", "2007")
    assert [fit.seed for fit in blessed.record.fits] == [2007]


def test_a_damaged_baseline_costs_the_default_seed_nothing_but_its_gates(blessed):
    (path,) = (blessed.path / "baselines").rglob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    assert blessed.run("-k", "test_gate").ret == 1
    (verdict,) = blessed.record.verdicts
    assert verdict.reason is Reason.BAD_BASELINE
    assert [fit.seed for fit in blessed.record.fits] == [42]


def test_a_gate_that_was_selected_and_not_judged_fails_the_session(project):
    project.write(READER, 'model("poor", blunder=4)')
    project.pytester.makepyfile(
        test_quality="""
        import pytest
        @pytest.mark.skip(reason="not today")
        def test_gate(model, gate, trained, judge): pass
        """
    )
    result = project.run("test_quality.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fitgate: FAIL: 3 of 3 gates failed: reader *, which no test judged, *"])


def test_a_model_may_not_skip_itself(project):
    project.write(READER.replace("gates", "estimator=Skipping, gates"), POOR)
    result = project.run("-k", "test_gate and reader and digits")
    assert result.ret == 1
    (verdict,) = project.record.verdicts
    assert (verdict.outcome, "Skipped: not in the mood" in verdict.message) == (Outcome.FAIL, True)


def test_evidence_of_a_record_is_all_that_gates_see(project):
    project.write(READER, POOR)
    project.run("-k", "test_gate")
    found = evidence(project.record, {})
    assert set(found.truths) == {"digits", "fives"}
    assert set(found.runs) == {(m, t) for m in ("reader", "poor") for t in ("digits", "fives")}
    assert issubclass(NoRegression, Gate)


BROKEN = """
import numpy as np
from dataclasses import dataclass
from fitgate import Outcome
from fitgate.gates import Contested

@dataclass(frozen=True)
class Broken(Gate):
    def rule(self, profile): return "broken"
    def examine(self, model, evidence): return 1 / 0

@dataclass(frozen=True)
class Greedy(Gate):
    def rule(self, profile): return "greedy"
    def examine(self, model, evidence):
        conclude = lambda worse, better: self.verdict(model, evidence, Outcome.PASS, "fine")
        return Contested(1.0, 1.0, conclude, lambda verdict: 1 // 0)

@dataclass(frozen=True)
class Twin(Broken):
    def rule(self, profile): return "accuracy>=0.9"

def error(target, answers): return float(np.mean(target != answers))
ERRORS = Task("errors", DATASET, metrics=("accuracy", Metric("error", error, higher_is_better=False)))
"""


@pytest.fixture
def odd(project):
    """A project whose conftest knows the gates and the metric of `BROKEN`."""

    def write(*models):
        project.write(*models)
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + BROKEN)
        return project

    return write


@pytest.mark.parametrize("kind", ["Broken", "Greedy"])
def test_a_gate_that_raises_an_error_fails_alone(odd, kind):
    project = odd(f'model(gates=(Floor(DIGITS, "accuracy", 0.9), {kind}(DIGITS)))')
    assert project.run("-k", "test_gate").ret == 1
    found = {v.gate: (v.outcome, v.reason.name) for v in project.record.verdicts}
    assert found == {"accuracy>=0.9": (Outcome.PASS, "BOUND_CLEARS"), kind.lower(): (Outcome.FAIL, "BROKEN_GATE")}


def test_two_gates_of_one_rule_are_refused(odd):
    result = odd('model(gates=(Floor(DIGITS, "accuracy", 0.9), Twin(DIGITS)))').run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: conftest.py:*: model reader: found a second gate accuracy>=0.9 on digits; *"])


def test_two_datasets_of_one_name_are_refused(project):
    other = 'Task("other", Dataset("fake", splits))'
    result = project.write(READER, f'model("second", tasks=({other},))') or project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: dataset fake: found two different datasets of that name, *"])


def test_of_a_loss_every_rule_says_which_way_is_better(odd, capsys):
    gates = 'Floor(ERRORS, "error", 0.2), Above(ERRORS, "error", "poor"), NoRegression(ERRORS, "error", 0.05)'
    project = odd(f"model(tasks=(ERRORS,), gates=({gates}))", 'model("poor", tasks=(ERRORS,), blunder=3)')
    project.run("-k", "test_gate")
    record = project.record
    assert [v.gate for v in record.verdicts] == ["error<=0.2", "error<poor", "error<baseline+0.05"]
    assert [v.outcome for v in record.verdicts] == [Outcome.PASS, Outcome.PASS, Outcome.NO_BASELINE]
    assert main(["judge", str(project.runs[0])]) == 0  # in its project, which knows the metric
    assert "the record has" not in capsys.readouterr().out


def test_a_record_whose_metric_is_not_known_says_where_to_judge_it(odd, capsys, monkeypatch, tmp_path_factory):
    project = odd('model(tasks=(ERRORS,), gates=(Floor(ERRORS, "error", 0.2),))')
    project.run("-k", "test_gate")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["judge", str(project.runs[0])]) == 1
    assert "task errors: found a metric error, expected one of" in capsys.readouterr().err


def test_more_seeds_that_nobody_trains_are_not_waited_for(blessed):
    blessed.write(SEEDED.replace("0.1", "0.001").replace("seeded=True", "seeded=True, stochastic=False"))
    blessed.run("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "5")
    (verdict,) = blessed.record.verdicts
    assert (verdict.outcome, verdict.seeds) == (Outcome.INCONCLUSIVE, 1)


def test_a_run_that_was_cut_off_is_judged_by_what_it_finished(project, capsys):
    project.write(READER, 'model("poor", blunder=4)', 'model("zealot", Killed)')
    project.pytester.makepyfile(
        test_quality="from fitgate.checks import test_gate",
        test_zeal="from fitgate.checks import test_every_test_example_has_a_prediction",
    )
    project.run("-k", "(test_gate and f1) or (zealot and prediction)", subprocess=True)
    assert main(["judge", str(project.runs[0])]) == 1
    out = capsys.readouterr().out
    assert "PASS: reader on fives, f1>=0.9." in out
    assert "INCOMPLETE: the run was cut off; gates judged before: 1" in out


def test_a_model_that_ends_the_process_leaves_no_record_that_passes(project, monkeypatch):
    """No code of ours can run after C's _exit(0), which leaves pytest's exit code 0: judging finds it."""
    project.write(READER, POOR, 'model("rude", Rude, gates=(Floor(DIGITS, "accuracy", 0.5),))')
    conftest = project.path / "conftest.py"
    rude = "\nimport ctypes\nclass Rude(Reader):\n    def fit(self, X, y):\n        ctypes.CDLL(None)._exit(0)\n"
    conftest.write_text(conftest.read_text() + rude)
    project.run("-k", "test_gate", subprocess=True)
    (directory,) = project.runs
    assert project.record.status == "running"
    monkeypatch.chdir(project.path)
    assert main(["judge", str(directory)]) == 1


def test_of_a_baseline_that_was_blessed_since_judging_says_so(project, capsys, monkeypatch):
    project.write(SEEDED)
    project.run("--fit-seeds", "3", "-k", "seed or gate")
    monkeypatch.chdir(project.path)
    since = "learner on digits: its baseline stands there now"
    assert main(["judge"]) == 0
    assert since not in capsys.readouterr().out
    assert main(["bless", "--least-seeds", "3", "--yes"]) == 0
    assert main(["judge"]) == 0
    assert since in capsys.readouterr().out
