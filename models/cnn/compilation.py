"""Compilation: ahead of the work, timed, and kept from one session to the next in a directory of the user's own."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax

from fitgate.errors import FitgateError
from fitgate.files import private_directory, write

CACHE_VARIABLE = "FITGATE_COMPILE_CACHE"
SAVED_EVENT = "/jax/compilation_cache/compile_time_saved_sec"
LARGEST_CACHE = 256 * 2**20  # bytes


class Compiled(NamedTuple):
    """A compiled program.

    Attributes:
        call: the program, to be called with arrays like those that it was compiled for.
        seconds: wall time of tracing and compiling it, or of fetching it from the cache.
        saved_seconds: how much longer that took when it was not in the cache; 0 if it was not now.
    """

    call: Any
    seconds: float
    saved_seconds: float


def compiled(function: Any, *arguments: Any, donate: tuple[int, ...] = (), soon: bool = False) -> Compiled:
    """A function compiled for arguments like these.

    Args:
        function: to compile.
        arguments: arrays like those that it will get.
        donate: positions of those that it may overwrite.
        soon: whether LLVM is to be done sooner, for loops whose work is in libraries' products.
    """
    options: dict[str, str | bool] | None = {"xla_backend_optimization_level": "1"} if soon else None
    started = time.perf_counter()
    with _cache_hits() as hits:
        lowered = jax.jit(function, donate_argnums=donate).lower(*arguments)
        program = lowered.compile(options)
    seconds = time.perf_counter() - started
    return Compiled(program, seconds, _saved_seconds(lowered.as_text(), seconds, hits))


@contextmanager
def _cache_hits() -> Iterator[list[float]]:
    """For each program that JAX's cache had meanwhile, the seconds that this saved, in whole ones as JAX keeps them."""
    hits: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == SAVED_EVENT:
            hits.append(max(duration_secs, 0.0))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield hits
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def _saved_seconds(program: str, seconds: float, hits: list[float]) -> float:
    """How much longer a program took when it was compiled: 0 if it was now, which is then noted beside the cache.

    Args:
        program: its text.
        seconds: that it took now.
        hits: of the cache, as `_cache_hits` gives them.
    """
    config: Any = jax.config
    kept = Path(config.jax_compilation_cache_dir or "")
    if not config.jax_compilation_cache_dir or not kept.is_dir():
        return sum(hits)
    note = kept / f"{hashlib.sha256(program.encode()).hexdigest()}-seconds"
    with suppress(OSError, ValueError):
        if hits:
            return max(float(note.read_text()) - seconds, 0.0)
        write(note, repr(seconds))
    return sum(hits)


def keep_programs(directory: Path) -> None:
    """Let JAX keep what it compiles in a directory, and fetch it from there.

    Whoever can write there can run code here, so the directory is this user's alone, or it is not used, with a warning.
    `FITGATE_COMPILE_CACHE=off` turns it off; a directory that JAX itself was given is left to it.
    """
    turned_off = os.environ.get(CACHE_VARIABLE, "").lower() in ("off", "0", "no", "false")
    config: Any = jax.config
    if turned_off or config.jax_compilation_cache_dir:
        return
    try:
        private_directory(directory)
    except FitgateError as error:
        message = f"Compiled programs are not kept. {error} {CACHE_VARIABLE}=off keeps none, without a warning."
        warnings.warn(message, stacklevel=2)
        return
    config.update("jax_compilation_cache_dir", str(directory))
    config.update("jax_compilation_cache_max_size", LARGEST_CACHE)
    config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
