"""Planning: what is said of gates before anything is trained, and that it is what judging then does."""

import re
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom

from fitgate import NoFlips
from fitgate.cli import main
from fitgate.data import Slices
from fitgate.gates.planning import level_of_each, plans
from fitgate.statistics import Looks, examples_to_decide, operation
from tests.conftest import SEEDED
from tests.evidence import baseline, claim, evaluation, evidence, verdict_of, wrong
from tests.fakes import DIGITS, Floor, NoRegression
from tests.test_regression import spread

BEFORE = baseline(*spread(20, 20, np.random.default_rng(0)))


def planned(margin, before=BEFORE, **settings):
    claims = [claim("m", NoRegression(DIGITS, "accuracy", margin)), claim("m", Floor(DIGITS, "accuracy", 0.5))]
    (plan,) = plans(claims, evidence({}, {("m", "digits"): before} if before else {}, **settings))
    return plan


def test_a_plan_is_that_of_the_baseline_s_spread():
    plan = planned(0.02)
    spread_of_it = np.std([np.mean(p == wrong(0)) for p in BEFORE.predictions], ddof=1)
    assert plan.in_spreads == pytest.approx(0.02 / spread_of_it)
    expected = operation(Looks(20, 1, 10), 0.9 * 0.01, 0.1, plan.in_spreads, plan.in_spreads)
    assert (plan.power, plan.seeds_margin, plan.open_margin) == (expected.fails, expected.seeds, expected.open)
    assert 1 <= plan.seeds_clean < plan.seeds_margin
    assert plan.power < plan.larger[0] < plan.larger[1] < 1
    assert plan.alarms <= 0.01
    assert (plan.baseline, plan.n, plan.note) == (20, 200, "")


def test_a_margin_under_two_sds_is_called_too_small_for_its_seeds():
    plan = planned(0.01)
    assert plan.in_spreads < 2.2
    assert re.search(r"a margin of 1\.\d SDs of the seeds: too small for them; 2\.2 would be 1\.\d points", plan.note)


def test_more_seeds_buy_power_and_one_seed_alone_has_little():
    assert planned(0.01, most_seeds=20).power > planned(0.01).power > planned(0.01, most_seeds=1).power
    assert planned(0.02, seeds=5).seeds_clean >= 5


def test_the_level_is_shared_by_the_gates_that_have_a_baseline():
    names = [f"m{i}" for i in range(5)]
    claims = [claim(name, NoRegression(DIGITS, "accuracy", 0.01)) for name in names]
    found = evidence({}, {(name, "digits"): BEFORE for name in names[:4]})
    assert level_of_each(claims, found) == pytest.approx(0.01 / 4)
    notes = [plan.note for plan in plans(claims, found)]
    assert "no baseline" in notes[-1]


def test_of_a_deterministic_model_it_says_how_many_examples_it_takes():
    plan = planned(0.02, baseline(evaluation(DIGITS, wrong(20))))
    assert (plan.in_spreads, plan.seeds_clean, plan.larger, plan.baseline) == (None, None, None, 1)
    assert plan.power < 0.5
    few = rf"too few test examples for a fall of its margin, which FAILs in \d+% of cases; {plan.examples:,} would do"
    assert re.fullmatch(few, plan.note)
    assert planned(0.2, baseline(evaluation(DIGITS, wrong(20)))).note == ""
    assert 1_000 < plan.examples < 10_000  # a standard error of 2 points on 200
    assert planned(0.04, baseline(evaluation(DIGITS, wrong(20)))).examples == pytest.approx(plan.examples / 4, abs=1)


def test_with_the_examples_that_are_named_every_difference_is_found_or_ruled_out():
    normal, margin, level, missed = NormalDist(), 0.02, 0.01, 0.1
    n = examples_to_decide(200, 0.03, margin, level, missed)
    for examples, gap in ((n, False), (n - 10, True)):
        error = 0.03 * (200 / examples) ** 0.5
        found_from, ruled_out_to = error * normal.inv_cdf(1 - level), margin - error * normal.inv_cdf(1 - missed)
        assert (found_from > ruled_out_to) is gap
    verdict = verdict_of(
        NoRegression(DIGITS, "accuracy", margin),
        evaluation(DIGITS, np.roll(wrong(30), 100)),
        before=baseline(evaluation(DIGITS, wrong(30))),
    )
    needed = examples_to_decide(200, (60 / 200**2) ** 0.5, margin, level, missed)  # 30 lost, and 30 gained
    found = re.search(r"more test examples, about ([\d,]+), such as", verdict.message)
    assert int(found[1].replace(",", "")) == pytest.approx(needed, rel=0.05)


