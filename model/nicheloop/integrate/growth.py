"""Balanced growth of many cultures at once.

The batch engine follows every culture in a vessel that is diluted as fast as it grows, to the neighbourhood
of rest; Newton's method makes the states exact. To follow each with LSODA takes a hundred times as long.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nicheloop.equations.network import diluted
from nicheloop.equations.reach import reachable
from nicheloop.equations.system import System, compile_network
from nicheloop.integrate.batch import BatchSolver
from nicheloop.integrate.steady import SteadyState, growth_flow, last_sound, settled

Reals = npt.NDArray[np.float64]

_RTOL = 1e-3  # loose: the neighbourhood is wanted, not the path
_MAX_STEPS = 1_000  # those that come to rest take a hundred; one that piles up for ever never ends
_BLOCK = 64  # cultures whose matrices stay in the processor's cache


def balanced_growths(
    system: System,
    parameters: Reals,
    starts: Reals,
    anchor: Reals,
    *,
    horizon: float,
    atol: Reals,
    threads: int | None = None,
) -> list[SteadyState]:
    """States of cultures that are diluted as fast as they grow: `balanced_growth` for many.

    Parameters
    ----------
    system : System
        What grows.
    parameters : ndarray, shape (m, parameters)
        Of each culture.
    starts : ndarray, shape (m, n)
        Where each culture starts, for instance cells without contents; its anchored total is kept.
    anchor : ndarray, shape (n,)
        Weights of the amount that is kept; not negative.
    horizon : float
        For how long they are followed: long beside the slowest of what happens in them.
    atol : ndarray, shape (n,)
        Absolute tolerance of the path.
    threads : int, optional
        Of the batch engine.

    Returns
    -------
    list of SteadyState
        One per culture; a numeric failure is a status. A culture does not depend on its company, to the last
        bit.
    """
    weights = np.ascontiguousarray(anchor, dtype=float)
    solver = _solver(system, weights.tobytes(), np.ascontiguousarray(atol, dtype=float).tobytes(), threads)
    times = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 25) * horizon])
    lifted = _lifted(system, starts, np.asarray(atol, dtype=float))
    found: list[SteadyState] = []
    for first in range(0, len(starts), _BLOCK * _BLOCK):
        some = slice(first, first + _BLOCK * _BLOCK)
        paths = solver.run(parameters[some], times, initials=lifted[some]).y
        for i in range(0, len(paths), _BLOCK):
            block = slice(first + i, first + min(i + _BLOCK, len(paths)))
            flow = growth_flow(system, parameters[block], weights, (starts[block] * weights).sum(axis=1))
            found += settled(flow, last_sound(flow, paths[i : i + _BLOCK]))
    return found


def _lifted(system: System, starts: Reals, atol: Reals) -> Reals:
    """Starts with a little of all that will come: a Hill exponent below one has no derivative at zero."""
    lifted = starts.copy()
    patterns, kinds = np.unique(starts != 0, axis=0, return_inverse=True)
    for kind, held in enumerate(patterns):
        present, _ = reachable(system.network, np.flatnonzero(held).tolist())
        place = np.ix_(np.flatnonzero(kinds == kind), np.array(present))
        lifted[place] = np.maximum(starts[place], atol[list(present)])
    return lifted


@lru_cache(maxsize=16)
def _solver(system: System, anchor: bytes, atol: bytes, threads: int | None) -> BatchSolver:
    """Return the solver of a diluted system; to make one takes longer than to follow a few cultures."""
    vessel = compile_network(diluted(system.network, np.frombuffer(anchor)))
    return BatchSolver(vessel, _RTOL, np.frombuffer(atol), threads, max_steps=_MAX_STEPS)
