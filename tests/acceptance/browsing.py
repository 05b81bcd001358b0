"""Pages in a browser, watched."""

from contextlib import contextmanager


@contextmanager
def tab(browser, **about):
    """A tab, and the list of the addresses that its pages ask for; in the end they have logged nothing."""
    context = browser.new_context(reduced_motion="reduce", **about)
    page = context.new_page()
    page.set_default_timeout(5_000)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith("data:") else None)
    yield page, asked
    page.wait_for_timeout(50)
    assert said == []
    context.close()


def violations(page):
    """What axe-core finds wrong for those who can't see, or use no mouse: rules, and places that break them."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(of["id"], [node["html"][:200] for node in of["nodes"]][:3]) for of in found]
