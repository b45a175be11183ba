"""A fit as a PEtab problem (version 1), for tools that know nothing of this package.

PEtab simulates every condition from initial amounts that are given. So the wells are written without what
comes before them: all free parameters have to leave stock cultures, conditioned media and vehicle wells as
they are, and nothing may be done to a well later on. What PEtab has no words for is refused: values beyond a
limit, factors of plates, noise that is neither normal nor log-normal, published half-maximal doses.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nicheloop.analysis.fit.observations import NONE, Block
from nicheloop.analysis.fit.parameters import FreeParameter
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.compiled import Floats
from nicheloop.assays.noise import LogNormal, Normal
from nicheloop.assays.readouts import Readings, Readout
from nicheloop.assays.runs.plan import Plan
from nicheloop.assays.runs.plates import Plate, Request
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.tables.designs import Designs
from nicheloop.interchange.formulas import Traced, formula_of
from nicheloop.interchange.sbml import sbml

STILL = 1e-12
"""Relative change of an amount with a parameter that counts as none."""
Table = list[dict[str, Any]]


class NotInPetab(ValueError):
    """A fit that cannot be written as PEtab; one line per reason."""


def write_petab(problem: FitProblem, folder: str | Path, x: ArrayLike | None = None) -> Path:
    """Write a fit as a PEtab problem: SBML, tables, and the YAML file that names them.

    Parameters
    ----------
    problem : FitProblem
        What is fitted.
    folder : str or Path
        Where; made if it is not there.
    x : array_like, optional
        Point that becomes the nominal values; default: the start.

    Returns
    -------
    Path
        Of the YAML file.

    Raises
    ------
    NotInPetab
        If something in it has no counterpart; says what, and what can be done.
    """
    _check(problem)
    point = problem.start if x is None else np.asarray(x, dtype=np.float64)
    vessel = _Vessel(problem)
    observables, measurements = _observed(problem, vessel)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.xml").write_text(vessel.sbml(), encoding="utf-8")
    _write(target / "conditions.tsv", vessel.conditions())
    _write(target / "observables.tsv", observables)
    _write(target / "measurements.tsv", measurements)
    _write(target / "parameters.tsv", _parameters(problem, vessel, point))
    yaml = target / "problem.yaml"
    yaml.write_text(
        "format_version: 1\n"
        "parameter_file: parameters.tsv\n"
        "problems:\n"
        "- condition_files: [conditions.tsv]\n"
        "  measurement_files: [measurements.tsv]\n"
        "  observable_files: [observables.tsv]\n"
        "  sbml_files: [model.xml]\n",
        encoding="utf-8",
    )
    return yaml


def _check(problem: FitProblem) -> None:
    data, reasons = problem.data, []
    if problem.constraints:
        reasons.append("it has constraints, expected none")
    if data.factors:
        names = ", ".join(sorted({factor.readout for factor in data.factors}))
        reasons.append(
            f"values of {names} share unknown factors, expected absolute ones and plate_factors=False"
        )
    if (data.reference != NONE).any():
        reasons.append("values are relative to vehicle wells, expected absolute ones, or viability")
    for kind in dict.fromkeys(block.kind for block in data.blocks):
        if kind.censored:
            reasons.append(f"values are only known to be {kind.censored} a limit, expected told ones")
        if not isinstance(kind.noise, (Normal, LogNormal)):
            reasons.append(f"noise is {type(kind.noise).__name__}, expected Normal or LogNormal")
    _refuse(reasons)


def _refuse(reasons: Iterable[str]) -> None:
    told = list(dict.fromkeys(reasons))
    if told:
        raise NotInPetab("\n".join(f"not in PEtab: {reason}" for reason in told))


class _Vessel:
    """The wells of a fit as conditions of one model."""

    def __init__(self, problem: FitProblem) -> None:
        designs, data = Designs(), problem.data
        self._number = [designs.number(data.wells[request.well]) for request in data.requests]
        for number, request in zip(self._number, data.requests, strict=True):
            designs.look(number, request.time)
        names = {
            number: data.wells[r.well].name for number, r in zip(self._number, data.requests, strict=True)
        }
        self.names = [names[number] for number in range(len(names))]
        self.plans: tuple[Plan, ...] = designs.plans()
        self.free = problem.free.names
        self.specimen = Specimen(problem.to_values(problem.start), problem.settings)
        self._check()
        self.network = self.plans[0].compiled.system.network
        self.outputs: set[str] = set()

    def condition(self, request: int) -> str:
        """Return the condition of a request."""
        return f"c{self._number[request]}"

    def plan(self, request: int) -> Plan:
        """Return the plan of a request."""
        return self.plans[self._number[request]]

    def sbml(self) -> str:
        """Write the model, as it is in the first condition."""
        first = self._start(self.plans[0])
        also = [name for name in self.free if name in self.network.parameters]
        return sbml(self.network, first, self._values(self.plans[0]), sorted(self.outputs), also)

    def conditions(self) -> Table:
        """Return what differs between conditions: amounts at the start, parameters."""
        starts = np.array([self._start(plan) for plan in self.plans])
        species = np.flatnonzero(np.any(starts != starts[0], axis=0))
        rows = []
        for i, (start, entry) in enumerate(zip(starts, self._entries, strict=True)):
            row: dict[str, Any] = {"conditionId": f"c{i}", "conditionName": self.names[i]}
            row |= {name: self.identifier(entry[name]) for name in self._overridden}
            rows.append(row | {f"s{k}": float(start[k]) for k in species})
        return rows

    def identifier(self, entry: float | str) -> float | str:
        """Return what a free parameter is called: not as in the model, if a condition overrides that."""
        return f"{entry}_free" if entry in self._overridden else entry

    @cached_property
    def _overridden(self) -> tuple[str, ...]:
        """Parameters of the model that are not the same in all conditions, or take the value of another."""
        first = self._entries[0]
        differs = {name for entry in self._entries for name, value in entry.items() if value != first[name]}
        return tuple(
            name
            for name, value in first.items()
            if name in differs or (isinstance(value, str) and value != name)
        )

    @cached_property
    def _entries(self) -> list[dict[str, float | str]]:
        return [self._parameters(plan) for plan in self.plans]

    def _start(self, plan: Plan) -> Floats:
        return self.specimen.start(plan).state

    def _values(self, plan: Plan) -> dict[str, float]:
        vector = self.specimen.parameters(plan)
        return {name: float(vector[i]) for name, i in plan.compiled.parameters.items()}

    def _parameters(self, plan: Plan) -> dict[str, float | str]:
        """Return the parameters of a condition: numbers, or the free parameter that they take."""
        follows = self.specimen.slopes(self.free).follows(plan.scenario.resistance, plan.stock_parameters)
        fixed = {index for index, _ in plan.fixed}
        moved = {
            name: self.free[column]
            for name, column in follows
            if plan.compiled.parameters.get(name) not in fixed
        }
        return {**self._values(plan), **moved}

    def _check(self) -> None:
        reasons = []
        if len({plan.compiled for plan in self.plans}) > 1:
            reasons.append("wells hold different kinds of cell, expected the same in all")
        for plan, name in zip(self.plans, self.names, strict=True):
            if len(plan.steps) > 1:
                reasons.append(f"{name}: something is done to it later, expected one period")
            start = self.specimen.start(plan)
            if start.problem:
                reasons.append(f"{name}: {start.problem}")
                continue
            seeded = self.specimen.slopes(self.free).seeded(plan)
            slopes = np.vstack([seeded.state, seeded.lower])
            moving = moved_by(slopes, np.append(start.state, 1.0), self.specimen.overrides, self.free)
            if moving:
                reasons.append(
                    f"{', '.join(moving)} changes the cells before they are seeded, expected fixed"
                )
        _refuse(reasons)


def moved_by(
    slopes: Floats, values: Floats, numbers: Mapping[str, float], names: Sequence[str]
) -> tuple[str, ...]:
    """Name the parameters that move any of some values, from the derivatives, shape (values, names)."""
    size = np.maximum(np.abs(values), np.finfo(float).tiny)[:, None]
    change = np.abs(slopes) * np.abs([numbers[name] for name in names]) / size
    return tuple(
        name for name, most in zip(names, change.max(axis=0, initial=0.0), strict=True) if most > STILL
    )


# -- what is observed ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Other:
    """An output of the vehicle well, or of the stock culture, that a request is compared with."""

    request: Request
    kind: str
    host: str
    name: str

    def asked(self) -> Request:
        """Return a request for the number."""
        compute = (
            partial(_in_stock, self.host, self.name)
            if self.kind == "stock"
            else partial(_in_vehicle, self.name)
        )
        return Request(self.request.well, Readout(self.name, "", "", (), compute), "", self.request.time)


def _in_stock(host: str, name: str, run: Readings, _: str) -> Floats:
    return run.stock_output(host, name)


def _in_vehicle(name: str, run: Readings, _: str) -> Floats:
    return run.vehicle().output(name)


def _observed(problem: FitProblem, vessel: _Vessel) -> tuple[Table, Table]:
    """Return the tables of observables and of measurements."""
    formulas = _formulas(problem, vessel)
    data = problem.data
    known: dict[tuple[str, str, bool, int], str] = {}
    observables: Table = []
    measurements: list[tuple[int, dict[str, Any]]] = []
    for block in data.blocks:
        for place, row in enumerate(block.rows.tolist()):
            request = int(data.request[row])
            formula = formulas[request]
            noise, log = _noise(block, place, formula)
            width = block.kind.width
            key = (formula, noise, log, width)
            if key not in known:
                known[key] = _identifier(f"{_label(data.requests[request])}_{len(known)}")
                observables.append(_observable(known[key], formula, noise, log))
            measurement = {
                "observableId": known[key],
                "simulationConditionId": vessel.condition(request),
                "time": data.requests[request].time,
                "measurement": float(block.value[place] / block.gain[place]),
                "noiseParameters": 1.0 if width == NONE else _identifier(data.widths[width]),
            }
            measurements.append((row, measurement))
    return observables, [measurement for _, measurement in sorted(measurements, key=lambda item: item[0])]


def _formulas(problem: FitProblem, vessel: _Vessel) -> list[str]:
    """Write every request as a formula; numbers of other runs are computed once, for all of them."""
    asked: dict[_Other, float] = {}
    for number in range(len(problem.data.requests)):
        _formula(problem, vessel, number, partial(_noted, asked))
    if asked:
        plate = Plate(problem.data.wells, [other.asked() for other in asked])
        answers = plate.run([vessel.specimen.overrides], problem.settings, by=vessel.free)
        moving = moved_by(answers.slopes[0], answers.values[0], vessel.specimen.overrides, vessel.free)
        if moving:
            reason = "changes what values are relative to (vehicle wells, stock cultures), expected fixed"
            _refuse([f"{', '.join(moving)} {reason}"])
        asked.update(zip(asked, answers.values[0].tolist(), strict=True))
    requests = range(len(problem.data.requests))
    return [_formula(problem, vessel, number, partial(_looked_up, asked)) for number in requests]


def _noted(asked: dict[_Other, float], other: _Other) -> float:
    return asked.setdefault(other, 1.0)


def _looked_up(asked: dict[_Other, float], other: _Other) -> float:
    return asked[other]


def _formula(problem: FitProblem, vessel: _Vessel, number: int, number_of: Callable[[_Other], float]) -> str:
    request, plan = problem.data.requests[number], vessel.plan(number)
    seeded = {inoculum.host: inoculum.density for inoculum in plan.inocula}

    def other(kind: str, host: str, name: str) -> float:
        return number_of(_Other(request, kind, host, name))

    traced = Traced(plan.scenario.hosts, seeded, other)
    try:
        formula = formula_of(request.readout, request.host, traced)
    except TypeError as error:
        raise NotInPetab(f"not in PEtab: {request.readout.name}: {error}") from None
    vessel.outputs |= traced.outputs
    return formula


def _noise(block: Block, place: int, formula: str) -> tuple[str, bool]:
    """Write the width of a value's noise, and tell whether it is that of a logarithm."""
    noise, gain = block.kind.noise, float(block.gain[place])
    if isinstance(noise, LogNormal):
        return repr(noise.sd), True
    if not isinstance(noise, Normal):
        raise TypeError(f"{noise} was not refused")
    if not noise.cv:
        return repr(noise.sd / gain), False
    return f"sqrt({noise.sd / gain!r}^2 + ({noise.cv!r} * {formula})^2)", False


