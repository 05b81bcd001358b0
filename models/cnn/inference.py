"""Inference: images to logits by a few compiled programs, whatever their number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export
from jax.sharding import PartitionSpec
from numpy.typing import NDArray

from models.cnn.compilation import compiled
from models.cnn.devices import BATCH, Devices
from models.cnn.program import Scale, predict

# Images that programs take at most, each of which is compiled when it is first needed. The few are computed at once, by
# one device, which is done sooner than several. The many are split over the devices, and computed a chunk at a time, as
# many chunks as there are images for. So a new number of images compiles little, and computes few for nothing.
FEW = (1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64)
MANY = (512, 4_096)
CHUNK = 64
POLLS = 2_000  # of a program that is nearly done, before its thread is put to sleep, whose wakening takes longer


def sizes(n: int, step: int) -> Iterator[int]:
    """Into how many images at a time `n` are parted, so that what is left over does not cost as much as many more.

    What is left of whole steps goes to a program for few, and what is little more than those take to another of them.

    Args:
        n: number of images.
        step: images that all devices' chunks take together.
    """
    while n:
        size = min(n, max(MANY))
        if size <= max(FEW):  # by one program: several would give other last digits in another order
            whole, spare = size, 0
        elif size < step:
            whole, spare = max(FEW), max(FEW) // 4
        else:
            whole, spare = size // step * step, max(FEW)
        part = whole if size - whole <= spare else size
        yield part
        n -= part


class Inference:
    """A trained network, and what was compiled for it.

    Args:
        graph: from devices, the network's as `nnx.split` parts it.
        variables: its parameters and what else it keeps, NumPy arrays.
        scale: of the pixels.
        outputs: number of logits.
        shift: of test-time augmentation, in pixels; 0 for none.
        devices: that there are.
        on_compiled: is told a program's name and what was compiled.
    """

    def __init__(
        self,
        graph: Callable[[Devices], Any],
        variables: Any,
        scale: Scale,
        outputs: int,
        shift: int,
        devices: Devices,
        on_compiled: Callable[[str, Any], None],
    ):
        self._graph, self._variables, self._scale, self._shift = graph, variables, scale, shift
        self._outputs, self._devices, self._on_compiled = outputs, devices, on_compiled
        self._programs: dict[tuple[int, np.dtype[Any], bool], Callable[[NDArray[Any]], NDArray[np.float32]]] = {}

    def logits(self, images: NDArray[Any], infer: bool = True) -> NDArray[np.float32]:
        """Logits `(n, outputs)` of images `(n, side * side)`, uint8 or float32; as many numbers where not to infer."""
        program = self._programs.get((len(images), images.dtype, infer))
        if program:  # of just this size: a single image is looked up in no time
            return program(images)
        found, done = [], 0
        for size in sizes(len(images), CHUNK * self._devices.count):
            found.append(self._program(size, images.dtype, infer)(images[done : done + size]))
            done += size
        return found[0] if len(found) == 1 else np.concatenate(found)

    def exported(
        self, prepare: Callable[[jax.Array], jax.Array], features: int, dtype: Any, platforms: Sequence[str] | None
    ) -> bytes:
        """The map from images `(n, features)`, any number of them, to logits, as `jax.export` serialises it.

        Args:
            prepare: makes images of them, `(n, side * side)`.
            features: of each.
            dtype: of the features.
            platforms: for which; None for that of JAX's default backend.
        """
        forward, variables = self._forward(self._devices.first, True), self._variables
        images = jax.ShapeDtypeStruct((*export.symbolic_shape("n"), features), dtype)
        answer = jax.jit(lambda images: forward(variables, prepare(images)))
        return bytes(export.export(answer, platforms=platforms)(images).serialize())

    def _program(self, n: int, dtype: np.dtype[Any], infer: bool) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """The compiled map from as many images to logits."""
        size = next(size for size in (*FEW, *MANY) if size >= n)
        key = (size, dtype, infer)
        if key not in self._programs:
            make = self._few if size in FEW else self._many
            self._programs[key] = make(size, dtype, infer)
        return self._programs[key]

    def _forward(self, devices: Devices, infer: bool) -> Callable[[Any, jax.Array], jax.Array]:
        graph, *_ = self._graph(devices)

        def logits(variables: Any, images: jax.Array) -> jax.Array:
            return predict(nnx.merge(graph, *variables), images, self._scale, self._shift)

        def pixels(_: Any, images: jax.Array) -> jax.Array:
            return jnp.resize(images.astype(jnp.float32), (len(images), self._outputs))

        return logits if infer else pixels

    def _compiled(self, size: int, infer: bool, function: Any, *arguments: Any) -> Any:
        program = compiled(function, *arguments)
        self._on_compiled(f"{'predict' if infer else 'round_trip'}[{size}]", program)
        return program.call

    def _few(self, size: int, dtype: np.dtype[Any], infer: bool) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """For few images: with constants for variables, so that what follows from them alone is computed once."""
        first, variables = self._devices.first, self._variables
        forward, blank = self._forward(first, infer), np.zeros((size, self._scale.side**2), dtype)
        call = self._compiled(size, infer, lambda images: forward(variables, images), first.whole(blank))

        def run(images: NDArray[Any]) -> NDArray[np.float32]:
            n = len(images)
            if n < size:
                images = np.concatenate([images, blank[n:]])
            found = call(images)
            for _ in range(POLLS):
                if found.is_ready():
                    break
            return np.asarray(found)[:n]

        return run

    def _many(self, size: int, dtype: np.dtype[Any], infer: bool) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """For many images: equally many on each device, in chunks that come one after the other on a CPU."""
        devices = self._devices if size % self._devices.count == 0 else self._devices.first
        forward, share, features = self._forward(devices, infer), size // devices.count, self._scale.side**2
        chunk = share if devices.at_once else math.gcd(CHUNK, share)

        nothing = np.zeros((chunk, self._outputs), np.float32)

        def chunked(variables: Any, count: jax.Array, images: jax.Array) -> jax.Array:
            def logits(part: tuple[jax.Array, jax.Array]) -> jax.Array:
                return jax.lax.cond(part[0] < count, lambda: forward(variables, part[1]), lambda: jnp.asarray(nothing))

            parts = jnp.arange(share // chunk), images.reshape(-1, chunk, features)
            return jax.lax.map(logits, parts).reshape(share, self._outputs)

        whole, split = PartitionSpec(), PartitionSpec(BATCH)
        mapped = jax.shard_map(
            chunked, mesh=devices.mesh, in_specs=(whole, whole, split), out_specs=split, check_vma=False
        )
        variables = devices.whole(self._variables)
        counts = [devices.whole(np.int32(count)) for count in range(share // chunk + 1)]
        blank = devices.split(np.zeros((size, features), dtype), axis=0)
        call = self._compiled(size, infer, mapped, variables, counts[0], blank)

        def run(images: NDArray[Any]) -> NDArray[np.float32]:
            n = len(images)
            each = math.ceil(n / devices.count)
            if n < size:
                filled = np.zeros((devices.count, share, features), dtype)
                for device in range(devices.count):
                    part = images[device * each : (device + 1) * each]
                    filled[device, : len(part)] = part
                images = filled.reshape(size, features)
            found = np.asarray(call(variables, counts[math.ceil(each / chunk)], devices.split(images, axis=0)))
            return found.reshape(devices.count, share, -1)[:, :each].reshape(-1, self._outputs)[:n]

        return run
