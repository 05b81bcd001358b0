"""The announcer: shows long work on the terminal, with the time that has passed and what is left."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from fitgate.clock import perf_counter
from fitgate.model import Model
from fitgate.plugin.live import Live
from fitgate.plugin.pace import Pace
from fitgate.text import shown

PATIENCE = 3.0  # seconds that work may take before a line says what it is
REMINDER = 60.0  # seconds from one such line to the next, so that a CI log shows life
TICK = 1.0  # seconds from one state of a live line to the next


class Announcer:
    """Shows work while tests run: live on a terminal, in plain lines in a log; under `-q` only what `say` is given.

    Args:
        config: pytest's.

    Attributes:
        pace: what work took, here and before.
    """

    def __init__(self, config: pytest.Config):
        self._config = config
        self._started = perf_counter()
        self._lock = threading.Lock()
        self._shown = False
        self._live: Live | None = None
        self.pace = Pace(config)

    @contextmanager
    def progress(self, words: str) -> Generator[None]:
        """Around work that may take long: a line says what it is once it does, or at once under `-v`."""
        if self._config.get_verbosity() < 0:
            with self.pace.measured(words):
                yield
            return
        begun, done = perf_counter(), threading.Event()
        if self._config.get_verbosity() > 0:
            self._show(words)
        speaker = threading.Thread(target=self._speak, args=(words, begun, done), daemon=True)
        speaker.start()
        try:
            with self.pace.measured(words):
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
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal:
            with self._lock, self._uncaptured():
                if self._live:
                    self._live.clear()
                terminal.ensure_newline()
                terminal.write_line(f"{self._clock} {indent}{shown(words)}")

    def listen(self, models: Iterable[Model]) -> None:
        """Announce what models log from INFO on, in loggers named after the package that builds them."""
        for package in {model.build.__module__.partition(".")[0] for model in models if model.is_trained}:
            logger = logging.getLogger(package)
            logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Progress)]
            logger.addHandler(_Progress(self.announce))
            logger.setLevel(logging.INFO)

    @property
    def _clock(self) -> str:
        minutes, seconds = divmod(int(perf_counter() - self._started), 60)
        return f"[{minutes:02}:{seconds:02}]"

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Within it, what is written reaches the terminal."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        return capture.global_and_fixture_disabled() if capture else nullcontext()

    def _speak(self, words: str, begun: float, done: threading.Event) -> None:
        if not self._shown and done.wait(PATIENCE):
            return
        with self._lock, self._uncaptured():
            self._live = Live.on(self._config)
        if self._live is None:
            if not self._shown:
                self._show(words)
            while not done.wait(REMINDER):
                self._show(words)
            return
        self._shown = True
        try:
            while True:
                with self._lock:
                    self._live.write(f"{self._clock} {shown(words)}", f": {self.pace.standing(words, begun)}")
                if done.wait(TICK):
                    break
        finally:
            with self._lock:
                self._live.close()
                self._live = None

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
