"""Random numbers by number: a part of a design is the same whichever way the design is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from nicheloop.analysis.sweep.numbers import METHODS, levels, shuffled, uniforms

NAMES = ("imatinib", "K562R", "il1_kon")


def whole(method: str, samples: int, seed: int = 3) -> np.ndarray:
    return levels(method, seed, NAMES, samples, np.arange(samples))


@pytest.mark.parametrize("method", METHODS)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=30))
def test_samples_do_not_depend_on_which_others_are_asked_for(method: str, wanted: list[int]) -> None:
    found = levels(method, 3, NAMES, 100, np.array(wanted))
    np.testing.assert_array_equal(found, whole(method, 100)[wanted])


@pytest.mark.parametrize("method", METHODS)
def test_levels_lie_between_0_and_1_and_follow_the_seed(method: str) -> None:
    one, other = whole(method, 64), whole(method, 64, seed=4)
    assert ((one >= 0) & (one < 1)).all()
    assert not np.isclose(one, other).any()
    assert abs(np.corrcoef(one.T) - np.eye(3)).max() < 0.5  # axes have streams of their own


def test_the_first_samples_of_a_longer_design_are_those_of_a_shorter() -> None:
    for method in ("random", "sobol"):
        np.testing.assert_array_equal(whole(method, 64)[:16], whole(method, 16))


def test_a_sobol_design_fills_the_cube_better_than_chance() -> None:
    assert qmc.discrepancy(whole("sobol", 256)) < 0.2 * qmc.discrepancy(whole("random", 256))


@given(st.integers(1, 300), st.integers(0, 5))
def test_a_latin_design_has_one_sample_in_each_part_of_each_axis(samples: int, seed: int) -> None:
    parts = np.sort(np.floor(whole("latin", samples, seed) * samples).astype(int), axis=0)
    np.testing.assert_array_equal(parts, np.arange(samples)[:, None].repeat(3, axis=1))


@given(st.integers(1, 2000), st.integers(0, 2**32))
def test_shuffled_is_a_permutation(size: int, seed: int) -> None:
    keys = np.random.SeedSequence(seed).generate_state(6, np.uint64)
    moved = shuffled(np.arange(size), size, keys)
    np.testing.assert_array_equal(np.sort(moved), np.arange(size))


def test_permutations_of_different_keys_are_unrelated() -> None:
    tables = [
        shuffled(np.arange(1000), 1000, np.random.SeedSequence(seed).generate_state(6, np.uint64))
        for seed in range(8)
    ]
    related = abs(np.corrcoef([np.arange(1000), *tables]) - np.eye(9))
    assert related.max() < 0.15


def test_rows_of_the_endless_table_are_uniform_and_independent() -> None:
    table = uniforms(1, "sets", 0, 4000, 5)
    np.testing.assert_allclose(table.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(table.var(axis=0), 1 / 12, atol=0.01)
    np.testing.assert_array_equal(uniforms(1, "sets", 17, 23, 5), table[17:23])
    assert not np.isin(uniforms(1, "others", 0, 100, 5), table).any()
