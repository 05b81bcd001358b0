"""The mathematics of the layers, on random numbers."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")


@pytest.mark.parametrize(
    ("channels", "side", "kernel", "outputs"), [(1, 28, 5, 8), (3, 13, 3, 5), (8, 12, 4, 24), (2, 9, 4, 3)]
)
def test_a_fused_convolution_that_halves_is_xla_s(channels, side, kernel, outputs):
    from models.cnn.layers import direct, fused

    x = jax.random.normal(jax.random.key(0), (channels, side, side, 7))
    w = jax.random.normal(jax.random.key(1), (kernel, kernel, channels, outputs))

    def value_and_gradients(layer):
        value, pullback = jax.vjp(layer, x, w)
        return value, *pullback(value)

    ours, theirs = (jax.jit(value_and_gradients, static_argnums=0)(layer) for layer in (fused, direct))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6 * np.abs(b).max())
