"""Whatever a model, a message or a name contains, it is text: a report's structure and a terminal's lines stay ours."""

import markdown_it
import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fitgate.errors import FitgateError, in_one_line
from fitgate.gates import Outcome, Verdict
from fitgate.record import MetricEntry, ModelEntry, NotApplied, PublishedEntry, decode_entry, encode
from fitgate.report import render, run_verdict, write_report
from fitgate.report.drawing import plain
from fitgate.report.escaping import code, md
from fitgate.runs import Failure
from fitgate.text import CELL, MESSAGE, PART, harmless, shown
from tests import records

EVIL = [
    "a\n\n# fitgate report\n\n**PASS: all gates passed**",
    "x\n===\n",
    "| a | b |\n|---|---|",
    "a|b\\|c\\",
    "![x](http://a/b) [y](z) <http://a> [z]: http://a",
    "[PASS]: http://a/b 'title'",
    "]",
    "`` ` ```",
    "<script>alert(1)</script><!--",
    "&lt;b&gt; &#60;",
    "**b** _i_ ~~s~~ $x^2$ $$y$$",
    "- item",
    "1. item",
    "    code",
    "```\ncode",
    "> quote",
    "***",
    "trailing \\",
    "\x1b[2J\x1b[31mPASS\x07\x00\r\n",
    "\u202eSSAP\u202c \u200bzero\u2060 \ufeff",
    "lone \ud800 surrogate",
    "",
    " ",
    "y" * 100_000,
]
TEXTS = st.one_of(
    st.sampled_from(EVIL),
    st.text(max_size=40),
    st.text(alphabet="`|*_~[]()<>!#+-=.1\\$&:\n\t \x1b\u202e\u200b", max_size=20),
)


def record_of(texts):
    """A run whose free fields are filled with texts, in turn."""
    more = iter(lambda: texts[next(count) % len(texts)], object())
    count = iter(range(10**9))
    y = np.arange(6) % 2
    data = records.task_data(np.zeros((6, 2)), y, class_names=(next(more), next(more)), name="kinds")
    record = records.record_of(data, {"m": 1 - y}, timed=False)
    about = record.datasets[0]
    changed = {name: next(more) for name in ("name", "licence", "source", "profile")}
    record.datasets[0] = type(about)(**{**{f: getattr(about, f) for f in about.__struct_fields__}, **changed})
    task = record.tasks[0]
    asked = {"dataset": changed["name"], "question": next(more)}
    record.tasks[0] = type(task)(**{**{f: getattr(task, f) for f in task.__struct_fields__}, **asked})
    record.metrics[0] = MetricEntry("accuracy", next(more), next(more))
    record.models = [ModelEntry("m", next(more), ["kinds"]), ModelEntry("n", next(more), ["kinds"], next(more))]
    record.failures = [Failure("o", "kinds", "fit", next(more))]
    record.verdicts = [
        Verdict("m", "kinds", next(more) or "rule", Outcome.FAIL, next(more), where=next(more)),
        Verdict("m", "kinds", next(more) + "2", Outcome.PASS, next(more)),
    ]
    record.not_applied = [NotApplied("m", "kinds", next(more), next(more), {next(more): next(more)}, next(more))]
    record.published = [PublishedEntry("m", "kinds", "accuracy", 0.5, next(more))]
    record.failed_tests = [next(more)]
    record.faults = [next(more)]
    record.evaluations[0].missing["roc_auc"] = next(more)
    record.evaluations[0].metrics["roc_auc"] = None
    record.selection = [next(more)]
    record.environment = msgspec.structs.replace(record.environment, libraries={next(more): next(more)})
    for examples in (record.misclassified, record.largest_errors):
        for one in examples:
            one.answers["m"] = next(more)
    return record


def blocks(markdown):
    """The structure of a document: its blocks, and what is no text in them, with the cells of each table's rows."""
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    found = []
    for token in parser.parse(markdown):
        found.append((token.type, token.tag))
        inside = [child.type for child in token.children or () if child.type not in ("text", "softbreak")]
        found += [(kind, "") for kind in inside if kind not in ("code_inline", "text_special", "entity")]
        if token.type == "heading_open":
            found.append(("level", token.tag))
    return found


