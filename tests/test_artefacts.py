"""Every artefact of a session is written whatever becomes of the others, and no loss of one goes unnoticed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fitgate.cli import main
from fitgate.files import FileError
from fitgate.record import read
from tests.conftest import ROOT

GATE = 'Floor(DIGITS, "accuracy", quick=0.9)'
READER = f"model(gates=({GATE},), tasks=(DIGITS,))"
GOLDEN = Path(__file__).parent / "golden"
OURS = re.compile(rf'File "{ROOT}/fitgate[^"]*"|INTERNALERROR|Traceback')


def one_line(result):
    """The session's end in one line, and no traceback."""
    output = f"{result.stdout.str()}\n{result.stderr.str()}"
    assert not OURS.search(output), output
    return [line for line in output.splitlines() if line.startswith("ERROR: ")]


def add(project, text):
    conftest = project.path / "conftest.py"
    conftest.write_text(f"{conftest.read_text()}\n{text}\n")


def mounted(path, kind, options):
    path.mkdir(exist_ok=True)
    mount = ["mount", *kind, "-o", options, *(["tmpfs"] if "tmpfs" in kind else [str(path)]), str(path)]
    return shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0


@pytest.fixture
def small(project):
    """A directory on a disk of 512 KiB; the test is skipped where it may not mount one."""
    path = project.path / "small"
    if not mounted(path, ("-t", "tmpfs"), "size=512k"):
        pytest.skip("this user may not mount a file system")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_ends_the_session_before_anything_is_fitted(project, small):
    project.write(READER)
    (small / "earlier").mkdir()
    (small / "earlier" / "record.json").write_text("kept")
    with Filler(small / "filling") as file:
        file.write(bytes(1 << 20))
    result = project.run("-k", "test_gate", "--fit-runs-dir=small")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = one_line(result)
    assert "No space left on device" in line
    assert not project.fits
    assert (small / "earlier" / "record.json").read_text() == "kept"
    assert {path.name for path in small.iterdir()} <= {"earlier", "filling", ".gitignore"}


class Filler:
    """A file to write until the disk is full."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, "wb", buffering=0)
        return self.file

    def __exit__(self, kind, error, traceback):
        self.file.close()
        return kind is not None and issubclass(kind, OSError)


FILLING = """
class Filling(Reader):
    def fit(self, X, y):
        super().fit(X, y)
        try:
            with open(PLACE, "wb", buffering=0) as file:
                for _ in range(64):
                    file.write(bytes(1 << 14))
        except OSError:
            pass
        return self
