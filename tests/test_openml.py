"""OpenML, as a server on this machine speaks it: whole, slow, broken off, or not what it should be."""

import gzip
import hashlib
import http.server
import json
import os
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from sklearn.datasets import _openml

from fitgate.data import DataError, Dataset, cache_directory
from fitgate.data.cache import download

ARFF = (
    "@RELATION tiny\n@ATTRIBUTE size REAL\n@ATTRIBUTE kind {no,yes}\n@DATA\n"
    + "".join(f"{i}.5,{('no', 'yes')[i % 2]}\n" for i in range(40))
).encode()
PATHS = {
    "_SEARCH_NAME": "/api/v1/json/data/list/data_name/{}/limit/2",
    "_DATA_INFO": "/api/v1/json/data/{}",
    "_DATA_FEATURES": "/api/v1/json/data/features/{}",
    "_DATA_QUALITIES": "/api/v1/json/data/qualities/{}",
}
DATA = "/data/v1/download/7/tiny.arff"
SEARCH = PATHS["_SEARCH_NAME"].format("tiny") + "/data_version/1"
FEATURE = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
FEATURES = [
    FEATURE | {"index": "0", "name": "size", "data_type": "numeric", "is_target": "false"},
    FEATURE
    | {"index": "1", "name": "kind", "data_type": "nominal", "is_target": "true", "nominal_value": ["no", "yes"]},
]


