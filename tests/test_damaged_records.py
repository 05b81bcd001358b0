"""Records that were damaged, or that contradict themselves: one clear line, by whichever command reads them."""

import base64
import copy
import json
import os
import re
import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitgate.cli import main
from fitgate.errors import FitgateError
from fitgate.gates import GATES, Outcome, Reason, Verdict
from fitgate.record import (
    EngineEntry,
    Extra,
    Journal,
    NotApplied,
    RecordError,
    UnusableBaseline,
    candidates,
    encode,
    encode_array,
    judge_again,
    read,
    read_json,
    read_outline,
    storage,
)
from fitgate.report import run_verdict
from fitgate.sabotage.campaign import Campaign
from tests.evidence import baseline, evaluation, wrong
from tests.fakes import DIGITS, LABELS
from tests.make_golden import golden


def made():
    """A record with something in every place, as plain values."""
    record = golden()
    record.add(baseline(evaluation(DIGITS, wrong(1)), evaluation(DIGITS, wrong(2)), model="poor"))
    record.add(Extra("mine", {"a": [1, "x"]}))
    record.add(NotApplied("good", "digits", "Floor", "quick", {"full": "accuracy>=1"}, "x.py:1"))
    record.add(UnusableBaseline("good", "digits", "where", "found", "expected", "next step"))
    return json.loads(encode(record))


SOUND = made()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "record.json"


def refused(path, content, match="found no valid record"):
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(RecordError, match=match) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value).splitlines()) == 1


# What is no JSON, or no array


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[" * 10**6, b'{"schema": ' * 10**5, b'{"schema": 3, "a": NaN}'],
    ids=["empty", "no UTF-8", "cut", "deep", "deep objects", "NaN"],
)
def test_what_is_no_json_is_one_clear_line(path, content):
    refused(path, content, "found (damaged JSON|JSON without a schema)")


def test_two_schemas_are_one_too_many(path):
    sound = json.dumps(SOUND)
    assert sound.startswith('{"schema": 3')
    refused(path, f'{sound[:-1]}, "schema": 2}}'.encode(), "schema 3 and 2")
    refused(path, f'{{"schema": 2, {sound[1:]}'.replace('"schema": 3', '"schema": 3, "schema": 1').encode(), "found")


def test_text_that_is_no_utf_8_is_one_clear_line(path):
    refused(path, json.dumps(SOUND).encode().replace(b"the better one", b"the \xff\xfe better"))
    refused(path, json.dumps({**SOUND, "schema": 1, "extras": "X"}).encode().replace(b"X", b"\xff"))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
def test_numbers_beyond_all_bounds_are_one_clear_line(path, number):
    text = json.dumps({**SOUND, "wall_seconds": "here"}).replace('"here"', number)
    refused(path, text.encode(), "found (no valid record|damaged JSON)")


def packed(content):
    return base64.b64encode(zlib.compress(content)).decode()


ARRAYS = {
    "bomb": {"zlib": packed(bytes(2**26))},
    "huge": {"shape": [2**40]},
    "endless": {"shape": [2**47, 2**47, 2**47]},
    "negative": {"shape": [-200]},
    "fractional": {"shape": [200.0]},
    "true": {"shape": [True] * 3},
    "no shape": {"shape": "200"},
    "shorter": {"shape": [199]},
    "longer": {"shape": [201]},
    "objects": {"dtype": "|O"},
    "void": {"dtype": "|V1"},
    "records": {"dtype": [["a", "|u1"]]},
    "wider": {"dtype": "<f8"},
    "wide text": {"dtype": "<U999999999"},
    "no such text": {"dtype": "<U1", "shape": [50], "zlib": packed(b"\xff" * 200)},
    "no truth values": {"dtype": "|b1", "zlib": packed(b"\x07" * 200)},
    "trailing": {"zlib": base64.b64encode(zlib.compress(bytes(200)) + b"x").decode()},
    "cut": {"zlib": base64.b64encode(zlib.compress(bytes(200))[:-3]).decode()},
    "no base64": {"zlib": "*"},
    "another key": {"more": 1},
}


