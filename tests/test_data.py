"""Data is what it claims to be, or there is one sentence that says what is wrong."""

import gzip
import hashlib
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_linnerud
from sklearn.utils import Bunch

from fitgate.data import DataError, Dataset, Split, cache_directory
from fitgate.data.cache import download
from fitgate.data.digest import digest
from fitgate.data.idx import encode_idx, read_idx
from fitgate.tasks import Task, TaskData, TaskError

IMAGES = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
LABELS = np.array([0, 1, 2, 1], np.uint8)
FILES = {
    "train-images-idx3-ubyte": IMAGES,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": IMAGES[::-1],
    "t10k-labels-idx1-ubyte": LABELS[::-1],
}
X, Y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])


def splits(n=3):
    return Split(X, Y), Split(X[:n], Y[:n])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FITGATE_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "boxes").mkdir()
    for name, array in FILES.items():
        (tmp_path / "boxes" / name).write_bytes(encode_idx(array))
    return tmp_path / "boxes"


def test_the_import_is_light():
    heavy = "{'scipy', 'sklearn', 'pandas', 'pooch'}"
    command = f"import sys, fitgate.data; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", command], text=True) == "[]\n"


# Splits


@pytest.mark.parametrize(
    "examples",
    [X, X.tolist(), scipy.sparse.csr_matrix(X), pd.DataFrame(X), ["a b", "c", "d"], np.zeros((3, 2, 2, 1), np.float16)],
)
def test_any_kind_of_examples_makes_a_dataset(examples):
    data = Dataset.from_arrays("any", examples, [0, 1, 0], examples, [0, 1, 0])
    assert (len(data.train), len(data.test), data.test.y.tolist()) == (3, 3, [0, 1, 0])
    assert len(data.digest) == 64


def test_models_can_t_change_the_data_and_its_owner_can():
    mine = X.copy()
    split = Split(mine, Y, groups=[1, 1, 2])
    for part in (split.X, split.y, split.groups):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1
    mine[0] = 7


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (Split(X, Y[:2]), r"found 3 examples in X but 2 in y, expected as many in y as in X; check"),
        (Split(X, Y, groups=[1]), r"found 3 examples in X but 1 in groups"),
        (Split(X[:0], Y[:0]), r"found no examples, expected at least one"),
        (Split({"a": 1}, [1]), r"found X of type builtins\.dict, expected a NumPy array, a SciPy sparse matrix"),
        (Split(np.float64(1), [1]), r"found X of type numpy\.float64"),
        (Split(np.array(1), [1]), r"found a single value as X"),
    ],
)
def test_what_does_not_fit_is_named_with_dataset_and_split(test, message):
    data = Dataset("tumours", {"small": lambda: (Split(X, Y), test)})
    with pytest.raises(DataError, match=rf"^tumours \(small\), test split: {message}"):
        _ = data.train


def test_ragged_rows_are_named():
    with pytest.raises(
        DataError, match=r"a split's X: found values that make no array .*, expected rows of one length"
    ):
        Split([[1, 2], [3]], [0, 1])


def test_class_names_fit_the_labels():
    with pytest.raises(DataError, match=r"t, train split: found label 1 at position 1, expected labels from 0 to 0"):
        Dataset.from_arrays("t", X, Y, X, Y, class_names=("only",))
    with pytest.raises(DataError, match=r"found 2 columns in y, expected 1"):
        Dataset.from_arrays("t", X, X, X, X, class_names=("only",))


def test_image_shape_fits_the_rows():
    with pytest.raises(DataError, match=r"found 2 values in each row of X, expected 6, for images of 2 x 3 pixels"):
        Dataset.from_arrays("t", X, Y, X, Y, image_shape=(2, 3))


# Datasets


def test_data_is_loaded_once_and_late():
    calls = []
    data = Dataset("late", lambda: calls.append(1) or splits())
    assert (data.name, data.profile, data.profiles, calls) == ("late", "", (), [])
    assert len(data.train) == len(data.on(None).test) == 3
    assert (data.on("any") is data, data.digest == data.digest, calls) == (True, True, [1])


