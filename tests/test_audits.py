"""Audits of timings: planted cheats are caught, on a clock of the test's own, and clean models are not."""

import itertools
from functools import partial

import numpy as np
import pytest

from fitgate.latency import repetition
from fitgate.latency.agreement import SIGNIFICANCE, agreement
from fitgate.latency.audit import Auditor
from fitgate.latency.examples import Examples
from fitgate.latency.queries import Asker, Queries
from fitgate.latency.repetition import FASTER, LEAST, MOST, take_turns
from tests import records

N = 100
X = np.random.default_rng(0).integers(0, 256, (N, 20), np.uint8)
Y = (X.sum(axis=1, dtype=int) % 10).astype(np.uint8)
COST = 1e-3


class Clock:
    """Seconds that pass only where a model works."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Honest:
    """Works as long for each example."""

    def __init__(self, clock):
        self.clock = clock

    def work(self, X, cost=COST):
        self.clock.now += cost * len(X)
        return X.sum(axis=1, dtype=int) % 10

    def predict(self, X):
        return self.work(X)


class Noisy(Honest):
    """Of which single queries take twice as long as others as often as not, and known ones a little less."""

    def __init__(self, clock, seed):
        super().__init__(clock)
        self.rng, self.last = np.random.default_rng(seed), b""

    def predict(self, X):
        warm, self.last = X.tobytes() == self.last, X.tobytes()
        return self.work(X, COST * self.rng.lognormal(0, 0.5) * (0.85 if warm else 1))


class Spinning(Honest):
    """Whose threads spin on for a while when it has answered: where the next query comes at once, it pays for that."""

    ended = -1.0

    def predict(self, X):
        answer = self.work(X, COST * (2 if self.clock.now - self.ended < COST / 2 else 1))
        self.ended = self.clock.now
        return answer


class Waking(Honest):
    """Is the faster, the more queries have come in a row: while some are made, its threads fall asleep."""

    awake, made = 0, 0.0

    def predict(self, X):
        self.awake = self.awake + 1 if self.clock.now - self.made < COST / 2 else 0
        answer = self.work(X, COST / 2 ** min(self.awake, 3))
        self.made = self.clock.now
        return answer


class ByBytes(Honest):
    """Remembers each row that it has seen."""

    def __init__(self, clock, speed_up=10.0):
        super().__init__(clock)
        self.known, self.speed_up = {}, speed_up

    def predict(self, X):
        found = []
        for row in X:
            key = row.tobytes()
            if key not in self.known:
                self.known[key] = self.work(row[None])[0]
            else:
                self.clock.now += COST / self.speed_up
            found.append(self.known[key])
        return np.array(found)


class ByEvaluation(ByBytes):
    """Remembers what it was evaluated by, and nothing since."""

    def predict(self, X):
        if len(X) == N:
            return super().predict(X)
        if all(row.tobytes() in self.known for row in X):
            return super().predict(X)
        return self.work(X)


class ByLast(Honest):
    """Remembers one query."""

    last = (b"", None)

    def predict(self, X):
        if X.tobytes() != self.last[0]:
            self.last = X.tobytes(), self.work(X)
        return self.last[1]


class ByIdentity(Honest):
    """Remembers which object it was asked with."""

    def __init__(self, clock):
        super().__init__(clock)
        self.known = []

    def predict(self, X):
        for other, answer in self.known:
            if other is X:
                return answer
        self.known.append((X, self.work(X)))
        return self.known[-1][1]


class ByPosition(Honest):
    """Expects the test split's examples in their order."""

    position = 0
    evaluated = None

    def predict(self, X):
        if len(X) == N:
            self.evaluated = self.work(X)
            return self.evaluated
        at = np.arange(self.position, self.position + len(X)) % N
        self.position += len(X)
        return self.evaluated[at]


class WrongAlone(Honest):
    """Guesses where it is asked about one example."""

    def predict(self, X):
        return self.work(X) if len(X) > 1 else np.zeros(1, int)


