"""The task of a sweep: rows by number, each with what the summaries make of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sweep.axis import Axis
from nicheloop.analysis.sweep.bench import NO_VEHICLE, OK, Bench, Runs, bench_scenario, densities_of
from nicheloop.analysis.sweep.design import Design, Places
from nicheloop.analysis.sweep.numbers import Floats, Indices
from nicheloop.analysis.sweep.sets import ParameterSets
from nicheloop.analysis.sweep.subjects import Seeds, Subject, stock_outputs
from nicheloop.analysis.sweep.summaries import Courses, Summary
from nicheloop.assays.fields import EVENT_AXIS
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.readouts import Readout
from nicheloop.assays.runs.samples import Demand
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings

if TYPE_CHECKING:
    from nicheloop.integrate import BatchSolver

BLOCK = 4096
"""Runs that are looked at together; what comes of them does not depend on it."""
KEPT_SUBJECTS = 1024
"""A parameter set is forgotten after so many variants of it, whose stock cultures it has kept."""
STATUS_FIELD, FAILED_FIELD, AXIS_FIELD = "status", "failed", "axis {}"


@dataclass(frozen=True, eq=False)
class Variable:
    """A result: a read-out of some cells, and what is kept of it."""

    name: str
    readout: Readout
    host: str
    summary: Summary


@dataclass(frozen=True, eq=False)
class SweepTask:
    """Computes rows of a sweep.

    Attributes
    ----------
    scenario : Scenario
        What is swept.
    design : Design
        Which runs there are.
    sets : ParameterSets
        Their parameter sets.
    variables : tuple of Variable
        What is kept.
    times : tuple of float
        Hours at which runs are sampled.
    rtol : float
        Relative tolerance of the batch engine.
    """

    scenario: Scenario
    design: Design
    sets: ParameterSets
    variables: tuple[Variable, ...]
    times: tuple[float, ...]
    rtol: float

    def __call__(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Compute rows ``start`` to ``stop - 1``."""
        step = max(1, BLOCK // self.design.width)
        blocks = [self._block(first, min(first + step, stop)) for first in range(start, stop, step)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is quickly made where it is needed."""
        fields = ("scenario", "design", "sets", "variables", "times", "rtol")
        return {name: getattr(self, name) for name in fields}

    def _block(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        places = self.design.places(start, stop)
        subjects, runs = self._runs(places)
        seeds = Seeds.of(self._treated.plan, subjects, self._settings)
        values, status = self._treated.run(runs, seeds, self._solver, self._outputs)
        stocks = stock_outputs(self._treated.plan, subjects, self._stocks, self._settings)
        readings = Readings(self.scenario.hosts, values, self._columns, runs, stocks)
        if self._vehicle is not None:
            plain, which = runs.without_doses(moves=self._vehicle.moves)
            compared, fate = self._vehicle.run(plain, seeds, self._solver, self._outputs)
            readings = readings.beside(
                Readings(self.scenario.hosts, compared[which], self._columns, runs, stocks)
            )
            status[(status == OK) & (fate[which] != OK)] = NO_VEHICLE
        results = self._summarised(readings, stop - start)
        status = status.reshape(stop - start, *self.design.inner_shape)
        results[STATUS_FIELD] = status
        results[FAILED_FIELD] = (status != OK).reshape(stop - start, -1).any(axis=1)
        for axis in self.design.sampled_axes:
            results[AXIS_FIELD.format(axis.name)] = places.values[axis.name][:: self.design.width]
        return results

    def _summarised(self, readings: Readings, rows: int) -> dict[str, NDArray[Any]]:
        shape = (rows, *self.design.inner_shape, len(self.times))
        doses = {axis.name: np.array(axis.values) for axis in self.design.inner_axes}
        time = np.array(self.times)
        known: dict[object, Floats] = {}

        def course(variable: Variable, wells: Readings) -> Floats:
            key = id(variable.readout), variable.host, id(wells)
            if key not in known:
                computed = variable.readout.compute(wells, variable.host)
                known[key] = np.broadcast_to(computed, (wells.count, time.size)).reshape(shape)
            return known[key]

        plain = readings.vehicle()
        results: dict[str, NDArray[Any]] = {}
        for variable in self.variables:
            control = course(variable, plain) if variable.summary.compares else None
            courses = Courses(course(variable, readings), control, time, doses)
            results[variable.name] = np.asarray(variable.summary(courses), dtype=np.float64)
        return results

    # -- which runs -----------------------------------------------------------------------------------------

    def _runs(self, places: Places) -> tuple[list[Subject], Runs]:
        """Parameter sets of some runs, and the runs."""
        _, first, subject = np.unique(places.subjects, return_index=True, return_inverse=True)
        parameters = [axis.name for axis in self.design.axes if axis.kind == "parameter"]
        specimens = self._specimens(places.sets[first])
        subjects = [
            Subject(
                specimens[number], FrozenMap({name: float(places.values[name][run]) for name in parameters})
            )
            for number, run in zip(places.sets[first].tolist(), first.tolist(), strict=True)
        ]
        count = places.sets.size
        doses = [places.values[name] for name in self._treated.treatments]
        runs = Runs(
            subject.reshape(-1),
            densities_of(self.scenario, places.values, count),
            np.column_stack(doses) if doses else np.empty((count, 0)),
            places.values.get(EVENT_AXIS),
        )
        return subjects, runs

    def _specimens(self, wanted: Indices) -> dict[int, Specimen]:
        """Make the parameter sets of a block; that at the end of the last block is kept while it is small."""
        numbers, variants = np.unique(wanted, return_counts=True)
        first, last = int(numbers[0]), int(numbers[-1])
        recent = dict(self._recent)
        sets = self.sets.block(first, last + 1)
        specimens = {
            number: recent[number][0]
            if number in recent
            else Specimen(sets[number - first], self._settings, self.sets.drawn)
            for number in numbers.tolist()
        }
        size = int(variants[-1]) + (recent[last][1] if last in recent else 0)
        self._recent.clear()
        if size < KEPT_SUBJECTS:
            self._recent[last] = (specimens[last], size)
        return specimens

    # -- made once per process ------------------------------------------------------------------------------

    @cached_property
    def _recent(self) -> dict[int, tuple[Specimen, int]]:
        """The last parameter set of the block before, and how many variants of it there were."""
        return {}

    @cached_property
    def _settings(self) -> Settings:
        return Settings(engine="batch", rtol=self.rtol)

    @cached_property
    def _benches(self) -> tuple[Bench, Bench | None]:
        """The wells, and their vehicle wells if a read-out compares with them."""
        scenario, offsets = bench_scenario(self.scenario, self.design.axes)
        treated = Bench(scenario, self.design.axes, self.times, offsets)
        plain = scenario.vehicle()
        wanted = any(demand.looks_at_vehicle for demand in self._demands)
        wanted |= any(variable.summary.compares for variable in self.variables)
        if plain == scenario or not wanted:
            return treated, None
        return treated, Bench(plain, self.design.axes, self.times, offsets, treated.also)

    @property
    def _treated(self) -> Bench:
        return self._benches[0]

    @property
    def _vehicle(self) -> Bench | None:
        return self._benches[1]

    @cached_property
    def _demands(self) -> list[Demand]:
        return [Demand(variable.readout, variable.host, self.scenario.hosts) for variable in self.variables]

    @cached_property
    def _outputs(self) -> tuple[str, ...]:
        return tuple(sorted({name for demand in self._demands for name in demand.outputs}))

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self._outputs)}

    @cached_property
    def _stocks(self) -> dict[tuple[str, str], None]:
        return dict.fromkeys(sorted({stock for demand in self._demands for stock in demand.stocks}))

    @cached_property
    def _solver(self) -> BatchSolver:
        from nicheloop.integrate import BatchSolver

        system = self._treated.plan.compiled
        return BatchSolver(system.system, self.rtol, system.atol)


@dataclass(frozen=True, eq=False)
class Readings:
    """What read-outs are computed from, shape (runs, times)."""

    hosts: tuple[str, ...]
    values: Floats
    columns: Mapping[str, int]
    runs: Runs
    stocks: Mapping[tuple[str, str], Floats]
    compared: Readings | None = None

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.values)

    def output(self, name: str) -> Floats:
        """Observable or expression of the model."""
        return self.values[:, :, self.columns[name]]

    def seeded(self, host: str) -> Any:
        """Living cells at the start, nM, shape (runs, 1)."""
        return self.runs.densities[:, [self.hosts.index(host)]]

    def stock_output(self, host: str, name: str) -> Floats:
        """Observable or expression in the stock culture of ``host``, shape (runs, 1)."""
        return self.stocks[host, name][self.runs.subjects, None]

    def vehicle(self) -> Readings:
        """The matching vehicle wells."""
        return self if self.compared is None else self.compared

    def beside(self, vehicle: Readings) -> Readings:
        """Return these readings with their vehicle wells."""
        return Readings(self.hosts, self.values, self.columns, self.runs, self.stocks, vehicle)


def sampled_times(scenario: Scenario, summaries: Sequence[Summary]) -> tuple[float, ...]:
    """Hours at which runs have to be sampled for some summaries."""
    wanted = {time for summary in summaries for time in summary.times or ()}
    if any(summary.times is None for summary in summaries):
        wanted |= set(scenario.sampling_times)
    return tuple(sorted(wanted))


def single(scenario: Scenario, axes: Sequence[Axis], values: Mapping[str, float]) -> Scenario:
    """Return the well of one run."""
    places = {axis.name: [values[axis.name]] for axis in axes}
    return scenario.with_(vary=places).wells()[0] if places else scenario.with_(vary={})
