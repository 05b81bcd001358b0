"""The terminal: what a session came to, in few lines, and what models print, bounded, without what would control it."""

import itertools
import os
import re
import subprocess
import sys
import types

import pytest

from fitgate.cli import main
from fitgate.gates import Outcome
from fitgate.plugin.pace import Pace

pty = pytest.importorskip("pty") if os.name == "posix" else None

EVIL = """
import logging, sys, warnings

TEXT = "first\\nfitgate: PASS: all gates passed\\n"
TEXT += "\\x1b[2J\\x1b[1;31mfitgate: PASS: all gates passed\\r" + "\\u202e\\x07\\x00\\ud800 | `a`\\n"

class Evil(Reader):
    def fit(self, X, y):
        print(TEXT)
        logging.getLogger("tests.fake").info(TEXT * 1000)
        warnings.warn(TEXT.replace("\\ud800", ""))
        warnings.warn_explicit("text", UserWarning, TEXT.replace("\\ud800", ""), 1)
        raise ValueError(TEXT + "y" * 5_000_000)
"""


@pytest.mark.parametrize("options", [(), ("-n", "1"), ("-v", "--showlocals"), ("--tb=native",), ("--junitxml=j.xml",)])
def test_no_model_writes_our_lines_or_controls_the_terminal(project, options):
    project.write('model("evil", Evil, gates=(Floor(DIGITS, "accuracy", quick=0.9),), tasks=(DIGITS,))')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + EVIL)
    # Not in this process: what it logs would be in its own report, and no worker of xdist sends a lone surrogate.
    result = project.run("-m", "not latency", *options, subprocess=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    output = result.stdout.str()
    assert len(output) < 1_000_000
    assert "UserWarning: first" in output
    assert all(line.isprintable() for line in output.replace("\t", " ").splitlines()), [
        line for line in output.splitlines() if not line.isprintable()
    ]
    ours = [line for line in output.splitlines() if line.startswith(("fitgate: FAIL", "fitgate: PASS"))]
    assert ours == ["fitgate: FAIL: 1 of 1 gate failed: evil accuracy>=0.9 on digits"]
    record = project.record
    assert [v.outcome for v in record.verdicts] == [Outcome.FAIL]
    assert max(len(failure.error) for failure in record.failures) < 2_100
    assert project.report.splitlines()[2].startswith("**FAIL: 1 of 1 gate failed")
    assert sum(path.stat().st_size for path in project.runs[0].rglob("*") if path.is_file()) < 1_000_000


def section(result):
    """The lines of the summary, without its title."""
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if re.fullmatch("=+ fitgate =+", line))
    return list(itertools.takewhile(lambda line: not line.startswith("="), lines[start + 1 :]))


def floors(count, *others):
    """A model with so many floors that it clears, and others."""
    gates = [f'Floor(DIGITS, "accuracy", {0.5 + i / 1000:g})' for i in range(count)]
    return f'model("reader", tasks=(DIGITS,), blunder=50, gates=({", ".join([*gates, *others])},))'


MISSED = 'Floor(DIGITS, "accuracy", 0.999)'
UNHELD = 'NoRegression(DIGITS, "accuracy", 0.1)'


def test_each_of_a_few_gates_has_a_line_with_its_value_and_how_sure_that_is(project):
    project.write(floors(2))
    result = project.run("-k", "test_gate")
    first, second, notice, verdict, report = section(result)
    assert notice.startswith("fitgate: to look into: 200 of 200 test images")
    assert re.split("  +", first) == [
        "PASS",
        "reader",
        "digits",
        "accuracy>=0.5",
        "0.9800",
        "at least 0.9413, 99% sure",
    ]
    assert second.startswith("PASS  reader  digits  accuracy>=0.501")
    assert verdict == "fitgate: PASS: all 2 gates passed"
    assert report.startswith("fitgate: report in .fitgate")


def test_a_green_run_with_fifty_gates_is_summed_up_in_a_few_lines_and_under_v_in_all(project):
    project.write(floors(49, UNHELD))
    lines = section(project.run("-k", "test_gate"))
    assert [line.split()[0] for line in lines] == ["NO", "PASS", "-", "fitgate:", "fitgate:", "fitgate:"]
    assert len(section(project.run("-v", "-k", "test_gate"))) > 50


def test_what_failed_comes_first_and_is_told_in_a_few_lines_that_begin_with_its_declaration(project):
    project.write(floors(20, UNHELD, MISSED))
    result = project.run("-k", "test_gate")
    lines = section(result)
    assert lines[0].startswith("FAIL         reader  digits  accuracy>=0.999")
    assert "fitgate: FAIL: 1 of 22 gates failed: reader accuracy>=0.999 on digits" in lines
    output = result.outlines
    start = next(i for i, line in enumerate(output) if re.match("_+ test_gate", line))
    told = list(itertools.takewhile(lambda line: not line.startswith("="), output[start + 1 :]))
    assert re.fullmatch(r"conftest\.py:\d+: FAIL: accuracy>=0\.999 of reader on digits", told[0])
    assert len(told) == 2


