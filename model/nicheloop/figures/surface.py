"""Responses over two axes: heat maps, and the surface of two drugs with what they do beyond each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from nicheloop.analysis.sweep.synergy import NEUTRAL
from nicheloop.figures.doses import exact
from nicheloop.figures.style import BLACK, SINGLE, bracketed, figure_of, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.sweep.synergy import Synergy

Floats = NDArray[np.float64]

WORDS = {"bliss": "synergy above 0", "loewe": "synergy below 1"}
MAPS = {"": "viridis", "bliss": "RdBu_r", "loewe": "RdBu"}
"""Synergy is red in both."""
LABELS = 6
"""Tick labels of a heat map, at most."""
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of the untreated response at which it has contour lines."""
MISSING = "#DDDDDD"
FOLD = (2.0, 10.0)
"""Fold from an index of 1 that colours reach, at least and at most: one of 300 must not wash out all."""
FOLDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def synergy(found: Synergy, ax: Axes | None = None) -> Axes:
    """Draw the synergy of two drugs as colour, and the response to both as contour lines.

    Lines are labelled with the response in per cent of that without either drug: along one of them,
    combinations have the same effect. The cross is where synergy is largest. Doses are in their order.

    Parameters
    ----------
    found : Synergy
        From `nicheloop.analysis.sweep.synergy.synergy_of`.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    ax = ax if ax is not None else new_axes(SINGLE, 0.78 * SINGLE)
    names = [bracketed(drug, unit) for drug, unit in zip(found.drugs, found.units, strict=True)]
    word = "Bliss excess" if found.kind == "bliss" else "Loewe index"
    with house_style():
        axes = (found.doses_a, found.doses_b)
        label = f"{word} [1], {WORDS[found.kind]}"
        cells(ax, axes, found.excess.T, (names[0], names[1]), label, found.kind)
        x, y = (np.arange(values.size) + 0.5 for values in axes)
        control = found.response[0, 0]
        share = 100 * found.response.T / control if control else np.full(found.response.T.shape, np.nan)
        if np.isfinite(share).all() and min(share.shape) > 1:
            lines = ax.contour(x, y, share, [100 * level for level in LEVELS], colors=BLACK, linewidths=0.7)
            ax.clabel(lines, fmt="%g %%", fontsize=6, inline_spacing=2)
        a, b, best = found.largest
        if np.isfinite(best):
            place = (np.flatnonzero(found.doses_a == a)[0] + 0.5, np.flatnonzero(found.doses_b == b)[0] + 0.5)
            ax.plot(*place, "x", color=BLACK, markersize=4, markeredgewidth=1.0)
        ax.set_title(f"{found.readout} [% of untreated] as lines")
    return ax


def cells(
    ax: Axes,
    axes: tuple[Floats, Floats],
    values: Floats,
    names: tuple[str, str],
    label: str,
    kind: str = "",
) -> None:
    """Draw values over two axes as cells of one size, in the order of the axes, with a bar of colours.

    Parameters
    ----------
    ax : Axes
        Where to.
    axes : tuple of ndarray, shapes (x,), (y,)
        Values across and up, in any order.
    values : ndarray, shape (y, x)
        Grey where it is NaN.
    names : tuple of str
        Labels of the axes, with units.
    label : str
        Of the colours, with unit.
    kind : str
        ``bliss`` or ``loewe``, for colours that are neutral where the drugs are.
    """
    x, y = axes
    shown = values[np.argsort(y)][:, np.argsort(x)]
    mesh = ax.pcolormesh(shown, cmap=MAPS[kind], norm=_norm(shown, kind), rasterized=True)
    ax.set_facecolor(MISSING)
    for places, axis, name in ((x, ax.xaxis, names[0]), (y, ax.yaxis, names[1])):
        ordered = np.sort(places)
        step = -(-ordered.size // LABELS)
        axis.set_ticks(np.arange(0, ordered.size, step) + 0.5, [exact(value) for value in ordered[::step]])
        axis.set_label_text(name)
    colour_bar(ax, mesh, label, kind == "loewe")


def colour_bar(ax: Axes, drawn: ScalarMappable, label: str, folds: bool = False) -> None:
    """Put a bar of colours beside axes, pointed where values lie beyond it."""
    values: Floats = np.ma.filled(np.asarray(drawn.get_array(), dtype=float), np.nan)
    low, high = drawn.get_clim()
    beyond = bool((values < low).any()), bool((values > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    bar: Any = figure_of(ax).colorbar(drawn, ax=ax, extend=extend)
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)
    if folds:
        bar.set_ticks([fold for fold in FOLDS if low * 0.999 <= fold <= high * 1.001])
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.ax.yaxis.set_minor_locator(NullLocator())


def _norm(values: Floats, kind: str) -> Normalize:
    finite = values[np.isfinite(values)]
    if not kind:
        return Normalize(*((float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)))
    if kind == "loewe":
        return _folds(finite)
    middle = NEUTRAL[kind]
    reach = max(float(np.abs(finite - middle).max(initial=0.0)), 0.05)
    return TwoSlopeNorm(middle, middle - reach, middle + reach)


def _folds(index: Floats) -> Normalize:
    """Half an index is as far from 1 as twice of it."""
    reach = np.exp(np.abs(np.log(index[index > 0])).max(initial=0.0))
    reach = float(np.clip(reach, *FOLD))
    return LogNorm(1.0 / reach, reach)
