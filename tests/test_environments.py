"""Environments: a baseline that holds what several machines computed, each told by its own."""

import dataclasses
import shutil

import numpy as np
import pytest
from msgspec import structs

from fitgate import Outcome
from fitgate.cli import main
from fitgate.gates import BaselineError, Claim, Reason, find_baseline, judge, read_baseline, write_baseline
from fitgate.gates.baseline import Kept, keep
from fitgate.gates.blessing import propose
from fitgate.gates.candidate import Candidate
from fitgate.gates.environments import propose_environment
from fitgate.gates.origin import Origin
from fitgate.gates.stored import MOST_OTHERS
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.record import read
from fitgate.runs import Fit, SeedRun
from tests import fakes
from tests.conftest import SEEDED
from tests.evidence import ENVIRONMENT, baseline, evaluation, evidence, truths, wrong
from tests.fakes import DIGITS, FIVES, NoRegression

GATE = NoRegression(DIGITS, "accuracy", 0.1)
THERE = structs.replace(ENVIRONMENT, cpu="another")
HERE_RUNS = [evaluation(DIGITS, wrong(n)) for n in (10, 12, 14)]
THERE_RUNS = [evaluation(DIGITS, wrong(n)) for n in (11, 13, 15)]


def with_others(before, *others, execution=""):
    """A baseline that has, besides, the outputs of its first seeds in other environments."""
    task, origins, arrays = before.about.task, [], []
    for where, runs in others:
        fits = [Fit("m", task, seed, fakes.DATASET.digest, 1.0, None, "fakes") for seed in range(len(runs))]
        kept = keep(runs)
        origins.append(Origin(where, [fit.seed for fit in fits], kept.digest, execution))
        arrays.append(kept)
    return structs.replace(before, about=structs.replace(before.about, others=origins), others=arrays)


BOTH = with_others(baseline(*HERE_RUNS), (THERE, THERE_RUNS[:2]))


def judged(before, runs, where, execution=""):
    """The verdict on runs with the first seeds, somewhere."""
    key = ("m", "digits")
    executions = {key: execution} if execution else {}
    found = evidence({key: list(runs)}, {key: before})
    found = dataclasses.replace(found, environment=where, executions=executions)
    return judge([Claim("m", GATE, GATE.rule("quick"))], found).verdicts[0]


# Judging


@pytest.mark.parametrize(("where", "runs"), [(ENVIRONMENT, HERE_RUNS), (THERE, THERE_RUNS)])
def test_output_is_held_to_that_of_its_own_environment(where, runs):
    assert judged(BOTH, runs[:1], where).reason is Reason.SAME_OUTPUT
    assert judged(BOTH, runs[:2], where).reason is Reason.SAME_OUTPUT


@pytest.mark.parametrize(("where", "runs"), [(ENVIRONMENT, THERE_RUNS), (THERE, HERE_RUNS)])
def test_output_of_another_environment_is_none_of_the_run_s_own_and_the_environment_no_reason(where, runs):
    verdict = judged(BOTH, runs[:1], where)
    assert verdict.reason is not Reason.SAME_OUTPUT
    assert "environment" not in verdict.details


def test_a_seed_that_an_environment_does_not_know_is_tested():
    assert judged(BOTH, THERE_RUNS, THERE).reason is not Reason.SAME_OUTPUT


def test_where_no_environment_is_the_run_s_any_will_do():
    nowhere = structs.replace(ENVIRONMENT, cpu="a third")
    for runs in (HERE_RUNS, THERE_RUNS):
        assert judged(BOTH, runs[:2], nowhere).reason is Reason.SAME_OUTPUT


def test_where_no_environment_is_the_run_s_the_message_names_that_as_the_likely_reason():
    nowhere = structs.replace(THERE, python="9.9")
    verdict = judged(BOTH, [evaluation(DIGITS, wrong(16))], nowhere)
    assert (
        f"The output may differ by the environment alone, as none of the 2 that the baseline knows is this one: Python "
        f"{THERE.python} -> 9.9. If so, fitgate bless --add-environment has the baseline hold this run's output "
        "besides."
    ) in verdict.details