"""


def test_a_disk_that_fills_during_the_session_is_the_headline(project, small):
    project.write(f'model("filling", Filling, gates=({GATE},), tasks=(DIGITS,))')
    add(project, FILLING.replace("PLACE", repr(str(small / "filling"))))
    result = project.run("-k", "test_gate", "--fit-runs-dir=small")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: the run's record could not be kept: *(No space left on device)*"])
    (run,) = small.glob("*/record.json")
    assert read(run).status == "running"  # what was kept at the beginning


def test_a_read_only_checkout_ends_the_session_in_one_line(project):
    project.write(READER)
    if not mounted(project.path, ("--bind",), "bind"):
        pytest.skip("this user may not mount a file system")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", project.path], check=True)
        result = project.run("-k", "test_gate")
    finally:
        subprocess.run(["umount", "-l", project.path], check=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = one_line(result)
    assert "Read-only file system" in line
    assert "--fit-runs-dir" in line


@pytest.mark.parametrize("how", ["file", "dangling link", "FIFO", "too long"])
def test_no_place_for_runs_is_one_line_before_anything_is_fitted(project, how):
    project.write(READER)
    place = project.path / ("runs" if how != "too long" else "r" * 300)
    {
        "file": lambda: place.write_text("mine"),
        "dangling link": lambda: place.symlink_to("nowhere"),
        "FIFO": lambda: os.mkfifo(place),
        "too long": lambda: None,
    }[how]()
    result = project.run("-k", "test_gate", f"--fit-runs-dir={place.name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(one_line(result)) == 1
    assert not project.fits


def test_workers_fit_nothing_where_no_run_can_be_recorded(project):
    project.write(READER)
    (project.path / "runs").write_text("mine")
    result = project.run("-m", "not latency", "-n", "1", "--fit-runs-dir=runs", subprocess=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: *the run's record could not be kept: *runs: found no way to write*"])
    assert not project.fits


def test_a_directory_in_place_of_the_ignore_file_is_left_alone(project):
    project.write(READER)
    (project.path / ".fitgate" / "runs" / ".gitignore").mkdir(parents=True)
    assert project.run("-k", "test_gate").ret == 0


def failing_writer(monkeypatch, name):
    """Let each writing of files of this name fail, as on a broken disk."""
    from fitgate import files

    sound = files.tempfile.mkstemp

    def mkstemp(*, prefix, **given):
        if prefix.startswith(f".{name}"):
            raise OSError(5, "Input/output error")
        return sound(prefix=prefix, **given)

    monkeypatch.setattr("fitgate.files.tempfile.mkstemp", mkstemp)


def test_a_report_that_can_t_be_written_fails_the_run_and_keeps_the_record(project, monkeypatch):
    project.write(READER)
    failing_writer(monkeypatch, "report.md")
    result = project.run("-k", "test_gate")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: the report could not be made: *report.md: *(Input/output error)*"])
    assert project.record.status == "finished"
    assert "Input/output error" in project.record.faults[0]


def test_a_record_that_can_t_be_written_leaves_the_journal_and_the_report(project, monkeypatch):
    project.write(READER, 'model("breaking", Breaking, tasks=(DIGITS,))')
    breaking = "class Breaking(Reader):\n    def fit(self, X, y):\n        fakes.BROKEN()\n        return self"
    add(project, breaking)
    monkeypatch.setattr("tests.fakes.BROKEN", lambda: failing_writer(monkeypatch, "record.json"), raising=False)
    result = project.run("-m", "not latency")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: *the run's record could not be kept: *(Input/output error)*"])
    assert project.record.status == "running"
    assert project.record.verdicts  # of the journal
    assert "could not be kept" in project.report


def test_a_journal_that_can_t_be_written_fails_the_run_and_the_record_is_whole(project, monkeypatch):
    def append(path, content):
        raise FileError(path, found="no way to write there", expected="a place", next_step="free it")

    project.write(READER)
    monkeypatch.setattr("fitgate.record.storage.append", append)
    result = project.run("-k", "test_gate")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: the run's record could not be kept: *journal.jsonl: found no way *"])
    assert project.record.status == "finished"
    assert len(project.record.verdicts) == 1


def test_a_model_that_deletes_the_run_s_directory_fails_the_run(project):
    project.write(f'model("deleting", Deleting, gates=({GATE},), tasks=(DIGITS,))')
    add(project, "import shutil\nclass Deleting(Reader):\n    def fit(self, X, y):\n"
        "        shutil.rmtree('.fitgate')\n        return super().fit(X, y)")  # fmt: skip
    result = project.run("-k", "test_gate")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: FAIL: the run's record could not be kept: *No such file or directory*"])
    assert len(project.record.verdicts) == 1


@pytest.mark.parametrize("place", ["figures", "view", "template"])
def test_a_part_of_the_report_that_fails_costs_itself_alone(project, monkeypatch, place):
    def broken(*of, **more):
        raise ZeroDivisionError("a bug")

    project.write(f"model(gates=({GATE},), blunder=50, tasks=(DIGITS,))")
    if place == "figures":
        monkeypatch.setattr("fitgate.report.figures._confusion", broken)
    elif place == "view":
        monkeypatch.setattr("fitgate.report.view.report.SECTIONS", {**sections(), "recalls": (broken, ())})
    else:
        monkeypatch.setitem(filters(), "share", broken)
        monkeypatch.setattr("fitgate.report.markdown.IN_CELLS", {"md": broken})
    result = project.run("-k", "test_gate")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    one_line(result)
    part = {"figures": "figure confusion.png", "view": "report's section recalls"}.get(place, "report as a whole")
    result.stdout.fnmatch_lines([f"fitgate: FAIL: the {part} could not be made: ZeroDivisionError: a bug (*)"])
    result.stdout.fnmatch_lines(["fitgate: tracebacks in *errors.log"])
    assert f"the {part} could not be made: ZeroDivisionError: a bug" in project.report
    (fault,) = project.record.faults
    assert fault.startswith(f"the {part} could not be made: ZeroDivisionError: a bug")
    (run,) = project.runs
    assert 'in broken\n    raise ZeroDivisionError("a bug")' in (run / "errors.log").read_text()
    if place != "template":
        assert (run / "figures" / "misclassified.png").exists()
        assert "Where and how it ran" in project.report


def sections():
    from fitgate.report.view.report import SECTIONS

    return SECTIONS


def filters():
    from fitgate.report.markdown import FILTERS

    return FILTERS


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raise KeyError('age')", "KeyError: 'age'"),
        ("sys.exit(0)", "SystemExit: 0"),
        ("pytest.skip('no')", "Skipped: no"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("signal.raise_signal(signal.SIGINT)", "KeyboardInterrupt"),
        ("return 7", "TypeError: 'int' object is not iterable"),
    ],
)
def test_a_plugin_s_report_that_fails_is_named_and_the_others_are_written(project, how, error):
    project.write(READER)
    add(project, f"import pytest, signal, sys\ndef pytest_fitgate_report(record, directory):\n    {how}")
    other = "def pytest_fitgate_report(record, directory):\n    (directory / 'fair.md').write_text('')\n"
    project.pytester.makepyfile(extra=f"{other}    return [directory / 'fair.md']\n")
    project.pytester.syspathinsert()
    result = project.run("-k", "test_gate", "-p", "extra")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [f"fitgate: FAIL: the report of *conftest.py could not be made: {error}*", "fitgate: report in *fair.md"]
    )
    assert error in project.report
    assert error in project.record.faults[0]
    assert project.record.status == "finished"


def test_a_summary_that_can_t_be_written_is_one_line_and_fails_nothing(project, monkeypatch):
    project.write(READER)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path))
    result = project.run("-k", "test_gate")
    assert result.ret == 0
    one_line(result)
    result.stdout.fnmatch_lines(["fitgate: no step summary: *found no way to write there (Is a directory)*"])


def test_a_model_that_changes_the_working_directory_moves_nothing(project):
    project.write(f'model("moving", Moving, gates=({GATE},), tasks=(DIGITS,))')
    add(project, "import os, tempfile\nclass Moving(Reader):\n    def predict(self, X):\n"
        "        os.chdir(tempfile.mkdtemp())\n        return super().predict(X)")  # fmt: skip
    try:
        result = project.run("-k", "test_gate", "--fit-runs-dir=mine")
    finally:
        os.chdir(project.path)
    result.stdout.fnmatch_lines(["fitgate: report in mine*report.md"])
    assert list((project.path / "mine").glob("*/report.md"))


def test_a_directory_of_the_command_line_is_relative_to_where_pytest_starts(project, monkeypatch):
    project.write(READER)
    (project.path / "sub").mkdir()
    (project.path / "pytest.ini").write_text("[pytest]\nfit_runs_dir = of-ini\n")
    monkeypatch.chdir(project.path / "sub")
    assert project.run("-k", "test_gate", "--rootdir=..", "..").ret == 0
    assert project.run("-k", "test_gate", "--rootdir=..", "..", "--fit-runs-dir=of-line").ret == 0
    assert (project.path / "of-ini").is_dir()
    assert (project.path / "sub" / "of-line").is_dir()


def test_warnings_that_are_errors_cost_no_figure(project):
    project.write('model(gates=(Floor(WORDS, "accuracy", 0.9),), blunder=50, tasks=(WORDS,))')
    add(project, 'WORDS = Task("words", Dataset("words", fakes.splits, class_names=tuple("零一二三四五六七八九")))')
    result = project.run("-k", "test_gate", "-W", "error")
    assert (result.ret, project.record.faults) == (0, [])
    (run,) = project.runs
    assert (run / "figures" / "confusion.png").exists()


@pytest.mark.parametrize("command", ["report", "compare", "init", "ab", "sabotage"])
def test_a_command_whose_output_can_t_be_written_is_one_line(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("mine")
    (tmp_path / ".github").write_text("mine")
    golden = str(GOLDEN)
    given = {
        "report": ["report", golden, "--out", "taken"],
        "compare": ["compare", f"a={golden}", f"b={golden}", "--out", "taken/comparison.md"],
        "init": ["init"],
        "ab": ["ab", "--out", "taken/ab.md"],
        "sabotage": ["sabotage", "--out", "taken/sabotage.md"],
    }[command]
    assert main(given) == 1
    assert re.fullmatch(r"error: .*: found no way to write there \(.*\), expected .*\n", capsys.readouterr().err)
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_run_whose_record_no_command_would_read_does_not_pass(project):
    project.write('model(tasks=(DIGITS,), gates=(Floor(DIGITS, "accuracy", quick=0.9),))')
    project.pytester.makepyfile(
        test_more="""
        from fitgate.latency.timing import Timing

        def test_more(trained, emit):
            emit(Timing("reader", "digits", "single-stream", 1, [-1.0]))
        """
    )
    result = project.run("-k", "test_gate or test_more")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fitgate: FAIL: a record that can be read could not be made: *found no valid record*"])
    assert "a record that can be read could not be made" in project.report
    assert main(["judge", str(project.runs[0])]) != 0
