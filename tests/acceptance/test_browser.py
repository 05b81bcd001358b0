"""The page of runs in a real browser, as its readers use it: sorted, filtered, clicked through, compared, printed."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fitgate.gates import Outcome, Verdict
from fitgate.latency.timing import Timing
from fitgate.record import Record, read
from fitgate.report import write_site
from fitgate.statistics import McNemar
from tests import records
from tests.acceptance.browsing import tab, violations
from tests.acceptance.markdown import ROOT
from tests.make_golden import golden
from tests.pull_request import HEAD, PLACE

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
KINDS = np.tile([0, 1, 2], 40)
PIXELS = np.random.default_rng(0).integers(0, 256, (120, 16), dtype=np.uint8)
DATA = records.task_data(PIXELS, KINDS, class_names=("cat", "dog", EVIL), image_shape=(4, 4))
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def wrong(*places):
    """Answers that are wrong at some places, where each class is taken for the next."""
    return np.where(np.isin(np.arange(120), places), (KINDS + 1) % 3, KINDS)


def run(number, good, poor, factor=1.0, **fields) -> Record:
    """A run of two models, the later the slower."""
    record = records.record_of(DATA, {"good": good, "poor": poor}, timed=False)
    record.started = (BEGAN + timedelta(days=number)).isoformat(timespec="seconds")
    record.timings = [
        Timing("good", "kinds", "single", 1, [1e-3 * factor] * 5),
        Timing("poor", "kinds", "single", 1, [2e-3] * 5),
    ]
    record.fits = [
        type(of)(**{**{n: getattr(of, n) for n in of.__struct_fields__}, "curves": {"loss": [0.9, 0.5, 0.4]}})
        for of in record.fits
    ]
    record.verdicts = [
        Verdict(
            "good", "kinds", "accuracy>=0.9", Outcome.PASS, "It holds.", metric="accuracy", value=0.975, threshold=0.9
        ),
        Verdict(
            "poor",
            "kinds",
            "accuracy>=0.9",
            Outcome.FAIL,
            f"It fell: {EVIL}",
            metric="accuracy",
            value=0.85,
            threshold=0.9,
        ),
    ]
    for name, value in fields.items():
        setattr(record, name, value)
    return record


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    """A page of twelve runs, the last of which breaks examples 6 and 9 and mends 0, and of one of other data."""
    jitter = np.exp(np.random.default_rng(0).normal(0, 0.01, 12))
    runs = {f"night {i}": run(i, wrong(0, 3), wrong(*range(18)), jitter[i] * (1 + (i > 7))) for i in range(11)}
    runs[EVIL] = run(11, wrong(3, 6, 9), wrong(*range(18)), 2 * jitter[11])
    return write_site({**runs, "golden": golden()}, tmp_path_factory.mktemp("site") / "site.html")


@contextmanager
def opened(browser, file, **about):
    """A page, opened; in the end it has logged nothing, and asked for nothing."""
    with tab(browser, viewport={"width": 1280, "height": 900}, **about) as (page, asked):
        page.goto(file.as_uri())
        yield page
    assert asked == [file.as_uri()]


@pytest.fixture(params=["light", "dark"])
def page(browser, file, request):
    """The page of all runs, in either colours."""
    with opened(browser, file, color_scheme=request.param) as page:
        yield page


def column(page, section, place):
    """The texts of a column of a table's rows that are shown."""
    return page.locator(f"#{section} table.tool tbody tr:visible > :nth-child({place})").all_inner_texts()


def test_a_table_is_sorted_by_its_titles_by_keyboard_too(page):
    title = page.locator("#models th", has_text="accuracy").first
    place = title.evaluate("cell => cell.cellIndex + 1")
    title.get_by_role("button").click()
    assert title.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in column(page, "models", place) if text]
    assert values == sorted(values)
    page.keyboard.press("Enter")
    assert title.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, "models", place) if text] == sorted(values, reverse=True)


def test_the_tables_fit_the_width_of_a_laptop(page):
    page.set_viewport_size({"width": 1300, "height": 900})
    for section in ("gates", "models"):
        table = page.locator(f"#{section} > .scroll")
        assert table.evaluate("of => of.scrollWidth - of.clientWidth") == 0, section


