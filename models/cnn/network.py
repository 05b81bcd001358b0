"""The network: two convolution-pooling layers and two dense ones."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from flax import nnx

from models.cnn.layers import ConvMaxPool, pooled_side

KERNELS = (5, 3)


class Network(nnx.Module):
    """conv 5x5 - pool - conv 3x3 - pool - dense - dropout - dense, on square single-channel images.

    Args:
        side: height and width of an image, in pixels.
        outputs: number of logits.
        channels: output channels of the two convolutions.
        hidden: width of the hidden dense layer.
        dropout: share of hidden units dropped while training.
        fused: formulation of the convolutions (see `ConvMaxPool`).
        rngs: source of the initial weights.
    """

    def __init__(
        self,
        side: int,
        outputs: int,
        *,
        channels: tuple[int, int],
        hidden: int,
        dropout: float,
        fused: bool,
        rngs: nnx.Rngs,
    ):
        first, second = channels
        self.conv1 = ConvMaxPool(1, first, KERNELS[0], fused=fused, rngs=rngs)
        self.conv2 = ConvMaxPool(first, second, KERNELS[1], fused=fused, rngs=rngs)
        features = second * pooled_side(pooled_side(side, KERNELS[0]), KERNELS[1]) ** 2
        self.dense1 = nnx.Linear(features, hidden, rngs=rngs)
        self.dropout = nnx.Dropout(dropout)
        self.dense2 = nnx.Linear(hidden, outputs, rngs=rngs)

    def __call__(self, images: jax.Array, *, dropout_key: jax.Array | None = None) -> jax.Array:
        """Logits, float32 `(n, outputs)`, of images, float32 `(n, side, side)`; drops units only if given a key."""
        x = images.transpose(1, 2, 0)[None]  # (1, h, w, n): the batch innermost
        x = self.conv2(self.conv1(x))
        x = nnx.relu(self.dense1(x.reshape(-1, x.shape[-1]).T))
        x = self.dropout(x, deterministic=dropout_key is None, rngs=dropout_key)
        return self.dense2(x)


def initial_parameters(shapes: Any, seed: int) -> Any:
    """Initial parameters: He-uniform kernels, zero biases, float32 arrays in the tree of `shapes`.

    Drawn by NumPy: XLA would compile for seconds what is drawn here in a millisecond.
    Source: K. He et al., "Delving deep into rectifiers", arXiv 1502.01852.

    Args:
        shapes: tree of arrays or of their shapes, kernels with the outputs last.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)

    def draw(array: Any) -> Any:
        if array.ndim == 1:
            return np.zeros(array.shape, np.float32)
        limit = math.sqrt(6 / math.prod(array.shape[:-1]))
        return rng.uniform(-limit, limit, array.shape).astype(np.float32)

    return jax.tree.map(draw, shapes)
