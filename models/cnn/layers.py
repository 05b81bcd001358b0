"""The layer that the network is made of: convolution, ReLU and 2x2 max-pooling as one."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from models.cnn.devices import BATCH

POOL = 2


class ConvMaxPool(nnx.Module):
    """A valid `k x k` convolution, 2x2 max-pooling with stride 2, batch normalisation if wanted, and ReLU.

    ReLU is monotone, so `relu(max(z)) == max(relu(z))`: it is applied after pooling, to a quarter of the values.

    Two formulations compute the same function. `direct` leaves it to the backend's own convolution. `fused` is for
    CPUs, whose XLA convolutions are slow (openxla/xla#34273). There, pixel `(i, j)` of the pooled output is

        max over a, b in {0, 1} of  sum over u, v of  W[u, v] x[2i + a + u, 2j + b + v]

    so all four terms read one `(k+1) x (k+1)` patch at stride 2: they are one matrix product with four shifted copies
    of `W`, zero outside, then a maximum over the four. With the batch innermost and 2x2 pixel blocks moved into the
    channels (space to depth), the patches are `((k+1)/2)^2` contiguous slices and their gradients plain pads.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size: odd side `k` of the kernel.
        fused: which formulation.
        normalise: whether each channel is normalised over the batch before its bias (S. Ioffe and C. Szegedy, arXiv
            1502.03167); over all of a batch that is split on the mesh axis `BATCH`.
        rngs: source of the initial weights (He normal).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, fused: bool, normalise: bool, rngs: nnx.Rngs
    ):
        if kernel_size % POOL == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        shape = (kernel_size, kernel_size, in_channels, out_channels)
        self.kernel = nnx.Param(nnx.initializers.he_normal()(rngs.params(), shape, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(out_channels, jnp.float32))
        self.fused = fused
        # Its scale is left to the layer that follows, its shift to the bias.
        normalisation = partial(nnx.BatchNorm, axis=0, momentum=0.98, use_bias=False, use_scale=False, axis_name=BATCH)
        self.norm = normalisation(out_channels, rngs=rngs) if normalise else None

    def __call__(self, x: jax.Array, *, training: bool) -> jax.Array:
        """Map `(in_channels, h, w, n)` to `(out_channels, (h - k + 1) // 2, (w - k + 1) // 2, n)`, float32."""
        pooled = (_fused if self.fused else _direct)(x, self.kernel[...])
        if self.norm:
            pooled = self.norm(pooled, use_running_average=not training)
        return nnx.relu(pooled + self.bias[...][:, None, None, None])


def pooled_side(side: int, kernel_size: int) -> int:
    """Height or width after one `ConvMaxPool`, in pixels."""
    return (side - kernel_size + 1) // POOL


def _direct(x: jax.Array, kernel: jax.Array) -> jax.Array:
    z = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("CHWN", "HWIO", "CHWN"))
    window = (1, POOL, POOL, 1)
    return jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, window, window, "VALID")


@jax.custom_vjp
def _max_of_four(z: jax.Array) -> jax.Array:
    """Maximum over a leading axis of four. Its gradient goes to the first largest, as in max-pooling.

    `z.max(axis=0)` has the same value; its gradient, as XLA derives it, makes a training step take twice as long.
    """
    return jnp.maximum(jnp.maximum(z[0], z[1]), jnp.maximum(z[2], z[3]))


def _max_of_four_forward(z: jax.Array) -> tuple[jax.Array, jax.Array]:
    top, bottom = jnp.maximum(z[0], z[1]), jnp.maximum(z[2], z[3])
    winner = jnp.where(top >= bottom, jnp.where(z[0] >= z[1], 0, 1), jnp.where(z[2] >= z[3], 2, 3))
    return jnp.maximum(top, bottom), winner.astype(jnp.uint8)


def _max_of_four_backward(winner: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    return (jnp.stack([jnp.where(winner == i, gradient, 0) for i in range(4)]),)


_max_of_four.defvjp(_max_of_four_forward, _max_of_four_backward)


def _fused(x: jax.Array, kernel: jax.Array) -> jax.Array:
    k, _, c_in, c_out = kernel.shape
    _, height, width, n = x.shape
    rows, cols, blocks = pooled_side(height, k), pooled_side(width, k), (k + 1) // POOL

    x = x[:, : (rows + blocks - 1) * POOL, : (cols + blocks - 1) * POOL]
    x = x.reshape(c_in, rows + blocks - 1, POOL, cols + blocks - 1, POOL, n)
    x = x.transpose(2, 4, 0, 1, 3, 5).reshape(POOL * POOL * c_in, rows + blocks - 1, cols + blocks - 1, n)
    slices = [x[:, i : i + rows, j : j + cols] for i in range(blocks) for j in range(blocks)]
    patches = jnp.concatenate(slices).reshape(-1, rows * cols * n)

    shifts = [jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)]
    w = jnp.stack(shifts)  # (4, k + 1, k + 1, c_in, c_out)
    w = w.reshape(4, blocks, POOL, blocks, POOL, c_in, c_out)
    w = w.transpose(0, 6, 1, 3, 2, 4, 5).reshape(4 * c_out, -1)  # columns in the order of the patches' rows
    return _max_of_four((w @ patches).reshape(4, c_out, rows, cols, n))