class RightWhenSlow(Honest):
    """Takes many calls in a row for a timing, and guesses from then on."""

    calls = 0

    def predict(self, X):
        self.calls += 1
        return self.work(X) if self.calls < 10 else np.zeros(len(X), int)


def auditor_of(model):
    """Of a model that is evaluated first, on its clock."""
    evaluated, clocks = model.predict(X), (model.clock, model.clock)
    turns = partial(take_turns, model.predict, Examples(X, N), clocks=clocks)
    return Auditor("cheat", records.task_data(X, Y), lambda: evaluated, turns)


def audits(model, size):
    """The two audits of queries of a size."""
    auditor, asker = auditor_of(model), Asker(model.predict)
    for query in itertools.islice(Queries(Examples(X, N)).of(size), 60):
        asker(query)
    return auditor.agreement("single", asker.answers), auditor.repetition("single", size, COST)


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        (ByBytes, "the test split's examples are answered 10 times as fast"),
        (ByEvaluation, "the test split's examples are answered 10 times as fast"),
        (ByLast, "copies of examples just asked about are answered "),
        (ByIdentity, "the same objects are answered "),
    ],
)
def test_a_model_that_remembers_is_caught_by_its_speed(cheat, words, size):
    agrees, computes = audits(cheat(Clock()), size)
    assert agrees.passed
    assert computes.passed is False
    assert words in computes.message


@pytest.mark.parametrize("cheat", [ByPosition, WrongAlone, RightWhenSlow])
def test_a_model_that_answers_otherwise_while_it_is_timed_is_caught_by_its_answers(cheat):
    agrees, _ = audits(cheat(Clock()), 1)
    assert agrees.passed is False
    assert "timed answers differ from the evaluated ones" in agrees.message
    assert agrees.figures["worse"] > agrees.figures["better"]


@pytest.mark.parametrize("size", [1, 8])
def test_an_honest_model_is_believed(size):
    agrees, computes = audits(Honest(Clock()), size)
    assert agrees.passed
    assert agrees.figures["differing"] == 0
    assert computes.passed
    assert (computes.figures["known"], computes.figures["same"]) == (1, 1)


def test_noise_and_warm_caches_raise_no_alarm():
    trials = [
        take_turns(Noisy(clock := Clock(), i).predict, Examples(X, N), 1, seed=i, clocks=(clock, clock))
        for i in range(50)
    ]
    assert not any(turns.remembered for turns in trials)
    assert np.mean([turns.speed_up("again") for turns in trials]) > 1.1


@pytest.fixture
def making(monkeypatch):
    """A clock on which queries take time to make."""
    clock, copies = Clock(), Examples.copies

    def made(examples, rows):
        clock.now += COST
        return copies(examples, rows)

    monkeypatch.setattr(Examples, "copies", made)
    return clock


def test_what_gains_from_queries_in_a_row_is_not_taken_to_remember(making):
    turns = take_turns(Waking(making).predict, Examples(X, N), 1, clocks=(making, making))
    assert not turns.remembered


def test_what_the_making_of_a_query_takes_is_no_part_of_its_pace(making):
    clock = making
    turns = take_turns(Spinning(clock).predict, Examples(X, N), 1, clocks=(clock, clock))
    assert {kind: turns.speed_up(kind) for kind in turns.others} == pytest.approx({"known": 1, "again": 1, "same": 1})


@pytest.mark.parametrize(("speed_up", "caught"), [(FASTER - 0.1, False), (FASTER + 0.1, True)])
def test_a_speed_up_counts_from_the_stated_factor_on(speed_up, caught):
    clock = Clock()
    model = ByBytes(clock, speed_up)
    model.predict(X)
    assert ("known" in take_turns(model.predict, Examples(X, N), 1, clocks=(clock, clock)).remembered) == caught


