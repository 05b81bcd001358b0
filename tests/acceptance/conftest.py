"""A browser for the tests of pages."""

import shutil

import pytest

BROWSERS = ("chromium", "google-chrome", "chrome")


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