@settings(deadline=None, max_examples=30, derandomize=True, database=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=7))
@example(texts=EVIL)
@example(texts=EVIL[::-1])
def test_a_report_has_the_structure_that_plain_text_gives_it(texts):
    report = render(record_of(texts), {"confusion.png": texts[0]})
    plain_report = render(record_of(["word"]), {"confusion.png": "word"})
    # Numbers, empty texts and skipped rows are shown otherwise, or not at all: only what a text adds is forged.
    added = set(blocks(report)) - set(blocks(plain_report))
    assert not added
    counts = [[kind for kind, _ in blocks(one)] for one in (report, plain_report)]
    for kind in ("heading_open", "image", "link_open", "html_inline", "html_block", "fence", "code_block", "hr"):
        assert counts[0].count(kind) <= counts[1].count(kind), kind
    lines = report.splitlines()
    assert lines[0] == "# fitgate report"
    assert lines[2].startswith("**FAIL: 1 of 2 gates failed")
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("**") for line in lines) == 1


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(text=TEXTS)
def test_text_reads_as_itself(text):
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for before, after in (("", ""), ("**", "** and"), ("- ", "")):
        children = [c for t in parser.parse(f"{before}{md(text)}{after}\n") for c in t.children or ()]
        read = "".join(child.content for child in children if child.type in ("text", "text_special"))
        if shown(text):
            assert read.removesuffix(" and").strip() == shown(text)
    (token,) = [t for t in parser.parse(f"x {code(text)}\n") if t.type == "inline"]
    assert [c.content.strip() for c in token.children if c.type == "code_inline"] == [shown(text).strip()]


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(text=TEXTS, most=st.integers(1, 300))
def test_a_shown_line_is_printable_and_bounded(text, most):
    line = shown(text, most)
    assert line.isprintable()
    assert line == line.strip()
    assert len(line) <= most + len(" ... (1,000,000 more characters)")


def test_of_a_long_text_the_rest_is_counted():
    assert shown("y" * 2_500) == "y" * MESSAGE + " ... (500 more characters)"
    assert shown("y" * 50_000_000, 3) == "yyy ... (49,999,997 more characters)"
    assert len(md("y" * 10_000)) < 2_100


def test_output_of_several_lines_keeps_them_and_shows_escapes():
    assert harmless("a\r\n\tb\x1b[1;31mred\x1b[0m\x1b[2J \u202e\x00") == "a\n\tbred\\x1b[2J \\u202e\\x00"
    assert harmless("a\nfitgate: PASS\n") == "a\n| fitgate: PASS\n"
    assert "characters left out" in harmless("y" * 1_000_000)
    assert len(harmless("y" * 1_000_000)) < 110_000


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_an_error_without_a_text_is_described():
    assert in_one_line(Unspeakable()) == "Unspeakable: (Unspeakable has no text: its __str__ raised RuntimeError)"


def test_an_error_of_ours_is_one_bounded_line():
    error = FitgateError("a\nb", found="x" * 10_000, expected="\x1b[2J", next_step="go\n\nfitgate: PASS")
    assert str(error).isprintable()
    assert str(error).endswith("; go fitgate: PASS.")
    assert len(str(error)) < 4 * PART


def test_a_failure_and_a_headline_are_one_bounded_line():
    failure = Failure("m", "t", "fit", "E: \x1b[2J\nfitgate: PASS " * 1_000_000)
    assert len(failure.error) < MESSAGE + 100
    assert str(failure).isprintable()
    record = records.blank(failed_tests=["a\nfitgate: PASS: all gates passed\x1b[2K" * 1_000])
    line = run_verdict(record).line
    assert line.startswith("FAIL: ")
    assert line.isprintable()
    assert len(line) < 2 * CELL


def test_a_lone_surrogate_is_recorded_as_a_mark():
    entry = ModelEntry("m", "a \ud800 b", ["t"])
    assert decode_entry(encode(entry)).description == "a ? b"


@pytest.mark.parametrize("text", ["$x$", r"\$", "a $ b", "$$", r"$\frac$", "one\ntwo $"])
def test_figures_show_dollars_as_themselves(text, tmp_path):
    from matplotlib.cbook import is_math_text

    assert not is_math_text(plain(text))


def test_names_of_any_length_have_figures(tmp_path):
    y = np.arange(6) % 2
    name = "long name " * 100
    data = records.task_data(np.zeros((6, 4)), y, class_names=("$x", "y\n" * 999), image_shape=(2, 2), name=name)
    record = records.record_of(data, {"m": 1 - y})
    for entry in records.record_of(records.task_data(np.zeros((6, 2)), y, name=name + "2"), {"m2": y}).tasks:
        record.add(entry)
    write_report(record, tmp_path)
    assert record.faults == []
    assert len(list((tmp_path / "figures").iterdir())) >= 3


def test_a_verdict_s_message_is_one_bounded_line():
    verdict = Verdict("m", "t", "rule", Outcome.FAIL, "no\n\nfitgate: PASS\x1b[2K" * 1_000_000)
    assert verdict.message.isprintable()
    assert len(verdict.message) < MESSAGE + 100
