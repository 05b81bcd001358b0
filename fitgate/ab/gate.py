"""The latency gate: two revisions of this repository, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    """Compare a candidate with two fits of a base.

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
    commits = commit_of(base), working_commit(Path.cwd()) if candidate is None else commit_of(candidate)
    say("fitting the models of each arm ...")
    with fitted(base, candidate, models) as arms:
        return timed(arms, models, scenario, blocks=blocks, seconds=seconds, commits=commits, say=say)


@contextmanager
def fitted(base: str, candidate: str | None, models: Sequence[str], cores: tuple[int, ...] = ()) -> Iterator[list[Arm]]:
    """The arms of a comparison, each with fits of its own, for as long as they are needed.

    Args:
        base, candidate, models: as for `run`.
        cores: of the processor that their processes are kept to; all for none.

    Yields:
        `base` and `control`, which are the base's, and `candidate`.
    """
    with ExitStack() as stack:
        tree = stack.enter_context(worktree(base))
        own = Path.cwd() if candidate is None else stack.enter_context(worktree(candidate))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fitgate-ab-")))
        roots = {"base": tree, "control": tree, "candidate": own}
        yield [Tree(name, root, directory / name, cores).fit(models) for name, root in roots.items()]


def timed(
    arms: Sequence[Arm],
    models: Sequence[str],
    scenario: Scenario,
    *,
    blocks: int | None,
    seconds: float,
    commits: tuple[str | None, str | None],
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Session:
    """Time the models that all arms have; arguments and errors as of `run` and `compare`."""
    common = _common(models, {arm.name: arm for arm in arms})
    count = enough_blocks(len(common)) if blocks is None else blocks
    if count < (least := least_blocks(SIGNIFICANCE / len(common))):
        raise ComparisonError(
            f"--blocks {count}",
            found=f"too few for any slowdown of {len(common)} models to reach p < {SIGNIFICANCE:g}",
            expected=f"{least} or more",
            next_step="name more blocks or fewer --models",
        )
    return compare(arms, common, scenario, blocks=count, seconds=seconds, commits=commits, seed=seed, say=say)


def _common(models: Sequence[str], arms: dict[str, Arm]) -> list[str]:
    """The models to compare: those named, which both must have, or all that both have."""
    base, candidate = arms["base"], arms["candidate"]
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
