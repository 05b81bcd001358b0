"""Baselines in their directory: damaged by anybody, blessed by several, killed half-way."""

import dataclasses
import io
import json
import os
import shutil
import struct
import zipfile
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitgate import Outcome
from fitgate.cli import main
from fitgate.gates import (
    BaselineError,
    Reason,
    baseline_file,
    find_baseline,
    read_baseline,
    transaction,
    write_baseline,
)
from fitgate.gates.archive import baseline_files, check_names
from fitgate.gates.baseline import BlessedSet, Kept, digest_of
from fitgate.gates.blessing import bless, propose
from fitgate.gates.candidate import Candidate
from fitgate.gates.origin import Origin
from fitgate.gates.soundness import check_baseline
from fitgate.gates.stored import encoded
from fitgate.gates.transaction import HIDDEN, replace_all
from fitgate.metrics import METRICS
from fitgate.report import page
from fitgate.runs import Fit, SeedRun
from tests import fakes
from tests.evidence import ENVIRONMENT, baseline, evaluation, truths, verdict_of, wrong
from tests.fakes import DIGITS, FIVES, NoRegression

DIGEST = fakes.DATASET.digest
ANSWERS = fakes.LABELS == 5
SOUND = baseline(*(evaluation(FIVES, ANSWERS, ANSWERS + np.linspace(0, k, 200)) for k in (0.5, 0.25)), task=FIVES)
replace = msgspec.structs.replace
KEPT = Kept(SOUND.predictions[1:], SOUND.ranks[1:])
ELSEWHERE = Origin(replace(ENVIRONMENT, cpu="another"), [1], KEPT.digest)
WIDE = replace(SOUND, about=replace(SOUND.about, others=[ELSEWHERE]), others=[KEPT])  # with another environment
FILE = encoded(WIDE)


def claimed(before, **fields):
    """A baseline with other arrays, whose digest is made to fit, as who edits one by hand could."""
    changed = replace(before, **fields)
    content = digest_of(changed.predictions, changed.ranks, changed.probabilities)
    return replace(changed, about=replace(changed.about, content=content))


# Damage


def members(content=FILE):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items() if isinstance(parts, dict) else parts:
            archive.writestr(name, content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def with_header(text):
    header = text.encode("latin-1")
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header


def encrypted():
    """The flag of encryption, in the directory and in the members' own headers."""
    content = bytearray(FILE)
    for mark, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        for place in (i for i in range(len(content)) if content[i : i + 4] == mark):
            content[place + at] |= 1
    return bytes(content)


def of_method(method):
    content = bytearray(FILE)
    for mark, at in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        for place in (i for i in range(len(content)) if content[i : i + 4] == mark):
            content[place + at : place + at + 2] = struct.pack("<H", method)
    return bytes(content)


def thirsty():
    """LZMA that asks for four GiB of memory."""
    content = bytearray(FILE)
    place = content.index(b"\x05\x00\x5d") + 3
    content[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(content)


HEADERS = (
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 100000000000), }\n",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, -200), }\n",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 200.0), }\n",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2, 200), }\n",
    "{'descr': '|V8', 'fortran_order': False, 'shape': (2, 200), }\n",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 200), }\n",
    "{'descr': '<U999999999', 'fortran_order': False, 'shape': (2, 200), }\n",
    "{'descr': '|b1', 'fortran_order': False, 'shape': " + "(" * 2000 + "\n",
    "__import__('os').abort()\n",
)
DAMAGED = {
    "empty": b"",
    "text": b"not a zip file",
    "another array alone": npy(np.arange(3)),
    "encrypted": encrypted(),
    "bzip2": of_method(12),
    "unknown compression": of_method(99),
    "memory": thirsty(),
    "no about": zipped({k: v for k, v in members().items() if k != "about.npy"}),
    "an environment more": zipped({**members(), "predictions-2.npy": members()["predictions-1.npy"]}),
    "an environment less": zipped({k: v for k, v in members().items() if k != "predictions-1.npy"}),
    "a member more": zipped({**members(), "evil.npy": npy(np.arange(3))}),
    "a path": zipped({**members(), "../../evil.npy": npy(np.arange(3))}),
    "pickled": zipped({**members(), "ranks.npy": npy(np.array([{}, None], object))}),
    "a bomb": zipped({**members(), "predictions.npy": bytes(2**26)}, zipfile.ZIP_LZMA),
    "a bomb with a header": zipped(
        {**members(), "predictions.npy": members()["predictions.npy"] + bytes(2**26)}, zipfile.ZIP_DEFLATED
    ),
    "trailing bytes": zipped({**members(), "predictions.npy": members()["predictions.npy"] + b"\0"}),
    "about is no JSON": zipped({**members(), "about.npy": npy(np.frombuffer(b"[" * 9999, np.uint8))}),
    "about is deep": zipped({**members(), "about.npy": npy(np.frombuffer(b"[" * 10**6, np.uint8))}),
    "about is no UTF-8": zipped({**members(), "about.npy": npy(np.frombuffer(b'{"a": "\xff"}', np.uint8))}),
    "about is a list": zipped({**members(), "about.npy": npy(np.frombuffer(b"[]", np.uint8))}),
    "about is of numbers": zipped({**members(), "about.npy": npy(np.arange(9.0))}),
    **{f"header {i}": zipped({**members(), "predictions.npy": with_header(text)}) for i, text in enumerate(HEADERS)},
}
with pytest.warns(UserWarning, match="Duplicate name"):
    DAMAGED["twice"] = zipped([*members().items(), *members().items()])


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_clear_line(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(BaselineError, match=r"x\.npz: found a damaged file \(") as caught:
        read_baseline(path)
    assert len(str(caught.value).splitlines()) == 1


CHANGES = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 8 * len(FILE) - 1)),
    st.tuples(st.just("cut"), st.integers(0, len(FILE) - 1)),
    st.tuples(st.just("lose"), st.integers(0, len(FILE) - 1), st.integers(1, 40)),
    st.tuples(st.just("insert"), st.integers(0, len(FILE)), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("overwrite"), st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=8)),
)


