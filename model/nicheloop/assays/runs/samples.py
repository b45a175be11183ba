"""What read-outs are computed from when many wells are looked at together: one sample per well and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Floats, stock_system
from nicheloop.assays.readouts import Readout
from nicheloop.assays.runs.batches import Batch
from nicheloop.assays.runs.dual import Dual
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.runs.stocks import StockKey
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML

Indices = NDArray[np.intp]


class Demand:
    """Readings that only note what a read-out asks for.

    Attributes
    ----------
    outputs : set of str
        Observables and expressions, of the well or of its vehicle.
    stocks : set of (str, str)
        Host and output of stock cultures.
    looks_at_vehicle : bool
        Whether the vehicle well matters.
    """

    def __init__(self, readout: Readout, host: str, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts
        self.outputs: set[str] = set()
        self.stocks: set[tuple[str, str]] = set()
        self.looks_at_vehicle = False
        readout.compute(self, host)

    def output(self, name: str) -> Floats:
        self.outputs.add(name)
        return np.ones(1)

    def seeded(self, host: str) -> float:
        return 1.0

    def stock_output(self, host: str, name: str) -> Floats:
        self.stocks.add((host, name))
        return np.ones(1)

    def vehicle(self) -> Demand:
        self.looks_at_vehicle = True
        return self


@dataclass(frozen=True, eq=False)
class Measured:
    """Outputs of all wells of a plate at all their times, one sample after the other.

    Attributes
    ----------
    specimens : sequence of Specimen
        The parameter sets.
    values : ndarray, shape (sets, samples, columns)
    slopes : ndarray, shape (sets, samples, columns, by)
    columns : mapping
        Position of each output that was kept.
    by : tuple of str
        Parameters of the table that derivatives are by; may be empty.
    """

    specimens: Sequence[Specimen]
    values: Floats
    slopes: Floats
    columns: Mapping[str, int]
    by: tuple[str, ...]

    @classmethod
    def of(
        cls,
        specimens: Sequence[Specimen],
        done: Sequence[Batch],
        columns: Sequence[str],
        by: tuple[str, ...],
    ) -> Measured:
        """Join what came of the plans, which kept these columns."""
        shape = (len(specimens), 0, len(columns))
        values = np.concatenate([np.empty(shape), *(batch.values for batch in done)], axis=1)
        slopes = np.concatenate([np.empty((*shape, len(by))), *(batch.slopes for batch in done)], axis=1)
        return cls(specimens, values, slopes, {name: i for i, name in enumerate(columns)}, by)


@dataclass(frozen=True, eq=False)
class Samples:
    """Readings of some samples, shape (sets, samples); with derivatives, if there are any.

    Attributes
    ----------
    hosts : tuple of str
        Kinds of cell in the vessels.
    scenarios : sequence of Scenario
        The well of each sample.
    rows, vehicle_rows : ndarray of int
        Where each sample, and its twin in the vehicle well, is among those measured.
    """

    hosts: tuple[str, ...]
    scenarios: Sequence[Scenario]
    rows: Indices
    vehicle_rows: Indices
    measured: Measured = field(repr=False)

    def output(self, name: str) -> Any:
        """Observable or expression of the model."""
        column = self.measured.columns[name]
        return self._carried(
            self.measured.values[:, self.rows, column], self.measured.slopes[:, self.rows, column]
        )

    def seeded(self, host: str) -> Any:
        """Living cells at the start, nM, shape (samples,)."""
        densities = [
            scenario.lines[host].density if host in scenario.lines else scenario.stroma.density
            for scenario in self.scenarios
        ]
        return np.array(densities) * NANOMOLAR_PER_CELL_PER_ML

    def stock_output(self, host: str, name: str) -> Any:
        """Observable or expression in the stock culture of ``host``."""
        keys = [reference_stock(scenario, host) for scenario in self.scenarios]
        number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        which = [number[key] for key in keys]
        values, slopes = zip(*(self._stock(key, name) for key in number), strict=True)
        return self._carried(np.stack(values, axis=1)[:, which], np.stack(slopes, axis=1)[:, which])

    def vehicle(self) -> Samples:
        """The matching vehicle wells."""
        return replace(self, rows=self.vehicle_rows)

    def _stock(self, key: StockKey, name: str) -> tuple[Floats, Floats]:
        """An output of a stock culture, shape (sets,), and its derivatives."""
        column, by = stock_system(key.promoter, key.host).outputs[name], self.measured.by
        values = np.array([specimen.stock(*key).outputs[column] for specimen in self.measured.specimens])
        slopes = np.zeros((values.size, len(by)))
        for j, specimen in enumerate(self.measured.specimens if by else ()):
            slopes[j] = specimen.slopes(by).stock_output(*key, name)
        return values, slopes

    def _carried(self, values: Floats, slopes: Floats) -> Floats | Dual:
        return Dual(values, slopes) if self.measured.by else values


def reference_stock(scenario: Scenario, host: str) -> StockKey:
    """Return the stock culture that a well is compared with: nothing is silenced in it."""
    return StockKey(host, scenario.promoter, scenario.resistance, scenario.parameters)