def test_the_spread_and_the_mean_are_those_that_the_baseline_began_with():
    candidate = [evaluation(DIGITS, wrong(16))]
    assert judged(BOTH, candidate, THERE).value == judged(baseline(*HERE_RUNS), candidate, THERE).value
    assert judged(BOTH, candidate, THERE).p_value == judged(baseline(*HERE_RUNS), candidate, THERE).p_value


def test_other_devices_are_another_environment_where_both_say_theirs():
    own = baseline(*HERE_RUNS)
    two = structs.replace(own, about=structs.replace(own.about, execution="on 2 devices"))
    both = with_others(two, (ENVIRONMENT, THERE_RUNS), execution="on 1 device")
    assert judged(both, THERE_RUNS[:1], ENVIRONMENT, "on 1 device").reason is Reason.SAME_OUTPUT
    assert judged(both, THERE_RUNS[:1], ENVIRONMENT, "on 2 devices").reason is not Reason.SAME_OUTPUT
    moved = judged(two, THERE_RUNS[:1], ENVIRONMENT, "on 1 device")
    assert "by the environment alone: computing on 2 devices -> on 1 device." in moved.details
    assert "environment" not in judged(two, THERE_RUNS[:1], ENVIRONMENT).details


# Files


def test_a_file_holds_each_environment(tmp_path):
    answers = fakes.LABELS == 5
    runs = [evaluation(FIVES, answers, answers + np.linspace(0, k, 200)) for k in (0.5, 0.25)]
    before = with_others(baseline(*runs, task=FIVES), (THERE, runs[1:]), (ENVIRONMENT, runs))
    write_baseline(before, tmp_path / "x.npz")
    after = read_baseline(tmp_path / "x.npz")
    assert after.about == before.about
    for found, expected in zip(after.kept, before.kept, strict=True):
        np.testing.assert_array_equal(found.predictions, expected.predictions)
        np.testing.assert_array_equal(found.ranks, expected.ranks)


def claimed(edit):
    """A baseline whose other environment was edited, with a digest that fits."""
    (origin,), (kept,) = BOTH.about.others, BOTH.others
    origin, kept = edit(origin, kept)
    about = structs.replace(BOTH.about, others=[structs.replace(origin, content=kept.digest)])
    return structs.replace(BOTH, about=about, others=[kept])


EDITS = {
    "predictions with 2 seeds, and 1 different": lambda o, k: (structs.replace(o, seeds=[0]), k),
    "another environment with seeds that it has not itself": lambda o, k: (structs.replace(o, seeds=[0, 9]), k),
    "another environment with outputs of another form": lambda o, k: (o, Kept(k.predictions[:, :100])),
    "a NaN or an infinite number": lambda o, k: (o, Kept(np.full(k.predictions.shape, np.nan))),
    "predictions of dtype complex128": lambda o, k: (o, Kept(k.predictions.astype(complex))),
}


@pytest.mark.parametrize(("found", "edit"), EDITS.items(), ids=EDITS)
def test_what_no_model_can_have_given_elsewhere_is_neither_read_nor_judged_by(tmp_path, found, edit):
    made = claimed(edit)
    write_baseline(made, tmp_path / "x.npz")
    with pytest.raises(BaselineError, match=rf"x\.npz: found {found}"):
        read_baseline(tmp_path / "x.npz")
    verdict = judged(made, HERE_RUNS[:1], ENVIRONMENT)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)


def test_edited_arrays_and_such_as_nothing_describes_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    (kept,) = BOTH.others
    write_baseline(structs.replace(BOTH, others=[Kept(kept.predictions[::-1])]), path)
    with pytest.raises(BaselineError, match="found other arrays than those it was written with"):
        read_baseline(path)
    write_baseline(structs.replace(BOTH, about=structs.replace(BOTH.about, others=[])), path)
    with pytest.raises(BaselineError, match="found a damaged file \\(arrays of environments that it does not describe"):
        read_baseline(path)
    write_baseline(structs.replace(BOTH, others=[]), path)
    with pytest.raises(BaselineError, match="found a damaged file \\(an archive without 'predictions-1'"):
        read_baseline(path)
    crowd = with_others(baseline(*HERE_RUNS), *[(THERE, THERE_RUNS)] * (MOST_OTHERS + 1))
    write_baseline(crowd, path)
    with pytest.raises(BaselineError, match="found a damaged file \\(9 further environments, of 8 that there may be"):
        read_baseline(path)


