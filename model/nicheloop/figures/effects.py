"""Effects of the claims over the parameter sets: waterfalls, ranked and coloured by the claimed sign."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.figures.style import (
    BLACK,
    BLUE,
    DOUBLE,
    GREY,
    ORANGE,
    VERMILION,
    house_style,
    new_axes,
    panel_axes,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.evidence import Effect

Floats = NDArray[np.float64]
SHOWN, HIDDEN, UNCLAIMED = BLUE, VERMILION, GREY
LOG_FROM = 20.0
"""Ratio of the largest to the smallest value from which on ratios are shown by decades."""
STRIP = 0.04
"""Height of the strip that shows the colour of effects too small to be seen, share of the axes."""
COLUMNS = 3
ROW = 1.6
"""Height of a row of panels, inches."""
ROOM = (38, 60)
"""Characters of a line above one of several panels, and above a figure of its own."""


def waterfall(effect: Effect, ax: Axes | None = None) -> Axes:
    """Draw an effect in every parameter set of the ensemble, the largest first.

    Blue: with the claimed sign, and by more than an assay could just see; vermilion: not. The strip below has
    the same colours, for effects too small to be seen. The dashed line is the default, the orange curve the
    bare prior, which may leave the frame. A value that is infinite (an IC50 that no dose reaches) goes to the
    edge of the frame. How many are, and in how many sets the run failed, says the label of the axis.

    Parameters
    ----------
    effect : Effect
        Of a claim.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    room = ROOM[ax is None]
    ax = ax if ax is not None else new_axes()
    values = np.sort(effect.ensemble[~np.isnan(effect.ensemble)])[::-1]
    share = 100 * (np.arange(values.size) + 0.5) / max(values.size, 1)
    with house_style():
        _scaled(ax, effect, values)
        edges = ax.get_ylim()
        shown = effect.shown_by(values)
        colours = np.where(shown, SHOWN, HIDDEN) if effect.expected_sign else np.full(values.size, UNCLAIMED)
        bottom = effect.null if ax.get_yscale() == "linear" else max(effect.null, ax.get_ylim()[0])
        for colour in dict.fromkeys(colours.tolist()):
            chosen = colours == colour
            ends = np.where(chosen, np.clip(values, *edges), bottom)
            ax.fill_between(share, bottom, ends, color=colour, step="mid", linewidth=0, zorder=2)
            strip = np.where(chosen, STRIP, 0.0)
            frame = ax.get_xaxis_transform()
            ax.fill_between(share, 0, strip, color=colour, step="mid", linewidth=0, zorder=2, transform=frame)
        prior = np.sort(effect.prior[~np.isnan(effect.prior)])[::-1]
        if prior.size:
            finite = prior[np.isfinite(prior)]
            prior = np.clip(prior, finite.min(initial=edges[0]), finite.max(initial=edges[1]))
            ax.plot(
                100 * (np.arange(prior.size) + 0.5) / prior.size, prior, color=ORANGE, linewidth=1.0, zorder=3
            )
        ax.axhline(effect.null, color=BLACK, linewidth=0.6, zorder=4)
        if not np.isnan(effect.default):
            default = float(np.clip(effect.default, *edges))
            ax.axhline(default, color=BLACK, linewidth=0.8, linestyle="--", zorder=4)
        ax.set_xlim(0, 100)
        counts = {"unreached": effect.unreached, "failed": effect.failed}
        told = "".join(f", {count} {what}" for what, count in counts.items() if count)
        ax.set_xlabel(f"parameter sets, ranked{told} [%]")
        unit = "ratio" if effect.unit == "1" else unit_in_words(effect.unit)
        ax.set_ylabel(f"effect [{unit}]")
        told = f": {100 * effect.fraction_with_claimed_sign:.0f}\u202f%" if effect.expected_sign else ""
        ax.set_title(fill(f"{effect.claim}  {effect.effect}{told}", room), fontsize=7)
    return ax


def waterfalls(effects: Sequence[Effect], ax: Axes | Sequence[Axes] | None = None) -> Figure:
    """Draw a waterfall for each of several effects, and say what the colours are.

    Parameters
    ----------
    effects : sequence of Effect
        At least one.
    ax : sequence of Axes, optional
        Where to, one for each; by default a new figure as wide as two journal columns.
    """
    columns = min(COLUMNS, len(effects))
    size = (DOUBLE * columns / COLUMNS, ROW * -(-len(effects) // columns) + 0.25)
    figure, axes = panel_axes(ax, len(effects), columns, size)
    with house_style():
        for one, effect in zip(axes, effects, strict=True):
            waterfall(effect, one)
        if ax is None:
            handles = [
                Patch(color=SHOWN, label="claimed sign, visible"),
                Patch(color=HIDDEN, label="not"),
                Line2D([], [], color=ORANGE, linewidth=1.0, label="bare prior"),
                Line2D([], [], color=BLACK, linewidth=0.8, linestyle="--", label="default"),
            ]
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _scaled(ax: Axes, effect: Effect, values: Floats) -> None:
    """Set limits by ensemble, default and null; ratios that span much are shown by decades."""
    every = np.array([*values, effect.null, effect.default])
    every = every[np.isfinite(every)]
    low, high = float(every.min()), float(every.max())
    if effect.null > 0 and low > 0 and high > LOG_FROM * low:
        ax.set_yscale("log")
        ax.set_ylim(low / 1.3, high * 1.3)
        plain_ticks(ax.yaxis)
        return
    room = 0.08 * ((high - low) or 1.0)
    ax.set_ylim(low - room, high + room)
