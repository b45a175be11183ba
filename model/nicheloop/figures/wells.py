"""Read-outs of the wells of one experiment, over what sets the wells apart.

The axis that takes most values lies below; the others are lines, or make a heat map where there are many. An
experiment that compares only two values is drawn over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from nicheloop.assays.axes import column
from nicheloop.assays.fields import EVENT_AXIS, axis_unit
from nicheloop.assays.tables.arrangement import FEW, unit_in_words
from nicheloop.figures.doses import exact
from nicheloop.figures.style import DOUBLE, LINESTYLES, headline, house_style, panel_axes, shared_legend
from nicheloop.figures.sweep import TIME, plot_variable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from nicheloop.assays.wells import Wells

COLUMNS = 3
ROW = 1.7
"""Height of a row of panels, inches."""
MOST_LINES, MOST_SHADES = 8, 6
"""Lines in a panel, and shades that are told apart; more make a heat map."""


@dataclass(frozen=True)
class _Line:
    """Wells that a line goes through: where they are on the other axes, and how it is drawn."""

    place: dict[str, int]
    label: str
    look: dict[str, Any]


def plot_wells(
    wells: Wells, readouts: Iterable[str] | None = None, ax: Axes | Sequence[Axes] | None = None
) -> Figure:
    """Draw one panel per read-out.

    Parameters
    ----------
    wells : Wells
        What to draw; wells that failed leave gaps.
    readouts : iterable of str, optional
        Such as ``viability``, or ``viability:K562R`` where there are several lines; default: all.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.

    Returns
    -------
    Figure
        As wide as two journal columns at most, outside of pyplot's list: save it, or let a notebook show it.
    """
    results = wells.to_xarray(readouts)
    along = _along(wells)
    lines = _lines(wells, along)
    at_end = results if along == TIME else results.isel({TIME: -1}, drop=True)
    names = [str(name) for name in results.data_vars]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    with house_style():
        size = (DOUBLE * columns / COLUMNS, ROW * rows + 0.35 + 0.12 * len(lines))
        figure, axes = panel_axes(ax, len(names), columns, size)
        for one, name in zip(axes, names, strict=True):
            if lines:
                _draw_lines(one, at_end, name, lines)
            else:
                plot_variable(at_end, name, one)
            _label(one, wells, results[name])
        if len(lines) > 1:
            longest = max(len(line.label) for line in lines)
            across = max(1, min(len(lines), int(figure.get_figwidth() / (0.055 * longest + 0.45))))
            shared_legend(figure, axes, ax is None, axes[0].get_legend_handles_labels()[0], across)
        if ax is None:
            figure.suptitle(title_of(wells, along == TIME), fontsize=8)
    return figure


def _along(wells: Wells) -> str:
    """Return what lies below: the axis with most values, or the time where none takes a few."""
    longest = max(wells.axes, key=lambda axis: len(wells.axes[axis]), default=TIME)
    over_time = longest == TIME or len(wells.axes[longest]) < FEW <= wells.time.size
    return TIME if over_time else longest


def _lines(wells: Wells, along: str) -> list[_Line]:
    """Return the lines of a panel; none where they would be too many."""
    others = [axis for axis in wells.axes if axis != along]
    sizes = {axis: len(wells.axes[axis]) for axis in others}
    shaded = max(others, key=lambda axis: sizes[axis], default="")
    dashed = [axis for axis in others if axis != shaded]
    dashes = prod(sizes[axis] for axis in dashed)
    if prod(sizes.values()) > MOST_LINES or sizes.get(shaded, 1) > MOST_SHADES or dashes > len(LINESTYLES):
        return []
    shades = colormaps["viridis"](np.linspace(0, 0.85, sizes.get(shaded, 1)))
    styles = list(product(*(range(sizes[axis]) for axis in dashed)))
    lines = []
    for places in product(*(range(sizes[axis]) for axis in others)):
        place = dict(zip(others, places, strict=True))
        style = LINESTYLES[styles.index(tuple(place[axis] for axis in dashed))]
        colour = {"color": shades[place[shaded]]} if shaded else {}  # or else that of the cells
        label = ", ".join(_words(axis, wells.axes[axis][number]) for axis, number in place.items())
        lines.append(_Line(place, label, {**colour, "linestyle": style}))
    return lines


def _draw_lines(ax: Axes, results: xr.Dataset, name: str, lines: list[_Line]) -> None:
    for line in lines:
        before = len(ax.get_lines())
        plot_variable(results.isel(line.place), name, ax)
        drawn = ax.get_lines()[before]
        drawn.set(label=line.label, **line.look)
        if np.size(drawn.get_xdata()) == 1:
            drawn.set_marker("o")
    values = results[name].values
    finite = values[np.isfinite(values)]
    if finite.size:
        low, high = min(0.0, float(finite.min())), max(0.0, float(finite.max()))
        room = 0.06 * (high - low)
        ax.set_ylim(low - room if low < 0 else 0.0, high + room or 1.0)


def _label(ax: Axes, wells: Wells, variable: xr.DataArray) -> None:
    """Say what a panel shows, on which cells where there are several kinds, and what lies along its axes."""
    host = variable.attrs["host"] if len(wells.scenario.hosts) > 1 else ""
    title = ", ".join(filter(None, [variable.attrs["readout"].replace("_", " "), host]))
    fixed = ax.get_title(loc="left").partition("\n")[2]
    ax.set_title("\n".join(filter(None, [title, fixed])))
    words = {column(axis): _axis_label(axis) for axis in wells.axes}
    ax.set_xlabel(words.get(ax.get_xlabel(), ax.get_xlabel()))
    ax.set_ylabel(words.get(ax.get_ylabel(), ax.get_ylabel()))


def _axis_label(axis: str) -> str:
    name = "first event" if axis == EVENT_AXIS else axis.replace("_", " ")
    return f"{name} [{unit_in_words(axis_unit(axis))}]"


def _words(axis: str, value: float) -> str:
    """Return a value of an axis in words, such as ``imatinib 1 µM``."""
    name, unit = _axis_label(axis).removesuffix("]").split(" [")
    return f"{name} {exact(value)} {unit}".rstrip()


def title_of(wells: Wells, over_time: bool) -> str:
    """Return what was done, when it was read (if not over time), and how many wells failed."""
    title = wells.scenario.title or wells.scenario.name
    after = None if over_time else float(wells.time[-1])
    return headline(title, after, int((~wells.ok).sum()), len(wells), "wells")
