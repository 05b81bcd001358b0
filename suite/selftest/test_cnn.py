"""The CNN's own mathematics, on random numbers; nothing is trained."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")


@pytest.mark.parametrize(("channels", "side", "kernel", "outputs"), [(1, 28, 5, 8), (3, 13, 3, 5)])
def test_fused_convolution_and_pooling_is_xla_s(channels, side, kernel, outputs):
    from models.cnn.layers import _direct, _fused

    x = jax.random.normal(jax.random.key(0), (channels, side, side, 7))
    w = jax.random.normal(jax.random.key(1), (kernel, kernel, channels, outputs))

    def value_and_gradients(layer):
        value, pullback = jax.vjp(layer, x, w)
        return value, *pullback(value)

    ours, theirs = (jax.jit(value_and_gradients, static_argnums=0)(layer) for layer in (_fused, _direct))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6 * np.abs(b).max())


def test_shifting_moves_a_batch_as_one_and_keeps_its_ink():
    from models.cnn.training import shifted

    x = np.zeros((3, 28, 28), np.float32)
    x[:, 10:15, 12:16] = 1
    shift = jax.jit(shifted, static_argnums=1)
    for row, column in ((0, 0), (2, 2), (4, 1)):
        moved = np.asarray(shift(x, 2, np.array([row, column])))
        assert np.argwhere(moved[1])[0].tolist() == [12 - row, 14 - column]
        assert moved.sum() == x.sum()


def test_initial_kernels_are_he_uniform_and_biases_zero():
    from models.cnn.network import initial_parameters

    drawn = initial_parameters({"kernel": np.empty((5, 5, 8, 400)), "bias": np.empty(400)}, seed=1)
    assert not drawn["bias"].any()
    assert drawn["kernel"].dtype == np.float32
    assert drawn["kernel"].var() == pytest.approx(2 / (5 * 5 * 8), rel=0.02)
