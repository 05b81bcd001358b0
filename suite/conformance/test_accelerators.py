"""Accelerators that are not there: what trains and predicts on them is lowered for them, though it can't run."""

from functools import partial

import pytest

jax = pytest.importorskip("jax")


DEEP = {"channels": (4, 8, 8), "kernels": (5, 3, 3), "normalise": True, "dropout": 0.2, "test_time_shift": 1}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    ("seeds", "parameters"), [([0], {}), ([0, 1], {}), ([0], DEEP)], ids=["one seed", "seeds at once", "deep"]
)
def test_training_and_prediction_are_lowered_for_gpus_and_tpus(
    classifier, digits, monkeypatch, seeds, parameters, fused
):
    """All the programs that `fit` and `predict` compile, in both forms of convolution: GPUs' and TPUs'."""
    from models.cnn import inference, training
    from models.cnn.augment import Distortion
    from models.cnn.devices import Devices

    images, labels, unseen, _ = digits
    lowered = []

    def exporting(compiled, function, *arguments, **options):
        exported = jax.export.export(jax.jit(function), platforms=("cuda", "tpu"))(*arguments)
        assert exported.platforms == ("cuda", "tpu")
        lowered.append(exported.mlir_module())
        return compiled(function, *arguments, **options)

    for module in (training, inference):
        monkeypatch.setattr(module, "compiled", partial(exporting, module.compiled))
    monkeypatch.setattr(Devices, "fused", fused)
    monkeypatch.setattr(Devices, "at_once", True)
    if parameters:
        parameters = {"distortion": Distortion(), **parameters}
    estimator = classifier(epochs=1, validation_fraction=0.2, device="cpu:0", **parameters)
    fitted = estimator.fit_seeds(images, labels, seeds)
    fitted[0].predict(unseen[:1])
    fitted[0].predict(unseen[:128])
    assert len(lowered) == 4  # training, validation, a single image, several
    assert all(("stablehlo.convolution" in text) is not fused for text in lowered)
    assert jax.export.deserialize(fitted[0].export(platforms=("cuda", "tpu"))).platforms == ("cuda", "tpu")
