"""Baselines that are damaged, foreign, lies or no files, judged by from a record, in sessions, and blessed over."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import zipfile
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from fitgate.gates import GATES, find_baseline
from fitgate.record import Record, UnusableBaseline, judge_again, read
from fitgate.report import run_verdict
from tests.faults.case import BOMB, PLACES, RAW, SEED, Bench, Fault, bomb, called, damaged, faults, misplace
from tests.faults.material import GATES as GATE_COUNT
from tests.faults.material import as_read, changed, hashes, outcome_of
from tests.faults.oracle import Observation

CLASS = "baselines"
ABOUT = (
    "bytes flipped, cut, spliced; lying headers; foreign, encrypted, oddly packed or bombs; NaN; other data; no file"
)
SUBJECTS = ["nearest-cloud", "nearest-first", "faulty-cloud"]
ABSENT = "absent"
FIELDS = ["schema", "profile", "model", "task", "data_digest", "seeds", "implementation", "environment", "content"]
VALUES = st.sampled_from([None, True, 0, -1, 3, 2**70, 1e308, "", "nearest", "cloud", [], [1], {}, {"a": []}, ABSENT])
HEADERS = st.sampled_from(
    [
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1000000000000), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 59), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (60, 1), }",
        "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 60), }",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 60), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 60), }",
        "{'descr': '<U15', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 60), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 60), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (True, 60), }",
        "{'descr': '|V60', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '|u1', 'shape': (1, 60), }",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1, 60), }",
        "__import__('os').system('echo fitgate: PASS')",
        "(" * 5000,
        "{" + "'a': 1, " * 5000 + "}",
        "",
    ]
)
CONTENTS = st.sampled_from(
    [
        "NaN predictions",
        "inf predictions",
        "NaN ranks",
        "NaN probabilities",
        "float predictions",
        "complex predictions",
        "text predictions",
        "date predictions",
        "void predictions",
        "no seeds",
        "many seeds",
        "one example less",
        "one example more",
        "no examples",
        "flat",
        "three dimensions",
        "scalar",
        "ranks of other length",
        "ranks of more seeds",
        "no ranks",
        "ranks where none are read",
        "probabilities of other length",
        "negative ranks",
    ]
)
PACKINGS = st.sampled_from(
    [
        *(
            "stored",
            "deflated",
            "bzip2",
            "unknown method",
            "encrypted",
            "bomb",
            "lying size",
            "member twice",
            "member less",
        ),
        *("member more", "absolute name", "comment", "prefixed", "many members", "directory member", "npy inside out"),
    ]
)
FOREIGN = st.sampled_from(
    ["pickle", "npy of objects", "npy", "npz of objects", "empty zip", "json", "png", "gzip", "text", "zeros", "tar"]
)
FAULTS = faults(
    {"judging": 16, "session": 1, "bless": 1},
    **{name: st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "how": args}) for name, args in RAW.items()},
    header=st.fixed_dictionaries(
        {
            "of": st.sampled_from(SUBJECTS),
            "member": st.sampled_from(["about", "predictions", "ranks"]),
            "text": HEADERS,
            "version": st.sampled_from([1, 2, 3, 9]),
            "sealed": st.booleans(),
        }
    ),
    contents=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "what": CONTENTS, "again": SEED}),
    about=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "field": st.sampled_from(FIELDS), "value": VALUES}),
    provenance=st.fixed_dictionaries(
        {
            "of": st.sampled_from(SUBJECTS),
            "bytes": st.sampled_from(["deep", "not UTF-8", "not JSON", "a list", "huge", "empty", "keys twice"]),
            "again": SEED,
        }
    ),
    packing=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "how": PACKINGS, "again": SEED}),
    foreign=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "what": FOREIGN, "again": SEED}),
    place=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "what": st.sampled_from(PLACES), "again": SEED}),
    exchange=st.fixed_dictionaries({"of": st.sampled_from(SUBJECTS), "by": st.sampled_from(SUBJECTS), "again": SEED}),
)


def do(fault: Fault, bench: Bench) -> Observation:
    """Damage a baseline, and see what comes of it."""
    if fault.door == "judging":
        return _judged(fault, bench)
    project = bench.material.sound.copied_to(bench.directory / "project")
    if fault.door == "bless":
        (project.baselines / "former").mkdir()  # which is not to be touched either
    model, task = fault.arguments["of"].split("-")
    path = project.baseline(model, task)
    _plant(fault, path, project.baselines)
    others = [p for p in project.baselines.glob("*.npz") if p != path]
    before, before_others = hashes(project.earlier), hashes(*others)
    if fault.door == "bless":
        ended = project.command("bless", "--yes", str(project.earlier))
        lost = changed(before, project.earlier)
        lost += changed(before_others, *others) if ended.status else []
        names = [p.name for p in others]
        if as_read(project.baselines, names) != as_read(bench.material.sound.baselines, names):
            lost.append("the other baselines are read as others")
        if ended.status == 0 and not path.is_file():
            lost.append("no baseline after blessing")
        return Observation(ended.status, ended.output, (path.name,), same=True, lost=lost)
    ended = project.session("--gate-require-baseline")
    if not project.new_runs:
        return Observation(ended.status, ended.output, (path.name,), lost=changed(before_others, *others))
    verdict, gates, lost = outcome_of(project.new_runs[0])
    lost += changed(before, project.earlier) + changed(before_others, *others)
    lost += [f"{key}: {outcome}" for key, outcome in gates.items() if key[:2] != (model, task) and outcome != "PASS"]
    if len(gates) != GATE_COUNT:
        lost.append(f"{GATE_COUNT - len(gates)} gates were not judged")
    report = (project.new_runs[0] / "report.md").read_text(encoding="utf-8")
    named = path.name in report or ended.status == 0
    lost += [] if named else [f"the report does not name {path.name}"]
    same = all(outcome == "PASS" for outcome in gates.values())
    return Observation(ended.status, ended.output, (path.name,), verdict, same, lost=lost, texts={"report": report})


@cache
def _sound(run: Path) -> tuple[Record, dict[tuple[str, str, str], str]]:
    record = read(run)
    return record, {(v.model, v.task, v.gate): v.message for v in judge_again(record, GATES).verdicts}


def _judged(fault: Fault, bench: Bench) -> Observation:
    """Judge the sound record by a damaged baseline, as its session would have."""
    sound = bench.material.sound
    model, task = fault.arguments["of"].split("-")
    original = sound.baseline(model, task)
    path = bench.directory / original.name
    path.write_bytes(original.read_bytes())
    _plant(fault, path, sound.baselines)
    record, messages = _sound(sound.earlier)
    digest = record.datasets[0].digest
    found = called(partial(find_baseline, bench.directory, "", model, task, digest))
    if found.status != 0 and "error: " not in found.output:
        return Observation(found.status, found.output, (path.name,))
    others = [b for b in record.baselines if (b.about.model, b.about.task) != (model, task)]
    again = msgspec.structs.replace(record, baselines=others, unusable_baselines=[])
    if found.status == 0 and found.value is not None:
        again.baselines.append(found.value)
    elif found.status:
        again.unusable_baselines.append(UnusableBaseline(model, task, path.name, found.output, "a baseline", "mend it"))
    judged = called(lambda: judge_again(again, GATES).verdicts)
    if judged.status != 0:
        return Observation(judged.status, judged.output, (path.name,))
    again.verdicts = judged.value
    outcome = run_verdict(again).outcome
    now = {(v.model, v.task, v.gate): v.message for v in judged.value}
    lost = [
        f"{key} is judged otherwise" for key, text in messages.items() if key[:2] != (model, task) and now[key] != text
    ]
    status = 0 if outcome == "PASS" else 1
    same = found.value is not None and now == messages
    if found.status and status == 0:
        same = False
    output = found.output if found.status else "\n".join(now.values())
    if found.status:  # the line alone: the verdict is one that says just the same
        return Observation(1 if status else 0, output, (path.name,), lost=lost)
    return Observation(status, output, (path.name, f"{model} on {task}"), str(outcome), same, lost=lost)


def _plant(fault: Fault, path: Path, directory: Path) -> None:
    given = fault.arguments
    content = path.read_bytes()
    match fault.name:
        case "place":
            misplace(path, given["what"])
        case "exchange":
            (other,) = directory.glob(f"{given['by']}-*.npz")
            path.write_bytes(other.read_bytes())
        case "header":
            members = _members(content)
            if given["member"] not in members:
                given = {**given, "member": "predictions"}
            members[given["member"]] = _with_header(members[given["member"]], given["text"], given["version"])
            _pack(path, members, sealed=given["sealed"])
        case "contents":
            _pack(path, _with_contents(_members(content), given["what"]), sealed=True)
        case "about":
            about = _about(content)
            about.update({given["field"]: given["value"]})
            if given["value"] == ABSENT:
                del about[given["field"]]
            _pack(path, _members(content) | {"about": _npy(np.frombuffer(_json(about), np.uint8))})
        case "provenance":
            _pack(path, _members(content) | {"about": _npy(np.frombuffer(_oddity(given["bytes"], content), np.uint8))})
        case "packing":
            _repack(path, content, given["how"])
        case "foreign":
            path.write_bytes(_foreign(given["what"], content))
        case name:
            path.write_bytes(damaged(content, name, given["how"]))


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


def _about(content: bytes) -> dict[str, Any]:
    return msgspec.json.decode(np.load(io.BytesIO(_members(content)["about"])).tobytes())


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def _npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def _with_header(member: bytes, text: str, version: int) -> bytes:
    """A .npy file under another header."""
    start = 10 + struct.unpack("<H", member[8:10])[0]
    header = text.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header) & (0xFFFF if version == 1 else 0xFFFFFFFF))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + member[start:]


def _pack(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_LZMA, sealed: bool = False) -> None:
    """Write members; if sealed, with the digest that arrays, if they are some, then have."""
    if sealed:
        with suppress(Exception):  # of no arrays there is no digest
            arrays = {name: np.load(io.BytesIO(member)) for name, member in members.items()}
            about = msgspec.json.decode(arrays["about"].tobytes())
            digest = hashlib.sha256()
            for name in ("predictions", "ranks", "probabilities"):
                if name in arrays:
                    digest.update(f"{arrays[name].dtype.str}{arrays[name].shape}".encode())
                    digest.update(np.ascontiguousarray(arrays[name]).tobytes())
            about["content"] = digest.hexdigest()
            members = members | {"about": _npy(np.frombuffer(_json(about), np.uint8))}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member, method)


def _with_contents(members: dict[str, bytes], what: str) -> dict[str, bytes]:
    """Other arrays, of which the file says nothing wrong."""
    predictions = np.load(io.BytesIO(members["predictions"]))
    n = predictions.shape[1]
    ranks = np.load(io.BytesIO(members["ranks"])) if "ranks" in members else np.arange(n, dtype=np.uint16)[None]
    floats = predictions.astype(np.float64)
    changes: dict[str, Any] = {
        "NaN predictions": {"predictions": np.where(np.arange(n) == 3, np.nan, floats)},
        "inf predictions": {"predictions": np.where(np.arange(n) == 3, np.inf, floats)},
        "NaN ranks": {"ranks": np.full(ranks.shape, np.nan)},
        "NaN probabilities": {"probabilities": np.full((1, n, 3), np.nan, np.float32)},
        "float predictions": {"predictions": floats + 0.25},
        "complex predictions": {"predictions": predictions + 1j},
        "text predictions": {"predictions": np.full((1, n), "first")},
        "date predictions": {"predictions": np.full((1, n), np.datetime64("NaT"), "M8[ns]")},
        "void predictions": {"predictions": np.zeros((1, n), "V8")},
        "no seeds": {"predictions": predictions[:0], "ranks": ranks[:0]},
        "many seeds": {"predictions": np.repeat(predictions, 3, axis=0)},
        "one example less": {"predictions": predictions[:, 1:], "ranks": ranks[:, 1:]},
        "one example more": {"predictions": np.pad(predictions, ((0, 0), (0, 1)))},
        "no examples": {"predictions": predictions[:, :0], "ranks": ranks[:, :0]},
        "flat": {"predictions": predictions[0]},
        "three dimensions": {"predictions": predictions[..., None]},
        "scalar": {"predictions": np.array(1)},
        "ranks of other length": {"ranks": ranks[:, 1:]},
        "ranks of more seeds": {"ranks": np.repeat(ranks, 2, axis=0)},
        "no ranks": {},
        "ranks where none are read": {"ranks": ranks},
        "probabilities of other length": {"probabilities": np.full((1, n + 1, 3), 1 / 3, np.float32)},
        "negative ranks": {"ranks": -ranks.astype(np.int32)},
    }
    kept = {name: member for name, member in members.items() if what != "no ranks" or name != "ranks"}
    only = {k: v for k, v in changes[what].items() if k != "ranks" or "ranks" in members or "ranks" in what}
    return kept | {name: _npy(array) for name, array in only.items()}


def _oddity(what: str, content: bytes) -> bytes:
    about = _json(_about(content))
    return {
        "deep": b'{"schema":2,"profile":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "not UTF-8": about.replace(b"clouds", b"\xff\xfe").replace(b"nearest", b"near\xffst"),
        "not JSON": about[:-2],
        "a list": b"[1, 2, 3]",
        "huge": b'{"schema": 1' + b"0" * 500_000 + b"}",
        "empty": b"",
        "keys twice": about[:-1] + b', "schema": 7}',
    }[what]


def _repack(path: Path, content: bytes, how: str) -> None:
    members = _members(content)
    methods = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2}
    if how in methods:
        _pack(path, members, methods[how])
        return
    if how == "bomb":
        path.write_bytes(_zip_bomb())
        return
    _pack(path, members, zipfile.ZIP_STORED if how == "lying size" else zipfile.ZIP_LZMA)
    raw = bytearray(path.read_bytes())
    local, central = raw.find(b"PK\x03\x04"), raw.find(b"PK\x01\x02")
    match how:
        case "unknown method":
            raw[local + 8 : local + 10] = raw[central + 10 : central + 12] = struct.pack("<H", 97)
        case "encrypted":
            raw[local + 6] |= 1
            raw[central + 8] |= 1
        case "lying size":
            raw[central + 24 : central + 28] = struct.pack("<I", 0xFFFFFFF0)
        case "comment":
            raw[-2:] = struct.pack("<H", 4)
            raw += b"PASS"
        case "prefixed":
            raw[:0] = b"#!/bin/sh\nexit 0\n"
        case _:
            more = {
                "member twice": members["predictions"],
                "member more": _npy(np.zeros(3)),
                "absolute name": b"x",
                "many members": b"",
                "directory member": b"",
            }
            if how == "member less":
                del members["predictions"]
                _pack(path, members)
            if how == "npy inside out":
                _pack(path, {name: members[other] for name, other in zip(members, reversed(members), strict=True)})
            names = {
                "member twice": ["predictions.npy"],
                "member more": ["more.npy"],
                "absolute name": ["/tmp/../etc/x.npy"],
                "many members": [f"m{i}.npy" for i in range(2000)],
                "directory member": ["predictions/"],
            }.get(how, [])
            import warnings

            with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
                warnings.simplefilter("ignore")
                for name in names:
                    archive.writestr(name, more[how])
            return
    path.write_bytes(bytes(raw))


@cache
def _zip_bomb() -> bytes:
    """An archive of which one member unpacks to more than this process may have."""
    stream = io.BytesIO()
    packed = bomb(-15)
    name = b"about.npy"
    head = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, 0, len(packed), BOMB - 16)
    local = b"PK\x03\x04" + head + struct.pack("<HH", len(name), 0) + name
    stream.write(local + packed)
    central = stream.tell()
    stream.write(
        b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    )
    size = stream.tell() - central
    stream.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, size, central, 0))
    return stream.getvalue()


def _foreign(what: str, content: bytes) -> bytes:
    objects = np.array([{"a": 1}], object)
    stream = io.BytesIO()
    match what:
        case "pickle":
            return pickle.dumps(_Danger())
        case "npy of objects":
            return _npy(objects, allow_pickle=True)
        case "npy":
            return _npy(np.arange(60))
        case "npz of objects":
            np.savez(stream, about=objects, predictions=objects)
        case "empty zip":
            zipfile.ZipFile(stream, "w").close()
        case "json":
            return _json(_about(content))
        case "png":
            return b"\x89PNG\r\n\x1a\n" + content
        case "gzip":
            import gzip

            return gzip.compress(content)
        case "text":
            return b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n"
        case "zeros":
            return bytes(len(content))
        case "tar":
            import tarfile

            with tarfile.open(fileobj=stream, mode="w") as archive:
                archive.addfile(tarfile.TarInfo("x"))
    return stream.getvalue()


class _Danger:
    """Unpickled, it ends the process as if all were well."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (0,)
