"""Plans for many parameter sets at once, with the batch engine; derivatives by parameters, if wanted.

Plans with the same equations and the same period edges are integrated together: each run has its own
parameters and edits, all are sampled whenever one is, and each keeps the times that are its own. What comes
of a run does not depend, to the last bit, on what is run beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Compiled, Floats
from nicheloop.assays.runs.plan import Plan
from nicheloop.assays.runs.specimen import Course, Specimen, with_values
from nicheloop.assays.runs.stocks import grow_stocks, stocks_of
from nicheloop.assays.settings import Settings

if TYPE_CHECKING:
    from nicheloop.assays.runs.together import Together
    from nicheloop.integrate import BatchResult, BatchSolver

Columns = Literal["species"] | Sequence[str]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Batch:
    """What came of the runs of one plan.

    Attributes
    ----------
    values : ndarray, shape (runs, times, columns)
        Species, or observables and expressions; NaN after the time reached.
    problems : tuple of str
        Per run; empty if all went well.
    time_reached : ndarray, shape (runs,)
        Hours; NaN if a run could not start.
    slopes : ndarray, shape (runs, times, columns, by)
        Derivatives of the values by parameters of the table; NaN where the values are.
    """

    values: Floats
    problems: tuple[str, ...]
    time_reached: Floats
    slopes: Floats


def run_plans(
    plans: Sequence[Plan],
    specimens: Sequence[Specimen],
    settings: Settings,
    columns: Columns,
    by: Sequence[str] = (),
) -> list[Batch]:
    """Run every plan for every specimen; stock cultures and conditioned media are made first, and shared.

    Parameters
    ----------
    plans : sequence of Plan
        What to run.
    specimens : sequence of Specimen
        The parameter sets.
    settings : Settings
        Tolerances and threads; the engine is the batch engine, whatever they say.
    columns : "species" or sequence of str
        What to keep: all species, or these observables and expressions.
    by : sequence of str, optional
        Parameters of the table to differentiate by.

    Returns
    -------
    list of Batch
        One per plan, in order.
    """
    from nicheloop.assays.runs.together import Together, kind_of

    names = tuple(by)
    _harvest(plans, specimens, settings, names)
    grow_stocks((key for plan in plans for key in stocks_of(plan)), specimens, settings)
    sheets = [_Sheet.of(plan, len(specimens), columns, names) for plan in plans]
    for some in _alike(specimens, lambda specimen: _given(specimen, names)):
        for others in _alike(plans, lambda plan: kind_of(plan, names)):
            runs = Together([plans[i] for i in others], [specimens[j] for j in some], names)
            _fill([sheets[i] for i in others], np.array(some), runs, settings, columns)
    return [Batch(sheet.values, tuple(sheet.problems), sheet.reached, sheet.slopes) for sheet in sheets]


def _harvest(
    plans: Sequence[Plan], specimens: Sequence[Specimen], settings: Settings, by: tuple[str, ...]
) -> None:
    """Make the conditioned media (and their derivatives) that plans need and some specimen lacks."""

    def lacks(specimen: Specimen, plan: Plan) -> bool:
        return not specimen.has_harvest(plan) or bool(by and not specimen.slopes(by).has_harvest(plan))

    sources = dict.fromkeys(plan.transfer.plan for plan in plans if plan.transfer is not None)
    missing = [plan for plan in sources if any(lacks(specimen, plan) for specimen in specimens)]
    if not missing:
        return
    for plan, done in zip(missing, run_plans(missing, specimens, settings, "species", by), strict=True):
        for j, specimen in enumerate(specimens):
            specimen.keep_harvest(plan, done.values[j, -1], done.problems[j])
            if by:
                specimen.slopes(by).keep_harvest(plan, done.slopes[j, -1])


def _alike(items: Sequence[Item], key: Callable[[Item], Hashable]) -> Iterator[list[int]]:
    """Positions of the items that share a key, group by group."""
    groups: dict[Hashable, list[int]] = {}
    for i, item in enumerate(items):
        groups.setdefault(key(item), []).append(i)
    yield from groups.values()


def _given(specimen: Specimen, by: tuple[str, ...]) -> Hashable:
    """What has to be the same in specimens whose parameters move in the same way."""
    return frozenset(specimen.overrides) if by and not specimen.drawn else None


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Where the results of one plan are collected, one row per specimen."""

    values: Floats
    slopes: Floats
    problems: list[str]
    reached: Floats

    @classmethod
    def of(cls, plan: Plan, specimens: int, columns: Columns, by: tuple[str, ...]) -> _Sheet:
        width = plan.compiled.system.n if columns == "species" else len(columns)
        values = np.full((specimens, plan.times.size, width), np.nan)
        slopes = np.full((*values.shape, len(by)), np.nan)
        return cls(values, slopes, [""] * specimens, np.full(specimens, math.nan))


