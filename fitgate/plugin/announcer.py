"""The announcer: shows long work on the terminal, with the time that has passed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, nullcontext

import pytest

from fitgate.clock import perf_counter
from fitgate.model import Model
from fitgate.text import shown

PATIENCE = 3.0  # seconds that work may take before a line says what it is
REMINDER = 60.0  # seconds from one such line to the next, so that a CI log shows life


class Announcer:
    """Writes lines to the terminal while tests run; under `-q` only those that are asked for by `say`.

    Args:
        config: pytest's.
    """

    def __init__(self, config: pytest.Config):
        self._config = config
        self._started = perf_counter()
        self._lock = threading.Lock()
        self._shown = False

    @contextmanager
    def progress(self, words: str) -> Generator[None]:
        """Around work that may take long: a line says what it is once it does, or at once under `-v`."""
        if self._config.get_verbosity() < 0:
            yield
            return
        begun, done = perf_counter(), threading.Event()
        if self._config.get_verbosity() > 0:
            self._show(words)
        speaker = threading.Thread(target=self._speak, args=(words, done), daemon=True)
        speaker.start()
        try:
            yield
        finally:
            done.set()
            speaker.join()  # before pytest goes on: nothing else writes to the terminal meanwhile
            if self._shown:
                self.say(f"{words}: {perf_counter() - begun:.1f} s")
            self._shown = False

    def announce(self, words: str) -> None:
        """Show an indented line about work that has been shown to take long."""
        if self._shown:
            self.say(words, indent="  ")

    def say(self, words: str, indent: str = "") -> None:
        """Show a line, whatever takes how long."""
        plugins = self._config.pluginmanager
        terminal, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
        if terminal:
            minutes, seconds = divmod(int(perf_counter() - self._started), 60)
            with self._lock, capture.global_and_fixture_disabled() if capture else nullcontext():
                terminal.ensure_newline()
                terminal.write_line(f"[{minutes:02}:{seconds:02}] {indent}{shown(words)}")

    def listen(self, models: Iterable[Model]) -> None:
        """Announce what models log from INFO on, in loggers named after the package that builds them."""
        for package in {model.build.__module__.partition(".")[0] for model in models}:
            logger = logging.getLogger(package)
            logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Progress)]
            logger.addHandler(_Progress(self.announce))
            logger.setLevel(logging.INFO)

    def _speak(self, words: str, done: threading.Event) -> None:
        while not done.wait(REMINDER if self._shown else PATIENCE):
            self._show(words)

    def _show(self, words: str) -> None:
        self._shown = True
        self.say(f"{words} ...")


class _Progress(logging.Handler):
    def __init__(self, announce: Callable[[str], None]):
        super().__init__(logging.INFO)
        self._announce = announce

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._announce(record.getMessage())
        except Exception:  # of arguments that don't fit the message: the model goes on
            self.handleError(record)