class OpenML(http.server.ThreadingHTTPServer):
    """Answers as OpenML does; `fault` takes the path of a request to what is done instead, by the handler."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked, self.faults = [], {}
        self.over = threading.Event()
        about = {
            "id": "7",
            "name": "tiny",
            "version": "1",
            "status": "active",
            "format": "ARFF",
            "description": "a tiny one",
            "licence": "CC0",
            "url": self.url + DATA,
            "md5_checksum": hashlib.md5(ARFF).hexdigest(),
        }
        answers = {
            SEARCH: {"data": {"dataset": [{"did": 7, "name": "tiny", "version": 1, "status": "active"}]}},
            PATHS["_DATA_INFO"].format(7): {"data_set_description": about},
            PATHS["_DATA_FEATURES"].format(7): {"data_features": {"feature": FEATURES}},
            PATHS["_DATA_QUALITIES"].format(7): {
                "data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "40.0"}]}
            },
        }
        self.answers = {path: json.dumps(answer).encode() for path, answer in answers.items()} | {DATA: ARFF}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path)
        with suppress(ConnectionError):
            if fault := self.server.faults.get(self.path):
                fault(self, answer)
            elif answer is None:
                self.reply(b'{"error": {"code": "372", "message": "No results"}}', 412)
            else:
                self.reply(answer)

    def reply(self, content, status=200, length=None):
        packed = gzip.compress(content) if "gzip" in self.headers["Accept-Encoding"] else content
        self.send_response(status)
        if packed is not content:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed[:length])

    def log_message(self, *_):
        pass


def cut_off(handler, answer):
    handler.reply(answer, length=30)


def internal_error(handler, answer):
    handler.reply(b"an internal error", 500)


def not_json(handler, answer):
    handler.reply(b"<html>\nDown for maintenance\n</html>")


def other_json(handler, answer):
    handler.reply(b'{"data": []}')


def null(handler, answer):
    handler.reply(b"null")


def other_bytes(handler, answer):
    handler.reply(answer.replace(b"1.5", b"1.6"))


def nothing(handler, answer):
    handler.reply(b"")


def silence(handler, answer):
    handler.server.over.wait(30)


def stall(handler, answer):
    handler.reply(answer, length=30)
    handler.wfile.flush()
    handler.server.over.wait(30)


def hang_up(handler, answer):
    handler.connection.close()


def slow(handler, answer):
    time.sleep(0.4)
    handler.reply(answer)


@pytest.fixture
def server(monkeypatch, tmp_path, recwarn):
    monkeypatch.setenv("FITGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    with OpenML() as server:
        for name, path in PATHS.items():
            monkeypatch.setattr(_openml, name, server.url + path)
        monkeypatch.setattr("fitgate.data.openml.RETRIES", 1)
        monkeypatch.setattr("fitgate.data.openml.DELAY", 0.01)
        monkeypatch.setattr("fitgate.data.openml.STALL", 0.3)
        # Some of its retries have delays of their own.
        monkeypatch.setattr(_openml, "time", SimpleNamespace(sleep=lambda seconds: None))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def kept():
    """What lies in the cache: all that was downloaded, by the dataset."""
    directory = cache_directory() / "openml"
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def test_a_dataset_is_downloaded_once(server):
    data = Dataset.from_openml("Tiny", 1)
    assert (len(data.train), len(data.test), sorted(set(data.test.y)), data.licence) == (30, 10, ["no", "yes"], "CC0")
    assert len(server.asked) == 5
    assert kept() == ["tiny-1"]
    again = Dataset.from_openml("Tiny", 1)
    assert (again.digest, len(server.asked)) == (data.digest, 5)


FAULTS = {
    "description cut off": (PATHS["_DATA_INFO"].format(7), cut_off, ""),
    "data cut off": (DATA, cut_off, ""),
    "other bytes": (DATA, other_bytes, "ValueError: The md5 checksum of the file"),
    "no bytes": (DATA, nothing, "ValueError: The md5 checksum of the file"),
    "an internal error": (SEARCH, internal_error, "HTTPError: HTTP Error 500"),
    "an internal error for the data": (DATA, internal_error, "HTTPError: HTTP Error 500"),
    "not JSON": (SEARCH, not_json, "JSONDecodeError: Expecting value"),
    "other JSON": (SEARCH, other_json, "TypeError: "),
    "null": (PATHS["_DATA_FEATURES"].format(7), null, "TypeError: "),
    "empty": (SEARCH, nothing, "JSONDecodeError: Expecting value"),
    "no answer": (SEARCH, silence, "timed out"),
    "a stall": (DATA, stall, "timed out"),
    "hung up": (DATA, hang_up, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_and_the_next_download_is_whole(server, fault):
    path, act, message = FAULTS[fault]
    server.faults[path] = act
    with pytest.raises(DataError) as caught:
        _ = Dataset.from_openml("tiny", 1).train
    text = str(caught.value)
    assert text.startswith("OpenML tiny version 1: found no download (")
    assert message in text
    assert text.endswith("; check them and run again.")
    assert len(text.splitlines()) == 1
    assert kept() == []
    server.faults.clear()
    assert len(Dataset.from_openml("tiny", 1).test) == 10
    assert kept() == ["tiny-1"]


def test_an_unknown_dataset_is_named(server):
    with pytest.raises(DataError, match=r"\(OpenMLError: Dataset unknown with version 1 not found\.\), expected"):
        _ = Dataset.from_openml("unknown", 1).train
    assert kept() == []


@pytest.mark.filterwarnings("error")
def test_one_failure_is_followed_by_another_try(server, recwarn):
    server.faults[SEARCH] = lambda handler, answer: (server.faults.clear(), handler.reply(b"", 503))
    assert len(Dataset.from_openml("tiny", 1).test) == 10
    assert "A network error occurred" in str(recwarn.pop(UserWarning).message)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:-9]), lambda path: path.unlink()])
def test_a_damaged_cache_is_downloaded_again(server, damage):
    digest = Dataset.from_openml("tiny", 1).digest
    for path in cache_directory().rglob("*.arff.gz"):
        damage(path)
    assert Dataset.from_openml("tiny", 1).digest == digest
    assert kept() == ["tiny-1"]


@pytest.mark.skipif(os.name == "nt", reason="FIFOs, as POSIX has them")
def test_a_fifo_in_the_cache_is_not_waited_for(server):
    digest = Dataset.from_openml("tiny", 1).digest
    for path in cache_directory().rglob("*.arff.gz"):
        path.unlink()
        os.mkfifo(path)
    assert Dataset.from_openml("tiny", 1).digest == digest


def test_slow_data_is_announced(server, project, monkeypatch):
    monkeypatch.setattr("fitgate.plugin.announcer.PATIENCE", 0.1)
    monkeypatch.setattr("fitgate.data.openml.STALL", 30)
    server.faults[DATA] = slow
    project.pytester.makeconftest("""
        from fitgate import *
        from tests.fakes import Reader
        from sklearn.dummy import DummyClassifier

        TASK = Task("tiny", Dataset.from_openml("tiny", 1))

        def pytest_fitgate_models():
            return [Model("dummy", lambda seed: DummyClassifier(), gates=(Floor(TASK, "accuracy", 0.1),))]
        """)
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    result = project.run()
    result.stdout.fnmatch_lines(["*loading tiny ...", "*loading tiny: * s"])
    assert result.ret == 0


# The other door: files that pooch downloads

FILE = "/file.bin"
MD5 = f"md5:{hashlib.md5(ARFF).hexdigest()}"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (cut_off, "file.bin: "),
        (other_bytes, "does not match the known hash"),
        (internal_error, "500 Server Error"),
        (nothing, "does not match the known hash"),
        (silence, "timed out"),
        (stall, "timed out"),
        (hang_up, "file.bin: "),
    ],
)
def test_a_file_is_downloaded_whole_or_not_at_all(server, monkeypatch, fault, message):
    monkeypatch.setattr("pooch.downloaders.DEFAULT_TIMEOUT", 0.3)
    server.answers |= {FILE: ARFF, "/mirror.bin": ARFF}
    server.faults[FILE] = fault
    with pytest.raises(DataError, match=message) as caught:
        download("some/file", (server.url + FILE,), known_hash=MD5, next_step="wait")
    assert len(str(caught.value).splitlines()) == 1
    assert not any(path.is_file() for path in cache_directory().rglob("*"))
    path = download("some/file", (server.url + FILE, server.url + "/mirror.bin"), known_hash=MD5, next_step="wait")
    assert path.read_bytes() == ARFF
    asked = len(server.asked)
    path.write_bytes(ARFF[:-1])  # and what was damaged since is downloaded again
    server.faults.clear()
    assert download("some/file", (server.url + FILE,), known_hash=MD5, next_step="wait").read_bytes() == ARFF
    assert len(server.asked) == asked + 1
