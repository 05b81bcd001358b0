"""A directory of data that the user names by an option, its key of the configuration, or a variable."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitgate.data import Dataset


@dataclass(frozen=True)
class DataDirectory:
    """Where data is, as the user says.

    Attributes:
        option: on the command line, without the two hyphens; the key of the configuration has underscores.
        variable: of the environment, which counts where neither of these is given.
        help: what it holds, and what is done without one.
    """

    option: str
    variable: str
    help: str

    @property
    def key(self) -> str:
        """Its key in the project's configuration, and the name of the option's value."""
        return self.option.replace("-", "_")

    def declare(self, parser: pytest.Parser) -> None:
        """Declare the option and the key."""
        group = parser.getgroup("data", "where the suite's data is")
        group.addoption(
            f"--{self.option}", type=_absolute, metavar="DIR", help=f"{self.help}; {self.variable} names it, too"
        )
        parser.addini(self.key, f"default of --{self.option}")

    def named(self, config: pytest.Config) -> Path | None:
        """The directory of this session; None where nobody names one."""
        given, configured = config.getoption(self.key), str(config.getini(self.key))
        if given:
            return Path(given)
        if configured:
            return config.rootpath / configured
        variable = os.environ.get(self.variable)
        return Path(variable).absolute() if variable else None


class Contributor:
    """Contributes a dataset from the session's directory: a plugin of pytest's, made by one that knows the data.

    Args:
        dataset: from the directory, None where nobody names one, to the dataset.
        directory: as it is named.
    """

    def __init__(self, dataset: Callable[[Path | None], Dataset], directory: Path | None):
        self._dataset = dataset
        self._directory = directory

    def pytest_fitgate_datasets(self) -> list[Dataset]:
        return [self._dataset(self._directory)]


def _absolute(directory: str) -> str:
    return str(Path(directory).absolute())  # processes of the session may run elsewhere
