"""Arms: the working trees that are compared, and the fresh processes that run in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROBE = Path(__file__).with_name("probe.py")
SEED = 42


class ArmError(LookupError):
    """An arm that can't be made or compared, or whose process failed."""


@dataclass(frozen=True)
class Arm:
    """A working tree with its fitted models.

    Attributes:
        name: `base`, `candidate` or `control`.
        tree: the working tree, whose code runs.
        directory: where its fitted models lie.
        cores: the processor's cores that its processes may use; all for none.
    """

    name: str
    tree: Path
    directory: Path
    cores: tuple[int, ...] = ()

    def fit(self, models: Sequence[str]) -> list[str]:
        """Fit models, all that the tree has for none, by the tree's own code; the names of those that it has."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return list(self._run(what="fit", names=list(models), seed=SEED))

    def start(self, models: Sequence[str], batch_size: int | None) -> Process:
        """Start a fresh process that answers for the models."""
        return self._process(what="answer", names=list(models), batch_size=batch_size)

    def _run(self, **request: Any) -> Any:
        return json.loads(self._process(**request).finish().strip().splitlines()[-1])

    def _process(self, **request: Any) -> Process:
        request |= {"directory": str(self.directory), "cores": list(self.cores)}
        environment = {**os.environ, "PYTHONPATH": str(self.tree), "PYTHONHASHSEED": "random"}
        command = [sys.executable, "-P", str(PROBE), json.dumps(request)]
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 # a pipe that nobody reads would fill, and block
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        return Process(self.name, subprocess.Popen(command, cwd=self.tree, env=environment, text=True, **pipes), errors)


class Process:
    """A fresh process of an arm, which times its models slice by slice, when it is asked to.

    Args:
        name: of its arm.
        process: that was started.
        errors: the file that takes its errors, and what its models print.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], errors: IO[str]):
        self.name = name
        self._process = process
        self._errors = errors

    def wait(self) -> None:
        """Wait until it has loaded and warmed up its models."""
        self._line()

    def ask(self, model: str, seconds: float) -> float:
        """Median seconds of the queries of one slice of time."""
        assert self._process.stdin is not None, "it was started with a pipe"
        request = {"name": model, "seconds": seconds}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return float(self._line())

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def finish(self) -> str:
        """Wait until it has ended; what it printed."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise self._failed()
        self._errors.close()
        return out

    def _line(self) -> str:
        assert self._process.stdout is not None, "it was started with a pipe"
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise self._failed()
        return line

    def _failed(self) -> ArmError:
        self._errors.seek(0)
        last = (self._errors.read().strip().splitlines() or ["no message"])[-1]
        return ArmError(f"{self.name}: its process failed: {last}. Expected a working tree with models/ and the suite.")


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """A git working tree of a revision, for as long as it is needed.

    Raises:
        ArmError: if git has no such revision.
    """
    with tempfile.TemporaryDirectory(prefix="digit-bench-ab-") as directory:
        tree = Path(directory, "tree")
        _git("worktree", "add", "--detach", str(tree), revision)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def commit_of(revision: str) -> str:
    """The commit that a revision names.

    Raises:
        ArmError: if git has no such revision.
    """
    return _git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise ArmError("git is not installed, and ab compares git's revisions; install it.") from error
    except subprocess.CalledProcessError as error:
        raise ArmError(
            f"git {' '.join(arguments)}: {error.stderr.strip()}. Expected a revision of this repository, such as "
            "origin/main or HEAD~1; fetch it if it is not here."
        ) from error