def changed(change):
    how, at, *more = change
    content = bytearray(FILE)
    if how == "flip":
        content[at // 8] ^= 1 << at % 8
    elif how == "cut":
        del content[at:]
    elif how == "lose":
        del content[at : at + more[0]]
    elif how == "insert":
        content[at:at] = more[0]
    else:
        content[at : at + len(more[0])] = more[0]
    return bytes(content)


@settings(
    max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHANGES)
def test_of_whatever_became_of_its_bytes_a_file_holds_the_same_baseline_or_is_refused(tmp_path, change):
    path = tmp_path / "x.npz"
    path.write_bytes(changed(change))
    try:
        found = read_baseline(path)
    except BaselineError:
        pass
    else:
        assert found.about == WIDE.about
        for own, expected in zip(found.kept, WIDE.kept, strict=True):
            np.testing.assert_array_equal(own.predictions, expected.predictions)
            np.testing.assert_array_equal(own.ranks, expected.ranks)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("kind", ["directory", "fifo", "dangling", "loop", "below a file"])
def test_what_is_no_regular_file_is_refused(tmp_path, kind):
    path = tmp_path / "x.npz"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "below a file":
        (tmp_path / "folder").write_bytes(b"")
        path = tmp_path / "folder" / "x.npz"
    else:
        path.symlink_to(path if kind == "loop" else tmp_path / "nowhere")
    with pytest.raises(BaselineError, match=r"x\.npz: found a damaged file \("):
        read_baseline(path)


UNSOUND = {
    "NaN": lambda b: claimed(b, predictions=np.where(np.arange(400).reshape(2, 200) == 399, np.nan, 0.0)),
    "a NaN": lambda b: claimed(b, probabilities=np.full((2, 200, 2), np.nan, np.float32)),
    "beyond 0 and 1": lambda b: claimed(b, probabilities=np.full((2, 200, 2), 1.5, np.float32)),
    "ranks of dtype float64": lambda b: claimed(b, ranks=b.ranks.astype(float)),
    "ranks beyond": lambda b: claimed(b, ranks=b.ranks + np.uint16(999)),
    r"ranks of dtype uint16 and shape \(2, 100\)": lambda b: claimed(b, ranks=b.ranks[:, :100]),
    "complex": lambda b: claimed(b, predictions=b.predictions.astype(complex)),
    "1 different seeds": lambda b: replace(b, about=replace(b.about, seeds=[1, 1])),
    "2 seeds, and 3": lambda b: replace(b, about=replace(b.about, seeds=[1, 2, 3])),
}


@pytest.mark.parametrize(("found", "edit"), UNSOUND.items(), ids=UNSOUND)
def test_what_no_model_can_have_given_is_neither_read_nor_judged_by(tmp_path, found, edit):
    made = edit(SOUND)
    path = tmp_path / "x.npz"
    write_baseline(made, path)
    with pytest.raises(BaselineError, match=found):
        read_baseline(path)
    verdict = verdict_of(NoRegression(FIVES, "accuracy", 0.1), evaluation(FIVES, ANSWERS), before=made)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)


