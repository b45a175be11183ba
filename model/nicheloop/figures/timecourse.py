"""Read-outs of one run over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from nicheloop.figures.style import DOUBLE, GREY, HOST_COLOURS, PURPLE, hours, house_style, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from nicheloop.assays.result import Result

COLUMNS = 3
ROW = 1.55
"""Height of a row of panels, inches."""


def timecourse(run: Result, readout: str, ax: Axes | None = None) -> Axes:
    """Draw one read-out over time, one line per kind of cell.

    Parameters
    ----------
    run : Result
        What to draw. Its events are marked, and so is the end of a failed run.
    readout : str
        Such as ``viability`` (of every line in the run) or ``viability:K562R``.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.

    Raises
    ------
    ReadoutError
        If the run has no such read-out.
    """
    ax = ax if ax is not None else new_axes()
    table = _table(run, readout)
    with house_style():
        for line in dict.fromkeys(table["line"]):
            data = table[table["line"] == line]
            colour = HOST_COLOURS.get(line, GREY)
            ax.plot(data["time"], data["value"], color=colour, label=line or "medium")
        ax.set_title(readout.partition(":")[0].replace("_", " "))
        ax.set_xlabel("time [h]")
        ax.set_ylabel(f"[{table['unit'].iloc[0]}]")
        if np.isfinite(table["value"]).any():
            ax.set_ylim(bottom=min(0.0, float(table["value"].min())))
        hours(ax, float(run.time[-1]))
        _mark(ax, run)
        if table["line"].nunique() > 1:
            ax.legend(loc="best")
    return ax


def plot_run(run: Result, readouts: Iterable[str] | None = None) -> Figure:
    """Draw one panel per read-out.

    Parameters
    ----------
    run : Result
        What to draw.
    readouts : iterable of str, optional
        Read-outs, as for `timecourse`; default: all that the run allows.

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
        figure = Figure(figsize=(DOUBLE * columns / COLUMNS, ROW * rows + 0.45), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, name in zip(axes, names, strict=False):
            timecourse(run, name, ax)
            if ax.get_legend() is not None:
                ax.get_legend().remove()
            if ax not in axes[len(names) - columns : len(names)]:
                ax.set_xlabel("")
        for ax in axes[len(names) :]:
            ax.set_axis_off()
        handles = {
            label: handle
            for ax in axes
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
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


def _mark(ax: Axes, run: Result) -> None:
    for event in run.scenario.events:
        ax.axvline(event.at, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    if not run.ok and np.isfinite(run.time_reached):
        ax.axvline(run.time_reached, color=PURPLE, linewidth=0.8, zorder=0)
        ax.annotate(
            "failed", (run.time_reached, 1), xycoords=("data", "axes fraction"), color=PURPLE, va="top"
        )
