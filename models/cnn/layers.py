"""The layer that the network is made of: a convolution that halves the image, and ReLU, as one."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from models.cnn.devices import BATCH

POOL = 2


class HalvingConv(nnx.Module):
    """A valid convolution that halves height and width, batch normalisation if wanted, and ReLU.

    It halves by 2x2 max-pooling where its kernel's side `k` is odd, and by stride 2 where it is even, which costs a
    quarter of the products. ReLU is monotone, so `relu(max(z)) == max(relu(z))`: it is applied after pooling, to a
    quarter of the values.

    Two formulations compute the same function. `direct` leaves it to the backend's own convolution. `fused` is for
    CPUs and GPUs (`Devices.fused` says why). There, pixel `(i, j)` of the pooled output is

        max over a, b in {0, 1} of  sum over u, v of  W[u, v] x[2i + a + u, 2j + b + v]

    so all four terms read one `(k+1) x (k+1)` patch at stride 2: they are one matrix product with four shifted copies
    of `W`, zero outside, then a maximum over the four. At stride 2 it is the same product, with `W` alone. With the
    batch innermost and 2x2 pixel blocks moved into the channels (space to depth), the patches are contiguous slices and
    their gradients plain pads.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size: side `k` of the kernel.
        fused: which formulation.
        normalise: whether each channel is normalised over the batch before its bias (S. Ioffe and C. Szegedy, arXiv
            1502.03167); over all of a batch that is split on the mesh axis `BATCH`.
        rngs: source of the initial weights (He normal).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, fused: bool, normalise: bool, rngs: nnx.Rngs
    ):
        shape = (kernel_size, kernel_size, in_channels, out_channels)
        self.kernel = nnx.Param(nnx.initializers.he_normal()(rngs.params(), shape, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(out_channels, jnp.float32))
        self.fused = fused
        # Its scale is left to the layer that follows, its shift to the bias.
        normalisation = partial(nnx.BatchNorm, axis=0, momentum=0.98, use_bias=False, use_scale=False, axis_name=BATCH)
        self.norm = normalisation(out_channels, rngs=rngs) if normalise else None

    def __call__(self, x: jax.Array, *, training: bool) -> jax.Array:
        """Map `(in_channels, h, w, n)` to `(out_channels, h', w', n)`, float32; `halved_side` gives `h'` and `w'`."""
        halved = (fused if self.fused else direct)(x, self.kernel[...])
        if self.norm:
            halved = self.norm(halved, use_running_average=not training)
        return nnx.relu(halved + self.bias[...][:, None, None, None])


def pools(kernel_size: int) -> bool:
    """Whether a convolution of that kernel halves by max-pooling, not by its stride."""
    return kernel_size % POOL == 1


def halved_side(side: int, kernel_size: int) -> int:
    """Height or width after one `HalvingConv`, in pixels."""
    return (side - kernel_size) // POOL + 1 if not pools(kernel_size) else (side - kernel_size + 1) // POOL


def products(side: int, kernel_size: int) -> int:
    """At how many places of a square image a `HalvingConv` applies its kernel."""
    places = halved_side(side, kernel_size) * (POOL if pools(kernel_size) else 1)
    return places**2


def direct(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution and pooling, or stride, by the backend's own."""
    pooled = pools(len(kernel))
    stride = (1, 1) if pooled else (POOL, POOL)
    z = jax.lax.conv_general_dilated(x, kernel, stride, "VALID", dimension_numbers=("CHWN", "HWIO", "CHWN"))
    window = (1, POOL, POOL, 1)
    return jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, window, window, "VALID") if pooled else z


def fused(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution and pooling, or stride, as one matrix product."""
    if not pools(len(kernel)):
        return _product(kernel[None], x)[0]
    shifts = [jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)]
    return _max_of_four(_product(jnp.stack(shifts), x))


def _product(kernels: jax.Array, x: jax.Array) -> jax.Array:
    """Convolutions of `(c_in, h, w, n)` at stride 2 by kernels `(m, k, k, c_in, c_out)` of an even side.

    Returns:
        `(m, c_out, rows, cols, n)`.
    """
    m, side, _, c_in, c_out = kernels.shape
    blocks = side // POOL
    patches = _patches(x, blocks)
    _, rows, cols, n = patches.shape
    w = kernels.reshape(m, blocks, POOL, blocks, POOL, c_in, c_out)
    w = w.transpose(0, 6, 1, 3, 2, 4, 5).reshape(m * c_out, -1)  # columns in the order of the patches' rows
    return (w @ patches.reshape(-1, rows * cols * n)).reshape(m, c_out, rows, cols, n)


def _patches(x: jax.Array, blocks: int) -> jax.Array:
    """The patch of `2 blocks x 2 blocks` pixels at each place at stride 2, `(blocks^2 * 4 * c_in, rows, cols, n)`."""
    channels, height, width, n = x.shape
    high, wide = height // POOL, width // POOL
    rows, cols = high - blocks + 1, wide - blocks + 1
    x = x[:, : high * POOL, : wide * POOL].reshape(channels, high, POOL, wide, POOL, n)
    x = x.transpose(2, 4, 0, 1, 3, 5).reshape(POOL * POOL * channels, high, wide, n)
    return jnp.concatenate([x[:, i : i + rows, j : j + cols] for i in range(blocks) for j in range(blocks)])


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
