"""Bars of a factorial experiment: every combination of what is on and off, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from nicheloop.figures.style import BLACK, GREY, colours, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.evidence import Panel

ON, OFF = "+", "–"
MANY = 1e4
"""Values from which on thousands are set apart."""
PAD = 3.0
"""Points between the axis and the rows of signs."""


def factorial(panel: Panel, ax: Axes | None = None) -> Axes:
    """Draw a bar for every combination of factors; rows of signs below say which are on.

    Black whiskers are 90 % of the ensemble, grey ones of the bare prior, which may leave the frame.

    Parameters
    ----------
    panel : Panel
        Of kind ``factorial``, with its ``factors`` and ``levels``.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    ax = ax if ax is not None else new_axes()
    groups = [series.group or series.label for series in panel.series]
    width = 0.7 / max(len(panel.series), 1)
    top = 0.0
    with house_style():
        for i, (series, colour) in enumerate(zip(panel.series, colours(groups), strict=True)):
            x = series.x + (i - (len(panel.series) - 1) / 2) * width
            ax.bar(x, series.default, 0.92 * width, color=colour, alpha=0.9, label=series.label, zorder=2)
            for low, high, shade, line, shift in (
                (series.prior_low, series.prior_high, GREY, 0.6, 0.2 * width),
                (series.low, series.high, BLACK, 1.1, 0.0),
            ):
                if low is not None and high is not None:
                    ax.vlines(x + shift, low, high, color=shade, linewidth=line, zorder=3)
            inner = np.concatenate([series.default, series.default if series.high is None else series.high])
            top = max(top, float(inner[np.isfinite(inner)].max(initial=0.0)))
        ax.set_ylim(0, 1.08 * top or 1.0)
        if top >= MANY:
            ax.yaxis.set_major_formatter(
                FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f"))
            )
        ax.set_xlim(-0.6, len(panel.levels) - 0.4)
        _signs(panel, ax)
        ax.set_title(panel.title)
        ax.set_ylabel(panel.ylabel)
        ax.set_xlabel(panel.xlabel)
        if len(panel.series) > 1:
            ax.legend(loc="best")
    return ax


def _signs(panel: Panel, ax: Axes) -> None:
    """Write a row per factor below the bars, as it is done for blots and plates."""
    rows = ["\n".join(ON if on else OFF for on in level) for level in panel.levels]
    ax.set_xticks(np.arange(len(rows)), rows)
    ax.tick_params(axis="x", length=0, pad=PAD)
    ax.annotate(
        "\n".join(panel.factors),
        (0.0, 0.0),
        (-4.0, -PAD),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7,
        annotation_clip=False,
    )
