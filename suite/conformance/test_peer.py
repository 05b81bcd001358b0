"""The peer in PyTorch: that the race is a fair one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]


def test_the_peer_has_the_network_of_the_cnn(digits):
    """The same weights give the same logits."""
    import jax
    import torch

    from models.cnn.estimator import CNNClassifier
    from models.torch_cnn import DEVIATION, MEAN, TorchCNN

    images, labels, unseen, _ = digits
    ours, theirs = CNNClassifier(epochs=2, device="cpu:0").fit(images, labels), TorchCNN(epochs=1).fit(images, labels)
    ours._scale = ours._scale._replace(mean=MEAN, deviation=DEVIATION)
    (parameters, _) = ours.variables_
    first, second = (parameters["convolutions"][i] for i in (0, 1))
    dense = parameters["dense1"]["kernel"], parameters["dense2"]["kernel"].T
    weights = [
        *(first["kernel"].transpose(3, 2, 0, 1), first["bias"], second["kernel"].transpose(3, 2, 0, 1), second["bias"]),
        *(dense[0].T, parameters["dense1"]["bias"], dense[1], parameters["dense2"]["bias"]),
    ]
    with torch.no_grad():
        for theirs_, mine in zip(theirs.network_.parameters(), weights, strict=True):
            assert theirs_.shape == mine.shape
            theirs_.copy_(torch.from_numpy(np.array(mine)))
    assert len(weights) == len(jax.tree.leaves(parameters))
    np.testing.assert_allclose(theirs.decision_function(unseen), ours.decision_function(unseen), atol=1e-3)


def test_the_peer_learns_from_the_hardest_images_again(digits, monkeypatch):
    from models.cnn import schedule
    from models.torch_cnn import TorchCNN

    images, labels, unseen, truth = digits
    shown = []

    def draw(rng, of, shape, shift, draw=schedule.draw):
        shown.append(of)
        return draw(rng, of, shape, shift)

    monkeypatch.setattr(schedule, "draw", draw)
    fitted = TorchCNN(epochs=20, hardest=0.1, batch_size=32).fit(images, labels)
    assert [len(each) for each in shown] == [300] * 20 + [90]
    assert len(set(shown[-1].tolist())) == 30
    assert (fitted.predict(unseen) == truth).mean() > 0.8


def test_the_peer_s_seed_repeats_it_and_it_needs_no_jax():
    program = """
import sys
import numpy as np
from models.torch_cnn import TorchCNN
rng = np.random.default_rng(0)
images, labels = rng.integers(0, 256, (100, 784), np.uint8), rng.integers(0, 3, 100)
first, again, other = (TorchCNN(seed, epochs=2).fit(images, labels).decision_function(images) for seed in (1, 1, 2))
assert np.array_equal(first, again) and not np.array_equal(first, other)
assert "jax" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
