"""Plots of an assay table: points are measured, lines are the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, DataRange1d, Range1d
from bokeh.plotting import figure

from nicheloop.explorer.data import DataPanel, Overlaid, Series
from nicheloop.explorer.plots import dressed
from nicheloop.figures.doses import decades, exact
from nicheloop.figures.style import colours

HEIGHT = 340
MARKERS = ("circle", "square", "diamond", "triangle", "inverted_triangle", "hex")
GRID = """
:host { display: grid !important; grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr));
        gap: 6px 10px; width: 100%; }
.scroll-button { display: none; }  /* it would take a place of the grid */
"""
DASHES = ("solid", "dashed", "dotted", "dotdash")


class DataPlots:
    """One plot per panel of a table; where only the model moved, its lines are replaced."""

    def __init__(self) -> None:
        self.panel = pn.Column(sizing_mode="stretch_width", stylesheets=[GRID])
        self._models: list[tuple[ColumnDataSource, ...]] = []
        self._shape: object = None

    def clear(self) -> None:
        """Show nothing."""
        self.panel.objects = []
        self._shape = None

    def show(self, shown: Overlaid) -> None:
        """Draw measured values and the model."""
        source = shown.predictions.table
        shape = (id(source.frame), len(shown.panels))
        if shape != self._shape:
            self._shape = shape
            drawn = [_drawn(panel) for panel in shown.panels]
            self._models = [sources for _, sources in drawn]
            self.panel.objects = [
                pn.pane.Bokeh(plot, sizing_mode="stretch_width", height=HEIGHT) for plot, _ in drawn
            ]
            return
        for panel, sources in zip(shown.panels, self._models, strict=True):
            for data, model in zip(sources, _models(panel), strict=True):
                data.data = model


def _drawn(panel: DataPanel) -> tuple[Any, tuple[ColumnDataSource, ...]]:
    """Return the plot of a panel, and the sources of its model lines in the order of `_models`."""
    scale = {"x_axis_type": "log"} if panel.log else {}
    whole = all((series.y >= 0).all() for series in panel.series)
    plot = dressed(
        figure(
            height=HEIGHT,
            sizing_mode="stretch_width",
            toolbar_location=None,
            tools="",
            title=panel.title,
            x_axis_label=panel.xlabel,
            y_axis_label=panel.ylabel,
            y_range=DataRange1d(start=0 if whole else None, range_padding=0.1),
            x_range=_side_by_side(panel) if not panel.xlabel else DataRange1d(),
            **scale,
        )
    )
    plot.title.text_font_size = "13px"
    if panel.ticks and not panel.xlabel:
        plot.xaxis.ticker = list(panel.ticks)
        plot.xaxis.major_label_orientation = 0.6
    plot.xaxis.major_label_overrides = {_whole(place): name for place, name in panel.ticks.items()}
    if panel.log:
        _name_zero(plot, panel)
    sources = tuple(ColumnDataSource(model) for model in _models(panel))
    left = iter(sources)
    for number, (series, colour) in enumerate(zip(panel.series, _colours(panel), strict=True)):
        look = {"color": colour, "legend_label": series.label}
        dash = DASHES[number % len(DASHES)] if len(panel.series) > 1 else "solid"
        for _ in series.model:
            plot.line("x", "y", source=next(left), line_width=2, line_dash=dash, color=colour)
        plot.scatter("x", "y", source=next(left), marker="dash", size=16, line_width=2, color=colour)
        _points(plot, series, MARKERS[number % len(MARKERS)], look)
    _place_legend(plot)
    return plot, sources


def _place_legend(plot: Any) -> None:
    """Put the legend below the axes, where it hides no value."""
    (legend,) = plot.legend
    legend.label_text_font_size = "11px"
    legend.border_line_color = None
    legend.ncols = 2
    legend.padding = legend.margin = 2
    plot.add_layout(legend, "below")


def _models(panel: DataPanel) -> list[dict[str, Any]]:
    """Return the data of all model lines: of every series its curves, then where it stands by itself."""
    found = []
    for series in panel.series:
        found += [{"x": x, "y": y} for x, y in series.model]
        found.append(dict(zip("xy", series.marks, strict=True)))
    return found


def _points(plot: Any, series: Series, marker: str, look: dict[str, Any]) -> None:
    """Draw measured values with their SD; open triangles point to where a censored value lies."""
    for side, mark in (("", marker), ("below", "inverted_triangle"), ("above", "triangle")):
        here = series.censored == side
        if here.any() or side == "":
            fill = {} if side == "" else {"fill_color": "white"}
            plot.scatter(series.x[here], series.y[here], marker=mark, size=7, **{**look, **fill})
    known = np.isfinite(series.sd) & (series.censored == "")
    if known.any():
        x, y, sd = series.x[known], series.y[known], series.sd[known]
        plot.segment(x, y - sd, x, y + sd, line_color=look["color"])


def _side_by_side(panel: DataPanel) -> Range1d:
    """Leave room beside the first and the last series."""
    return Range1d(-0.8, max(panel.ticks) + 0.8)


def _name_zero(plot: Any, panel: DataPanel) -> None:
    """Put ticks at the decades between the doses, and one at the place of none."""
    x = np.concatenate([series.x for series in panel.series])
    doses = x[~np.isin(x, list(panel.ticks))]
    ticks = decades(float(doses.min()), float(doses.max()))
    named = {tick: exact(tick) for tick in ticks} | panel.ticks
    plot.xaxis.ticker = sorted(named)
    plot.xaxis.major_label_overrides = {_whole(place): name for place, name in named.items()}


def _whole(place: float) -> float | int:
    """Bokeh finds the name of a tick by its number as JavaScript writes it: 1, not 1.0."""
    return int(place) if place == int(place) else place


def _colours(panel: DataPanel) -> list[str]:
    """Colour by line; where all series are of one line, by what else sets them apart."""
    lines = [series.line for series in panel.series]
    if len(set(lines)) > 1 or len(lines) == 1:
        return colours(lines)
    return colours([series.words or series.line for series in panel.series])
