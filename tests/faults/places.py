"""Places that can't be written or read: full disks, read-only ones, files for directories, errors in mid-write."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.faults.case import SEED, Bench, Fault, faults, misplace
from tests.faults.material import Project, as_read, changed, hashes, outcome_of
from tests.faults.oracle import Observation
from tests.faults.process import Ended

CLASS = "places"
ABOUT = "full and read-only disks, files for directories, directories for files, errors in the middle of writing"
NEW_NAMESPACE = 0x00020000  # CLONE_NEWNS of <sched.h>
ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EROFS", "EACCES", "EIO", "EDQUOT", "EMFILE")}
DOORS = {"session": 3, "report": 3, "bless": 2, "compare": 1}
OBSTACLES = {
    "session": [
        *("runs is a file", "fitgate is a file", "runs is a link to nowhere", "runs are elsewhere and a file"),
        *("runs in a deep place", "runs are no directory's child", "baselines is a file", "baselines is a pipe"),
        *("summary is a directory", "summary nowhere", "summary is a full device", "gitignore is a directory"),
    ],
    "report": [
        *("out is a file", "out is a pipe", "report is a directory", "figures is a file"),
        *("figures is a link to nowhere", "out nowhere", "out is a link to itself", "out is empty"),
    ],
    "bless": [
        *("baselines is a file", "baseline is a directory", "baselines is a link to nowhere", "baselines is a pipe"),
    ],
    "compare": ["out is a directory", "out is in a file", "out is empty", "out nowhere"],
}
FAULTS = st.one_of(
    faults(
        DOORS,
        error=st.fixed_dictionaries({"number": st.integers(0, 25), "what": st.sampled_from([*ERRORS]), "again": SEED}),
        full=st.fixed_dictionaries({"kilobytes": st.integers(0, 120), "again": SEED}),
        read_only=st.fixed_dictionaries({"what": st.sampled_from(["all", "outputs"]), "again": SEED}),
    ),
    *(
        st.builds(
            Fault,
            st.just(door),
            st.just("obstacle"),
            st.fixed_dictionaries({"what": st.sampled_from(names), "again": SEED}),
        )
        for door, names in OBSTACLES.items()
    ),
)


def do(fault: Fault, bench: Bench) -> Observation:
    """Let a session or a command write where it can't."""
    disk = bench.directory / "disk"
    disk.mkdir()
    project = bench.material.sound.copied_to(disk / "project")
    out = disk / "out"
    shutil.copytree(bench.material.failing.earlier, out)
    arguments = {
        "session": [],
        "report": ["report", str(project.earlier), "--out", str(out)],
        "bless": ["bless", "--yes", str(project.earlier)],
        "compare": ["compare", f"a={bench.material.repeats[0]}", f"b={out}", "--out", str(out / "comparison.md")],
    }[fault.door]
    environment: dict[str, str] = {}
    ending: dict[str, Any] = {}
    match fault.name:
        case "error":
            ending["at_write"] = (fault.arguments["number"], lambda: _refuse(ERRORS[fault.arguments["what"]]))
        case "full" | "read_only":
            if not may_mount():
                ending["at_write"] = (0, lambda: _refuse(errno.ENOSPC if fault.name == "full" else errno.EROFS))
            else:
                project, out = _mounted(fault, disk, project)
        case "obstacle":
            arguments = _obstruct(fault, project, out, arguments, environment)
    guarded = [path for path in (project.earlier, project.baselines, out) if path.is_dir()]
    before = hashes(*guarded)
    was = {path.name: as_read(project.baselines, [path.name]) for path in bench.material.sound.baselines.glob("*.npz")}
    try:
        run = project.session if fault.door == "session" else project.command
        ended = run(*arguments, environment=environment, **ending)
        return _seen(fault, project, out, arguments, ended, before, was, guarded)
    finally:
        if str(disk) in Path("/proc/self/mounts").read_text(encoding="utf-8"):
            subprocess.run(["umount", "-l", str(disk)], check=True)


def _seen(
    fault: Fault,
    project: Project,
    out: Path,
    arguments: list[str],
    ended: Ended,
    before: dict[str, str],
    was: dict[str, list[str | None]],
    guarded: list[Path],
) -> Observation:
    status = ended.status
    lost, verdict = [], ""
    if fault.door == "session":
        lost += changed(before, *guarded)
        for run in project.new_runs:
            if (run / "record.json").exists():
                verdict, _, missing = outcome_of(run)
                lost += missing if status == 0 else [words for words in missing if "report" not in words]
            elif status == 0:
                lost.append("no record")
        same = status == 0 and verdict == "PASS"
        if status and verdict == "PASS":
            verdict = ""  # the record is sound, and a line is to say what else could not be written
    else:
        same = status == 0 and _is_done(fault.door, project, project.directory / arguments[-1])
        if status:
            lost += _mixed(fault.door, before, was, guarded, project, out)
    names = (
        str(project.directory.parent),
        "out",
        "baselines",
        ".fitgate",
        "report",
        "comparison",
        "record",
        "runs",
        "summary",
    )
    return Observation(status, ended.output, names, verdict, same, lost=lost)


