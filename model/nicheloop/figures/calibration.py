"""What calibration bought: how often each claimed sign occurs in the bare prior and in the ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np

from nicheloop.analysis.evidence import NEEDED_FRACTION
from nicheloop.figures.style import BLACK, DOUBLE, GREY, VERMILION, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.evidence import Effect

ROW = 0.155
"""Height of a row, inches."""
LABEL = 74
"""Characters of a label."""


def prior_and_ensemble(effects: Sequence[Effect], ax: Axes | None = None) -> Axes:
    """Draw, for every effect with a claimed sign, its share in the prior and in the ensemble.

    Parameters
    ----------
    effects : sequence of Effect
        Those without a claimed sign are left out.
    ax : Axes, optional
        Where to; by default a new figure as wide as two journal columns.
    """
    shown = [effect for effect in effects if effect.expected_sign]
    own = ax is None
    if ax is None:
        ax = new_axes(DOUBLE, 0.7 + ROW * len(shown))
    prior = np.array([100 * effect.prior_fraction for effect in shown])
    ensemble = np.array([100 * effect.fraction_with_claimed_sign for effect in shown])
    rows = np.arange(len(shown))
    holds = np.array([effect.holds for effect in shown], dtype=bool)
    with house_style():
        ax.hlines(rows, prior, ensemble, color=GREY, linewidth=0.8, zorder=1)
        ax.plot(prior, rows, "o", color="white", markeredgecolor=GREY, markersize=4, label="prior", zorder=2)
        for chosen, colour, label in (
            (holds, BLACK, "ensemble"),
            (~holds, VERMILION, "ensemble, does not hold"),
        ):
            if chosen.any():
                ax.plot(
                    ensemble[chosen], rows[chosen], "o", color=colour, markersize=4, label=label, zorder=3
                )
        ax.axvline(100 * NEEDED_FRACTION, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
        labels = [f"{e.claim}  {shorten(e.effect, LABEL, placeholder=' …')}" for e in shown]
        ax.set_yticks(rows, labels, fontsize=6.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.set_xlim(-2, 102)
        ax.set_xlabel("parameter sets with the claimed sign [%]")
        if own:
            ax.figure.legend(loc="outside upper right", ncols=3)
        else:
            ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    return ax
