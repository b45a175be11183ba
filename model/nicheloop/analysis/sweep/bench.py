"""The wells of a sweep as arrays: one plan for all, and what each axis changes of it.

A plan is made per scenario, which takes longer than to run it. Here it is made once; doses, densities and the
times of events, in which runs differ, are put into the arrays that the batch engine takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sweep.axis import Axis
from nicheloop.analysis.sweep.numbers import Floats, Indices
from nicheloop.analysis.sweep.subjects import Seeds, Truths
from nicheloop.assays.fields import EVENT_AXIS
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.plan import Edit, Plan, plan_of, seeded_by
from nicheloop.assays.runs.specimen import with_values
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML
from nicheloop.integrate import BatchPeriod, Course, Period

if TYPE_CHECKING:
    from nicheloop.integrate import BatchSolver

OK, NO_CULTURE, NO_MEDIUM, STOPPED, NO_VEHICLE = range(5)
"""What can become of a run, see `STATUS`."""
STATUS: Mapping[str, str] = {
    "ok": "went to its end",
    "no_culture": "a stock culture does not grow with these parameters",
    "no_medium": "the run that conditions the medium failed",
    "stopped": "the integration stopped before the end",
    "no_vehicle": "the vehicle well, which a read-out compares with, failed",
}


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs that differ in parameter set, densities, doses and time of the events.

    Attributes
    ----------
    subjects : ndarray of int, shape (runs,)
        Position of the parameter set.
    densities : ndarray, shape (runs, inocula)
        Living cells seeded, nM.
    doses : ndarray, shape (runs, treatments that vary)
        In the units of the treatments.
    at : ndarray, shape (runs,), or None
        Hours of the first event, if that varies.
    """

    subjects: Indices
    densities: Floats
    doses: Floats
    at: Floats | None

    def without_doses(self, *, moves: bool) -> tuple[Runs, NDArray[np.intp]]:
        """Return the different ones of these runs without their doses, and which belongs to each run.

        The time of the events counts only if there are any that move.
        """
        times = self.at if moves else None
        keys = np.column_stack([self.subjects, self.densities, *([] if times is None else [times])])
        first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)[1:]
        at = None if times is None else times[first]
        plain = Runs(self.subjects[first], self.densities[first], self.doses[first, :0], at)
        return plain, which.reshape(-1)

    def only(self, chosen: NDArray[np.intp] | Truths) -> Runs:
        """Return some of the runs."""
        at = None if self.at is None else self.at[chosen]
        return Runs(self.subjects[chosen], self.densities[chosen], self.doses[chosen], at)


@dataclass(frozen=True, eq=False)
class Kit:
    """A plan without the doses that vary, and what one unit of each adds to its start."""

    plan: Plan
    units: tuple[Edit, ...]

    @classmethod
    def of(cls, scenario: Scenario, treatments: Sequence[str], also: frozenset[int]) -> Kit:
        """Make it for a scenario in which these treatments have dose 0."""
        plan = plan_of(scenario, also)
        units = []
        for name in treatments:
            doses = FrozenMap({**scenario.treatments, name: 1.0})
            dosed = plan_of(scenario.model_copy(update={"treatments": doses}), also).start
            start = plan.start
            added = dosed.shift - start.shift, dosed.upper - start.upper, dosed.lower - start.lower
            units.append(Edit(np.ones_like(start.scale), *added))
        return cls(plan, tuple(units))


