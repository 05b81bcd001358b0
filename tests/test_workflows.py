"""The workflows that `fitgate init` writes, and this repository's: what they are held to, and the comment's post."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from fitgate.ab.comparison import Comparison
from fitgate.cli import main
from fitgate.record import write_json
from tests import records
from tests.test_ab import known

ROOT = Path(__file__).parents[1]
WORKFLOWS = Path(".github", "workflows")
BASH = shutil.which("bash")
AB = Path(".fitgate", "ab", "ab.json")
MARK = "<!-- fitgate -->\n"
# Stands for GitHub's: answers as `answers.json` has it, by a part of the path, and notes what it is sent.
GH = """#!{python}
import json, pathlib, sys
path = next(argument for argument in sys.argv[2:] if argument.startswith("repos/"))
if any(argument.startswith("body=@") for argument in sys.argv):
    pathlib.Path("posted.json").write_text(json.dumps([path, pathlib.Path("body.md").read_text(encoding="utf-8")]))
elif path.endswith("/zip"):
    sys.stdout.buffer.write(pathlib.Path("upload.zip").read_bytes())
else:
    answers = json.loads(pathlib.Path("answers.json").read_text())
    print(next(answer for name, answer in answers.items() if name in path))
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A directory with what `fitgate init` writes."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("ours", [True, False], ids=["repository", "init"])
def test_actionlint_and_zizmor_find_nothing(written, ours):
    directory = ROOT if ours else written
    files = sorted(map(str, (directory / WORKFLOWS).glob("*.yml")))
    assert files
    for command in (["actionlint", "-no-color"], ["zizmor", "--offline", "--no-progress", "--persona=pedantic"]):
        program = shutil.which(command[0], path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        done = subprocess.run([program, *command[1:], *files], cwd=written, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[0]}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("ours", [True, False], ids=["repository", "init"])
def test_every_job_says_what_it_may_and_every_action_is_a_commit(written, ours):
    for path in ((ROOT if ours else written) / WORKFLOWS).glob("*.yml"):
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            may = {what for what, how in job["permissions"].items() if how == "write"}
            used = [step["uses"] for step in job["steps"] if "uses" in step]
            assert all(len(name.partition("@")[2]) == 40 for name in used)
            runs_models = any("pip install" in step.get("run", "") for step in job["steps"])
            assert not (may and runs_models), f"{path.name}: code of models may write"


def test_this_repository_s_comments_are_posted_as_init_has_it(written):
    ours, theirs = ((directory / WORKFLOWS) for directory in (ROOT, written))
    text = (theirs / "models-comment.yml").read_text()
    assert (ours / "suite-comment.yml").read_text() == text.replace("models", "suite")
    jobs = [yaml.safe_load(path.read_text())["jobs"]["comment"] for path in (ours / "suite.yml", theirs / "models.yml")]
    kept = [[step["with"] for step in job["steps"] if "artifact@" in step.get("uses", "")] for job in jobs]
    assert [[(of.get("name") or of["pattern"]) for of in each] for each in kept] == 2 * [
        ["fitgate", "fitgate-ab", "fitgate-comment"]
    ]
    assert jobs[0]["permissions"] == jobs[1]["permissions"]


def test_the_record_to_compare_with_is_the_default_branch_s_whatever_it_is_called(written):
    workflow = yaml.safe_load((written / WORKFLOWS / "models.yml").read_text())
    assert workflow[True]["push"] == {"branches": ["**"]}  # `on`, as YAML 1.1 has it
    default = "github.event.repository.default_branch"
    assert workflow["jobs"]["gates"]["if"].endswith(f"github.ref_name == {default}")
    (step,) = (s for s in workflow["jobs"]["comment"]["steps"] if "gh run list" in s.get("run", ""))
    name = re.search(r'--branch "\$(\w+)"', step["run"])[1]
    assert step["env"][name] == f"${{{{ {default} }}}}"


@pytest.mark.parametrize("measured", [True, False])
def test_the_comment_tells_of_latency_where_it_was_measured(written, project, monkeypatch, measured):
    if BASH is None or os.name == "nt":
        pytest.skip("GitHub's runners have bash")
    project.write('model(gates=(Floor(DIGITS, "accuracy", 0.5),), tasks=(DIGITS,))')
    project.run("-k", "gate")
    (project.path / ".fitgate" / "base").mkdir()
    if measured:
        write_json(Comparison("b" * 40, None, "single", records.ENVIRONMENT, [known(1, 1)]), project.path / AB)
    steps = yaml.safe_load((written / WORKFLOWS / "models.yml").read_text())["jobs"]["comment"]["steps"]
    (step,) = (step for step in steps if "fitgate comment" in step.get("run", ""))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    subprocess.run([BASH, "-eo", "pipefail", "-c", step["run"]], cwd=project.path, check=True)
    assert ("fitgate ab timed" in (project.path / "comment.md").read_text()) is measured


class Post:
    """The job that posts a comment, against a stand-in for GitHub."""

    def __init__(self, directory, steps):
        self._directory = directory
        self._steps = steps
        (directory / "gh").write_text(GH.format(python=sys.executable))
        (directory / "gh").chmod(0o755)
        self.answers = {"artifacts?name": {"artifacts": [{"id": 5, "size_in_bytes": 900}]}, "/pulls": "7", "/7/": ""}

    def upload(self, **files):
        with zipfile.ZipFile(self._directory / "upload.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name.replace("_", "."), content)

    def run(self):
        """Run its steps; what was posted where, and the output."""
        answers = {name: a if isinstance(a, str) else json.dumps(a) for name, a in self.answers.items()}
        (self._directory / "answers.json").write_text(json.dumps(answers))
        about = {
            "GH_REPO": "o/r",
            "RUN": "3",
            "PAGE": "https://github.test/o/r/actions/runs/3",
            "SHA": "ab",
            "HEAD": "x:y",
        }
        python = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            **about,
            "PATH": os.pathsep.join([str(self._directory), python, os.environ["PATH"]]),
        }
        for step in self._steps:
            shell = [sys.executable, "-c"] if step.get("shell") == "python" else [BASH, "-eo", "pipefail", "-c"]
            done = subprocess.run(
                [*shell, step["run"]], cwd=self._directory, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                return None, done.stderr
        posted = self._directory / "posted.json"
        return (json.loads(posted.read_text()) if posted.exists() else None), done.stdout


@pytest.fixture
def post(written):
    if BASH is None or os.name == "nt":
        pytest.skip("GitHub's runners have bash")
    workflow = yaml.safe_load((written / WORKFLOWS / "models-comment.yml").read_text())
    return Post(written, workflow["jobs"]["comment"]["steps"])


def test_a_first_comment_is_posted_and_a_later_one_written_over_it(post):
    post.upload(comment_md=f"{MARK}## fitgate: PASS\n")
    (path, text), _ = post.run()
    assert path == "repos/o/r/issues/7/comments"
    assert text.startswith(f"{MARK}Of commit ab, by ")
    assert "\n\n## fitgate: PASS\n" in text
    assert "[this run](https://github.test/o/r/actions/runs/3)" in text
    post.answers["/7/"] = "41\n42"
    (path, _), _ = post.run()
    assert path == "repos/o/r/issues/comments/41"


def test_a_stranger_s_text_calls_nobody_and_leads_nowhere(post):
    hostile = (
        "@owner [log in](http://evil.test) ![x](//evil.test/x.png) www.evil.test\n[a]: //evil.test\n<img src=x>\n"
        "&#64;owner &commat;owner &#104;ttps&#58;//evil.test evil/repo#1 #12 GH-3 <details-menu>\n"
        "<br-x> <details id=x>\n"
        "```mermaid\n> ~~~ geojson\n```"
    )
    kept = (
        "<details open><summary>4 broken</summary>\n\n`mae<=80` `log_loss<baseline+0.05` a &lt; b, &amp;\n\n</details>"
    )
    post.upload(comment_md=f"{MARK}{hostile}\n{kept}\n")
    (_, text), _ = post.run()
    _, text = text.split("record.\n\n", 1)  # what stands before is not the stranger's
    for active in ("@owner", "](http:", "](//", "![x]", "www.e", "]: //", "<img", "&#", "&commat", "#1", "GH-3"):
        assert active not in text
    for active in ("<details-", "<br-", "<details id", "mermaid", "geojson"):
        assert active not in text
    assert kept in text


@pytest.mark.parametrize(
    "files",
    [
        {"comment_md": "no mark"},
        {"comment_md": MARK + "x" * 64_001},
        {"comment_md": MARK + "x" * 300_000},
        {"comment_md": b"<!-- fitgate -->\n\xff"},
        {"comment_md": MARK, "more_md": ""},
        {"other_md": MARK},
    ],
)
def test_what_is_no_comment_is_not_posted(post, files):
    post.upload(**files)
    posted, why = post.run()
    assert posted is None
    assert why


def test_nothing_is_posted_where_there_is_no_comment_or_no_such_pull_request(post):
    post.answers["artifacts?name"] = {"artifacts": []}
    assert post.run()[0] is None
    post.answers |= {"artifacts?name": {"artifacts": [{"id": 5, "size_in_bytes": 900}]}, "/pulls": ""}
    post.upload(comment_md=MARK)
    assert post.run() == (None, "No open pull request has this commit as its last.\n")
