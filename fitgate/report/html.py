"""HTML: views rendered by the templates of this package, in which every text is shown as text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fitgate.report.markdown import FILTERS
from fitgate.text import shown

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:
    """A view in HTML.

    Args:
        template: a file's name in `templates/`.
        values: what it shows, by name; what is HTML already is `markupsafe.Markup`.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fitgate.report"),
        autoescape=True,
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: FILTERS[name] for name in ("significant", "milliseconds")}
    return environment


def _plain(value: Any) -> Any:
    """Text in one line of bounded length, of printable characters alone; HTML of our own as it is."""
    return shown(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
