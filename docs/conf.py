"""How the pages become a site: `python -m sphinx -W -c docs . build/docs`.

Pages are written for the code host, and say nothing for the site alone. It makes the navigation from the links of
`docs/index.md` and `docs/gallery.md`, and the reference from the names in `docs/api.md`.
"""

from __future__ import annotations

import inspect
import pkgutil
import posixpath
import re
from enum import Enum
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "fitgate"
project_copyright = "fitgate's authors, MIT licence"
release = version_of("fitgate")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# The whole repository is the source, so that links from page to page are those of the code host.
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**", "examples/**", "reports/**"]
exclude_patterns = ["build", "reports/runs", ".*"]

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a comment on a pull request begins below the title that the code host gives it

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_param = False  # names that share a line stay together
napoleon_custom_sections = [("Attributes", "params_style")]
maximum_signature_line_length = 100
default_role = "py:obj"  # names between single backticks: code, and links where the reference has them

html_theme = "furo"
html_title = "fitgate"
html_extra_path = ["site"]
html_static_path = ["style"]
html_favicon = "style/favicon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False

API = re.compile(r"^<!-- api:\s([\w.\s]+) -->$.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
REASONS = re.compile(r"\[([^\]]*)\]\(#(reasons-\d+)\)")
ENTRY = re.compile(r"\[([^\]]+)\]\(([^)#:]+)\.md\)")
NAVIGATED = ("docs/index", "docs/gallery")


def setup(app: Sphinx) -> None:
    """Let each page be made ready before it is parsed."""
    app.connect("source-read", prepare)
    app.connect("autodoc-process-signature", sign)


def prepare(app: Sphinx, name: str, source: list[str]) -> None:
    """Add to a page what the site has and the code host does not show."""
    text = API.sub(lambda found: f"```{{eval-rst}}\n{reference(found[1].split())}\n```", source[0])
    if name.startswith("reports/"):  # so that a search tells one from the other
        text = text.replace("# fitgate report\n", f"# fitgate report: {posixpath.dirname(name)[8:]}\n", 1)
    # The targets within a report's folded parts are HTML, which a link in markdown does not know.
    text = REASONS.sub(r'<a href="#\2">\1</a>', text)
    if name in NAVIGATED:
        text += navigation(name, text, app.env.found_docs)
    source[0] = text


def reference(names: list[str]) -> str:
    """What documents some objects by their docstrings."""
    parts = []
    for name in names:
        found = pkgutil.resolve_name(name)
        if not inspect.isclass(found):
            parts.append(f".. autofunction:: {name}")
            continue
        kind = "exception" if issubclass(found, Exception) else "class"
        options = [":members:"]
        if is_not_called(found):
            options.append(":undoc-members:")
        if fields := inspect.get_annotations(found):
            options.append(f":exclude-members: {', '.join(fields)}")  # the docstring has them
        parts.append("\n   ".join((f".. auto{kind}:: {name}", *options)))
    return "\n\n".join(parts)


def is_not_called(found: object) -> bool:
    """Whether it is a class whose members say all: of a fixed set of values, or of what another class is to offer."""
    return inspect.isclass(found) and (getattr(found, "_is_protocol", False) or issubclass(found, Enum))


def sign(
    app: Sphinx, what: str, name: str, found: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """The signature of an object: none of what is not called, and defaults that are no expressions in short."""
    if is_not_called(found):
        return None, None
    return (signature and re.sub(r"<(?:class|factory|function)[^<>]*>", "...", signature)), returns


def navigation(name: str, text: str, found: set[str]) -> str:
    """The navigation by a page's links: a part for each of its sections.

    The gallery has the reports, those besides that it does not name, and pages in folders of docs/.
    """
    below = {path for path in found if path.startswith("reports/") or path.count("/") > 1}
    left = set(below) if name == "docs/gallery" else found - below
    parts = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        entries = []
        for title, link in ENTRY.findall(section):
            path = posixpath.normpath(posixpath.join("docs", link))
            if path in left:
                entries.append(f"{title[0].upper()}{title[1:]} </{path}>")
                left.discard(path)
        parts.append((section.partition("\n")[0], entries))
    if name == "docs/gallery":
        parts.append(("More", [f"/{path}" for path in sorted(left)]))
    return "".join(
        f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(entries) + "\n```\n"
        for caption, entries in parts
        if entries
    )
