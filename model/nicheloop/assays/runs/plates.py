"""A plate: values asked of many wells, simulated together for many parameter sets, with derivatives.

A vehicle well is run once, whoever refers to it. Wells with the same kinds of cell share one system of
equations, so that they are integrated together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nicheloop.assays.compiled import Floats
from nicheloop.assays.readouts import Readout
from nicheloop.assays.runs.batches import Batch, run_one_by_one, run_plans
from nicheloop.assays.runs.dual import Dual
from nicheloop.assays.runs.samples import Demand, Measured, Samples, reference_stock
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.runs.stocks import grow_stocks
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.designs import Designs


@dataclass(frozen=True)
class Request:
    """One value that is asked of a plate.

    Attributes
    ----------
    well : int
        Position of the well.
    readout : Readout
        What is measured; the background of the assay is part of the value.
    host : str
        Cells it is measured on; empty for the medium.
    time : float
        Hours after the start.
    by_vehicle : bool
        Whether the value is divided by that of the matching vehicle well.
    """

    well: int
    readout: Readout
    host: str
    time: float
    by_vehicle: bool = False


@dataclass(frozen=True, eq=False)
class Answers:
    """What the model says to the requests.

    Attributes
    ----------
    values : ndarray, shape (sets, requests)
        In the units of the read-outs; NaN where a run failed.
    slopes : ndarray, shape (sets, requests, by)
        Their derivatives by parameters of the table; NaN where the values are.
    problems : tuple of tuple of str, sets of wells
        Why a well, or the vehicle well it is compared with, failed; empty if all went well.
    """

    values: Floats
    slopes: Floats
    problems: tuple[tuple[str, ...], ...]


class Plate:
    """Wells and what is asked of them: prepared once, run for any parameters.

    Parameters
    ----------
    wells : sequence of Scenario
        Single wells.
    requests : sequence of Request
        What is asked. A request that occurs several times is computed once.

    Raises
    ------
    ValueError
        If a request names a well that is not there, or a time that its run does not reach.
    """

    def __init__(self, wells: Sequence[Scenario], requests: Sequence[Request]) -> None:
        for request in requests:
            _check(request, wells)
        designs = Designs()
        self._of_well = [designs.number(well) for well in wells]
        asked: dict[_Kind, dict[tuple[int, float], None]] = {}
        for request in requests:
            kind, look = _kind(request, wells), (self._of_well[request.well], request.time)
            asked.setdefault(kind, {})[look] = None
        self._questions = tuple(_Question(kind, tuple(looks), designs) for kind, looks in asked.items())
        self._vehicle_of = {
            number: designs.vehicle(number)
            for question in self._questions
            if question.needs_vehicle
            for number, _ in question.looks
        }
        self._plans = designs.plans()
        for question in self._questions:
            question.find(designs)
        position = {
            (question.kind, look): i
            for i, (question, look) in enumerate((q, look) for q in self._questions for look in q.looks)
        }
        answer_of = [
            position[_kind(request, wells), (self._of_well[request.well], request.time)]
            for request in requests
        ]
        self._answer_of = np.array(answer_of, dtype=np.intp)
        self._columns = tuple(sorted({name for q in self._questions for name in q.demand.outputs}))

    def run(
        self,
        parameter_sets: Sequence[Mapping[str, float]],
        settings: Settings,
        drawn: bool = False,
        by: Sequence[str] = (),
    ) -> Answers:
        """Simulate all wells for every parameter set.

        Parameters
        ----------
        parameter_sets : sequence of mapping
            Each holds the parameters that differ from the table.
        settings : Settings
            How runs are integrated.
        drawn : bool
            Whether the sets are draws that stand in for the table, see `Specimen`.
        by : sequence of str
            Parameters of the table to differentiate by. Takes the batch engine.

        Raises
        ------
        ValueError
            If a parameter is unknown or not a finite number, or another engine is asked for derivatives.
        """
        if by and settings.engine != "batch":
            raise ValueError(f"derivatives: got engine {settings.engine!r}, expected 'batch'")
        specimens = [Specimen(values, settings, drawn) for values in parameter_sets]
        done = self._run_plans(specimens, settings, tuple(by))
        measured = Measured.of(specimens, done, self._columns, tuple(by))
        answers = [question.answered(measured) for question in self._questions]
        shape = (len(specimens), 0)
        values = np.concatenate([np.empty(shape), *(answer.values for answer in answers)], axis=1)
        slopes = np.concatenate([np.empty((*shape, len(by))), *(answer.slopes for answer in answers)], axis=1)
        problems = self._problems(done) if self._of_well else ((),) * len(specimens)
        return Answers(values[:, self._answer_of], slopes[:, self._answer_of], problems)

    def _run_plans(
        self, specimens: Sequence[Specimen], settings: Settings, by: tuple[str, ...]
    ) -> list[Batch]:
        if settings.engine != "batch":
            return [run_one_by_one(plan, specimens, self._columns) for plan in self._plans]
        references = {
            reference_stock(scenario, host)
            for question in self._questions
            for host, _ in question.demand.stocks
            for scenario in question.scenarios
        }
        grow_stocks(sorted(references, key=repr), specimens, settings)
        return run_plans(self._plans, specimens, settings, self._columns, by)

    def _problems(self, done: Sequence[Batch]) -> tuple[tuple[str, ...], ...]:
        """Why wells failed: by sets, then wells."""
        of_wells = []
        for number in self._of_well:
            problems = done[number].problems
            if number in self._vehicle_of:
                vehicle = done[self._vehicle_of[number]].problems
                problems = tuple(
                    own or (other and f"vehicle: {other}")
                    for own, other in zip(problems, vehicle, strict=True)
                )
            of_wells.append(problems)
        return tuple(zip(*of_wells, strict=True))


@dataclass(frozen=True)
class _Kind:
    """What is measured, apart from where and when."""

    readout: Readout
    host: str
    hosts: tuple[str, ...]
    by_vehicle: bool


def _kind(request: Request, wells: Sequence[Scenario]) -> _Kind:
    return _Kind(request.readout, request.host, wells[request.well].hosts, request.by_vehicle)


class _Question:
    """One kind of value, asked of several wells and times ("looks"), which it makes the designs note."""

    def __init__(self, kind: _Kind, looks: tuple[tuple[int, float], ...], designs: Designs) -> None:
        self.kind, self.looks = kind, looks
        self.demand = Demand(kind.readout, kind.host, kind.hosts)
        self.needs_vehicle = kind.by_vehicle or self.demand.looks_at_vehicle
        self.scenarios = tuple(designs.scenarios[number] for number, _ in looks)
        self._compared = looks
        if self.needs_vehicle:
            self._compared = tuple((designs.vehicle(number), time) for number, time in looks)
        for number, time in (*looks, *self._compared):
            designs.look(number, time)

    def find(self, designs: Designs) -> None:
        """Find the samples, once the designs know all that are looked at."""
        self._rows, self._vehicle_rows = designs.rows(self.looks), designs.rows(self._compared)

    def answered(self, measured: Measured) -> Dual:
        """Compute the values, shape (sets, looks), and their derivatives."""
        samples = Samples(self.kind.hosts, self.scenarios, self._rows, self._vehicle_rows, measured)
        shown = self._shown(samples)
        if self.kind.by_vehicle:
            with np.errstate(divide="ignore", invalid="ignore"):
                shown = shown / self._shown(samples.vehicle())
        values = shown.values if isinstance(shown, Dual) else np.asarray(shown)
        slopes = shown.slopes if isinstance(shown, Dual) else np.zeros((*values.shape, len(measured.by)))
        shape = (len(measured.specimens), len(self.looks))
        return Dual(np.broadcast_to(values, shape), np.broadcast_to(slopes, (*shape, len(measured.by))))

    def _shown(self, samples: Samples) -> Floats | Dual:
        """What the assay shows of the true values; what saturation hides is left to the noise."""
        return self.kind.readout.compute(samples, self.kind.host) + self.kind.readout.background


def _check(request: Request, wells: Sequence[Scenario]) -> None:
    if not 0 <= request.well < len(wells):
        raise ValueError(f"well: got {request.well}, expected 0 to {len(wells) - 1}")
    well = wells[request.well]
    if not 0 <= request.time <= well.duration:
        raise ValueError(
            f"{well.name}: {request.readout.name}: got time {request.time:g} h, expected 0 to the "
            f"{well.duration:g} h of the run"
        )
