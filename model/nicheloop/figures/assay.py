"""Assay tables: measured values, and what the model says to them.

Each read-out has a panel, or several if there is much in it. What varies decides the axis: a dose, the time,
or bars where neither takes three values. Points are measured values, each with its SD if one is given; open
triangles point to where a value lies that is only known to be beyond a limit. Lines, dashes (at a dose of
nothing) and bars are the model, with a band of 90 % where there are several parameter sets. Where the model
lies below the frame, small filled triangles say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nicheloop.analysis.evidence import spread
from nicheloop.assays.tables.arrangement import (
    FEW,
    Factors,
    Key,
    Panel,
    factors_of,
    panels_of,
    series_of,
)
from nicheloop.assays.tables.columns import TIME
from nicheloop.figures.doses import dose_ticks, places, zero_place
from nicheloop.figures.style import (
    DOUBLE,
    GREY,
    LINESTYLES,
    SINGLE,
    bracketed,
    colours,
    hours,
    house_style,
    panel_axes,
    plain_ticks,
    shared_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.assays.tables.curves import Curve
    from nicheloop.assays.tables.frame import AssayTable

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
LOG_FROM = 20.0
"""Ratio of the largest to the smallest value from which on concentrations and counts are shown by decades."""
LOG_UNITS = ("cells/mL", "pg/mL", "pg/1e6 cells")
ROW = 2.0
"""Height of a row of panels, inches."""
OFF = 1e-3
"""Share of the lower end of a logarithmic axis that stands for what is even lower, such as 0."""
BELOW = "model below the frame"
MARKERS = ("o", "s", "D", "P", "X", "h")
MARGIN, CHARACTER = 0.55, 0.048
"""Room left of a panel, and width of a character of 6 pt, inches."""
SLANTED = 24
"""Characters of a line of a slanted name."""


@dataclass(frozen=True)
class Style:
    """How a series is drawn."""

    label: str
    colour: str
    mark: str
    dashes: str


def plot_assay(
    table: AssayTable,
    model: Floats | None = None,
    curves: Sequence[Curve] = (),
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw measured values, and model values over them.

    Parameters
    ----------
    table : AssayTable
        What was measured.
    model : ndarray, shape (sets, rows), optional
        Model values in the units of the table, such as ``predictions.values``; NaN where a run failed.
    curves : sequence of Curve
        The model between them, such as ``predictions.curves``; where there is none, values of the model are
        joined by straight lines.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.

    Returns
    -------
    Figure
        As wide as two journal columns at most, outside of pyplot's list: save it, or let a notebook show it.

    Raises
    ------
    ValueError
        If the model values are not those of this table.
    """
    if model is not None and (model.ndim != 2 or model.shape[1] != len(table)):
        raise ValueError(f"model: got shape {model.shape}, expected (sets, {len(table)} rows)")
    factors = factors_of(table)
    panels = panels_of(table, factors)
    styles = _styles(factors, panels)
    columns = min(_columns(factors, panels), len(panels))
    rows = -(-len(panels) // columns)
    with house_style():
        width = SINGLE if len(panels) == 1 and _columns(factors, panels) == 3 else DOUBLE
        size = (width, ROW * rows + 0.2 + 0.12 * len(styles))
        figure, axes = panel_axes(ax, len(panels), columns, size)
        for one, panel in zip(axes, panels, strict=True):
            _draw(one, table, model, curves, factors, panel, styles)
        below = any(line.get_gid() == BELOW for one in axes for line in one.get_lines())
        handles, longest = _legend(table, model, styles, below)
        room = int(figure.get_figwidth() / (0.055 * longest + 0.45))
        shared_legend(figure, axes, ax is None, handles, max(1, min(len(handles), room)))
    return figure


# -- styles --------------------------------------------------------------------------------------------------


def _styles(factors: Factors, panels: Sequence[Panel]) -> dict[Key, Style]:
    """Return how each series is drawn, the same in all panels: colour by line, the rest by marks and dashes.

    Bars that stand beside their names need neither.
    """
    keys: dict[Key, None] = {}
    for panel in panels:
        for line, words in series_of(factors, panel):
            keys[line, words if panel.axis else ""] = None
    told = list(dict.fromkeys(words for _, words in keys))
    alone = len({line for line, _ in keys}) == 1
    shades = colours([words or line for line, words in keys] if alone else [line for line, _ in keys])
    styles = {}
    for (line, words), colour in zip(keys, shades, strict=True):
        number = told.index(words)
        mark, dashes = MARKERS[number % len(MARKERS)], LINESTYLES[number % len(LINESTYLES)]
        label = ", ".join(filter(None, (line or "medium", words)))
        styles[line, words] = Style(label, colour, mark, dashes)
    return styles


# -- drawing ------------------------------------------------------------------------------------------------


def _draw(
    ax: Axes,
    table: AssayTable,
    model: Floats | None,
    curves: Sequence[Curve],
    factors: Factors,
    panel: Panel,
    styles: dict[Key, Style],
) -> None:
    """Draw one panel."""
    series = series_of(factors, panel)
    here = [curve for curve in curves if curve.rows[0] in panel.rows]
    _scale_values(ax, table, model, here, panel)
    at = _along(ax, factors, panel, series) if panel.axis else _side_by_side(ax, series)
    for number, ((line, words), rows) in enumerate(series.items()):
        style = styles[line, words if panel.axis else ""]
        x = at[line, words]
        if model is not None and not panel.axis:
            _bar(ax, x, model[:, rows], style, 0.8 / _abreast(series))
        elif model is not None:
            dosed = np.ones(rows.size, dtype=bool) if panel.axis == TIME else factors[panel.axis][rows] > 0
            _model(ax, x, model[:, rows], rows, dosed, here, style)
        _points(ax, table, _beside(ax, x, number - (len(series) - 1) / 2, panel), rows, style)
    first = table.measurements[int(panel.rows[0])]
    of_vehicle = first.relative_to == "vehicle" or (first.readout == "viability" and first.unit == "fraction")
    ax.set_title(fill(panel.title, 36))
    ax.set_ylabel(f"[{first.unit}{' of vehicle' if of_vehicle else ''}]")


def _abreast(series: dict[Key, Indices]) -> int:
    """Return how many bars stand at one place."""
    told = {words for _, words in series}
    return len({line for line, _ in series}) if len(told) > 1 else 1


def _beside(ax: Axes, x: Floats, offset: float, panel: Panel) -> Floats:
    """Move points a little, so that those of several series, or of one bar, do not hide each other."""
    if panel.axis == TIME:
        return x + 0.008 * offset * float(np.ptp(ax.get_xlim()))
    if panel.axis:
        low, high = ax.get_xlim()
        return np.asarray(x * (high / low) ** (0.008 * offset))
    return x + (np.linspace(-0.06, 0.06, x.size) if x.size > 1 else 0.0)


def _scale_values(
    ax: Axes, table: AssayTable, model: Floats | None, curves: Sequence[Curve], panel: Panel
) -> None:
    """Show concentrations and counts by decades where they span much, everything else from zero."""
    values = table.measurements
    measured = values.value[panel.rows]
    said = np.zeros(0) if model is None else model[:, panel.rows].ravel()
    said = np.concatenate([said, *(curve.values.ravel() for curve in curves)])
    shown = np.concatenate([measured, said[np.isfinite(said)]])
    positive = shown[shown > 0]
    many = positive.size and positive.max() > LOG_FROM * max(positive.min(), measured.min())
    if many and (measured > 0).all() and values.unit[panel.rows[0]] in LOG_UNITS:
        low = max(float(positive.min()), float(measured.min()) / LOG_FROM)
        ax.set_yscale("log")
        ax.set_ylim(low / 1.6, float(shown.max()) * 1.6)
        plain_ticks(ax.yaxis)
        return
    sd = np.nan_to_num(values.sd[panel.rows])
    low = min(0.0, float(shown.min(initial=0)))
    high = max(float(shown.max(initial=0)), float((measured + sd).max(initial=0)))
    ax.set_ylim(low * 1.08, high * 1.08 or 1.0)


def _along(ax: Axes, factors: Factors, panel: Panel, series: dict[Key, Indices]) -> dict[Key, Floats]:
    """Set up the axis of the time, or of doses by decades with a place for none, and place all rows on it."""
    along = {key: factors[panel.axis][rows].astype(float) for key, rows in series.items()}
    x = np.concatenate(list(along.values()))
    stem, _, unit = panel.axis.partition(" [")
    ax.set_xlabel(bracketed(stem.replace("_", " "), unit.removesuffix("]")))
    if panel.axis == TIME:
        hours(ax, float(x.max()))
        ax.set_xlim(-0.03 * x.max(), 1.03 * x.max())
        return along
    zero = zero_place(x, logarithmic=True)
    drawn = places(x, zero)
    ax.set_xscale("log")
    ax.set_xlim(float(drawn.min()) / 1.4, float(drawn.max()) * 1.4)
    dose_ticks(ax, drawn, zero)
    return {key: places(dose, zero) for key, dose in along.items()}


def _side_by_side(ax: Axes, series: dict[Key, Indices]) -> dict[Key, Floats]:
    """Place series side by side, those that differ in their line only together, and name them below."""
    lines = list(dict.fromkeys(line for line, _ in series))
    told = list(dict.fromkeys(words for _, words in series))
    if _abreast(series) == 1 and len(told) == 1:
        names = [line or "medium" for line in lines]
        middle = {key: float(lines.index(key[0])) for key in series}
    else:
        names = [words or "untreated" for words in told]
        shift = {line: (i - (len(lines) - 1) / 2) * 0.8 / len(lines) for i, line in enumerate(lines)}
        middle = {(line, words): told.index(words) + shift[line] for line, words in series}
    room = int(_characters(ax) / len(names)) - 1
    if max(len(word) for name in names for word in name.split()) > room:
        wrapped = [fill(name, SLANTED) for name in names]
        ax.set_xticks(range(len(names)), wrapped, fontsize=6, rotation=35, ha="right", rotation_mode="anchor")
    else:
        wrapped = [fill(name, room, break_on_hyphens=False) for name in names]
        ax.set_xticks(range(len(names)), wrapped, fontsize=6)
    free = max(0.0, (FEW - len(names)) / 2)
    ax.set_xlim(-0.6 - free, len(names) - 0.4 + free)
    ax.tick_params(axis="x", length=0)
    return {key: np.full(rows.size, middle[key]) for key, rows in series.items()}


def _characters(ax: Axes) -> float:
    """Return how many small characters fit below a panel."""
    grid, figure = ax.get_gridspec(), ax.get_figure(root=True)
    width = DOUBLE if grid is None or figure is None else figure.get_figwidth() / grid.ncols
    return (width - MARGIN) / CHARACTER


def _model(
    ax: Axes,
    x: Floats,
    model: Floats,
    rows: Indices,
    dosed: NDArray[np.bool_],
    curves: Sequence[Curve],
    style: Style,
) -> None:
    """Draw the model of a series: its curves, or straight lines; as a dash where neither goes through."""
    own = [curve for curve in curves if curve.rows[0] in rows]
    for curve in own:
        _line(ax, curve.places, curve.values, style)
    through = dosed & np.isin(rows, np.concatenate([rows[:0], *(curve.rows for curve in own)]))
    if not own and np.unique(x[dosed]).size > 1:
        _line(ax, x[dosed], model[:, dosed], style)
        through = dosed
    _dashes(ax, x[~through], model[:, ~through], style)


def _line(ax: Axes, x: Floats, model: Floats, style: Style) -> None:
    """Draw the model along an axis."""
    at, firsts = np.unique(x, return_index=True)
    middle, low, high = _spread(ax, model[:, firsts])
    ax.plot(at, middle, color=style.colour, linestyle=style.dashes, zorder=2)
    _below(ax, at, middle, style)
    if len(model) > 1:
        ax.fill_between(at, low, high, color=style.colour, alpha=0.18, linewidth=0, zorder=1)


def _dashes(ax: Axes, x: Floats, model: Floats, style: Style) -> None:
    """Draw the model where it stands by itself, as at a dose of nothing."""
    at, firsts = np.unique(x, return_index=True)
    middle, low, high = _spread(ax, model[:, firsts])
    ax.plot(at, middle, "_", color=style.colour, markersize=9, markeredgewidth=1.2, zorder=2)
    _below(ax, at, middle, style)
    if len(model) > 1:
        ax.vlines(at, low, high, color=style.colour, alpha=0.3, linewidth=3, zorder=1)


def _bar(ax: Axes, x: Floats, model: Floats, style: Style, width: float) -> None:
    """Draw the model as a bar, or as its end where a logarithmic axis has no zero to start from."""
    middle, low, high = _spread(ax, model[:, :1])
    place = np.array([float(x.mean())])
    _below(ax, place, middle, style)
    ends = float(place[0]) - 0.46 * width, float(place[0]) + 0.46 * width
    ax.hlines(middle, *ends, color=style.colour, linewidth=1.4, zorder=2)  # a bar of nothing is seen, too
    if ax.get_yscale() == "linear":
        ax.bar(place, middle, 0.92 * width, color=style.colour, alpha=0.35, linewidth=0, zorder=1)
    if len(model) > 1:
        ax.vlines(place, low, high, color=style.colour, alpha=0.6, linewidth=2.5, zorder=2)


def _spread(ax: Axes, model: Floats) -> tuple[Floats, Floats, Floats]:
    """Return median and band over the parameter sets as an axis can draw them; NaN where all failed."""
    if ax.get_yscale() == "linear":
        return spread(model)
    # A logarithmic axis has no 0: what is as low leaves the frame.
    middle, low, high = (np.maximum(part, OFF * ax.get_ylim()[0]) for part in spread(model))
    return middle, low, high


def _below(ax: Axes, x: Floats, middle: Floats, style: Style) -> None:
    """Mark at the lower edge where the model lies below the frame: a flat line there would be an answer."""
    gone = middle < ax.get_ylim()[0]
    if gone.any():
        edge, frame = np.full(int(gone.sum()), 0.02), ax.get_xaxis_transform()
        (marks,) = ax.plot(x[gone], edge, "v", color=style.colour, markersize=3, zorder=4, transform=frame)
        marks.set_gid(BELOW)


def _points(ax: Axes, table: AssayTable, x: Floats, rows: Indices, style: Style) -> None:
    """Draw measured values, with their SD, and triangles at limits."""
    values = table.measurements
    value, censored, sd = values.value[rows], values.censored[rows], values.sd[rows]
    colour = style.colour
    for side, mark in (("", style.mark), ("below", "v"), ("above", "^")):
        here = censored == side
        if here.any():
            (points,) = ax.plot(x[here], value[here], mark, color=colour, markersize=3.5, zorder=4)
            points.set_clip_on(False)  # a point at zero is seen whole
            points.set_markerfacecolor(colour if side == "" else "white")
    told = (censored == "") & np.isfinite(sd)
    if told.any():
        x, value, sd = x[told], value[told], sd[told]
        ax.errorbar(x, value, sd, fmt="none", ecolor=colour, elinewidth=0.7, capsize=1.5, zorder=3)


# -- around the panels --------------------------------------------------------------------------------------


def _columns(factors: Factors, panels: Sequence[Panel]) -> int:
    """Return how many panels stand side by side: fewer where many bars have to be named."""
    series = [series_of(factors, panel) for panel in panels if not panel.axis]
    most = max((len({words or line for line, words in keys}) for keys in series), default=0)
    return 1 if most > 12 else 2 if most > 5 else 3


def _legend(
    table: AssayTable, model: Floats | None, styles: dict[Key, Style], below: bool
) -> tuple[list[Line2D], int]:
    """Name the series, and what points, lines and triangles are; return the longest name, too."""
    handles = []
    for style in styles.values():
        handle = Line2D([], [], color=style.colour, marker=style.mark, label=style.label)
        handle.set(linestyle="" if model is None else style.dashes)
        handles.append(handle)
    plain: dict[str, Any] = {"color": GREY, "linestyle": ""}
    measured = "measured ± SD" if np.isfinite(table.measurements.sd).any() else "measured"
    handles.append(Line2D([], [], marker="o", label=measured, **plain))
    if model is not None:
        band = " (median, 90 % of the sets)" if len(model) > 1 else ""
        handles.append(Line2D([], [], color=GREY, label=f"model{band}"))
    if below:
        handles.append(Line2D([], [], marker="v", label=BELOW, **plain))
    censored = set(table.measurements.censored)
    for side, mark, label in (("below", "v", "below this limit"), ("above", "^", "above this limit")):
        if side in censored:
            handles.append(Line2D([], [], marker=mark, markerfacecolor="white", label=label, **plain))
    return handles, max(len(str(handle.get_label())) for handle in handles)