def test_labels_none_of_which_the_task_has_are_not_judged_by():
    truth = dataclasses.replace(truths()["fives"], classes=np.array([False, True]))
    strange = claimed(SOUND, predictions=SOUND.predictions.astype(np.uint8) + np.uint8(250))
    check_baseline(SOUND, "m", "fives", truth)
    with pytest.raises(
        BaselineError, match=r"m-fives-\w+\.npz: found a seed with predictions none of which is a class"
    ):
        check_baseline(strange, "m", "fives", truth)


def test_texts_of_numbers_that_are_none_are_refused_unless_they_are_labels():
    words = np.array(["nan", "yes"])[fakes.LABELS % 2]
    made = claimed(SOUND, predictions=np.stack([words, words]), ranks=None)
    gate = NoRegression(FIVES, "accuracy", 0.1)
    verdict = verdict_of(gate, evaluation(FIVES, ANSWERS), before=made)
    assert (verdict.reason, "found a NaN" in verdict.message) == (Reason.BAD_BASELINE, True)


@pytest.mark.parametrize(
    "predictions",
    [
        np.where(np.arange(200) == 9, np.nan, fakes.LABELS.astype(float)),
        np.array([np.nan, *fakes.LABELS[1:]], object),
        np.array(["nan", *map(str, fakes.LABELS[1:])]),
        fakes.LABELS.astype(complex),
        fakes.LABELS.astype("M8[s]"),
    ],
    ids=["float", "object", "text", "complex", "times"],
)
def test_an_output_that_is_no_answer_is_not_blessed_from_whichever_seed(tmp_path, predictions):
    good, bad = evaluation(DIGITS, wrong(1)), replace(evaluation(DIGITS, wrong(2)), predictions=predictions)
    with pytest.raises(BaselineError, match="m on digits, seed 1: found predictions with"):
        proposals(tmp_path, m=(good, bad))


# Blessing


def proposals(directory, seeds_from=0, **models):
    """What blessing evaluations of models on the digits would write, by the models' names."""
    candidates = {
        (name, "digits"): Candidate(
            [
                SeedRun(Fit(name, "digits", seed, DIGEST, 1.0, None, "fakes"), run)
                for seed, run in enumerate(runs, seeds_from)
            ],
            True,
            truths()["digits"],
            [METRICS["accuracy"]],
        )
        for name, runs in models.items()
    }
    return propose(candidates, ENVIRONMENT, None, directory, least_seeds=2)


def blessed(directory, mistakes, *models):
    runs = [evaluation(DIGITS, wrong(mistakes)), evaluation(DIGITS, wrong(mistakes + 1))]
    bless(proposals(directory, **dict.fromkeys(models, runs)), directory, page=page)
    return {name: path_of(directory, name).read_bytes() for name in models}


def path_of(directory, name):
    return baseline_file(directory, "quick", name, "digits", DIGEST)


def found(directory, name):
    return find_baseline(directory, "quick", name, "digits", DIGEST)


def mistakes_of(directory, *names):
    """What readers see: wrong answers of the first seed, by model."""
    return [int((found(directory, name).predictions[0] != fakes.LABELS).sum()) for name in names]


def test_a_damaged_file_can_be_blessed_over(tmp_path):
    blessed(tmp_path, 3, "a")
    path_of(tmp_path, "a").write_bytes(b"?")
    (proposal,) = proposals(tmp_path, a=[evaluation(DIGITS, wrong(n)) for n in (1, 2)])
    assert "new, in the place of a damaged file (" in proposal.summary
    bless([proposal], tmp_path, page=page)
    assert mistakes_of(tmp_path, "a") == [1]


