"""Bundles: what a session keeps, what is packed, and what another machine makes of it."""

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fitgate.bundle.examples import examples_packed, examples_unpacked
from fitgate.cli import main
from fitgate.data.digest import digest
from fitgate.record import read
from tests.conftest import ROOT

pytest.importorskip("skops")
pytestmark = pytest.mark.slow  # sessions and bundles of real estimators

CONFTEST = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from fitgate import *
from fitgate.engines import SKOPS

TASK = Task("pixels", Dataset.from_sklearn(load_digits, test_size=0.5), metrics=("accuracy",))

def halved(X):
    return X / 2

class Own:
    def predict(self, X):
        return np.zeros(len(X), int)

def plain(estimator, X):
    return SKOPS.convert(estimator[-1].fit(X, X[:, 0] > 3), X)

def pytest_fitgate_models():
    return [
        Model("bayes", lambda seed: GaussianNB(), (TASK,)),
        Model("tree", lambda seed: DecisionTreeClassifier(random_state=seed), (TASK,)),
        Model("halving", lambda seed: make_pipeline(FunctionTransformer(halved), GaussianNB()), (TASK,),
              engines=(Engine("table", lambda estimator, X: b"", lambda content: Own()),)),
    ]
"""


NETWORK = """
class Network:
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[X[:, :10].argmax(axis=1)]

    def export(self, dtype, platforms):
        import jax
        from jax import export
        shape = jax.ShapeDtypeStruct((*export.symbolic_shape("n"), 64), dtype)
        return bytes(export.export(jax.jit(lambda X: X[:, :10]), platforms=platforms)(shape).serialize())

def pytest_fitgate_models():
    return [Model("network", lambda seed: Network(), (TASK,))]
"""

FOREST = """
from sklearn.ensemble import RandomForestClassifier

def pytest_fitgate_models():
    return [Model("forest", lambda seed: RandomForestClassifier(20, random_state=seed), (TASK,))]
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """`quick(*options)`: run in a project, and its run's directory; the same options give the same run."""
    runs = {}

    def quick(*options, more=""):
        if options not in runs:
            directory = tmp_path_factory.mktemp("project")
            (directory / "conftest.py").write_text(CONFTEST + more)
            (directory / "test_speed.py").write_text("from fitgate.checks import test_predict\n")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--fit-timing=0.02", *options]
            done = subprocess.run(command, cwd=directory, capture_output=True, text=True, env=environment())
            assert "error" not in done.stderr.lower(), done.stdout + done.stderr
            (runs[options],) = (path for path in (directory / ".fitgate/runs").glob("*") if path.is_dir())
        return runs[options]

    return quick


def environment():
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return {**own, "PYTHONPATH": ROOT}


@pytest.fixture(scope="module")
def kept(quick):
    return quick("--fit-keep", "--fit-engines=table", "-m", "latency")


