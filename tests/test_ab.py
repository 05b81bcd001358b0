"""The latency gate, on arms whose times are known: what it calls slower, and what it can't tell."""

import itertools
import math
import os
import re
import subprocess
from contextlib import closing
from multiprocessing.pool import ThreadPool

import msgspec
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse

from fitgate.ab.arms import Tree
from fitgate.ab.comparison import comparison_of, read_comparison
from fitgate.ab.errors import ComparisonError
from fitgate.ab.gate import run
from fitgate.ab.probe import batches
from fitgate.ab.proof import Asked, Proof, Trial, prove, read_proof
from fitgate.ab.report import render, render_proof, verdict
from fitgate.ab.revisions import commit_of, last_tag, worktree
from fitgate.ab.session import compare, enough_blocks
from fitgate.ab.verdict import Ratios, judge, ratios
from fitgate.cli import main
from fitgate.executor import core_numbers
from fitgate.gates import Outcome
from fitgate.latency.timing import OFFLINE, SINGLE
from fitgate.machine import environment, usable_cores
from fitgate.record import RecordError, write_json

PLUGIN = """
from fitgate.data import Dataset
from fitgate.model import Model
from fitgate.tasks import Task

class Echo:
    def fit(self, X, y):
        return self
    def predict(self, X):
        return X[:, 0]

X, y = [[0.0], [1.0], [2.0]], [0, 1, 0]
ECHO = Model("echo", lambda seed: Echo(), tasks=(Task("tiny", Dataset.from_arrays("tiny", X, y, X, y)),))
def pytest_fitgate_models():
    return [ECHO]
"""

EXAMPLES = (
    np.arange(5.0).reshape(5, 1),
    csr_matrix(np.arange(5.0).reshape(5, 1)),
    pd.DataFrame({"x": np.arange(5.0)}, index=np.arange(5.0) / 10),
    [[0.0], [1.0], [2.0], [3.0], [4.0]],
)


def rows(batch):
    return batch.toarray().tolist() if issparse(batch) else np.asarray(batch).tolist()


class Stopwatch:
    """An arm, and its process, that take a known time on a machine that drifts and jitters."""

    def __init__(self, name, seconds, machine):
        self.name, self.seconds, self.machine = name, seconds, machine

    def start(self, models, batch_size):
        return self

    def ready(self):
        self.luck = self.machine()  # such as where its memory lies

    def ask(self, model, seconds):
        return self.luck * self.machine() * self.seconds

    def kill(self):
        pass


def machine(jitter, drift=0.0):
    rng = np.random.default_rng(0)
    asked = itertools.count()
    return lambda: float(np.exp(rng.normal(0, jitter) + drift * next(asked)))


def session(candidate, control=1e-3, jitter=0.01, drift=0.0, blocks=10):
    pace = machine(jitter, drift)
    times = {"base": 1e-3, "candidate": candidate, "control": control}
    arms = [Stopwatch(name, seconds, pace) for name, seconds in times.items()]
    return compare(arms, ["sgd"], SINGLE, blocks=blocks, seconds=0.2, commits=("b" * 40, None))


def finding(*arguments, **options):
    (found,) = judge(ratios(session(*arguments, **options)))
    return found


def outcome(*arguments, **options):
    return finding(*arguments, **options).outcome


def known(to_base, to_control, model="sgd", blocks=10, noise=0.002):
    """Ratios of a model whose blocks scatter around them."""
    scatter = np.random.default_rng(0).normal(0, noise, (2, blocks))
    base, control = (scatter - scatter.mean(axis=1)[:, None]) + np.log([[to_base], [to_control]])
    return Ratios(model, base.tolist(), control.tolist(), 1e-3, 1e-3)


def test_a_slower_candidate_fails_and_the_same_one_passes():
    assert outcome(1.10e-3) is Outcome.FAIL
    assert outcome(1.00e-3) is Outcome.PASS
    assert outcome(0.80e-3) is Outcome.PASS


