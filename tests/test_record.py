"""Records survive being written, damaged, and outgrown."""

import json

import msgspec
import numpy as np
import pytest

from fitgate.gates.gates import Outcome, Verdict
from fitgate.record import RecordError, begin, decode_entry, encode, hard_examples, read, save
from fitgate.runs.evaluation import Evaluation
from tests import fakes


@pytest.fixture
def record(tmp_path):
    record = begin("quick", 42, ["-k", "x"], 1, tmp_path)
    answers = fakes.LABELS.copy()
    answers[:3] = 9
    record.add(Evaluation("m", "digits", 200, {"accuracy": 0.985, "macro_f1": None}, 0.1, None, 0.0, answers))
    return record


def test_a_record_comes_back_as_it_was(record, tmp_path):
    save(record, tmp_path / "record.json")
    again = read(tmp_path)
    assert encode(again) == encode(record)
    assert again.evaluations[0].predictions.dtype == np.uint8
    assert again.evaluations[0].metrics == {"accuracy": 0.985, "macro_f1": None}


def test_entries_travel_between_processes(record):
    (entry,) = record.evaluations
    again = decode_entry(encode(entry))
    assert (again.predictions == entry.predictions).all()
    verdict = Verdict("m", "digits", "accuracy>=0.9", Outcome.FAIL, "why")
    assert decode_entry(encode(verdict)) == verdict


def test_a_later_verdict_of_a_gate_replaces_the_earlier(record):
    for outcome in (Outcome.FAIL, Outcome.PASS):
        record.add(Verdict("m", "digits", "accuracy>=0.9", outcome, "why"))
    assert [v.outcome for v in record.verdicts] == [Outcome.PASS]


def test_saving_leaves_nothing_else_behind(record, tmp_path):
    save(record, tmp_path / "record.json")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_examples_that_half_the_models_got_wrong_are_kept_with_their_images(record):
    record.add(Evaluation("n", "digits", 200, {}, 0.1, None, 0.0, fakes.LABELS))
    hard = hard_examples(record, fakes.dataset())
    assert [(h.index, h.label, h.answers) for h in hard] == [(i, i, {"m": 9, "n": i}) for i in range(3)]
    assert hard[1].image[1] == 255


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:100], "damaged JSON"),
        (lambda text: text.replace('"schema": 2', '"schema": 99'), "found schema 99, expected 2 or an older one"),
        (lambda text: "[]", "found schema None, expected 2"),
        (lambda text: text.replace('"seed": 42', '"seed": "x"'), r"not a valid record \(Expected `int`, got `str`"),
        (lambda text: text.replace('"zlib": "', '"zlib": "AAAA'), "not a valid record"),
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
    with pytest.raises(RecordError, match=r"nowhere: No such file or directory, expected a run's record\.json"):
        read(tmp_path / "nowhere")


def test_a_record_holds_arrays_and_plain_values_only():
    with pytest.raises(NotImplementedError, match="a record holds no complex"):
        encode(Verdict("m", "digits", "g", Outcome.PASS, 1j))


def test_records_are_plain_json(record, tmp_path):
    save(record, tmp_path / "record.json")
    assert msgspec.json.decode((tmp_path / "record.json").read_bytes())["schema"] == 2
