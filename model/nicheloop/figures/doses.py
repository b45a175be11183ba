"""Dose-responses, and the bell of a chemotactic gradient: doses by decades, with a place for none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.figures.style import (
    GREY,
    SINGLE,
    bracketed,
    colours,
    dashes,
    figure_of,
    house_style,
    new_axes,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.dose_response import DoseCurve, DoseResponse

Floats = NDArray[np.float64]
WIDE = 30.0
"""Ratio of the largest to the smallest value from which on an axis is logarithmic."""
STEPS = (2.0, 10**0.5)
"""How far left of the lowest dose a dose of nothing stands, at least and at most, as a ratio."""
MARKERS = ("o", "s", "D", "^", "v", "P")
FINE = 200
BREAK = "break"
"""Name of the line between a dose of nothing and the others."""
INSIDE = 2
"""Legend entries that fit beside curves."""
LEGEND_ROW = 0.14
"""Height of a row of the legend, inches."""


def dose_response(found: DoseResponse, ax: Axes | None = None) -> Axes:
    """Draw responses over doses: fitted Hill curve, IC50, band, measured points.

    Dots are the model at its doses, lines the Hill curves through them, or straight lines where none was
    fitted; bands are 90 % of the parameter sets; open marks with bars are measured values with their SD. A
    dotted drop marks each IC50 (or GR50, or EC50: see `DoseResponse.half_dose`), which stands in the legend.

    Parameters
    ----------
    found : DoseResponse
        What to draw.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    entries = len(found.curves) + sum(curve.measured is not None for curve in found.curves)
    below = ax is None and entries > INSIDE
    if ax is None:
        ax = new_axes(SINGLE, 0.72 * SINGLE + (LEGEND_ROW * -(-entries // 2) if below else 0.0))
    with house_style():
        zero = _axis(ax, found)
        for curve, colour, style, mark in _looks(found):
            _band(ax, curve, zero, colour)
            label = _labelled(ax, found, curve, colour)
            place = places(curve.doses, zero)
            if curve.hill is None:
                ax.plot(place, curve.response, style, color=colour, marker="o", label=label, zorder=3)
            else:
                _hill(ax, curve, zero, colour, style)
                ax.plot(place, curve.response, "o", color=colour, label=label, zorder=3)
            _measured(ax, curve, zero, colour, mark)
        _values(ax, found)
        if below:
            handles, labels = ax.get_legend_handles_labels()
            figure_of(ax).legend(handles, labels, loc="outside lower center", ncols=2)
        elif entries > 1 or found.half_dose(found.curves[0]) is not None:
            ax.legend(loc="best")
    return ax


def bell(found: DoseResponse, ax: Axes | None = None) -> Axes:
    """Draw responses that rise and fall again, such as migration towards CXCL11, and mark each best dose.

    Parameters
    ----------
    found : DoseResponse
        What to draw.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    ax = ax if ax is not None else new_axes()
    with house_style():
        zero = _axis(ax, found)
        for curve, colour, style, mark in _looks(found):
            _band(ax, curve, zero, colour)
            dose, height = curve.peak
            unit = unit_in_words(found.dose_unit)
            best = f", best at {exact(dose)} {unit}" if np.isfinite(dose) and dose > 0 else ""
            place = places(curve.doses, zero)
            ax.plot(
                place, curve.response, style, color=colour, marker="o", label=curve.label + best, zorder=3
            )
            if best:
                ax.vlines(dose, 0, height, color=colour, linewidth=0.7, linestyle=":", zorder=1)
            _measured(ax, curve, zero, colour, mark)
        _values(ax, found, headroom=0.22)
        ax.legend(loc="upper left")
    return ax


# -- the axis of doses --------------------------------------------------------------------------------------


def wide(values: Floats) -> bool:
    """Whether values are best seen on a logarithmic axis."""
    above = values[values > 0]
    return bool(above.size > 1 and (values >= 0).all() and above.max() / above.min() >= WIDE)


def zero_place(values: Floats, logarithmic: bool | None = None) -> float | None:
    """Return where 0 stands on a logarithmic axis: a step left of the lowest; None if it needs no place.

    Parameters
    ----------
    values : ndarray
        All that is drawn along the axis.
    logarithmic : bool, optional
        Whether it is logarithmic; default: if `wide`.
    """
    if not (wide(values) if logarithmic is None else logarithmic) or (values > 0).all():
        return None
    above = np.unique(values[values > 0])
    step = above[1] / above[0] if above.size > 1 else STEPS[1]
    return float(above[0] / np.clip(step, *STEPS))


def places(values: Floats, zero: float | None) -> Floats:
    """Return where values are drawn."""
    return np.asarray(values if zero is None else np.where(values > 0, values, zero))


def decades(low: float, high: float) -> list[float]:
    """Powers of ten from `low` to `high`, both above 0; the ends where there is none between them."""
    first, last = np.ceil(np.log10(low) - 1e-9), np.floor(np.log10(high) + 1e-9)
    return [float(f"1e{k}") for k in range(int(first), int(last) + 1)] or [low, high]


def dose_ticks(ax: Axes, drawn: Floats, zero: float | None) -> None:
    """Make an axis of doses logarithmic, with plain numbers and a 0 behind a break."""
    ax.set_xscale("log")
    plain_ticks(ax.xaxis)
    if zero is None:
        return
    low, high = float(drawn[drawn > zero].min()), float(drawn.max())
    ticks = decades(low, high)
    ax.set_xticks([zero, *ticks], ["0", *(exact(tick) for tick in ticks)])
    ax.xaxis.set_minor_locator(NullLocator())
    if not any(line.get_gid() == BREAK for line in ax.get_lines()):  # of several curves in one panel
        line = ax.axvline(float(np.sqrt(zero * low)), color=GREY, linewidth=0.6, linestyle=":", zorder=0)
        line.set_gid(BREAK)


def exact(value: float) -> str:
    """Return a number that somebody chose (a dose, a time, a density) for a label.

    Examples
    --------
    >>> exact(125.0), exact(0.17689), exact(100000.0), exact(1e6)
    ('125', '0.1769', '100000', '1e6')
    """
    return f"{float(f'{value:.4g}'):g}".replace("e+0", "e").replace("e-0", "e-")


def short(value: float) -> str:
    """Return a number that was found (an IC50) for a label.

    Examples
    --------
    >>> short(0.17689), short(438.7), short(5000.0), short(1e6)
    ('0.18', '440', '5000', '1e6')
    """
    rounded = float(f"{value:.2g}")
    return (
        f"{rounded:.0f}" if 10 <= rounded < 1e5 else f"{rounded:g}".replace("e+0", "e").replace("e-0", "e-")
    )


# -- parts --------------------------------------------------------------------------------------------------


def _axis(ax: Axes, found: DoseResponse) -> float | None:
    doses = [curve.doses for curve in found.curves]
    doses += [curve.measured.doses for curve in found.curves if curve.measured is not None]
    every = np.concatenate(doses)
    zero = zero_place(every)
    if wide(every):
        drawn = places(every, zero)
        ax.set_xlim(float(drawn.min()) / 1.4, float(drawn.max()) * 1.4)
        dose_ticks(ax, drawn, zero)
    ax.set_xlabel(bracketed(found.drug, found.dose_unit))
    ax.set_ylabel(bracketed(found.readout, found.unit))
    ax.set_title(found.title)
    return zero


def _looks(found: DoseResponse) -> list[tuple[DoseCurve, str, str, str]]:
    """Return every curve with its colour, its line (another where a colour comes again) and its mark."""
    groups = [curve.group or curve.label for curve in found.curves]
    shades = colours(groups)
    marks = [MARKERS[i % len(MARKERS)] for i in range(len(groups))]
    return list(zip(found.curves, shades, dashes(shades), marks, strict=True))


def _band(ax: Axes, curve: DoseCurve, zero: float | None, colour: str) -> None:
    if curve.low is not None and curve.high is not None:
        x = places(curve.doses, zero)
        ax.fill_between(x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0, zorder=1)


def _hill(ax: Axes, curve: DoseCurve, zero: float | None, colour: str, style: str) -> None:
    assert curve.hill is not None
    above = curve.doses[curve.doses > 0]
    grid = np.geomspace(above.min(), above.max(), FINE) if wide(above) else np.linspace(0, above.max(), FINE)
    ax.plot(grid, curve.hill(grid), style, color=colour, zorder=2)


def _labelled(ax: Axes, found: DoseResponse, curve: DoseCurve, colour: str) -> str:
    """Name a curve with its IC50, and drop a line there."""
    half = found.half_dose(curve)
    if half is None:
        return curve.label
    ax.vlines(half.dose, 0, half.response, color=colour, linewidth=0.7, linestyle=":", zorder=1)
    return f"{curve.label}, {half.name} {short(half.dose)} {unit_in_words(found.dose_unit)}"


def _measured(ax: Axes, curve: DoseCurve, zero: float | None, colour: str, mark: str) -> None:
    if curve.measured is None:
        return
    x = places(curve.measured.doses, zero)
    sd = np.nan_to_num(curve.measured.sd)
    ax.errorbar(
        x, curve.measured.values, sd, fmt=mark, color=colour, markerfacecolor="white", markersize=3.5,
        elinewidth=0.7, capsize=1.5, zorder=4, label=f"{curve.label}, measured",
    )  # fmt: skip


def _values(ax: Axes, found: DoseResponse, headroom: float = 0.06) -> None:
    """Show responses from 0, and all of the bands."""
    drawn = [part for c in found.curves for part in (c.response, c.low, c.high) if part is not None]
    drawn += [
        c.measured.values + np.nan_to_num(c.measured.sd) for c in found.curves if c.measured is not None
    ]
    every = np.concatenate(drawn)
    finite = every[np.isfinite(every)]
    low, high = min(0.0, float(finite.min(initial=0.0))), float(finite.max(initial=0.0))
    span = (high - low) or 1.0
    ax.set_ylim(low - (0.04 * span if low < 0 else 0.0), high + headroom * span)
