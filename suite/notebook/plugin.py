"""The notebook as a pytest plugin: the fixture `story`, the time of each section, and the report of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitgate.record import Extra, Record
from suite.notebook.story import story_of
from suite.notebook.storyteller import Storyteller

REPORT = "notebook.md"
SPENT = pytest.StashKey[float]()


class Reporter:
    """Writes the notebook of a run, and sums it up on the terminal; in the controlling process alone."""

    def __init__(self) -> None:
        self._summary: str | None = None

    def pytest_fitgate_report(self, record: Record, directory: Path) -> list[Path]:
        from suite.notebook.report import summary, write_story

        story = story_of(record)
        if not story.blocks:
            return []
        self._summary = summary(record, story)
        return [write_story(record, directory / REPORT)]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._summary:
            terminalreporter.write_line(f"notebook: {self._summary}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Reporter(), "notebook-reporter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Exempt the sections' tests from the rule that models which are tested have gates: their figures are compared."""
    for item in items:
        if isinstance(item, pytest.Function) and "story" in item.fixturenames:
            item.add_marker(pytest.mark.no_gates)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Record what a section's test took, before the library collects what was emitted during it."""
    if not isinstance(item, pytest.Function):
        return
    story = item.funcargs.get("story")
    if isinstance(story, Storyteller):
        item.stash[SPENT] = item.stash.get(SPENT, 0.0) + call.duration
        if call.when == "teardown":
            story.took(item.stash[SPENT])


@pytest.fixture(scope="session")
def compares() -> bool:
    """Whether the session's data is that of the printed figures: not by default; the notebook's conftest knows."""
    return False


@pytest.fixture(scope="session")
def compared() -> set[str]:
    """Ids of the figures that the session has come to."""
    return set()


@pytest.fixture
def story(
    request: pytest.FixtureRequest, compares: bool, compared: set[str], emit: Callable[[Extra], None]
) -> Storyteller:
    """Records the section of the story that the test's module is."""
    return Storyteller(request.module, compares, compared, emit)
