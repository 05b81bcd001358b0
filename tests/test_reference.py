"""What the documents list of options, commands, hooks, metrics, protocols and fixtures is what the code has."""

import re

import pytest

from tests.acceptance.markdown import ROOT
from tests.reference import PAGES, PLACE, TABLES, rendered

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
