"""Whether the seed changes what a model learns: as its author says, or as its first two seeds show."""

import shutil

import numpy as np
import pytest

from fitgate import Model, Outcome
from fitgate.cli import main
from fitgate.gates import GATES, Reason, read_baseline, write_baseline
from fitgate.record import judge_again, read, save
from fitgate.record.upgrades import UPGRADES
from fitgate.runs import Evaluator, ModelFailed, Once, same_output
from fitgate.tasks import TaskData
from tests import fakes
from tests.evidence import METRICS, baseline, evaluation, verdict_of, wrong
from tests.fakes import DATASET, DIGITS, FIVES, NoRegression

SILENT = 'model("steady", Steady, tasks=(DIGITS,), seeded=True, stochastic=None, {blunder}gates=({gates},))'
REGRESSION = 'NoRegression(DIGITS, "accuracy", 0.1)'
STEADY = SILENT.format(blunder="", gates=REGRESSION)
WORSE = SILENT.format(blunder="blunder=3, ", gates=REGRESSION)
BLUNT = SILENT.format(blunder="blunder=20, ", gates='NoRegression(DIGITS, "accuracy", 0.001)')
SEEDS = ("--fit-seeds", "5", "-k", "seed or gate")


def forget(project):
    shutil.rmtree(project.path / ".fitgate")
    (project.path / "fits.log").unlink()


def bless(project, *options):
    (run,) = project.runs
    baselines = str(project.path / "baselines")
    return main(["bless", str(run), "--baselines", baselines, "--yes", *options])


# Outputs


def test_outputs_are_the_same_if_all_that_was_asked_for_is():
    answers = fakes.LABELS == 5
    scores = np.linspace(0, 1, 200)
    one, other = evaluation(FIVES, answers, scores), evaluation(FIVES, answers, scores + 1e-9)
    assert same_output([one, evaluation(FIVES, answers.copy(), scores.copy())])
    assert not same_output([one, other])
    assert not same_output([one, one, other])
    assert not same_output([one])
    assert not same_output([one, evaluation(FIVES, answers)])


# Training


@pytest.mark.parametrize("how", [(), ("-n", "2")])
def test_a_model_that_does_not_say_is_trained_with_two_seeds_where_they_change_nothing(project, how):
    project.write(STEADY)
    result = project.run(*SEEDS, "-rs", *how, subprocess=bool(how))
    assert result.ret == 0
    assert project.fits == ["digits"] * 2
    record = project.record
    assert sorted(run.fit.seed for run in record.seed_runs) == [42, 43]
    assert record.models[0].stochastic is None
    result.assert_outcomes(passed=2, skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED *steady is deterministic on digits: seeds 42 and 43 gave the same output"])


@pytest.mark.parametrize("how", [(), ("-n", "2")])
def test_a_model_that_does_not_say_is_trained_with_all_seeds_where_they_change_something(project, how):
    project.write("learner()")
    result = project.run(*SEEDS, *how, subprocess=bool(how))
    assert result.ret == 0
    assert len(project.fits) == len(project.record.seed_runs) == 5
    assert "deterministic" not in project.report


def test_in_a_session_of_one_seed_it_stays_unknown(project):
    project.write(STEADY)
    project.run("-k", "test_gate")
    assert project.fits == ["digits"]
    assert (project.record.models[0].stochastic, project.record.seed_runs) == (None, [])


def evaluator(spread=None, seed=1):
    return Evaluator(lambda task: TaskData(task, DATASET.on(None)), METRICS, seed, Once(), spread=spread)


@pytest.mark.parametrize(("estimator", "batches"), [(fakes.Steady, [[2]]), (fakes.Learner, [[2], [3, 4]])])
def test_seeds_that_are_trained_elsewhere_wait_for_the_first_two(tmp_path, monkeypatch, estimator, batches):
    monkeypatch.chdir(tmp_path)
    asked = []

    def spread(what, work, seeds):
        runs = [work(seed) for seed in seeds]
        asked.append([run.fit.seed for run in runs])
        return runs

    runs = evaluator(spread).seed_runs(Model("m", estimator, (DIGITS,)), DIGITS, [1, 2, 3, 4])
    assert asked == batches
    assert [run.fit.seed for run in runs] == [1, *(seed for batch in batches for seed in batch)]


@pytest.mark.parametrize(("stochastic", "seeds"), [(True, [1, 2, 3]), (False, [])])
def test_what_the_author_says_counts(tmp_path, monkeypatch, stochastic, seeds):
    monkeypatch.chdir(tmp_path)
    model = Model("m", fakes.Steady, (DIGITS,), stochastic=stochastic)
    assert [run.fit.seed for run in evaluator().seed_runs(model, DIGITS, [1, 2, 3])] == seeds
    assert len(evaluator().runs(model, DIGITS, [1, 2, 3])) == (len(seeds) or 1)


def test_a_model_that_fails_with_one_of_the_two_fails():
    model = Model("m", lambda seed: fakes.Unfittable(), (DIGITS,))
    with pytest.raises(ModelFailed):
        evaluator().is_wanted(model, DIGITS, 3, [1, 2, 3])


# Judging

GATE = NoRegression(DIGITS, "accuracy", 0.1)


def test_seeds_of_the_same_output_count_as_one_and_are_tested_on_the_examples():
    verdict = verdict_of(GATE, *[evaluation(DIGITS, wrong(25))] * 2, before=baseline(evaluation(DIGITS, wrong(0))))
    assert (verdict.outcome, verdict.seeds) == (Outcome.FAIL, 1)
    assert "(deterministic: 2 seeds, same output): -12.50 points, by McNemar's mid-p" in verdict.details


def test_one_seed_against_a_baseline_of_one_is_tested_as_of_a_deterministic_model():
    verdict = verdict_of(GATE, evaluation(DIGITS, wrong(25)), before=baseline(evaluation(DIGITS, wrong(0))))
    assert (verdict.outcome, "McNemar" in verdict.details, "smoke" in verdict.details) == (Outcome.FAIL, True, False)


def test_seeds_that_differ_can_t_be_judged_by_a_baseline_of_one():
    runs = evaluation(DIGITS, wrong(3)), evaluation(DIGITS, wrong(4))
    verdict = verdict_of(GATE, *runs, before=baseline(evaluation(DIGITS, wrong(3))))
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)
    assert "run pytest with --fit-seeds=20" in verdict.message


