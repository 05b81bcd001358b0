"""`fitgate comment`: what a run changed, for the page of a pull request."""

import re

import msgspec
import numpy as np
import pytest

from fitgate.ab.comparison import Comparison
from fitgate.ab.report import view
from fitgate.cli import main
from fitgate.gates import Outcome, Verdict
from fitgate.machine import Calibration
from fitgate.metrics import METRICS
from fitgate.record import save, write_json
from fitgate.report import base_record, write_comment
from fitgate.report.comment import MARKER
from fitgate.report.shading import shades
from fitgate.report.view.change import change_view
from tests import records
from tests.fakes import LABELS, images
from tests.records import record_of, task_data
from tests.test_ab import known

DIGITS = task_data(images(), LABELS, name="digits", image_shape=(28, 28), class_names=tuple("0123456789"))


def wrong_at(*places):
    return np.where(np.isin(np.arange(200), places), (LABELS + 1) % 10, LABELS)


def pair(before, now, data=DIGITS):
    """Records of one model, before and now."""
    return record_of(data, {"m": before}), record_of(data, {"m": now})


@pytest.fixture
def comment(tmp_path):
    def comment(record, base=None, **more):
        return write_comment(record, tmp_path / "comment.md", base, **more).read_text()

    return comment


def test_values_answers_and_examples_are_set_against_the_base(comment):
    base, now = pair(wrong_at(3, 4), wrong_at(4, 15, 26))
    view = change_view(now, base, METRICS)
    (value,) = view.values
    assert (value.before, value.now, value.difference, value.better) == ("0.9900", "0.9850", "-0.0050", False)
    (answers,) = view.answers
    assert (answers.broken, answers.mended, answers.n) == (2, 1, 200)
    assert [(e.index, e.truth, e.before, e.now) for e in answers.worse] == [(15, "5", "5", "6"), (26, "6", "6", "7")]
    assert [(e.index, e.before, e.now) for e in answers.better] == [(3, "4", "3")]
    assert value.p_value == pytest.approx(0.625)  # McNemar's mid-p of 2 against 1, two-sided
    assert comment(now, base).startswith(f"{MARKER}\n## ")


def test_ten_of_many_are_shown_and_first_those_that_a_failed_gate_names():
    base, now = pair(wrong_at(), wrong_at(*range(30)))
    fall = Verdict("m", "digits", "accuracy>baseline-0.01", Outcome.FAIL, "fell", lost=[25, 28])
    now.add(fall)
    (answers,) = change_view(now, base, METRICS).answers
    assert answers.broken == 30
    assert [e.index for e in answers.worse] == [25, 28, *range(8)]


def test_of_hundreds_of_failed_gates_the_first_are_told_and_the_others_counted(comment):
    _, now = pair(wrong_at(), wrong_at())
    for number in range(300):
        now.add(Verdict("m", "digits", f"accuracy>=0.{number:03}", Outcome.FAIL, "The model misses it. " * 20))
    text = comment(now)
    assert text.startswith(f"{MARKER}\n## ❌ fitgate: FAIL: 300 of 300 gates failed")
    assert len(re.findall(r"^- ❌ ", text, re.MULTILINE)) == 30
    assert "270 more" in text


def test_pictures_stand_in_a_block_of_text_and_rows_in_a_table(comment):
    base, now = pair(wrong_at(3), wrong_at(15))
    text = comment(now, base)
    (broken, mended) = re.findall(r"```text\n(.*?)\n```", text, re.DOTALL)
    assert "#15: 5" in broken
    assert "█" in broken
    assert "#3" in mended
    rows = task_data(np.arange(6.0)[:, None], np.arange(6), name="kinds")
    base, now = pair(np.arange(6), np.array([0, 1, 2, 3, 4, 0]), rows)
    assert re.search(r"\| 5 +\| 5 +\| 5 +\| 0 +\| 5 +\|", comment(now, base))