def flips(most, *outputs, **settings):
    known = evidence({}, {("m", "digits"): baseline(*outputs) if outputs else BEFORE}, **settings)
    (plan,) = plans([claim("m", NoFlips(DIGITS, most))], known)
    return plan


def test_breaks_are_planned_by_the_spread_of_the_baseline_s_own():
    little, much = flips(0.02), flips(0.05)
    assert (little.baseline, little.n, little.margin) == (20, 200, "2.00% broken")
    assert 0.5 < little.power < little.larger[0] < little.larger[1] < 1
    assert little.power < much.power
    assert little.alarms < 0.01
    assert little.seeds_margin > 2 > little.seeds_clean
    assert (flips(0.05, most_seeds=1).power, flips(0.05, most_seeds=1).open_margin) == (0.0, pytest.approx(1.0))


def test_of_one_output_a_plan_of_breaks_names_the_examples_that_it_takes():
    plan = flips(0.02, evaluation(DIGITS, wrong(20)))
    assert (plan.baseline, plan.in_spreads, plan.alarms) == (1, None, 0.01)
    assert plan.power == pytest.approx(binom.sf(binom.isf(0.01, 200, 0.02), 200, 0.04))
    assert binom.sf(binom.isf(0.01, plan.examples, 0.02), plan.examples, 0.04) >= 0.9
    assert f"{plan.examples:,} would do" in plan.note


def test_a_gate_by_slices_has_a_plan_for_each():
    known = evidence({("m", "digits"): evaluation(DIGITS, wrong(0))}, {("m", "digits"): BEFORE})
    places = np.repeat(np.array([0, 1, 2], np.uint8), [100, 90, 10])
    digits = replace(known.truths["digits"], slices={"country": Slices(["DE", "FR", "MT"], places)})
    known = replace(known, truths=known.truths | {"digits": digits})
    gate = NoRegression(DIGITS, "accuracy", 0.1, by="country")
    one, other, few = plans([claim("m", gate)], known)
    assert [plan.rule.rpartition(": ")[2] for plan in (one, other, few)] == ["DE", "FR", "MT"]
    assert [plan.n for plan in (one, other, few)] == [100, 90, 10]
    assert (few.power, few.note) == (None, "only 10 examples: it stays INCONCLUSIVE")
    alone = replace(known, truths=known.truths | {"digits": digits.part(np.flatnonzero(places == 0))})
    whole = replace(alone, baselines={("m", "digits"): BEFORE.part(np.flatnonzero(places == 0))})
    (of_it,) = plans([claim("m", NoRegression(DIGITS, "accuracy", 0.1))], whole)
    assert one.in_spreads == of_it.in_spreads
    assert one.power < of_it.power  # at half of its level


def test_the_command_trains_nothing_and_shows_each_regression_gate(blessed, capsys, monkeypatch):
    other = 'model("other", gates=(NoRegression(DIGITS, "accuracy", 0.1), Floor(DIGITS, "accuracy", 0.5)))'
    blessed.write(SEEDED, other)
    fits = len(blessed.fits)
    monkeypatch.chdir(blessed.path)
    assert main(["plan"]) == 0
    out = re.sub(" +", " ", capsys.readouterr().out)
    assert "| learner | digits | accuracy>baseline-0.1 | 3 seeds | 10 points = " in out
    assert "| other | digits | accuracy>baseline-0.1 | none |" in out
    assert "other on digits, accuracy>baseline-0.1: no baseline" in out
    assert "1 test has false alarms of 1%. A model takes 10 seeds at most." in out
    assert len(blessed.fits) == fits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "nobody"], "--models: found 'nobody', expected one of learner"),
        (["--budget", "5000"], "--budget: found 5000, expected a number of seeds up to 1,000"),
        (["--tasks", "fives"], "--tasks: found 'fives', expected one of digits"),
    ],
)
def test_what_can_t_be_planned_is_one_line(blessed, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(blessed.path)
    assert main(["plan", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_a_project_without_a_regression_gate_has_nothing_to_plan(project, capsys, monkeypatch):
    project.write('model(gates=(Floor(DIGITS, "accuracy", 0.5),))')
    monkeypatch.chdir(project.path)
    assert main(["plan"]) == 1
    assert "found no regression gate" in capsys.readouterr().err


def test_a_record_may_have_the_budget_that_the_option_takes():
    from fitgate.gates import settings
    from fitgate_pytest import options

    assert settings.MOST_BUDGET == options.MOST_BUDGET