def test_the_audit_keeps_to_its_seconds_and_to_its_fewest_rounds():
    for cost, rounds in ((1e-6, MOST), (repetition.SECONDS / 8 / 50, 50), (1.0, LEAST)):
        clock = Clock()
        model = Honest(clock)
        turns = take_turns(
            lambda X, model=model, cost=cost: model.work(X, cost), Examples(X, N), 1, clocks=(clock, clock)
        )
        assert turns.rounds == pytest.approx(rounds, abs=1)


def test_so_few_rounds_can_still_reject():
    seconds = np.ones((LEAST, 2))
    turns = repetition.Turns(*(dict.fromkeys(repetition.KINDS, of) for of in (seconds, 2 * seconds)))
    assert turns.remembered == list(repetition.KINDS)
    fewer = repetition.Turns(*(dict.fromkeys(repetition.KINDS, of[1:]) for of in (seconds, 2 * seconds)))
    assert fewer.remembered == []


def test_processor_time_shows_it_where_a_busy_machine_hides_it_in_wall_time():
    clock = Clock()
    model, rng = ByBytes(clock), np.random.default_rng(0)
    model.predict(X)

    def busy():
        return clock.now + rng.exponential(20 * COST)

    take = {"examples": Examples(X, N), "size": 1}
    assert "known" in take_turns(model.predict, clocks=(busy, clock), **take).remembered
    assert not take_turns(model.predict, clocks=(busy, busy), **take).remembered


def test_what_is_too_slow_or_has_no_new_examples_is_not_audited_and_says_so():
    slow = auditor_of(Honest(Clock())).repetition("single", 1, query=1.0)
    assert (slow.passed, slow.message) == (None, "too slow for 16 rounds, at 1 s a query")
    coin = np.tile(np.arange(2, dtype=np.uint8), N // 2)
    turns = partial(take_turns, lambda X: X[:, 0], Examples(coin[:, None], N))
    alike = Auditor("m", records.task_data(coin[:, None], coin), lambda: coin, turns)
    found = alike.repetition("single", 1, query=1e-4)
    assert (found.passed, found.message) == (None, "its data allows too few examples that are new")


def test_scenarios_of_one_batch_size_share_the_turns():
    model = Honest(Clock())
    auditor = auditor_of(model)
    first = auditor.repetition("multi", 8, COST)
    asked = model.clock.now
    second = auditor.repetition("offline", N, COST)
    assert model.clock.now == asked
    assert (first.figures, second.scenario) == (second.figures, "offline")


def ask(given, rows=None, size=1):
    """Answers as an asker keeps them."""
    rows = np.arange(len(given)) if rows is None else rows
    return [(rows[i : i + size], np.asarray(given[i : i + size])) for i in range(0, len(given), size)]


def test_near_ties_that_fall_otherwise_are_counted_and_no_more():
    given = Y.copy()
    given[[3, 50]] = (given[[3, 50]] + 1) % 10
    found = agreement(ask(given), Y, Y, numbers=False)
    assert found.passed
    assert (found.differing, found.worse, found.better) == (2, 2, 0)


def test_an_example_that_is_asked_again_and_again_is_evidence_once():
    found = agreement(ask(np.full(50, 9), np.zeros(50, int)), np.zeros(N), np.zeros(N), numbers=False)
    assert found.passed
    assert (found.n, found.worse) == (1, 1)


def test_answers_drawn_at_random_raise_no_alarm():
    rng = np.random.default_rng(0)

    def drawn():
        return np.where(rng.random(N) < 0.7, Y, rng.integers(0, 10, N))

    p_values = []
    for i in range(300):
        rows = np.concatenate([np.arange(N), np.arange(N)])
        twice = np.concatenate([drawn(), drawn()])
        p_values.append(agreement(ask(twice, rows), drawn(), Y, numbers=False, seed=i).p_value)
    assert min(p_values) > SIGNIFICANCE
    assert np.mean(np.array(p_values) < 0.05) < 0.1


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ([np.zeros((1, 2))] * 2, "shape (1, 2) to 1 examples, where (1,) was expected"),
        ([np.zeros(0)] * 2, "shape (0,) to 1 examples"),
        ([np.array(["five"])] * 2, "an answer such as"),
        ([np.array([np.nan])] * 2, "no finite number"),
        ([np.array([None])] * 2, "no finite number"),
    ],
)
def test_what_can_be_no_answer_fails_at_once(given, fault):
    answers = [(np.array([i]), answer) for i, answer in enumerate(given)]
    found = agreement(answers, np.ones(N), np.ones(N), numbers=True)
    assert not found.passed
    assert fault in found.fault


