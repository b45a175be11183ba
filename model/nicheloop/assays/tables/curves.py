"""What the model says between the measured doses and times of a table, so that it is drawn as a curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Floats
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.plates import Plate, Request
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.arrangement import Panel, factors_of, panels_of, series_of
from nicheloop.assays.tables.columns import HEADERS, TIME
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.layout import combined, grouped
from nicheloop.assays.tables.scales import Scale

Indices = NDArray[np.intp]
DOSES = 60
"""Between the lowest and the highest measured dose, in equal ratios; the measured ones come on top."""
TIMES = 61
"""Between the first and the last measured time, in equal steps; the measured ones come on top."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Model values along one axis, through measured values that differ in nothing else.

    Attributes
    ----------
    axis : str
        Column of the table: the time, or a treatment.
    rows : ndarray of int
        Rows of the table that it belongs to.
    places : ndarray, shape (points,)
        Ascending, in the unit of the column: between the lowest and the highest measured one, a dose of
        nothing aside, and those themselves.
    values : ndarray, shape (sets, points)
        In the unit of the rows; NaN where a run failed.
    """

    axis: str
    rows: Indices
    places: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class _Part:
    """A curve to be: which requests its points are, and the factor on them."""

    axis: str
    rows: Indices
    places: Floats
    requests: list[int]
    scale: Scale | None


@dataclass(eq=False)
class _Wells:
    """Collects wells, each once, and what is asked of them."""

    table: AssayTable
    wells: list[Scenario] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _numbers: dict[tuple[int, tuple[float, ...]], int] = field(default_factory=dict)

    def ask(self, row: int, axis: str, place: float) -> int:
        """Ask for the value of a row, had its dose or its time been another; returns which request it is."""
        values, layout = self.table.measurements, self.table.layout
        well, time, doses = int(values.well[row]), float(values.time_h[row]), layout.doses[values.well[row]]
        if axis == TIME:
            time = place
        else:
            doses = np.where([HEADERS[name] == axis for name in layout.treatments], place, doses)
        readout = self.table.known_readouts[values.readout[row]]
        by_vehicle = bool(values.relative_to[row] == "vehicle")
        self.requests.append(
            Request(self._number(well, doses), readout, values.host[row], time, by_vehicle=by_vehicle)
        )
        return len(self.requests) - 1

    def _number(self, well: int, doses: Floats) -> int:
        layout = self.table.layout
        key = int(layout.base[well]), tuple(doses.tolist())
        if key not in self._numbers:
            base = layout.bases[key[0]]
            alike = np.flatnonzero(layout.base == key[0])
            given = {name: dose for name, dose in zip(layout.treatments, key[1], strict=True) if dose}
            changes = {
                "treatments": FrozenMap({**base.treatments, **given}),
                "duration": max(self.table.wells[other].duration for other in alike),
            }
            self._numbers[key] = len(self.wells)
            self.wells.append(base.model_copy(update=changes))
        return self._numbers[key]


def curves_of(
    table: AssayTable,
    scales: Sequence[Scale],
    factors: Floats,
    parameter_sets: Sequence[Mapping[str, float]],
    settings: Settings,
    drawn: bool = False,
) -> tuple[Curve, ...]:
    """Simulate what lies between the measured doses and times.

    Parameters
    ----------
    table : AssayTable
        What was measured.
    scales : sequence of Scale
        Plates in arbitrary units.
    factors : ndarray, shape (sets, scales)
        What one unit of the read-out is on each of them.
    parameter_sets, settings, drawn
        As for `predict`.

    Returns
    -------
    tuple of Curve
        One for each set of values, along the axis of its panel, that differ in nothing else; none where there
        are not two different places.
    """
    wells = _Wells(table)
    parts = [part for panel in panels_of(table, factors_of(table)) for part in _parts(table, panel, wells)]
    if not parts:
        return ()
    found = Plate(wells.wells, wells.requests).run(parameter_sets, settings, drawn).values
    return tuple(
        Curve(part.axis, part.rows, part.places, found[:, part.requests] * _factor(part, scales, factors))
        for part in parts
    )


def _factor(part: _Part, scales: Sequence[Scale], factors: Floats) -> Floats:
    """Return the factor on a curve, shape (sets, 1)."""
    return np.ones((len(factors), 1)) if part.scale is None else factors[:, [scales.index(part.scale)]]


def _parts(table: AssayTable, panel: Panel, wells: _Wells) -> Iterator[_Part]:
    if not panel.axis:
        return
    values = table.measurements
    for series in series_of(factors_of(table), panel).values():
        for rows in _alike(table, series, panel.axis):
            first = int(rows[0])
            along = _along(table, panel.axis)[rows]
            places = _fine(along, linear=panel.axis == TIME)
            if places.size < 2:
                continue
            requests = [wells.ask(first, panel.axis, place) for place in places.tolist()]
            names = values.experiment[first], values.plate[first], values.readout[first]
            scale = Scale(*names) if values.relative_to[first] == "scale" else None
            yield _Part(panel.axis, rows, places, requests, scale)


def _along(table: AssayTable, axis: str) -> Floats:
    """Return the place of every row along an axis."""
    values, layout = table.measurements, table.layout
    if axis == TIME:
        return values.time_h
    number = [HEADERS[name] for name in layout.treatments].index(axis)
    doses: Floats = layout.doses[values.well, number]
    return doses


def _alike(table: AssayTable, rows: Indices, axis: str) -> list[Indices]:
    """Split rows into those that differ along the axis only, plates aside where they do not matter."""
    values, layout = table.measurements, table.layout
    well = values.well[rows]
    scaled = values.relative_to[rows] == "scale"
    columns = [values.readout[rows], values.host[rows], values.relative_to[rows], layout.base[well]]
    columns += [np.where(scaled, names[rows], "") for names in (values.experiment, values.plate)]
    for number, name in enumerate(layout.treatments):
        if HEADERS[name] != axis:
            columns.append(layout.doses[well, number])
    if axis != TIME:
        columns.append(values.time_h[rows])
    codes, firsts = combined(columns)
    return grouped(rows, codes, len(firsts))


def _fine(places: Floats, linear: bool) -> Floats:
    """Return places close to each other, from the first to the last, those given among them."""
    known = np.unique(places if linear else places[places > 0])
    if known.size < 2:
        return known
    between = (np.linspace if linear else np.geomspace)(known[0], known[-1], TIMES if linear else DOSES)
    return np.union1d(known, between[1:-1])
