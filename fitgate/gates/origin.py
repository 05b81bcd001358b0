"""Origins: where the outputs that a baseline holds were made, by which a run finds those of its own environment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from fitgate.machine import Environment, changes


class Origin(msgspec.Struct, frozen=True):
    """Where some outputs of a baseline come from.

    Attributes:
        environment: the machine and its libraries.
        seeds: of the outputs, in the order of their arrays.
        content: SHA-256 of the arrays.
        execution: on what and how the estimator said that it computed, such as on how many devices; empty where it said
            nothing.
        commit: of the working tree; None outside git.
        added: when it was, beside those that the baseline began with; None of these themselves.
    """

    environment: Environment
    seeds: list[int]
    content: str
    execution: str = ""
    commit: str | None = None
    added: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def changes(self, environment: Environment, execution: str) -> list[str]:
        """What differs in a run's environment, in words; empty where nothing does that is known of both."""
        moved = bool(self.execution and execution) and self.execution != execution
        computed = [f"computing {self.execution} -> {execution}"] if moved else []
        return [*changes(self.environment, environment), *computed]


def nearest(origins: Sequence[Origin], environment: Environment, execution: str) -> list[str]:
    """What differs in a run's environment from the one of several that is most like it, the first of equals."""
    return min((origin.changes(environment, execution) for origin in origins), key=len)
