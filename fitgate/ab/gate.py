"""The latency gate: two revisions of this repository, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from fitgate.ab.arms import Arm, ArmError, commit_of, worktree
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
        models: names; all quick ones that both have for none.
        scenario: how to ask.
        blocks: how many; None for as many as the models need.
        seconds: how long each process asks each model.
        say: is told of progress.

    Raises:
        ArmError: if there is no such revision, a tree lacks a model, so few blocks could never show a slowdown, or a
            process failed.
    """
    if candidate is None:
        commits = commit_of(base), working_commit(Path.cwd())
    else:
        commits = commit_of(base), commit_of(candidate)
    with ExitStack() as stack:
        tree = stack.enter_context(worktree(base))
        own = Path.cwd() if candidate is None else stack.enter_context(worktree(candidate))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digit-bench-ab-")))
        arms = [Arm(name, tree, directory / name) for name in ("base", "control")]
        arms.append(Arm("candidate", own, directory / "candidate"))
        say("fitting the models of each arm ...")
        fitted = {arm.name: arm.fit(models) for arm in arms}
        common = [name for name in fitted["candidate"] if name in fitted["base"]]
        for name in models:
            if name not in common:
                lacking = "candidate" if name not in fitted["candidate"] else "base"
                raise ArmError(f"--models: the {lacking} has no model {name!r}; it has {', '.join(fitted[lacking])}.")
        if not common:
            raise ArmError("base and candidate have no model in common; there is nothing to compare.")
        count = enough_blocks(len(common)) if blocks is None else blocks
        if count < (least := least_blocks(SIGNIFICANCE / len(common))):
            raise ArmError(
                f"--blocks {count}: no slowdown of {len(common)} models could reach p < {SIGNIFICANCE:g}; expected "
                f"{least} or more, or fewer --models."
            )
        return compare(arms, common, scenario, blocks=count, seconds=seconds, commits=commits, say=say)
