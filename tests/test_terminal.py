"""What models print, log and raise reaches the terminal bounded, and without what would control it."""

import pytest

from fitgate.gates import Outcome

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
