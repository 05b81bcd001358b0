"""Defects of the network: the code of `models/cnn` made wrong, while it is open, in one place each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np

from fitgate.sabotage import CONTROL, Defect
from fitgate.sabotage.catalogue import times


def network_defects() -> Iterator[Defect]:
    """Those that apply to `cnn` alone, and changes that should not matter to it."""
    plant = partial(Defect, models=("cnn",))
    yield plant("model", "activation removed", "all", code=_no_activation)
    yield plant("model", "activation changed", "to tanh", code=_tanh)
    yield plant("model", "activation added", "to the logits", code=_activated_logits)
    yield plant("training", "optimiser changed", "to plain descent", code=_plain_descent)
    for norm in (0.1, 0.01):
        yield plant("training", "gradients clipped", f"at norm {norm:g}", code=partial(_clipped, norm))
    for factor in (10, 100):
        yield plant("training", "weight decay", f"x{factor}", settings={"weight_decay": times(factor)})
    yield plant("model", "softmax twice", "in training", code=_softmax_twice)
    for share, name in ((0.5, "half"), (1.0, "all")):
        yield plant("model", "biases dropped after training", name, after_fit=partial(_drop_biases, share=share))
    yield plant("model", "normalisation dropped", "in prediction", after_fit=_drop_normalisation)
    for share in (0.2, 0.5):
        yield plant(
            "model", "evaluation in training mode", f"dropout {share}", settings={"dropout": share}, code=_training_mode
        )
    yield plant("model", "frozen layer", "first convolution", code=partial(_frozen, "convolutions"))
    yield plant("model", "constant initialisation", "0.01", code=_constant)
    yield plant("training", "wrong loss", "squared error", code=_squared_error)
    for epochs in (7, 2):
        yield plant("training", "epochs", f"{epochs} of 15", settings={"epochs": epochs})
    yield plant("training", "batch", "x8", settings={"batch_size": 1_024})
    yield plant("data", "unshuffled batches", "by class", train=_sorted, code=_in_order)
    yield plant(CONTROL, "another thread count", "1", settings={"device": "cpu:0"})
    yield plant(CONTROL, "random draws reordered", "all", code=_reordered)


def _sorted(X: Any, y: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def _in_order() -> AbstractContextManager[Any]:
    """Training that takes the images as they come."""
    training: Any = import_module("models.cnn.training")

    draw = training.draw

    def unshuffled(rng: np.random.Generator, images: Any, shape: tuple[int, int], shift: int) -> Any:
        _, *rest = draw(rng, images, shape, shift)
        return np.resize(np.asarray(images, np.int32), shape), *rest

    return patch.object(training, "draw", unshuffled)


def _no_activation() -> AbstractContextManager[Any]:
    from flax import nnx

    return patch.object(nnx, "relu", lambda x: x)


def _tanh() -> AbstractContextManager[Any]:
    import jax.numpy as jnp
    from flax import nnx

    return patch.object(nnx, "relu", jnp.tanh)


def _activated_logits() -> AbstractContextManager[Any]:
    from flax import nnx

    module: Any = import_module("models.cnn.network")
    call = module.Network.__call__

    def activated(network: Any, *arguments: Any, **named: Any) -> Any:
        return nnx.relu(call(network, *arguments, **named))

    return patch.object(module.Network, "__call__", activated)


def _plain_descent() -> AbstractContextManager[Any]:
    import optax

    recipe: Any = import_module("models.cnn.recipe")
    return patch.object(recipe.Recipe, "optimizer", lambda _: optax.scale(-1.0))


def _clipped(norm: float) -> AbstractContextManager[Any]:
    import optax

    recipe: Any = import_module("models.cnn.recipe")
    usual = recipe.Recipe.optimizer
    return patch.object(
        recipe.Recipe, "optimizer", lambda self: optax.chain(optax.clip_by_global_norm(norm), usual(self))
    )


def _softmax_twice() -> AbstractContextManager[Any]:
    import jax
    import optax

    loss = optax.softmax_cross_entropy
    return patch.object(optax, "softmax_cross_entropy", lambda z, targets: loss(jax.nn.softmax(z), targets))


def _squared_error() -> AbstractContextManager[Any]:
    import optax

    return patch.object(optax, "softmax_cross_entropy", lambda z, targets: ((z - targets) ** 2).mean(axis=1))


def _training_mode() -> AbstractContextManager[Any]:
    """Hidden units are dropped in prediction too."""
    import jax

    inference: Any = import_module("models.cnn.inference")

    def predict(network: Any, images: Any, scale: Any, shift: int) -> Any:
        keys = jax.random.split(jax.random.key(0), len(images))
        return network(scale.standard(scale.raw(images)), dropout_keys=keys)

    return patch.object(inference, "predict", predict)


@contextmanager
def _frozen(layer: str) -> Iterator[None]:
    import jax
    import optax

    training: Any = import_module("models.cnn.training")
    apply, kept = optax.apply_updates, []

    class Packing(training.Packing):  # type: ignore[misc]
        def __init__(self, parameters: Any):
            super().__init__(parameters)
            moving = jax.tree_util.tree_map_with_path(
                lambda path, x: np.full(x.shape, f"{layer}'][0" not in jax.tree_util.keystr(path), np.float32),
                parameters,
            )
            kept.append(self.pack(moving))

    def frozen(parameters: Any, updates: Any) -> Any:
        return apply(parameters, jax.tree.map(lambda update, moves: update * moves, updates, kept[-1]))

    with patch.object(training, "Packing", Packing), patch.object(optax, "apply_updates", frozen):
        yield


def _constant() -> AbstractContextManager[Any]:
    estimator: Any = import_module("models.cnn.estimator")

    initial = estimator.initial_variables

    def constant(shapes: Any, seed: int) -> Any:
        import jax

        parameters, statistics = initial(shapes, seed)
        return jax.tree.map(lambda x: np.full_like(x, 0.01), parameters), statistics

    return patch.object(estimator, "initial_variables", constant)


def _drop_biases(estimator: Any, share: float) -> None:
    import jax

    def drop(array: Any) -> Any:
        kept = array.copy()
        if array.ndim == 1:
            kept[: round(share * len(kept))] = 0
        return kept

    estimator.variables_ = jax.tree.map(drop, estimator.variables_)


def _drop_normalisation(estimator: Any) -> None:
    estimator._scale = estimator._scale._replace(mean=0.0, deviation=255.0)


def _reordered() -> AbstractContextManager[Any]:
    """Training that draws the same things in another order, as after an innocent change of the code."""
    training: Any = import_module("models.cnn.training")

    draw = training.draw

    def later(rng: np.random.Generator, images: Any, shape: tuple[int, int], shift: int) -> Any:
        rng.random()
        return draw(rng, images, shape, shift)

    return patch.object(training, "draw", later)