def test_profiles_are_loaded_apart_and_the_first_is_the_default():
    data = Dataset("two", {"small": lambda: splits(1), "large": lambda: splits(3)}, class_names=("no", "yes"))
    assert (data.profiles, data.profile, len(data.test)) == (("small", "large"), "small", 1)
    large = data.on("large")
    assert (large.profile, large.profiles, len(large.test), large.class_names) == (
        "large",
        ("large",),
        3,
        ("no", "yes"),
    )
    assert large is data.on("large")
    assert data.on(None).test is data.test
    assert large.digest != data.digest == data.on("small").digest


def test_an_unknown_profile_is_named():
    with pytest.raises(DataError, match="two: found no profile 'huge', expected one of small, large"):
        Dataset("two", {"small": splits, "large": splits}).on("huge")


def test_a_loaded_dataset_travels_with_its_data():
    data = Dataset("lambda", lambda: splits(), licence="mine")
    digest = data.digest
    copy = pickle.loads(pickle.dumps(data))
    assert (copy.name, copy.licence, copy.digest, len(copy.test)) == ("lambda", "mine", digest, 3)


def test_what_profiles_have_loaded_does_not_travel():
    data = Dataset("two", {"small": splits, "large": splits})
    before = len(pickle.dumps(data))
    assert len(data.train) == 3
    assert len(pickle.dumps(data)) == before


def test_a_loader_returns_two_splits():
    with pytest.raises(
        DataError, match=r"t: found a loader that returned a value of type ndarray, expected two splits"
    ):
        _ = Dataset("t", lambda: X).train


def test_a_pinned_digest_holds():
    pinned = Dataset("t", splits).digest
    assert Dataset("t", splits, digest=pinned).digest == pinned
    other = Dataset("t", {"a": splits, "b": lambda: splits(1)}, digest={"b": pinned})
    assert len(other.on("a").test) == 3
    with pytest.raises(DataError, match=rf"t \(b\): found data with SHA-256 [0-9a-f]{{64}}, expected {pinned}"):
        _ = other.on("b").test


@pytest.mark.parametrize(
    ("load", "pins", "message"),
    [
        ({"a": splits, "b": splits}, {"c": "00"}, "found a digest of profile 'c', expected of a, b"),
        ({"a": splits, "b": splits}, "00", "found a digest of no profile, expected of a, b"),
        (splits, {"a": "00"}, "found a digest of profile 'a', expected one digest"),
        ({}, None, "found no profile, expected at least one"),
    ],
)
def test_a_digest_that_would_never_be_checked_is_refused(load, pins, message):
    with pytest.raises(DataError, match=message):
        Dataset("t", load, digest=pins)


# Digests