def test_a_table_is_filtered_by_choice_and_by_word(page):
    gates = page.locator("#gates")
    gates.get_by_label("Verdict").select_option("FAIL")
    assert {text.strip("✗ ") for text in column(page, "gates", 1)} == {"FAIL"}
    gates.get_by_label("Containing").fill("night 3")
    assert column(page, "gates", 2) == ["night 3"]
    assert gates.get_by_role("status").inner_text() == "1 of 28 rows"


def test_a_cell_of_the_matrix_leads_to_its_examples_and_each_to_its_answers(page):
    examples = page.locator("#examples")
    examples.get_by_label("Model").select_option("poor of night 0")
    examples.get_by_role("button", name="6 images of cat taken for dog").click()
    assert examples.locator("h3").inner_text() == "6 images of cat taken for dog"
    listed = examples.locator(".chosen button")
    assert listed.count() == 6
    listed.filter(has_text="#3").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text() == "#3 of kinds: cat"
    assert dialog.get_by_role("img").evaluate("image => image.naturalWidth") == 4
    assert dialog.locator("tbody tr").count() == 24
    assert dialog.locator("tr.wrong").count() == 24
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_examples_are_at_first_those_of_the_newest_run(page):
    chosen = page.locator("#examples").get_by_label("Model").locator("option:checked")
    assert chosen.inner_text() == f"good of {EVIL}"


def test_two_runs_are_compared_example_by_example(page):
    compare = page.locator("#compare")
    compare.get_by_label("Before").select_option("night 10")
    compare.get_by_label("After").select_option(EVIL)
    row = compare.locator("tbody tr", has_text="good")
    assert row.locator("td").all_inner_texts()[2:4] == ["2", "1"]
    row.get_by_role("button", name="2 broken by good").click()
    assert compare.locator(".chosen small").all_inner_texts() == ["#6", "#9"]
    compare.get_by_label("After").select_option("golden")
    assert "no task on the same test split" in compare.inner_text()


def test_two_models_of_a_run_are_compared_example_by_example(page):
    compare = page.locator("#compare")
    compare.get_by_role("combobox", name="Compare", exact=True).select_option("two models of a run")
    compare.get_by_role("combobox", name="Run", exact=True).select_option(EVIL)
    row = compare.locator("tbody tr")
    assert row.locator("td").all_inner_texts()[2:4] == ["15", "0"]  # poor gets 18 wrong, good three of these
    row.get_by_role("button", name="15 that only good gets right").click()
    heading = compare.locator("h3")
    assert heading.inner_text() == "15 images that only good gets right"
    assert heading.evaluate("heading => heading === document.activeElement")
    assert compare.locator(".chosen .about").first.inner_text().startswith("cat, poor: dog")
    assert "p = 0.000031" in row.inner_text()  # twice a half of 0.5 to the 15th
    compare.get_by_label("First model").select_option("poor")
    assert "Choose two different models" in compare.inner_text()
    compare.get_by_label("Second model").select_option("good")
    assert row.locator("td").all_inner_texts()[2:4] == ["0", "15"]


def test_models_of_numbers_are_compared_by_how_far_they_are_off(browser, tmp_path):
    y = np.linspace(0, 1, 8)
    data = records.task_data(np.arange(8.0)[:, None], y, metrics=("mae",), name="sizes")
    record = records.record_of(data, {"near": y + 0.1, "far": np.where(np.arange(8) < 3, y + 0.3, y)})
    with opened(browser, write_site({"only": record}, tmp_path / "site.html")) as page:
        compare = page.locator("#compare")
        assert compare.locator("h2").inner_text() == "Two models compared"
        assert compare.locator("tbody td").all_inner_texts()[2:] == ["3", "5"]
        compare.get_by_role("button", name="3 on which near is nearer").click()
        assert compare.locator(".chosen .about").first.inner_text().startswith("0, near: 0.1, far: 0.3")


