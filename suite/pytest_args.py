"""Joins `--mnist-dir DIR` to `--mnist-dir=DIR` before pytest mistakes DIR for tests to run.

Pytest settles its root directory before it knows a plugin's options, from whatever existing paths stand on the command
line: with the data's directory among them it would not find this project's configuration, nor the options themselves.
"""

import sys
from collections.abc import Sequence

import pytest

PATH_OPTIONS = ("--mnist-dir", "--dataset-dir", "--runs-dir", "--baselines")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start over if there was something to join."""
    given = early_config.invocation_params.args
    repaired = joined(given)
    if len(repaired) < len(given):
        sys.exit(pytest.main(repaired))


def joined(arguments: Sequence[str]) -> list[str]:
    """The arguments, each path option joined with its value by an equals sign."""
    result: list[str] = []
    for argument in map(str, arguments):
        if result and result[-1] in PATH_OPTIONS:
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result