STRINGS = np.array(["a", "bc"])
CATEGORIES = pd.Categorical(["a", "b", None])
SAME = {
    "order in memory": (X, np.asfortranarray(X)),
    "byte order": (X, X.astype(">f8")),
    "a view and its copy": (X[::2], X[::2].copy()),
    "rows of an image, as bytes": (IMAGES[:, ::-1], np.asfortranarray(IMAGES[:, ::-1])),
    "strings of any kind": (tuple(STRINGS), STRINGS),
    "strings as objects": (STRINGS, STRINGS.astype(object)),
    "sparse formats": (scipy.sparse.csr_matrix(X), scipy.sparse.coo_array(X)),
    "explicit zeros": (
        scipy.sparse.csr_matrix(X),
        scipy.sparse.csr_matrix((X.ravel(), ([0, 0, 1, 1, 2, 2], [0, 1] * 3))),
    ),
    "width of sparse indices": (scipy.sparse.csr_matrix(X), scipy.sparse.csr_matrix(X).astype(float)),
    "index of a frame": (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[5, 6])),
    "missing strings": (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["x", np.nan]}, dtype=object)),
}
DIFFERENT = {
    "a value": (X, X + 1),
    "the shape": (X, X.reshape(2, 3)),
    "the width": (X, X.astype(np.float32)),
    "the kind": (Y, Y.astype(bool)),
    "bytes and truth values": (LABELS, LABELS.astype(bool)),
    "the unit of a time": (np.array([1], "M8[s]"), np.array([1], "M8[D]")),
    "where strings part": (("ab", "c"), ("a", "bc")),
    "sparse shape": (scipy.sparse.csr_matrix((2, 3)), scipy.sparse.csr_matrix((2, 4))),
    "sparse and dense": (X, scipy.sparse.csr_matrix(X)),
    "name of a column": (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    "a category without examples": (
        pd.DataFrame({"a": CATEGORIES}),
        pd.DataFrame({"a": CATEGORIES.add_categories("c")}),
    ),
    "order of categories": (pd.DataFrame({"a": CATEGORIES}), pd.DataFrame({"a": CATEGORIES.as_ordered()})),
    "names of fields": (np.zeros(2, [("a", int)]), np.zeros(2, [("b", int)])),
    "names of columns and numbers as text": (pd.DataFrame({1: [1]}), pd.DataFrame({"1": [1]})),
    "width of a column of pandas' own": (
        pd.DataFrame({"a": pd.array([1, None], "Int64")}),
        pd.DataFrame({"a": pd.array([1, None], "Int8")}),
    ),
    "a column of pandas' own and of objects": (
        pd.DataFrame({"a": pd.array([1, None], "Int64")}),
        pd.DataFrame({"a": np.array([1, None], object)}),
    ),
    "a masked value": (np.ma.masked_array(X, X == 1), np.ma.masked_array(X, X == 2)),
    "masked and not": (np.ma.masked_array(X), X),
    "numbers and text": (Y, Y.astype(str)),
    "bytes and text": (np.array([b"a"]), np.array(["a"])),
    "types of objects": (np.array([1, None], object), np.array(["1", None], object)),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_content_has_the_same_digest(case):
    first, second = SAME[case]
    assert digest(first) == digest(second)


@pytest.mark.parametrize("case", DIFFERENT)
def test_other_content_has_another_digest(case):
    first, second = DIFFERENT[case]
    assert digest(first) != digest(second)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_and_rows_of_their_bytes_have_digests_of_their_own(dtype):
    images, rows = IMAGES.astype(dtype), IMAGES.reshape(4, 6).astype(dtype)
    found = {digest(part, shape) for part, shape in ((images, (2, 3)), (rows, (2, 3)), (rows, (3, 2)), (rows, None))}
    assert len(found) == (4 if dtype == np.uint8 else 2)  # the shape of images is in the published form alone


@pytest.mark.parametrize(
    "column",
    [pd.array([1, None], "Int64"), pd.to_datetime(["2020-01-01", None], utc=True), [[1, 2], (3,)], [True, None]],
)
def test_columns_of_any_kind_have_a_digest(column):
    assert digest(pd.DataFrame({"a": column})) == digest(pd.DataFrame({"a": column}).copy())


def test_ragged_arrays_have_a_digest():
    ragged = np.array([np.zeros(2), np.zeros(3)], object)
    assert digest(ragged) != digest(np.array([np.zeros(2), np.ones(3)], object))


@pytest.mark.parametrize("part", [np.array([object()]), np.array([1], np.longdouble)])
def test_values_without_a_canonical_form_are_named(part):
    with pytest.raises(
        DataError, match=r"digest of the data: found (a value of type|an array of dtype) .*; convert it"
    ):
        digest(part)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_the_canonical_form_is_a_header_and_the_content():
    assert digest(X) == sha256(b"array f8 (3, 2)\n" + struct.pack("<6d", *range(6)))
    assert digest(("a", "bc")) == sha256(b"strings (2,)\n" + struct.pack("<2Q", 1, 2) + b"abc")


def test_the_digest_of_bytes_is_that_of_their_idx_file(directory):
    data = Dataset.from_idx(directory)
    parts = [sha256((directory / name).read_bytes()) for name in FILES]
    assert data.digests == dict(zip(("train X", "train y", "test X", "test y"), parts, strict=True))
    assert data.digest == sha256("".join(parts).encode())


# Sources


def test_scikit_learn_s_bunches_are_split_by_class():
    data = Dataset.from_sklearn(load_breast_cancer, test_size=0.5)
    assert (data.name, len(data.train), len(data.test)) == ("breast_cancer", 284, 285)
    assert data.class_names == ("malignant", "benign")
    assert data.source == "Breast cancer Wisconsin (diagnostic) dataset"
    assert abs(data.train.y.mean() - data.test.y.mean()) < 0.005
    assert data.digest == Dataset.from_sklearn(load_breast_cancer, test_size=0.5).digest
    assert data.digest != Dataset.from_sklearn(load_breast_cancer, test_size=0.5, seed=1).digest


def test_bunches_of_images_frames_outputs_and_measures():
    assert Dataset.from_sklearn(load_digits).image_shape == (8, 8)
    assert Dataset.from_sklearn(load_linnerud).class_names == ("Weight", "Waist", "Pulse")
    assert len(Dataset.from_sklearn(load_diabetes, test_size=42).test) == 42  # whole numbers, some of which occur once
    frame = Dataset.from_sklearn(lambda: load_breast_cancer(as_frame=True), name="frame", source="mine")
    assert (frame.train.X.shape, type(frame.train.y), frame.source) == ((426, 30), np.ndarray, "mine")


def test_a_pair_of_x_and_y_is_a_loader_s_answer_too():
    data = Dataset.from_sklearn(lambda: (["a", "b", "c", "d"], [0, 1, 0, 1]), test_size=2, name="texts")
    assert (len(data.train.X), sorted(data.test.y)) == (2, [0, 1])


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (lambda: 5, "odd: found a loader that returns a value of type int, expected a scikit-learn bunch"),
        (
            lambda: ([[1]] * 6, [0, 0, 1, 1, 2, 2]),
            r"odd: found data that can't be split \(.*\), expected enough examples",
        ),
    ],
)
def test_a_loader_s_faults_are_named(loader, message):
    with pytest.raises(DataError, match=message):
        _ = Dataset.from_sklearn(loader, name="odd").train


