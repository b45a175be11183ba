"""Panels of the reproduction: dose-responses, time courses, grouped bars and the migration bell.

Lines, points and bars are the default parameters; bands and black whiskers are the 90 % interval of the
ensemble; thin lines and grey whiskers that of the unconditioned prior, which may leave the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from nicheloop.figures.factors import factorial
from nicheloop.figures.style import (
    DOUBLE,
    GREY,
    LINESTYLES,
    PUBLISHED,
    SINGLE,
    colours,
    dashes,
    hours,
    house_style,
    new_axes,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from nicheloop.analysis.evidence import Floats, Panel, Series

MANY_BARS = 10
"""Bars that fit into one column."""
INSIDE = 3
"""Legend entries that fit inside the axes."""
CHARACTER = 0.058
"""Width of a character of 7 pt, inches."""
CATEGORY_SIZES = (7, 6)
"""Sizes of type, points, that the names of categories are tried in before they are slanted."""
LEGEND_ROW = 0.14
"""Height of a row of the legend, inches."""


def panel(panel: Panel, ax: Axes | None = None) -> Axes:
    """Draw a panel.

    Parameters
    ----------
    panel : Panel
        What to draw.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column, or two for many bars.

    Returns
    -------
    Axes
        With labelled axes, title and legend; ``ax.figure`` is what to save.
    """
    if panel.kind == "factorial":
        return factorial(panel, ax)
    own = ax is None
    width, height = _size(panel)
    if ax is None:
        ax = new_axes(width, height)
    with house_style():
        _DRAW[panel.kind](panel, ax)
        for band, shade in zip(panel.bands, PUBLISHED * len(panel.bands), strict=False):
            span = ax.axvspan if band.axis == "x" else ax.axhspan
            span(band.low, band.high, color=shade, linewidth=0, zorder=0, label=band.label)
        _frame(panel, ax)
        ax.set_title(fill(panel.title, int(width / (1.14 * CHARACTER))))
        ax.set_xlabel(panel.xlabel)
        ax.set_ylabel(_wrapped(panel.ylabel, int(0.8 * height / CHARACTER)))
        _legend(panel, ax, own, width)
    return ax


def _size(panel: Panel) -> tuple[float, float]:
    """Return width and height of a figure of its own, inches."""
    many = panel.kind == "bars" and len(panel.series) * len(panel.categories) > MANY_BARS
    width, height = (DOUBLE, 0.38 * DOUBLE) if many else (SINGLE, 0.7 * SINGLE)
    entries = len(panel.series) + len(panel.bands)
    if panel.kind != "bars" and entries > INSIDE:
        height += LEGEND_ROW * ((entries + 1) // 2)
    return width, height


def _wrapped(label: str, room: int) -> str:
    """Break a label that is too long for an axis in front of its unit, if that helps."""
    quantity, bracket, unit = label.rpartition(" [")
    if len(label) > room and bracket and max(len(quantity), len(unit) + 1) <= room:
        return f"{quantity}\n[{unit}"
    return fill(label, room)


def _looks(panel: Panel) -> list[tuple[Series, str, str]]:
    """Return every series with its colour, and its line: another where a colour comes again."""
    shades = colours([series.group or series.label for series in panel.series])
    return list(zip(panel.series, shades, dashes(shades), strict=True))


# -- curves -------------------------------------------------------------------------------------------------


def _curves(panel: Panel, ax: Axes) -> None:
    for series, colour, style in _looks(panel):
        shown = _shown(series, panel.xscale)
        x = series.x[shown]
        if series.prior_low is not None and series.prior_high is not None:
            for edge in (series.prior_low, series.prior_high):
                ax.plot(x, edge[shown], color=colour, alpha=0.5, linewidth=0.5, linestyle=style, zorder=1)
        if series.low is not None and series.high is not None:
            low, high = series.low[shown], series.high[shown]
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
        points = panel.kind != "timecourse" and x.size <= 16
        ax.plot(
            x,
            series.default[shown],
            color=colour,
            linestyle=style,
            marker="o" if points else "",
            label=series.label,
            zorder=3,
        )


def _shown(series: Series, xscale: str) -> NDArray[np.bool_]:
    """Return which abscissae the scale can show: a logarithmic one has no zero dose."""
    return np.asarray(series.x > 0 if xscale == "log" else np.isfinite(series.x))


# -- bars ---------------------------------------------------------------------------------------------------


def _bars(panel: Panel, ax: Axes) -> None:
    """Draw bars from zero, or points where a logarithmic axis has no zero to start from."""
    width = 0.8 / max(len(panel.series), 1)
    for i, (series, colour, style) in enumerate(_looks(panel)):
        x = series.x + (i - (len(panel.series) - 1) / 2) * width
        alpha = 0.9 / 2 ** LINESTYLES.index(style)
        if panel.yscale == "log":
            ax.plot(
                x, series.default, "o", color=colour, alpha=alpha, markersize=5, label=series.label, zorder=3
            )
        else:
            ax.bar(x, series.default, 0.92 * width, color=colour, alpha=alpha, label=series.label, zorder=2)
        if series.prior_low is not None and series.prior_high is not None:
            ax.vlines(
                x + 0.2 * width, series.prior_low, series.prior_high, color=GREY, linewidth=0.6, zorder=3
            )
        if series.low is not None and series.high is not None:
            ax.vlines(x, series.low, series.high, color="black", linewidth=1.1, zorder=4)
    if panel.yscale == "linear":
        ax.axhline(0, color="black", linewidth=0.6)
    _categories(panel, ax)


def _categories(panel: Panel, ax: Axes) -> None:
    """Name the positions: wrapped to the room there is, in smaller type, or slanted if a word is too long."""
    count = len(panel.categories)
    room = (_size(panel)[0] - 0.6) / max(count, 1)
    longest = max((len(word) for name in panel.categories for word in name.split()), default=0)
    size = next((size for size in CATEGORY_SIZES if longest <= int(room / CHARACTER * 7 / size)), None)
    if size is None:
        ax.set_xticks(np.arange(count), panel.categories, rotation=35, ha="right", rotation_mode="anchor")
    else:
        columns = int(room / CHARACTER * 7 / size)
        names = [fill(name, columns, break_on_hyphens=False) for name in panel.categories]
        ax.set_xticks(np.arange(count), names, fontsize=size)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.6, count - 0.4)


# -- what all have ------------------------------------------------------------------------------------------


def _frame(panel: Panel, ax: Axes) -> None:
    """Set scales, limits and ticks; the prior may leave the frame, default and ensemble may not."""
    if panel.kind != "bars":
        ax.set_xscale(panel.xscale)
    ax.set_yscale(panel.yscale)
    inner = np.concatenate([np.zeros(0), *_values(panel, ("default", "low", "high"))])
    outer = np.concatenate([inner, *_values(panel, ("prior_low", "prior_high"))])
    if panel.yscale == "log":
        inner, outer = inner[inner > 0], outer[outer > 0]
    if inner.size:
        limits = _log_limits if panel.yscale == "log" else _linear_limits
        ax.set_ylim(*limits(inner, outer, headroom=0.12 if panel.kind == "bars" else 0.04))
    if panel.kind == "timecourse" and panel.xscale == "linear":
        ends = [float(series.x[-1]) for series in panel.series if series.x.size]
        hours(ax, max(ends, default=0.0))
    for axis, scale in ((ax.xaxis, panel.xscale), (ax.yaxis, panel.yscale)):
        if scale == "log" and not (panel.kind == "bars" and axis is ax.xaxis):
            plain_ticks(axis)


def _values(panel: Panel, names: tuple[str, ...]) -> Iterator[Floats]:
    for series in panel.series:
        for name in names:
            values = getattr(series, name)
            if values is not None:
                yield values[np.isfinite(values)]


def _linear_limits(inner: Floats, outer: Floats, headroom: float) -> tuple[float, float]:
    low, high = min(0.0, inner.min()), max(0.0, inner.max())
    span = (high - low) or 1.0
    top = min(max(high, outer.max()), high + 0.4 * span)
    bottom = max(min(low, outer.min()), low - 0.4 * span)
    return bottom - (0.04 * span if bottom < 0 else 0.0), top + headroom * span


def _log_limits(inner: Floats, outer: Floats, headroom: float) -> tuple[float, float]:
    low, high = np.log10(inner.min()), np.log10(inner.max())
    span = max(high - low, 0.5)
    top = min(np.log10(outer.max()), high + max(0.4 * span, 0.5))
    bottom = max(np.log10(outer.min()), low - max(0.4 * span, 0.5))
    return float(10 ** (bottom - 0.06 * span)), float(10 ** (top + (headroom + 0.02) * span))


def _legend(panel: Panel, ax: Axes, own: bool, width: float) -> None:
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) < 2 and not panel.bands:
        return
    one_row = sum(len(label) + 6 for label in labels) * CHARACTER < 0.85 * width
    if panel.kind == "bars":
        ax.legend(loc="upper right", ncols=len(labels) if one_row else 1)
    elif own and len(labels) > INSIDE:
        ax.figure.legend(handles, labels, loc="outside lower center", ncols=2)
    else:
        ax.legend(loc="best")


_DRAW: dict[str, Callable[[Panel, Axes], None]] = {
    "dose_response": _curves,
    "timecourse": _curves,
    "bell": _curves,
    "bars": _bars,
}
