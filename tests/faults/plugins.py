"""A plugin's misbehaviour at each stage, in whole sessions: its code is trusted, what it says is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fitgate_pytest.options import OPTIONS
from tests.faults.case import FORGED, WORDS, Bench, Fault
from tests.faults.material import changed, hashes, outcome_of
from tests.faults.oracle import Observation

CLASS = "plugins"
ABOUT = "raises, skips, exits, dies, hangs, returns rubbish, changes data and process, at each stage"

MODULE = """\
import faulthandler, os, signal, subprocess, sys, threading, time, warnings

import numpy as np
import pytest
from clouds import CLOUD, DATA, FEATURES, FIRST, LABELS, NearestMean
from fitgate import Floor, Metric, Model, NoRegression, Task

MESSAGE = {message!r}


def misbehave(*given):
    {code}


def at(stage, *given):
    if stage == {stage!r}:
        misbehave(*given)


at("import")


def own_target(y):
    at("target", y)
    return {target}


def own_metric(y, predictions):
    at("metric", y, predictions)
    return {metric}


OWN = Task("own", DATA, target=own_target, metrics=("own_share",))


class Faulty(NearestMean):
    def fit(self, X, y):
        at("fit", X, y)
        return super().fit(X, y)

    def predict(self, X):
        at("predict", X)
        right = super().predict(X)
        return {predict}

    def decision_function(self, X):
        at("decision_function", X)
        right = super().decision_function(X)
        return {decision}


def build(seed):
    at("build")
    return Faulty(30)


TASKS = (CLOUD, FIRST, OWN)
GATES = (Floor(CLOUD, "accuracy", 0.4), NoRegression(CLOUD, "accuracy", 0.2), Floor(FIRST, "roc_auc", 0.6),
         Floor(OWN, "own_share", 0.4))


def pytest_fitgate_metrics():
    at("metrics hook")
    return [Metric("own_share", own_metric, range=(0, 1))]


def pytest_fitgate_models():
    at("models hook")
    return [Model({name!r}, build, tasks=TASKS, stochastic=False, gates=GATES, description={description!r})]


def pytest_fitgate_report(record, directory):
    at("report hook", record, directory)
    return []
