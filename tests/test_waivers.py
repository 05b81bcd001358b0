"""Waivers: failures that are accepted on purpose, until a day and no farther than a value."""

from dataclasses import replace
from datetime import date

import pytest

from fitgate import Outcome
from fitgate.cli import main
from fitgate.gates import GATES, Reason, judge
from fitgate.gates.waiver import Waiver, WaiverError, read_waivers
from fitgate.record import judge_again
from tests.evidence import baseline, claim, evaluation, evidence, wrong
from tests.fakes import DIGITS, Floor, NoRegression

FLOOR, HELD = Floor(DIGITS, "accuracy", 0.95), NoRegression(DIGITS, "accuracy", 0.05)
TODAY, TOMORROW, YESTERDAY = date(2026, 6, 15), date(2026, 6, 16), date(2026, 6, 14)
WHY = "smaller on purpose, PR 12"
FILE = """
[[waiver]]
model = "learner"
task = "digits"
gate = "accuracy>=0.99"
reason = "smaller on purpose, PR 12"
until = {until}
worst = {worst}
"""
GOOD = FILE.format(until="2999-12-31", worst=0.9)
LEARNER = 'model("learner", Learner, tasks=(DIGITS,), seeded=True, gates=(Floor(DIGITS, "accuracy", 0.99),))'


def judged(gate, run, *, until=TODAY, worst=0.85, before=None, today=TODAY):
    """The verdict on the model `m`, of which there is a waiver."""
    waiver = Waiver("m", "digits", gate.rule("quick"), WHY, until, worst)
    found = evidence({("m", "digits"): run}, {("m", "digits"): before} if before else {})
    (verdict,) = judge([claim("m", gate)], replace(found, waivers=[waiver], today=today)).verdicts
    return verdict


def test_a_failure_within_its_waiver_is_waived_and_says_why_and_until_when():
    for gate, before in ((FLOOR, None), (HELD, baseline(evaluation(DIGITS, wrong(0))))):
        verdict = judged(gate, evaluation(DIGITS, wrong(25)), before=before)
        assert verdict.outcome is Outcome.WAIVED
        assert not verdict.passed
        assert verdict.message.startswith(f"Waived until 2026-06-15, no worse than 0.85: {WHY}. accuracy 0.8750")
    assert judged(FLOOR, evaluation(DIGITS, wrong(25)), until=TOMORROW).outcome is Outcome.WAIVED


def test_a_waiver_that_has_ended_or_is_exceeded_fails():
    ended = judged(FLOOR, evaluation(DIGITS, wrong(25)), until=YESTERDAY)
    assert ended.outcome is Outcome.FAIL
    assert ended.message.endswith(f"It fails, for its waiver ended on 2026-06-14: {WHY}.")
    exceeded = judged(FLOOR, evaluation(DIGITS, wrong(31)))
    assert (exceeded.outcome, "goes no farther than 0.85" in exceeded.message) == (Outcome.FAIL, True)


def test_a_waiver_covers_nothing_but_values_that_are_too_bad():
    other = baseline(evaluation(DIGITS, wrong(0)), digest="f" * 64)
    verdict = judged(HELD, evaluation(DIGITS, wrong(25)), before=other)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)
    assert "for values that are too bad alone" in verdict.message
    assert judged(FLOOR, evaluation(DIGITS, wrong(0))).outcome is Outcome.PASS


def test_where_the_day_of_the_run_is_not_known_every_waiver_has_ended():
    assert judged(FLOOR, evaluation(DIGITS, wrong(25)), today=date.max).outcome is Outcome.FAIL


def test_a_waived_gate_fails_no_session_and_stands_in_every_report(project):
    project.write(LEARNER)
    (project.path / "waivers.toml").write_text(GOOD)
    result = project.run("-k", "test_gate", "--gate-strict")
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    assert "**INCONCLUSIVE: 0 of 1 gate passed, 1 waived**" in project.report
    line = "a waiver of accuracy>=0.99 of learner on digits, until 2999-12-31, no worse than 0.9, in force: smaller on"
    result.stdout.fnmatch_lines([f"fitgate: to look into: {line} purpose, PR 12"])
    assert judge_again(project.record, GATES).verdicts == project.record.verdicts
    assert main(["judge", str(project.runs[0])]) == 0


@pytest.mark.parametrize(("until", "worst"), [("2020-01-01", 0.9), ("2999-12-31", 0.985)])
def test_one_that_has_ended_or_is_exceeded_fails_the_session_and_stands_there_too(project, until, worst):
    project.write(LEARNER)
    (project.path / "accepted.toml").write_text(FILE.format(until=until, worst=worst))
    assert project.run("-k", "test_gate", "--gate-waivers=accepted.toml").ret == 1
    state = (
        "which has ended, and the gate is FAIL; take it out" if until == "2020-01-01" else "not in force, as it is FAIL"
    )
    assert state in project.report


def test_one_that_has_ended_is_shown_though_its_gate_passes(project):
    project.write(LEARNER.replace("0.99", "0.5"))
    (project.path / "waivers.toml").write_text(GOOD.replace("0.99", "0.5").replace("2999-12-31", "2020-01-01"))
    result = project.run("-k", "test_gate")
    assert result.ret == 0
    line = (
        "a waiver of accuracy>=0.5 of learner on digits, until 2020-01-01, no worse than 0.9, which has ended, and the"
    )
    result.stdout.fnmatch_lines([f"fitgate: to look into: {line} gate is PASS; take it out: smaller on purpose, PR 12"])
    assert line in project.report


def test_a_waiver_of_no_gate_ends_the_session_in_one_line(project):
    project.write(LEARNER.replace("0.99", "0.98"))
    (project.path / "waivers.toml").write_text(GOOD)
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    found = "found no such gate, expected one of accuracy>=0.98; *"
    result.stderr.fnmatch_lines([f"ERROR: a waiver of accuracy>=0.99 of learner on digits: {found}"])


def test_a_file_of_waivers_that_is_named_must_be_there(project):
    project.write(LEARNER)
    result = project.run("--gate-waivers=none.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *none.toml: found *No such file*"])


@pytest.mark.parametrize(
    "text",
    [
        "waiver = 1",
        "[[waiver",
        "[waivers]",
        "waiver = [1]",
        GOOD.replace("2999-12-31", '"soon"'),
        GOOD.replace("0.9\n", "nan\n"),
        GOOD.replace("0.9\n", '"low"\n'),
        GOOD.replace("smaller on purpose, PR 12", " "),
        GOOD.replace("reason", "because"),
        GOOD.replace("worst = 0.9", ""),
        GOOD + GOOD,
        GOOD + "colour = 1",
        b"\xff\xfe\x00",
        b"#" * (1 << 20) + b"#",
    ],
)
def test_a_file_that_says_something_else_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "waivers.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WaiverError) as caught:
        read_waivers(path)
    assert len(str(caught.value).splitlines()) == 1
