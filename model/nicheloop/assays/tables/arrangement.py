"""What varies in an assay table, and what is compared with what: its panels, axes and series.

A read-out is a panel, or several if there is much in it. The treatment or time that takes most values is the
axis of a panel; what else tells values apart, and the line, makes its series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.tables.columns import HEADERS, TIME
from nicheloop.assays.tables.layout import combined
from nicheloop.biology.hosts import HOSTS

if TYPE_CHECKING:
    from nicheloop.assays.scenario import Scenario
    from nicheloop.assays.tables.frame import AssayTable

Indices = NDArray[np.intp]
Factors = dict[str, NDArray[Any]]
Key = tuple[str, str]
"""Of a series: its line, and in words what else sets it apart."""

FEW = 3
"""Values from which on a dose or the time is an axis."""
MOST_LINES, MOST_BARS = 8, 24
"""Series in a panel; more are spread over several."""
LINE, PROTOCOL = "line", "protocol"
DESIGN = ("stroma", "cells_per_ml", "stroma_per_ml")
WITH_STROMA = FrozenMap(
    {
        "coculture": "on stroma",
        "transwell": "over stroma",
        "conditioned_medium": "stroma-conditioned medium",
    }
)


@dataclass(frozen=True, eq=False)
class Panel:
    """What one panel shows.

    Attributes
    ----------
    title : str
        Read-out, and what holds for this panel only.
    rows : ndarray of int
        Rows of the table.
    axis : str
        Factor along the axis; empty for bars.
    others : tuple of str
        Other factors that vary in the panel, the line aside.
    """

    title: str
    rows: Indices
    axis: str = ""
    others: tuple[str, ...] = ()


def factors_of(table: AssayTable) -> Factors:
    """Return everything that may tell values of a read-out apart, by name, one entry per row."""
    values, layout, frame = table.measurements, table.layout, table.frame
    line = np.where(values.host == "", frame["line"].to_numpy(dtype=object), values.host)
    factors: Factors = {LINE: line, TIME: values.time_h}
    for number, name in enumerate(layout.treatments):
        factors[HEADERS[name]] = layout.doses[values.well, number]
    base = layout.base[values.well]
    told = [_design(well) for well in layout.bases]
    for name, column in zip(DESIGN, zip(*told, strict=True), strict=True):
        factors[name] = np.array(column, dtype=object)[base]
    for name in ("experiment", "plate"):  # which matter where each has a scale of its own
        scaled = values.relative_to == "scale"
        factors[name] = np.where(scaled, frame[name].to_numpy(dtype=object), "")
    factors[PROTOCOL] = np.array([_protocol(well.name) for well in layout.bases], dtype=object)[base]
    return factors


def _design(well: Scenario) -> tuple[str, str, str]:
    """Return in words how stroma takes part, and how much was seeded."""
    cells = " + ".join(f"{seeded.density:.3g}" for seeded in well.lines.values())
    stroma = f"{well.stroma.density:.3g} stromal cells/mL" if well.stroma.present else ""
    return WITH_STROMA.get(well.stroma.mode, ""), f"{cells} cells/mL" if cells else "", stroma


def _protocol(name: str) -> str:
    """Return what the name of a well says beyond its line: ``coculture`` of ``K562R_coculture``."""
    stem, _, told = name.partition("[")
    for host in HOSTS:
        stem = "" if stem == host else stem.removeprefix(f"{host}_")
    kept = [item.partition("=")[2] for item in told.removesuffix("]").split(", ") if "=" in item]
    return ", ".join(filter(None, (stem.replace("_", " "), *kept)))


def _levels(factors: Factors, name: str, rows: Indices) -> list[Any]:
    """Return the values of a factor in some rows, in order; nothing is none."""
    found = {value for value in factors[name][rows].tolist() if value == value and value != ""}
    return sorted(found)


def panels_of(table: AssayTable, factors: Factors) -> list[Panel]:
    """Return the panels: one per read-out and reference, more where there is too much for one."""
    values = table.measurements
    kinds, firsts = combined([values.readout, values.relative_to, values.unit])
    titles = [values.readout[first].replace("_", " ") for first in firsts]
    found = [Panel(title, np.flatnonzero(kinds == kind)) for kind, title in enumerate(titles)]
    return [part for panel in found for part in _split(factors, panel)]


def _split(factors: Factors, panel: Panel) -> list[Panel]:
    """Choose the axis of a panel; while it holds too many series, make one for each value of a factor."""
    count = {name: len(_levels(factors, name, panel.rows)) for name in factors}
    along = [name for name in (TIME, *HEADERS.values()) if count.get(name, 0) >= FEW]
    axis = max(along, key=lambda name: count[name], default="")
    panel = replace(panel, axis=axis, others=_telling(factors, panel.rows, axis))
    if not panel.others or len(series_of(factors, panel)) <= (MOST_LINES if axis else MOST_BARS):
        return [panel]
    name = min(panel.others, key=lambda name: count[name])
    parts: list[Panel] = []
    for level in dict.fromkeys(factors[name][panel.rows].tolist()):
        rows = panel.rows[factors[name][panel.rows] == level]
        title = ", ".join(filter(None, (panel.title, _said(name, level))))
        parts += _split(factors, Panel(title, rows))
    return parts


def _telling(factors: Factors, rows: Indices, axis: str) -> tuple[str, ...]:
    """Return the factors that tell rows apart beside axis and line, without those that others imply."""
    kept = [name for name in factors if name not in (axis, LINE)]
    along = [name for name in (axis, LINE) if name]

    def groups(names: list[str]) -> int:
        return len(combined([factors[name][rows] for name in (*along, *names)])[1])

    for name in reversed(kept.copy()):
        fewer = [other for other in kept if other != name]
        if groups(fewer) == groups(kept):
            kept = fewer
    return tuple(kept)


def _said(name: str, level: Any) -> str:
    """Return a value of a factor in words, such as ``imatinib 1 µM``."""
    stem, _, unit = name.partition(" [")
    stem, unit = stem.replace("_", " "), unit_in_words(unit.removesuffix("]"))
    if name == TIME:
        return f"{level:g} h"
    if unit:
        return f"{stem} {level:.4g} {unit}" if level else ""
    return str(level)


def unit_in_words(unit: str) -> str:
    """Return a unit as it is printed: ``uM`` is µM."""
    return f"µ{unit[1:]}" if unit.startswith("u") else unit


def series_of(factors: Factors, panel: Panel) -> dict[Key, Indices]:
    """Return the rows of each series of a panel."""
    codes, firsts = combined([factors[name][panel.rows] for name in (LINE, *panel.others)])
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(firsts) + 1))
    series: dict[Key, Indices] = {}
    for code, first in enumerate(panel.rows[firsts].tolist()):
        levels = [(name, factors[name][first]) for name in panel.others]
        words = (_said(name, level) for name, level in levels)
        key = (str(factors[LINE][first]), ", ".join(filter(None, words)))
        rows = panel.rows[order[ends[code] : ends[code + 1]]]
        series[key] = np.concatenate([series[key], rows]) if key in series else rows
    return series
