"""What the documents list of options, commands, hooks, metrics, protocols and fixtures is what the code has."""

import inspect
import re

import pytest

import fitgate
from fitgate import protocols
from fitgate.gates import Outcome, Reason
from fitgate_pytest import HOOKS
from tests.acceptance.markdown import ROOT, links
from tests.reference import API, PAGES, PLACE, TABLES, rendered

TEXTS = {page.name: page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.md"))}


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_s_tables_are_those_of_the_code(name):
    assert TEXTS[name] == rendered(TEXTS[name]), "write them anew by python -m tests.reference"


def test_every_table_stands_in_a_page():
    placed = [found[2] for text in TEXTS.values() for found in PLACE.finditer(text)]
    assert sorted(placed) == sorted(TABLES)
    assert len(placed) == sum(len(re.findall("<!-- table: ", text)) for text in TEXTS.values())


def test_published_error_rates_are_those_of_the_reports():
    published = ("sabotage.md", "sound-models.md", "tampering.md", "ab.md")
    reports = [(ROOT / "reports" / name).read_text(encoding="utf-8") for name in published]
    section = TEXTS["verdicts.md"].partition("## How often it errs")[2].partition("\n## ")[0]
    figures = re.findall(r"\*\*(.+?)\*\*", section)
    assert figures
    assert not [figure for figure in figures if not any(figure in report for report in reports)]


def test_the_reference_of_classes_has_all_that_is_public():
    named = {name for found in API.finditer(TEXTS["api.md"]) for name in found[2].split()}
    hooks = {f"fitgate_pytest.hookspecs.{name}" for name in HOOKS}
    offers = {f"{protocols.__name__}.{name}" for name, of in vars(protocols).items() if is_protocol(of)}
    assert {f"fitgate.{name}" for name in fitgate.__all__} | hooks | offers <= named


def is_protocol(found):
    return inspect.isclass(found) and found.__module__ == protocols.__name__


def test_every_verdict_and_reason_is_explained():
    section = TEXTS["verdicts.md"].partition("## Every verdict, and its reason")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in section.splitlines() if line.startswith("| ")]
    assert {reason for _, _, reason, *_ in rows} >= set(Reason)
    assert {outcome for _, outcome, *_ in rows} >= set(Outcome)


def test_every_page_and_every_report_can_be_found():
    assert set(TEXTS) - set(links(PAGES / "index.md")) == {"index.md"}
    reports = {path for path in (ROOT / "reports").rglob("*.md") if not {"baselines", "runs"} & set(path.parts)}
    shown = {(PAGES / link).resolve() for link in links(PAGES / "gallery.md")}
    assert reports - shown == set()
