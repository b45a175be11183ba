"""Measured values, and the model over them with the parameters of a view."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.readouts import Floats
from nicheloop.assays.tables.arrangement import (
    Factors,
    Key,
    Panel,
    factors_of,
    panels_of,
    series_of,
)
from nicheloop.assays.tables.columns import TIME
from nicheloop.assays.tables.curves import Curve
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.predictions import Predictions, predict
from nicheloop.assays.tables.read import read_assay
from nicheloop.explorer.claims import Setting, explained
from nicheloop.explorer.words import readout_in_words
from nicheloop.figures.doses import places as placed
from nicheloop.figures.doses import zero_place
from nicheloop.figures.style import bracketed


@dataclass(frozen=True, eq=False)
class Series:
    """Measured values that differ along the axis only, and the model through them.

    Attributes
    ----------
    line, words : str
        What they were measured on, and what else sets them apart.
    x, y, sd : ndarray, shape (values,)
        Places on the axis, values, and SD (NaN if not known).
    censored : ndarray of str
        ``below`` or ``above`` where the value is only known to be beyond a limit.
    model : tuple of (ndarray, ndarray)
        Curves of the model.
    marks : tuple of ndarray
        Places and model values where no curve goes through, as at a dose of nothing.
    """

    line: str
    words: str
    x: Floats
    y: Floats
    sd: Floats
    censored: NDArray[Any]
    model: tuple[tuple[Floats, Floats], ...]
    marks: tuple[Floats, Floats]

    @property
    def label(self) -> str:
        """Name in the legend."""
        return ", ".join(filter(None, (self.line or "medium", self.words)))


@dataclass(frozen=True, eq=False)
class DataPanel:
    """One read-out of a table.

    Attributes
    ----------
    title, xlabel, ylabel : str
        With units in brackets.
    log : bool
        Whether the axis is one of doses.
    ticks : mapping of float to str
        Places that are named rather than numbered.
    series : tuple of Series
        What is drawn.
    """

    title: str
    xlabel: str
    ylabel: str
    log: bool
    ticks: dict[float, str]
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False)
class Overlaid:
    """A table with the model over it.

    Attributes
    ----------
    predictions : Predictions
        The model's value for every row.
    panels : tuple of DataPanel
        What is drawn.
    problem : str
        Which wells failed; empty if none did.
    """

    predictions: Predictions
    panels: tuple[DataPanel, ...]
    problem: str


def read_table(name: str, content: bytes) -> AssayTable:
    """Read a file as it came from the browser.

    Raises
    ------
    AssayError
        One line per problem, with the name of the file, row and column, as from `nicheloop.read_assay`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name.replace("\\", "/")).name or "table")
        path.write_bytes(content)
        return read_assay(path)


def overlay(table: AssayTable, setting: Setting) -> Overlaid:
    """Run the wells of a table with the parameters of a setting, and arrange what is drawn.

    A well that asks for no explanation of resistance or promoter gets that of the setting.

    Raises
    ------
    AssayError
        If the model cannot be laid over the table.
    """
    bases = tuple(explained(base, setting) for base in table.layout.bases)
    asked = replace(table, layout=replace(table.layout, bases=bases))
    found = predict(asked, [setting.parameters])
    factors = factors_of(asked)
    panels = tuple(_panel(found, factors, panel) for panel in panels_of(asked, factors))
    failed = [
        f"{well.name}: {text}" for well, text in zip(asked.wells, found.problems[0], strict=True) if text
    ]
    more = f"; and {len(failed) - 3} more wells" if len(failed) > 3 else ""
    return Overlaid(found, panels, "; ".join(failed[:3]) + more)


def _panel(found: Predictions, factors: Factors, panel: Panel) -> DataPanel:
    values, first = found.table.measurements, int(panel.rows[0])
    keys = series_of(factors, panel)
    places, ticks = _places(factors, panel, keys)
    curves = [curve for curve in found.curves if curve.rows[0] in panel.rows]
    series = tuple(
        _series(found, factors, panel, key, rows, places[key], curves) for key, rows in keys.items()
    )
    stem, _, unit = panel.axis.partition(" [")
    xlabel = bracketed(stem.replace("_", " "), unit.removesuffix("]"))
    log = bool(panel.axis) and panel.axis != TIME
    name = values.readout[first]
    title = panel.title.replace(name.replace("_", " "), readout_in_words(name), 1)
    return DataPanel(title, xlabel, bracketed("", str(values.unit[first])), log, ticks, series)


def _places(
    factors: Factors, panel: Panel, keys: dict[Key, Any]
) -> tuple[dict[Key, Floats], dict[float, str]]:
    """Place all rows on the axis: by time, by dose with a place for none, or side by side."""
    if not panel.axis:
        names = {float(number): ", ".join(filter(None, key)) for number, key in enumerate(keys)}
        places = {key: np.full(rows.size, float(number)) for number, (key, rows) in enumerate(keys.items())}
        return places, names
    places = {key: factors[panel.axis][rows].astype(float) for key, rows in keys.items()}
    if panel.axis == TIME:
        return places, {}
    zero = zero_place(np.concatenate(list(places.values())), logarithmic=True)
    named = {} if zero is None else {zero: "0"}
    return {key: placed(dose, zero) for key, dose in places.items()}, named


def _series(
    found: Predictions,
    factors: Factors,
    panel: Panel,
    key: Key,
    rows: NDArray[np.intp],
    x: Floats,
    curves: Sequence[Curve],
) -> Series:
    values = found.table.measurements
    own = [curve for curve in curves if curve.rows[0] in rows]
    dosed = np.ones(rows.size, dtype=bool)
    if panel.axis and panel.axis != TIME:
        dosed = factors[panel.axis][rows] > 0
    through = dosed & np.isin(rows, np.concatenate([rows[:0], *(curve.rows for curve in own)]))
    apart, firsts = np.unique(x[~through], return_index=True)
    line, words = key
    return Series(
        line,
        words,
        x,
        values.value[rows],
        values.sd[rows],
        values.censored[rows],
        tuple((curve.places, curve.values[0]) for curve in own),
        (apart, found.values[0][rows[~through]][firsts]),
    )


def told(table: AssayTable) -> str:
    """Say in a line what a table holds."""
    counts = table.frame["readout"].value_counts(sort=False)
    parts = ", ".join(f"{count} of {readout_in_words(str(name))}" for name, count in counts.items())
    wells = len(table.wells)
    return f"{table.source}: {parts}; {wells} well{'' if wells == 1 else 's'}"
