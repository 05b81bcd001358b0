"""What GitHub shows of a session: annotations, a summary, and properties in JUnit's XML."""

import re

import pytest
from junitparser.xunit2 import JUnitXml

from fitgate.gates import JudgeSettings, Outcome, Verdict
from fitgate.record import Settings, read
from fitgate.report import append_to_step_summary
from fitgate.report.annotations import annotated
from fitgate.report.junit import properties
from fitgate.report.summary import MOST, without_figures
from tests import records
from tests.acceptance.markdown import links
from tests.pull_request import HEAD, PLACE, make

FAILING = 'model("reader", gates=(Floor(DIGITS, "accuracy", 0.9), Floor(FIVES, "accuracy", 0.99)), blunder=50)'
COMMAND = re.compile(r"^::(error|warning) (?:file=([^,]+),line=(\d+),)?title=(.*?)::(.*)$", re.MULTILINE)


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_each_gate_leaves_its_numbers_in_junit_s_xml(project, processes):
    project.write(FAILING)
    project.run("-k", "gate", "--junitxml=junit.xml", *processes, subprocess=bool(processes))
    cases = [case for suite in JUnitXml.fromfile(str(project.path / "junit.xml")) for case in suite]
    found = [{p.name.removeprefix("gate."): p.value for p in case.properties()} for case in cases]
    kept = project.record.verdicts
    assert {of["outcome"] for of in found} == {"PASS", "FAIL"}
    for of in found:
        (verdict,) = (v for v in kept if (v.task, v.gate) == (of["task"], of["rule"]))
        assert (of["model"], of["outcome"], of["declared_at"]) == ("reader", verdict.outcome, verdict.where)
        assert (float(of["value"]), float(of["bound"])) == (verdict.value, verdict.bound)
        assert "p_value" not in of  # a floor tests none


def test_junit_s_xml_has_the_p_of_a_gate_that_tests(blessed):
    blessed.run("-k", "gate", "--junitxml=junit.xml", "--fit-seed=1")
    (suite,) = JUnitXml.fromfile(str(blessed.path / "junit.xml"))
    (case,) = suite
    (verdict,) = blessed.record.verdicts
    assert verdict.p_value is not None
    assert float(next(p.value for p in case.properties() if p.name == "gate.p_value")) == verdict.p_value


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_a_failed_gate_is_an_annotation_on_the_line_that_declares_it(project, monkeypatch, processes):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    project.write(FAILING)
    result = project.run("-k", "gate", *processes, subprocess=bool(processes))
    (verdict,) = (v for v in project.record.verdicts if v.outcome is Outcome.FAIL)
    ((kind, file, line, title, message),) = COMMAND.findall(result.stdout.str())
    assert (kind, f"{file}:{line}") == ("error", f"{project.path.name}/{verdict.where}")
    assert title == "FAIL%3A reader on fives%2C accuracy>=0.99"
    assert message == verdict.message.replace("%", "%25")


def test_a_declaration_above_the_directory_that_pytest_starts_in_is_found(tmp_path):
    (tmp_path / "project" / "tests").mkdir(parents=True)
    (tmp_path / "project" / "conftest.py").touch()
    record = records.blank(verdicts=[judged(Outcome.FAIL, 0.5, "project/conftest.py:3")])
    (line,) = annotated(record, tmp_path / "project" / "tests", tmp_path)
    assert line.startswith("::error file=project/conftest.py,line=3,title=")


def test_elsewhere_there_are_no_annotations(project):
    project.write(FAILING)
    assert not COMMAND.findall(project.run("-k", "gate").stdout.str())