def test_an_example_that_no_record_keeps_comes_from_the_project_else_its_row_is_left_out(comment):
    base, now = pair(wrong_at(), wrong_at(7))
    now.misclassified = []
    assert "```" not in comment(now, base)
    assert "█" in comment(now, base, row_of=lambda task, i: images()[i])


def test_of_numbers_answers_are_farther_off_or_nearer():
    X, y = np.arange(8.0)[:, None], np.linspace(0, 1, 8)
    data = task_data(X, y, metrics=("mae",), name="sizes")
    base, now = pair(y + 0.1, np.where(np.arange(8) < 3, y + 0.3, y), data)
    (answers,) = change_view(now, base, METRICS).answers
    assert (answers.of_numbers, answers.broken, answers.mended) == (True, 3, 5)
    assert {example.values for example in answers.worse} == {"0", "1", "2"}


def test_examples_of_other_data_are_not_compared():
    other = task_data(images()[::-1].copy(), LABELS, name="digits", image_shape=(28, 28))
    base, now = record_of(other, {"m": wrong_at(3)}), record_of(DIGITS, {"m": wrong_at(4, 5)})
    view = change_view(now, base, METRICS)
    assert view.answers == ()
    assert len(view.other_data) == 1
    assert [(value.better, value.p_value) for value in view.values] == [(None, None)]


def test_models_that_came_or_went_have_one_value():
    base, now = record_of(DIGITS, {"old": wrong_at(3)}), record_of(DIGITS, {"new": wrong_at(4)})
    assert [(v.model, v.before, v.now) for v in change_view(now, base, METRICS).values] == [
        ("new", "", "0.9950"),
        ("old", "0.9950", ""),
    ]


def test_times_are_compared_on_a_machine_of_the_same_kind_alone(comment):
    base, now = pair(wrong_at(3), wrong_at(3))
    for record, speed in ((base, 80.0), (now, 60.0)):
        record.add(Calibration("gemm", "GFLOP/s", "m", [speed]))
    view = change_view(now, base, METRICS)
    assert [t.ratio for t in view.times] == [1.0]
    assert view.pace == (0.75, 0.75)
    moved = msgspec.structs.replace(now, environment=msgspec.structs.replace(now.environment, cpu="Abacus 2"))
    assert change_view(moved, base, METRICS).times == ()
    assert "processor Abacus 1 -> Abacus 2" in comment(moved, base)
    both = msgspec.structs.replace(now, workers=2)
    assert "2 processes" in change_view(both, base, METRICS).no_times


def compared(*ratios):
    """What `fitgate ab` keeps of models with these ratios of time."""
    return Comparison("b" * 40, None, "single", records.ENVIRONMENT, list(ratios))


def test_the_test_of_two_revisions_stands_in_the_place_of_two_runs_times(comment):
    base, now = pair(wrong_at(3), wrong_at(3))
    text = comment(now, base, ab=view(compared(known(1, 1, "m"), known(0.5, 0.5, "quick"))))
    assert "✅ PASS: none of 2 models is significantly slower by 3%." in text
    assert re.search(r"\| quick +\| ✅ PASS +\|", text)
    assert "bbbbbbbbbbbb" in text
    assert "Typical single queries of two runs" not in text
    alone = comment(now, ab=view(compared(known(0.5, 0.5))))
    assert re.search(r"\| +0\.500 \(0\.\d+ to 0\.\d+\) \|", alone)  # without a base, too


def test_a_model_that_is_slower_fails_the_first_line_whatever_the_gates_say(comment):
    slower = view(compared(known(1.2, 1.2, "m")))
    passed = Verdict("m", "digits", "a>=1", Outcome.PASS, "good")
    failed = Verdict("m", "digits", "a>=9", Outcome.FAIL, "bad")
    heads = [comment(records.blank(verdicts=[v]), ab=slower).splitlines()[1] for v in (passed, failed)]
    assert heads == [
        "## ❌ fitgate: FAIL: slower: m by 20.0%; PASS: the one gate passed",
        "## ❌ fitgate: FAIL: slower: m by 20.0%; 1 of 1 gate failed: m a>=9 on digits",
    ]


