"""Augmentation: training images, changed at random into others of the same digits, inside the compiled step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distortion:
    """How far an image may be bent. Each number is the greatest change, drawn uniformly, unless it says otherwise.

    Attributes:
        rotate: degrees.
        scale: share of the size, of height and width apart.
        shear: pixels across, for each pixel down.
        move: pixels, down and across apart.
        bend: pixels, the standard deviation of a smooth random displacement of each pixel.
        smooth: pixels, the standard deviation of the Gaussian that smooths it.
    """

    rotate: float = 10.0
    scale: float = 0.1
    shear: float = 0.1
    move: float = 2.0
    bend: float = 0.8
    smooth: float = 4.0


def shifted(x: jax.Array, reach: int, corner: jax.Array) -> jax.Array:
    """A batch `(n, side, side)` moved as one, by `reach - corner` pixels down and right, filled with background.

    `corner`, int `(2,)`, is from 0 to `2 * reach`.
    """
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    return jax.lax.dynamic_slice(padded, (0, corner[0], corner[1]), x.shape)


def distorted(x: jax.Array, how: Distortion, keys: jax.Array) -> jax.Array:
    """Each image of a batch `(n, side, side)` mapped by an affine map and an elastic one, drawn by its key of `(n,)`.

    A pixel of the result is read, bilinearly, off the place in the image that the maps send it to; outside is
    background, 0. Elastic distortions: P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional
    neural networks applied to visual document analysis", ICDAR 2003.
    """
    _, side, _ = x.shape
    draws, noise = jax.vmap(partial(_draw, side))(keys)
    draws = draws.T[:, :, None, None]
    angle = draws[0] * np.deg2rad(how.rotate)
    height, width = 1 + how.scale * draws[1], 1 + how.scale * draws[2]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    smoothing = _smoothing(side, how.smooth)
    down, across = how.bend * (smoothing @ noise.swapaxes(0, 1) @ smoothing.T)

    centred = jnp.arange(side, dtype=jnp.float32) - (side - 1) / 2
    v, u = centred[:, None], centred[None, :]
    u = u + how.shear * draws[3] * v
    row = height * (cos * v - sin * u) + how.move * draws[4] + down
    column = width * (sin * v + cos * u) + how.move * draws[5] + across
    return _bilinear(x, row + (side - 1) / 2, column + (side - 1) / 2)


def _draw(side: int, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Uniform numbers from -1 to 1 `(6,)`, and normal ones `(2, side, side)`."""
    uniform, normal = jax.random.split(key)
    return jax.random.uniform(uniform, (6,), minval=-1, maxval=1), jax.random.normal(normal, (2, side, side))


def _smoothing(side: int, sigma: float) -> NDArray[np.float32]:
    """The matrix `(side, side)` that smooths white noise along an axis by a Gaussian, and keeps its variance."""
    offsets = np.arange(side)[:, None] - np.arange(side)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    return (kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True))).astype(np.float32)


def _bilinear(x: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """Values of images `(n, side, side)` at fractional places, `(n, side, side)` each; 0 outside."""
    n, side, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1))).reshape(n, -1)
    # With a border of background, clipping to it is the same as asking outside.
    row, column = (jnp.clip(place + 1, 0, side + 0.999).reshape(n, -1) for place in (row, column))
    top, left = jnp.floor(row), jnp.floor(column)
    below, beside = row - top, column - left
    corner = (top * (side + 2) + left).astype(jnp.int32)

    def at(offset: int) -> jax.Array:
        return jnp.take_along_axis(padded, corner + offset, axis=1, mode="promise_in_bounds")

    upper = (1 - beside) * at(0) + beside * at(1)
    lower = (1 - beside) * at(side + 2) + beside * at(side + 3)
    return ((1 - below) * upper + below * lower).reshape(x.shape)
