"""A pull request's life, as files: `python -m tests.pull_request` lives through one, and writes docs/pull-request/.

The author has the forest of `models/forest.py` grow 20 trees instead of 100. In a clone of this repository the quick
suite runs on the main branch and on the author's commit, as CI runs it, then `fitgate ab` between the two; both records
are kept. That takes a quarter of an hour; `--kept` trains nothing, and writes again what is made from the records.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from fitgate.ab.comparison import read_comparison
from fitgate.ab.report import render as latency_report
from fitgate.ab.report import view as latency_view
from fitgate.record import read, row
from fitgate.report import render, write_comment, write_site
from fitgate.report.annotations import annotated
from fitgate.report.summary import MOST, cut, without_figures
from suite.digits import dataset

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs" / "pull-request"
MAIN, HEAD = "main", "fewer-trees"
MODEL = "models/forest.py"
CUT = (
    ("RandomForestClassifier(random_state=seed", "RandomForestClassifier(20, random_state=seed"),
    ("forest: 100 trees on raw pixels", "forest: 20 trees on raw pixels"),
    ("RandomForestClassifier, 100 trees on raw pixels", "RandomForestClassifier, 20 trees on raw pixels"),
)
TITLE = "Grow 20 trees instead of 100, to answer sooner"
AUTHOR = ("-c", "user.name=An author", "-c", "user.email=author@example.com")
README = """\
# A pull request, from its commit to its comment

An author wants the forest of the digits to answer sooner, and has it grow 20 trees instead of 100. This directory is
what came of it. `python -m tests.pull_request` runs the quick suite on the main branch and on the author's commit, as
CI does, then `fitgate ab` between the two, and keeps what they write.

## 1. The change

```diff
{diff}
```

## 2. The build is red

```text
{terminal}
```

{failed} of {gates} gates fail. On the digits the forest gets {before} right before, and {now} after; its gate answers
for a fall of a point.

## 3. The author sees why

- [Annotations](annotations.txt): what the job prints for GitHub, which shows each on the line of `{model}` that
  declares the gate.
- [Summary](summary.md): the report, on the job's page.
- [JUnit's XML](junit.xml): every gate of the forest with its numbers, for any other CI. Those of the other models are
  cut out here.

## 4. What the speed is worth

`fitgate ab` timed both revisions in turns: [the latency job's summary](latency.md). The forest takes {ratio:.2f} of the
time that it took.

## 5. All of it in one comment

[The comment](comment.md) below the pull request, written over at each push: the gates that failed, what changed, the
digits that are wrong now and were right, and the latency. Who posts it adds the commit and a link to the run.

## 6. A closer look

[The page](site.html) of both runs, by `fitgate site`, is one file to open in a browser: sort and filter the gates,
click through the misclassified digits, hold both runs, or two models of one, side by side. It is made of
[{main}/record.json]({main}/record.json) and [{head}/record.json]({head}/record.json); the comment of
[ab.json](ab.json), too.

Now the author can grow more trees, or, where the speed is worth the fall, bless new baselines or write a waiver. A
reviewer sees either. [Run it in CI](../ci.md) says how.
"""


def live(place):
    """Live through the pull request, and keep in a directory what it left, as it was written."""
    with tempfile.TemporaryDirectory() as name:
        left, clone = Path(name), Path(name, "clone")
        git(left, "clone", "--quiet", str(ROOT), str(clone))
        main = git(clone, "rev-parse", "HEAD").strip()
        session(clone, left / MAIN, fails=False)
        take_trees(clone / MODEL)
        git(clone, *AUTHOR, "commit", "--quiet", "--all", "--message", TITLE)
        printed = session(clone, left / HEAD, fails=True)
        ab, latency = left / "ab.json", left / "latency.md"
        run(clone, f"fitgate ab --base {main} --scenario single --seconds 1 --json {ab} --out {latency}")
        base, head = (next((left / of).glob("suite/*/record.json")) for of in (MAIN, HEAD))
        run(clone, f"fitgate comment {head} --against {base} --ab {ab} --out {left / 'comment.md'}")
        run(clone, f"fitgate site {MAIN}={base} {HEAD}={head} --out {left / 'site.html'}")

        for of, record in ((MAIN, base), (HEAD, head)):
            (place / of).mkdir(parents=True, exist_ok=True)
            shutil.copy(record, place / of)
        for path in (ab, latency, left / "comment.md", left / HEAD / "summary.md", left / "site.html"):
            shutil.copy(path, place)
        put(place / "annotations.txt", "".join(f"{line}\n" for line in printed.splitlines() if line.startswith("::")))
        put(place / "terminal.txt", section(printed))
        put(place / "junit.xml", excerpt(left / HEAD / "junit.xml"))
        put(place / "change.diff", git(clone, "diff", main, "HEAD"))
        put(place / "README.md", readme(place))


def take_trees(path):
    """The author's change."""
    text = path.read_text(encoding="utf-8")
    for old, new in CUT:
        assert text.count(old) == 1, f"{path.name} has no longer one {old!r}"
        text = text.replace(old, new)
    put(path, text)


def session(clone, out, fails):
    """Run the quick suite as a job of GitHub Actions does, and move what it wrote; what it printed."""
    summary = out.with_suffix(".md")
    about = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(clone), "GITHUB_STEP_SUMMARY": str(summary)}
    options = ["--gate-require-baseline", "--fit-runs-dir=reports/runs/suite", "--junitxml=reports/runs/junit.xml"]
    done = run(clone, f"pytest {' '.join(options)}", **about)
    if (done.returncode != 0) != fails:
        sys.exit(f"{out.name}: the session {'passed' if fails else 'failed'}\n{done.stdout[-5000:]}{done.stderr}")
    shutil.move(clone / "reports" / "runs", out)
    shutil.move(summary, out / "summary.md")
    return done.stdout


def run(clone, command, **about):
    """Run a program of Python's in a clone, by the clone's own code."""
    print(f"$ {command}", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(clone), **about}
    return subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=clone, env=environment, capture_output=True, text=True
    )


