"""Read-outs of one run over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nicheloop.figures.style import (
    BLACK,
    DOUBLE,
    GREY,
    bracketed,
    colour_of,
    hours,
    house_style,
    new_axes,
    panel_axes,
    shared_legend,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from nicheloop.assays.result import Result
    from nicheloop.assays.tables.frame import AssayTable

MARKS = {"": "o", "below": "v", "above": "^"}
"""Measured, and beyond a limit."""
COLUMNS = 3
ROW = 1.55
"""Height of a row of panels, inches."""


def time_course(run: Result, readout: str, ax: Axes | None = None, data: AssayTable | None = None) -> Axes:
    """Draw one read-out over time, one line per kind of cell, and measured values beside it.

    Parameters
    ----------
    run : Result
        What to draw. Its events are marked, and so is the end of a failed run.
    readout : str
        Such as ``viability`` (of every line in the run) or ``viability:K562R``.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    data : AssayTable, optional
        Measured values: those of this read-out and these lines are drawn at their times, with SD, whatever
        else sets them apart. Limits of detection are open triangles. Values on another scale (arbitrary
        units, relative to a control) have no place on this axis; the title counts them.

    Raises
    ------
    ReadoutError
        If the run has no such read-out.
    """
    ax = ax if ax is not None else new_axes()
    table = _table(run, readout)
    with house_style():
        for line in dict.fromkeys(table["line"]):
            own = table[table["line"] == line]
            ax.plot(own["time"], own["value"], color=colour_of(line), label=line or "medium")
        title, end = readout.partition(":")[0].replace("_", " "), float(run.time[-1])
        ax.set_xlabel("time [h]")
        ax.set_ylabel(bracketed("", table["unit"].iloc[0]))
        lowest = table["value"].min()
        if data is not None:
            rows, others = _told(data, readout, table)
            _measured(ax, data, rows, list(dict.fromkeys(table["line"])))
            end = max(end, float(data.measurements.time_h[rows].max(initial=0.0)))
            lowest = np.fmin(lowest, data.measurements.value[rows].min(initial=0.0))
            title += f"\n{others} measured on another scale: not shown" if others else ""
        ax.set_title(title)
        if np.isfinite(lowest):
            ax.set_ylim(bottom=min(0.0, float(lowest)))
        hours(ax, end)
        _mark(ax, run)
        if len(ax.get_legend_handles_labels()[0]) > 1:
            ax.legend(loc="best")
    return ax


def plot_run(
    run: Result,
    readouts: Iterable[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    data: AssayTable | None = None,
) -> Figure:
    """Draw one panel per read-out.

    Parameters
    ----------
    run : Result
        What to draw.
    readouts : iterable of str, optional
        Read-outs, as for `time_course`; default: all that the run allows.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.
    data : AssayTable, optional
        As for `time_course`.

    Returns
    -------
    Figure
        As wide as two journal columns at most, outside of pyplot's list: save it, or let a notebook show it.
    """
    names = _readouts(run) if readouts is None else list(dict.fromkeys(readouts))
    if not names:
        raise ValueError("no read-outs, expected at least one")
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    with house_style():
        size = (DOUBLE * columns / COLUMNS, ROW * rows + 0.45)
        figure, axes = panel_axes(ax, len(names), columns, size)
        handles: dict[str, Any] = {}
        for one, name in zip(axes, names, strict=True):
            time_course(run, name, one, data)
            found = zip(*one.get_legend_handles_labels(), strict=True)
            handles |= {str(label): handle for handle, label in found}
            legend = one.get_legend()
            if ax is None and legend is not None:
                legend.remove()
            if ax is None and one not in axes[len(names) - columns :]:
                one.set_xlabel("")
        if ax is None:
            room = sum(0.055 * len(label) + 0.45 for label in handles) / figure.get_figwidth()
            shared_legend(
                figure, axes, True, list(handles.values()), -(-len(handles) // max(1, -int(-room // 1)))
            )
            figure.suptitle(run.scenario.title or run.scenario.name, fontsize=8)
    return figure


def _table(run: Result, readout: str) -> pd.DataFrame:
    """Return one read-out; without a line, of every line that it can be measured on."""
    if ":" in readout:
        return run.to_dataframe([readout])
    whole = run.to_dataframe()
    chosen = whole[whole["readout"] == readout]
    return chosen if len(chosen) else run.to_dataframe([readout])  # which says what is wrong


def _readouts(run: Result) -> list[str]:
    return list(dict.fromkeys(run.to_dataframe()["readout"]))


def _told(data: AssayTable, readout: str, table: pd.DataFrame) -> tuple[NDArray[np.intp], int]:
    """Return the rows that a read-out can be compared with, and how many are on another scale."""
    name, lines, m = readout.partition(":")[0], set(table["line"]), data.measurements
    own = (m.readout == name) & (np.isin(m.host, list(lines)) if any(lines) else True)
    # A viability is relative to the vehicle, whoever divided by it.
    fits = (m.unit == table["unit"].iloc[0]) & ((m.relative_to == "") | (name == "viability"))
    return np.flatnonzero(own & fits), int(np.count_nonzero(own & ~fits))


def _measured(ax: Axes, data: AssayTable, rows: NDArray[np.intp], lines: Sequence[str]) -> None:
    """Draw measured values at their times."""
    m = data.measurements
    for line in lines:
        own = rows[m.host[rows] == line] if line else rows
        colour = colour_of(line)
        for side, mark in MARKS.items():
            here = own[m.censored[own] == side]
            if here.size:
                sd = np.nan_to_num(m.sd[here]) if not side else np.zeros(here.size)
                label = f"{line or 'medium'}, measured" if not side else None
                ax.errorbar(
                    m.time_h[here], m.value[here], sd, fmt=mark, color=colour, markerfacecolor="white",
                    markersize=3.5, elinewidth=0.7, capsize=1.5, zorder=4, label=label, clip_on=False,
                )  # fmt: skip


def _mark(ax: Axes, run: Result) -> None:
    for event in run.scenario.events:
        ax.axvline(event.at, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    if not run.ok and np.isfinite(run.time_reached):
        ax.axvline(run.time_reached, color=BLACK, linewidth=0.8, zorder=0)
        left = run.time_reached > 0.5 * ax.get_xlim()[1]
        ax.annotate(
            "failed",
            (run.time_reached, 1),
            (-2 if left else 2, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
        )