def test_slower_by_less_than_the_margin_passes_however_sure():
    found = finding(1.02e-3, jitter=1e-4)
    assert (found.outcome, found.p_value < 0.01) == (Outcome.PASS, True)
    assert found.low == pytest.approx(1.02, abs=1e-3)


def test_a_machine_that_slows_down_blames_nobody():
    assert outcome(1.00e-3, drift=0.02) is Outcome.PASS


def test_a_candidate_slower_than_two_fits_that_differ_fails():
    found = finding(1.3e-3, control=1.1e-3)
    assert found.outcome is Outcome.FAIL
    assert (found.to_base, found.to_control) == pytest.approx((1.3, 1.3 / 1.1), abs=0.01)
    assert found.ratio == pytest.approx(1.3 / 1.1**0.5, abs=0.01)
    assert found.control == pytest.approx(1.1, abs=0.01)
    assert found.control_p_value < 0.01
    assert outcome(1.3e-3, control=0.9e-3) is Outcome.FAIL


@pytest.mark.parametrize("control", [1.06e-3, 0.94e-3])
def test_a_candidate_slower_than_one_of_two_fits_alone_passes(control):
    found = finding(max(control, 1e-3), control=control)
    assert found.outcome is Outcome.PASS
    assert max(found.to_base, found.to_control) > 1.05
    assert found.p_value > 0.01


def test_both_ratios_must_reach_the_margin():
    assert judge([known(1.06, 1.031)])[0].outcome is Outcome.FAIL
    (found,) = judge([known(1.06, 1.029)])
    assert (found.outcome, found.p_value < 0.01) == (Outcome.PASS, True)


def test_fits_too_far_apart_to_see_a_slowdown_between_them_are_inconclusive():
    assert finding(1.0e-3, control=1.1e-3).power > 0.99
    found = finding(1.1e-3, control=1.2e-3)
    assert (found.outcome, found.power < 0.05) == (Outcome.INCONCLUSIVE, True)


def test_models_are_one_family():
    (alone,) = judge([known(1.1, 1.1)])
    several = judge([known(1.1, 1.1), known(1, 1, "cnn"), known(1, 1, "knn")])
    assert several[0].p_value == 3 * alone.p_value
    assert [f.outcome for f in several] == [Outcome.FAIL, Outcome.PASS, Outcome.PASS]


def test_a_noisy_machine_that_would_miss_a_slowdown_is_inconclusive():
    found = finding(1.0e-3, jitter=0.3)
    assert (found.outcome, found.power < 0.8) == (Outcome.INCONCLUSIVE, True)
    assert "a slowdown of 10% could have been missed for sgd. Repeat" in verdict([found])[1]


def test_a_noisy_machine_on_which_a_model_is_surely_no_slower_passes():
    faster, same = judge([known(0.4, 0.4, noise=0.3), known(1, 1, "cnn", noise=0.3)])
    assert faster.power < 0.8
    assert (faster.outcome, same.outcome) == (Outcome.PASS, Outcome.INCONCLUSIVE)


def test_a_model_faster_than_one_of_two_fits_alone_rules_nothing_out():
    assert judge([known(0.4, 1.1, noise=0.3)])[0].outcome is Outcome.INCONCLUSIVE


def test_a_session_has_blocks_enough_to_fail():
    for models in (1, 3, 8):
        assert 2.0 ** -enough_blocks(models) < 0.01 / models


def test_rounds_ask_in_an_order_and_then_backwards():
    asked = []

    class Noting(Stopwatch):
        def ask(self, model, seconds):
            asked.append(self.name)
            return 1e-3

    arms = [Noting(name, 1e-3, lambda: 1.0) for name in ("base", "candidate", "control")]
    compare(arms, ["sgd"], SINGLE, blocks=4, seconds=0.3, commits=(None, None))
    rounds = [tuple(asked[i : i + 6]) for i in range(0, len(asked), 6)]
    assert len(rounds) == 4 * 30  # of 2 x 5 ms a process
    assert all(turn == turn[::-1] for turn in rounds)
    assert len(set(rounds)) > 1


