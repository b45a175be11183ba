"""Multi-start search: local searches with exact derivatives from many starts, each a task that is stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.identity import identity
from nicheloop.analysis.fit.starts import start_points
from nicheloop.assays.names import unknown
from nicheloop.execution import Engine, Job, map_tasks
from nicheloop.execution.progress import Progress

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

OPTIMIZERS = ("fides", "least_squares", "L-BFGS-B")
MOST_ITERATIONS = 200
"""Of a local search."""
FLAT = 1e-6
"""A search ends where a step changes the objective by less."""
NEAR, SAME = 0.1, 1e-3
"""Starts that come so near the best value have found the same explanation, or the same point."""
ENOUGH = 3
"""Starts that must end in the same place before it is taken for the best there is: assumed."""
RETREATS = 6
"""How often a start that cannot be simulated moves half way to the median of the prior."""
_TEXT = "<U160"


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where a local search ended.

    Attributes
    ----------
    x : ndarray, shape (parameters,)
        On the search scale.
    value : float
        Objective there; inf if the search could not begin.
    start : int
        Number of the start, from 0; -1: not from one.
    begun : ndarray, shape (parameters,)
        Where it began.
    evaluations, failed_evaluations : int
        Points that were evaluated, and those that could not be simulated.
    message : str
        Why it ended.
    """

    x: Floats
    value: float
    start: int
    begun: Floats
    evaluations: int
    failed_evaluations: int
    message: str

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return bool(np.isfinite(self.value))


@dataclass(frozen=True, eq=False)
class Search:
    """What came of all starts.

    Attributes
    ----------
    names : tuple of str
        Parameters and factors on noise.
    optima : tuple of Optimum
        One per start, best first; those that failed last.
    seconds : float
        What this call took; next to nothing if all was in the store.
    """

    names: tuple[str, ...]
    optima: tuple[Optimum, ...]
    seconds: float

    @property
    def best(self) -> Optimum:
        """The best of all."""
        return self.optima[0]

    @cached_property
    def waterfall(self) -> Floats:
        """Objective of each start above the best, ascending; inf where a search could not begin."""
        values = np.array([optimum.value for optimum in self.optima])
        return np.asarray(values - values[0])

    def reached(self, within: float = NEAR) -> int:
        """How many starts came within so much of the best value."""
        return int(np.count_nonzero(self.waterfall <= within))

    @property
    def failed(self) -> int:
        """How many starts could not begin."""
        return sum(not optimum.ok for optimum in self.optima)

    @property
    def evaluations(self) -> int:
        """Points that were evaluated, in all."""
        return sum(optimum.evaluations for optimum in self.optima)

    @property
    def failed_evaluations(self) -> int:
        """Points that could not be simulated."""
        return sum(optimum.failed_evaluations for optimum in self.optima)

    @property
    def converged(self) -> bool:
        """Whether enough starts ended in the same place."""
        return self.reached(NEAR) >= min(ENOUGH, len(self.optima))

    @property
    def verdict(self) -> str:
        """What the starts say of the search, in a sentence."""
        total, near, same = len(self.optima), self.reached(NEAR), self.reached(SAME)
        told = f"{near} of {total} starts came within {NEAR:g} of the best value, {same} within {SAME:g}"
        if total < ENOUGH:
            return f"{told}: too few starts to tell whether there is a better one"
        if self.converged:
            return f"{told}: the search has converged"
        return f"{told}: the search has not converged, take more starts"


