"""Contributions: what the plugins of a session return from a hook, checked."""

from __future__ import annotations

from typing import TypeVar

import pluggy

from fitgate.errors import FitgateError, in_one_line
from fitgate.model import ModelError
from fitgate_pytest import place_of

T = TypeVar("T")


def contributed(hook: pluggy.HookCaller, kind: type[T], named: str = "") -> list[T]:
    """What implementations of a hook return, in the order in which their plugins were registered.

    Args:
        hook: of pytest's.
        kind: of what they are to return a list of.
        named: in words; the class's name if empty.

    Raises:
        ModelError: if one of them returns something else, or raises an error that is not fitgate's.
    """
    items: list[T] = []
    expected = f"a list of {named or f'{kind.__name__} objects'}"
    plugins = [implementation for implementation in hook.get_hookimpls() if not implementation.wrapper]
    places = [place_of(by.plugin, by.plugin_name) for by in plugins]
    try:
        contributions = list(reversed(hook()))  # pytest calls the plugin first that was registered last
    except (FitgateError, KeyboardInterrupt):
        raise
    except BaseException as error:  # an exit, too: whatever it is, it is the project's own
        raise ModelError(
            f"{hook.name} of {' or '.join(places)}",
            found=in_one_line(error),
            expected=expected,
            next_step="mend the hook, or what it calls",
        ) from error
    if len(contributions) < len(plugins):  # pytest leaves out what is None
        raise wrong_contribution(f"{hook.name} of {' or '.join(places)}", None, expected)
    for place, contribution in zip(places, contributions, strict=False):
        if not isinstance(contribution, list | tuple):
            raise wrong_contribution(f"{hook.name} of {place}", contribution, expected)
        for item in contribution:
            if not isinstance(item, kind):
                raise wrong_contribution(f"{hook.name} of {place}", item, expected)
            items.append(item)
    return items


def wrong_contribution(where: str, found: object, expected: str) -> ModelError:
    """The error of a hook that returns what it should not."""
    return ModelError(where, found=f"{found!r}", expected=expected, next_step="correct what the hook returns")