# Blessing


def candidates(*runs, first=0):
    fits = [Fit("m", "digits", seed, fakes.DATASET.digest, 1.0, None, "fakes") for seed in range(first, first + 9)]
    several = [SeedRun(fit, run) for fit, run in zip(fits, runs, strict=False)]
    return {("m", "digits"): Candidate(several, True, truths()["digits"], [METRICS["accuracy"]])}


@pytest.fixture
def directory(tmp_path):
    name = f"m-digits-{fakes.DATASET.digest[:8]}.npz"
    write_baseline(baseline(*HERE_RUNS), tmp_path / "quick" / name)
    return tmp_path


def test_what_is_added_has_the_baseline_s_seeds_alone(directory):
    more = [*THERE_RUNS, evaluation(DIGITS, wrong(17))]
    ((proposal,), notes) = propose_environment(candidates(*more), THERE, None, directory)
    assert notes == []
    assert proposal.baseline.about.others[0].seeds == [0, 1, 2]
    assert proposal.summary == (
        f"m on digits: 3 of its 3 seeds in another environment, accuracy 0.9400 -> 0.9350 (-0.50 points); processor "
        f"{ENVIRONMENT.cpu} -> another"
    )


def test_the_same_output_and_a_model_without_a_baseline_need_no_other_environment(directory, tmp_path):
    assert propose_environment(candidates(*HERE_RUNS), THERE, None, directory) == (
        [],
        ["m on digits: the baseline has this output, so there is nothing to add"],
    )
    assert propose_environment(candidates(*HERE_RUNS), THERE, None, tmp_path / "none") == (
        [],
        ["m on digits: there is no baseline, so bless a run first"],
    )


@pytest.mark.parametrize(
    ("where", "first", "message"),
    [
        (
            ENVIRONMENT,
            0,
            "m on digits: found other output than the baseline's in the environment that the baseline",
        ),
        (THERE, 1, "m on digits: found seeds 1, 2, 3, expected seed 0 of the baseline, with which runs begin"),
    ],
)
def test_a_changed_model_and_other_seeds_are_no_other_environment(directory, where, first, message):
    with pytest.raises(BaselineError, match=message):
        propose_environment(candidates(*THERE_RUNS, first=first), where, None, directory)


def test_an_environment_takes_the_place_of_what_was_known_of_it_and_there_are_not_more_than_eight(directory):
    (path,) = directory.rglob("*.npz")
    several = [(structs.replace(ENVIRONMENT, cpu=f"cpu {i}"), THERE_RUNS) for i in range(MOST_OTHERS)]
    write_baseline(with_others(baseline(*HERE_RUNS), *several), path)
    again = structs.replace(ENVIRONMENT, cpu="cpu 3")
    runs = [evaluation(DIGITS, wrong(n)) for n in (16, 17)]
    ((proposal,), _) = propose_environment(candidates(*runs), again, None, directory)
    assert len(proposal.baseline.others) == MOST_OTHERS
    assert proposal.summary.endswith("-> cpu 3, in the place of what it had of this environment")
    with pytest.raises(BaselineError, match="found 8 other environments in the baseline, expected 8 at most"):
        propose_environment(candidates(*runs), THERE, None, directory)


def test_one_output_of_a_deterministic_model_is_added_whatever_its_seed(directory):
    (path,) = directory.rglob("*.npz")
    write_baseline(baseline(HERE_RUNS[0]), path)
    for runs in (THERE_RUNS[:1], THERE_RUNS[:1] * 2):
        ((key, candidate),) = candidates(*runs, first=7).items()
        unsaid = dataclasses.replace(candidate, stochastic=None)
        ((proposal,), _) = propose_environment({key: unsaid}, THERE, None, directory)
        assert proposal.baseline.about.others[0].seeds == [0]
        assert judged(proposal.baseline, runs[:1], THERE).reason is Reason.SAME_OUTPUT
    with pytest.raises(BaselineError, match="m on digits: found a baseline of one seed, expected several, of a model"):
        propose_environment(candidates(*THERE_RUNS), THERE, None, directory)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("execution", "on 1 device", "m on digits: found seeds that computed .not said. and on 1 device, expected"),
        ("elsewhere", ["Python 1 -> 2"], "m on digits, seed 1: found a worker unlike the session's own environment"),
    ],
)
def test_seeds_of_several_environments_make_no_baseline(tmp_path, field, value, message):
    ((key, candidate),) = candidates(*HERE_RUNS).items()
    first, second, third = candidate.runs
    moved = structs.replace(second, fit=structs.replace(second.fit, **{field: value}))
    mixed = dataclasses.replace(candidate, runs=[first, moved, third])
    with pytest.raises(BaselineError, match=message):
        propose({key: mixed}, ENVIRONMENT, None, tmp_path, 2)