def git(directory, *arguments):
    return subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True).stdout


def section(printed):
    """Of what pytest printed, fitgate's section, up to the commands to GitHub, which a job's log hides."""
    lines = printed.partition("= fitgate =")[2].splitlines()[1:]
    told = itertools.takewhile(lambda line: not line.startswith(("::", "=")), lines)
    return "".join(f"{line}\n" for line in told)


def excerpt(path):
    """JUnit's XML of the tests of the forest's gates."""
    tree = ElementTree.parse(path)  # noqa: S314 # pytest has just written it
    (suite,) = tree.getroot()
    for case in list(suite):
        if not case.get("name").startswith("test_gate[forest-"):
            suite.remove(case)
    del suite.attrib["hostname"]
    ElementTree.indent(tree)
    return ElementTree.tostring(tree.getroot(), encoding="unicode") + "\n"


def make(kept, place):
    """Write again what is made from the records in a directory, as the jobs do."""
    base, head = (read(kept / name) for name in (MAIN, HEAD))
    examples = dataset().on("quick").tested.X
    comparison = read_comparison(kept / "ab.json")
    write_comment(head, place / "comment.md", base, row_of=lambda _, i: row(examples, i), ab=latency_view(comparison))
    write_site({MAIN: base, HEAD: head}, place / "site.html")
    put(place / "latency.md", latency_report(comparison))
    put(place / "annotations.txt", "".join(f"{line}\n" for line in annotated(head, ROOT, ROOT)))
    put(place / "summary.md", cut(without_figures(render(head, {})), MOST))
    put(place / "README.md", readme(kept))


def readme(kept):
    """The page that tells of all the others, with the numbers of the records."""
    records = [read(kept / name) for name in (MAIN, HEAD)]
    verdicts = records[1].verdicts
    forest = [e for of in records for e in of.evaluations if (e.model, e.task) == ("forest", "digits")]
    before, now = (f"{e.metrics['accuracy']:.1%}" for e in forest)
    return README.format(
        diff=(kept / "change.diff").read_text(encoding="utf-8").strip(),
        terminal=(kept / "terminal.txt").read_text(encoding="utf-8").strip(),
        failed=sum(not verdict.passed for verdict in verdicts),
        gates=len(verdicts),
        before=before,
        now=now,
        model=MODEL,
        ratio=next(of.ratio for of in latency_view(read_comparison(kept / "ab.json")).rows if of.model == "forest"),
        main=MAIN,
        head=HEAD,
    )


def put(path, text):
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.pull_request", description=__doc__)
    parser.add_argument("--kept", action="store_true", help="train nothing: write again what is made from the records")
    if parser.parse_args().kept:
        make(PLACE, PLACE)
    else:
        live(PLACE)
