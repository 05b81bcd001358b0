"""The network: convolutions that halve the image, then two dense layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from models.cnn.layers import POOL, HalvingConv, halved_side, pools, products

GAIN = 0.6  # of the initial kernels: smaller ones than He's learn faster here


class Network(nnx.Module):
    """convolution - convolution... - dense - dropout - dense, on square single-channel images.

    Args:
        side: height and width of an image, in pixels, `smallest_side` or more.
        outputs: number of logits.
        channels: output channels of each convolution.
        kernels: side of each one's kernel: odd ones are followed by 2x2 max-pooling, even ones have stride 2.
        hidden: width of the hidden dense layer.
        dropout: share of hidden units dropped while training.
        normalise: whether convolutions are followed by batch normalisation.
        fused: formulation of the convolutions (see `HalvingConv`).
        rngs: source of the initial weights.
    """

    def __init__(
        self,
        side: int,
        outputs: int,
        *,
        channels: Sequence[int],
        kernels: Sequence[int],
        hidden: int,
        dropout: float,
        normalise: bool,
        fused: bool,
        rngs: nnx.Rngs,
    ):
        layers, depth = [], 1
        for kernel, width in zip(kernels, channels, strict=True):
            layers.append(HalvingConv(depth, width, kernel, fused=fused, normalise=normalise, rngs=rngs))
            side, depth = halved_side(side, kernel), width
        self.convolutions = nnx.List(layers)
        self.dense1 = nnx.Linear(depth * side**2, hidden, rngs=rngs)
        self.dropout = dropout
        self.hidden = hidden
        self.dense2 = nnx.Linear(hidden, outputs, rngs=rngs)

    def __call__(self, images: jax.Array, *, dropout_keys: jax.Array | None = None) -> jax.Array:
        """Logits, float32 `(n, outputs)`, of images, float32 `(n, side, side)`.

        It trains if there are keys `(n,)`: hidden units are dropped, and normalisation is by the batch. Each image's
        key is its own, so that which units it loses does not hang on which images come with it.
        """
        x = images.transpose(1, 2, 0)[None]  # (1, h, w, n): the batch innermost
        for convolution in self.convolutions:
            x = convolution(x, training=dropout_keys is not None)
        x = nnx.relu(self.dense1(x.reshape(-1, x.shape[-1]).T))
        if self.dropout and dropout_keys is not None:
            kept = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - self.dropout, (self.hidden,)))(dropout_keys)
            x = jnp.where(kept, x / (1 - self.dropout), 0)
        return self.dense2(x)


def operations(side: int, outputs: int, channels: Sequence[int], kernels: Sequence[int], hidden: int) -> int:
    """Floating-point operations of the network's products for one image, a multiplication and an addition being two."""
    total, depth = 0, 1
    for kernel, width in zip(kernels, channels, strict=True):
        total += 2 * kernel**2 * depth * width * products(side, kernel)
        side, depth = halved_side(side, kernel), width
    return total + 2 * depth * side**2 * hidden + 2 * hidden * outputs


def smallest_side(kernels: Sequence[int]) -> int:
    """Height or width, in pixels, of the smallest image that leaves the dense layers 2x2 of each channel."""
    side = 2
    for kernel in reversed(kernels):
        side = side * POOL + kernel - (1 if pools(kernel) else POOL)
    return side


def initial_variables(shapes: Sequence[Any], seed: int) -> tuple[Any, Any]:
    """Where training starts: He-uniform kernels times `GAIN`, zero biases, and statistics of mean 0 and variance 1.

    Drawn by NumPy: XLA would compile for seconds what is drawn here in a millisecond.
    Source: K. He et al., "Delving deep into rectifiers", arXiv 1502.01852.

    Args:
        shapes: trees of arrays or of their shapes: of the parameters, kernels with the outputs last, and of the
            statistics.
        seed: of the draw.

    Returns:
        The same trees of float32 arrays.
    """
    rng = np.random.default_rng(seed)

    def draw(array: Any) -> Any:
        if array.ndim == 1:
            return np.zeros(array.shape, np.float32)
        limit = GAIN * math.sqrt(6 / math.prod(array.shape[:-1]))
        return rng.uniform(-limit, limit, array.shape).astype(np.float32)

    def neutral(path: Any, array: Any) -> Any:
        return np.full(array.shape, "var" in jax.tree_util.keystr(path), np.float32)

    parameters, statistics = shapes
    return jax.tree.map(draw, parameters), jax.tree_util.tree_map_with_path(neutral, statistics)
