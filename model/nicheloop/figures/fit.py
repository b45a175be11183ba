"""Pictures of a fit: waterfall, profiles, residuals, parameters before and after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from nicheloop.analysis.fit.advice import plain
from nicheloop.analysis.fit.search import NEAR
from nicheloop.figures.style import (
    BLACK,
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    ORANGE,
    SINGLE,
    SKY,
    VERMILION,
    house_style,
    new_axes,
    panel_axes,
    plain_ticks,
    shared_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.fit.profile import Profile
    from nicheloop.analysis.fit.quality import Quality
    from nicheloop.analysis.fit.search import Search
    from nicheloop.analysis.fit.story import Estimate

Floats = NDArray[np.float64]

COLUMNS = 4
ROW = 1.35
"""Height of a row of profiles, inches."""
VERDICT_COLOURS = (
    ("identifiable", GREEN),
    ("bounded below", ORANGE),
    ("bounded above", SKY),
    ("flat", VERMILION),
)
LEGEND_ROWS = 2
"""More columns than that takes would not fit into the width of a page."""
LEAST = 1e-6
"""Differences of the objective are drawn down to here: searches end where it changes less."""
LEVELS = ((1.9207294103470600, "95 %"), (3.3174483005106068, "99 %"))
"""Rises of a profile at the ends of intervals (half a quantile of chi-square with one degree of freedom)."""


def starts(search: Search, ax: Axes | None = None) -> Axes:
    """Draw how far above the best each start ended, best first; starts that failed are crosses on top."""
    if ax is None:
        ax = new_axes(SINGLE, 0.62 * SINGLE)
    above = search.waterfall
    good = np.isfinite(above)
    rank = np.arange(1, above.size + 1)
    with house_style():
        ax.axhspan(
            LEAST / 2,
            NEAR,
            color="#EFE8D2",
            linewidth=0,
            zorder=0,
            label=f"same explanation (within {NEAR:g})",
        )
        ax.plot(
            rank[good],
            np.maximum(above[good], LEAST),
            "o-",
            color=BLUE,
            linewidth=0.6,
            label="starts",
            zorder=2,
        )
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(_power))
        top = max(10.0, float(above[good].max(initial=1.0)) * 3.0)
        if (~good).any():
            ax.plot(rank[~good], np.full((~good).sum(), top), "x", color=VERMILION, label="failed", zorder=3)
            top *= 3.0
        ax.set_ylim(LEAST / 2, top)
        ax.set_xlim(0, above.size + 1)
        ax.set_xlabel("start, best first")
        ax.set_ylabel("objective above the best")
        ax.set_title("Where the starts ended")
        ax.legend(loc="best")
    return ax


def _power(value: float, _: int) -> str:
    """Write a decade as a plain number, or as a power of ten where that has many zeros."""
    exponent = round(math.log10(value))
    return f"{value:g}" if -3 <= exponent <= 4 else f"$10^{{{exponent}}}$"


def profile(found: Profile, unit: str = "", ax: Axes | None = None) -> Axes:
    """Draw the profile likelihood of one parameter, coloured by its verdict.

    Parameters
    ----------
    found : Profile
        What to draw; the diamond is the best value, the dashed lines end 95 and 99 % intervals.
    unit : str
        Of the parameter.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.
    """
    ax = ax if ax is not None else new_axes()
    with house_style():
        _profile(ax, found, unit)
        ax.set_ylabel("objective above lowest")
        ax.legend(handles=_profile_legend({found.name: found}), loc="upper center")
    return ax


def profiles(
    found: Mapping[str, Profile],
    units: Mapping[str, str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw the profile likelihood of each parameter, with the rises that end 95 and 99 % intervals.

    Parameters
    ----------
    found : mapping
        Profiles by name.
    units : mapping, optional
        Of the parameters.
    ax : Axes or sequence of Axes, optional
        Where to, one per parameter; by default a new figure as wide as two journal columns at most.
    """
    columns = min(COLUMNS, max(len(found), 1))
    rows = max(-(-len(found) // columns), 1)
    size = (DOUBLE * columns / COLUMNS, ROW * rows + 0.25)
    figure, axes = panel_axes(ax, len(found), columns, size)
    with house_style():
        for number, (one, which) in enumerate(zip(axes, found.values(), strict=True)):
            _profile(one, which, (units or {}).get(which.name, ""))
            if number % columns == 0:
                one.set_ylabel("objective\nabove lowest")
            elif ax is None:
                one.tick_params(labelleft=False)
        shared_legend(figure, axes, ax is None, _profile_legend(found), 6)
    return figure


def _profile(ax: Axes, profile: Profile, unit: str) -> None:
    at, lowest = profile.lowest
    colour = dict(VERDICT_COLOURS).get(profile.verdict, GREY)
    grid = np.linspace(profile.x[0], profile.x[-1], 201) if profile.x.size > 1 else profile.x
    x = 10.0**grid if profile.logarithmic else grid
    ax.plot(x, [profile.height(one) - lowest for one in grid], color=colour, zorder=2)
    ax.plot(profile.numbers, profile.values - lowest, "o", color=colour, markersize=1.8, zorder=3)
    for (rise, _), style in zip(LEVELS, ("--", ":"), strict=True):
        ax.axhline(rise, color=GREY, linewidth=0.6, linestyle=style, zorder=1)
    ax.plot(10.0**at if profile.logarithmic else at, 0.0, "D", color=BLACK, markersize=2.5, zorder=4)
    if profile.logarithmic:
        ax.set_xscale("log")
        _few_ticks(ax)
    ax.set_ylim(-0.25, 4.6)
    ax.set_title(_wrapped(profile.name), fontsize=6.5)
    ax.set_xlabel("" if unit in ("", "1") else f"[{unit}]", fontsize=6.5)
    ax.tick_params(labelsize=6)


def _few_ticks(ax: Axes) -> None:
    """Label a logarithmic axis at decades, or at a few round numbers where it spans less than two."""
    from matplotlib.ticker import FixedLocator, NullLocator

    low, high = np.log10(ax.get_xlim())
    if high - low >= 2:
        step = math.ceil((high - low) / 4)
        places = 10.0 ** np.arange(math.ceil(low), math.floor(high) + 1, step)
    else:
        middle = np.linspace(low, high, 7)[[1, 3, 5]]
        places = np.unique(
            [float(f"{10.0**at:.1g}" if high - low > 0.7 else f"{10.0**at:.2g}") for at in middle]
        )
    ax.xaxis.set_major_locator(FixedLocator(places.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def _wrapped(name: str, room: int = 24) -> str:
    """Break a long name at an underscore."""
    if len(name) <= room:
        return name
    parts, lines = name.split("_"), [""]
    for part in parts:
        longer = f"{lines[-1]}_{part}" if lines[-1] else part
        if len(longer) > room and lines[-1]:
            lines[-1] += "_"
            lines.append(part)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _profile_legend(found: Mapping[str, Profile]) -> list[Line2D]:
    seen = {profile.verdict for profile in found.values()}
    handles = [Line2D([], [], color=colour, label=name) for name, colour in VERDICT_COLOURS if name in seen]
    for (_, label), style in zip(LEVELS, ("--", ":"), strict=True):
        handle = Line2D([], [], color=GREY, linewidth=0.6, label=f"ends of {label}")
        handle.set(linestyle=style)
        handles.append(handle)
    return handles


def residuals(
    found: Quality,
    along: Sequence[tuple[str, Floats]] = (),
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw residuals in widths of their noise: against what is predicted, against doses or times, and their
    quantiles against those of normal noise.

    Parameters
    ----------
    found : Quality
        The best point beside the data.
    along : sequence of (str, ndarray)
        Label and abscissa of each value, such as doses; not more than two are drawn.
    ax : sequence of Axes, optional
        Where to: one against what is predicted, one for each of ``along``, one for the quantiles.
    """
    told = np.isfinite(found.found.residuals)
    values = found.found.residuals[told]
    panels = [("predicted", found.found.predictions[told]), *((label, x[told]) for label, x in along[:2])]
    with house_style():
        count = len(panels) + 1
        width = DOUBLE * count / 4 if count < 4 else DOUBLE
        figure, axes = panel_axes(ax, count, count, (max(width, SINGLE), 1.9))
        for one, (label, x) in zip(axes, panels, strict=False):
            _against(one, label, x, values)
        axes[0].set_ylabel("residual [widths of noise]")
        _quantiles(axes[-1], values)
    return figure


def _against(ax: Axes, label: str, x: Floats, values: Floats) -> None:
    known = np.isfinite(x)
    ax.axhspan(-1.96, 1.96, color="#EFE8D2", linewidth=0, zorder=0)
    ax.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    positive = x[known & (x > 0)]
    ax.plot(x[known], values[known], "o", color=BLUE, zorder=2)
    if positive.size and positive.max() > 20 * positive.min():
        ax.set_xscale("symlog" if (x[known] <= 0).any() else "log", **_symlog(x[known], positive))
        if (x[known] <= 0).any():
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_xticks([0.0, *(10.0**d for d in range(*_decades(positive)))])
        else:
            plain_ticks(ax.xaxis)
    end = max(2.5, 1.1 * float(np.abs(values).max(initial=0)))
    ax.set_ylim(-end, end)
    ax.set_xlabel(label.replace("[u", "[µ"))


def _decades(positive: Floats) -> tuple[int, int]:
    """First and last decade (not included) of the values, without the one next to 0."""
    low, high = np.log10(positive.min()), np.log10(positive.max())
    return math.ceil(low + 0.5), math.floor(high + 1e-9) + 1


def _symlog(x: Floats, positive: Floats) -> dict[str, Any]:
    return {"linthresh": float(positive.min())} if (x <= 0).any() else {}


def _quantiles(ax: Axes, values: Floats) -> None:
    from scipy.special import ndtri

    expected = ndtri((np.arange(1, values.size + 1) - 0.375) / (values.size + 0.25))
    end = max(2.5, 1.1 * float(np.abs(values).max(initial=0)))
    ax.plot([-end, end], [-end, end], color=GREY, linewidth=0.6, zorder=1)
    ax.plot(expected, np.sort(values), "o", color=BLUE, zorder=2)
    wide = max(2.6, 1.05 * float(np.abs(expected).max(initial=0)))
    ax.set_xlim(-wide, wide)
    ax.set_ylim(-end, end)
    ax.set_xlabel("expected of normal noise")


def fitted_parameters(told: Sequence[Estimate], ax: Axes | None = None) -> Axes:
    """Draw, on one axis of prior SDs, the 95 % range of each prior and what is left of it after the fit.

    Parameters
    ----------
    told : sequence of Estimate
        A row each.
    ax : Axes, optional
        Where to; by default a new figure as wide as two journal columns.
    """
    rows = np.arange(len(told))
    own = ax is None
    ax = ax if ax is not None else new_axes(DOUBLE, 0.9 + 0.19 * len(told))
    shades = dict(VERDICT_COLOURS)
    with house_style():
        for row, one in zip(rows, told, strict=True):
            colour = shades.get(one.verdict, GREY)
            ax.plot([-1.96, 1.96], [row, row], color="#DCCFAE", linewidth=6, solid_capstyle="butt", zorder=1)
            low, high = max(one.z_low, -4.3), min(one.z_high, 4.3)
            ax.plot([low, high], [row, row], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
            for end, open_, mark in ((low, one.z_low < -4.3, "<"), (high, one.z_high > 4.3, ">")):
                if open_:
                    ax.plot(end, row, mark, color=colour, markersize=4, zorder=2)
            ax.plot(one.z_best, row, "o", color=colour, markersize=4, zorder=3)
            unit = "" if one.unit == "1" else f" {one.unit}"
            text = f"{plain(one.best)} ({plain(one.low)} to {plain(one.high)}){unit}"
            ax.text(4.75, float(row), text, va="center", fontsize=6.5)
        ax.set_yticks(rows, [one.name for one in told], fontsize=6.5)
        ax.set_ylim(len(told) - 0.4, -0.6)
        ax.set_xlim(-4.6, 4.6)
        ax.axvline(0, color=GREY, linewidth=0.5, linestyle=":", zorder=0)
        ax.set_xlabel("distance from the median of the prior [SD of the prior]")
        ax.tick_params(axis="y", length=0)
        _parameter_legend(ax, told, own)
    return ax


def _parameter_legend(ax: Axes, told: Sequence[Estimate], own: bool) -> None:
    seen = {one.verdict for one in told}
    handles = [Line2D([], [], color="#DCCFAE", linewidth=6, label="95 % of the prior")]
    handles += [
        Line2D([], [], color=colour, marker="o", label=f"95 % by profile, {name}")
        for name, colour in VERDICT_COLOURS
        if name in seen
    ]
    columns = -(-len(handles) // LEGEND_ROWS)
    if own:
        ax.figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    else:
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns)