def test_a_nameless_loader_needs_a_name():
    with pytest.raises(DataError, match=r"found a loader without a name of its own, .*; pass name="):
        Dataset.from_sklearn(lambda: load_digits())


def test_a_loader_whose_name_says_nothing_of_its_data_needs_a_name():
    def load():
        return load_digits()

    with pytest.raises(DataError, match=r"found a loader that is called 'load', .*; pass name="):
        Dataset.from_sklearn(load)
    assert Dataset.from_sklearn(load, name="mine").name == "mine"


def test_openml_is_kept_in_the_user_s_cache(monkeypatch):
    def fetch(name, *, version, data_home, n_retries, delay):
        assert (name, version, data_home.parents[1]) == ("iris", 1, cache_directory() / "openml")
        data_home.mkdir()
        y = pd.Series(["yes", "no"] * 10, dtype="category")
        return Bunch(
            data=pd.DataFrame({"a": range(20)}), target=y, target_names=["class"], details={"licence": "Public"}
        )

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = Dataset.from_openml("iris", 1)
    assert (data.name, data.licence, data.source) == ("iris", "Public", "OpenML, iris, version 1")
    assert (set(data.test.y), len(data.test), data.class_names) == ({"yes", "no"}, 5, ())


def test_without_a_network_openml_s_error_says_what_to_do(monkeypatch):
    def unplugged(*_, **__):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", unplugged)
    with pytest.raises(
        DataError, match=r"OpenML iris version 1: found no download \(OSError: Network is unreachable\), expected"
    ):
        _ = Dataset.from_openml("iris", 1).train


