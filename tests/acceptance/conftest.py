"""The library as it is published, and a browser for the tests of pages."""

import shutil

import pytest

from tests.acceptance.installing import build

BROWSERS = ("chromium", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The directory of the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(tmp_path_factory.mktemp("source"), out)
    return out


@pytest.fixture(scope="session")
def wheel(built):
    """The wheel's path."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def browser():
    """A headless browser of the system's; `.ci/run` installs one."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, "no browser: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
