"""The announcer: shows long work on the terminal, with the time that has passed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext

import pytest

from fitgate.model import Model

LONG = 10_000  # training examples: fits on fewer are announced only under -v


class Announcer:
    """Writes lines to the terminal while tests run.

    Args:
        config: pytest's.
        is_long: whether the session's work is long enough to be announced without `-v`.
    """

    def __init__(self, config: pytest.Config, is_long: Callable[[], bool]):
        self._config = config
        self._is_long = is_long
        self._started = time.perf_counter()

    def announce(self, words: str) -> None:
        """Show a line about work that takes long on large data."""
        if self._config.get_verbosity() > 0 or self._is_long():
            self.say(words)

    def say(self, words: str) -> None:
        """Show a line, whatever the data."""
        plugins = self._config.pluginmanager
        terminal, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
        if terminal:
            minutes, seconds = divmod(int(time.perf_counter() - self._started), 60)
            with capture.global_and_fixture_disabled() if capture else nullcontext():
                terminal.ensure_newline()
                terminal.write_line(f"[{minutes:02}:{seconds:02}] {words}")

    def listen(self, models: Iterable[Model]) -> None:
        """Announce what models log from INFO on, in loggers named after the package that builds them."""
        for package in {model.build.__module__.partition(".")[0] for model in models}:
            logger = logging.getLogger(package)
            logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Progress)]
            logger.addHandler(_Progress(self.announce))
            logger.setLevel(logging.INFO)


class _Progress(logging.Handler):
    def __init__(self, announce: Callable[[str], None]):
        super().__init__(logging.INFO)
        self._announce = announce

    def emit(self, record: logging.LogRecord) -> None:
        self._announce(f"  {record.getMessage()}")