def test_chance_alone_is_what_mc_nemar_s_test_says(page):
    for broken, mended in ((2, 1), (0, 5), (40, 20), (0, 0)):
        p = McNemar(max(broken, mended), min(broken, mended), 100).p_value
        assert page.evaluate(f"midP({broken}, {mended})") == pytest.approx(min(1.0, 2 * p), rel=1e-9)


@pytest.mark.parametrize("section", ["tradeoff", "learning", "history"])
def test_a_chart_is_drawn_and_named(page, section):
    chart = page.locator(f"#{section} .chart")
    chart.locator("svg path").first.wait_for()
    assert chart.get_attribute("aria-label")


def test_a_change_of_a_series_is_said_and_shown(page):
    page.get_by_role("button", name="Show the chart of good on kinds, single").first.click()
    (sentence,) = page.locator("#history .changes li").all_inner_texts()
    assert sentence.startswith("worse: +")
    assert page.locator("#history h3").evaluate("heading => heading === document.activeElement")


def test_a_mark_tells_what_it_stands_for(page):
    page.locator("#tradeoff svg .points_marks path").last.hover()
    assert "Latency" in page.locator(".tip").inner_text()


def test_hostile_names_are_text(page):
    assert page.locator("#verdicts h3", has_text=EVIL).count() == 1
    assert page.locator("#examples thead th", has_text=EVIL).count() == 1
    assert page.locator("img[src=x]").count() == 0


def test_axe_finds_no_violation(page):
    page.locator("#history svg path").first.wait_for()
    assert violations(page) == []
    page.locator("#examples .example").first.click()
    assert violations(page) == []


def test_it_fits_on_a_narrow_screen_and_on_paper(page, tmp_path):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("section", ["tradeoff", "learning"])
def test_a_chart_is_drawn_for_each_choice(page, section):
    for choice in page.locator(f"#{section} select").all():
        for option in choice.locator("option").all_inner_texts()[::-1]:
            choice.select_option(option)
    page.locator(f"#{section} .chart svg path").first.wait_for()


def test_the_page_of_the_pull_request_in_the_documents_is_used(browser):
    with opened(browser, PLACE / "site.html") as page:
        gates = page.locator("#gates")
        gates.get_by_label("Verdict").select_option("FAIL")
        assert set(column(page, "gates", 2)) == {HEAD}
        assert set(column(page, "gates", 3)) == {"forest"}
        title = page.locator("#models th", has_text="accuracy").first
        title.get_by_role("button").click()
        place = title.evaluate("cell => cell.cellIndex + 1")
        values = [float(text) for text in column(page, "models", place) if text]
        assert values == sorted(values)

        compare = page.locator("#compare")
        row = compare.locator("tbody tr", has_text="forest")
        broken, mended = (int(text) for text in row.locator("td").all_inner_texts()[2:4])
        assert broken > mended > 0
        row.get_by_role("button", name="broken by forest").click()
        assert compare.locator(".chosen li").count() == broken
        compare.locator(".chosen button.example").first.click()
        dialog = page.get_by_role("dialog")
        assert dialog.locator("tr.wrong").count() >= 1
        assert dialog.get_by_role("img").evaluate("image => image.naturalWidth") == 28
        page.keyboard.press("Escape")
        compare.get_by_role("combobox", name="Compare", exact=True).select_option("two models of a run")
        compare.get_by_role("combobox", name="First model", exact=True).select_option("cnn")
        compare.get_by_role("combobox", name="Second model", exact=True).select_option("forest")
        compare.get_by_role("button", name="that only cnn gets right").click()
        assert "images that only cnn gets right" in compare.locator("h3").inner_text()


def test_ten_full_runs_take_less_than_four_megabytes(browser, tmp_path):
    full = read(ROOT / "reports" / "full")
    path = write_site({f"full {i}": full for i in range(10)}, tmp_path / "site.html")
    assert path.stat().st_size < 4e6
    with opened(browser, path) as page:
        labels = page.locator("#tradeoff .labels_marks text")
        labels.first.wait_for()
        assert {"cnn", "sgd"} <= set(labels.all_text_contents())