# In a project

MOVED = "class Moved(Learner):\n    def __init__(self, seed): Reader.__init__(self, blunder={} + seed)\n"


def move(project, monkeypatch, blunder=21):
    """Let sessions run on another machine, which computes other last digits: of one answer more or less."""
    monkeypatch.setattr("fitgate.record.record.environment", lambda extra=(): changed(environment(extra)))
    project.write(SEEDED.replace("Learner", "Moved"))
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("\ndef pytest", MOVED.format(blunder) + "\ndef pytest", 1))


def changed(here):
    return structs.replace(here, cpu="another")


def bless(project, *options):
    (run,) = project.runs
    return main(["bless", str(run), "--baselines", str(project.path / "baselines"), "--yes", *options])


def test_a_project_s_runs_on_another_machine_pass_at_once_when_that_was_added(blessed, monkeypatch, capsys):
    move(blessed, monkeypatch)
    blessed.run("-k", "test_gate")
    (verdict,) = blessed.record.verdicts
    assert verdict.reason is not Reason.SAME_OUTPUT
    assert "fitgate bless --add-environment has the baseline hold this run's output besides" in verdict.details
    assert bless(blessed, "--add-environment") == 0
    assert "learner on digits: 1 of its 3 seeds in another environment, accuracy " in capsys.readouterr().out
    shutil.rmtree(blessed.path / ".fitgate")
    assert blessed.run("-k", "test_gate").ret == 0
    record = blessed.record
    assert record.verdicts[0].reason is Reason.SAME_OUTPUT
    assert read(blessed.runs[0]).baselines[0].about.others == record.baselines[0].about.others != []
    assert bless(blessed, "--add-environment") == 0
    assert "learner on digits: the baseline has this output, so there is nothing to add" in capsys.readouterr().out
    (page,) = (blessed.path / "baselines").rglob("*.md")
    assert "- another environment of 2" in page.read_text()


def test_what_a_gate_fails_is_no_other_environment(blessed, monkeypatch, capsys):
    move(blessed, monkeypatch, blunder=-39)
    blessed.run("--fit-seeds=3", "-k", "test_gate")
    before = {path: path.read_bytes() for path in (blessed.path / "baselines").rglob("*.npz")}
    assert bless(blessed, "--add-environment") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: learner on digits, accuracy>baseline-0.1: found a gate that fails this run: ")
    assert len(error.splitlines()) == 1
    assert {path: path.read_bytes() for path in (blessed.path / "baselines").rglob("*.npz")} == before


def test_a_new_blessing_keeps_environments_of_the_same_model_and_drops_those_of_another(blessed, monkeypatch, capsys):
    (path,) = (blessed.path / "baselines").rglob("*.npz")
    place = (blessed.path / "baselines", "quick", "learner", "digits", fakes.DATASET.digest)
    before = find_baseline(*place)
    kept = Kept(before.predictions[:1, ::-1])
    about = structs.replace(before.about, others=[Origin(THERE, [42], kept.digest)])
    write_baseline(structs.replace(before, about=about, others=[kept]), path)
    blessed.run("--fit-seeds=4", "-k", "seed or gate")
    assert bless(blessed, "--least-seeds=4") == 0
    after = find_baseline(*place)
    assert (after.about.seeds, after.about.others) == ([42, 43, 44, 45], about.others)
    assert "dropped" not in capsys.readouterr().out
    shutil.rmtree(blessed.path / ".fitgate")
    blessed.run("--fit-seeds=4", "--fit-seed=7", "-k", "seed or gate")
    assert bless(blessed, "--least-seeds=4") == 0
    assert "; its output in 1 other environment is dropped" in capsys.readouterr().out
    assert find_baseline(*place).about.others == []
