"""The fixed factorisation against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicheloop.equations.lu import minimum_degree_order, plan_lu


def random_matrix(n: int, density: float, seed: int) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Entries, their values and the dense matrix."""
    rng = np.random.default_rng(seed)
    entries = [(int(i), int(j)) for i, j in np.argwhere(rng.random((n, n)) < density)]
    rng.shuffle(entries)
    entries = [(int(i), int(j)) for i, j in entries]
    values = rng.normal(size=len(entries))
    dense = np.zeros((n, n))
    for (i, j), value in zip(entries, values, strict=True):
        dense[i, j] = value
    return entries, values, dense


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 25), density=st.floats(0, 0.6), seed=st.integers(0, 2**32 - 1))
def test_solution_is_that_of_dense_algebra(n: int, density: float, seed: int) -> None:
    entries, values, dense = random_matrix(n, density, seed)
    plan = plan_lu(n, entries)
    shift = 5.0 + 3.0 * n
    right = np.random.default_rng(seed + 1).normal(size=n)
    x = plan.solve(plan.factor(values, shift), right)
    np.testing.assert_allclose((shift * np.eye(n) - dense) @ x, right, rtol=0, atol=1e-12 * shift)


def test_star_is_eliminated_from_its_points_without_fill() -> None:
    n = 12
    star = [(0, k) for k in range(1, n)] + [(k, 0) for k in range(1, n)]
    plan = plan_lu(n, star)
    assert plan.order[-2:] != (0, 0)
    assert 0 in plan.order[-2:]
    assert plan.size == len(star) + n
    assert plan.factor_operations == n + 2 * (n - 1)


def test_order_is_a_permutation_and_repeats() -> None:
    entries, _, _ = random_matrix(30, 0.1, 3)
    order = minimum_degree_order(30, entries)
    assert sorted(order) == list(range(30))
    assert order == minimum_degree_order(30, reversed(entries))


def test_factors_hold_every_entry_and_the_reciprocal_pivots() -> None:
    plan = plan_lu(3, [(0, 1), (1, 2), (2, 0)])
    factors = plan.factor(np.array([1.0, 1.0, 1.0]), 2.0)
    pivots = [1.0 / factors[plan.slot(k, k)] for k in range(3)]
    dense = 2.0 * np.eye(3) - np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert np.prod(pivots) == pytest.approx(np.linalg.det(dense), rel=1e-14)
    with pytest.raises(KeyError):
        plan_lu(2, []).slot(0, 1)


@pytest.mark.parametrize(("entries", "message"), [([(0, 2)], "outside"), ([(0, 1), (0, 1)], "twice")])
def test_bad_patterns_are_refused(entries: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_lu(2, entries)
