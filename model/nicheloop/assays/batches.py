"""One plan for many parameter sets at once, with the batch engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from nicheloop.assays.compiled import Compiled, Floats, stock_system
from nicheloop.assays.plan import Plan, Step
from nicheloop.assays.settings import Settings
from nicheloop.assays.specimen import Specimen, with_values

if TYPE_CHECKING:
    from nicheloop.integrate.batch import BatchPeriod, BatchSolver


FEW_CULTURES = 8
PASSAGES = (6.0, 18.0, *([24.0] * 18))
"""Hours between the dilutions of a stock culture that is followed: three weeks."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What came of the runs.

    Attributes
    ----------
    values : ndarray, shape (runs, times, columns)
        Species, or observables and expressions; NaN after the time reached.
    problems : tuple of str
        Per run; empty if all went well.
    time_reached : ndarray, shape (runs,)
        Hours; NaN if a run could not start.
    """

    values: Floats
    problems: tuple[str, ...]
    time_reached: Floats


def run_batch(
    plan: Plan,
    specimens: Sequence[Specimen],
    settings: Settings,
    columns: Literal["species"] | Sequence[str],
) -> Batch:
    """Run a plan for every specimen; media that others condition are made first, in a batch, too.

    ``columns`` are all species, or named outputs.
    """
    if plan.transfer is not None:
        _harvest(plan.transfer.plan, specimens, settings)
    _grow_stocks(plan, specimens, settings)
    starts = [specimen.start(plan) for specimen in specimens]
    problems = [start.problem for start in starts]
    able = [i for i, problem in enumerate(problems) if not problem]
    system = plan.compiled.system
    width = system.n if columns == "species" else len(columns)
    values = np.full((len(specimens), plan.times.size, width), np.nan)
    reached = np.full(len(specimens), math.nan)
    if able:
        vectors = np.stack([starts[i].vector for i in able])
        periods = [_period(step, plan, vectors) for step in plan.steps]
        initials = np.stack([starts[i].state for i in able])
        done = _solver(plan.compiled, settings).run_periods(periods, initials, plan.times, outputs=columns)
        values[able] = done.y
        reached[able] = done.time_reached
        for i, message in zip(able, done.messages, strict=True):
            problems[i] = message
    return Batch(values, tuple(problems), reached)


def _grow_stocks(plan: Plan, specimens: Sequence[Specimen], settings: Settings) -> None:
    """Follow the stock cultures that a plan needs and that are not known yet, all of a host at once."""
    from nicheloop.integrate.follow import follow_growth

    scenario = plan.scenario
    for inoculum in plan.inocula:
        if inoculum.density <= 0:
            continue
        system = stock_system(scenario.promoter, inoculum.host)
        cultures = [
            s.culture(inoculum.host, system, scenario.resistance, plan.stock_parameters) for s in specimens
        ]
        missing = [(s, c) for s, c in zip(specimens, cultures, strict=True) if not s.has_stock(c)]
        if len(missing) < FEW_CULTURES:
            continue  # each is found by itself, without compiling another kernel
        anchor = system.anchors[inoculum.host]
        starts = np.stack([anchor / anchor.sum() * culture.density for _, culture in missing])
        vectors = np.stack([culture.vector for _, culture in missing])
        near = follow_growth(
            system.system, vectors, starts, anchor, PASSAGES, atol=system.atol, threads=settings.threads
        )
        for (specimen, culture), state in zip(missing, near, strict=True):
            specimen.keep_stock(culture, state)


def _harvest(plan: Plan, specimens: Sequence[Specimen], settings: Settings) -> None:
    missing = [specimen for specimen in specimens if not specimen.has_harvest(plan)]
    if missing:
        done = run_batch(plan, missing, settings, "species")
        for specimen, states, problem in zip(missing, done.values, done.problems, strict=True):
            specimen.keep_harvest(plan, states[-1], problem)


def _period(step: Step, plan: Plan, vectors: Floats) -> BatchPeriod:
    from nicheloop.integrate.batch import BatchPeriod

    parameters = vectors if step.fixed == plan.fixed else with_values(vectors, step.fixed)
    if step.edit is None:
        return BatchPeriod(step.start, step.end, parameters)
    lower = vectors[:, plan.compiled.parameters["lower_volume_fraction"]]
    return BatchPeriod(
        step.start, step.end, parameters, step.edit.scale[None, :], step.edit.total_shift(lower)
    )


@lru_cache(maxsize=64)
def _solver(compiled: Compiled, settings: Settings) -> BatchSolver:
    from nicheloop.integrate import BatchSolver

    atol = compiled.atol * settings.atol_scale
    return BatchSolver(compiled.system, settings.rtol, atol, settings.threads)
