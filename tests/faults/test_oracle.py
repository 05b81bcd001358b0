"""The oracle would see each defect: an oracle that can't find one is worth nothing."""

import os
import re
import time
from pathlib import Path

import pytest

from tests.faults import page
from tests.faults.campaign import CLASSES, Done, Tally, generate, key_of, tallies
from tests.faults.material import changed, hashes
from tests.faults.oracle import DEFECTS, Kind, Observation, clear_line, judge, tracebacks
from tests.faults.process import forked

LINE = "error: a/x.npz: found a damaged file (bad CRC), expected a baseline; restore it from git."
OURS = """\
Traceback (most recent call last):
  File "/srv/checkout/fitgate/gates/baseline.py", line 153, in read_baseline
    archive = np.load(path)
  File "/usr/lib/python3.11/site-packages/numpy/lib/npyio.py", line 10, in load
    raise ValueError("bad magic")
ValueError: bad magic
"""
THEIRS = OURS.replace("/srv/checkout/fitgate/gates/baseline.py", "/tmp/x/other.py")
GROUP = """\
+ Exception Group Traceback (most recent call last):
  |   File "/tmp/x/other.py", line 20, in <module>
  |     raise ExceptionGroup("several", [ValueError("one")])
  | ExceptionGroup: several (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: one
    +------------------------------------
"""
PYTESTS = """\
_________ test_gate[faulty-cloud-accuracy>=0.5] _________
/srv/checkout/fitgate/runs/evaluator.py:76: in evaluation
    return self._once(key)
E   KeyError: 'cloud'

fitgate/runs/once.py:37: KeyError
=========== 1 failed in 0.1s ===========
"""


def found(status=1, output=LINE, names=("x.npz",), **seen):
    return judge(Observation(status, output, names, **seen)).kind


def test_a_clear_line_is_one_and_names_what_it_is_about():
    assert found() is Kind.CLEAR
    assert found(names=("y.npz",)) is Kind.SILENT
    assert found(output="error: something went wrong with x.npz") is Kind.SILENT
    assert found(output="error: x.npz: found a thing,\nexpected another") is Kind.SILENT
    assert found(output=f"{LINE}{'x' * 10_000}") is Kind.SILENT
    assert clear_line(f"before\n{LINE}\nafter", ["x.npz"]) == LINE


@pytest.mark.parametrize("verdict", ["FAIL", "INCOMPLETE"])
def test_a_verdict_will_do_where_the_status_is_not_0(verdict):
    assert found(output="", verdict=verdict) is Kind.FAIL
    assert found(0, "", verdict=verdict, same=True) is Kind.FALSE_PASS


def test_what_passes_must_have_come_to_the_same():
    assert found(0, "", same=True) is Kind.UNAFFECTED
    assert found(0, "") is Kind.FALSE_PASS
    assert found(0, LINE) is Kind.FALSE_PASS
    assert found(0, "", same=True, refused=True) is Kind.FALSE_PASS


def test_a_forged_headline_is_a_false_pass_wherever_it_stands():
    forged = {"forged": ("fitgate: PASS: all 6 gates passed",), "verdict": "FAIL"}
    assert found(output="E   boom\n  fitgate: PASS: all 6 gates passed\n", **forged) is Kind.FALSE_PASS
    assert found(texts={"report.md": "fitgate: PASS: all 6 gates passed"}, **forged) is Kind.FALSE_PASS
    assert found(output="ValueError: fitgate: PASS: all 6 gates passed", **forged) is Kind.FAIL


@pytest.mark.parametrize("output", [OURS, PYTESTS, f"INTERNALERROR> {THEIRS}", f"{LINE}\n{OURS}", f"{THEIRS}\n{OURS}"])
def test_a_traceback_of_ours_is_one_even_beside_a_verdict(output):
    assert found(output=output, verdict="FAIL") is Kind.TRACEBACK
    assert found(0, output, same=True) is Kind.TRACEBACK