def test_the_report_names_the_slower_model_and_by_how_much():
    found = session(1.2e-3, jitter=1e-6)
    text = render(comparison_of(found))
    assert "**FAIL: slower: sgd by 20.0%**" in text
    assert "| sgd     | ❌ FAIL    |       1.200 (1.200 to 1.200) |" in text
    assert "Latency of `this tree` against `bbbbbbbbbbbb`" in text


def test_what_is_kept_of_a_session_is_judged_as_the_session_is(tmp_path):
    found, path = session(1.2e-3), tmp_path / "ab.json"
    write_json(comparison_of(found), path)
    kept = read_comparison(path)
    assert judge(kept.ratios) == judge(ratios(found))
    assert (kept.base, kept.candidate, kept.scenario) == (found.base, found.candidate, "single")


@pytest.mark.parametrize(
    "broken",
    [
        {"ratios": []},
        {"ratios": [known(1, 1, blocks=1)]},
        {"ratios": [msgspec.structs.replace(known(1, 1), base=[0.0, math.nan])]},
        {"ratios": [msgspec.structs.replace(known(1, 1), base_seconds=0.0)]},
    ],
)
def test_what_can_not_be_judged_is_no_comparison(tmp_path, broken):
    path = tmp_path / "ab.json"
    write_json(msgspec.structs.replace(comparison_of(session(1e-3)), **broken), path)
    with pytest.raises(RecordError, match="run that command again"):
        read_comparison(path)


def test_an_injected_slowdown_is_that_of_one_model():
    found = [known(1, 1), known(1, 1, "cnn")]
    plain, slowed = judge(found), judge(found, {"sgd": 0.3})
    assert [f.outcome for f in plain] == [Outcome.PASS, Outcome.PASS]
    assert [f.outcome for f in slowed] == [Outcome.FAIL, Outcome.PASS]
    assert slowed[0].ratio == pytest.approx(1.3 * plain[0].ratio)
    assert slowed[0].candidate_seconds == pytest.approx(1.3e-3)
    assert (slowed[0].power, slowed[1].ratio) == (plain[0].power, plain[1].ratio)


def proof_of(*trials):
    """A proof of sessions that found these models, in scenario `single`."""
    kept = [Trial(i, "single", list(found)) for i, found in enumerate(trials)]
    return Proof(Asked("0123", environment(), [], ["single"], None, 0.2), 2, [0.02, 0.1], kept, 60.0)


