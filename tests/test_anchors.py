"""Anchors and pages beside baselines: how far a model has drifted since the first, and what a review reads."""

import dataclasses
import re

import numpy as np
import pytest
from msgspec import structs

from fitgate import Metric
from fitgate.gates import BaselineError, baseline_file, find_baseline, read_baseline, write_baseline
from fitgate.gates.archive import anchor_file, check_names, page_file
from fitgate.gates.baseline import digest_of
from fitgate.gates.blessing import bless, propose
from fitgate.gates.candidate import Candidate
from fitgate.gates.drift import drift
from fitgate.metrics import METRICS
from fitgate.report import page
from fitgate.runs import Fit, SeedRun
from tests import fakes
from tests.evidence import ENVIRONMENT, baseline, evaluation, truths, wrong
from tests.fakes import DIGITS

DIGEST = fakes.DATASET.digest
TARGET = fakes.LABELS
ACCURACY, F1 = METRICS["accuracy"], METRICS["macro_f1"]


def proposal(directory, *mistakes, **options):
    """What blessing seeds with so many mistakes of 200 would write."""
    fits = [Fit("m", "digits", seed, DIGEST, 1.0, None, "tests.Fake") for seed in range(len(mistakes))]
    runs = [SeedRun(fit, evaluation(DIGITS, wrong(n))) for fit, n in zip(fits, mistakes, strict=True)]
    candidate = Candidate(runs, True, truths()["digits"], [ACCURACY, F1, ACCURACY])
    (found,) = propose({("m", "digits"): candidate}, ENVIRONMENT, "0123", directory, 2, **options)
    return found


def blessed(directory, *mistakes, replace=False, **options):
    bless([proposal(directory, *mistakes, **options)], directory, page=page, replace=replace)


def path_of(directory):
    return baseline_file(directory, "quick", "m", "digits", DIGEST)


def mistakes(path):
    """Of a baseline's first seed; None where there is none."""
    found = read_baseline(path)
    return None if found is None else int((found.predictions[0] != TARGET).sum())


def one_more(path):
    """Give a baseline an example more than its data have."""
    found = read_baseline(path)
    padded = np.pad(found.predictions, ((0, 0), (0, 1)))
    about = structs.replace(found.about, content=digest_of(padded, None, None))
    write_baseline(structs.replace(found, about=about, predictions=padded), path)


# Anchors


def test_the_first_baseline_stays_as_the_anchor_whatever_is_blessed_later(tmp_path):
    path = path_of(tmp_path)
    seen = []
    for count in (3, 5, 7):
        blessed(tmp_path, count, count + 2)
        seen.append((mistakes(path), mistakes(anchor_file(path))))
    assert seen == [(3, None), (5, 3), (7, 3)]


def test_blessing_shows_drift_with_its_interval_against_the_former_and_the_anchor(tmp_path):
    blessed(tmp_path, 3, 5)
    blessed(tmp_path, 5, 7)
    found = proposal(tmp_path, 7, 9)
    number = r"[+-]\d+\.\d\d"
    assert re.fullmatch(
        r"m on digits: 2 seeds, accuracy 0\.9700 -> 0\.9600 \(-1\.00 points; "
        rf"95% interval {number} to {number} points\)",
        found.summary,
    )
    assert re.fullmatch(
        rf"since the anchor of \d{{4}}-\d\d-\d\d, 2 seeds: accuracy 0\.9800 -> 0\.9600 \(-2\.00 points; 95% interval "
        rf"{number} to {number} points\)",
        found.drift,
    )


def test_the_second_blessing_says_the_same_once(tmp_path):
    blessed(tmp_path, 3, 5)
    assert proposal(tmp_path, 5, 7).drift == ""


def test_blessing_the_same_output_again_makes_no_anchor(tmp_path):
    for _ in range(2):
        blessed(tmp_path, 3, 5)
    assert not anchor_file(path_of(tmp_path)).exists()


def test_a_run_can_be_made_the_anchor(tmp_path):
    path = path_of(tmp_path)
    for count in (3, 5):
        blessed(tmp_path, count, count + 2)
    blessed(tmp_path, 7, 9, anchor=True)
    assert not anchor_file(path).exists()
    blessed(tmp_path, 9, 11)
    assert (mistakes(path), mistakes(anchor_file(path))) == (9, 7)


def test_an_anchor_that_can_t_be_used_is_one_line_and_can_be_given_up(tmp_path):
    path = path_of(tmp_path)
    for count in (3, 5):
        blessed(tmp_path, count, count + 2)
    for content, found in ((b"?", r"a damaged file \("), (None, "model other, expected m")):
        if content is None:
            write_baseline(baseline(evaluation(DIGITS, wrong(1)), model="other"), anchor_file(path))
        else:
            anchor_file(path).write_bytes(content)
        with pytest.raises(BaselineError, match=rf"\.anchor\.npz: found {found}.*; restore it from git, or give --anc"):
            proposal(tmp_path, 7, 9)
        assert find_baseline(tmp_path, "quick", "m", "digits", DIGEST) is not None
    blessed(tmp_path, 7, 9, anchor=True)
    assert mistakes(path) == 7