def test_seeds_of_the_same_output_are_one_seed_of_a_baseline_that_spreads():
    before = baseline(*(evaluation(DIGITS, wrong(n)) for n in (10, 11, 12)))
    verdict = verdict_of(GATE, *[evaluation(DIGITS, wrong(11))] * 5, before=before)
    assert (verdict.outcome, verdict.reason, verdict.seeds) == (Outcome.PASS, Reason.NO_FALL, 1)
    assert "by Student's t, 1 seed against 3" in verdict.details


# Blessing


def test_one_seed_of_a_model_that_does_not_say_is_no_baseline(project, capsys):
    project.write(STEADY)
    project.run("-k", "test_gate")
    assert bless(project, "--least-seeds", "1") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: steady on digits: found one seed, of a model that does not say whether its seed")
    assert len(error.splitlines()) == 1
    forget(project)
    project.run("-k", "test_gate")
    assert bless(project) == 1
    assert "--fit-seeds=20, which trains just two if the seed changes nothing, or declare stochastic=False" in (
        capsys.readouterr().err
    )


def test_two_equal_seeds_make_a_baseline_of_one_that_later_runs_are_held_to(project, capsys, monkeypatch):
    project.write(STEADY)
    project.run("--fit-seeds", "20", "-k", "test_gate")
    assert bless(project) == 0
    assert "steady on digits: 1 seed, accuracy 1.0000; new" in capsys.readouterr().out
    (path,) = (project.path / "baselines" / "quick").glob("*.npz")
    assert len(read_baseline(path).predictions) == 1

    forget(project)
    assert project.run("-k", "test_gate", "--gate-strict").ret == 0

    forget(project)
    project.write(WORSE)
    assert project.run(*SEEDS).ret == 1
    assert project.fits == ["digits"] * 2
    (verdict,) = project.record.verdicts
    assert "deterministic: 2 seeds, same output" in verdict.details
    assert judge_again(project.record, GATES).verdicts == project.record.verdicts
    monkeypatch.chdir(project.path)
    assert main(["judge", str(project.runs[0])]) == 1
    assert "the record has" not in capsys.readouterr().out


def test_a_gate_that_asks_for_seeds_is_content_with_two_that_change_nothing(project):
    project.write(STEADY.replace("0.1", "0.001"))
    project.run("--fit-seeds", "2", "-k", "test_gate")
    assert bless(project) == 0
    (path,) = (project.path / "baselines" / "quick").glob("*.npz")
    several = baseline(*(evaluation(DIGITS, wrong(n)) for n in (9, 10, 11)), model="steady")
    write_baseline(several, path)
    forget(project)
    project.write(BLUNT)
    project.run("-k", "test_gate", "--gate-budget", "7")
    assert project.fits == ["digits"] * 2
    (verdict,) = project.record.verdicts
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "deterministic: 2 seeds, same output" in verdict.details


# Records and reports


def test_reports_say_what_was_found_out(project):
    project.write(
        STEADY, 'model("sure", Steady, tasks=(DIGITS,), seeded=True, gates=(Floor(DIGITS, "accuracy", 0.5),))'
    )
    project.run(*SEEDS)
    lines = [line for line in project.report.splitlines() if "deterministic (two seeds, same output)" in line]
    assert [line.split("|")[1].strip() for line in lines] == [
        "steady",
        "steady",
        "steady",
    ]  # two metrics, and the model
    assert "tests.fakes.Steady`, deterministic (two seeds, same output)" in lines[-1]


def test_a_record_that_says_nothing_of_seeds_is_read_as_unknown_and_an_older_one_as_it_was_meant(project):
    project.write(STEADY)
    project.run("-k", "test_gate")
    (run,) = project.runs
    record = read(run)
    save(record, run / "record.json")
    assert read(run).models[0].stochastic is None
    old = {"profile": "quick", "seed": 1, "models": [{"name": "m", "description": "", "tasks": ["digits"]}]}
    assert UPGRADES[2](old)["models"][0]["stochastic"] is True


# Ignored seeds

IGNORING = 'model("steady", Steady, tasks=(DIGITS,), seeded=True, blunder=20, gates=({gates},))'
LINE = (
    "steady on digits is declared stochastic, but 5 seeds gave the same output, which is no evidence of a spread: it "
    "is judged as deterministic; let build use its seed, or declare stochastic=False"
)


def test_seeds_that_a_stochastic_model_ignores_are_no_evidence_of_a_spread(project, capsys):
    project.write(IGNORING.format(gates=REGRESSION))
    result = project.run(*SEEDS)
    result.stdout.fnmatch_lines([f"fitgate: to look into: {LINE}"])
    assert f"- {LINE}." in project.report
    assert bless(project) == 0
    assert (
        "steady on digits: 1 of 5 seeds, which gave the same output though stochastic=True is declared, "
        in capsys.readouterr().out
    )
    (path,) = (project.path / "baselines").rglob("*.npz")
    assert read_baseline(path).about.seeds == [42]
    forget(project)
    project.run(*SEEDS)
    (verdict,) = project.record.verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, Reason.SAME_OUTPUT)
