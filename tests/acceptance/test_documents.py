"""What the documents say, done: each of their commands and code blocks is executed, in the order of its page.

Python that begins with `# name.py` is a file of the page's project; other Python is executed after the page's commands.
Commands are run in that project, or, where `<!-- checkout -->` stands right before them or in the page's first line, in
a copy of this checkout. Text is what the command before it prints, with `...` for what varies. Commands that are to
fail come after `<!-- fails -->`. A page whose first line is `<!-- project: PAGE -->` goes on with that page's project.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.markdown import ROOT, blocks, links, spans

pytestmark = pytest.mark.slow

PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
# Whose commands take seconds; the other pages are done each night.
BRIEF = ("README", "CONTRIBUTING", "api", "authors", "gallery", "index", "reference", "threats", "verdicts")
CHECKED = "checked"  # what it names is checked: options, files, and that pytest collects what it selects
ELSEWHERE = "elsewhere"  # another test, or CI, runs it
KNOWN = {f"GIT_{who}_{what}": "documents@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Short(NamedTuple):
    """What is done in a command's place, and why: a shorter command, CHECKED or ELSEWHERE."""

    by: str
    reason: str


SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt && .venv/bin/"
SHORT = {
    "pip install fitgate": Short(ELSEWHERE, "tests/acceptance/test_wheel.py installs the wheel as pip does"),
    "pip install -r requirements.txt": Short(ELSEWHERE, "as above"),
    f"{SET_UP}pytest": Short(ELSEWHERE, ".ci/run sets up and runs the suite"),
    f"{SET_UP}pytest -n 2 tests suite/tests": Short(ELSEWHERE, ".ci/run runs this line"),
    f"{SET_UP}pre-commit install": Short(ELSEWHERE, ".ci/run sets up, and runs what the hooks do"),
    'for seed in $(seq 1000 1009); do pytest -m "not latency" -q --fit-seed=$seed --fit-runs-dir=seeds; done': Short(
        'for seed in 1000 1001; do pytest -m "not latency" -q --fit-seed=$seed --fit-runs-dir=seeds; done',
        "two seeds show what ten do",
    ),
    "fitgate ab --base origin/main": Short(
        CHECKED, "what it finds, a busy machine may hide; tests/test_ab.py compares revisions of known pace"
    ),
    "fitgate ab --base origin/main --json ab.json": Short(CHECKED, "as above"),
    "fitgate comment --against base --ab ab.json": Short(
        CHECKED, "what the line before would have written; tests/test_workflows.py has one"
    ),
    "fitgate ab --since-tag": Short(CHECKED, "as above, and a tag; tests/test_ab.py makes some"),
    "pytest -m latency --fit-models=knn,sgd --fit-threads=2": Short(
        "pytest -m latency --fit-models=sgd --fit-threads=2 --fit-timing=0.2", "shorter timings of one model"
    ),
    "pytest -m latency --fit-models=sgd,forest --fit-engines=onnx,treelite": Short(
        "pytest -m latency --fit-models=forest --fit-engines=onnx,treelite --fit-timing=0.2",
        "shorter timings of one model",
    ),
    "pytest -m latency --fit-models=sgd,forest,svc,cnn --fit-engines=all --fit-keep": Short(
        "pytest -m latency --fit-models=sgd --fit-engines=all --fit-keep --fit-timing=0.1",
        "fewer models, shorter",
    ),
    "fitgate time models.zip --batches 1,8,64,512,4096 --out there": Short(
        "fitgate time models.zip --batches 1,8,64 --processes 1 --timing 0.1 --out there", "shorter timings"
    ),
    "pytest -m latency --fit-models=sgd --benchmark-json=timings.json -q": Short(
        "pytest -m latency --fit-models=sgd --benchmark-json=timings.json -q --fit-timing=0.2", "shorter timings"
    ),
    "fitgate ab --base origin/main --models sgd": Short(CHECKED, "as above"),
    "fitgate ab --prove 20 --out proof.md": Short(CHECKED, "hours"),
    'python -m tests.benchmarks.audits --trials 40 --models sgd,forest,knn,svc,cnn --speed-ups ""': Short(
        'python -m tests.benchmarks.audits --trials 1 --models sgd --speed-ups ""', "a quarter of an hour"
    ),
    "python -m tests.benchmarks.audits --trials 5 --models sgd,forest,knn,svc,cnn --speed-ups 2,3,10": Short(
        CHECKED, "minutes; the line before shows that it works"
    ),
    "pytest --fit-profile=full": Short(CHECKED, "all of MNIST, and a quarter of an hour"),
    "pytest --fit-models=cnn_accurate": Short(CHECKED, "minutes of training"),
    "pytest suite/quality --fit-tasks=fashion --fit-models=knn": Short(CHECKED, "data that few machines have"),
    "pytest suite/quality --fit-tasks=fashion --fit-models=cnn_long --fit-seeds=5": Short(
        CHECKED, "as above, and a minute of training"
    ),
    "python -m models.cnn.noise": Short(
        "python -m models.cnn.noise --fit-profile quick --seeds 1", "all of MNIST, which few machines have at hand"
    ),
    "python -m models.cnn.search --out reports/race/search.json": Short(
        ELSEWHERE, "all of MNIST, and minutes; suite/tests/test_bench.py searches on racers of known skill"
    ),
    "python -m models.cnn.bench": Short(
        ELSEWHERE, "all of MNIST, and minutes; suite/tests/test_bench.py races racers of known pace"
    ),
    "python -m models.cnn.accelerator": Short(
        ELSEWHERE, "a GPU; suite/tests/test_accelerator.py has what is told of one, and of none"
    ),
    "pytest suite/notebook": Short(CHECKED, ".ci/run runs it"),
    "pytest suite/notebook --fit-profile=full": Short(CHECKED, "all of MNIST, and twenty minutes"),
    "pytest suite/notebook --fit-backend=dask --fit-scheduler=tcp://127.0.0.1:8786": Short(
        CHECKED, "a cluster; suite/tests/test_folds.py starts one"
    ),
    "python -m tests.faults --cases 5400 --sessions 500 --kills 300 --seed 20 --out reports/faults.json": Short(
        ELSEWHERE, "half an hour; tests/faults/test_faults.py does 150 cases of another seed"
    ),
    "pytest suite/conformance": Short(CHECKED, ".ci/run runs it"),
}


