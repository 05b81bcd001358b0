"""SIGKILL, at random moments and at each change of a file: nothing is lost, and nothing mixed."""

from __future__ import annotations

import os
import shutil
import signal
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from fitgate.gates.archive import anchor_file, page_file
from tests.faults.case import SHARE, Bench, Fault
from tests.faults.material import Material, Project, as_read, changed, hashes, outcome_of
from tests.faults.oracle import Observation

CLASS = "kills"
ABOUT = "kill -9 while fitting, recording, blessing, reporting"
DURATION = {"session": 0.9, "bless": 0.5, "report": 0.6, "session -n 2": 4.0}  # seconds in which a moment is drawn
CHANGES = {"session": 30, "bless": 40, "report": 20}  # of files, about

MOMENTS = st.builds(
    lambda door, at: Fault(door, "moment", {"at": at}), st.sampled_from([*DURATION][:3] * 6 + ["session -n 2"]), SHARE
)
WRITES = st.builds(
    lambda door, number: Fault(door, "change of a file", {"number": number % CHANGES[door]}),
    st.sampled_from([*CHANGES]),
    st.integers(0, 2**16),
)
FAULTS = MOMENTS | WRITES


def do(fault: Fault, bench: Bench) -> Observation:
    """Kill a process, and read what there is then."""
    project = _before(fault.door, bench)
    ending = {"limit": 60.0}
    if fault.name == "moment":
        ending["kill_after"] = fault.arguments["at"] * DURATION[fault.door]
    else:
        ending["at_write"] = (fault.arguments["number"], lambda: os.kill(os.getpid(), signal.SIGKILL))
    match fault.door:
        case "session" | "session -n 2":
            return _session(fault, project, ending)
        case "bless":
            return _bless(project, bench.material, ending)
        case _:
            return _report(project, bench, ending)


def _session(fault: Fault, project: Project, ending: dict[str, object]) -> Observation:
    before = hashes(project.earlier, project.baselines)
    ended = project.session(*(["-n", "2"] if "-n" in fault.door else []), **ending)
    lost = changed(before, project.earlier, project.baselines)
    verdict = "INCOMPLETE"  # of a run that has not begun
    for run in project.new_runs:
        if not (run / "record.json").exists() and ended.status != 0:
            continue  # killed before its first record: nothing was judged
        verdict, _, missing = outcome_of(run)
        lost += [words for words in missing if ended.status == 0 or "report" not in words]  # it is written last
        if verdict == "PASS" and ended.status != 0:
            verdict = "INCOMPLETE"  # the record was whole by then, and exit status says that the session was not
    return Observation(ended.status, ended.output, (), verdict, same=ended.status == 0 and verdict == "PASS", lost=lost)


def _before(door: str, bench: Bench) -> Project:
    """The sound project; to be blessed, with baselines of another model; to be reported, with another run's report."""
    project = bench.material.sound.copied_to(bench.directory / "project")
    if door == "bless":
        shutil.rmtree(project.baselines)
        shutil.copytree(_others(bench.material), project.baselines)
    if door == "report":
        shutil.copytree(bench.material.failing.earlier, bench.directory / "out")
        (bench.directory / "out" / "record.json").unlink()
    return project


@cache
def _others(material: Material) -> Path:
    """Baselines of the same models on the same data, from when they learnt from less."""
    project = material.sound.copied_to(material.directory / f"others-{os.getpid()}")
    shutil.rmtree(project.baselines)
    other = (project.directory / "other.py").read_text(encoding="utf-8").replace("NearestMean(30)", "NearestMean(7)")
    project.write(most=9, other=other)
    project.session()
    project.command("bless", "--yes", str(project.new_runs[-1]))
    return project.baselines


def _bless(project: Project, material: Material, ending: dict[str, object]) -> Observation:
    names = sorted(path.name for path in project.baselines.glob("*.npz"))
    old, new = (as_read(directory, names) for directory in (_others(material), material.sound.baselines))
    before = hashes(project.earlier)
    ended = project.command("bless", "--yes", str(project.earlier), **ending)
    lost = changed(before, project.earlier)
    now = as_read(project.baselines, names)
    if now not in (old, new):
        lost.append(
            f"a mixed set: {sum(a == b for a, b in zip(now, new, strict=True))} of {len(new)} baselines are new"
        )
    again = project.command("bless", "--yes", str(project.earlier))
    if again.status != 0 or as_read(project.baselines, names) != new:
        lost.append(f"blessing again does not mend it: {again.output[-200:]}")
    paths = [project.baselines / name for name in names]
    if as_read(project.baselines, [anchor_file(path).name for path in paths]) != old:
        lost.append("the anchors are not what stood there first")
    lost += [f"no page beside {path.name}" for path in paths if not page_file(path).is_file()]
    return _killed(ended.status, ended.output, lost)


def _report(project: Project, bench: Bench, ending: dict[str, object]) -> Observation:
    out = bench.directory / "out"
    old = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    before = hashes(project.earlier, project.baselines)
    ended = project.command("report", str(project.earlier), "--out", str(out), **ending)
    lost = changed(before, project.earlier, project.baselines)
    whole = _whole_report(bench.material)
    for path in out.rglob("*"):
        if path.is_file() and not path.name.endswith(".part"):
            name, content = path.relative_to(out), path.read_bytes()
            if content not in (old.get(name), whole.get(name)):
                lost.append(f"{name} is neither the former one nor the new")
    return _killed(ended.status, ended.output, lost)


@cache
def _whole_report(material: Material) -> dict[Path, bytes]:
    out = material.directory / f"report-{os.getpid()}"
    material.sound.command("report", str(material.sound.earlier), "--out", str(out))
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def _killed(status: int | None, output: str, lost: list[str]) -> Observation:
    """A command that was killed, or had ended before."""
    return Observation(status, output, (), "INCOMPLETE" if status else "", same=status == 0, lost=lost)