# IDX


def test_images_of_any_size_are_read(directory):
    data = Dataset.from_idx(directory, licence="mine")
    assert (data.name, data.image_shape, data.licence) == ("boxes", (2, 3), "mine")
    assert (data.train.X.shape, data.train.X.dtype, data.test.y.tolist()) == ((4, 6), np.uint8, [1, 2, 1, 0])


def test_gzipped_and_raw_files_are_the_same_data(directory):
    raw = Dataset.from_idx(directory).digest
    for path in list(directory.iterdir()):
        (directory / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert Dataset.from_idx(directory).digest == raw


def test_idx_round_trip(tmp_path):
    (tmp_path / "x").write_bytes(encode_idx(IMAGES))
    assert (read_idx(tmp_path / "x", 3) == IMAGES).all()


def idx(shape, content, magic=b"\0\0\x08"):
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"
FAULTS = {
    "empty file": (TRAIN_IMAGES, b"", "found an empty file, expected IDX data; download"),
    "wrong magic": (
        TRAIN_IMAGES,
        idx((1, 2, 3), bytes(6), magic=b"\0\0\x0d"),
        "found magic number 0x00000d03, expected 0x00000803",
    ),
    "labels for images": (TRAIN_IMAGES, encode_idx(LABELS), "found magic number 0x00000801, expected 0x00000803"),
    "header cut short": (TRAIN_IMAGES, b"\0\0\x08\x03\0\0", "found 6 bytes, expected a header of 16 bytes"),
    "count that lies": (
        TRAIN_IMAGES,
        idx((300, 2, 3), bytes(6)),
        "found 6 bytes after the header, expected 1,800, as the header's 300 x 2 x 3 says",
    ),
    "other size": (
        TEST_IMAGES,
        idx((4, 3, 3), bytes(36)),
        "found images of 3 x 3 pixels, expected 2 x 3 pixels, as in",
    ),
    "no images": (TRAIN_IMAGES, idx((0, 2, 3), b""), "found no images, expected at least one"),
    "fewer labels": (TRAIN_LABELS, encode_idx(LABELS[:3]), "found 3 labels for 4 images, expected one label"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_named_with_what_was_found_and_expected(directory, fault):
    name, content, message = FAULTS[fault]
    (directory / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        _ = Dataset.from_idx(directory).train
    assert str(caught.value).startswith(str(directory / name))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_gzip_is_named(directory, keep):
    path = directory / TRAIN_IMAGES
    content = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(content[: int(keep * len(content))])
    path.unlink()
    with pytest.raises(DataError, match=r"ubyte\.gz: found a damaged or truncated gzip file .*; download or copy it"):
        _ = Dataset.from_idx(directory).train


@pytest.mark.skipif(os.name == "nt", reason="FIFOs, as POSIX has them")
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_no_regular_file_is_not_waited_for(directory, suffix):
    (directory / TRAIN_LABELS).unlink()
    os.mkfifo(directory / f"{TRAIN_LABELS}{suffix}")
    with pytest.raises(
        DataError, match=r"found an unreadable file \(a pipe, a socket or a device, not a regular file\)"
    ):
        _ = Dataset.from_idx(directory).train


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header_says(directory):
    path = directory / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(gzip.compress(idx((4, 2, 3), bytes(2**26))))
    (directory / TRAIN_IMAGES).unlink()
    tracemalloc.start()
    with pytest.raises(DataError, match="found 25 bytes or more after the header, expected 24, as the header's 4 x 2"):
        _ = Dataset.from_idx(directory).train
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_a_header_that_lies_takes_no_memory(directory):
    (directory / TRAIN_IMAGES).write_bytes(idx((2**32 - 1, 2**16, 2**16), bytes(24)))
    with pytest.raises(DataError, match="found 24 bytes after the header, expected 18,446,744,069,414,584,320, as the"):
        _ = Dataset.from_idx(directory).train


def test_a_missing_file_is_named(directory):
    (directory / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: found no such file beside .*; put all four"):
        _ = Dataset.from_idx(directory).train


def test_an_unreadable_file_is_named(directory, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(DataError, match=r"found an unreadable file \(Permission denied\), expected a readable IDX"):
        _ = Dataset.from_idx(directory).train


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_directory_is_named(directory):
    directory.chmod(0)
    with pytest.raises(DataError, match=r"found no readable directory \(Permission denied\)"):
        _ = Dataset.from_idx(directory).train
    directory.chmod(0o700)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: found no readable directory \(No such file or directory\)"):
        _ = Dataset.from_idx(tmp_path / "nowhere").train


# Downloads


def test_a_mirror_is_asked_where_the_first_fails(monkeypatch):
    asked = []

    def retrieve(url, *, known_hash, fname, path, progressbar):
        asked.append((url, known_hash, Path(path) / fname))
        if url == "first":
            raise ValueError("MD5 hash of downloaded file\n does not match")

    monkeypatch.setattr("pooch.retrieve", retrieve)
    path = download("some/file.gz", ("first", "second"), known_hash="md5:1", next_step="wait")
    assert path == cache_directory() / "some" / "file.gz"
    assert asked == [("first", "md5:1", path), ("second", "md5:1", path)]


@pytest.mark.skipif(os.name == "nt", reason="FIFOs, as POSIX has them")
def test_a_cache_that_holds_no_regular_file_is_not_waited_for():
    cache_directory().mkdir()
    os.mkfifo(cache_directory() / "file")
    with pytest.raises(DataError, match=r"file: found no regular file, expected a file with md5:1, or nothing; delete"):
        download("file", ("first",), known_hash="md5:1", next_step="wait")


def test_without_a_mirror_the_error_says_what_to_do(monkeypatch):
    def unplugged(*_, **__):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("pooch.retrieve", unplugged)
    with pytest.raises(
        DataError, match=r"found no download of it \(first: Network is unreachable; second: .*\), .*; wait\.$"
    ):
        download("file", ("first", "second"), known_hash="md5:1", next_step="wait")


def _fails(y):
    raise ValueError("no such column")


def _ends(y):
    raise GeneratorExit


def test_a_target_of_a_kind_that_scikit_learn_refuses_is_one_line():
    dataset = Dataset.from_arrays("d", np.eye(2), [0, 1], np.eye(2), [0, 1])
    data = TaskData(Task("t", dataset, target=lambda y: np.full(len(y), b"x")), dataset)
    with pytest.raises(TaskError, match="task t, train split: found a target of no kind that scikit-learn knows"):
        data.check()


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (_fails, r"found no target \(ValueError: no such column \(.*test_data\.py:\d+\)\), expected a target for each"),
        (_ends, r"found no target \(GeneratorExit"),
        (lambda y: y[:1], r"found a target of shape \(1,\), expected a target for each of 2 examples"),
        (lambda y: "abc", r"found a target of shape \(\)"),
        (lambda y: y + 1j, "found a target of dtype complex128, expected truth values, finite numbers or text"),
        (lambda y: np.full(len(y), np.inf), "found a target of dtype float64, not all of it finite"),
    ],
)
def test_a_target_that_is_none_is_one_line(target, found):
    dataset = Dataset.from_arrays("d", np.eye(2), [0, 1], np.eye(2), [0, 1])
    data = TaskData(Task("t", dataset, target=target), dataset)
    with pytest.raises(TaskError, match=f"task t, train split: {found}"):
        len(data.y_train)


def test_a_loader_that_fails_is_named_in_a_line_with_what_it_raised():
    def load():
        return Path("no", "loans.csv").read_text()

    with pytest.raises(DataError, match=r"^loans: found FileNotFoundError: .*loans\.csv.*; .*the loader"):
        len(Dataset("loans", load).test)