def _observable(name: str, formula: str, noise: str, log: bool) -> dict[str, Any]:
    return {
        "observableId": name,
        "observableFormula": formula,
        "observableTransformation": "log" if log else "lin",
        "noiseDistribution": "normal",
        "noiseFormula": f"{noise} * noiseParameter1_{name}",
    }


def _label(request: Request) -> str:
    return "_".join(filter(None, (request.readout.name, request.host)))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


# -- parameters and files -----------------------------------------------------------------------------------


def _parameters(problem: FitProblem, vessel: _Vessel, point: Floats) -> Table:
    numbers = problem.space.numbers(point)
    bounds = [problem.space.numbers(edge) for edge in (problem.lower, problem.upper)]
    rows = zip(problem.space.parameters, numbers, *bounds, strict=True)
    return [_parameter(vessel, parameter, *map(float, row)) for parameter, *row in rows]


def _parameter(
    vessel: _Vessel, parameter: FreeParameter, number: float, lower: float, upper: float
) -> dict[str, Any]:
    flat = not np.isfinite(parameter.sd)
    prior = (parameter.low, parameter.high) if flat else (parameter.centre, parameter.sd)
    return {
        "parameterId": _identifier(str(vessel.identifier(parameter.name))),
        "parameterName": parameter.name,
        "parameterScale": "log10" if parameter.scale == "log10" else "lin",
        "lowerBound": lower,
        "upperBound": upper,
        "nominalValue": number,
        "estimate": 1,
        "objectivePriorType": "parameterScaleUniform" if flat else "parameterScaleNormal",
        "objectivePriorParameters": ";".join(map(repr, prior)),
    }


def _write(path: Path, rows: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
