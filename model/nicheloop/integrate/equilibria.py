"""Steady states, and balanced growth, of many parameter sets at once.

The batch engine follows all of them to the neighbourhood of rest (a growing culture in a vessel that is
diluted as fast as it grows); Newton's method makes the states exact. To follow each with LSODA takes a
hundred times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nicheloop.equations.network import diluted
from nicheloop.equations.reach import reachable
from nicheloop.equations.system import System, compile_network
from nicheloop.integrate.batch import BatchSolver
from nicheloop.integrate.flow import Flow, growth_flow, rest_flow
from nicheloop.integrate.steady import SteadyState, last_sound, settled

Reals = npt.NDArray[np.float64]

_RTOL = 1e-3  # loose: the neighbourhood is wanted, not the path
_MAX_STEPS = 1_000  # those that come to rest take a hundred; one that piles up for ever never ends
_RUNS = 4096  # paths that are in memory at once
_BLOCK = 64  # states whose matrices stay in the processor's cache


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

    Raises
    ------
    ValueError
        If a start holds nothing that the anchor weighs.
    """
    weights = np.ascontiguousarray(anchor, dtype=float)
    totals = (starts * weights).sum(axis=1)
    if not (totals > 0).all():
        first = int(np.argmin(totals > 0))
        raise ValueError(f"start {first} holds {totals[first]:g} of what is anchored, expected more than 0")
    vessel = _diluted(system, weights.tobytes())

    def flow(rows: slice) -> Flow:
        return growth_flow(system, parameters[rows], weights, totals[rows])

    return _found(flow, _solver(vessel, _bytes(atol), threads), parameters, starts, horizon)


def steady_states(
    system: System,
    parameters: Reals,
    starts: Reals,
    *,
    horizon: float,
    atol: Reals,
    threads: int | None = None,
) -> list[SteadyState]:
    """States at rest that many parameter sets reach from their starts: `steady_state` for many.

    What the reactions conserve keeps the value it has in the start. With `BatchSolver.run` and
    ``initials=`` the runs go on from there (pre-equilibration).

    Parameters
    ----------
    system : System
        What comes to rest.
    parameters, starts : ndarray, shapes (m, parameters) and (m, n)
        Of each.
    horizon : float
        For how long they are followed: long beside the slowest of what happens in them.
    atol : ndarray, shape (n,)
        Absolute tolerance of the path.
    threads : int, optional
        Of the batch engine.

    Returns
    -------
    list of SteadyState
        With growth rate 0; a numeric failure is a status. A state does not depend on its company, to the last
        bit.
    """

    def flow(rows: slice) -> Flow:
        return rest_flow(system, parameters[rows], starts[rows])

    return _found(flow, _solver(system, _bytes(atol), threads), parameters, starts, horizon)


def _found(
    flow: Callable[[slice], Flow], solver: BatchSolver, parameters: Reals, starts: Reals, horizon: float
) -> list[SteadyState]:
    """Follow all, and take each from where its path ends to rest."""
    times = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 25) * horizon])
    lifted = _lifted(solver, starts)
    found: list[SteadyState] = []
    for first in range(0, len(starts), _RUNS):
        runs = slice(first, first + _RUNS)
        paths = solver.run(parameters[runs], times, initials=lifted[runs]).y
        for i in range(0, len(paths), _BLOCK):
            block = flow(slice(first + i, first + min(i + _BLOCK, len(paths))))
            found += settled(block, last_sound(block, paths[i : i + _BLOCK]))
    return found


def _lifted(solver: BatchSolver, starts: Reals) -> Reals:
    """Starts with a little of all that will come: a Hill exponent below one has no derivative at zero."""
    lifted = starts.copy()
    patterns, kinds = np.unique(starts != 0, axis=0, return_inverse=True)
    for kind, held in enumerate(patterns):
        present, _ = reachable(solver.system.network, np.flatnonzero(held).tolist())
        place = np.ix_(np.flatnonzero(kinds == kind), np.array(present, dtype=np.intp))
        lifted[place] = np.maximum(starts[place], solver.atol[list(present)])
    return lifted


def _bytes(values: Reals) -> bytes:
    return np.ascontiguousarray(values, dtype=float).tobytes()


@lru_cache(maxsize=16)
def _diluted(system: System, anchor: bytes) -> System:
    return compile_network(diluted(system.network, np.frombuffer(anchor)))


@lru_cache(maxsize=16)
def _solver(system: System, atol: bytes, threads: int | None) -> BatchSolver:
    """Return the solver of a system; to make one takes longer than to follow a few."""
    return BatchSolver(system, _RTOL, np.frombuffer(atol), threads, max_steps=_MAX_STEPS)