"""
RIGHT = {"predict": "right", "decision": "right", "target": "y", "metric": "float(np.mean(y == predictions))"}
FIT, ANSWERS = ("fit",), ("predict", "decision_function")
RUNNING = ("build", *FIT, *ANSWERS, "target", "metric")
STAGES = ("import", "metrics hook", "models hook", *RUNNING, "report hook")

# What a plugin does, by its name; no session may pass for it.
ENDS = {
    "raise": "raise ValueError(MESSAGE)",
    "raise odd": "raise type('E\\x1b[31m', (Exception,), {'__str__': lambda self: 1})()",
    "raise group": "raise ExceptionGroup(MESSAGE, [ValueError(MESSAGE)])",
    "raise base": "raise BaseException(MESSAGE)",
    "raise generator exit": "raise GeneratorExit(MESSAGE)",
    "raise stop": "raise StopIteration(MESSAGE)",
    "raise chained": "raise RuntimeError(MESSAGE) from KeyError(MESSAGE)",
    "skip": "pytest.skip(MESSAGE)",
    "skip module": "pytest.skip(MESSAGE, allow_module_level=True)",
    "importorskip": "pytest.importorskip('no_such_library')",
    "xfail": "pytest.xfail(MESSAGE)",
    "fail": "pytest.fail(MESSAGE)",
    "pytest exit": "pytest.exit(MESSAGE or 'done', returncode=0)",
    "system exit": "sys.exit(0)",
    "system exit in words": "sys.exit(MESSAGE or None)",
    "interrupt": "raise KeyboardInterrupt(MESSAGE)",
    "exit at once": "os._exit(0)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT); time.sleep(0.2)",
    "aborted": "os.abort()",
    "memory": "raise MemoryError",
    "memory in earnest": "bytearray(1 << 46)",
    "recursion": "misbehave(*given)",
    "assertion": "assert not MESSAGE and False, MESSAGE",
    "warning as error": "warnings.simplefilter('error'); warnings.warn(MESSAGE or 'w')",
    "syntax": "exec('def (')",
    "import error": "import no_such_library",
    "unicode": "'\\udce4'.encode()",
}
HANGS = {
    "sleep": "time.sleep(600)",
    "spin": "while True: pass",
    "wait for a lock": "threading.Lock().acquire() and threading.Event().wait(600)",
}
HARMLESS = {  # with what is to be said of it, where the session passes; empty where nothing need be
    "print much": ("print(MESSAGE or 'x' * 200_000)", ""),
    "write to the terminal": ("os.write(1, b'fitgate: PASS: all 6 gates passed' + bytes(10))", ""),
    "warn": ("warnings.warn(MESSAGE or 'w')", ""),
    "log": ("import logging; logging.getLogger('x').error('%s', MESSAGE)", ""),
    "working directory": ("os.chdir('/')", "working directory"),
    "environment": ("os.environ['OMP_NUM_THREADS'] = '7'; os.environ['PLANTED'] = '1'", "environment"),
    "random state": ("np.random.seed(1)", "random"),
    "thread": ("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", "thread"),
    "thread that stays": ("threading.Thread(target=time.sleep, args=(600,)).start()", "thread"),
    "process": ("subprocess.Popen(['sleep', '600'])", ""),
    "close streams": ("os.close(0)", ""),
    "recursion limit": ("sys.setrecursionlimit(10_000)", ""),
    "signal": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", ""),
    "files": ("[open('/dev/null') for _ in range(300)]", ""),
}
SPOILS = {
    "data": "given[0][...] = 0",
    "data through its base": "(FEATURES if len(given[0]) else LABELS).flags.writeable = True; FEATURES[...] = 0",
    "labels through their base": "LABELS.flags.writeable = True; LABELS[...] = 1",
    "data made writeable": "given[0].setflags(write=True); given[0][...] = 0",
}
ANSWERED = [
    *("None", "np.full(len(right), np.nan)", "np.full(len(right), np.inf)", "right[:-1]", "right[:0]", "right[None]"),
    *("np.where(np.arange(len(right)) == 3, np.nan, right)", "right.astype(object) * 0 + [{}]", "'abc'", "42", "{}"),
    *(
        "np.full(len(right), 'first')",
        "np.full((len(right), 7), 0.5)",
        "(x for x in right)",
        "right + 1j",
        "[[1], [2, 3]]",
    ),
    *("np.full(len(right), b'x')", "np.full(len(right), np.datetime64('NaT'))", "[None] * len(right)", "lambda: right"),
    *("np.full(len(right), 10**30, dtype=object)", "right.reshape(-1, 2)", "np.ma.masked_all(len(right))", "MESSAGE"),
    *(
        "np.full(len(right), MESSAGE[:1000])",
        "type('A', (), {'__len__': lambda s: 60, '__array__': lambda s, *a, **k: 1 / 0})()",
    ),
]
NUMBERS = [
    "None",
    "float('nan')",
    "float('inf')",
    "'0.9'",
    "np.array([0.9, 0.9])",
    "10**400",
    "-1.0",
    "7.0",
    "{}",
    "1j",
    "MESSAGE",
]
NAMES = st.sampled_from(
    ["faulty"] * 12 + ["a-b", "a/b", "../x", "a b", "faulty\n", "", "x" * 300, "naïve", "a|b", "$HOME", "a[b]"]
)

MESSAGES = WORDS
SHAPE = {"workers": st.sampled_from([0] * 7 + [2])}
PLAIN = {"message": MESSAGES, **SHAPE}


def _behaviours() -> dict[str, st.SearchStrategy[dict[str, Any]]]:
    return {
        "ends": st.fixed_dictionaries({**PLAIN, "stage": st.sampled_from(STAGES), "what": st.sampled_from([*ENDS])}),
        "hangs": st.fixed_dictionaries(
            {**PLAIN, "stage": st.sampled_from([*FIT, *ANSWERS]), "what": st.sampled_from([*HANGS])}
        ),
        "harmless": st.fixed_dictionaries(
            {**PLAIN, "stage": st.sampled_from([*FIT, *ANSWERS]), "what": st.sampled_from([*HARMLESS])}
        ),
        "spoils": st.fixed_dictionaries(
            {**PLAIN, "stage": st.sampled_from([*FIT, *ANSWERS]), "what": st.sampled_from([*SPOILS])}
        ),
        "answers": st.fixed_dictionaries(
            {**PLAIN, "stage": st.sampled_from(["predict", "decision", "target"]), "what": st.sampled_from(ANSWERED)}
        ),
        "measures": st.fixed_dictionaries({**PLAIN, "what": st.sampled_from(NUMBERS)}),
        "is called": st.fixed_dictionaries({**PLAIN, "name": NAMES, "description": MESSAGES}),
    }


WEIGHTS = {"ends": 6, "hangs": 1, "harmless": 2, "spoils": 1, "answers": 3, "measures": 1, "is called": 2}
FAULTS = st.one_of(
    [
        st.builds(Fault, st.just("session"), st.just(name), arguments)
        for name, arguments in _behaviours().items()
        for _ in range(WEIGHTS[name])
    ]
)
TIMEOUT = "1" if any(option.name == "fit-timeout" for option in OPTIONS) else ""
LIMIT = 20.0  # seconds that a session may take; three times as many with processes of its own


def module(fault: Fault) -> tuple[str, str]:
    """The plugin's module, and the words that a session which passes is to say of it."""
    given = fault.arguments
    parts = {**RIGHT, "code": "pass", "stage": "", "name": "faulty", "description": "", "message": given["message"]}
    said = ""
    match fault.name:
        case "ends":
            parts |= {"code": ENDS[given["what"]], "stage": given["stage"]}
        case "hangs":
            parts |= {"code": HANGS[given["what"]], "stage": given["stage"]}
        case "harmless":
            code, said = HARMLESS[given["what"]]
            parts |= {"code": code, "stage": given["stage"]}
        case "spoils":
            parts |= {"code": SPOILS[given["what"]], "stage": given["stage"]}
        case "answers":
            parts |= {
                given["stage"]: given["what"] if given["stage"] != "target" else f"(lambda right: {given['what']})(y)"
            }
        case "measures":
            parts |= {"metric": given["what"]}
        case "is called":
            parts |= {"name": given["name"], "description": given["description"]}
    return MODULE.format(**parts), said