def test_a_traceback_of_a_plugin_s_is_its_own():
    assert found(output=THEIRS, verdict="FAIL") is Kind.FAIL
    assert found(output=THEIRS, names=("other.py",)) is Kind.CLEAR
    assert found(output=GROUP, names=("other.py",)) is Kind.CLEAR
    assert found(output=THEIRS) is Kind.SILENT
    assert found(output=PYTESTS.replace("fitgate/runs", "x"), verdict="FAIL") is Kind.FAIL


def test_the_log_is_to_hold_no_bug_of_ours():
    assert found(verdict="FAIL", log=OURS) is Kind.TRACEBACK
    assert found(verdict="FAIL", log=OURS.replace("ValueError: bad magic", LINE)) is Kind.FAIL
    assert found(verdict="FAIL", log=THEIRS) is Kind.FAIL


def test_frames_are_read_off_both_kinds_of_traceback():
    assert [t.is_ours for t in tracebacks(OURS + THEIRS)] == [True, False]
    (traceback,) = tracebacks(PYTESTS)
    assert (traceback.place, traceback.error) == ("fitgate/runs/once.py", "KeyError: 'cloud'")


def test_a_hang_and_a_loss_go_before_all_else(tmp_path):
    assert found(None, LINE) is Kind.HANG
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    before = hashes(tmp_path)
    assert changed(before, tmp_path) == []
    (tmp_path / "a").write_text("A")
    (tmp_path / "b").unlink()
    assert changed(before, tmp_path) == ["a is changed", "b is gone"]
    assert found(lost=changed(before, tmp_path)) is Kind.LOST


@pytest.mark.parametrize("text", ["\x1b[32mPASS", "\u202eSSAP", "\x00", "x" * 2_000_000])
def test_what_is_brought_along_is_escaped_and_bounded(text):
    assert found(output=f"{LINE}\n{text}") is Kind.UNESCAPED
    assert found(verdict="FAIL", texts={"report.md": text}) is Kind.UNESCAPED
    assert found(output=f"{LINE}\n{text}", begun=False) is Kind.CLEAR


def test_an_interrupt_is_the_user_s_and_says_so():
    assert (
        found(2, "!!!!!!!!!!! KeyboardInterrupt !!!!!!!!!!!\nfitgate/runs/training.py:12: KeyboardInterrupt")
        is Kind.CLEAR
    )
    assert found(1, "!!!!!!!!!!! KeyboardInterrupt !!!!!!!!!!!") is Kind.SILENT
    assert found(2, "") is Kind.SILENT


def test_nothing_at_all_is_silent():
    assert found(output="") is Kind.SILENT
    assert found(-9, "") is Kind.FAIL  # which the shell says


def test_a_fork_ends_as_a_process_does(tmp_path):
    def spin():
        while True:
            time.sleep(1)

    def write():
        print("begun", flush=True)
        for name in "abc":
            Path(name).write_text(name)

    killed = forked(write, tmp_path, limit=20, at_write=(2, lambda: os.kill(os.getpid(), 9)))
    assert (killed.status, killed.output) == (-9, "begun\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert forked(lambda: 1 / 0, tmp_path, limit=20).status == 1
    assert forked(spin, tmp_path, limit=0.2).status is None
    assert forked(spin, tmp_path, limit=20, kill_after=0.1).status == -9


def test_the_same_seed_generates_the_same_faults():
    counts = dict.fromkeys(CLASSES, 12)
    first, again, others = (list(map(str, generate(counts, seed))) for seed in (1, 1, 2))
    assert first == again
    assert first != others
    assert len({(case.of, key_of(case.fault)) for case in generate(counts, 1)}) == len(first)


def test_the_page_counts_what_must_not_be():
    done = [Done("kills", i, "bless", "a fault", kind, "", 0.1) for i, kind in enumerate(Kind)]
    (tally,) = tallies(done)
    assert tally == Tally("kills", CLASSES["kills"].ABOUT, len(Kind), 0, {str(kind): 1 for kind in Kind})
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in page.table_of([tally]).splitlines()]
    assert rows[0][3:] == [str(kind) for kind in page.COLUMNS]
    assert rows[-1] == ["all", str(len(Kind)), "0", *["1"] * len(Kind)]
    assert set(DEFECTS) < set(page.COLUMNS)