def _fill(
    sheets: Sequence[_Sheet], rows: NDArray[np.intp], runs: Together, settings: Settings, columns: Columns
) -> None:
    """Integrate, and write what comes out to the rows of the plans' sheets."""
    for sheet, seeds in zip(sheets, runs.seeds, strict=True):
        for row, problem in zip(rows, seeds.problems, strict=True):
            sheet.problems[row] = problem
    if not (runs.able.size and runs.times.size):
        return  # no run can start, or none is looked at
    live = runs.live(() if columns == "species" else columns)
    done = _integrated(runs, live, settings, columns)
    messages = done.messages
    of_plan, of_specimen = np.divmod(runs.able, runs.specimens)
    for i, (sheet, plan) in enumerate(zip(sheets, runs.plans, strict=True)):
        mine = np.flatnonzero(of_plan == i)
        own = rows[of_specimen[mine]]
        picked = np.searchsorted(runs.times, plan.times)
        sheet.values[own] = done.y[np.ix_(mine, picked)]
        sheet.reached[own] = done.time_reached[mine]
        slopes = np.zeros((mine.size, *sheet.slopes.shape[1:]))
        if done.sensitivities is not None:
            slopes[..., live] = done.sensitivities[np.ix_(mine, picked)]
        slopes[np.isnan(sheet.values[own])] = np.nan
        sheet.slopes[own] = slopes
        for row, run in zip(own, mine, strict=True):
            sheet.problems[row] = messages[run]


def _integrated(runs: Together, live: NDArray[np.intp], settings: Settings, columns: Columns) -> BatchResult:
    solver = _solver(runs.compiled, settings)
    periods, initials = runs.periods(live), runs.initials()
    if not live.size:
        return solver.run_periods(periods, initials, runs.times, outputs=columns)
    return solver.run_periods(
        periods,
        initials,
        runs.times,
        outputs=columns,
        sensitivities=[runs.named(column) for column in live],
        initial_sensitivities=runs.initial_slopes[:, :, live],
    )


@lru_cache(maxsize=64)
def _solver(compiled: Compiled, settings: Settings) -> BatchSolver:
    from nicheloop.integrate import BatchSolver

    atol = compiled.atol * settings.atol_scale
    return BatchSolver(compiled.system, settings.rtol, atol, settings.threads, nonnegative=True)


# -- with SciPy ---------------------------------------------------------------------------------------------


def run_one_by_one(plan: Plan, specimens: Sequence[Specimen], names: Sequence[str]) -> Batch:
    """Run a plan for every specimen with SciPy, and keep the named observables and expressions."""
    courses = [specimen.run(plan) for specimen in specimens]
    columns = [plan.compiled.outputs[name] for name in names]
    shape = (len(courses), plan.times.size, len(columns))
    return Batch(
        np.array([outputs_of(plan, course)[:, columns] for course in courses]).reshape(shape),
        tuple(course.problem for course in courses),
        np.array([course.time_reached for course in courses]),
        np.empty((*shape, 0)),
    )


def outputs_of(plan: Plan, course: Course) -> Floats:
    """Compute observables and expressions, each with the parameters of its period."""
    system = plan.compiled.system
    if all(step.fixed == plan.fixed for step in plan.steps):
        return system.outputs(course.states, course.vector)
    period = np.searchsorted([step.start for step in plan.steps], plan.times, side="right") - 1
    outputs = np.empty((len(course.states), len(system.output_names)))
    for number, step in enumerate(plan.steps):
        rows = period == number
        outputs[rows] = system.outputs(course.states[rows], with_values(course.vector, step.fixed))
    return outputs
