"""The site: several runs on one page of HTML, which takes nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from fitgate.files import write
from fitgate.record import Record
from fitgate.report.explorer import explorer
from fitgate.report.html import render
from fitgate.report.view.site import Site, site_view

STYLES = ("page.css",)
SCRIPTS = (
    "vendor/vega.min.js",
    "vendor/vega-lite.min.js",
    "vendor/vega-interpreter.js",
    "page.js",
    "tables.js",
    "drawing.js",
    "charts.js",
    "examples.js",
    "confusion.js",
    "compare.js",
)


def write_site(records: Mapping[str, Record], path: Path) -> Path:
    """Write a page of what some runs came to; the path.

    The page's policy forbids whatever does not stand in it, and to run text as code.

    Args:
        records: of runs, by the name that a reader is to know each by.
        path: of the HTML.

    Raises:
        FileError: if it can't be written.
    """
    site = site_view(records)
    styles, scripts = ([_asset(name) for name in names] for names in (STYLES, SCRIPTS))
    sections = tuple(_sections(site))
    page = render(
        "site.html.jinja",
        site=site,
        sections=sections,
        policy=_policy(styles, scripts),
        styles=styles,
        scripts=scripts,
        data=Markup(explorer(site).replace("<", "\\u003c")),  # noqa: S704 # JSON, in which no tag can begin
    )
    write(path, page)
    return path


def _sections(site: Site) -> Iterator[tuple[str, str]]:
    """Those that there is something to show in, by the id of each, with their titles."""
    yield "verdicts", "Verdicts"
    if site.gates:
        yield "gates", "Gates"
    if site.models:
        yield "models", "Models"
    if any(site.tradeoffs):
        yield "tradeoff", "Quality against latency"
    if site.tested:
        yield "examples", "Examples"
        if title := _compared(site):
            yield "compare", title
    if any(site.learnings):
        yield "learning", "Learning curves"
    if site.series:
        yield "history", "History"
    yield "runs", "Runs"
    yield "words", "Words"


def _compared(site: Site) -> str:
    """The title of the section that holds answers side by side; empty where no two are to the same questions."""
    runs = len({(of.tested, of.model) for of in site.answers}) < len(site.answers)
    models = len({(of.tested, of.run) for of in site.answers}) < len(site.answers)
    if runs and models:
        return "Runs and models compared"
    return "Two runs compared" if runs else "Two models compared" if models else ""


def _asset(name: str) -> Markup:
    return Markup(files("fitgate.report").joinpath("page", name).read_text(encoding="utf-8"))  # noqa: S704 # our own


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The policy of content: these styles and scripts, by their digests, pictures that stand in the page, no more."""
    parts = {
        "default-src": ["'none'"],
        "script-src": map(_source, scripts),
        "style-src": map(_source, styles),
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in parts.items())


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
