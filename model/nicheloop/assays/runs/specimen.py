"""One parameter set: its stock cultures, the initial state of any plan, and runs with SciPy.

The stock culture of a host is found once and used by every scenario that seeds it; a run that conditions
medium is done once and used by every scenario that takes that medium.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nicheloop.assays.compiled import Compiled, Floats, stock_system
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.plan import Inoculum, Plan
from nicheloop.assays.runs.slopes import SpecimenSlopes
from nicheloop.assays.settings import Settings
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML
from nicheloop.biology import parameter_values

if TYPE_CHECKING:
    from nicheloop.integrate import SteadyState


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


CultureKey = tuple[Compiled, bytes]
"""What a stock culture depends on: its equations, and the values of the parameters that are in them."""


@dataclass(frozen=True, eq=False)
class Culture:
    """What a stock culture is grown from: host, equations, parameters, density (nM of cells).

    Two cultures with the same ``key`` are the same.
    """

    host: str
    system: Compiled
    vector: Floats
    density: float
    key: CultureKey


@dataclass(frozen=True, eq=False)
class Start:
    """Initial state of one run; ``problem`` says why there is none."""

    state: Floats
    vector: Floats
    problem: str


@dataclass(frozen=True, eq=False)
class Course:
    """What came of a run.

    Attributes
    ----------
    states : ndarray, shape (times, species)
        Amounts in nM; NaN after the time reached.
    vector : ndarray, shape (parameters,)
        Parameters that hold for the whole run.
    problem : str
        Empty if all went well.
    time_reached : float
        Hours; NaN if the run could not start.
    """

    states: Floats
    vector: Floats
    problem: str
    time_reached: float


class Specimen:
    """One parameter set, with the stock cultures and conditioned media that were made with it.

    Parameters
    ----------
    overrides : mapping
        Parameters that differ from the table.
    settings : Settings
        How runs are integrated.
    drawn : bool
        Whether these values stand in for those of the table (as a draw from the prior does), so that the
        explanation of resistance still decides where K562R differs from K562S.
    grown : dict, optional
        Stock cultures that are known already; those that are found are added.
    """

    def __init__(
        self,
        overrides: Mapping[str, float],
        settings: Settings,
        drawn: bool = False,
        grown: dict[CultureKey, Stock] | None = None,
    ) -> None:
        self.overrides = dict(overrides)
        self.drawn = drawn
        self.settings = settings
        self._values: dict[tuple[str, FrozenMap[float]], dict[str, float]] = {}
        self._vectors: dict[tuple[str, str, FrozenMap[float]], Floats] = {}
        self._stocks: dict[tuple[str, str, str, FrozenMap[float]], Stock] = {}
        self._grown = {} if grown is None else grown
        self._harvests: dict[Plan, tuple[Floats, str]] = {}
        self._slopes: dict[tuple[str, ...], SpecimenSlopes] = {}

    def values(self, resistance: str, fixed: FrozenMap[float]) -> dict[str, float]:
        """Return every parameter by name; what a scenario fixes wins over the parameter set."""
        key = (resistance, fixed)
        if key not in self._values:
            if self.drawn:
                self._values[key] = parameter_values(resistance, fixed, self.overrides)
            else:
                self._values[key] = parameter_values(resistance, {**self.overrides, **fixed})
        return self._values[key]

    def vector(self, system: Compiled, resistance: str, fixed: FrozenMap[float]) -> Floats:
        """Return the parameters of a system in its order (one per promoter); not to be changed."""
        key = (system.promoter, resistance, fixed)
        if key not in self._vectors:
            self._vectors[key] = system.vector(self.values(resistance, fixed))
        return self._vectors[key]

    def stock(self, host: str, promoter: str, resistance: str, fixed: FrozenMap[float]) -> Stock:
        """Return the stock culture of ``host``; scenarios whose cultures cannot differ share it."""
        key = (host, promoter, resistance, fixed)
        if key not in self._stocks:
            self._stocks[key] = self._find_stock(host, stock_system(promoter, host), resistance, fixed)
        return self._stocks[key]

    def _find_stock(self, host: str, system: Compiled, resistance: str, fixed: FrozenMap[float]) -> Stock:
        culture = self.culture(host, system, resistance, fixed)
        if culture.key not in self._grown:
            self.keep_stock(culture, _grown(culture))
        return self._grown[culture.key]

    def culture(self, host: str, system: Compiled, resistance: str, fixed: FrozenMap[float]) -> Culture:
        """Return what a stock culture is grown from.

        Raises
        ------
        ValueError
            If it would have no cells.
        """
        vector = self.vector(system, resistance, fixed)
        density = vector[system.parameters[f"stock_density_{host}"]]
        if not density > 0:
            raise ValueError(f"stock_density_{host}: got {density:g} cells/mL, expected more than 0")
        key = (system, vector[system.used].tobytes() + density.tobytes())
        return Culture(host, system, vector, float(density) * NANOMOLAR_PER_CELL_PER_ML, key)

    def knows_stock(self, asked: tuple[str, str, str, FrozenMap[float]]) -> bool:
        """Whether `stock` was asked for this before."""
        return asked in self._stocks

    def has_stock(self, culture: Culture) -> bool:
        """Whether a stock culture is known already."""
        return culture.key in self._grown

    def keep_stock(self, culture: Culture, found: SteadyState) -> None:
        """Remember what was found of a stock culture."""
        self._grown[culture.key] = _stock(culture, found)

    def parameters(self, plan: Plan) -> Floats:
        """Return the parameters of a plan's system that hold from its start."""
        vector = self.vector(plan.compiled, plan.scenario.resistance, plan.stock_parameters)
        return with_values(vector, plan.fixed)

    def seeded(self, plan: Plan) -> Start:
        """Return the cells and the conditioned medium of a plan, before any treatment."""
        states, vectors, problems = seed(plan, [self])
        return Start(states[0], vectors[0], problems[0])

    def start(self, plan: Plan) -> Start:
        """Return the state just after the start, and the parameters of the first period."""
        seeded = self.seeded(plan)
        lower = seeded.vector[plan.compiled.parameters["lower_volume_fraction"]]
        state = seeded.state * plan.start.scale + plan.start.total_shift(lower)
        return replace(seeded, state=state)

    def slopes(self, by: tuple[str, ...]) -> SpecimenSlopes:
        """Return the derivatives of all this by parameters of the table (one object for each choice)."""
        if by not in self._slopes:
            self._slopes[by] = SpecimenSlopes(self, by)
        return self._slopes[by]

    def harvest(self, plan: Plan) -> tuple[Floats, str]:
        """Return the state at the end of a run that conditions medium, and what went wrong."""
        if plan not in self._harvests:
            run = self.run(plan)
            self.keep_harvest(plan, run.states[-1], run.problem)
        return self._harvests[plan]

    def keep_harvest(self, plan: Plan, state: Floats, problem: str) -> None:
        """Remember the end of a run that conditions medium."""
        self._harvests[plan] = (state, f"conditioning: {problem}" if problem else "")

    def has_harvest(self, plan: Plan) -> bool:
        """Whether that run was done."""
        return plan in self._harvests

    def run(self, plan: Plan) -> Course:
        """Run a plan with SciPy."""
        from nicheloop.integrate import Period, integrate_periods

        start = self.start(plan)
        if start.problem:
            nowhere = np.full((plan.times.size, start.state.size), np.nan)
            return Course(nowhere, start.vector, start.problem, math.nan)
        lower = start.vector[plan.compiled.parameters["lower_volume_fraction"]]
        periods = [
            Period(
                step.start,
                step.end,
                start.vector if step.fixed == plan.fixed else with_values(start.vector, step.fixed),
                None if step.edit is None else step.edit.scale,
                None if step.edit is None else step.edit.total_shift(lower),
            )
            for step in plan.steps
        ]
        run = integrate_periods(
            plan.compiled.system,
            periods,
            start.state,
            plan.times,
            method=self.settings.method,
            rtol=self.settings.rtol,
            atol=plan.compiled.atol * self.settings.atol_scale,
        )
        return Course(run.y, start.vector, "" if run.status == "ok" else run.message, run.time_reached)


