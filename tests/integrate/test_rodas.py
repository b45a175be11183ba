"""The tableau by its own merits: order, stiff accuracy and continuous extension, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from nicheloop.integrate import rodas

Vector = np.ndarray


def pendulum(y: Vector) -> Vector:
    return np.array([y[1], -np.sin(y[0]) - 0.1 * y[1] * y[0]])


def pendulum_jacobian(y: Vector) -> Vector:
    return np.array([[0.0, 1.0], [-np.cos(y[0]) - 0.1 * y[1], -0.1 * y[0]]])


def step(
    f: Callable[[Vector], Vector], jacobian: Callable[[Vector], Vector], y: Vector, h: float
) -> tuple[Vector, Vector, Callable[[float], Vector]]:
    """New state, error estimate and continuous extension."""
    matrix = np.eye(len(y)) / (h * rodas.GAMMA) - jacobian(y)
    stages: list[Vector] = []
    argument = y
    for a, c in zip(rodas.A, rodas.C, strict=True):
        argument = y + sum((w * u for w, u in zip(a, stages, strict=True)), np.zeros_like(y))
        coupled = sum((w * u for w, u in zip(c, stages, strict=True)), np.zeros_like(y)) / h
        stages.append(np.linalg.solve(matrix, f(argument) + coupled))
    new = argument + stages[-1]
    d = [sum(w * u for w, u in zip(row, stages, strict=True)) for row in rodas.H]

    def inside(theta: float) -> Vector:
        return (1 - theta) * y + theta * (new + (1 - theta) * (d[0] + theta * (d[1] + theta * d[2])))

    return new, stages[-1], inside


def errors(steps: int) -> tuple[float, float, float]:
    """Largest error at the end, inside steps, and the local error of the embedded solution."""
    y, h = np.array([1.0, 0.3]), 2.0 / steps
    exact = solve_ivp(
        lambda _, v: pendulum(v), (0, 2), y, method="DOP853", rtol=1e-13, atol=1e-15, dense_output=True
    )
    inside_error, embedded = 0.0, 0.0
    for k in range(steps):
        new, estimate, inside = step(pendulum, pendulum_jacobian, y, h)
        for theta in (0.25, 0.6, 0.9):
            inside_error = max(inside_error, np.abs(inside(theta) - exact.sol((k + theta) * h)).max())
        embedded = max(embedded, np.abs(estimate).max())
        y = new
    return float(np.abs(y - exact.sol(2.0)).max()), inside_error, embedded


def test_orders_of_solution_extension_and_estimate() -> None:
    coarse, fine = np.array(errors(16)), np.array(errors(32))
    orders = np.log2(coarse / fine)
    assert orders[0] > 4.6  # order 5
    assert orders[1] > 4.6  # local order 5 of the extension
    assert orders[2] > 4.6  # the estimate is an error of order 4: h**5 in a single step


def test_extension_meets_both_ends_exactly() -> None:
    y = np.array([1.0, 0.3])
    new, _, inside = step(pendulum, pendulum_jacobian, y, 0.3)
    assert np.array_equal(inside(0.0), y)
    assert np.array_equal(inside(1.0), new)


@pytest.mark.parametrize("stiffness", [1e3, 1e6])
def test_fast_modes_vanish_in_one_step(stiffness: float) -> None:
    """Stiffly accurate and L-stable: y' = -k (y - 1) lands on 1 however large k is."""
    new, _, _ = step(
        lambda y: -stiffness * (y - 1.0), lambda _: np.array([[-stiffness]]), np.array([5.0]), 1.0
    )
    assert abs(new[0] - 1.0) < 60.0 / stiffness
