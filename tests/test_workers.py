"""Backends of parallel work that can't be had."""

import socket

import pytest

# Imported out here: it replaces the finder of installed distributions for good, which pytester would undo by half.
pytest.importorskip("distributed")


@pytest.fixture
def nobody():
    """An address at which nothing listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{closed.getsockname()[1]}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--fit-backend", "carrier-pigeon"],
            "--fit-backend carrier-pigeon: found a name that joblib does not know, expected one of *",
        ),
        (
            ["--fit-backend", "dask"],
            "--fit-backend dask: found no --fit-scheduler, *; add --fit-scheduler tcp://HOST:8786.",
        ),
        (
            ["--fit-scheduler", "tcp://here:1"],
            "--fit-scheduler tcp://here:1: found no --fit-backend, *; add --fit-backend dask.",
        ),
        (
            ["--fit-backend", "loky", "--fit-scheduler", "tcp://here:1"],
            "--fit-backend loky: found --fit-scheduler tcp://here:1, expected none, *",
        ),
        (["--fit-backend", "dask", "--fit-scheduler", "{nobody}"], "--fit-scheduler {nobody}: found no answer *"),
    ],
)
def test_a_backend_that_is_not_there_ends_the_session_at_once(project, nobody, monkeypatch, options, message):
    monkeypatch.setattr("fitgate.executor.backend.SECONDS_TO_CONNECT", 0.5)
    project.write()
    project.pytester.makepyfile(test_parallel="def test_work(executor, dataset, story): pass")
    result = project.run(*(option.format(nobody=nobody) for option in options))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message.format(nobody=nobody)}"])
