"""One small plot per read-out: the curves of the view, and the pinned ones in dashes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import (
    BasicTickFormatter,
    ColumnDataSource,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure

from nicheloop.assays.readouts import READOUTS, Floats
from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.explorer.courses import Course
from nicheloop.explorer.pins import Pin
from nicheloop.explorer.style import text_pane
from nicheloop.explorer.words import readout_in_words
from nicheloop.figures.style import GREY, colour_of, day_parts

HEIGHT = 190
GRID = """
:host { display: grid !important; grid-template-columns: repeat(auto-fill, minmax(min(250px, 100%), 1fr));
        gap: 6px 10px; width: 100%; align-items: end; }
.scroll-button { display: none; }  /* it would take a place of the grid */
"""
LEVEL = "overlay"
"""What moves lies above the axes, on a canvas of its own: a move then draws no axes and no texts."""
ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Where an axis may end, in each decade: it rests while a curve moves, and jumps when that leaves it."""
_NOTHING: dict[str, list[float]] = {"x": [], "y": []}
_SIGNED = {readout.name: readout.signed for readout in READOUTS}
_UNITS = {readout.name: readout.unit for readout in READOUTS}
_TOLD = {readout.name: readout.description for readout in READOUTS}


class ReadoutPlot:
    """The plot of one read-out; curves are replaced in it, the plot stays."""

    def __init__(self, readout: str) -> None:
        self.readout = readout
        self.figure = _blank(readout)
        # The title is not a part of the figure, which would lay it out anew with every move.
        title = f"<h3>{escape(readout_in_words(readout))}</h3><p>{escape(_TOLD[readout])}</p>"
        self.panel = pn.Column(
            text_pane(f'<div class="plot-title">{title}</div>'),
            pn.pane.Bokeh(self.figure, sizing_mode="stretch_width", height=HEIGHT),
            sizing_mode="stretch_width",
        )
        self.live: dict[str, ColumnDataSource] = {}
        self._pins: dict[tuple[int, str], ColumnDataSource] = {}
        self._drawn: dict[tuple[int, str], Pin | None] = {}
        self._events: ColumnDataSource | None = None

    def show(self, course: Course, pins: Sequence[Pin]) -> None:
        """Draw the curves of a course; of one that failed, nothing."""
        curves = {curve.host: curve.values for curve in course.of(self.readout)} if course.ok else {}
        for host in curves:
            if host not in self.live:
                self.live[host] = self._line(host, "solid", 2.5, 1.0, host or "medium")
        for host, source in self.live.items():
            values = curves.get(host)
            told = values is not None and bool(np.isfinite(values).any())
            source.data = {"x": course.time, "y": values} if told else _NOTHING
        self._show_events([event.at for event in course.scenario.events])
        self._show_pins(pins)
        ends = [course.scenario.duration, *(pin.course.scenario.duration for pin in pins)]
        if self.figure.x_range.end != max(ends) or not self.live:
            self.figure.x_range.end = max(ends)
            self.figure.xaxis.ticker = day_parts(max(ends))
        sources = (*self.live.values(), *self._pins.values())
        self._span(np.concatenate([np.empty(0), *(source.data["y"] for source in sources)]))

    def _show_events(self, times: list[float]) -> None:
        if self._events is None and times:
            self._events = ColumnDataSource({"x": []})
            self.figure.vspan(
                x="x", source=self._events, line_color=GREY, line_dash="dotted", line_width=1, level=LEVEL
            )
        if self._events is not None and self._events.data["x"] != times:
            self._events.data = {"x": times}

    def _span(self, values: Floats) -> None:
        """Let the axis span what is drawn, and zero."""
        known = values[np.isfinite(values)]
        low = rounded_up(-float(known.min(initial=0.0))) if _SIGNED[self.readout] else 0.0
        high = rounded_up(float(known.max(initial=0.0)))
        wanted = {"start": -low, "end": high if high or low else 1.0}
        if any(getattr(self.figure.y_range, name) != end for name, end in wanted.items()):
            self.figure.y_range.update(**wanted)

    def _show_pins(self, pins: Sequence[Pin]) -> None:
        drawn = {
            (pin.number, curve.host): (pin, curve.values)
            for pin in pins
            for curve in pin.course.of(self.readout)
        }
        for key, (pin, _) in drawn.items():
            if key not in self._pins:
                name = f"pinned {pin.number + 1}"
                self._pins[key] = self._line(key[1], list(pin.dashes), 1.8, 0.85, name)
        for key, source in self._pins.items():
            shown = drawn.get(key)
            wanted = None if shown is None else shown[0]
            if self._drawn.get(key) is not wanted:
                self._drawn[key] = wanted
                source.data = _NOTHING if shown is None else {"x": shown[0].course.time, "y": shown[1]}

    def _line(self, host: str, dash: Any, width: float, alpha: float, name: str) -> ColumnDataSource:
        source = ColumnDataSource(_NOTHING)
        self.figure.line(
            "x", "y", source=source, line_color=colour_of(host), line_dash=dash, line_width=width,
            line_alpha=alpha, name=name, level=LEVEL,
        )  # fmt: skip
        return source


