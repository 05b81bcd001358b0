"""The latency gate: two revisions of this repository, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from fitgate.ab.arms import Arm, Tree
from fitgate.ab.errors import ComparisonError
from fitgate.ab.revisions import commit_of, worktree
from fitgate.ab.session import SIGNIFICANCE, Session, compare, enough_blocks
from fitgate.latency.timing import Scenario
from fitgate.record import working_commit
from fitgate.statistics import least_blocks


def run(
    base: str,
    candidate: str | None,
    *,
    models: Sequence[str],
    scenario: Scenario,
    blocks: int | None,
    seconds: float,
    say: Callable[[str], None],
) -> Session:
    """Compare a candidate with a base, and the base with itself.

    Args:
        base: a revision.
        candidate: another; None for the working tree as it is.
        models: names; for none, all that both have, less the slow ones.
        scenario: how predictions are asked for.
        blocks: how many; None for as many as the models need.
        seconds: how long each process times each model.
        say: is called with each line of progress.

    Raises:
        ComparisonError: if there is no such revision, a tree lacks a model or can't fit it, or so few blocks could
            never show a slowdown.
        ExecutorError: if a process dies.
    """
    if candidate is None:
        commits = commit_of(base), working_commit(Path.cwd())
    else:
        commits = commit_of(base), commit_of(candidate)
    with ExitStack() as stack:
        tree = stack.enter_context(worktree(base))
        own = Path.cwd() if candidate is None else stack.enter_context(worktree(candidate))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fitgate-ab-")))
        trees = [Tree(name, tree, directory / name) for name in ("base", "control")]
        trees.append(Tree("candidate", own, directory / "candidate"))
        say("fitting the models of each arm ...")
        arms = {tree.name: tree.fit(models) for tree in trees}
        common = _common(models, arms["base"], arms["candidate"])
        count = enough_blocks(len(common)) if blocks is None else blocks
        if count < (least := least_blocks(SIGNIFICANCE / len(common))):
            raise ComparisonError(
                f"--blocks {count}",
                found=f"too few for any slowdown of {len(common)} models to reach p < {SIGNIFICANCE:g}",
                expected=f"{least} or more",
                next_step="name more blocks or fewer --models",
            )
        timed = list(arms.values())
        return compare(timed, common, scenario, blocks=count, seconds=seconds, commits=commits, say=say)


def _common(models: Sequence[str], base: Arm, candidate: Arm) -> list[str]:
    """The models to compare: those named, which both must have, or all that both have."""
    for name in models:
        for arm in (candidate, base):
            if name not in arm.models:
                raise ComparisonError(
                    f"--models {name}",
                    found=f"that the {arm.name} has no such model",
                    expected="a model that base and candidate have",
                    next_step="correct the name, or leave the model out",
                )
    common = [name for name in candidate.models if name in base.models]
    if not common:
        raise ComparisonError(
            "ab",
            found="no model that both base and candidate have",
            expected="one at least",
            next_step="compare revisions that share a model, neither slow nor without its libraries",
        )
    return common
