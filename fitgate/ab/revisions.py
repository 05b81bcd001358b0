"""Revisions: commits of git's, and working trees of them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitgate.ab.errors import ComparisonError


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """A git working tree of a revision, for as long as it is needed.

    Yields:
        The directory in it that corresponds to this process's working directory.

    Raises:
        ComparisonError: if git has no such revision.
    """
    with tempfile.TemporaryDirectory(prefix="fitgate-ab-") as directory:
        tree = Path(directory, "tree")
        _git("worktree", "add", "--detach", str(tree), revision)
        try:
            yield tree / _git("rev-parse", "--show-prefix").strip()
        finally:
            _git("worktree", "remove", "--force", str(tree))


def commit_of(revision: str) -> str:
    """The commit that a revision names.

    Raises:
        ComparisonError: if git has no such revision.
    """
    return _git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()


def last_tag(revision: str) -> str:
    """The last tag on the way to a revision, as that of the last release.

    Raises:
        ComparisonError: if there is no such revision, or no tag on its way.
    """
    commit = commit_of(revision)
    try:
        return _git("describe", "--tags", "--abbrev=0", commit).strip()
    except ComparisonError as error:
        raise ComparisonError(
            "--since-tag",
            found=f"no tag on the way to {revision}",
            expected="one, such as that of the last release",
            next_step="fetch the tags with their history (fetch-depth: 0), tag a revision, or name one by --base",
        ) from error


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise ComparisonError(
            "git",
            found="no such program",
            expected="it to be installed, as ab compares its revisions",
            next_step="install git",
        ) from error
    except subprocess.CalledProcessError as error:
        raise ComparisonError(
            f"git {' '.join(arguments)}",
            found=f"{error.stderr.strip()!r}",
            expected="a revision of this repository, such as origin/main or HEAD~1",
            next_step="fetch it if it is not here",
        ) from error
