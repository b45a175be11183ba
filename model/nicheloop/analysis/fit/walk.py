"""A walk along one parameter from the optimum, down the valley that the others leave it."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.evaluation import Evaluation

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

THRESHOLD, BOUND, FAILED, STEPS = "threshold", "bound", "failed", "steps"
_ENDS = (THRESHOLD, BOUND, FAILED, STEPS)
MOST = 40
"""Points on either side."""
RISE = 0.5
"""What a step should add to the profile."""
COARSE = 3.0
"""A step that adds so many times as much is taken again, shorter."""
LONGEST, SHORTEST = 1 / 8, 1 / 2000
"""Steps, as shares of the width of the search."""
FLAT = 1e-4
"""A search of the others ends where a step changes the objective by less."""
MOST_ITERATIONS = 40
"""Of a search of the others."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Points of a profile, below and above the optimum, in no order; see `Profile`."""

    points: Floats
    values: Floats
    slopes: Floats
    objectives: Floats
    ends: tuple[str, str]
    evaluations: int
    failed_evaluations: int

    def arrays(self) -> dict[str, Any]:
        """Return it as arrays whose shapes depend on the number of parameters only."""
        padded = {name: _padded(getattr(self, name)) for name in _NAMES}
        counts = {name: np.int64(getattr(self, name)) for name in _COUNTS}
        return {**padded, **counts, "ends": np.array([_ENDS.index(end) for end in self.ends])}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Trace:
        """Read it back."""
        there = np.isfinite(arrays["values"])
        points, values, slopes, objectives = (np.array(arrays[name][there]) for name in _NAMES)
        evaluations, failed = (int(arrays[name]) for name in _COUNTS)
        low, high = (_ENDS[int(end)] for end in arrays["ends"])
        return cls(points, values, slopes, objectives, (low, high), evaluations, failed)


_NAMES = ("points", "values", "slopes", "objectives")
_COUNTS = ("evaluations", "failed_evaluations")


def _padded(values: Floats) -> Floats:
    whole = np.full((2 * MOST + 1, *values.shape[1:]), np.nan)
    whole[: len(values)] = values
    return whole


def walked(problem: FitProblem, optimum: Floats, index: int, rise: float) -> Trace:
    """Walk down and up along a parameter until its profile has risen enough, or to the bounds.

    Parameters
    ----------
    problem : FitProblem
        The problem.
    optimum : ndarray, shape (parameters,)
        Where to begin.
    index : int
        Of the parameter.
    rise : float
        How far above its lowest point the profile is followed.

    Raises
    ------
    RuntimeError
        If the optimum cannot be simulated.
    """
    valley = Valley(problem, index)
    begun = valley.at(np.clip(optimum, problem.lower, problem.upper), search=False)
    if begun is None:
        raise RuntimeError("the optimum cannot be simulated")
    steps, ends = [begun], []
    for side in (-1, 1):
        steps, end = _side(valley, steps, begun, side, rise)
        ends.append(end)
    return Trace(
        points=np.array([step.x for step in steps]),
        values=np.array([step.value for step in steps]),
        slopes=np.array([step.slope for step in steps]),
        objectives=np.array([step.found.value for step in steps]),
        ends=(ends[0], ends[1]),
        evaluations=valley.evaluations,
        failed_evaluations=valley.failed,
    )


@dataclass(frozen=True, eq=False)
class Step:
    """A point of the valley: the others are where the objective is smallest."""

    x: Floats
    found: Evaluation
    value: float
    slope: float
    bend: float
    drift: Floats


def _side(valley: Valley, steps: list[Step], begun: Step, side: int, rise: float) -> tuple[list[Step], str]:
    """Walk to one side."""
    i, here = valley.index, begun
    bound = valley.upper[i] if side > 0 else valley.lower[i]
    steps = list(steps)
    for _ in range(MOST):
        if abs(bound - here.x[i]) <= 1e-9 * valley.width:
            return steps, BOUND
        reached = _step(valley, here, side, bound)
        if reached is None:
            return steps, FAILED
        here = reached
        steps.append(here)
        if here.value - min(step.value for step in steps) >= rise:
            return steps, THRESHOLD
    return steps, STEPS


def _step(valley: Valley, here: Step, side: int, bound: float) -> Step | None:
    """Go so far that the profile rises by about `RISE`; None if nothing there can be simulated."""
    i, length = valley.index, _length(here, side, valley.width)
    last: Step | None = None
    while True:
        length = min(length, abs(bound - here.x[i]))
        target = bound if length == abs(bound - here.x[i]) else here.x[i] + side * length
        reached = valley.at(valley.predicted(here, target))
        if reached is None:
            reached = valley.at(valley.moved(here.x, target))
        shortest = length <= 2.0 * SHORTEST * valley.width
        if reached is not None and (shortest or reached.value - here.value <= COARSE * RISE):
            return reached
        last = reached if reached is not None else last
        if shortest:
            return last
        length *= 0.5 if reached is not None else 0.25


