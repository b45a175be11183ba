"""Many growing cultures followed at once, by passages, to the neighbourhood of their balanced growth.

Newton's method (:func:`nicheloop.integrate.balanced_growth`) makes the state exact; following the trajectory
of every culture by itself is what takes the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nicheloop.equations.system import System
from nicheloop.integrate.batch import BatchSolver

Reals = npt.NDArray[np.float64]

_RTOL = 1e-4  # loose: the neighbourhood is wanted, not the path


def follow_growth(
    system: System,
    parameters: Reals,
    start: Reals,
    anchor: Reals,
    passages: Sequence[float],
    *,
    atol: Reals,
    threads: int | None = None,
) -> Reals:
    """Let cultures grow and thin them out to their starting size after every passage.

    Parameters
    ----------
    system : System
        What grows.
    parameters : ndarray, shape (n, parameters)
        Of each culture.
    start : ndarray, shape (n, species)
        Where each culture starts, for instance cells without contents.
    anchor : ndarray, shape (species,)
        Weights of the amount that is brought back after a passage.
    passages : sequence of float
        Length of each passage, in units of time.
    atol : ndarray, shape (species,)
        Absolute tolerance.
    threads : int, optional
        Of the batch engine.

    Returns
    -------
    ndarray, shape (n, species)
        The last state; NaN where the integration failed. A culture does not depend on its company.
    """
    solver = _solver(system, np.ascontiguousarray(atol, dtype=float).tobytes(), threads)
    totals = start @ anchor
    states = start
    for passage in passages:
        states = solver.run(parameters, [0.0, passage], initials=states).y[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            states = states * (totals / (states @ anchor))[:, None]
    return np.asarray(states)


@lru_cache(maxsize=16)
def _solver(system: System, atol: bytes, threads: int | None) -> BatchSolver:
    """Return the solver of a system; to make one takes longer than to follow a few cultures."""
    return BatchSolver(system, _RTOL, np.frombuffer(atol), threads)
