"""The page of several runs: whole in one file, with nothing in it that its policy forbids, whatever records contain."""

import base64
import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from fitgate.cli import main
from fitgate.data import CrossValidation, Dataset
from fitgate.gates import Outcome, SliceVerdict, Verdict
from fitgate.record import outline_of, read_outline, save
from fitgate.report import write_site
from fitgate.report.view.answers import AnswerBook
from fitgate.report.view.site import site_view
from fitgate.runs import Evaluation
from fitgate.tasks import Task, TaskData
from tests import records
from tests.make_golden import golden
from tests.test_escaping import EVIL, record_of

KINDS = np.array([0, 1, 2, 1, 0, 2])
DATA = records.task_data(
    np.arange(24, dtype=np.uint8).reshape(6, 4), KINDS, class_names=("cat", "dog", "eel"), image_shape=(2, 2)
)


class Page(HTMLParser):
    """A page as a browser would read it: its tags with their attributes, and the text of its scripts and styles."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.texts, self.rows = [], [], []
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, text):
        if self._inside in ("script", "style"):
            self.texts.append((self._inside, text))
        elif self.rows and self.rows[-1] and text.strip():
            self.rows[-1][-1] += text.strip()

    @property
    def policy(self):
        (content,) = [of["content"] for tag, of in self.tags if of.get("http-equiv") == "Content-Security-Policy"]
        return dict(part.strip().split(" ", 1) for part in content.split(";"))

    @property
    def data(self):
        place = [of.get("id") for tag, of in self.tags if tag == "script"].index("data")
        return json.loads([text for kind, text in self.texts if kind == "script"][place])


def page(path, **given):
    return Page(write_site(given, path / "site.html"))


def run(*answers, **fields):
    record = records.record_of(DATA, {f"m{i}": np.array(of) for i, of in enumerate(answers)})
    for name, value in fields.items():
        setattr(record, name, value)
    return record


def test_a_gate_shows_its_slices_by_name_with_value_and_verdict(tmp_path):
    slices = [
        SliceVerdict("MT", Outcome.FAIL, 40, 0.72, 0.85, "at most 0.79, 99% sure"),
        SliceVerdict("DE & FR", Outcome.PASS, 1_200, 0.91, 0.85, "at least 0.89, 99% sure"),
        SliceVerdict("SM", Outcome.INCONCLUSIVE, 7, sure="only 7 examples"),
    ]
    verdict = Verdict("m0", "kinds", "accuracy>=0.85 by country", Outcome.FAIL, "MT misses it.", slices=slices)
    shown = page(tmp_path, one=run(KINDS, verdicts=[verdict])).rows
    first = next(i for i, row in enumerate(shown) if "MT" in row)
    assert shown[first - 1] == ["Verdict", "Slice", "Examples", "Value", "Against", "How sure"]
    assert shown[first : first + 2] == [
        ["FAIL", "MT", "40", "0.7200", "0.8500", "at most 0.79, 99% sure"],
        ["PASS", "DE & FR", "1,200", "0.9100", "0.8500", "at least 0.89, 99% sure"],
    ]
    assert shown[first + 2][:5] == ["INCONCLUSIVE", "SM", "7", "", ""]


def test_a_page_takes_nothing_from_elsewhere_and_its_policy_allows_nothing_else(tmp_path):
    found = page(tmp_path, one=golden(), two=golden())
    for tag, attributes in found.tags:
        assert tag not in ("link", "iframe", "object", "base", "form")
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href", "action"):
            assert attributes.get(name, "#").startswith("#")
    assert found.policy.pop("default-src") == "'none'"
    assert found.policy.pop("img-src") == "data:"
    for kind in ("script", "style"):
        digests = [hashlib.sha256(text.encode()).digest() for of, text in found.texts if of == kind]
        sources = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        allowed = found.policy[f"{kind}-src"].split()
        assert set(allowed) <= set(sources)
        assert len(sources) - len(allowed) == (kind == "script")  # the data, which are no program


def test_gates_stand_in_a_table_with_what_they_are_held_to(tmp_path):
    rows = page(tmp_path, one=golden()).rows
    (fall,) = [row for row in rows if "accuracy>baseline-0.01" in row]
    assert fall[:6] == ["FAIL", "poor", "digits", "accuracy>baseline-0.01", "0.8300", "0.8550"]
    (floor,) = [row for row in rows if row[:4] == ["PASS", "good", "digits", "accuracy>=0.9"]]
    assert floor[6].startswith("at least 0.9")


def test_what_is_to_be_looked_into_lies_open_where_a_run_fails(tmp_path):
    failed, passed = (run(KINDS, failed_tests=tests, faults=[], verdicts=[]) for tests in (["test_a"], []))
    found = page(tmp_path, one=failed, two=passed)
    looked_into = next(of for tag, of in found.tags if tag == "details")
    assert "open" in looked_into
    assert [of["class"] for tag, of in found.tags if tag == "li" and "class" in of] == ["card fail", "card no-verdict"]


def test_what_records_contain_is_text(tmp_path):
    counts = []
    for texts in (["word"], EVIL, EVIL[::-1]):
        given = {texts[0] or "name": record_of(texts), texts[1 % len(texts)] + "2": record_of(texts)}
        found = page(tmp_path, **given)
        assert found.data["runs"]
        counts.append(Counter(tag for tag, _ in found.tags))
    plain, *evil = counts
    for tag in ("script", "img", "a", "b", "h1", "h2", "section", "input", "meta"):
        assert {of[tag] for of in evil} <= {plain[tag]}, tag
    text = (tmp_path / "site.html").read_text(encoding="utf-8")
    assert not re.search("[\u202e\u200b\x1b]", text)


def test_runs_on_one_test_split_are_held_side_by_side():
    other = records.record_of(records.task_data(np.zeros((6, 4)), KINDS[::-1]), {"m": KINDS})
    book = AnswerBook([run(KINDS, [0, 1, 1, 1, 0, 0]), run([2, 1, 2, 1, 0, 2]), other])
    assert [of.classes for of in book.tested] == [["cat", "dog", "eel"], ["0", "1", "2"]]
    assert book.tested[0].truth == KINDS.tolist()
    assert [(of.run, of.tested, of.wrong, of.given) for of in book.answers[:3]] == [
        (0, 0, (), ()),
        (0, 0, (2, 5), (1, 0)),
        (1, 0, (0,), (2,)),
    ]
    assert [of.tested for of in book.answers] == [0, 0, 0, 1]


def test_an_answer_that_is_no_class_is_one_more():
    book = AnswerBook([run([7, 1, 2, 1, 0, 2])])
    assert book.tested[0].classes == ["cat", "dog", "eel", "7"]
    assert book.answers[0].given == (3,)


def test_labels_are_classes_by_the_set_of_them():
    y = np.array([[0, 0], [1, 0], [1, 1]])
    data = records.task_data(np.zeros((3, 2)), y, metrics=("macro_f1",), class_names=("odd", "big"))
    book = AnswerBook([records.record_of(data, {"m": np.array([[0, 1], [1, 0], [1, 1]])}, timed=False)])
    assert book.tested[0].classes == ["none", "odd", "odd + big", "big"]
    assert (book.answers[0].wrong, book.answers[0].given) == ((0,), (3,))


def test_numbers_are_kept_with_few_digits_and_what_is_not_finite_as_nothing():
    y = np.array([0.5, 1.25, 3.0])
    data = records.task_data(np.zeros((3, 2)), y, metrics=("mae",))
    record = records.record_of(data, {"m": np.array([0.123456789, 1.0, 3.0])}, timed=False)
    record.evaluations[0].predictions[2] = np.nan
    book = AnswerBook([record])
    assert book.tested[0].classes == []
    assert book.tested[0].truth == [0.5, 1.25, 3.0]
    assert book.answers[0].given == (0.12346, 1.0, None)


def test_with_folds_an_output_names_its_example():
    splits = CrossValidation(folds=2, repeats=2)
    X, y = np.arange(16.0).reshape(8, 2), np.arange(8) % 2
    data = TaskData(task := Task("kinds", Dataset.from_arrays("few", X, y, evaluation=splits)), task.dataset)
    record = records.blank()
    records.describe(record, data)
    record.add(Evaluation("m", "kinds", 16, {"accuracy": 0.0}, 0.1, None, 0.1, 1 - data.y_tested))
    (tested,) = AnswerBook([record]).tested
    assert sorted(tested.places) == sorted([*range(8), *range(8)])


def test_pictures_of_misclassified_examples_are_in_the_page(tmp_path):
    found = page(tmp_path, one=run([1, 1, 2, 1, 0, 2]))
    (tested,) = found.data["tested"]
    assert tested["examples"].keys() == {"0"}
    assert tested["examples"]["0"]["picture"].startswith("data:image/png;base64,")


def test_series_of_distinct_runs_are_a_history(tmp_path):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    runs = {f"r{i}": run(KINDS, started=(began + timedelta(days=i)).isoformat()) for i in range(3)}
    site = site_view({**runs, "a copy": runs["r0"]})
    assert {series.count for series in site.series} == {3}
    assert len(site.runs) == 4
    assert site_view({"one": runs["r0"], "the same": runs["r0"]}).history is None


def test_seconds_of_a_fit_are_shown_of_a_run_that_timed_nothing(tmp_path):
    record = records.record_of(DATA, {"m": KINDS}, timed=False)
    (head, (*_, fit, _front, _gates)) = Page(write_site({"run": record}, tmp_path / "site.html")).rows
    assert (head[-3], fit) == ("Fit, s", "1")


def test_an_outline_of_a_record_is_that_of_its_file(tmp_path):
    save(golden(), tmp_path / "record.json")
    assert outline_of(golden()) == read_outline(tmp_path / "record.json")


def test_the_command_names_each_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "other/a"):
        save(run(KINDS), tmp_path / name / "record.json")
    assert main(["site", "a", "b", "third=other/a", "--out", "page.html"]) == 0
    assert capsys.readouterr().out.startswith("3 runs in page.html, ")
    assert Page(tmp_path / "page.html").data["runs"] == ["a", "b", "third"]
    assert main(["site", "a", "other/a"]) == 1
    assert "a second record named 'a'" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_run_that_did_not_end_says_so(tmp_path, status):
    found = page(tmp_path, one=run(KINDS, status=status))
    assert "card incomplete" in [of.get("class") for _, of in found.tags]


def test_a_run_in_which_nothing_happened_is_a_page(tmp_path):
    assert page(tmp_path, one=records.blank()).data["answers"] == []
