"""What augmentation does to an image."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")


def test_shifting_moves_a_batch_as_one_and_keeps_its_ink():
    from models.cnn.augment import shifted

    x = np.zeros((3, 28, 28), np.float32)
    x[:, 10:15, 12:16] = 1
    shift = jax.jit(shifted, static_argnums=1)
    for row, column in ((0, 0), (2, 2), (4, 1)):
        moved = np.asarray(shift(x, 2, np.array([row, column])))
        assert np.argwhere(moved[1])[0].tolist() == [12 - row, 14 - column]
        assert moved.sum() == x.sum()


def test_distortion_without_reach_changes_nothing_and_is_each_image_s_own():
    from models.cnn.augment import Distortion, distorted

    x = np.random.default_rng(0).random((3, 28, 28), np.float32)
    keys = jax.random.split(jax.random.key(0), 3)
    still = Distortion(rotate=0, scale=0, shear=0, move=0, bend=0)
    distort = jax.jit(distorted, static_argnums=1)
    np.testing.assert_allclose(distort(x, still, keys), x, atol=1e-5)
    bent = distort(x, Distortion(), keys)
    assert np.abs(bent - x).mean() > 0.05
    np.testing.assert_allclose(distort(x[1:2], Distortion(), keys[1:2])[0], bent[1], atol=1e-5)


def test_rotation_turns_about_the_middle():
    from models.cnn.augment import Distortion, distorted

    x = np.zeros((64, 29, 29), np.float32)
    x[:, 14, 4:25] = 1  # a line through the middle
    turned = Distortion(rotate=90, scale=0, shear=0, move=0, bend=0)
    lines = np.asarray(jax.jit(distorted, static_argnums=1)(x, turned, jax.random.split(jax.random.key(1), 64)))
    assert lines[:, 14, 14] == pytest.approx(1, abs=1e-3)
    assert lines.sum(axis=(1, 2)).mean() == pytest.approx(21, rel=0.02)
    assert lines[:, 4:7, 14].max() > 0.5  # one of them stands upright