def test_files_of_two_blessings_are_refused_and_other_mixtures_are_not(tmp_path):
    old = blessed(tmp_path, 3, "a", "b", "c")
    new = blessed(tmp_path, 5, "a", "b")
    assert mistakes_of(tmp_path, "a", "b", "c") == [5, 5, 3]
    path_of(tmp_path, "b").write_bytes(old["b"])
    for name in "ab":
        with pytest.raises(BaselineError, match=rf"{name}-digits-\w+\.npz: found files of two blessings: .*b-digits"):
            found(tmp_path, name)
    assert mistakes_of(tmp_path, "c") == [3]
    path_of(tmp_path, "b").unlink()
    assert mistakes_of(tmp_path, "a") == [5]
    path_of(tmp_path, "b").write_bytes(new["b"])
    blessed(tmp_path, 7, "b")
    assert mistakes_of(tmp_path, "a", "b", "c") == [5, 7, 3]


def test_files_that_know_of_no_set_stand_beside_a_set_that_does_not_know_them(tmp_path):
    write_baseline(baseline(evaluation(DIGITS, wrong(9)), model="b"), path_of(tmp_path, "b"))
    write_baseline(baseline(evaluation(DIGITS, wrong(8)), model="c"), path_of(tmp_path, "c"))
    blessed(tmp_path, 3, "a")
    assert mistakes_of(tmp_path, "a", "b", "c") == [3, 9, 8]


def test_a_file_whose_entry_of_its_blessing_was_taken_away_is_refused(tmp_path):
    blessed(tmp_path, 3, "a", "b")
    whole = found(tmp_path, "b")
    write_baseline(replace(whole, about=replace(whole.about, blessed=None)), path_of(tmp_path, "b"))
    with pytest.raises(BaselineError, match=r"b-digits-\w+\.npz: found no entry of a blessing, though .*a-digits"):
        found(tmp_path, "b")
    assert mistakes_of(tmp_path, "a") == [3]


def test_a_set_is_later_than_the_one_that_it_replaces_whatever_the_clock_says(tmp_path):
    blessed(tmp_path, 3, "a")
    earlier = found(tmp_path, "a")
    ahead = BlessedSet(datetime.now(UTC) + timedelta(days=9), "f", earlier.about.blessed.files)
    write_baseline(replace(earlier, about=replace(earlier.about, blessed=ahead)), path_of(tmp_path, "a"))
    blessed(tmp_path, 4, "a")
    assert found(tmp_path, "a").about.blessed.when > ahead.when


def test_a_second_blessing_at_once_is_one_line(tmp_path, monkeypatch):
    from filelock import FileLock

    before = blessed(tmp_path, 3, "a")
    monkeypatch.setattr(transaction, "PATIENCE", 0.0)
    with FileLock(tmp_path / HIDDEN / "lock"), pytest.raises(BaselineError, match="found another `fitgate bless`"):
        blessed(tmp_path, 5, "a")
    assert path_of(tmp_path, "a").read_bytes() == before["a"]
    assert blessed(tmp_path, 5, "a") != before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_of_a_disk_that_fails_a_blessing_says_so_and_the_old_set_stands(tmp_path, monkeypatch, call):
    blessed(tmp_path, 3, "a", "b")
    plain, count = getattr(os, call), iter(range(100))

    def fail(*arguments, **options):
        if next(count) >= 2:
            raise OSError(28, "No space left on device")
        return plain(*arguments, **options)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(BaselineError, match=r"can't be written \(No space left on device\): its baselines are as"):
        blessed(tmp_path, 5, "a", "b")
    monkeypatch.undo()
    assert mistakes_of(tmp_path, "a", "b") == [3, 3]
    blessed(tmp_path, 5, "a", "b")
    assert mistakes_of(tmp_path, "a", "b") == [5, 5]
    assert {path.name for path in (tmp_path / HIDDEN).iterdir()} == {".gitignore", "lock"}


STEPS = ("replace", "fsync", "unlink", "mkdir", "open")


