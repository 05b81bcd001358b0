"""The documents as a site: made without a warning, and read in a real browser, which asks nothing of anybody else."""

import re
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

import fitgate
from tests.acceptance.browsing import tab, violations
from tests.acceptance.markdown import ROOT

pytest.importorskip("sphinx", reason="the extra docs is not installed")
pytestmark = pytest.mark.browser

READ = ("docs/index", "docs/tutorial", "docs/gallery", "reports/full/report", "README")
OUTSIDE = re.compile(r"""(?:<(?:script|img|iframe|source)\b[^>]*\bsrc=|<link\b[^>]*\bhref=)["'](?:https?:)?//[^"']*""")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *about):
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The directory of the site."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", ".", directory]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return directory


@pytest.fixture(scope="session")
def address(site):
    """Where it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def reading(browser, address, **about):
    """A tab of the browser; in the end its pages have logged nothing, and asked nothing of any other host."""
    with tab(browser, **about) as (page, asked):
        yield page
    assert [url for url in asked if not url.startswith(address)] == []


def test_no_page_names_what_lies_elsewhere(site):
    found = {str(page): OUTSIDE.findall(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    assert {page: urls for page, urls in found.items() if urls} == {}
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//[^)\"']*", styles) == []


def test_the_reference_has_every_public_name_and_reads_every_docstring(site):
    page = (site / "docs" / "api.html").read_text(encoding="utf-8")
    assert [name for name in fitgate.__all__ if f'id="fitgate.{name}"' not in page] == []
    assert ">Type<" not in page, "a property's first line has a colon: what stands before it is taken for a type"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_violation(browser, address, colours):
    with reading(browser, address, color_scheme=colours) as page:
        for name in READ:
            page.goto(f"{address}/{name}.html")
            assert (name, violations(page)) == (name, [])


def test_pages_fit_on_a_narrow_screen(browser, address):
    with reading(browser, address, viewport={"width": 380, "height": 800}) as page:
        for name in (*READ, "docs/api", "docs/verdicts"):
            page.goto(f"{address}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_it_begins_at_its_address(browser, address):
    with reading(browser, address) as page:
        page.goto(address)
        page.wait_for_url("**/docs/index.html")
        for link in page.locator("article li a").all():
            assert page.request.get(link.evaluate("a => a.href")).ok


@pytest.mark.parametrize(
    ("sought", "found"), [("margin", "How a verdict is reached"), ("CrossValidation", "fitgate.CrossValidation")]
)
def test_a_search_finds_pages_and_names(browser, address, sought, found):
    with reading(browser, address) as page:
        page.goto(f"{address}/docs/index.html")
        page.locator("input[type=search], input.sidebar-search").first.fill(sought)
        page.keyboard.press("Enter")
        page.locator("#search-results li a", has_text=found).first.click()
        assert sought.lower() in page.locator("article").inner_text().lower()
