"""Files are whole at any moment, directories private, and errors say what to do next, in any process."""

import os
import pickle
import stat
import subprocess
import sys

import pytest

from fitgate.errors import FitgateError
from fitgate.files import check_writable, contents, private_directory, write, written_whole

POSIX = pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no POSIX permissions")

KILLED = """
import os, sys
from pathlib import Path
from fitgate.files import written_whole
with written_whole(Path(sys.argv[1])) as file:
    file.write(b"half of the new")
    file.flush()
    os._exit(9)
"""


@pytest.mark.parametrize("content", ["straße\n", b"\x00\xff"])
def test_a_file_is_written_with_its_directory(tmp_path, content):
    write(tmp_path / "new" / "file", content)
    assert (tmp_path / "new" / "file").read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_a_regular_file_is_read_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\x00\xff")
    link = tmp_path / "link"
    link.symlink_to(path)
    assert contents(path, 2) == contents(link, 2) == b"\x00\xff"
    with pytest.raises(OSError, match="2 bytes, longer than 1"):
        contents(path, 1)


@POSIX
def test_nothing_but_a_regular_file_is_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="a pipe"):
        contents(tmp_path / "fifo", 1)  # no one will ever write to it
    with pytest.raises(OSError, match="a directory"):
        contents(tmp_path, 1)


@POSIX
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    for content in ("first", "next"):
        check_writable(link)
        write(link, content)
        assert link.is_symlink()
        assert (tmp_path / "real").read_text() == content


@POSIX
def test_a_device_stays_one(tmp_path):
    device = tmp_path / "null"
    device.symlink_to(os.devnull)
    check_writable(device)
    write(device, "text")
    assert device.is_symlink()
    assert stat.S_ISCHR(device.stat().st_mode)


@POSIX
def test_a_pipe_is_written_through_to_its_reader(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FitgateError, match="no way to write"):
        write(pipe, "text")  # no one reads it
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_error_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write(path, "former")
    with pytest.raises(TypeError), written_whole(path) as file:
        file.writelines([b"half of the new", "no bytes"])
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_process_leaves_the_former_file(tmp_path):
    path = tmp_path / "file"
    write(path, "former")
    assert subprocess.run([sys.executable, "-c", KILLED, path]).returncode == 9
    assert path.read_text() == "former"
    write(path, "next")
    assert path.read_text() == "next"


@POSIX
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_file_has_the_permissions_of_any_other(tmp_path, mask, mode):
    former = os.umask(mask)
    try:
        write(tmp_path / "file", "")
    finally:
        os.umask(former)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


@POSIX
def test_a_private_directory_is_made_and_kept(tmp_path):
    path = tmp_path / "above" / "mine"
    assert private_directory(path) == path
    assert private_directory(path).stat().st_mode & 0o777 == 0o700


@POSIX
@pytest.mark.parametrize("mode", [0o755, 0o720, 0o701])
def test_a_directory_that_is_open_to_others_is_refused(tmp_path, mode):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    with pytest.raises(
        FitgateError, match=rf"open: found a directory that is open to others \(mode {mode:o}\), .*; del"
    ):
        private_directory(tmp_path / "open")


@POSIX
def test_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(FitgateError, match="found a link to a directory"):
        private_directory(tmp_path / "link")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a directory away")
def test_another_user_s_directory_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 12345, -1)
    with pytest.raises(FitgateError, match="found a directory of another user"):
        private_directory(tmp_path / "theirs")


def test_a_file_in_place_of_a_directory_is_refused(tmp_path):
    write(tmp_path / "file", "")
    with pytest.raises(FitgateError, match=r"no way to make a directory there .*; free the path, or name another"):
        private_directory(tmp_path / "file")


class RoomError(FitgateError):
    """As a room of the library declares its own."""


@pytest.mark.parametrize("kind", [FitgateError, RoomError])
def test_an_error_travels_between_processes(kind):
    error = kind("floor.toml", found="1.2", expected="a share from 0 to 1", next_step="correct the floor")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == "floor.toml: found 1.2, expected a share from 0 to 1; correct the floor."
    assert (copy.where, copy.found, copy.expected, copy.next_step) == (
        "floor.toml",
        "1.2",
        "a share from 0 to 1",
        "correct the floor",
    )