def killed_at(step, work):
    """Do work in a process that dies, as by kill -9, before its `step`-th call to the file system; whether it did."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = iter(range(step))

    def dying(plain):
        def call(*arguments, **options):
            if next(left, None) is None:
                os._exit(9)
            return plain(*arguments, **options)

        return call

    try:
        for name in STEPS:
            setattr(os, name, dying(getattr(os, name)))
        work()
    finally:
        os._exit(0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking where there are threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_killed_at_any_moment_a_blessing_leaves_the_old_set_or_the_new_one_to_whoever_reads(tmp_path):
    sound, work = tmp_path / "sound", tmp_path / "work"
    other = baseline_file(sound, "quick", "a", "digits", "f" * 64)
    blessed(sound, 3, "a", "b")
    write_baseline(baseline(evaluation(DIGITS, wrong(0)), model="a", digest="f" * 64), other)
    shutil.copytree(sound, work)
    runs = [evaluation(DIGITS, wrong(5)), evaluation(DIGITS, wrong(6))]
    proposed = proposals(work, a=runs, b=runs)
    seen = []
    for step in range(200):
        shutil.rmtree(work)
        shutil.copytree(sound, work)
        died = killed_at(step, lambda: bless(proposed, work, page=page, replace=True))
        names = [path.name for path, _ in check_names(work, "quick")]
        state = (mistakes_of(work, "a", "b"), len(baseline_files(work, "quick", "a", "digits")), len(names))
        assert state in (([3, 3], 2, 3), ([5, 5], 1, 2))
        seen.append(state[0])
        replace_all(work, {}, [])  # whoever writes next first ends what was begun
        assert {path.name for path in (work / HIDDEN).iterdir()} == {".gitignore", "lock"}
        assert mistakes_of(work, "a", "b") == state[0]
        if not died:
            break
    assert seen == sorted(seen)
    assert seen[-1] == [5, 5]
    assert len(seen) > 20


def test_a_journal_that_leads_elsewhere_is_refused(tmp_path):
    blessed(tmp_path, 3, "a")
    outside = tmp_path.parent / "outside.npz"
    outside.write_bytes(b"")
    for deletions in (["../outside.npz"], [str(outside)], 3):
        (tmp_path / HIDDEN / "journal.json").write_text(json.dumps({"moves": {}, "deletions": deletions}))
        with pytest.raises(BaselineError, match=r"journal\.json: found what can't be read"):
            found(tmp_path, "a")
        with pytest.raises(BaselineError, match=r"journal\.json: found what can't be read"):
            blessed(tmp_path, 4, "a")
    assert outside.exists()


def test_a_directory_in_the_place_of_a_file_is_named_before_anything_is_written(tmp_path):
    blessed(tmp_path, 3, "a", "b")
    path_of(tmp_path, "b").unlink()
    path_of(tmp_path, "b").mkdir()
    with pytest.raises(BaselineError, match=r"b-digits-\w+\.npz is a directory\): its baselines are as before"):
        blessed(tmp_path, 5, "a", "b")
    assert mistakes_of(tmp_path, "a") == [3]


# In a session

BOTH = [
    f'model("{name}", Learner, tasks=(DIGITS,), seeded=True, gates=(NoRegression(DIGITS, "accuracy", 0.1),))'
    for name in ("one", "two")
]


def test_damage_touches_its_own_gates_only(project, capsys, monkeypatch):
    project.write(*BOTH)
    project.run("--fit-seeds", "3", "-k", "seed or gate")
    (run,) = project.runs
    baselines = project.path / "baselines"
    assert main(["bless", str(run), "--baselines", str(baselines), "--least-seeds", "3", "--yes"]) == 0
    shutil.rmtree(run.parent)
    path = path_of(baselines, "one")
    path.write_bytes(path.read_bytes()[:-9])
    assert project.run("-k", "test_gate").ret == 1
    outcomes = {v.model: (v.outcome, v.reason) for v in project.record.verdicts}
    assert outcomes["one"] == (Outcome.FAIL, Reason.BAD_BASELINE)
    assert outcomes["two"][0] is Outcome.PASS
    capsys.readouterr()
    monkeypatch.chdir(project.path)
    assert main(["list"]) == 0
    assert "two" in capsys.readouterr().out
