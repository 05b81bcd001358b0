"""Training: what is compiled, what is told of it, and that it can be repeated."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

jax = pytest.importorskip("jax")

ROOT = Path(__file__).parents[2]
SEVERAL_DEVICES = """
import sys
import jax
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_enable_x64", "x64" in sys.argv)
import numpy as np
from models.cnn.augment import Distortion
from models.cnn.estimator import CNNClassifier

rng = np.random.default_rng(0)
labels = rng.integers(0, 3, 150)
images = rng.integers(0, 80, (150, 28, 28), np.uint8)
images[np.arange(150), 4 + 8 * labels] += 150  # a bright row, at one of three heights
images = images.reshape(150, -1)
deep = dict(channels=(4, 8, 8), kernels=(5, 3, 3), normalise=True, distortion=Distortion(), dropout=0.5)
for parameters in ({}, deep):
    def fit(device):
        common = dict(epochs=2, batch_size=64, learning_rate=1e-3, device=device)
        return CNNClassifier(**common, **parameters).fit(images, labels)
    one, four = fit("cpu:3"), fit("cpu")
    assert "4 cpu devices" in four.execution_ and "1 cpu device " in one.execution_, four.execution_
    pairs = zip(jax.tree.leaves(one.variables_), jax.tree.leaves(four.variables_), strict=True)
    print(max(float(np.abs(a - b).max()) for a, b in pairs))
    print(float(np.abs(one.decision_function(images) - four.decision_function(images)).max()))
"""


def test_four_devices_give_what_one_gives():
    """Within 1e-3 of weights and logits of order 1: sums in another order, through six steps of Adam."""
    command = [sys.executable, "-c", SEVERAL_DEVICES]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    differences = [float(line) for line in result.stdout.split()]
    assert len(differences) == 4
    assert max(differences) < 1e-3


def test_the_same_seed_gives_identical_parameters(classifier, digits):
    images, labels, _, _ = digits
    parameters = {"epochs": 3, "dropout": 0.5, "shift": 2}
    first, again = (classifier(**parameters, random_state=7).fit(images, labels) for _ in range(2))
    other = classifier(**parameters, random_state=8).fit(images, labels)
    for a, b, c in zip(*(jax.tree.leaves(f.variables_[0]) for f in (first, again, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_several_seeds_give_what_each_gives_alone(classifier, digits):
    images, labels, unseen, _ = digits
    estimator = classifier(epochs=3, device="cpu:0")
    for seed, fitted in zip((3, 4), estimator.fit_seeds(images, labels, [3, 4]), strict=True):
        alone = classifier(epochs=3, device="cpu:0", random_state=seed).fit(images, labels)
        np.testing.assert_array_equal(fitted.decision_function(unseen), alone.decision_function(unseen))


def test_seeds_that_train_at_once_give_what_each_gives_alone(classifier, digits, monkeypatch):
    """As on an accelerator, in one program; to rounding."""
    from models.cnn.devices import Devices

    images, labels, unseen, _ = digits
    parameters = {"epochs": 2, "learning_rate": 1e-3, "validation_fraction": 0.2, "device": "cpu:0"}
    alone = [classifier(**parameters, random_state=seed).fit(images, labels) for seed in (3, 4)]
    monkeypatch.setattr(Devices, "at_once", True)
    estimator = classifier(**parameters, random_state=3)
    together = estimator.fit_seeds(images, labels, [3, 4])
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(b.decision_function(unseen), a.decision_function(unseen), atol=1e-2)
        np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-3)


def test_any_number_of_images_is_predicted_whole_by_a_few_programs(classifier, digits):
    from models.cnn.inference import FEW, MANY

    images, labels, _, _ = digits
    fitted = classifier(epochs=2).fit(images, labels)
    compiled = []

    def count(event, duration_secs, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    every = np.resize(images, (5_000, 784))
    whole = fitted.predict(every)
    for size in (*FEW, *MANY):
        fitted.predict(every[:size])
    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        for n in (1, 2, 3, 7, 8, 9, 63, 65, 100, 511, 512, 513, 1_024, 4_097, 5_000):
            assert fitted.predict(every[:n]).tolist() == whole[:n].tolist()
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert not compiled
    assert sum(name.startswith("predict") for name in fitted.compile_seconds_) == len(FEW) + len(MANY)


def test_a_round_trip_runs_no_network(classifier, digits):
    images, labels, _, _ = digits
    fitted = classifier(epochs=2).fit(images, labels)
    fitted.predict(images[:256])
    networks = dict(fitted.compile_seconds_)
    fitted.variables_ = None
    fitted.round_trip(images[:256])
    assert set(fitted.compile_seconds_) - set(networks) == {"round_trip[512]"}


def test_progress_tells_epoch_loss_accuracy_and_time_left(classifier, digits, caplog):
    images, labels, _, _ = digits
    with caplog.at_level(logging.INFO, "models"):
        fitted = classifier(epochs=2, validation_fraction=0.2).fit(images, labels)
    first, last = caplog.messages
    loss, accuracy = fitted.loss_curve_[0], fitted.validation_scores_[0]
    assert first.startswith(f"epoch 1 of 2: loss {loss:.4f}, validation accuracy {accuracy:.4f}, ")
    assert last.endswith(" 0 s left")


def test_a_program_from_the_cache_says_what_it_saved(classifier, digits):
    images, labels, _, _ = digits
    first, again = (classifier(epochs=1, hidden=77).fit(images, labels) for _ in range(2))
    assert first.compile_saved_seconds_["fit"] == 0
    assert again.compile_saved_seconds_["fit"] > 0


def test_defects_that_are_planted_after_training_show_in_what_is_predicted(classifier, digits):
    from models.cnn.defects import network_defects

    images, labels, unseen, _ = digits
    sound = classifier(epochs=2).fit(images, labels).decision_function(unseen)
    planted = [
        defect
        for defect in network_defects()
        if defect.name in ("biases dropped after training", "normalisation dropped")
    ]
    assert len(planted) == 3
    for defect in planted:
        fitted = classifier(epochs=2).fit(images, labels)
        defect.after_fit(fitted)
        assert np.abs(fitted.decision_function(unseen) - sound).max() > 1e-3, defect