def test_numbers_may_differ_by_rounding_and_not_by_more():
    truth = np.random.default_rng(0).normal(size=N)
    evaluated = truth + 0.1
    near = agreement(ask((evaluated + 1e-5).astype(np.float32)), evaluated, truth, numbers=True)
    assert (near.passed, near.differing) == (True, 0)
    far = agreement(ask(np.full(N, truth.mean())), evaluated, truth, numbers=True)
    assert not far.passed


def test_answers_with_several_outputs_are_compared_whole():
    truth = np.column_stack([Y > 4, Y % 2 == 1])
    same = agreement(ask(truth, size=8), truth, truth, numbers=False)
    assert (same.passed, same.n, same.differing) == (True, N, 0)
    halves = np.column_stack([truth[:, 0], ~truth[:, 1]])
    assert not agreement(ask(halves, size=8), truth, truth, numbers=False).passed
    numbers = truth.astype(float)
    assert agreement(ask(numbers, size=8), numbers, numbers, numbers=True).passed


CHEAT = """
import numpy as np
class Guesses(Reader):
    def predict(self, X):
        answers = super().predict(X)
        return answers if len(X) > 8 else np.zeros_like(answers)
"""

SHY = """
import pytest
class Shy(Reader):
    def predict(self, X):
        return super().predict(X) if len(X) > 8 else pytest.skip("no")
"""


def test_a_session_fails_names_the_cheat_and_marks_its_timings(project):
    project.write('model("good", gates=(Floor(DIGITS, "accuracy", 0.9),))', 'model("cheat", Guesses)')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("\ndef pytest", f"{CHEAT}\ndef pytest"))
    result = project.run("-k", "gate or predict")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*this timing can't be believed: * of 200 timed answers differ from the evaluated*"])
    result.stdout.fnmatch_lines(["fitgate: FAIL: timings can't be believed, of cheat on digits: *"])
    record, report = project.record, project.report
    assert {(a.model, a.scenario, a.name) for a in record.doubted} == {
        ("cheat", "single", "agreement"),
        ("cheat", "multi", "agreement"),
    }
    good = [audit for audit in record.audits if audit.model == "good"]
    assert len(good) == 6
    assert all(audit.passed for audit in good if audit.name == "agreement")
    (row,) = (line for line in report.splitlines() if line.startswith("| cheat") and "not believed" in line)
    assert row.count("❌ not believed") == 2
    assert "- ❌ **cheat** on digits, `single`, is not believed:" in report


def test_a_model_that_skips_where_it_is_asked_once_more_fails(project):
    project.write('model("shy", Shy)')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("\ndef pytest", f"{SHY}\ndef pytest"))
    result = project.run("-k", "test_predict")
    assert result.ret == 1
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*shy failed to predict on digits: Skipped: no*"])


def test_timings_say_how_many_of_their_examples_were_asked_again(project):
    project.write('model("good")')
    project.run("-k", "predict")
    repeated = {timing.scenario: timing.repeated for timing in project.record.timings}
    assert 0.6 < repeated["single"] < 1  # 666 queries of 200 examples, or more
    assert repeated["multi"] == repeated["offline"] == 1
    assert "were asked about again" in project.report


def test_where_timings_are_off_nothing_is_audited(project):
    project.write('model("good", gates=(Floor(DIGITS, "accuracy", 0.9),))')
    assert project.run("--benchmark-disable").ret == 0
    assert project.record.audits == []