class Bench:
    """Wells of one scenario.

    Parameters
    ----------
    scenario : Scenario
        A single well; what the axes change in it does not matter.
    axes : sequence of Axis
        What varies from run to run.
    times : tuple of float
        Hours at which all runs are sampled.
    offsets : mapping
        If events move: how long after the first each is, by its time in the scenario.
    also : frozenset of int
        Species that the system holds besides those that the wells are seeded with, so that they can share it.
    """

    def __init__(
        self,
        scenario: Scenario,
        axes: Sequence[Axis],
        times: tuple[float, ...],
        offsets: Mapping[float, float],
        also: frozenset[int] = frozenset(),
    ) -> None:
        treated = [axis.name for axis in axes if axis.kind == "treatment"]
        self.treatments = tuple(name for name in treated if name in scenario.treatments)
        self.moves = bool(offsets) and bool(scenario.events)
        self.times = np.array(times)
        self._scenario = scenario
        self._offsets = offsets
        self.also = also | seeded_by(scenario)

    @cached_property
    def kit(self) -> Kit:
        """Plan and doses; of events that move, none is at the start or at the end."""
        return Kit.of(self._scenario, self.treatments, self.also)

    @cached_property
    def _kit_at_start(self) -> Kit:
        moved = tuple(e.model_copy(update={"at": self._offsets[e.at]}) for e in self._scenario.events)
        scenario = self._scenario.model_copy(update={"events": moved})
        return Kit.of(scenario, self.treatments, self.also)

    @property
    def plan(self) -> Plan:
        """Plan of the well without doses that vary."""
        return self.kit.plan

    def run(
        self, runs: Runs, seeds: Seeds, solver: BatchSolver, outputs: Sequence[str]
    ) -> tuple[Floats, NDArray[np.uint8]]:
        """Integrate.

        Returns
        -------
        values : ndarray, shape (runs, times, outputs)
            NaN after the time reached.
        status : ndarray of int, shape (runs,)
            What became of each run, see `STATUS`.
        """
        status = self._able(runs, seeds)
        able = np.flatnonzero(status == OK)
        values = np.full((runs.subjects.size, self.times.size, len(outputs)), np.nan)
        if able.size:
            some = runs if able.size == runs.subjects.size else runs.only(able)
            values[able], codes = self._integrated(some, seeds, solver, outputs)
            status[able[codes != 0]] = STOPPED
        return values, status

    def _able(self, runs: Runs, seeds: Seeds) -> NDArray[np.uint8]:
        """Which runs can start."""
        status = np.full(runs.subjects.size, OK, dtype=np.uint8)
        for number, absent in enumerate(seeds.no_culture):
            status[absent[runs.subjects] & (runs.densities[:, number] > 0)] = NO_CULTURE
        status[seeds.no_medium[runs.subjects] & (status == OK)] = NO_MEDIUM
        return status

    def _integrated(
        self, runs: Runs, seeds: Seeds, solver: BatchSolver, outputs: Sequence[str]
    ) -> tuple[Floats, NDArray[np.int64]]:
        vectors, lower = seeds.vectors[runs.subjects], seeds.lower[runs.subjects]
        if runs.at is None or not self.moves:
            start = self._started(self.kit, runs, seeds, lower)
            done = solver.run_periods(_periods(self.plan, vectors, lower), start, self.times, outputs=outputs)
            return done.y, done.code
        courses = []
        started = {0.0: self._started(self._kit_at_start, runs, seeds, lower)} if (runs.at == 0).any() else {}
        later = self._started(self.kit, runs, seeds, lower)
        for number, at in enumerate(runs.at.tolist()):
            kit, states = (self._kit_at_start, started[0.0]) if at == 0 else (self.kit, later)
            plan = kit.plan if at == 0 else self._moved(at)
            one = slice(number, number + 1)
            periods = [_single(period) for period in _periods(plan, vectors[one], lower[one])]
            courses.append(Course(periods, self.times, states[number]))
        each = solver.run_each(courses, outputs=outputs)
        return np.concatenate([done.y for done in each]), np.concatenate([done.code for done in each])

    def _started(self, kit: Kit, runs: Runs, seeds: Seeds, lower: Floats) -> Floats:
        """State just after the start, shape (runs, species)."""
        state = np.zeros((runs.subjects.size, kit.plan.compiled.system.n))
        if seeds.medium is not None:
            state += seeds.medium[runs.subjects]
        for number, cells in enumerate(seeds.cells):
            density = runs.densities[:, number, None]
            state += np.where(density > 0, cells[runs.subjects] * density, 0.0)
        state *= kit.plan.start.scale
        state += _shift(kit.plan.start, lower)
        for number, unit in enumerate(kit.units):
            state += runs.doses[:, number, None] * _shift(unit, lower)
        return state

    def _moved(self, at: float) -> Plan:
        """Return the plan with its first event at another time after the start."""
        edges = {event.at: at + self._offsets[event.at] for event in self._scenario.events}
        steps = tuple(
            replace(step, start=edges.get(step.start, step.start), end=edges.get(step.end, step.end))
            for step in self.plan.steps
        )
        return replace(self.plan, steps=steps)


def bench_scenario(scenario: Scenario, axes: Sequence[Axis]) -> tuple[Scenario, dict[float, float]]:
    """Return a single well that holds all that the axes can bring, and nothing of what they set.

    Its events are neither at the start nor at the end, if they move; then the mapping tells how long after
    the first each is.
    """
    names = {axis.name for axis in axes}
    treated = {axis.name: 0.0 for axis in axes if axis.kind == "treatment"}
    kept = {name: value for name, value in scenario.parameters.items() if name not in names}
    changes: dict[str, object] = {
        "treatments": FrozenMap({**scenario.treatments, **treated}),
        "parameters": FrozenMap(kept),
        "vary": FrozenMap(),
    }
    offsets = {}
    if EVENT_AXIS in names:
        first, last = scenario.events[0].at, scenario.events[-1].at
        middle = 0.5 * (scenario.duration - (last - first))
        offsets = {middle + (event.at - first): event.at - first for event in scenario.events}
        changes["events"] = tuple(
            event.model_copy(update={"at": middle + (event.at - first)}) for event in scenario.events
        )
    return scenario.model_copy(update=changes), offsets


def densities_of(scenario: Scenario, values: Mapping[str, Floats], count: int) -> Floats:
    """Return the cells that each run is seeded with, nM, shape (runs, hosts of the scenario)."""
    columns = []
    for host in scenario.hosts:
        seeded = scenario.lines[host].density if host in scenario.lines else scenario.stroma.density
        columns.append(np.broadcast_to(values.get(host, seeded), count) * NANOMOLAR_PER_CELL_PER_ML)
    return np.column_stack(columns)


def _shift(edit: Edit, lower: Floats) -> Floats:
    """Shift of an edit for all runs, or one row if it is the same for all."""
    if edit.upper.any() or edit.lower.any():
        return edit.total_shift(lower)
    return edit.shift[None]


def _periods(plan: Plan, vectors: Floats, lower: Floats) -> list[BatchPeriod]:
    """Periods of runs that differ in their parameters."""
    periods = []
    for step in plan.steps:
        parameters = vectors if step.fixed == plan.fixed else with_values(vectors, step.fixed)
        edit = step.edit
        scale, shift = (None, None) if edit is None else (edit.scale[None], _shift(edit, lower))
        periods.append(BatchPeriod(step.start, step.end, parameters, scale, shift))
    return periods


def _single(period: BatchPeriod) -> Period:
    """Return the period of a single run."""
    scale = None if period.scale is None else period.scale[0]
    shift = None if period.shift is None else period.shift[0]
    return Period(period.start, period.end, period.parameters[0], scale, shift)