def test_the_headline_is_the_run_s_and_gates_that_pass_are_not_listed(comment):
    gates = [Verdict("m", "digits", f"a>={i}", Outcome.PASS, "good") for i in range(3)]
    failed = Verdict("m", "digits", "a>=9", Outcome.FAIL, "bad", where="conftest.py:3")
    text = comment(records.blank(verdicts=[*gates, failed]))
    assert "1 of 4 gates failed" in text.splitlines()[1]
    assert [line for line in text.splitlines() if line.startswith("- ")] == [
        "- ❌ **m** on digits, `a>=9`: FAIL. bad Declared at `conftest.py:3`."
    ]


def test_a_comment_is_no_longer_than_github_takes_less_whole_sections(comment):
    many = {f"model{i:03}": wrong_at(*range(40)) for i in range(120)}
    clean = dict.fromkeys(many, LABELS)
    text = comment(record_of(DIGITS, many), record_of(DIGITS, clean), row_of=lambda task, i: images()[i])
    assert len(text) < 65_536
    assert "Left out, as GitHub takes no more: model" in text
    assert text.count("<details") == text.count("</details>")
    assert text.count("```") % 2 == 0


def test_hostile_names_break_out_of_nothing(comment):
    name = "```\n</details>\n@everyone <img src=x> \u202e| x"
    classes = (name, *"123456789")
    data = task_data(images(), LABELS, name="digits", image_shape=(28, 28), class_names=classes)
    base, now = record_of(data, {name: LABELS}), record_of(data, {name: wrong_at(0, 10)})
    text = comment(now, base)
    assert text.count("```") == 2
    outside = re.sub("```.*?```", "", text, flags=re.DOTALL)
    assert outside.count("<details") == outside.count("</details>") == 1
    assert "<img" not in outside


def test_a_picture_of_few_pixels_is_twice_as_wide_and_one_of_many_is_averaged():
    assert shades(np.array([[0, 1], [4, 2.0]])) == ["  ░░", "██▒▒"]
    assert shades(np.zeros((3, 3))) == ["      "] * 3
    large = np.zeros((112, 112))
    large[:56] = 1
    lines = shades(large)
    assert {len(line) for line in lines} == {28}
    assert len(lines) == 14


def test_the_base_is_the_last_finished_run_below_a_directory(tmp_path):
    assert base_record(tmp_path) is None
    for name, day, status in (("a", 1, "finished"), ("b", 3, "running"), ("c", 2, "finished")):
        started = f"2026-01-0{day}T03:04:05+00:00"
        save(records.blank(started=started, status=status), tmp_path / "runs" / name / "record.json")
    assert base_record(tmp_path).started.startswith("2026-01-02")


def test_the_command_takes_the_last_run_and_the_project_s_own_examples(project, monkeypatch, capsys):
    monkeypatch.chdir(project.path)
    gate = 'gates=(Floor(DIGITS, "accuracy", 0.9),), tasks=(DIGITS,)'
    project.write(f"model({gate})")
    project.run("-k", "gate")
    (project.path / ".fitgate").rename(project.path / "base")
    project.write(f"model({gate}, blunder=25)")
    project.run("-k", "gate")
    assert main(["comment", "--against", "base"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.endswith("comment in comment.md\n")
    write_json(compared(known(1.1, 1.1, "reader")), project.path / "ab.json")
    assert main(["comment", "--against", "base", "--ab", "ab.json"]) == 0
    text = (project.path / "comment.md").read_text()
    assert "FAIL: slower: reader by 10.0%" in text
    assert "reader on digits: 8 broken, 0 mended, of 200" in text
    assert "█" in text
    assert main(["comment", "--against", "nowhere"]) == 1


def test_without_a_base_the_comment_says_so(project, monkeypatch):
    monkeypatch.chdir(project.path)
    project.write("model()")
    project.run("-k", "prediction")
    (project.path / "empty").mkdir()
    assert main(["comment", "--against", "empty", "--out", "c.md"]) == 0
    assert "no record of the base branch" in (project.path / "c.md").read_text()