def rounded_up(value: float) -> float:
    """Return the next end of an axis above a value of at least 0, with room for the width of a line."""
    if value <= 0:
        return 0.0
    room = 1.02 * value
    decade = 10.0 ** np.floor(np.log10(room))
    return float(decade * next((end for end in ENDS if end * decade >= room), ENDS[-1]))


def _blank(readout: str) -> Any:
    """Return empty axes with units; nothing to click, so that the page stays quiet."""
    unit = unit_in_words(_UNITS[readout])
    drawn = dressed(
        figure(
            height=HEIGHT,
            sizing_mode="stretch_width",
            title=None,
            x_axis_label="time [h]",
            y_axis_label=f"[{unit}]",
            x_range=Range1d(0, 72),
            y_range=Range1d(0, 1),
            toolbar_location=None,
            tools="",
            min_border_left=62,
            min_border_right=10,
            output_backend="canvas",
        )
    )
    drawn.add_tools(
        HoverTool(tooltips=[("", "$name"), ("time", "@x{0.##} h"), (readout, f"@y{{0.000a}} {unit}")])
    )
    many = _UNITS[readout] == "cells/mL"
    drawn.yaxis.formatter = (
        NumeralTickFormatter(format="0.[00]a") if many else BasicTickFormatter(precision=4)
    )
    drawn.xaxis.ticker = day_parts(72.0)
    return drawn


def dressed(drawn: Any) -> Any:
    """Give axes the looks of the page."""
    drawn.outline_line_color = None
    drawn.grid.grid_line_color = "#eeeeee"
    for axis in drawn.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "11px"
        axis.minor_tick_line_color = None
    return drawn


class Plots:
    """The plots of the chosen read-outs in a grid that wraps.

    A plot that is not wanted any more is hidden, not taken out: the browser would forget it, and the next
    change of it could reach the browser before it is back.
    """

    def __init__(self) -> None:
        self.known: dict[str, ReadoutPlot] = {}
        self.panel = pn.Column(sizing_mode="stretch_width", stylesheets=[GRID])

    def show(self, readouts: Sequence[str], course: Course, pins: Sequence[Pin]) -> None:
        """Draw a course; plots of read-outs that are not chosen are left as they are."""
        new = [name for name in readouts if name not in self.known]
        for name in new:
            self.known[name] = ReadoutPlot(name)
        if new:
            self.panel.objects = [self.known[name].panel for name in _TOLD if name in self.known]
        for name, plot in self.known.items():
            if name in readouts:
                plot.show(course, pins)
            if plot.panel.visible != (name in readouts):
                plot.panel.visible = name in readouts