def multistart(
    problem: FitProblem,
    starts: int = 50,
    seed: int = 1,
    optimizer: Any = "fides",
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Search:
    """Search from many starts.

    Parameters
    ----------
    problem : FitProblem
        What is searched.
    starts : int
        Points of a Sobol design in the prior; the first ones do not depend on how many there are.
    seed : int
        Of the design.
    optimizer : str or pypesto.optimize.Optimizer
        ``fides``: trust region with the Fisher matrix; ``least_squares`` of SciPy, where the objective is a
        sum of squares; ``L-BFGS-B``, which needs more evaluations and often ends early; or one of pyPESTO's
        that begins where it is told.
    engine : Engine, optional
        Where the starts are computed; default: here, one after the other.
    store : path, optional
        Folder that keeps every finished start; the same call goes on where an earlier one was ended.
    progress : callable, optional
        Told ``(done, total, failed)`` starts.

    Returns
    -------
    Search
        The same to the last bit from every engine, and whether it was interrupted or not.

    Raises
    ------
    ValueError
        If an argument makes no sense, or the store is of another search.
    RuntimeError
        If no start could begin; says why.
    """
    began = time.perf_counter()
    points = start_points(problem, starts, seed)
    task = LocalSearch(problem, optimizer)
    settings = {**identity(problem), "optimizer": repr(task.optimizer), "starts": starts}
    job = Job("multistart", settings, int(seed))
    found = map_tasks(task, list(points), engine=engine, store=store, job=job, progress=progress)
    optima = [optimum_of(found, number) for number in range(starts)]
    ranked = tuple(sorted(optima, key=lambda optimum: (not optimum.ok, optimum.value, optimum.start)))
    if not ranked[0].ok:
        reasons = "; ".join(dict.fromkeys(optimum.message for optimum in ranked))
        raise RuntimeError(f"none of {starts} starts could be simulated: {reasons}")
    return Search(problem.names, ranked, time.perf_counter() - began)


class LocalSearch:
    """Searches from one point; a task.

    Parameters
    ----------
    problem : FitProblem
        What is searched.
    optimizer : str or pypesto.optimize.Optimizer
        See `multistart`.

    Raises
    ------
    ValueError
        If the optimiser is unknown, or needs residuals that the problem has not.
    """

    def __init__(self, problem: FitProblem, optimizer: Any = "fides") -> None:
        self.problem = problem
        self.optimizer = _optimizer(optimizer)
        if self.optimizer.is_least_squares() and not problem.is_least_squares:
            raise ValueError(
                f"optimizer: got {optimizer!r}, which needs a sum of squares; this objective is none "
                "(noise is estimated or depends on the mean, or values are censored), expected 'fides'"
            )

    def __call__(self, begun: Floats) -> dict[str, Any]:
        """Return where the search ends, as arrays."""
        begun, retreats, message = self._feasible(np.asarray(begun, dtype=np.float64))
        if message:
            return _record(begun, begun, np.inf, retreats, retreats, message)
        posed = self.problem.to_pypesto()
        result = self.optimizer.minimize(posed, x0=begun)
        counts = ("n_fval", "n_grad", "n_hess", "n_res", "n_sres")
        evaluations = max(int(getattr(result, name) or 0) for name in counts)
        failed = retreats + int(posed.objective.failed_calls)
        x = begun if result.x is None else np.clip(result.x, self.problem.lower, self.problem.upper)
        value = self.problem.evaluate(x).value
        return _record(begun, x, value, evaluations + retreats, failed, str(result.message))

    def optimum(self, begun: Floats) -> Optimum:
        """Return where the search ends."""
        arrays = {name: np.asarray(value)[None] for name, value in self(begun).items()}
        return optimum_of(arrays, 0, start=-1)

    def _feasible(self, begun: Floats) -> tuple[Floats, int, str]:
        """Move a point that cannot be simulated towards the median of the prior."""
        for retreat in range(RETREATS):
            found = self.problem.evaluate(begun)
            if found.ok:
                return begun, retreat, ""
            begun = 0.5 * (begun + self.problem.start)
        return begun, RETREATS, "; ".join(found.problems) or "the data are impossible there"


def optimum_of(found: Mapping[str, NDArray[Any]], number: int, start: int | None = None) -> Optimum:
    """Return the result of one task out of those of many."""
    return Optimum(
        x=np.array(found["x"][number]),
        value=float(found["value"][number]),
        start=number if start is None else start,
        begun=np.array(found["begun"][number]),
        evaluations=int(found["evaluations"][number]),
        failed_evaluations=int(found["failed_evaluations"][number]),
        message=str(found["message"][number]),
    )


def _record(
    begun: Floats, x: Floats, value: float, evaluations: int, failed: int, message: str
) -> dict[str, Any]:
    return {
        "begun": begun,
        "x": x,
        "value": np.float64(value),
        "evaluations": np.int64(evaluations),
        "failed_evaluations": np.int64(failed),
        "failed": np.bool_(not np.isfinite(value)),
        "message": np.array(message, dtype=_TEXT),
    }


def _optimizer(given: Any) -> Any:
    """Return an optimiser of pyPESTO."""
    try:
        from pypesto.optimize import FidesOptimizer, Optimizer, ScipyOptimizer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error.name} is not installed: pip install 'nicheloop[fit]'") from None
    if isinstance(given, Optimizer):
        return given
    if given == "fides":
        options = {"maxiter": MOST_ITERATIONS, "fatol": FLAT, "frtol": 0.0}
        return FidesOptimizer(hessian_update=None, verbose=logging.CRITICAL, options=options)
    if given == "least_squares":
        return ScipyOptimizer("ls_trf", options={"tr_solver": "exact", "maxfun": MOST_ITERATIONS})
    if given == "L-BFGS-B":
        return ScipyOptimizer("L-BFGS-B", options={"maxiter": MOST_ITERATIONS})
    raise ValueError(unknown("optimizer", str(given), OPTIMIZERS))
