"""Derivatives of all that one parameter set seeds, by named parameters of the table.

A derivative is by what a user sets: where K562R takes the value of K562S, a parameter of K562S moves both,
and nothing moves a value that the scenario fixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nicheloop.assays.compiled import Compiled, Floats, stock_system
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML
from nicheloop.biology.resistance import apply_resistance
from nicheloop.biology.table import check_names, rows

if TYPE_CHECKING:
    from nicheloop.assays.runs.plan import Inoculum, Plan
    from nicheloop.assays.runs.specimen import Culture, Specimen, Stock
    from nicheloop.integrate import GrowthSensitivities, OutputSensitivities

Follows = tuple[tuple[str, int], ...]
"""Parameters of the model that follow a column, each with the position of that column."""


@lru_cache(maxsize=256)
def followers(
    by: tuple[str, ...], resistance: str, explicit: frozenset[str], fixed: frozenset[str]
) -> Follows:
    """Find which parameters of the model take their value from which of the parameters ``by``.

    Parameters
    ----------
    by : tuple of str
        Parameters of the table.
    resistance : str
        Explanation of the resistance of K562R.
    explicit : frozenset of str
        Parameters that are kept as given under every explanation.
    fixed : frozenset of str
        Parameters whose value the scenario sets.
    """
    names = tuple(rows())
    numbered = {name: float(i) for i, name in enumerate(names)}
    columns = {name: column for column, name in enumerate(by) if name not in fixed}
    sources = {
        name: names[int(number)] for name, number in apply_resistance(numbered, resistance, explicit).items()
    }
    return tuple((name, columns[source]) for name, source in sources.items() if source in columns)


@lru_cache(maxsize=256)
def matrix_of(system: Compiled, follows: Follows, width: int, fixed: tuple[int, ...] = ()) -> Floats:
    """Derivatives of a system's parameters by the columns, shape (parameters, width); not to be changed.

    Parameters at the indices ``fixed`` are overridden, so they have none.
    """
    matrix = np.zeros((len(system.parameters), width))
    for name, column in follows:
        if name in system.parameters:
            matrix[system.parameters[name], column] = 1.0
    matrix[list(fixed)] = 0.0
    matrix.flags.writeable = False
    return matrix


@lru_cache(maxsize=128)
def _growth_sensitivities(system: Compiled, names: tuple[str, ...]) -> GrowthSensitivities:
    from nicheloop.integrate import GrowthSensitivities

    return GrowthSensitivities(system.system, names)


@lru_cache(maxsize=128)
def _output_sensitivities(system: Compiled, name: str) -> OutputSensitivities:
    from nicheloop.integrate import OutputSensitivities

    return OutputSensitivities(system.system, [name])


@dataclass(frozen=True, eq=False)
class SeedSlopes:
    """Derivatives of what is seeded: of the state before any treatment, and of all parameters.

    Attributes
    ----------
    state : ndarray, shape (species, by)
    lower : ndarray, shape (by,)
        Of the volume fraction of the lower layer.
    """

    state: Floats
    lower: Floats


class SpecimenSlopes:
    """Derivatives of the stock cultures and starts of one specimen.

    Parameters
    ----------
    specimen : Specimen
        One parameter set.
    by : sequence of str
        Parameters of the table.

    Raises
    ------
    ValueError
        If one is unknown (with the nearest name).
    """

    def __init__(self, specimen: Specimen, by: Sequence[str]) -> None:
        check_names(dict.fromkeys(by))
        self.specimen = specimen
        self.by = tuple(by)
        self._grown: dict[tuple[object, ...], Floats] = {}
        self._harvests: dict[Plan, Floats] = {}

    def follows(self, resistance: str, fixed: FrozenMap[float]) -> Follows:
        """Which parameters of the model move with the columns, where a scenario fixes some."""
        given = () if self.specimen.drawn else self.specimen.overrides
        return followers(self.by, resistance, frozenset([*given, *fixed]), frozenset(fixed))

    def stock(self, host: str, promoter: str, resistance: str, fixed: FrozenMap[float]) -> Floats:
        """Derivatives of the state of a stock culture, shape (species, by); NaN if there is none."""
        system = stock_system(promoter, host)
        culture = self.specimen.culture(host, system, resistance, fixed)
        follows = self.follows(resistance, fixed)
        key = (*culture.key, follows)
        if key not in self._grown:
            stock = self.specimen.stock(host, promoter, resistance, fixed)
            self._grown[key] = _stock_slopes(culture, stock, follows, len(self.by))
        return self._grown[key]

    def stock_output(
        self, host: str, promoter: str, resistance: str, fixed: FrozenMap[float], name: str
    ) -> Floats:
        """Derivatives of an output of a stock culture, shape (by,)."""
        system = stock_system(promoter, host)
        vector = self.specimen.vector(system, resistance, fixed)
        state = self.specimen.stock(host, promoter, resistance, fixed).state
        slopes = self.stock(host, promoter, resistance, fixed)
        matrix = matrix_of(system, self.follows(resistance, fixed), len(self.by))
        (found,) = _output_sensitivities(system, name).at(vector, state, matrix, slopes)
        return np.asarray(found)

    def seeded(self, plan: Plan) -> SeedSlopes:
        """Derivatives of `Specimen.seeded`."""
        system, scenario, width = plan.compiled, plan.scenario, len(self.by)
        follows = self.follows(scenario.resistance, plan.stock_parameters)
        matrix = matrix_of(system, follows, width, tuple(index for index, _ in plan.fixed))
        lower = matrix[system.parameters["lower_volume_fraction"]]
        state = np.zeros((system.system.n, width))
        if plan.transfer is not None:
            state += self._transferred(plan, lower)
        for inoculum in plan.inocula:
            if inoculum.density > 0:
                key = inoculum.host, scenario.promoter, scenario.resistance, plan.stock_parameters
                _seed(state, self.specimen.stock(*key).state, self.stock(*key), inoculum)
        return SeedSlopes(state, lower)

    def _transferred(self, plan: Plan, lower: Floats) -> Floats:
        """Derivatives of the conditioned medium: it is linear in the harvest and in the volume fraction."""
        transfer = plan.transfer
        if transfer is None:
            raise ValueError(f"{plan.scenario.name}: takes no conditioned medium")
        size = plan.compiled.system.n
        harvest, _ = self.specimen.harvest(transfer.plan)
        value = self.specimen.parameters(plan)[plan.compiled.parameters["lower_volume_fraction"]]
        by_harvest: Floats = transfer.shift(self._harvests[transfer.plan].T, value, size).T
        by_lower = transfer.shift(harvest, 1.0, size) - transfer.shift(harvest, 0.0, size)
        return by_harvest + np.outer(by_lower, lower)

    def keep_harvest(self, plan: Plan, slopes: Floats) -> None:
        """Remember the derivatives at the end of a run that conditions medium, shape (species, by)."""
        self._harvests[plan] = slopes

    def has_harvest(self, plan: Plan) -> bool:
        """Whether they are known."""
        return plan in self._harvests


def _stock_slopes(culture: Culture, stock: Stock, follows: Follows, width: int) -> Floats:
    """Differentiate balanced growth by the parameters of the model that move, then by the columns."""
    system = culture.system
    density = f"stock_density_{culture.host}"
    used = {*system.used.tolist(), system.parameters[density]}
    moving = tuple(name for name, _ in follows if system.parameters.get(name) in used)
    if stock.problem or not moving:
        return np.full((system.system.n, width), np.nan if stock.problem else 0.0)
    total = [NANOMOLAR_PER_CELL_PER_ML if name == density else 0.0 for name in moving]
    found = _growth_sensitivities(system, moving).at(
        culture.vector, stock.state, system.anchors[culture.host], total
    )
    matrix = matrix_of(system, follows, width)
    slopes: Floats = found.y @ matrix[[system.parameters[name] for name in moving]]
    return slopes


def _seed(slopes: Floats, stock: Floats, stock_slopes: Floats, inoculum: Inoculum) -> None:
    """Add the derivatives of washed cells: their state over its number of cells."""
    cells = stock[inoculum.anchor].sum()
    share = inoculum.density / cells
    share_slopes = -share / cells * stock_slopes[inoculum.anchor].sum(axis=0)
    moved = stock_slopes[inoculum.source] * share + np.outer(stock[inoculum.source], share_slopes)
    np.add.at(slopes, inoculum.target, moved)
