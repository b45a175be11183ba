"""Profile likelihoods: how far a parameter can go when all others make up for it.

The prior of the parameter itself is left out, those of the others are not: a profile says what the data tell
of it, given what is known of the rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.identity import identity
from nicheloop.analysis.fit.parameters import Space
from nicheloop.analysis.fit.search import LocalSearch, Optimum
from nicheloop.analysis.fit.walk import Trace, walked
from nicheloop.assays.names import unknown
from nicheloop.execution import Engine, Job, map_tasks
from nicheloop.execution.progress import Progress

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

IDENTIFIABLE, BELOW, ABOVE, FLAT = "identifiable", "bounded below", "bounded above", "flat"
VERDICTS = (IDENTIFIABLE, BELOW, ABOVE, FLAT)
LEVEL = 0.95
"""Confidence of intervals and verdicts."""
BETTER = 1e-2
"""A point of a profile that is better by so much than the optimum sends the search on."""
ROUNDS = 3
"""Of profiles, each from a better optimum."""


def rise(level: float) -> float:
    """Return by how much a profile rises to the ends of its interval of a confidence, such as 0.95."""
    from scipy.special import chdtri

    if not 0.0 < level < 1.0:
        raise ValueError(f"level: got {level!r}, expected a confidence between 0 and 1")
    return 0.5 * float(chdtri(1, 1.0 - level))


@dataclass(frozen=True, eq=False)
class Profile:
    """The profile likelihood of a parameter.

    Attributes
    ----------
    name : str
        Of the parameter.
    logarithmic : bool
        Whether its search scale is the decimal logarithm.
    bounds : (float, float)
        Of the search.
    x : ndarray, shape (points,)
        Where on the search scale, ascending.
    values : ndarray, shape (points,)
        Smallest objective there without the prior of the parameter.
    slopes : ndarray, shape (points,)
        Derivatives of it.
    points : ndarray, shape (points, parameters)
        All parameters.
    objectives : ndarray, shape (points,)
        Objective with all priors.
    ends : (str, str)
        Why it ends below and above: ``threshold``, ``bound``, ``failed`` (nothing beyond can be simulated)
        or ``steps`` (too many).
    evaluations, failed_evaluations : int
        What it took.
    """

    name: str
    logarithmic: bool
    bounds: tuple[float, float]
    x: Floats
    values: Floats
    slopes: Floats
    points: Floats
    objectives: Floats
    ends: tuple[str, str]
    evaluations: int
    failed_evaluations: int

    @cached_property
    def _curve(self) -> Any:
        from scipy.interpolate import CubicHermiteSpline

        return CubicHermiteSpline(self.x, self.values, self.slopes) if self.x.size > 1 else None

    @cached_property
    def lowest(self) -> tuple[float, float]:
        """Where the profile is lowest, and its value there."""
        best = int(np.argmin(self.values))
        candidates = [float(self.x[best])]
        if self._curve is not None:
            turns = self._curve.derivative().roots(extrapolate=False)
            candidates += [float(turn) for turn in turns if np.isfinite(turn)]
        heights = [self.height(at) for at in candidates]
        lowest = int(np.argmin(heights))
        return candidates[lowest], heights[lowest]

    def height(self, at: float) -> float:
        """Value of the profile between its points."""
        return float(self.values[0] if self._curve is None else self._curve(at))

    def limits(self, level: float = LEVEL) -> tuple[float, float]:
        """Ends of an interval on the search scale; infinite on a side on which the data set none.

        Of a level up to 0.99: profiles go no farther.
        """
        at, lowest = self.lowest
        if self._curve is None:
            return -math.inf, math.inf
        roots = self._curve.solve(lowest + rise(level), extrapolate=False)
        crossings = roots[np.isfinite(roots)]
        below, above = crossings[crossings < at], crossings[crossings > at]
        # The outermost crossing: what lies between two valleys is not known to be impossible.
        low = float(below.min()) if below.size and self._is_beyond(0, level) else -math.inf
        high = float(above.max()) if above.size and self._is_beyond(-1, level) else math.inf
        return low, high

    def _is_beyond(self, end: int, level: float) -> bool:
        return bool(self.values[end] - self.lowest[1] >= rise(level))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Ends of an interval in the unit of the parameter; 0, minus infinity or infinity where open."""
        low, high = self.limits(level)
        return (10.0**low, 10.0**high) if self.logarithmic else (low, high)

    @property
    def verdict(self) -> str:
        """What the data say: ``identifiable``, ``bounded below``, ``bounded above`` or ``flat``."""
        low, high = (math.isfinite(end) for end in self.limits())
        if low and high:
            return IDENTIFIABLE
        return BELOW if low else ABOVE if high else FLAT

    @property
    def numbers(self) -> Floats:
        """Where in the unit of the parameter."""
        return 10.0**self.x if self.logarithmic else self.x