def test_an_anchor_is_no_baseline_of_a_gate_s_and_its_age_no_mixture(tmp_path):
    for count in (3, 5):
        blessed(tmp_path, count, count + 2)
    assert [path.name for path, _ in check_names(tmp_path, "quick")] == [path_of(tmp_path).name]
    assert find_baseline(tmp_path, "quick", "m", "digits", DIGEST).about.seeds == [0, 1]


def test_what_stands_beside_a_baseline_goes_with_it(tmp_path):
    other = baseline_file(tmp_path, "quick", "m", "digits", "f" * 64)
    write_baseline(baseline(evaluation(DIGITS, wrong(1)), digest="f" * 64), other)
    write_baseline(baseline(evaluation(DIGITS, wrong(2)), digest="f" * 64), anchor_file(other))
    page_file(other).write_text("a page")
    blessed(tmp_path, 3, 5, replace=True)
    left = sorted(path.name for path in (tmp_path / "quick").iterdir())
    assert left == [page_file(path_of(tmp_path)).name, path_of(tmp_path).name]


# Drift


def test_the_interval_of_one_output_each_is_that_of_the_paired_test():
    before, now = (baseline(evaluation(DIGITS, wrong(n))) for n in (10, 14))
    moved = drift(before, now, ACCURACY, TARGET)
    assert (moved.then, moved.now) == (0.95, 0.93)
    assert moved.low < -0.02 < moved.high
    back = drift(now, before, ACCURACY, TARGET)
    assert (back.low, back.high) == pytest.approx((-moved.high, -moved.low))


def test_a_metric_that_falls_as_it_gets_better_drifts_the_other_way():
    error = Metric("error", compute=lambda target, found: float(np.mean(target != found)), higher_is_better=False)
    before, now = (baseline(evaluation(DIGITS, wrong(n))) for n in (10, 40))
    moved = drift(before, now, error, TARGET)
    assert 0 < moved.low < moved.now - moved.then < moved.high


def test_a_deterministic_output_is_compared_with_seeds_by_these():
    moved = drift(baseline(evaluation(DIGITS, wrong(10))), baseline(*(evaluation(DIGITS, wrong(n)) for n in (8, 9))),
                  ACCURACY, TARGET)  # fmt: skip
    assert moved.low < 0.0075 < moved.high


def test_a_baseline_without_the_metric_has_no_drift():
    without = baseline(evaluation(DIGITS, wrong(10)))
    assert drift(without, without, METRICS["log_loss"], TARGET) is None


# Pages


def page_of(directory):
    return page_file(path_of(directory)).read_text(encoding="utf-8")


def test_a_page_says_what_a_baseline_is(tmp_path):
    blessed(tmp_path, 3, 5)
    first = page_of(tmp_path)
    assert first.startswith("# Baseline of m on digits, quick\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in first.splitlines() if line.startswith("|")]
    assert rows[0] == ["metric", "mean", "SD of the seeds", "95% interval of the mean", "worst seed"]
    assert [row[0] for row in rows[2:]] == ["accuracy", "macro F1"]
    assert (rows[2][1], rows[2][2], rows[2][4]) == ("0.9800", "0.707 points", "0.9750, seed 1")
    for line in ("- seeds: 0, 1 (2)", "- model: tests.Fake", "- commit: `0123`", f"- data: SHA-256 `{DIGEST}`"):
        assert line in first.splitlines()
    assert "drift" not in first


def undated(text):
    return [line for line in text.splitlines() if not line.startswith("- blessed: ")]


def test_a_page_shows_drift_and_changes_in_no_other_line_than_it_must(tmp_path):
    blessed(tmp_path, 3, 5)
    first = undated(page_of(tmp_path))
    blessed(tmp_path, 3, 5)
    assert undated(page_of(tmp_path)) == first
    blessed(tmp_path, 5, 7)
    second = undated(page_of(tmp_path))
    gone = [line for line in first if line not in second]
    assert [line.split("|")[1].strip() if "|" in line else line[:9] for line in gone] == [
        "accuracy",
        "macro F1",
        "- outputs",
    ]
    added = [line.split("|")[1].strip() for line in second if " -> " in line]
    assert [cell.split(" of ")[0] for cell in added] == ["the former"] * 2 + ["the anchor"] * 2


def test_a_page_takes_what_names_contain_for_text(tmp_path):
    found = proposal(tmp_path, 3, 5)
    about = structs.replace(found.baseline.about, implementation="a|b <script>\n# c")
    found = dataclasses.replace(found, baseline=structs.replace(found.baseline, about=about))
    bless([found], tmp_path, page=page)
    assert "- model: a|b &lt;script> # c" in page_of(tmp_path).splitlines()


def test_a_baseline_with_an_example_more_than_the_data_is_blessed_over_as_a_damaged_one_is(tmp_path):
    blessed(tmp_path, 3, 5)
    one_more(path_of(tmp_path))
    found = proposal(tmp_path, 7, 9)
    assert found.before is None
    assert "new, in the place of predictions of shape (201,)" in found.summary


def test_an_anchor_with_an_example_more_than_the_data_is_one_line(tmp_path):
    blessed(tmp_path, 3, 5)
    blessed(tmp_path, 7, 9)
    one_more(anchor_file(path_of(tmp_path)))
    with pytest.raises(BaselineError, match=r"found predictions of shape \(201,\), expected \(200,\)"):
        proposal(tmp_path, 7, 9)
    assert proposal(tmp_path, 7, 9, anchor=True).anchor is None
