"""Records survive being written, damaged, killed and outgrown."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate import Outcome, Verdict
from fitgate.gates import GATES
from fitgate.record import (
    SCHEMA,
    Extra,
    Journal,
    RecordError,
    Settings,
    begin,
    decode_array,
    decode_entry,
    describe_data,
    describe_model,
    describe_task,
    encode,
    judge_again,
    misclassified_examples,
    read,
    row,
    save,
)
from fitgate.runs import Evaluation
from fitgate.tasks import TaskData
from tests import fakes
from tests.evidence import evaluation

REPORTS = Path(__file__).parents[1] / "reports"
EVERY = sorted(path for path in REPORTS.glob("*/record.json") if path.parent.name != "runs")
CURRENT = [path for path in EVERY if msgspec.json.decode(path.read_bytes())["schema"] == SCHEMA]
OLDER = [Path(__file__).parent / "older" / "schema-2.json", *(path for path in EVERY if path not in CURRENT)]


@pytest.fixture
def record(tmp_path):
    record = begin(Settings("quick"), ["-k", "x"], 1, tmp_path)
    data = TaskData(fakes.DIGITS, fakes.DATASET.on("quick"))
    record.add(describe_data(data.dataset))
    record.add(describe_task(data))
    record.add(describe_model(fakes.model(), None))
    answers = fakes.LABELS.copy()
    answers[:3] = 9
    record.add(evaluation(fakes.DIGITS, answers))
    return record


def test_a_record_comes_back_as_it_was(record, tmp_path):
    save(record, tmp_path / "record.json")
    again = read(tmp_path)
    assert encode(again) == encode(record)
    assert again.evaluations[0].predictions.dtype == np.uint8
    assert again.evaluations[0].metrics == record.evaluations[0].metrics


def test_labels_may_be_texts(record, tmp_path):
    words = np.array(["one", "two"] * 100, object)
    values = {"accuracy": 0.0, "macro_f1": None}  # of texts and numbers there is none
    record.add(Evaluation("n", "digits", 200, values, 0.1, None, 0.0, words))
    save(record, tmp_path / "record.json")
    assert read(tmp_path).evaluations[1].predictions.tolist() == ["one", "two"] * 100


def test_entries_travel_between_processes(record):
    (entry,) = record.evaluations
    again = decode_entry(encode(entry))
    assert (again.predictions == entry.predictions).all()
    verdict = Verdict("m", "digits", "accuracy>=0.9", Outcome.FAIL, "why")
    assert decode_entry(encode(verdict)) == verdict


def test_what_a_plugin_keeps_comes_back(record, tmp_path):
    record.add(decode_entry(encode(Extra("mine", {"curve": np.arange(3), "title": "x"}))))
    save(record, tmp_path / "record.json")
    (extra,) = read(tmp_path).extras
    assert (extra.owner, extra.content["title"]) == ("mine", "x")
    assert decode_array(extra.content["curve"]).tolist() == [0, 1, 2]


def test_a_later_verdict_of_a_gate_replaces_the_earlier(record):
    for outcome in (Outcome.FAIL, Outcome.PASS):
        record.add(Verdict("m", "digits", "accuracy>=0.9", outcome, "why"))
    assert [v.outcome for v in record.verdicts] == [Outcome.PASS]


def test_saving_leaves_nothing_else_behind(record, tmp_path):
    save(record, tmp_path / "record.json")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_of_a_killed_run_the_journal_is_read_up_to_a_line_cut_short(record, tmp_path):
    save(record, tmp_path / "record.json")
    lines = [encode(Verdict("m", "digits", f"accuracy>=0.{i}", Outcome.PASS, "why")).decode() for i in (1, 2)]
    Journal(tmp_path).append(lines)
    with open(tmp_path / "journal.jsonl", "a") as file:
        file.write(lines[0][:20])
    again = read(tmp_path)
    assert (again.status, [v.gate for v in again.verdicts]) == ("running", ["accuracy>=0.1", "accuracy>=0.2"])


def test_examples_that_half_the_models_got_wrong_are_kept(record):
    record.add(Evaluation("n", "digits", 200, {}, 0.1, None, 0.0, fakes.LABELS))
    found = misclassified_examples(record, lambda task, i: row(fakes.images(), i))
    assert [(e.index, e.label, e.answers) for e in found] == [(i, i, {"m": 9, "n": i}) for i in range(3)]
    assert found[1].row[1] == 255


def test_an_example_is_kept_whatever_the_data_is():
    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    assert row(pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), 1) == {"a": "2", "b": "y"}
    assert row(sparse.csr_matrix([[0, 1], [2, 0]]), 1).tolist() == [2, 0]
    assert row(("a text", "another"), 1) == "another"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:100], "found damaged JSON"),
        (
            lambda text: text.replace('"schema": 3', '"schema": 99'),
            "found schema 99, expected the number 3, or an older",
        ),
        (lambda text: "[]", "found JSON without a schema, expected a run's record, of schema 3"),
        (lambda text: text.replace('"schema": 3', '"schema": null'), "found schema null, expected a run's record"),
        (lambda text: text.replace('"schema": 3', '"schema": "3"'), 'found schema "3", expected the number 3'),
        (lambda text: text.replace('"schema": 3', '"schema": [3]'), r"found schema \[3\], expected the number 3"),
        (lambda text: text.replace('"seed": 42', '"seed": "x"'), r"found no valid record \(Expected `int`, got `str`"),
        (lambda text: text.replace('"zlib": "', '"zlib": "AAAA'), "found no valid record"),
    ],
)
def test_a_damaged_record_is_named(record, tmp_path, change, message):
    path = tmp_path / "record.json"
    save(record, path)
    path.write_text(change(json.dumps(json.loads(path.read_text()))))
    with pytest.raises(RecordError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"nowhere: found No such file or directory, expected a run's record\.json"):
        read(tmp_path / "nowhere")


def test_a_record_holds_arrays_and_plain_values_only():
    with pytest.raises(NotImplementedError, match="plain values and arrays, found complex"):
        encode(Extra("a plugin", 1j))


def test_records_are_plain_json(record, tmp_path):
    save(record, tmp_path / "record.json")
    assert msgspec.json.decode((tmp_path / "record.json").read_bytes())["schema"] == SCHEMA == 3


@pytest.mark.parametrize("path", OLDER, ids=lambda path: path.parent.name)
def test_records_of_older_schemas_are_upgraded(path):
    old, record = msgspec.json.decode(path.read_bytes()), read(path)
    assert (record.schema, record.settings.profile, record.settings.seed) == (3, old["profile"], old["seed"])
    assert [v.gate for v in record.verdicts] == [v["gate"] for v in old["verdicts"]]
    assert {v.kind for v in record.verdicts} <= set(GATES)
    assert len(record.extras) == len(old["story"]) + bool(old.get("section_seconds"))
    for e in record.evaluations:
        (task,) = (task for task in record.tasks if task.name == e.task)
        assert float(np.mean((task.target == e.predictions).reshape(e.n, -1).all(axis=1))) == e.metrics["accuracy"]


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.parent.name)
def test_published_records_come_to_their_verdicts_again(path):
    record = read(path)
    again = judge_again(record, GATES).verdicts
    for verdict, earlier in zip(again, record.verdicts, strict=True):
        assert (verdict.gate, verdict.outcome, verdict.reason) == (earlier.gate, earlier.outcome, earlier.reason)
        numbers = ("value", "threshold", "bound", "p_value", "power")  # SciPy's versions differ in the last digits
        assert [getattr(verdict, n) for n in numbers] == pytest.approx([getattr(earlier, n) for n in numbers])


def test_an_upgraded_record_can_t_be_judged_again_and_says_why():
    with pytest.raises(RecordError, match=r"found no gates, expected those whose tests its session selected"):
        judge_again(read(OLDER[0]), GATES)