class Page:
    """A page at work.

    Args:
        name: of the page.
        directory: of its project.
        checkout: gives the copy of the checkout.
    """

    def __init__(self, name, directory, checkout):
        self._name, self._directory, self._checkout = name, directory, checkout
        self._everywhere = head(name)
        self._printed = None  # by the last command

    def execute(self):
        """Execute its blocks: files and commands in their order, then the other Python."""
        snippets = []
        for block in blocks(ROOT / self._name):
            if block.kind == "python" and not block.file:
                snippets.append(block)
            else:
                self._execute(block)
        if snippets:
            # One program, in which each block keeps the numbers of its lines.
            pairs = [("\n" * block.line + block.text, f"{self._name}:{block.line}") for block in snippets]
            program = f"for text, place in {pairs!r}: exec(compile(text, place, 'exec'))"
            run([sys.executable, "-c", program], self._directory, self._name)

    def _execute(self, block):
        place, about = f"{self._name}:{block.line}", block.about.split(", ") if block.about else []
        assert set(about) <= {"checkout", "fails"}, f"{place}: unknown comment {block.about!r}"
        where = self._checkout() if "checkout" in (*about, self._everywhere) else self._directory
        if block.file:
            path = where / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "text":
            assert self._printed is not None, f"{place}: the text of a command that is not executed here"
            assert matches(block.text, self._printed), f"{place}: expected\n{block.text}\nfound\n{self._printed}"
        else:
            assert block.kind == "sh", f"{place}: a block of unknown kind {block.kind!r}"
            for command in block.commands:
                self._printed = shell(command, where, place, "fails" in about)


def head(name):
    """What the first line of a page says of all of it, as `checkout`; empty if nothing."""
    found = re.match(r"<!-- (checkout|project: [\w./]+) -->\n", (ROOT / name).read_text(encoding="utf-8"))
    return found[1] if found else ""


def shell(command, where, place, fails):
    """What a command prints, which is to succeed, or to fail; None of one that is not executed here."""
    if command in SHORT:
        if SHORT[command].by in (CHECKED, ELSEWHERE):
            return None
        command = SHORT[command].by
    return run(["bash", "-euo", "pipefail", "-c", command], where, f"{place}: {command}", fails)


def run(command, where, what, fails=False, given=""):
    """What a command prints, in this checkout's code and environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FITGATE", "GITHUB", "COV"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    library = where if (where / "fitgate").is_dir() else ROOT
    environment = {**kept, **KNOWN, "PATH": path, "PYTHONPATH": str(library), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, input=given)
    assert (done.returncode != 0) == fails, f"{what}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def matches(expected, printed):
    """Whether a text stands in what was printed: `...` is anything, and so is any other white space for white space."""
    words = (re.escape(word).replace(re.escape("..."), ".*?") for word in expected.split())
    return re.search(r"\s+".join(words), printed, re.DOTALL) is not None


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """`checkout()`: a copy of this checkout, of what is tracked and what is not yet, in a git repository of its own."""
    made = []

    def checkout():
        if not made:
            made.append(copied(tmp_path_factory.mktemp("checkout")))
        return made[0]

    return checkout


def copied(directory):
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    commit(directory)
    return directory


def commit(directory):
    """Put a directory under git, with a revision that is called as that of a server."""
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "All"), ("branch", "origin/main")):
        subprocess.run(["git", *command], cwd=directory, env={**os.environ, **KNOWN}, check=True)


@pytest.fixture(scope="session")
def done(tmp_path_factory, checkout):
    """`done(page)`: the project of a page whose blocks have been executed, once a session."""
    projects = {}

    def done(name):
        if name not in projects:
            directory = tmp_path_factory.mktemp("project") / "project"
            if head(name).startswith("project: "):
                shutil.copytree(done(head(name).removeprefix("project: ")), directory)
                commit(directory)
            directory.mkdir(exist_ok=True)
            Page(name, directory, checkout).execute()
            projects[name] = directory
        return projects[name]

    return done


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if Path(name).stem in BRIEF else [pytest.mark.nightly]) for name in PAGES]
)
def test_a_page_does_what_it_says(name, done):
    done(name)


def test_what_pages_name_in_passing_is_there(checkout):
    named = {span.replace(".venv/bin/pytest", "pytest") for name in PAGES for span in spans(ROOT / name)}
    checked = {command for name in PAGES for command in commands(name) if is_checked(command)}
    wrong = run(
        [sys.executable, "-m", "tests.acceptance.commands"],
        checkout(),
        "commands.py",
        given=json.dumps(sorted(named | checked)),
    )
    assert json.loads(wrong.splitlines()[-1]) == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_s_links_lead_somewhere(name):
    for link in links(ROOT / name):
        assert (ROOT / name).parent.joinpath(link).exists(), link


def test_every_command_that_is_shortened_is_one_of_a_page():
    assert not SHORT.keys() - {command for name in PAGES for command in commands(name)}


def commands(name):
    return [command for block in blocks(ROOT / name) if block.kind == "sh" for command in block.commands]


def is_checked(command):
    return command in SHORT and SHORT[command].by == CHECKED
