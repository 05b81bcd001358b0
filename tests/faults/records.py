"""Records with other values, types, keys and arrays, contradictory figures, damaged text or none, in every command."""

from __future__ import annotations

import base64
import copy
import json
import math
import zlib
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fitgate.cli import main
from tests.faults.case import (
    BOMB,
    PLACES,
    RAW,
    SEED,
    SHARE,
    WORDS,
    Bench,
    Fault,
    bomb,
    called,
    damaged,
    faults,
    misplace,
)
from tests.faults.material import Project, changed, hashes
from tests.faults.oracle import Observation

CLASS = "records"
ABOUT = "values, types, keys, arrays changed, each place of the tree; figures that contradict; damaged text; no file"
COMMANDS = {"judge": 4, "report": 2, "compare": 2, "repeat": 2, "floors": 3, "bless": 3}
NEST = "nest"  # stands for a value that is nested too deeply to be drawn

SCALARS = (
    st.sampled_from([None, True, False, 0, 1, -1, 2**63, 2**70, -(2**70), 1e308, math.nan, math.inf, -math.inf, NEST])
    | st.integers(-1000, 1000)
    | st.floats(allow_nan=False)
    | WORDS.filter(lambda text: len(text) < 10_000 and "\udce4" not in text)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
BASES = st.sampled_from(["sound", "failing"])
WHERE = {"base": BASES, "place": SEED}
CONTRADICTIONS = st.sampled_from(
    [
        *(
            "metric",
            "n",
            "fit digest",
            "data digest",
            "predictions",
            "short predictions",
            "labels",
            "n_test",
            "verdict",
        ),
        *(
            "verdict value",
            "baseline arrays",
            "baseline seeds",
            "target",
            "scores",
            "metric gone",
            "another model's fit",
        ),
    ]
)
JUDGED_ANEW = ("verdict", "another model's fit")  # or of no use to a command: refused or not, no FAIL becomes a PASS
ARRAYS = st.sampled_from(
    [
        ("dtype", value)
        for value in ["|O", "<f8", "<U100000000", "nonsense", "|V8", "<M8[ns]", "", None, 8, "<c16", "f8,i4"]
    ]
    + [("shape", value) for value in [[2**40], [-1], [2**31, 2**31], 60, "60", [60.0], [None], [[60]], [1] * 70, [0]]]
    + [("zlib", value) for value in ["", "!!!", "AAAA", None, 7, "bomb", "cut", "reversed", "NaN", "not ASCII"]]
)
TEXTS = st.sampled_from(
    [
        *(
            "not UTF-8",
            "deep lists",
            "deep objects",
            "mark",
            "UTF-16",
            "huge number",
            "keys twice",
            "two records",
            "comment",
        ),
        *("a list", "a string", "null", "NaN", "long key", "lone surrogate"),
    ]
)
FAULTS = faults(
    COMMANDS,
    replace=st.fixed_dictionaries({**WHERE, "value": VALUES}),
    replace_leaf=st.fixed_dictionaries({**WHERE, "value": SCALARS}),
    delete=st.fixed_dictionaries(WHERE),
    double=st.fixed_dictionaries(WHERE),
    rename=st.fixed_dictionaries(
        {**WHERE, "name": st.text(max_size=8) | WORDS.filter(lambda w: len(w) < 100 and "\udce4" not in w)}
    ),
    exchange=st.fixed_dictionaries({**WHERE, "other": SEED}),
    array=st.fixed_dictionaries({**WHERE, "change": ARRAYS}),
    contradict=st.fixed_dictionaries({**WHERE, "what": CONTRADICTIONS}),
    text=st.fixed_dictionaries({"base": BASES, "what": TEXTS, "again": SEED}),
    place=st.fixed_dictionaries({"base": BASES, "what": st.sampled_from(PLACES), "again": SEED}),
    journal=st.fixed_dictionaries({"base": BASES, "seed": SEED, "name": st.sampled_from([*RAW, *PLACES]), "at": SHARE}),
    **{
        name: st.fixed_dictionaries({"base": BASES, "how": how})
        for name, how in RAW.items()
        if name in ("flip", "cut", "put in", "zeros")
    },
)
REFUSED_TEXTS = (
    "not UTF-8",
    "deep lists",
    "deep objects",
    "UTF-16",
    "two records",
    "comment",
    "a list",
    "a string",
    "null",
    "NaN",
)


def do(fault: Fault, bench: Bench) -> Observation:
    """Damage a record, and give it to a command."""
    base: Project = getattr(bench.material, fault.arguments["base"])
    run = bench.directory / "damaged"
    run.mkdir()
    path = run / "record.json"
    changed_nothing = _plant(fault, base.earlier / "record.json", path)
    refused = (fault.name == "contradict" and fault.arguments["what"] not in JUDGED_ANEW) or (
        fault.name == "text" and fault.arguments["what"] in REFUSED_TEXTS
    )
    refused = refused or (fault.name == "place" and fault.arguments["what"] != "empty")
    return _commanded(fault.door, base, bench, run, refused=refused and not changed_nothing)


def _commanded(command: str, base: Project, bench: Bench, run: Path, *, refused: bool) -> Observation:
    """What a command makes of a run's record, with outputs of before in its way."""
    out = bench.directory / "out"
    out.mkdir()
    (out / "report.md").write_text("former", encoding="utf-8")
    (out / "comparison.md").write_text("former", encoding="utf-8")
    for file in base.baselines.glob("*.npz"):
        (out / file.name).write_bytes(file.read_bytes())
    before = hashes(out)
    first, second = map(str, bench.material.repeats)
    arguments = {
        "judge": ["judge", str(run)],
        "report": ["report", str(run), "--out", str(out)],
        "compare": ["compare", f"a={first}", f"b={run}", "--out", str(out / "comparison.md")],
        "repeat": ["repeat", first, second, str(run), "--out", str(out / "comparison.md")],
        "floors": ["floors", first, str(run)],
        "bless": ["bless", str(run), "--baselines", str(out), "--yes", "--least-seeds", "2"],
    }[command]
    with chdir(_empty(bench)):
        done = called(lambda: main(arguments))
    status = done.value if done.status == 0 else done.status
    said = done.output.strip().splitlines()
    line = next((text for text in reversed(said) if not text.startswith("report in")), "")
    if command == "judge":
        same = status == 0 and line == "PASS: all 6 gates passed" and base is bench.material.sound
    elif command == "report":
        same = status == 0 and (base is bench.material.sound or not line.startswith("PASS"))
    else:
        same = status == 0
    lost = changed(before, out) if status else []
    judged = command == "judge" and line.partition(":")[0] in ("PASS", "FAIL", "INCOMPLETE", "NO VERDICT")
    verdict = line.partition(":")[0] if judged else ""
    verdict = "FAIL" if verdict == "NO VERDICT" and status else verdict
    names = ("record.json", "damaged", "journal.jsonl", "nearest", "faulty", "the run of", "cloud", "first")
    names = (*names, "floors:", "repeatability:", "comparison:", "b:")  # what is wrong with several records together
    return Observation(status, done.output, names, verdict, same, refused, lost)


def _empty(bench: Bench) -> Path:
    """A directory without a project."""
    directory = bench.directory / "empty"
    directory.mkdir()
    (directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return directory


@cache
def _content(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _plant(fault: Fault, source: Path, path: Path) -> bool:
    """Write the damaged record; whether nothing was changed."""
    given = fault.arguments
    content = copy.deepcopy(_content(source))
    match fault.name:
        case "replace" | "replace_leaf" | "delete" | "double" | "rename" | "exchange":
            _change(content, fault)
        case "array":
            nodes = [node for node in _nodes(content) if _is_array(node[0][node[1]])]
            holder, key = nodes[given["place"] % len(nodes)]
            _lie(holder[key], *given["change"])
        case "contradict":
            if not _contradict(content, given["what"], given["place"]):
                path.write_bytes(source.read_bytes())
                return True
        case "text":
            path.write_bytes(_oddity(source.read_bytes(), given["what"]))
            return False
        case "place":
            path.write_bytes(source.read_bytes())
            misplace(path, given["what"])
            return False
        case "journal":
            _journal(content, path, given)
            return False
        case name:
            path.write_bytes(damaged(source.read_bytes(), name, given["how"]))
            return False
    nest = json.dumps(NEST)
    text = json.dumps(content, ensure_ascii=True).replace(nest, "[" * 50_000 + "]" * 50_000)
    path.write_text(text, encoding="utf-8")
    return False


def _nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree: what holds it, and its key there; what an array is made of is not looked into."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        if not _is_array(value[key]):
            yield from _nodes(value[key])


def _is_array(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"dtype", "shape", "zlib"}


def _change(content: Any, fault: Fault) -> None:
    given = fault.arguments
    nodes = [n for n in _nodes(content) if fault.name != "replace_leaf" or not isinstance(n[0][n[1]], dict | list)]
    holder, key = nodes[given["place"] % len(nodes)]
    match fault.name:
        case "replace" | "replace_leaf":
            holder[key] = given["value"]
        case "delete":
            del holder[key]
        case "double" if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        case "double":
            holder[f"{key}2"] = holder[key]
        case "rename" if isinstance(holder, dict):
            holder[given["name"]] = holder.pop(key)
        case "rename":
            holder[key] = {given["name"]: holder[key]}
        case "exchange":
            other, place = nodes[given["other"] % len(nodes)]
            here, there = copy.deepcopy(holder[key]), copy.deepcopy(other[place])
            other[place], holder[key] = here, there


def _array(node: Any) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(node["zlib"])), node["dtype"]).reshape(node["shape"]).copy()


def _store(node: Any, array: np.ndarray) -> None:
    packed = base64.b64encode(zlib.compress(array.tobytes())).decode()
    node.update(dtype=array.dtype.str, shape=list(array.shape), zlib=packed)


@cache
def _bomb() -> str:
    return base64.b64encode(bomb(15)).decode()


def _lie(node: Any, key: str, value: Any) -> None:
    """Let an array say something wrong of itself."""
    if key != "zlib" or value not in ("bomb", "cut", "reversed", "NaN", "not ASCII"):
        node[key] = value
        return
    array = _array(node)
    match value:
        case "bomb":
            node.update(zlib=_bomb(), dtype="|u1", shape=[BOMB])
        case "cut":
            node["zlib"] = node["zlib"][: len(node["zlib"]) // 8 * 4]
        case "reversed":
            _store(node, array[::-1].copy())
        case "NaN":
            _store(node, np.full(array.shape, np.nan))
        case "not ASCII":
            node["zlib"] = "é" + node["zlib"]


def _contradict(content: Any, what: str, place: int) -> bool:
    """Let one figure contradict another; whether there is such a figure."""

    def one(entries: list[Any]) -> Any:
        return entries[place % len(entries)]

    evaluation, baseline = one(content["evaluations"]), one(content["baselines"])
    match what:
        case "metric":
            name = next(iter(evaluation["metrics"]))
            evaluation["metrics"][name] += 0.05 if evaluation["metrics"][name] < 0.9 else -0.05
        case "metric gone":
            evaluation["metrics"] = dict.fromkeys(evaluation["metrics"], None)
        case "n":
            evaluation["n"] += 1
        case "fit digest":
            one(content["fits"])["data_digest"] = "0" * 64
        case "data digest":
            content["datasets"][0]["digest"] = "f" * 64
        case "predictions":
            array = _array(evaluation["predictions"])
            if "accuracy" not in evaluation["metrics"]:
                return False  # its metric reads scores
            _store(evaluation["predictions"], np.roll(array, 1))
        case "short predictions":
            _store(evaluation["predictions"], _array(evaluation["predictions"])[1:].copy())
        case "scores":
            if not evaluation.get("scores"):
                return False
            _store(evaluation["scores"], -_array(evaluation["scores"]))
        case "labels":
            labels = content["datasets"][0]["labels"]
            _store(labels, _array(labels)[1:].copy())
        case "target":
            target = one(content["tasks"])["target"]
            _store(target, np.roll(_array(target), 1))
        case "n_test":
            content["datasets"][0]["n_test"] += 1
        case "verdict":
            verdict = one(content["verdicts"])
            verdict["outcome"] = "FAIL" if verdict["outcome"] == "PASS" else "PASS"
        case "verdict value":
            verdict = one(content["verdicts"])
            verdict["value"] = (verdict.get("value") or 0.5) / 2
        case "baseline arrays":
            array = _array(baseline["predictions"])
            _store(baseline["predictions"], array[:, ::-1].copy())
        case "baseline seeds":
            baseline["about"]["seeds"] = baseline["about"]["seeds"] + [7]
        case "another model's fit":
            one(content["fits"])["model"] = "stranger"
    return True


def _oddity(content: bytes, what: str) -> bytes:
    return {
        "not UTF-8": lambda: content.replace(b"nearest", b"near\xffst"),
        "deep lists": lambda: b"[" * 300_000 + b"]" * 300_000,
        "deep objects": lambda: content.rstrip()[:-1] + b', "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        "mark": lambda: b"\xef\xbb\xbf" + content,
        "UTF-16": lambda: content.decode().encode("utf-16"),
        "huge number": lambda: content.rstrip()[:-1] + b', "wall_seconds": 1' + b"0" * 100_000 + b"}",
        "keys twice": lambda: content.rstrip()[:-1] + b', "status": "interrupted"}',
        "two records": lambda: content + content,
        "comment": lambda: b"// a record\n" + content,
        "a list": lambda: b"[" + content + b"]",
        "a string": lambda: json.dumps(content.decode()).encode(),
        "null": lambda: b"null",
        "NaN": lambda: content.rstrip()[:-1] + b', "wall_seconds": NaN}',
        "long key": lambda: content.rstrip()[:-1] + b', "' + b"k" * 1_000_000 + b'": 1}',
        "lone surrogate": lambda: content.replace(b'"nearest"', b'"near\\ud800st"'),
    }[what]()


def _journal(content: Any, path: Path, given: dict[str, Any]) -> None:
    """A run that was killed: the record as it began, and a journal, which is damaged."""
    moved = ("fits", "evaluations", "verdicts", "gates", "tasks", "datasets")
    kinds = dict(zip(moved, ("Fit", "Evaluation", "Verdict", "Declaration", "TaskEntry", "DataEntry"), strict=True))
    lines = [{"type": kinds[name], **entry} for name in reversed(moved) for entry in content[name]]
    content.update({"status": "running"} | {name: [] for name in moved})
    path.write_text(json.dumps(content), encoding="utf-8")
    journal = path.with_name("journal.jsonl")
    whole = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    journal.write_bytes(whole)
    if given["name"] in PLACES:
        misplace(journal, given["name"])
    else:
        arguments = {"at": given["at"], "length": 50, "seed": given["seed"], "places": [given["at"]], "bit": 3}
        journal.write_bytes(damaged(whole, given["name"], arguments))