def test_a_run_that_fails_for_no_gate_has_one_annotation(project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.write('model("broken", Unfittable)')
    result = project.run("-k", "prediction")
    assert COMMAND.findall(result.stdout.str()) == [
        ("error", "", "", "fitgate", "FAIL: broken on digits, broken on fives failed outright")
    ]


def judged(outcome, value, where=""):
    return Verdict("m", "t", f"a>={value}", outcome, "why\nnot", value=value, threshold=0.9, where=where)


def test_ten_annotations_of_a_kind_the_worst_first_are_all_that_is_written(tmp_path):
    failed = [judged(Outcome.FAIL, 0.5 + i / 100) for i in range(12)]
    unsure = [judged(Outcome.INCONCLUSIVE, 0.8, "gone.py:3"), judged(Outcome.NO_BASELINE, 0.7)]
    found = COMMAND.findall("\n".join(annotated(records.blank(verdicts=[*unsure, *failed]), tmp_path, tmp_path)))
    errors = [entry for entry in found if entry[0] == "error"]
    assert [title for *_, title, _ in errors] == [
        *(f"FAIL%3A m on t%2C {v.gate}" for v in failed[:9]),
        "fitgate",
    ]
    assert errors[-1][-1] == "and 3 gates more, in the run's report"
    assert found[10:] == [("warning", "", "", "INCONCLUSIVE%3A m on t%2C a>=0.8", "why not (gone.py:3)")]


def test_what_fails_by_the_settings_is_an_error(tmp_path):
    strict = Settings(judge=JudgeSettings(strict=True, require_baseline=True))
    verdicts = [judged(Outcome.INCONCLUSIVE, 0.8), judged(Outcome.NO_BASELINE, 0.7)]
    record = records.blank(verdicts=verdicts, settings=strict)
    assert [line[:8] for line in annotated(record, tmp_path, tmp_path)] == ["::error ", "::error "]


@pytest.fixture
def summary(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_the_report_goes_to_the_step_summary_without_figures(project, summary):
    project.write('model(gates=(Floor(DIGITS, "accuracy", quick=0.95),), tasks=(DIGITS,))')
    project.run()
    assert summary.read_text().startswith("# fitgate report")
    assert "![" not in summary.read_text()
    assert "![" in project.report


def test_a_summary_has_no_title_over_nothing_but_a_figure():
    shown = (
        "## A\n\n### B\n\n![b](b.png)\n\nof b\n\n## C\n\n![c](c.png)\n\nof c\n\n### D\n\nmore\n\n## E\n\n![e](e.png)\n"
    )
    assert without_figures(shown) == "## C\n\n### D\n\nmore\n"


def test_a_summary_is_no_longer_than_github_takes_less_whole_sections(summary, tmp_path):
    sections = {name: f"## {name}\n\n" + "a line\n\n" * size for name, size in (("A", 90_000), ("B", 90_000), ("C", 3))}
    (tmp_path / "report.md").write_text("# fitgate report\n\n" + "".join(sections.values()))
    summary.write_text("what the step said before\n")
    append_to_step_summary(tmp_path / "report.md")
    found = summary.read_text()
    assert len(found.encode()) <= MOST < 2**20
    assert sections["A"] in found
    assert found.endswith(f"{sections['C']}Left out, as GitHub takes no more: B.\n")


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """The pull request of docs/pull-request, written again from its records."""
    place = tmp_path_factory.mktemp("pull-request")
    make(PLACE, place)
    return place


def content(path):
    """A file's text, less what another library of pictures or of mathematics may write in another way."""
    text = re.sub('data:image/png;base64,[^"]*', "", path.read_text(encoding="utf-8"))
    return re.sub(r"\d+\.\d{7,}(e-?\d+)?", lambda number: f"{float(number[0]):.6g}", text)


@pytest.mark.parametrize(
    "name", ["README.md", "annotations.txt", "comment.md", "latency.md", "site.html", "summary.md"]
)
def test_the_pull_request_in_the_documents_is_as_it_would_be_written_today(again, name):
    same = content(again / name) == content(PLACE / name)  # a page is too long for pytest to tell where it differs
    assert same, "write it again by python -m tests.pull_request --kept"


def test_junit_s_xml_of_that_pull_request_has_the_numbers_of_its_record():
    (suite,) = JUnitXml.fromfile(str(PLACE / "junit.xml"))
    verdicts = [verdict for verdict in read(PLACE / HEAD).verdicts if verdict.model == "forest"]
    assert [[(p.name, p.value) for p in case.properties()] for case in suite] == list(map(properties, verdicts))


def test_the_pull_request_in_the_documents_names_no_place_of_a_machine():
    for path in PLACE.rglob("*.*"):
        assert not re.search(r"/(?:tmp|home|root|work|Users|var)/", path.read_text(encoding="utf-8")), path.name
    for link in links(PLACE / "README.md"):
        assert (PLACE / link).exists(), link