def _length(here: Step, side: int, width: float) -> float:
    """Length of a step that the value rises by `RISE` on, by its slope and bend."""
    slope, bend = side * here.slope, here.bend
    root = math.sqrt(slope**2 + 2.0 * bend * RISE)
    # The same root of the quadratic equation, in the form without cancellation.
    if slope >= 0:
        length = 2.0 * RISE / (slope + root) if slope + root > 0 else math.inf
    else:
        length = (root - slope) / bend if bend > 0 else math.inf
    return float(np.clip(length, SHORTEST * width, LONGEST * width))


@dataclass
class Valley:
    """The objective with one parameter held, without the prior of that one.

    Attributes
    ----------
    problem : FitProblem
        The problem.
    index : int
        Of the parameter that is held.
    evaluations, failed : int
        So far.
    """

    problem: FitProblem
    index: int
    evaluations: int = 0
    failed: int = 0
    lower: Floats = field(init=False)
    upper: Floats = field(init=False)

    def __post_init__(self) -> None:
        from nicheloop.analysis.fit.parameters import Space

        self.lower, self.upper = self.problem.lower, self.problem.upper
        self._own = Space([self.problem.space.parameters[self.index]])
        self._others = np.flatnonzero(np.arange(len(self.lower)) != self.index)

    @property
    def width(self) -> float:
        """Of the search along the parameter."""
        return float(self.upper[self.index] - self.lower[self.index])

    def at(self, x: Floats, search: bool = True) -> Step | None:
        """Find the smallest objective from a point on; None if that cannot be simulated."""
        found, best = self._evaluate(x), x
        if not found.ok:
            return None
        if search and self._others.size:
            best, found = self._searched(x, found)
        return self._step(best, found)

    def moved(self, x: Floats, target: float) -> Floats:
        """Return a point with another value of the parameter."""
        return np.where(np.arange(x.size) == self.index, target, x)

    def predicted(self, here: Step, target: float) -> Floats:
        """Return where the others go, as far as they follow the Fisher matrix."""
        x = here.x + here.drift * (target - here.x[self.index])
        return self.moved(np.clip(x, self.lower, self.upper), target)

    def _step(self, x: Floats, found: Evaluation) -> Step:
        assert found.gradient is not None
        assert found.fisher is not None
        i, own = self.index, x[self.index : self.index + 1]
        value = found.value + self._own.log_prior(own)
        slope = float(found.gradient[i] + self._own.d_log_prior(own)[0])
        drift = self._drift(x, found)
        bend = float(found.fisher[i] @ drift - self._own.prior_information[0])
        return Step(x, found, value, slope, max(bend, 0.0), drift)

    def _drift(self, x: Floats, found: Evaluation) -> Floats:
        """How the others move with the parameter; those at a bound stay."""
        assert found.gradient is not None
        assert found.fisher is not None
        width = self.upper - self.lower
        edge = np.minimum(x - self.lower, self.upper - x) <= 1e-4 * width
        free = self._others[~edge[self._others]]
        drift = np.zeros(x.size)
        drift[self.index] = 1.0
        if free.size:
            block = found.fisher[np.ix_(free, free)]
            answer = np.linalg.lstsq(block, found.fisher[free, self.index], rcond=1e-12)[0]
            drift[free] = -answer
        return drift

    def _searched(self, x: Floats, found: Evaluation) -> tuple[Floats, Evaluation]:
        """Search among the others by trust regions with the Fisher matrix."""
        import fides

        others, best = self._others, [(x, found)]

        def objective(part: Floats) -> tuple[float, Floats, Floats]:
            point = x.copy()
            point[others] = part
            here = found if np.array_equal(point, x) else self._evaluate(point)
            assert here.gradient is not None
            assert here.fisher is not None
            if here.value < best[0][1].value:
                best[0] = (point, here)
            return here.value, here.gradient[others], here.fisher[np.ix_(others, others)]

        options = {"maxiter": MOST_ITERATIONS, "fatol": FLAT, "frtol": 0.0, "gatol": 1e-4}
        search = fides.Optimizer(
            objective, self.upper[others], self.lower[others], verbose=logging.CRITICAL, options=options
        )
        search.minimize(x[others])
        return best[0]

    def _evaluate(self, x: Floats) -> Evaluation:
        found = self.problem.evaluate(x, order=2)
        self.evaluations += 1
        self.failed += found.failed > 0
        return found