def _is_done(door: str, project: Project, out: Path) -> bool:
    """Whether a command that ended well did what it was to do."""
    if door == "bless":
        return len(list(project.baselines.glob("*.npz"))) == 3
    path = out / "report.md" if door == "report" else out
    return path.is_file() and path.stat().st_size > 100


def _mixed(
    door: str,
    before: dict[str, str],
    was: dict[str, list[str | None]],
    guarded: list[Path],
    project: Project,
    out: Path,
) -> list[str]:
    """What is neither the former nor the new after a command that did not end well."""
    if door == "report":  # each file is whole, the former one or the new
        kept = [line for line in changed(before, *guarded) if "gone" in line]
        report = out / "report.md"
        if report.is_file() and report.stat().st_size < 100:
            kept.append("a report that is cut short")
        return kept
    if door == "bless":  # what was to be written is what stood there
        now = {name: as_read(project.baselines, [name]) for name in was}
        return [] if now == was else ["the baselines are read as others"]
    return changed(before, *guarded)


def _refuse(number: int) -> None:
    raise OSError(number, os.strerror(number))


@cache
def may_mount() -> bool:
    """Whether this process may mount, in a namespace of its own, where it then is."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NAMESPACE):
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode == 0


def _mounted(fault: Fault, disk: Path, project: Project) -> tuple[Project, Path]:
    """The same project, on a disk that has so much room, or is read-only."""
    if fault.name == "full":
        copy = disk.with_name("copy")
        disk.rename(copy)
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=True)
        shutil.copytree(copy, disk, dirs_exist_ok=True)
        room = os.statvfs(disk)
        free = room.f_bavail * room.f_frsize - 1024 * fault.arguments["kilobytes"]
        (disk / "ballast").write_bytes(bytes(max(free, 0)))
    else:
        subprocess.run(["mount", "--bind", str(disk), str(disk)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(disk)], check=True)
    return Project(disk / "project"), disk / "out"


def _obstruct(
    fault: Fault, project: Project, out: Path, arguments: list[str], environment: dict[str, str]
) -> list[str]:
    """Put something in the way; the arguments that then hold."""
    what = fault.arguments["what"]

    def instead(path: Path, by: str) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        misplace(path, by)

    match what:
        case "runs is a file":
            instead(project.runs, "empty")
        case "fitgate is a file":
            instead(project.runs.parent, "empty")
        case "runs is a link to nowhere":
            instead(project.runs, "link to itself")
        case "runs are elsewhere and a file":
            instead(out / "runs", "empty")
            arguments = [f"--fit-runs-dir={out / 'runs'}"]
        case "runs in a deep place":
            arguments = [f"--fit-runs-dir={out / 'a' / ('b' * 300)}"]
        case "runs are no directory's child":
            arguments = [f"--fit-runs-dir={project.directory / 'conftest.py' / 'runs'}"]
        case "gitignore is a directory":
            instead(project.runs / ".gitignore", "directory")
        case "summary is a directory" | "summary nowhere" | "summary is a full device":
            places = {"directory": str(out), "nowhere": str(out / "no" / "summary.md"), "device": "/dev/full"}
            environment["GITHUB_STEP_SUMMARY"] = places[what.split()[-1]]
        case "baselines is a file":
            instead(project.baselines, "empty")
        case "baselines is a pipe":
            instead(project.baselines, "pipe")
        case "baselines is a link to nowhere":
            instead(project.baselines, "link to nowhere")
        case "baseline is a directory":
            instead(project.baseline("nearest", "cloud"), "directory")
        case "out is a file" | "out is a pipe" | "out is a link to itself":
            instead(out, {"file": "empty", "pipe": "pipe", "itself": "link to itself"}[what.split()[-1]])
        case "report is a directory":
            instead(out / "report.md", "directory")
        case "figures is a file":
            instead(out / "figures", "empty")
        case "figures is a link to nowhere":
            instead(out / "figures", "link to nowhere")
        case "out nowhere":
            arguments = [*arguments[:-1], str(out / "a" / "b" / "c.md")]
        case "out is empty":
            arguments = [*arguments[:-1], ""]
        case "out is a directory":
            instead(out / "comparison.md", "directory")
        case "out is in a file":
            arguments = [*arguments[:-1], str(out / "record.json" / "comparison.md")]
    return arguments
