"""Names of the files of figures."""

from __future__ import annotations

import re
from itertools import chain

from fitgate.report.view.report import ReportView

LONGEST = 60  # characters of a task's name in a file's


def figure_file(view: ReportView, kind: str, task: str) -> str:
    """The name of a figure's file, such as `confusion.png`; the task's name is in it where figures are of several.

    Args:
        view: of the report.
        kind: of figure.
        task: that it is of.
    """
    tasks = figure_tasks(view)
    if len(tasks) < 2:
        return f"{kind}.png"
    plain = [re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:LONGEST] for name in tasks]
    own = plain[tasks.index(task)]
    number = f"-{tasks.index(task) + 1}" if plain.count(own) > 1 else ""
    return f"{kind}-{own}{number}.png"


def figure_tasks(view: ReportView) -> list[str]:
    """The tasks that figures are of, each once."""
    every = (view.tradeoffs, view.learnings, view.numbers, view.reliabilities, view.robustness)
    drawn = ([part.task for part in parts] for parts in every)
    matrices = [part.task for part in view.confusions if part.drawn]
    return list(dict.fromkeys([*chain(*drawn), *matrices, *(part.task for part in view.misclassified)]))
