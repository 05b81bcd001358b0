"""A directory in MNIST's format, of the library's fake digits."""

from fitgate.data.idx import encode_idx
from tests import fakes


def write_idx(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        (directory / f"{part}-images-idx3-ubyte").write_bytes(encode_idx(fakes.images().reshape(-1, 28, 28)))
        (directory / f"{part}-labels-idx1-ubyte").write_bytes(encode_idx(fakes.LABELS))
    return directory
