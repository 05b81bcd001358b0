"""The CNN, as far as nothing need be compiled."""

import os
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

jax = pytest.importorskip("jax")


def test_training_starts_from_small_he_uniform_kernels_zero_biases_and_neutral_statistics():
    from models.cnn.network import initial_variables

    parameters = {"kernel": np.empty((5, 5, 8, 400)), "bias": np.empty(400)}
    drawn, kept = initial_variables((parameters, {"mean": np.empty(8), "var": np.empty(8)}), seed=1)
    assert not drawn["bias"].any()
    assert drawn["kernel"].dtype == np.float32
    assert drawn["kernel"].var() == pytest.approx(0.6**2 * 2 / (5 * 5 * 8), rel=0.02)
    assert (kept["mean"] == 0).all()
    assert (kept["var"] == 1).all()


def test_unknown_devices_are_refused_by_name():
    from models.cnn.devices import Devices

    assert Devices.named("cpu:0").count == 1
    for name in ("cpu:99", "cpu:x", "abacus"):
        with pytest.raises(ValueError, match=f"{name}.*expected a backend or one of cpu:0"):
            Devices.named(name)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("state", ["new", "private", "open to others", "a link", "turned off"])
def test_compiled_programs_are_kept_in_a_private_directory_only(tmp_path, monkeypatch, state):
    from models.cnn import compilation

    kept = {}
    config = SimpleNamespace(update=kept.__setitem__, jax_compilation_cache_dir=None)
    monkeypatch.setattr(compilation, "jax", SimpleNamespace(config=config))
    monkeypatch.delenv(compilation.CACHE_VARIABLE, raising=False)
    directory = tmp_path / "xla"
    if state == "private":
        directory.mkdir(mode=0o700)
    elif state == "open to others":
        directory.mkdir()
        directory.chmod(0o770)
    elif state == "a link":
        directory.symlink_to(tmp_path)
    elif state == "turned off":
        monkeypatch.setenv(compilation.CACHE_VARIABLE, "off")
    refused = state in ("open to others", "a link")
    with pytest.warns(UserWarning, match="Compiled programs are not") if refused else nullcontext():
        compilation.keep_programs(directory)
    if state in ("new", "private"):
        assert kept["jax_compilation_cache_dir"] == str(directory)
        assert directory.stat().st_mode & 0o777 == 0o700
    else:
        assert not kept


@pytest.mark.parametrize("steps", [1, 2, 7, 611])
def test_the_rates_are_those_of_optax_s_one_cycle(steps):
    import optax

    from models.cnn.schedule import rates

    theirs = optax.cosine_onecycle_schedule(steps, 0.01, pct_start=0.25, div_factor=10, final_div_factor=100)
    expected = [theirs(step) for step in range(steps)]
    np.testing.assert_allclose(rates(0.01, steps)[1:], expected[1:], rtol=1e-5)
    assert rates(0.01, 8)[:3] == pytest.approx([0.001, 0.0055, 0.01])


def test_the_hardest_images_are_those_that_cost_most_when_last_shown_but_for_those_that_cost_too_much():
    from models.cnn.schedule import hardest

    order = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]])
    losses = np.array([[9.0, 0.1, 2.4, 0.3], [2.6, 0.5, 0.6, 0.7], [0.8, 9.9, 0.0, 0.75]])
    assert hardest(order, losses, 0.3, 10, 10).tolist() == [2, 8, 1]  # a guess costs 2.30, the cap is 2.53
    assert hardest(order, losses, 0.3, 10, 10, most_loss=np.inf).tolist() == [9, 4, 2]
    assert hardest(order, np.full((3, 4), 5.0), 0.3, 10, 10).tolist() == []


def test_smoothing_of_labels_adds_to_all_losses_and_changes_nothing():
    from models.cnn.schedule import hardest

    order, rng = np.arange(1_000), np.random.default_rng(0)
    target = np.array([0.5 + 0.25, 0.25])
    guess, least = np.log(2), -(target * np.log(target)).sum()
    losses = np.where(np.arange(1_000) < 40, rng.uniform(0.5, 1.5, 1_000), 0.1) * guess
    smoothed = least + losses / guess * (guess - least)
    for most in (1.1, np.inf):
        found = hardest(order, losses, 0.1, 2, 1_000, 0.0, most)
        assert hardest(order, smoothed, 0.1, 2, 1_000, 0.5, most).tolist() == found.tolist()


@pytest.mark.parametrize(("hard", "shown"), [(1, 10), (6, 10), (7, 0), (20, 0)])
def test_where_too_many_images_are_hard_none_is_shown_again(hard, shown):
    """Of the last fifth of 500 shown, 6 may be, where a tenth is to be shown again."""
    from models.cnn.schedule import hardest

    losses = np.full(500, 0.1)
    losses[:100] = 2.0  # as all are at first
    losses[-hard:] = 1.5
    losses[-95:-90] = 4.0  # mislabelled
    assert len(hardest(np.arange(500), losses, 0.1, 10, 500)) == 5 * shown


def test_the_hardest_are_shown_again_where_there_are_many_images_and_few_are_shown_more_often():
    from models.cnn.schedule import usual_passes

    expected = {
        200: (100, 0.0),
        4_000: (15, 0.0),
        19_999: (3, 0.0),
        20_000: (3, 0.1),
        60_000: (1, 0.1),
        10**6: (1, 0.1),
    }
    assert {n: usual_passes(n) for n in expected} == expected


def test_packed_parameters_are_unpacked_as_they_were():
    from models.cnn.program import LARGE, Packing

    rng = np.random.default_rng(0)
    tree = {"a": rng.random((3, 4)), "b": {"c": rng.random((2, LARGE)), "d": rng.random(5)}}
    packing = Packing(tree)
    vector, large = packing.pack(tree)
    assert vector.shape == (17,)
    assert [leaf.shape for leaf in large] == [(2, LARGE)]
    jax.tree.map(np.testing.assert_array_equal, packing.unpack((vector, large)), tree)


def test_images_are_not_shown_in_the_order_in_which_their_seed_s_generator_would_choose_them():
    """Else labels that are wrong in the first tenth of `permutation(n)` would all be shown first, and cost a guess."""
    from models.cnn.schedule import draw, generator

    order, _, _ = draw(generator(7), np.arange(100), (10, 10), 1)
    chosen = np.random.default_rng(7).permutation(100)[:10]
    assert len(np.intersect1d(order[0], chosen)) < 5
    assert (draw(generator(7), np.arange(100), (10, 10), 1)[0] == order).all()


@pytest.mark.parametrize(
    ("n", "parts"),
    [(1, [1]), (7, [7]), (33, [33]), (65, [64, 1]), (100, [100]), (513, [512, 1]), (600, [600])],
)
def test_little_more_images_than_a_program_takes_are_not_filled_up_to_many_more(n, parts):
    from models.cnn.inference import sizes

    assert list(sizes(n, 128)) == parts


def test_no_number_of_images_makes_programs_compute_half_as_many_for_nothing():
    from models.cnn.inference import CHUNK, FEW, sizes

    for n in range(65, 10_000, 7):
        parts = list(sizes(n, CHUNK))
        assert sum(parts) == n
        computed = sum(min(x for x in FEW if x >= part) if part <= 64 else -(-part // CHUNK) * CHUNK for part in parts)
        assert computed < 1.5 * n