@pytest.mark.parametrize("change", ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_lie_are_refused(path, change):
    content = copy.deepcopy(SOUND)
    content["evaluations"][0]["predictions"] |= change
    refused(path, content)


def test_arrays_are_bounded_together(path, monkeypatch):
    monkeypatch.setattr(storage, "Arrays", lambda: storage_arrays(1000))
    refused(path, SOUND, "arrays of over")


storage_arrays = storage.Arrays


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("kind", ["fifo", "directory", "loop", "dangling", "long"])
def test_what_is_no_file_of_a_record_s_length_is_refused(path, monkeypatch, kind):
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        (path / "record.json").mkdir(parents=True)
    elif kind == "long":
        path.write_bytes(bytes(200))
        monkeypatch.setattr(storage, "LONGEST", 100)
    else:
        path.symlink_to(path if kind == "loop" else path.with_name("nowhere"))
    with pytest.raises(RecordError, match="expected a run's record"):
        read(path)


def test_campaigns_are_read_as_strictly(path):
    for content in (b"", b"\xff", b"[" * 10**6, b'{"trials": 1e999}'):
        path.write_bytes(content)
        with pytest.raises(RecordError, match="run that command again") as caught:
            read_json(path, Campaign, "fitgate sabotage")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("line", ["{", '{"type": "Verdict"}', '{"type": "Nothing"}', "\udcff", "[" * 10**5])
def test_a_journal_that_is_damaged_in_the_middle_is_refused_by_its_line(path, line):
    path.write_text(json.dumps({**SOUND, "status": "running"}))
    sound = encode(golden().verdicts[0]).decode()
    Journal(path.parent).append([sound])
    with open(path.with_name("journal.jsonl"), "ab") as file:
        file.write(f"{line}\n{sound}\n".encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match=r"journal\.jsonl, line 2: found damaged JSON"):
        read(path)


OLD = {"schema": 1, "data": {"name": "mnist"}, "models": [{"name": "m", "tasks": ["digits"]}], "profile": "quick"}


@pytest.mark.parametrize(
    "content",
    [OLD, {**OLD, "models": 3}, {**OLD, "seed": 1, "seed_runs": [{}]}, {**OLD, "seed": 1, "lost": {"x": [{}]}}],
)
def test_older_records_that_lack_what_theirs_have_are_refused(path, content):
    refused(path, content)


# What contradicts itself


def swap(content):
    """Another model's predictions, as who would pass a poor one as a good one."""
    a, b = content["evaluations"][0], content["evaluations"][2]
    assert (a["task"], b["task"]) == ("digits", "digits")
    a["predictions"], b["predictions"] = b["predictions"], a["predictions"]


def put(*place, value):
    def edit(content):
        for part in place[:-1]:
            content = content[part]
        content[place[-1]] = value

    return edit


def again(name):
    return lambda content: content[name].append(content[name][0])


def first(name):
    return lambda content: content[name].pop(0)


def without_outputs(content):
    first("evaluations")(content)
    content["seed_runs"].clear()


def all_pass(content):
    for verdict in content["verdicts"]:
        verdict["outcome"] = "PASS"
    content["failed_tests"].clear()


def other_seed(content):
    run = next(run for run in content["seed_runs"] if (run["fit"]["model"], run["fit"]["seed"]) == ("poor", 42))
    run["evaluation"] = next(e["evaluation"] for e in content["seed_runs"] if e["fit"]["model"] == "good")
    run["evaluation"] = {**run["evaluation"], "model": "poor"}


CONTRADICTIONS = {
    "accuracy 0.98 of good on digits, whose outputs give 0.83": swap,
    "accuracy 0.99 of good on digits, whose outputs give 0.98": put(
        "evaluations", 0, "metrics", "accuracy", value=0.99
    ),
    "for 199 test examples": put("evaluations", 2, "n", value=199),
    "199 test examples of fake": put("datasets", 0, "n_test", value=199),
    "predictions of shape": put("evaluations", 2, "predictions", value=encode_array(np.resize(LABELS, (200, 1)))),
    "scores of dtype": put("evaluations", 1, "scores", value=encode_array(np.zeros((200, 3)))),
    "a target of digits of shape": put("tasks", 0, "target", value=encode_array(LABELS[:100])),
    "classes of digits": put("tasks", 0, "classes", value=encode_array(np.arange(3))),
    "not that of its parts": put("datasets", 0, "digests", "test y", value="0" * 64),
    "to other data, SHA-256 00": put("fits", 0, "data_digest", value="0" * 64),
    "two entries of kind Evaluation for good, digits": again("evaluations"),
    "two entries of kind Verdict": again("verdicts"),
    "two entries of kind SeedRun": again("seed_runs"),
    "a gate that was not selected": first("gates"),
    "PASS of accuracy>=0.9 of good on digits, without outputs": without_outputs,
    "of accuracy 0.5, of which the outputs have": put("verdicts", 0, "value", value=0.5),
    "a probability that is none": put("verdicts", 0, "p_value", value=1.5),
    "by 999 examples": put("verdicts", 0, "n", value=999),
    "which has no metric": put("gates", 0, "parameters", "metric", value="speed"),
    "-1 of good on digits, which can't be": put("fits", 0, "seconds", value=-1),
    "that can't be: batch size 0": put("timings", 0, "batch_size", value=0),
    "a confidence of 1": put("settings", "judge", "confidence", value=1.0),
    "a significance of 2": put("settings", "judge", "significance", value=2),
    "a missed share of 0": put("settings", "judge", "missed", value=0.0),
    "a budget of 100000 seeds": put("settings", "judge", "most_seeds", value=100_000),
    "a run that began at 'yesterday'": put("started", value="yesterday"),
    "0 workers": put("workers", value=0),
    "other arrays in the baseline": put("baselines", 0, "predictions", value=encode_array(LABELS)),
    "another label than the target": put("misclassified", 0, "label", value=11),
    "another answer of": put("misclassified", 0, "answers", "poor", value=11),
    "metric accuracy with another direction": put("metrics", 0, "higher_is_better", value=False),
    "a PASS of .*, although": all_pass,
    "with a bound of 0.5 to a threshold of 0.9": put("verdicts", 0, "bound", value=0.5),
    "by a baseline that there is not": put("verdicts", 0, "reason", value=Reason.SAME_OUTPUT),
    "with the outputs of another": put("seed_runs", 0, "fit", "model", value="nobody"),
    "a confidence of 0.0001": put("settings", "judge", "confidence", value=0.0001),
    "other metrics of poor on digits than with seed 42": other_seed,
}
# What only arrays, examples and words show.
UNSEEN_IN_OUTLINES = {
    "accuracy 0.98 of good on digits, whose outputs give 0.83",
    "199 test examples of fake",
    "scores of dtype",
    "classes of digits",
    "not that of its parts",
    "by 999 examples",
    "which has no metric",
    "other arrays in the baseline",
    "another label than the target",
    "another answer of",
}


@pytest.mark.parametrize(("found", "edit"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_figures_that_contradict_each_other_are_refused(path, found, edit):
    content = copy.deepcopy(SOUND)
    edit(content)
    refused(path, content, f"found no valid record .*{found}")


@pytest.mark.parametrize(("found", "edit"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_an_outline_shows_what_needs_no_arrays(path, found, edit):
    content = copy.deepcopy(SOUND)
    edit(content)
    path.write_text(json.dumps(content))
    if found in UNSEEN_IN_OUTLINES:
        assert read_outline(path)
    else:
        with pytest.raises(RecordError, match="found no valid record"):
            read_outline(path)


def test_a_gate_whose_parameters_are_others_than_its_rule_says_is_refused(path):
    content = copy.deepcopy(SOUND)
    assert content["gates"][0]["gate"] == "accuracy>=0.9"
    content["gates"][0]["parameters"] = lowered(SOUND["gates"][0]["parameters"])
    refused(path, content, r"accuracy>=0.9 of good on digits.* with parameters of a gate that come to accuracy>=0.1")


def test_a_task_of_a_name_that_none_can_have_is_refused(path):
    refused(path, json.loads(json.dumps(SOUND).replace('"digits"', r'"dig\n::error::its"')), "that no baseline's file")


def lowered(parameters):
    return json.loads(json.dumps(parameters).replace("0.9", "0.1"))


def test_every_command_says_it_in_one_line(path, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    content = copy.deepcopy(SOUND)
    swap(content)
    path.write_text(json.dumps(content))
    record = str(path)
    for command in (
        ["judge", record],
        ["bless", record, "--yes"],
        ["report", record],
        ["compare", f"a={record}", f"b={record}"],
        ["repeat", record, record, record],
        ["floors", record],
    ):
        assert main(command) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"error: {record}: found no valid record (accuracy 0.98 of good on digits, whose")
        assert len(error.splitlines()) == 1
    assert [each for each in tmp_path.iterdir() if not each.name.startswith(".")] == [path]


# Anything else


def nodes(tree, path=()):
    if path:
        yield path
    if isinstance(tree, dict):
        for key in tree:
            yield from nodes(tree[key], (*path, key))
    elif isinstance(tree, list):
        for i in range(min(len(tree), 10)):
            yield from nodes(tree[i], (*path, i))


def at(tree, path):
    for part in path:
        tree = tree[part]
    return tree


PLACES = list(nodes(SOUND))
PLAIN = (None, True, 0, -1, 1, 2**40, -(2**70), 10**30, 0.5, -0.5, 1e300, "", "x", "\u202e|\n`$<", "digits", "running")
NESTED = ([], {}, [[]], [1], ["x"], [None], {"x": 1}, encode_array(np.zeros(3)), encode_array(np.zeros((200, 2))))
ODD = st.sampled_from((*PLAIN, *NESTED))
CHANGES = st.tuples(
    st.sampled_from(PLACES),
    st.one_of(
        st.tuples(st.just("put"), ODD),
        st.tuples(st.just("put from"), st.sampled_from(PLACES)),
        st.tuples(st.sampled_from(["delete", "repeat", "reverse"])),
    ),
)


def changed(place, how, *what):
    content = copy.deepcopy(SOUND)
    parent, key = at(content, place[:-1]), place[-1]
    if how == "delete":
        del parent[key]
    elif how == "repeat" and isinstance(parent, list):
        parent.append(parent[key])
    elif how == "reverse" and isinstance(parent[key], str | list):
        parent[key] = parent[key][::-1]
    elif how == "put":
        parent[key] = what[0]
    elif how == "put from":
        parent[key] = copy.deepcopy(at(SOUND, what[0]))
    return content


@settings(
    max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHANGES)
def test_whatever_was_changed_a_record_is_judged_or_refused_in_one_line(path, change):
    place, how = change
    path.write_text(json.dumps(changed(place, *how)))
    try:
        record = read(path)
        run_verdict(record)
        judge_again(record, GATES)
    except FitgateError as error:
        lines = str(error).splitlines()
    else:
        lines = [run_verdict(record).line]
    assert len(lines) == 1


def test_what_a_run_gave_of_a_model_that_its_record_does_not_describe_is_not_blessed(path):
    content = copy.deepcopy(SOUND)
    content["models"].clear()
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="found a model "):
        candidates(read(path), GATES)


# What it says of engines


def served(content, **about):
    """The record with the model `good`, served by an engine that answers as the model does."""
    own = next(e for e in content["evaluations"] if (e["model"], e["task"]) == ("good", "digits"))
    verdict = msgspec.structs.replace(CLEARED, value=own["metrics"]["accuracy"])
    entry = EngineEntry("good", "digits", "onnx", n=200, equal=1.0, metrics=own["metrics"], verdicts=[verdict])
    content["engines"] = [json.loads(encode(msgspec.structs.replace(entry, **about)))]
    timing = next(t for t in content["timings"] if t["model"] == "good")
    content["timings"].append({**timing, "task": "digits", "engine": "onnx"})
    return content


CLEARED = Verdict("good", "digits", "accuracy>=0.9", Outcome.PASS, "", kind="Floor", metric="accuracy")
OTHERWISE = {
    "PASS of accuracy>=0.9 of good on digits by onnx, which is among those lost": {"lost": ["accuracy>=0.9"]},
    "answers of good on digits by onnx, and why there are none": {"reason": "it is no network"},
    "no answers of good on digits by onnx, and no reason": {"n": 0, "equal": None, "metrics": {}, "verdicts": []},
    "100 answers of good on digits by onnx for 200 test examples": {"n": 100},
    "another accuracy of good on digits by onnx than the estimator's, with the same predictions": {
        "metrics": {"accuracy": 0.5, "macro_f1": 0.98}
    },
    "PASS of accuracy>=0.9 of good on digits by onnx, without accuracy": {"metrics": {}},
    "a verdict on accuracy>=0.9 of good on digits by onnx of accuracy 0.98, of which it has another": {
        "equal": 0.9,
        "metrics": {"accuracy": 0.9},
    },
    "a verdict on poor on digits among those of good on digits by onnx": {
        "verdicts": [msgspec.structs.replace(CLEARED, model="poor")]
    },
}


def test_an_engine_s_answers_may_stand_in_a_record(path):
    path.write_text(json.dumps(served(copy.deepcopy(SOUND))))
    assert read(path).engines[0].engine == "onnx"


@pytest.mark.parametrize("match", OTHERWISE, ids=str)
def test_what_a_record_says_of_an_engine_does_not_contradict_it(path, match):
    refused(path, served(copy.deepcopy(SOUND), **OTHERWISE[match]), re.escape(match))


def test_timings_of_an_engine_that_serves_nothing_are_refused(path):
    content = served(copy.deepcopy(SOUND))
    content["engines"] = []
    refused(path, content, "timings of good on digits by onnx, of which it has no answers")


@pytest.mark.parametrize("about", [{"fault": "it gave 199"}, {"lost": ["accuracy>=0.9"]}], ids=str)
def test_a_run_whose_engine_answers_wrongly_fails_whatever_its_tests_did(about):
    record = golden()
    record.engines = [EngineEntry("good", "digits", "onnx", **about)]
    record.verdicts, record.failures, record.failed_tests, record.audits, record.gates = [], [], [], [], []
    verdict = run_verdict(record)
    assert verdict.failed
    assert verdict.reason.startswith("good by onnx ")
