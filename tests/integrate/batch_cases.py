"""Small networks and the independent reference that the tests of the batch engine share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.integrate import solve_ivp

from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import System


def robertson() -> Network:
    """Robertson's stiff kinetics."""
    return Network(
        name="robertson",
        species=("a", "b", "c"),
        parameters=("k1", "k2", "k3", "a0"),
        values=(0.04, 3e7, 1e4, 1.0),
        expressions=(("spent", "total - __s0"),),
        observables=(("total", ((0, 1.0), (1, 1.0), (2, 1.0))),),
        reactions=(
            Reaction("k1*__s0", ((0, -1), (1, 1))),
            Reaction("k2*__s1**2", ((1, -1), (2, 1))),
            Reaction("k3*__s1*__s2", ((0, 1), (1, -1))),
        ),
        initials=((0, "a0"),),
    )


def hill_switch() -> Network:
    """A drug that is cleared and represses, through a Hill function, what activates itself."""
    return Network(
        name="hill switch",
        species=("drug", "x", "y"),
        parameters=("clearance", "k", "n", "gain", "decay"),
        values=(0.3, 0.7, 2.6, 1.5, 0.4),
        expressions=(("free", "k**n/(k**n + drug**n)"), ("drive", "gain*total**n/(1 + total**n)")),
        observables=(("drug", ((0, 1.0),)), ("total", ((1, 1.0), (2, 2.0)))),
        reactions=(
            Reaction("clearance*__s0", ((0, -1),)),
            Reaction("(0.1 + drive)*free", ((1, 1),)),
            Reaction("50*__s1 - 20*__s2", ((1, -1), (2, 1))),
            Reaction("decay*__s2", ((2, -1),)),
        ),
        initials=((1, "0.2"), (0, "2*k")),
    )


def explosion() -> Network:
    """x' = k x**2: infinite at t = 1 / (k x0)."""
    return Network(
        name="explosion",
        species=("x",),
        parameters=("k",),
        values=(1.0,),
        expressions=(),
        observables=(("double", ((0, 2.0),)),),
        reactions=(Reaction("k*__s0**2", ((0, 1),)),),
        initials=((0, "1"),),
    )


def radau(
    system: System, p: np.ndarray, y0: np.ndarray, times: Sequence[float] | np.ndarray, atol: float = 1e-14
) -> np.ndarray:
    """SciPy's Radau at tight tolerance; the first time is the start."""
    grid = np.asarray(times, dtype=float)
    if grid[-1] == grid[0]:
        return np.tile(y0, (len(grid), 1))
    solution = solve_ivp(
        lambda _, y: system.rhs(y, p),
        (grid[0], grid[-1]),
        y0,
        method="Radau",
        jac=lambda _, y: system.jacobian(y, p),
        t_eval=grid,
        rtol=1e-10,
        atol=atol,
    )
    assert solution.success
    return np.asarray(solution.y.T)


def scaled_error(y: np.ndarray, reference: np.ndarray) -> float:
    """Largest deviation of a column, relative to the column's largest value."""
    return float((np.abs(y - reference) / np.abs(reference).max(axis=0)).max())