@dataclass(frozen=True, eq=False)
class Profiles(Mapping[str, Profile]):
    """Profiles by name of the parameter.

    Attributes
    ----------
    profiles : tuple of Profile
        In the order in which they were asked for.
    optimum : Optimum
        Where they start: a better one than was given, if profiles found it.
    rounds : int
        How often they were computed, from better and better optima.
    seconds : float
        What this call took.
    """

    profiles: tuple[Profile, ...]
    optimum: Optimum
    rounds: int
    seconds: float

    def __getitem__(self, name: str) -> Profile:
        for profile in self.profiles:
            if profile.name == name:
                return profile
        raise KeyError(unknown("profile", name, list(self)))

    def __iter__(self) -> Any:
        return (profile.name for profile in self.profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    @property
    def excess(self) -> float:
        """By how much the best point of a profile is better than the optimum; 0 if none is."""
        lowest = min((float(one.objectives.min()) for one in self.profiles), default=math.inf)
        return max(0.0, self.optimum.value - lowest)


def profiles(
    problem: FitProblem,
    optimum: Optimum,
    names: Sequence[str] | None = None,
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Profiles:
    """Compute profile likelihoods, up to the 99 % threshold or the bounds of the search.

    Parameters
    ----------
    problem : FitProblem
        The problem.
    optimum : Optimum
        Of its search.
    names : sequence of str, optional
        Parameters or factors on noise; default: the free parameters of the table.
    engine : Engine, optional
        Where profiles are computed, each a task; default: here.
    store : path, optional
        Folder that keeps finished profiles.
    progress : callable, optional
        Told ``(done, total, failed)`` profiles.

    Returns
    -------
    Profiles
        Where a point of them is better than the optimum, the search goes on from it and they are computed
        again.

    Raises
    ------
    ValueError
        If a name is not free, or the optimum has no value.
    """
    began = time.perf_counter()
    wanted = problem.free.names if names is None else tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in problem.names:
            raise ValueError(unknown("free parameter", name, problem.names))
    if not optimum.ok:
        raise ValueError("optimum: its objective is not finite, expected one to start profiles from")
    rounds = 0
    while True:
        folder = None if store is None else Path(store) / f"round_{rounds + 1}"
        found = _round(problem, optimum, wanted, engine, folder, progress)
        rounds += 1
        better = _better(problem, found, optimum) if rounds < ROUNDS else None
        if better is None:
            return Profiles(found, optimum, rounds, time.perf_counter() - began)
        optimum = better


def _round(
    problem: FitProblem,
    optimum: Optimum,
    names: Sequence[str],
    engine: Engine | None,
    store: Path | None,
    progress: Progress | None,
) -> tuple[Profile, ...]:
    """Compute all profiles from one optimum."""
    if not names:
        return ()
    settings = {**identity(problem), "optimum": optimum.x, "profiles": list(names)}
    job = Job("profiles", settings)
    items = [problem.names.index(name) for name in names]
    task = ProfileTask(problem, optimum.x)
    found = map_tasks(task, items, engine=engine, store=store, job=job, progress=progress)
    return tuple(_profile(problem.space, items[k], found, k) for k in range(len(items)))


@dataclass(frozen=True)
class ProfileTask:
    """Walks along one parameter; a task."""

    problem: FitProblem
    optimum: Floats

    def __call__(self, index: int) -> dict[str, Any]:
        """Return the trace as arrays, padded with NaN."""
        trace = walked(self.problem, self.optimum, index, rise(0.99))
        return trace.arrays()


def _profile(space: Space, index: int, found: Mapping[str, NDArray[Any]], row: int) -> Profile:
    trace = Trace.of({name: np.asarray(values[row]) for name, values in found.items()})
    parameter = space.parameters[index]
    order = np.argsort(trace.points[:, index], kind="stable")
    return Profile(
        name=parameter.name,
        logarithmic=parameter.scale == "log10",
        bounds=(parameter.lower, parameter.upper),
        x=trace.points[order, index],
        values=trace.values[order],
        slopes=trace.slopes[order],
        points=trace.points[order],
        objectives=trace.objectives[order],
        ends=trace.ends,
        evaluations=trace.evaluations,
        failed_evaluations=trace.failed_evaluations,
    )


def _better(problem: FitProblem, found: Sequence[Profile], optimum: Optimum) -> Optimum | None:
    """Search on from the best point of all profiles, if it is better than the optimum."""
    best = min(found, key=lambda profile: float(profile.objectives.min()), default=None)
    if best is None or not best.objectives.min() < optimum.value - BETTER:
        return None
    further = LocalSearch(problem).optimum(best.points[int(np.argmin(best.objectives))])
    return further if further.value < optimum.value - BETTER else None
