"""Assay tables: one row per measured value, with the well it was measured in.

`read_assay` reads them from CSV, Excel and plate maps; an `AssayTable` knows its wells, as scenarios, and its
measurements, as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.readouts import Readout, readouts_with
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.layout import Layout

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    Attributes
    ----------
    row : int
        In the file, as a spreadsheet numbers it.
    well : int
        Index into the wells of the table.
    readout, host : str
        What was measured, on which cells (empty for the medium).
    time_h : float
        Hours.
    value, unit : float, str
        The value, in the unit of the read-out (or a ratio, or in arbitrary units, as ``relative_to`` says).
    sd : float
        Standard deviation of the wells behind the value, same unit; NaN if not given.
    n : float
        How many wells are behind the value; NaN if not given.
    replicate : int
        Which of the values of the same design, read-out and time this is, from 1.
    censored : str
        ``below`` or ``above`` if only that much is known; else empty.
    relative_to : str
        ``""``: absolute; ``vehicle``: of the matching vehicle well; ``scale``: in arbitrary units.
    experiment, plate : str
        Where it was measured.
    """

    row: int
    well: int
    readout: str
    host: str
    time_h: float
    value: float
    unit: str
    sd: float
    n: float
    replicate: int
    censored: str
    relative_to: str
    experiment: str
    plate: str


@dataclass(frozen=True, eq=False)
class Measurements:
    """All measured values of a table, one array per field of `Measurement`, shape (rows,)."""

    row: NDArray[np.int64]
    well: NDArray[np.intp]
    readout: NDArray[Any]
    host: NDArray[Any]
    time_h: Floats
    value: Floats
    unit: NDArray[Any]
    sd: Floats
    n: Floats
    replicate: NDArray[np.int64]
    censored: NDArray[Any]
    relative_to: NDArray[Any]
    experiment: NDArray[Any]
    plate: NDArray[Any]

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, index: int) -> Measurement:
        return Measurement(**{name: _scalar(array[index]) for name, array in vars(self).items()})

    def __iter__(self) -> Iterator[Measurement]:
        return (self[i] for i in range(len(self)))


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True, eq=False, repr=False)
class AssayTable:
    """Measured values and the wells they are from.

    Attributes
    ----------
    frame : DataFrame
        One row per value, in default units: ``row`` (in the file), ``readout``, ``line``, ``time [h]``,
        ``value``, ``unit``, ``censored``, ``sd``, ``n``, ``replicate``, ``detection_limit``, ``experiment``,
        ``plate``, ``relative_to``, the design columns and one column per treatment. Not to be changed.
    source : str
        Where it is from, for messages.
    scenarios : mapping
        The scenarios that the column ``scenario`` names.
    layout : Layout
        Which row is of which well.
    names : tuple of str
        Names of the rows, from row 1, if they are wells of a plate.
    readouts : tuple of Readout
        Read-outs of its own, that it may hold beside the shipped ones.
    """

    frame: pd.DataFrame
    source: str
    scenarios: FrozenMap[Scenario]
    layout: Layout
    names: tuple[str, ...] = ()
    readouts: tuple[Readout, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        counts = self.frame["readout"].value_counts(sort=False)
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        sizes = f"{_counted(len(self), 'value')}, {_counted(len(self.layout.base), 'well')}"
        return f"AssayTable {self.source}: {sizes}; {told}"

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        head = self.frame.head()
        more = f"<p>and {len(self) - len(head)} more</p>" if len(self) > len(head) else ""
        return f"<p>{escape(repr(self))}</p>{head.to_html(index=False, na_rep='')}{more}"

    @property
    def known_readouts(self) -> FrozenMap[Readout]:
        """Read-outs that its names stand for: the shipped ones and its own."""
        return readouts_with(self.readouts)

    @cached_property
    def wells(self) -> tuple[Scenario, ...]:
        """The wells, in the order in which they occur, each sampled when something is measured in it."""
        return self.layout.scenarios()

    @cached_property
    def measurements(self) -> Measurements:
        """The measured values as arrays."""
        columns = {name: self.frame[name].to_numpy() for name in _SAME}
        numbers = {name: self.frame[name].to_numpy(dtype=float) for name in ("value", "sd", "n")}
        return Measurements(
            **columns, **numbers, well=self.layout.well, host=self.layout.host, time_h=self.layout.time
        )

    def same_as(self, other: AssayTable) -> bool:
        """Whether another table holds the same values of the same wells, wherever the two are from."""
        mine, others = (table.frame.drop(columns="row").reset_index(drop=True) for table in (self, other))
        return bool(mine.equals(others)) and self.wells == other.wells

    def to_csv(self, path: str | Path) -> Path:
        """Write the table as CSV; `read_assay` reads it back the same, given the read-outs of its own.

        Scenarios that do not ship with the package are written beside it, as TOML.

        Returns
        -------
        Path
            Of the table.
        """
        from nicheloop.assays.tables.write import write_csv

        return write_csv(self, Path(path))

    def to_excel(self, path: str | Path) -> Path:
        """Write the table as an Excel workbook; `read_assay` reads it back the same, given its own read-outs.

        Scenarios that do not ship with the package are written beside it, as TOML.

        Returns
        -------
        Path
            Of the workbook.
        """
        from nicheloop.assays.tables.excel import write_excel

        return write_excel(self, Path(path))

    def plot(self, ax: Any = None) -> Figure:
        """Draw the values over dose, time or design (into ``ax``, one per panel), and return the figure."""
        from nicheloop.figures.assay import plot_assay

        return plot_assay(self, ax=ax)

    def normalise(self) -> AssayTable:
        """Divide raw signals by the mean of the matching vehicle wells of the same plate.

        Signals are raw where a read-out relative to vehicle has a unit such as OD. SDs, detection limits and
        limits of censored values are divided, too; the scatter of the vehicle wells is not added to the SDs.

        Raises
        ------
        AssayError
            If vehicle wells are missing, censored or zero, or have another unit.
        """
        from nicheloop.assays.tables.normalise import normalised

        return normalised(self)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


_SAME = ("row", "readout", "unit", "replicate", "censored", "relative_to", "experiment", "plate")