def with_values(vector: Floats, fixed: Sequence[tuple[int, float]]) -> Floats:
    """Return a parameter vector (or rows of them) with some entries changed."""
    changed = vector.copy()
    for index, value in fixed:
        changed[..., index] = value
    return changed


def seed(plan: Plan, specimens: Sequence[Specimen]) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Return what each specimen starts from before any treatment, with the parameters that hold from then.

    Shapes (specimens, species) and (specimens, parameters), and why it cannot start, else an empty text. Rows
    do not depend on each other, to the last bit.
    """
    vectors = np.stack([one.parameters(plan) for one in specimens])
    states = np.zeros((len(specimens), plan.compiled.system.n))
    problems: list[tuple[str, ...]] = []
    if plan.transfer is not None:
        lower = vectors[:, plan.compiled.parameters["lower_volume_fraction"]]
        harvests = [one.harvest(plan.transfer.plan) for one in specimens]
        problems.append(tuple(problem for _, problem in harvests))
        for state, (harvest, _), part in zip(states, harvests, lower, strict=True):
            state += plan.transfer.shift(harvest, part, state.size)
    for inoculum in plan.inocula:
        if inoculum.density > 0:
            key = inoculum.host, plan.scenario.promoter, plan.scenario.resistance, plan.stock_parameters
            stocks = [one.stock(*key) for one in specimens]
            problems.append(tuple(stock.problem for stock in stocks))
            _add_cells(states, np.stack([stock.state for stock in stocks]), inoculum)
    told = ["; ".join(filter(None, each)) for each in zip(*problems, strict=True)]
    return states, vectors, tuple(told) or ("",) * len(specimens)


def _add_cells(states: Floats, stocks: Floats, inoculum: Inoculum) -> None:
    """Add washed cells: all that belongs to them, scaled to the seeding density; a row for each specimen."""
    share = inoculum.density / np.ascontiguousarray(stocks[:, inoculum.anchor]).sum(axis=1)
    for source, target in zip(inoculum.source, inoculum.target, strict=True):  # a target may come again
        states[:, target] += stocks[:, source] * share


def _grown(culture: Culture) -> SteadyState:
    """Find one steadily growing culture."""
    from nicheloop.integrate import balanced_growth

    anchor = culture.system.anchors[culture.host]
    return balanced_growth(culture.system.system, culture.vector, anchor, anchor, culture.density)


def _stock(culture: Culture, found: SteadyState) -> Stock:
    outputs = culture.system.system.outputs(found.y, culture.vector)
    if found.status == "ok":
        return Stock(found.y, outputs, "")
    problem = f"stock culture of {culture.host}: {found.message}"
    if found.growth_rate < 0:
        problem = (
            f"no stock culture: {culture.host} shrinks without drug at {-found.growth_rate:.2g} /h with "
            "these parameters: a culture that cannot grow cannot be seeded"
        )
    return Stock(np.full_like(found.y, np.nan), np.full_like(outputs, np.nan), problem)