def test_a_proof_counts_alarms_and_catches(tmp_path):
    quiet = [known(1, 1), known(1, 1, "cnn")]
    alarm = [known(1, 1), known(1.1, 1.1, "cnn")]
    blind = [known(1, 1), known(1, 1, "cnn", noise=0.5)]
    path = tmp_path / "proof.json"
    write_json(proof_of(*[quiet] * 18, alarm, blind), path)
    text = re.sub(" +", " ", render_proof(read_proof(path)))
    assert "| single | 20 | 1 | 0.1% to 24.9% | 1 | 2 of 80 |" in text  # sgd slowed by either, and cnn's alarm
    rows = [line for line in text.splitlines() if line.startswith(("| cnn", "| sgd"))]
    assert rows[0].startswith("| cnn | single | 1 | 1 | 19 | 1 | 1.000 (")  # worst first
    assert rows[1].startswith("| sgd | single | 0 | 0 | 20 | 0 | 1.000 (")
    assert "| all | | 1 of 40 | 1 of 40 | 39 of 40 | 1 of 40 | |" in text
    assert "of none is 0 to 16.8%, of all 83.2% to 100%" in text
    with pytest.raises(RecordError, match="run that command again"):
        read_proof(tmp_path / "nothing.json")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of one commit whose conftest has one quick model."""
    (tmp_path / "conftest.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def test_processes_run_the_code_of_their_tree(repository):
    with worktree("HEAD") as tree:
        (tree / "conftest.py").write_text(PLUGIN.replace("return X[:, 0]", "import time; time.sleep(0.02)"))
        base = Tree("base", repository, repository / "a").fit([])
        slow = Tree("candidate", tree, repository / "b").fit(["echo", "absent"])
        assert base.models == slow.models == ["echo"]
        processes = [arm.start(["echo"], 1) for arm in (base, slow)]
        for process in processes:
            process.ready()
        assert processes[0].ask("echo", 0.05) < 0.01
        assert processes[1].ask("echo", 0.05) > 0.02
        with pytest.raises(ComparisonError, match="candidate: found KeyError: 'absent', expected a working tree"):
            processes[1].ask("absent", 0.05)
        for process in processes:
            process.kill()
    assert not tree.exists()


@pytest.mark.skipif(usable_cores() < 2 or not hasattr(os, "sched_setaffinity"), reason="cores can't be told apart")
def test_a_model_answers_few_examples_with_its_serving_threads(repository):
    pause = "import os, time; time.sleep(0.02 * (len(os.sched_getaffinity(0)) > 1)); return X[:, 0]"
    served = PLUGIN.replace("return X[:, 0]", pause).replace("tasks=", "serving_threads=1, tasks=")
    for text, slow in ((served, False), (served.replace("serving_threads=1, ", ""), True)):
        (repository / "conftest.py").write_text(text)
        process = Tree("base", repository, repository / str(slow)).fit([]).start(["echo"], 1)
        process.ready()
        assert (process.ask("echo", 0.05) > 0.02) is slow
        process.kill()


def test_a_model_that_prints_a_lot_does_not_block_its_process(repository):
    loud = PLUGIN.replace("return X[:, 0]", "print('x' * 200_000); return X[:, 0]")
    (repository / "conftest.py").write_text(loud)
    process = Tree("base", repository, repository / "a").fit(["echo"]).start(["echo"], 1)
    with closing(ThreadPool(1)) as pool:
        assert pool.apply_async(process.ready).get(timeout=20) is None
    assert process.ask("echo", 0.01) > 0
    process.kill()


def test_a_tree_that_pytest_can_not_load_is_named_with_the_cause(repository):
    (repository / "conftest.py").write_text("import no_such_library")
    with pytest.raises(ComparisonError, match=r"base, .*: found that pytest does not start there: .*no_such_library"):
        Tree("base", repository, repository / "a").fit([])


@pytest.mark.parametrize("examples", EXAMPLES, ids=lambda examples: type(examples).__name__)
def test_batches_hold_whole_examples_of_any_kind(examples):
    first, second, again = itertools.islice(batches(examples, 2), 3)
    assert [rows(batch) for batch in (first, second, again)] == [[[0.0], [1.0]], [[2.0], [3.0]], [[0.0], [1.0]]]


def test_what_can_not_be_compared_is_refused_with_its_reason(repository, capsys):
    with pytest.raises(ComparisonError, match="expected a revision of this repository"):
        commit_of("nowhere")
    assert main(["ab", "--base", "nowhere"]) == 1
    assert "git rev-parse" in capsys.readouterr().err
    options = {"scenario": SINGLE, "seconds": 0.01, "say": print}
    with pytest.raises(ComparisonError, match="--models absent: found that the candidate has no such model"):
        run("HEAD", None, models=["echo", "absent"], blocks=None, **options)
    with pytest.raises(ComparisonError, match="expected 7 or more"):
        run("HEAD", None, models=[], blocks=6, **options)


def test_the_last_tag_on_the_way_is_the_base_where_it_is_asked_for(repository, capsys, monkeypatch):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    assert main(["ab", "--since-tag"]) == 1
    assert "--since-tag: found no tag on the way to HEAD, expected one" in capsys.readouterr().err
    for tag in ("v1", "v2"):
        subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", tag], check=True)
        subprocess.run(["git", "tag", tag], check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "later"], check=True)
    assert (last_tag("HEAD"), last_tag("HEAD~2")) == ("v2", "v1")
    bases = []
    monkeypatch.setattr("fitgate.ab.gate.run", lambda base, *_, **__: bases.append(base) or session(1e-3))
    assert main(["ab", "--since-tag", "--json", "ab.json"]) == 0
    assert read_comparison(repository / "ab.json").ratios == ratios(session(1e-3))
    assert bases == ["v2"]
    with pytest.raises(SystemExit):
        main(["ab", "--since-tag", "--base", "v1"])


def test_a_comparison_starts_three_fresh_processes_in_each_block(repository, monkeypatch):
    monkeypatch.setattr("fitgate.ab.session.LEAST_ROUNDS", 1)
    found = run("HEAD", None, models=[], scenario=SINGLE, blocks=7, seconds=0.01, say=print)
    assert (found.models, len(found.readings)) == (["echo"], 21)
    assert all(reading.seconds["echo"] for reading in found.readings)


def test_a_proof_goes_the_way_of_the_gate_with_fits_of_its_own_in_each_session(repository, monkeypatch):
    monkeypatch.setattr("fitgate.ab.session.LEAST_ROUNDS", 1)
    monkeypatch.setattr("fitgate.ab.gate.least_blocks", lambda significance: 2)
    fits = []
    real = Tree.fit
    monkeypatch.setattr(Tree, "fit", lambda tree, models: fits.append(tree) or real(tree, models))
    options = {"blocks": 2, "seconds": 0.01, "slowdowns": [0.1], "say": print}
    path = repository / "proof.json"
    found = prove(path, sessions=2, revision="HEAD", models=[], scenarios=[SINGLE, OFFLINE], **options)
    assert sorted((t.session, t.scenario) for t in found.trials) == [
        (0, "offline"),
        (0, "single"),
        (1, "offline"),
        (1, "single"),
    ]
    assert sorted(tree.name for tree in fits) == ["base", "base", "candidate", "candidate", "control", "control"]
    assert len({tree.root for tree in fits}) == 4  # two working trees a session
    assert len({tree.directory for tree in fits}) == 6
    assert {tree.cores for tree in fits} <= ({(core,) for core in core_numbers()} or {()})
    assert all(len(r.base) == len(r.control) == 2 for t in found.trials for r in t.ratios)
    assert read_proof(path) == found
    text = re.sub(" +", " ", render_proof(found))
    assert all(f"| echo | {scenario} | 0 | 0 |" in text for scenario in ("single", "offline"))
    again = prove(path, sessions=2, revision="HEAD", models=[], scenarios=[SINGLE, OFFLINE], **options)
    assert (len(fits), again) == (6, found)  # what is there is not done again
    prove(path, sessions=1, revision="HEAD", models=["echo"], scenarios=[SINGLE], **options)
    assert len(fits) == 9  # but that of another proof is


def test_a_proof_of_a_model_that_is_not_there_ends(repository):
    options = {"blocks": 7, "seconds": 0.01, "slowdowns": [0.1], "say": print}
    with pytest.raises(ComparisonError, match="--models absent"):
        prove(repository / "p.json", sessions=50, revision="HEAD", models=["absent"], scenarios=[SINGLE], **options)


def test_what_the_command_can_not_do_is_refused_with_its_reason(repository, capsys):
    assert main(["ab", "--scenario", "single,multi"]) == 1
    assert "found 2 scenarios, expected one, except with --prove" in capsys.readouterr().err
    assert main(["ab", "--prove", "2", "--json", "ab.json"]) == 1
    assert "--json ab.json: found the file of one comparison" in capsys.readouterr().err
    for arguments, named in (
        (["--scenario", "both"], "expected single, multi, offline"),
        (["--prove", "0"], "1 or more"),
    ):
        with pytest.raises(SystemExit):
            main(["ab", *arguments])
        assert named in capsys.readouterr().err