@pytest.fixture(scope="module")
def bundle(kept, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "b.zip"
    assert main(["pack", str(kept), "--out", str(path)]) == 0
    return path


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """`timed(bundle, *options)`: the exit code of timing it, and the record."""
    monkeypatch.setattr("fitgate.bundle.timing.KERNELS", ())

    def timed(bundle, *options):
        code = main(["time", str(bundle), "--out", str(tmp_path / "out"), "--processes=1", "--timing=0.02", *options])
        return code, read(tmp_path / "out")

    return timed


def test_a_session_keeps_what_it_times_and_says_what_it_can_t(kept):
    record = read(kept)
    found = {(entry.model, entry.engine): entry for entry in record.kept_models}
    assert {key: entry.loader for key, entry in found.items()} == {
        ("bayes", "native"): "skops",
        ("tree", "native"): "skops",
        ("halving", "native"): "",
        ("halving", "table"): "",
    }
    assert "halved, which is this project's own" in found["halving", "native"].reason
    assert found["halving", "table"].reason.endswith("the project's own code, which is on no other machine")
    assert sorted(path.name for path in (kept / "kept").iterdir()) == sorted(
        entry.digest for entry in (*record.kept_models, *record.kept_data) if not entry.reason
    )


def test_a_network_that_exports_itself_is_kept_as_that(quick, timed, tmp_path):
    pytest.importorskip("jax")
    pytest.importorskip("flatbuffers")
    run = quick("--fit-keep", "-k", "network-single", more=NETWORK)
    (entry,) = read(run).kept_models
    assert (entry.engine, entry.loader, entry.reason) == ("jax_export", "jax_export", "")
    assert main(["pack", str(run), "--out", str(tmp_path / "b.zip")]) == 0
    code, record = timed(tmp_path / "b.zip")
    assert code == 0
    assert {(t.model, t.engine) for t in record.timings} == {("network", "jax_export")}
    assert [(e.engine, e.equal) for e in record.engines] == [("jax_export", 1.0)]
    assert record.engines[0].metrics == read(run).engines[0].metrics != {}


def test_trees_are_kept_as_treelite_has_them_and_answer_alike(quick, timed, tmp_path):
    pytest.importorskip("treelite")
    run = quick("--fit-keep", "--fit-engines=treelite", "-k", "forest and single", more=FOREST)
    kept = {(entry.model, entry.engine): entry for entry in read(run).kept_models}
    assert kept["forest", "treelite"].loader == "treelite"
    assert main(["pack", str(run), "--out", str(tmp_path / "b.zip")]) == 0
    code, record = timed(tmp_path / "b.zip")
    assert code == 0
    assert {t.engine for t in record.timings} == {"native", "treelite"}
    assert {e.engine: e.equal for e in record.engines} == {"native": 1.0, "treelite": 1.0}


def test_packing_says_what_is_in_the_bundle_and_what_is_left_out(kept, tmp_path, capsys):
    main(["pack", str(kept / "record.json"), "--out", str(tmp_path / "b.zip")])
    out = capsys.readouterr().out
    assert "halving by native: left out: it holds " in out
    assert "bayes by native: " in out


def test_a_bundle_is_timed_without_its_project(bundle, timed, capsys):
    code, record = timed(bundle)
    assert code == 0, capsys.readouterr()
    assert {(t.model, t.engine, t.scenario, len(t.processes)) for t in record.timings} == {
        (model, "native", scenario, 1) for model in ("bayes", "tree") for scenario in ("single", "multi", "offline")
    }
    assert {(e.model, e.engine): (e.n, e.equal) for e in record.engines if not e.reason} == {
        ("bayes", "native"): (899, 1.0),
        ("tree", "native"): (899, 1.0),
    }
    assert all(audit.passed for audit in record.audits)
    assert record.status == "finished"


def test_its_report_says_where_its_models_come_from_and_its_record_compares(kept, bundle, timed, tmp_path, capsys):
    timed(bundle)
    text = (tmp_path / "out" / "report.md").read_text()
    assert "The models were fitted in a session of " in text
    assert "What differs here: nothing that is recorded." in text
    rows = [line for line in text.split("### Engines")[1].split("Each fitted")[0].splitlines() if line.startswith("| ")]
    assert [[cell.strip() for cell in row.split("|")[1:4]] for row in rows[1:]] == [
        ["bayes", "native", "all 899"],
        ["tree", "native", "all 899"],
    ]
    assert "sklearn.naive_bayes.GaussianNB" in text.split("What the models are")[1]
    assert main(["compare", f"here={kept}", f"there={tmp_path / 'out'}", "--out", str(tmp_path / "c.md")]) == 0
    assert "bayes" in (tmp_path / "c.md").read_text()
    assert main(["report", str(tmp_path / "out"), "--out", str(tmp_path / "again")]) == 0


def test_several_processes_batches_and_a_choice_of_models(bundle, timed, capsys):
    code, record = timed(bundle, "--models=tree", "--processes=2", "--batches=1,8,64,4096", "--threads=1")
    assert code == 0
    assert {(t.scenario, t.batch_size, len(t.processes)) for t in record.timings} == {
        ("single", 1, 2),
        ("multi", 8, 2),
        ("offline", 899, 2),
        ("batch", 64, 2),
    }
    assert {t.model for t in record.timings} == {"tree"}
    assert record.settings.threads == 1
    assert "tree: no batches of 4,096: the test split has 899 examples" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--models=forest", "--engines=turbo"])
def test_a_choice_of_what_is_not_there_is_refused(bundle, tmp_path, capsys, option):
    assert main(["time", str(bundle), "--out", str(tmp_path / "out"), option]) == 1
    name = option.partition("=")[2]
    assert f"error: {option.partition('=')[0]}: found '{name}', expected one of " in capsys.readouterr().err


def test_a_record_is_not_overwritten(bundle, timed, capsys):
    timed(bundle, "--models=tree")
    assert timed(bundle, "--models=tree")[0] == 1
    assert "found a record, expected a directory without one" in capsys.readouterr().err


def test_without_the_library_a_model_is_a_row_with_its_reason(bundle, timed, monkeypatch):
    monkeypatch.setattr("fitgate.bundle.timing.missing", lambda modules: tuple(modules))
    code, record = timed(bundle)
    assert code == 1  # nothing was timed
    assert {e.reason for e in record.engines if e.model == "tree"} == {"skops needs skops, which is not installed"}


def test_wrong_answers_are_said_and_not_timed(bundle, timed, changed, capsys):
    def mistaken(members):
        manifest = json.loads(members["manifest.json"])
        bayes, tree = (next(m for m in manifest["models"] if m["model"] == name) for name in ("bayes", "tree"))
        for what in ("digest", "size"):
            tree[what] = bayes[what]  # so that the tree answers as the other does
        return members | {"manifest.json": json.dumps(manifest).encode()}

    code, record = timed(changed(mistaken))
    assert code == 1
    (entry,) = (e for e in record.engines if e.model == "tree")
    assert entry.fault.startswith("other answers than the native ones: ")
    assert {t.model for t in record.timings} == {"bayes"}
    assert [audit.model for audit in record.doubted] == ["tree"]
    assert "FAIL: tree can't be judged on pixels: other answers than the native ones: " in capsys.readouterr().out


def test_timing_a_bundle_needs_nothing_of_pytest(bundle, tmp_path):
    program = (
        "import sys\nfrom fitgate.cli import main\n"
        f"code = main(['time', {str(bundle)!r}, '--out', {str(tmp_path / 'out')!r}, '--models=bayes', "
        "'--processes=1', '--timing=0.02'])\n"
        "sys.exit(code or 2 * bool({'fitgate_pytest', 'fitgate.plugin'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_run_that_kept_nothing_says_how_to_keep(quick, tmp_path, capsys):
    run = quick("-k", "bayes-single")
    assert not (run / "kept").exists()
    assert main(["pack", str(run), "--out", str(tmp_path / "b.zip")]) == 1
    error = capsys.readouterr().err
    assert "found a run that kept no fitted model, expected one under --fit-keep" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "b.zip").exists()


def test_a_run_of_which_nothing_can_be_packed_says_why(quick, tmp_path, capsys):
    run = quick("--fit-keep", "-k", "halving-single")
    assert main(["pack", str(run), "--out", str(tmp_path / "b.zip")]) == 1
    assert "no fitted model that can be packed (halving by native: it holds " in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_kept_files_that_are_not_what_was_kept_are_not_packed(kept, tmp_path, capsys, damage):
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    victim = min((run / "kept").iterdir())
    victim.unlink() if damage == "missing" else victim.write_bytes(b"other")
    assert main(["pack", str(run), "--out", str(tmp_path / "b.zip")]) == 1
    assert f"{victim}: found " in capsys.readouterr().err


@pytest.fixture
def changed(bundle, tmp_path):
    """`changed(change)`: a bundle whose members a function has changed, and which is signed anew."""

    def changed(change):
        with zipfile.ZipFile(bundle) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in change(members).items():
                archive.writestr(name, content)
        return path

    return changed


def manifest_with(**changes):
    def change(members):
        manifest = json.loads(members["manifest.json"])
        return members | {"manifest.json": json.dumps(manifest | changes).encode()}

    return change


def kept_in(members, kind, content):
    """Members in which a model's or the data's content is another, under its own digest."""
    manifest = json.loads(members["manifest.json"])
    entry = next(entry for entry in manifest[kind] if not entry.get("reason"))
    members = {name: of for name, of in members.items() if name != f"kept/{entry['digest']}"}
    entry["digest"] = hashlib.sha256(content).hexdigest()
    return members | {"manifest.json": json.dumps(manifest).encode(), f"kept/{entry['digest']}": content}


def pickled(path):
    """An array that runs a command where it is unpickled, in an archive as the examples are."""
    with io.BytesIO() as file:
        np.savez(file, X=np.array([Command(path)]))
        return file.getvalue()


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


REFUSED = {
    "another version": (manifest_with(format=2), "found a bundle of format 2, expected format 1"),
    "no version": (manifest_with(format=None), "found a bundle of format None"),
    "no model": (manifest_with(models=[]), "a manifest with no model"),
    "a wrong type": (manifest_with(models="all"), "no bundle, or a damaged one"),
    "no manifest": (lambda members: {n: c for n, c in members.items() if "manifest" not in n}, "without manifest.json"),
    "no record": (lambda members: {n: c for n, c in members.items() if "record" not in n}, "without record.json"),
    "a path": (lambda members: members | {"../evil": b""}, "a member '../evil', unexpected"),
    "a root": (lambda members: members | {"/etc/evil": b""}, "a member '/etc/evil', unexpected"),
    "a stranger": (lambda members: members | {"model.pkl": b""}, "a member 'model.pkl', unexpected"),
    "another record": (
        lambda members: members | {"record.json": members["record.json"].replace(b"finished", b"running")},
        "record.json with another SHA-256",
    ),
    "no examples": (manifest_with(data=[]), "of which there are no examples"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_bundle_is_refused_in_a_line(changed, tmp_path, capsys, case):
    change, message = REFUSED[case]
    refused(changed(change), tmp_path, capsys, message)


def refused(path, tmp_path, capsys, message):
    assert main(["time", str(path), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out" / "record.json").exists()


def test_a_file_that_is_no_archive_cut_short_or_changed_is_refused(bundle, tmp_path, capsys):
    whole, path = bundle.read_bytes(), tmp_path / "b.zip"
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[:-5], bytes(flipped)):
        path.write_bytes(content)
        refused(path, tmp_path, capsys, "no bundle, or a damaged one")
    path.unlink()
    refused(path, tmp_path, capsys, "No such file")
    refused(tmp_path, tmp_path, capsys, "Is a directory")


def test_a_model_with_another_digest_is_refused(changed, tmp_path, capsys):
    def other(members):
        name = next(name for name in members if name.startswith("kept/"))
        return members | {name: members[name] + b"x"}

    refused(changed(other), tmp_path, capsys, "with another SHA-256 than the manifest has")


def test_an_archive_that_would_fill_the_memory_is_not_read(changed, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fitgate.bundle.archive.MOST", 10_000)
    refused(changed(lambda members: members), tmp_path, capsys, "members of ")


def test_a_member_for_a_second_time_is_refused(bundle, tmp_path, capsys):
    path = tmp_path / "b.zip"
    shutil.copy(bundle, path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", b"{}")
    refused(path, tmp_path, capsys, "a member 'manifest.json', unexpected or for a second time")


def test_no_pickle_of_a_bundle_is_read(changed, timed, tmp_path, capsys):
    ran = tmp_path / "ran"
    refused(changed(lambda members: kept_in(members, "data", pickled(ran))), tmp_path, capsys, "for examples of ")
    for content in (pickle.dumps(Command(ran)), pickled(ran)):
        code, record = timed(changed(lambda members, c=content: kept_in(members, "models", c)))
        assert code == 0  # the other one was timed
        (entry,) = (e for e in record.engines if e.model == "bayes")
        assert entry.reason.startswith("it is not what skops writes")
        shutil.rmtree(tmp_path / "out")
    assert not ran.exists()


def test_other_examples_than_the_session_s_are_refused(changed, tmp_path, capsys):
    content = examples_packed(np.zeros((899, 64)))
    change = changed(lambda members: kept_in(members, "data", content))
    refused(change, tmp_path, capsys, "other examples of digits than those of the session's test split")


def test_types_of_others_are_loaded_where_they_are_trusted_alone(changed, timed, tmp_path):
    import skops.io
    from sklearn.naive_bayes import GaussianNB

    class_ = skops.io.dumps(GaussianNB(priors=np.linalg.norm))
    bundle = changed(lambda members: kept_in(members, "models", class_))
    _, record = timed(bundle, "--models=bayes")
    (entry,) = (e for e in record.engines)
    assert entry.reason.endswith("neither scikit-learn's nor trusted: --trust numpy.linalg.norm loads it")
    shutil.rmtree(tmp_path / "out")
    _, record = timed(bundle, "--models=bayes", "--trust=numpy.linalg.norm")
    (entry,) = (e for e in record.engines)
    assert "trusted" not in entry.reason


@pytest.mark.parametrize(
    "X",
    [
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.asfortranarray(np.random.default_rng(0).random((3, 4))),
        np.array([["a", "bc"]]),
        ("", "ein Text", "\ud800 und ü"),
        (),
        csr_matrix(np.eye(3)),
    ],
)
def test_examples_are_the_same_again(X):
    again = examples_unpacked(examples_packed(X))
    assert digest(again) == digest(X)
    assert type(again) is type(X)


@pytest.mark.parametrize("X", [np.array([object()]), np.zeros(2, "i4,f4"), [1, 2], {"a": 1}])
def test_examples_that_arrays_can_not_hold_are_refused(X):
    with pytest.raises(ValueError, match=r"an array of dtype|examples of type"):
        examples_packed(X)