def do(fault: Fault, bench: Bench) -> Observation:
    """A session with a plugin that misbehaves beside a sound one."""
    given = fault.arguments
    text, said = module(fault)
    project = bench.material.sound.copied_to(bench.directory / "project")
    (project.directory / "other.py").write_text(text, encoding="utf-8", errors="surrogatepass")
    summary = bench.directory / "summary.md"
    arguments = ["-n", str(given["workers"])] if given["workers"] else []
    if fault.name == "hangs" and TIMEOUT:
        arguments.append(f"--fit-timeout={TIMEOUT}")
    before = hashes(project.earlier, project.baselines)
    limit = LIMIT * (3 if given["workers"] or fault.name == "hangs" else 1)
    ended = project.session(*arguments, environment={"GITHUB_STEP_SUMMARY": str(summary)}, limit=limit)
    lost = changed(before, project.earlier, project.baselines)
    verdict, gates, texts, log = "", {}, {}, ""
    runs = project.new_runs
    if runs:
        verdict, gates, missing = outcome_of(runs[0])
        died = ended.status is not None and ended.status < 0
        lost += [] if died else missing
        texts = {path.name: _text(path) for path in [*runs[0].glob("*.md"), summary] if path.is_file()}
        log = "".join(_text(path) for path in runs[0].glob("*.log"))
    if fault.name in ("answers", "measures", "spoils") and verdict == "FAIL":
        lost += [f"the sound model: {key} {out}" for key, out in gates.items() if key[0] == "nearest" and out == "FAIL"]
    may_pass = _may_pass(fault, texts, ended.output, said) and verdict == "PASS"
    forged = FORGED if verdict != "PASS" else ()
    output, words = (
        _without(ended.output, fault),
        ("faulty", "nearest", "other.py", "own", "clouds", "worker", "a model's name"),
    )
    return Observation(
        ended.status,
        output,
        words,
        verdict,
        may_pass,
        lost=lost,
        log=log,
        forged=forged,
        begun=bool(runs),
        texts=texts,
    )


def _may_pass(fault: Fault, texts: dict[str, str], output: str, said: str) -> bool:
    """Whether a session may pass with such a plugin: it harms nothing, and is named where it leaves traces."""
    if fault.name == "harmless":
        lines = "\n".join([output, *texts.values()]).splitlines()
        return not said or any("faulty" in line and re.search(said, line, re.IGNORECASE) for line in lines)
    return fault.name == "is called"


def _without(output: str, fault: Fault) -> str:
    """The output without what the plugin wrote to the terminal by itself, which is its own."""
    if fault.name == "harmless":
        return output.replace("\x00", "").replace(fault.arguments["message"], "")[-900_000:]
    return output


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