@pytest.mark.parametrize(
    ("option", "kept"), [("-q", ["FAIL", "fitgate:", "fitgate:", "fitgate:"]), ("-qq", ["fitgate:"])]
)
def test_a_quiet_run_says_what_did_not_pass_and_the_verdict_and_a_quieter_one_the_verdict(project, option, kept):
    project.write(floors(3, MISSED))
    lines = [line for line in project.run(option, "-k", "test_gate").outlines if re.match("FAIL |PASS |fitgate:", line)]
    assert [line.split()[0] for line in lines] == kept


def test_the_run_that_baselines_are_made_of_says_by_which_command(project):
    project.write("model(gates=(" + UNHELD + ",), tasks=(DIGITS,))")
    lines = section(project.run("-k", "test_gate", "--fit-seeds=20"))
    (run,) = project.runs
    (line,) = (line for line in lines if "baselines" in line)
    assert line == f"    - now make baselines of these seeds: fitgate bless {run.relative_to(project.path)}"
    assert main(["bless", str(run), "--yes", "--baselines", str(project.path / "baselines")]) == 0
    assert "train twenty seeds" not in project.report
    assert "--fit-seeds" not in project.record.verdicts[0].message


def test_without_pytest_s_summary_the_verdict_is_said_once(project):
    project.write(floors(1))
    for option in ("--no-summary", "-p no:benchmark"):
        output = project.run("-k", "test_gate", *option.split()).stdout.str()
        assert output.count("fitgate: PASS: the one gate passed") == 1


OWN_BENCHMARK = "def test_own(benchmark):\n    benchmark.pedantic(int, rounds=2)"


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--benchmark-columns=min",), True)])
def test_our_timings_are_in_pytest_benchmark_s_tables_where_these_are_asked_for(project, options, shown):
    project.write('model("reader", tasks=(DIGITS,))')
    project.pytester.makepyfile(test_own=OWN_BENCHMARK)
    output = project.run("--fit-timing=0.1", *options).stdout.str()
    assert "test_own" in output
    assert ("benchmark 'fit': 1 tests" in output) is shown


def test_work_that_was_done_before_says_how_much_of_it_is_left(pytestconfig, monkeypatch):
    kept = {}
    cache = types.SimpleNamespace(get=lambda key, default: kept.get(key, default), set=kept.__setitem__)
    now = iter([0.0, 30.0, 30.0, 42.0, 100.0, 110.0])
    monkeypatch.setattr("fitgate.plugin.pace.perf_counter", lambda: next(now))
    first = Pace(types.SimpleNamespace(cache=cache))
    with first.measured("fitting a"):
        pass
    with first.measured("fitting b"):
        pass
    first.remember()
    again = Pace(types.SimpleNamespace(cache=cache))
    again.expect(["fitting a", "fitting b"])
    assert again.standing("fitting a", 95.0) == "5 s, about 25 s left; 1 of 2, about 37 s left"
    assert again.standing("fitting c", 100.0) == "10 s"


SLOW = """
import time
from fitgate.plugin import announcer
announcer.PATIENCE = announcer.TICK = 0.05

class Slow(Reader):
    def fit(self, X, y):
        time.sleep(0.3)
        return super().fit(X, y)
"""


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
@pytest.mark.parametrize(("variables", "live"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "CI": "1"}, False)])
def test_a_long_fit_is_shown_live_on_a_terminal_and_in_plain_lines_in_a_log(project, variables, live):
    project.write('model("slow", Slow, tasks=(DIGITS,), gates=(Floor(DIGITS, "accuracy", 0.5),))')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + SLOW)
    output = on_terminal(project, variables)
    written_over = re.findall(r"\r\x1b\[K(\[\d\d:\d\d\] fitting slow on digits: [^\r]*)", output)
    assert bool(written_over) is live
    plain = [line for line in output.replace("\r\n", "\n").split("\n") if re.search(r"fitting slow on digits: ", line)]
    assert re.search(r"fitting slow on digits: 200 examples: 0\.\d s$", plain[-1])
    assert live or any(line.endswith(" ...") for line in plain)


def on_terminal(project, variables):
    """What pytest writes to a terminal of 80 columns."""
    own = {name: value for name, value in os.environ.items() if name != "CI"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-k", "test_gate", "-p", "no:cacheprovider"]
    with subprocess.Popen(command, cwd=project.path, env=own | variables, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                some = os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
            if not some:
                break
            written += some
    os.close(ours)
    assert process.returncode == 0, written.decode()
    return written.decode()
