"""Scenarios run for one or many parameter sets, with everything shared that can be.

The stock culture of a host is found once per parameter set and used by every scenario that seeds it; a run
that conditions medium is done once and used by every scenario that takes that medium.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nicheloop.assays.compiled import Compiled, Floats, stock_system
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.plan import Inoculum, Plan, plan_of
from nicheloop.assays.result import Result, Runs
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML
from nicheloop.biology import parameter_values

ENGINES = ("scipy", "batch")
METHODS = ("lsoda", "bdf", "radau")


@dataclass(frozen=True)
class Settings:
    """How runs are integrated.

    Attributes
    ----------
    engine : str
        ``scipy`` (the reference) or ``batch``.
    method : str
        Of the SciPy engine: ``lsoda``, ``bdf`` or ``radau``.
    rtol : float
        Relative tolerance; absolute ones follow from the kind of species.
    atol_scale : float
        Factor on the absolute tolerances.
    threads : int or None
        Of the batch engine; None lets it choose.
    """

    engine: str = "scipy"
    method: str = "lsoda"
    rtol: float = 1e-8
    atol_scale: float = 1.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(unknown("engine", self.engine, ENGINES))
        if self.method not in METHODS:
            raise ValueError(unknown("method", self.method, METHODS))
        for name in ("rtol", "atol_scale"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: got {value!r}, expected a positive number")


@dataclass(frozen=True)
class Stock:
    """The stock culture of one host with one parameter set.

    Attributes
    ----------
    state : ndarray, shape (species,)
        Steady composition, nM; NaN if it was not found.
    outputs : ndarray
        Observables and expressions.
    problem : str
        Empty, or why there is no such culture.
    """

    state: Floats
    outputs: Floats
    problem: str


@dataclass(frozen=True, eq=False)
class Start:
    """Initial state of one run; ``problem`` says why there is none."""

    state: Floats
    vector: Floats
    problem: str


class Specimen:
    """One parameter set, with the stock cultures and conditioned media that were made with it.

    Parameters
    ----------
    overrides : mapping
        Parameters that differ from the table.
    settings : Settings
        How runs are integrated.
    """

    def __init__(self, overrides: Mapping[str, float], settings: Settings) -> None:
        self.overrides = dict(overrides)
        self.settings = settings
        self._values: dict[tuple[str, FrozenMap[float]], dict[str, float]] = {}
        self._vectors: dict[tuple[Compiled, str, FrozenMap[float]], Floats] = {}
        self._stocks: dict[tuple[Compiled, bytes], Stock] = {}
        self._harvests: dict[Plan, tuple[Floats, str]] = {}

    def values(self, resistance: str, fixed: FrozenMap[float]) -> dict[str, float]:
        """Return every parameter by name; what a scenario fixes wins over the parameter set."""
        key = (resistance, fixed)
        if key not in self._values:
            self._values[key] = parameter_values(resistance, {**self.overrides, **fixed})
        return self._values[key]

    def vector(self, system: Compiled, resistance: str, fixed: FrozenMap[float]) -> Floats:
        """Return the parameters of a system in its order; not to be changed."""
        key = (system, resistance, fixed)
        if key not in self._vectors:
            self._vectors[key] = system.vector(self.values(resistance, fixed))
        return self._vectors[key]

    def stock(self, host: str, promoter: str, resistance: str, fixed: FrozenMap[float]) -> Stock:
        """Return the stock culture of ``host``; scenarios whose cultures cannot differ share it."""
        system = stock_system(promoter, host)
        vector = self.vector(system, resistance, fixed)
        density = vector[system.parameters[f"stock_density_{host}"]]
        key = (system, vector[system.used].tobytes() + density.tobytes())
        if key not in self._stocks:
            self._stocks[key] = _grown(system, vector, host, density * NANOMOLAR_PER_CELL_PER_ML)
        return self._stocks[key]

    def start(self, plan: Plan) -> Start:
        """Return the state just after the start, and the parameters of the first period."""
        system = plan.compiled
        vector = self.vector(system, plan.scenario.resistance, plan.stock_parameters).copy()
        for index, value in plan.fixed:
            vector[index] = value
        lower = vector[system.parameters["lower_volume_fraction"]]
        state = np.zeros(system.system.n)
        problems = []
        if plan.transfer is not None:
            harvest, problem = self.harvest(plan.transfer.plan)
            problems.append(problem)
            state += plan.transfer.shift(harvest, lower, state.size)
        for inoculum in plan.inocula:
            if inoculum.density > 0:
                stock = self.stock(
                    inoculum.host, plan.scenario.promoter, plan.scenario.resistance, plan.stock_parameters
                )
                problems.append(stock.problem)
                _seed(state, stock, inoculum)
        state = state * plan.start.scale + plan.start.total_shift(lower)
        return Start(state, vector, "; ".join(filter(None, problems)))

    def harvest(self, plan: Plan) -> tuple[Floats, str]:
        """Return the state at the end of a run that conditions medium, and what went wrong."""
        if plan not in self._harvests:
            states, _, problem, _ = self.trajectory(plan)
            self._harvests[plan] = (states[-1], f"conditioning: {problem}" if problem else "")
        return self._harvests[plan]

    def trajectory(self, plan: Plan) -> tuple[Floats, Floats, str, float]:
        """Run a plan with SciPy.

        Returns
        -------
        states : ndarray, shape (times, species)
            NaN after the time reached.
        vector : ndarray, shape (parameters,)
            Parameters of the first period.
        problem : str
            Empty if all went well.
        time_reached : float
            Hours; NaN if the run could not start.
        """
        from nicheloop.integrate import Period, integrate_periods

        start = self.start(plan)
        if start.problem:
            return np.full((plan.times.size, start.state.size), np.nan), start.vector, start.problem, math.nan
        lower = start.vector[plan.compiled.parameters["lower_volume_fraction"]]
        periods = []
        for step in plan.steps:
            vector = start.vector if step.fixed == plan.fixed else _set(start.vector, step.fixed)
            scale = None if step.edit is None else step.edit.scale
            shift = None if step.edit is None else step.edit.total_shift(lower)
            periods.append(Period(step.start, step.end, vector, scale, shift))
        run = integrate_periods(
            plan.compiled.system,
            periods,
            start.state,
            plan.times,
            method=self.settings.method,
            rtol=self.settings.rtol,
            atol=plan.compiled.atol * self.settings.atol_scale,
        )
        return run.y, start.vector, "" if run.status == "ok" else run.message, run.time_reached


def _set(vector: Floats, fixed: Sequence[tuple[int, float]]) -> Floats:
    changed = vector.copy()
    for index, value in fixed:
        changed[index] = value
    return changed


def _seed(state: Floats, stock: Stock, inoculum: Inoculum) -> None:
    """Add washed cells: all that belongs to them, scaled to the seeding density."""
    share = inoculum.density / stock.state[inoculum.anchor].sum()
    np.add.at(state, inoculum.target, stock.state[inoculum.source] * share)


@lru_cache(maxsize=16)
def _reference(system: Compiled, host: str) -> Floats:
    """Find the culture of the unchanged table: a good first guess for any other parameter set."""
    from nicheloop.integrate import balanced_growth

    anchor = np.zeros(system.system.n)
    anchor[system.layout.cells(host)] = 1.0
    found = balanced_growth(system.system, system.vector(parameter_values()), anchor, anchor, 1e-6)
    return found.y if found.status == "ok" else anchor


def _grown(system: Compiled, vector: Floats, host: str, density: float) -> Stock:
    """Find the steadily growing culture of one host at ``density`` (nM of cells)."""
    from nicheloop.integrate import balanced_growth

    anchor = np.zeros(system.system.n)
    anchor[system.layout.cells(host)] = 1.0
    for guess in (_reference(system, host), anchor):
        found = balanced_growth(system.system, vector, guess, anchor, density)
        if found.status == "ok":
            break
    outputs = system.system.outputs(found.y[None, :], vector)[0]
    problem = "" if found.status == "ok" else f"stock culture of {host}: {found.message}"
    if problem:
        return Stock(np.full_like(found.y, np.nan), np.full_like(outputs, np.nan), problem)
    return Stock(found.y, outputs, "")


class Study:
    """Scenarios run for a list of parameter sets; whatever they share is computed once.

    Parameters
    ----------
    parameter_sets : sequence of mapping
        Each holds the parameters that differ from the table.
    settings : Settings
        How runs are integrated.

    Raises
    ------
    ValueError
        If a parameter is unknown (with the nearest name) or not a finite number.
    """

    def __init__(self, parameter_sets: Sequence[Mapping[str, float]], settings: Settings) -> None:
        self.settings = settings
        self.specimens = tuple(Specimen(overrides, settings) for overrides in parameter_sets)
        self._runs: dict[Scenario, Runs] = {}

    def result(self, scenario: Scenario, index: int = 0) -> Result:
        """Run a scenario with one of the parameter sets and return all of it."""
        plan, specimen = plan_of(scenario), self.specimens[index]
        states, vector, problem, reached = specimen.trajectory(plan)
        system = plan.compiled.system
        return Result(
            scenario=scenario,
            parameters=specimen.values(scenario.resistance, plan.stock_parameters),
            time=plan.times,
            status="failed" if problem else "ok",
            message=problem,
            time_reached=reached,
            species_names=tuple(system.species),
            species=states,
            output_names=tuple(system.output_names),
            outputs=outputs_of(plan, states, vector),
            study=self,
            index=index,
        )

    def runs(self, scenario: Scenario) -> Runs:
        """Run a scenario with every parameter set; done once per scenario."""
        if scenario not in self._runs:
            self._runs[scenario] = self._run_all(scenario)
        return self._runs[scenario]

    def _run_all(self, scenario: Scenario) -> Runs:
        plan = plan_of(scenario)
        done = [specimen.trajectory(plan) for specimen in self.specimens]
        outputs = [outputs_of(plan, states, vector) for states, vector, _, _ in done]
        return Runs(
            scenario=scenario,
            time=plan.times,
            status=tuple("failed" if problem else "ok" for _, _, problem, _ in done),
            messages=tuple(problem for _, _, problem, _ in done),
            time_reached=np.array([reached for _, _, _, reached in done]),
            output_names=tuple(plan.compiled.outputs),
            outputs=np.stack(outputs),
            columns=plan.compiled.outputs,
            study=self,
        )

    def stock_output(self, scenario: Scenario, host: str, name: str) -> Floats:
        """Observable or expression in the stock culture of ``host``, shape (sets, 1).

        The culture is the one the scenario would seed, except that nothing is silenced in it.
        """
        column = stock_system(scenario.promoter, host).outputs[name]
        stocks = [
            specimen.stock(host, scenario.promoter, scenario.resistance, scenario.parameters)
            for specimen in self.specimens
        ]
        return np.array([[stock.outputs[column]] for stock in stocks])


def outputs_of(plan: Plan, states: Floats, vector: Floats) -> Floats:
    """Compute observables and expressions, each with the parameters of its period."""
    system = plan.compiled.system
    if len(plan.steps) == 1 or all(step.fixed == plan.steps[0].fixed for step in plan.steps):
        return system.outputs(states, _set(vector, plan.steps[0].fixed))
    period = np.searchsorted([step.start for step in plan.steps], plan.times, side="right") - 1
    outputs = np.empty((len(states), len(system.output_names)))
    for number, step in enumerate(plan.steps):
        rows = period == number
        outputs[rows] = system.outputs(states[rows], _set(vector, step.fixed))
    return outputs
