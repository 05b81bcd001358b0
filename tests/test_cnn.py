"""The CNN, as far as nothing need be compiled."""

import os
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

jax = pytest.importorskip("jax")


def test_training_starts_from_small_he_uniform_kernels_zero_biases_and_neutral_statistics():
    from models.cnn.network import initial_variables

    parameters = {"kernel": np.empty((5, 5, 8, 400)), "bias": np.empty(400)}
    drawn, kept = initial_variables((parameters, {"mean": np.empty(8), "var": np.empty(8)}), seed=1)
    assert not drawn["bias"].any()
    assert drawn["kernel"].dtype == np.float32
    assert drawn["kernel"].var() == pytest.approx(0.6**2 * 2 / (5 * 5 * 8), rel=0.02)
    assert (kept["mean"] == 0).all()
    assert (kept["var"] == 1).all()


def test_unknown_devices_are_refused_by_name():
    from models.cnn.devices import Devices

    assert Devices.named("cpu:0").count == 1
    for name in ("cpu:99", "cpu:x", "abacus"):
        with pytest.raises(ValueError, match=f"{name}.*expected a backend or one of cpu:0"):
            Devices.named(name)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("state", ["new", "private", "open to others", "a link", "turned off"])
def test_compiled_programs_are_kept_in_a_private_directory_only(tmp_path, monkeypatch, state):
    from models.cnn import compilation

    kept = {}
    config = SimpleNamespace(update=kept.__setitem__, jax_compilation_cache_dir=None)
    monkeypatch.setattr(compilation, "jax", SimpleNamespace(config=config))
    monkeypatch.delenv(compilation.CACHE_VARIABLE, raising=False)
    directory = tmp_path / "xla"
    if state == "private":
        directory.mkdir(mode=0o700)
    elif state == "open to others":
        directory.mkdir()
        directory.chmod(0o770)
    elif state == "a link":
        directory.symlink_to(tmp_path)
    elif state == "turned off":
        monkeypatch.setenv(compilation.CACHE_VARIABLE, "off")
    refused = state in ("open to others", "a link")
    with pytest.warns(UserWarning, match="Compiled programs are not") if refused else nullcontext():
        compilation.keep_programs(directory)
    if state in ("new", "private"):
        assert kept["jax_compilation_cache_dir"] == str(directory)
        assert directory.stat().st_mode & 0o777 == 0o700
    else:
        assert not kept
