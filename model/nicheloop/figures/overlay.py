"""Curves of several runs over each other, as the explorer shows them: one panel per read-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nicheloop.figures.style import DOUBLE, GREY, colour_of, hours, house_style, panel_axes, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
ROW = 1.55
"""Height of a row of panels, inches."""
LINE_OF_LEGEND = 0.14
CHARACTERS = 120
"""Of a line of the legend."""
SOLID = (1, 0)


@dataclass(frozen=True, eq=False)
class Line:
    """One curve.

    Attributes
    ----------
    run : str
        Which run it is of, for the legend.
    title, host, unit : str
        Read-out in words, kind of cell (empty for the medium), unit.
    time, values : ndarray, shape (times,)
        Hours, and values; NaN is not drawn.
    dashes : tuple of int
        Lengths of strokes and gaps; (1, 0) is solid.
    """

    run: str
    title: str
    host: str
    unit: str
    time: NDArray[np.float64]
    values: NDArray[np.float64]
    dashes: tuple[int, ...] = SOLID


def plot_overlay(
    lines: Sequence[Line],
    title: str = "",
    events: Sequence[float] = (),
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw curves, one panel per read-out; colour tells the kind of cell, dashes the run.

    Parameters
    ----------
    lines : sequence of Line
        What to draw.
    title : str
        Above all panels.
    events : sequence of float
        Hours that are marked.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.

    Returns
    -------
    Figure
        As wide as two journal columns at most, outside of pyplot's list.

    Raises
    ------
    ValueError
        If there are no lines.
    """
    titles = list(dict.fromkeys(line.title for line in lines))
    if not titles:
        raise ValueError("no curves, expected at least one")
    columns = min(COLUMNS, len(titles))
    rows = -(-len(titles) // columns)
    handles = _handles(lines)
    with house_style():
        told = sum(1 + str(handle.get_label()).count("\n") for handle in handles)
        height = ROW * rows + 0.3 + LINE_OF_LEGEND * (told + 1)
        figure, axes = panel_axes(ax, len(titles), columns, (DOUBLE * columns / COLUMNS, height))
        for one, name in zip(axes, titles, strict=True):
            own = [line for line in lines if line.title == name]
            for line in own:
                one.plot(line.time, line.values, color=colour_of(line.host), linestyle=_style(line.dashes))
            for at in events:
                one.axvline(at, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
            one.set_title(name)
            one.set_ylabel(f"[{own[0].unit}]")
            known = np.concatenate([line.values[np.isfinite(line.values)] for line in own])
            if known.size:
                one.set_ylim(bottom=min(0.0, float(known.min())))
            hours(one, max(float(line.time[-1]) for line in own))
            if ax is not None or one in axes[len(titles) - columns :]:
                one.set_xlabel("time [h]")
        if ax is None:
            figure.legend(handles=handles, loc="outside lower left", ncols=1)
        else:
            shared_legend(figure, axes, False, handles)
        if title and ax is None:
            figure.suptitle(title, fontsize=8)
    return figure


def _handles(lines: Sequence[Line]) -> list[Line2D]:
    """Name the kinds of cell by colour; where there are several runs, these by dashes."""
    hosts = list(dict.fromkeys(line.host for line in lines))
    found = [Line2D([], [], color=colour_of(host), label=host or "medium") for host in hosts]
    runs = {line.run: line.dashes for line in lines}
    if len(runs) > 1:
        for run, dashes in runs.items():
            label = fill(run, CHARACTERS)
            found.append(Line2D([], [], color=GREY, linestyle=_style(dashes), label=label))
    return found


def _style(dashes: tuple[int, ...]) -> Any:
    """Return dashes as Matplotlib takes them: in widths of the line, of which one is about two pixels."""
    return "-" if dashes == SOLID else (0, tuple(length / 2 for length in dashes))
