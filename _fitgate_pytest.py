"""What every pytest session loads of fitgate: next to nothing. The plugin itself is `fitgate.plugin`."""

from itertools import pairwise
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse a directory that stands apart from its option, which pytest would take for tests to run.

    Pytest settles its root directory by the paths on the command line before it knows any plugin's options, so with
    that of some data among them it would find neither the project nor these options.
    """
    given = list(map(str, early_config.invocation_params.args))
    for option, value in pairwise(given):
        if option.startswith(("--fit-", "--gate-")) and "=" not in option and Path(value).exists():
            raise pytest.UsageError(
                f"{option} {value}: found a path that stands apart from its option, which pytest takes for tests to "
                f"run, expected both in one; write {option}={value}."
            )
