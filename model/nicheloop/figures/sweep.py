"""Results of a sweep: dose-response families, heat maps, synergy surfaces, samples; one panel per variable.

Over parameter sets, lines are medians with bands from the 5th to the 95th percentile, and colours medians. A
single curve has the colour of its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nicheloop.analysis.evidence import spread
from nicheloop.analysis.sweep.synergy import NEUTRAL
from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.figures.doses import dose_ticks, exact, places, wide, zero_place
from nicheloop.figures.style import (
    DOUBLE,
    SINGLE,
    bracketed,
    colour_of,
    headline,
    hours,
    house_style,
    new_axes,
    panel_axes,
    plain_ticks,
)
from nicheloop.figures.surface import cells, colour_bar

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
SET, SAMPLE, TIME = "set", "sample", "time"
COLUMNS, MOST = 3, 9
ROW = 1.9
"""Height of a row of panels, inches."""
FAMILY = 6
"""Up to so many values of a second axis are lines; more are a heat map."""


def plot_sweep(
    results: xr.Dataset,
    variables: Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw one panel per variable, of the first nine; a title says how many runs failed, if any did.

    Parameters
    ----------
    results : xarray.Dataset
        As from `nicheloop.sweep`.
    variables : sequence of str, optional
        Which; default: all.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.

    Raises
    ------
    ValueError
        If one is not there.
    """
    from nicheloop.assays.names import unknown

    known = [str(name) for name in results.data_vars if name != "status"]
    names = known if variables is None else list(variables)
    for name in names:
        if name not in known:
            raise ValueError(unknown("variable", name, known))
    names = names[:MOST]
    columns = min(COLUMNS, len(names))
    single = len(names) == 1
    size = (
        (SINGLE, 0.72 * SINGLE) if single else (DOUBLE * columns / COLUMNS, ROW * -(-len(names) // columns))
    )
    figure, axes = panel_axes(ax, len(names), columns, size)
    for one, name in zip(axes, names, strict=True):
        plot_variable(results, name, one)
    told = headline("", None, *failures(results))
    if told and ax is None:
        with house_style():
            figure.suptitle(told, fontsize=8)
    return figure


def failures(results: xr.Dataset) -> tuple[int, int]:
    """Return how many runs of a sweep failed, and of how many."""
    return int(results.attrs.get("failed_runs", 0)), int(results.attrs.get("runs", 0))


def plot_variable(results: xr.Dataset, name: str, ax: Axes | None = None) -> Axes:
    """Draw one variable in the way that its dimensions ask for.

    Of an axis for which there is no room, the first value is shown; the title says so.
    """
    ax = ax if ax is not None else new_axes()
    variable = results[name]
    dims = [str(dim) for dim in variable.dims if dim != SET]
    draw, wanted = _drawing(variable, name, dims)
    fixed = {dim: -1 if dim == TIME else 0 for dim in dims if dim not in wanted}
    told = [
        f"{dim} {exact(float(results[dim][place]))} {_units(results, dim)}".strip()
        for dim, place in fixed.items()
        if dim in results.coords
    ]
    with house_style():
        draw(results, variable.isel(fixed), wanted, ax)
        ax.set_title("\n".join([name.replace("_", " "), *([", ".join(told)] if told else [])]))
    return ax


def heat_map(results: xr.Dataset, name: str, ax: Axes | None = None) -> Axes:
    """Draw a variable over two axes as a heat map: its last time (the title says so), or the time as an axis.

    Parameters
    ----------
    results : xarray.Dataset
        As from `nicheloop.sweep`.
    name : str
        A variable over two axes, or one axis and the time; medians over parameter sets are drawn.
    ax : Axes, optional
        Where to; by default a new figure as wide as one journal column.

    Raises
    ------
    ValueError
        If it has more axes, or fewer.
    """
    ax = ax if ax is not None else new_axes()
    variable = results[name]
    dims = [str(dim) for dim in variable.dims if dim != SET]
    after = None
    if TIME in dims and len(dims) > 2:
        after = float(variable[TIME][-1])
        variable = variable.isel({TIME: -1})
        dims.remove(TIME)
    if len(dims) != 2:
        raise ValueError(f"{name}: has axes {dims}, expected two for a heat map")
    across, up = sorted(dims, key=lambda dim: dim != TIME)
    with house_style():
        _heat_map(results, variable, [across, up], ax)
        ax.set_title(headline(name.replace("_", " "), after, *failures(results)))
    return ax


def _drawing(variable: xr.DataArray, name: str, dims: list[str]) -> tuple[Any, list[str]]:
    """Choose how to draw, and the dimensions that this takes."""
    axes = [dim for dim in dims if dim not in (SAMPLE, TIME)]
    if SAMPLE in dims:
        return _samples, [SAMPLE]
    if TIME in dims:
        return _lines, [TIME, *axes[:1]]
    if not axes:
        return _histogram, []
    if len(axes) == 1:
        return _lines, axes
    pair = sorted(axes, key=lambda dim: -variable.sizes[dim])[:2]
    if _synergy(name) or variable.sizes[pair[1]] > FAMILY:
        return _heat_map, [axis for axis in axes if axis in pair]
    return _lines, pair


def _synergy(name: str) -> str:
    """Return which kind of synergy a variable is, if it is one."""
    return next((kind for kind in NEUTRAL if f"_{kind}" in f"_{name}"), "")


# -- kinds of panel -----------------------------------------------------------------------------------------


def _lines(results: xr.Dataset, variable: xr.DataArray, wanted: list[str], ax: Axes) -> None:
    """Draw values over the first dimension, a line for each value of the second."""
    along = wanted[0]
    x = results[along].values
    place, zero = (x, None) if along == TIME else _placed(x)
    count = variable.sizes[wanted[1]] if len(wanted) > 1 else 1
    chosen = np.unique(np.linspace(0, count - 1, min(count, FAMILY)).round().astype(int)).tolist()
    single = [_colour(variable)]
    shades = single if count == 1 else list(colormaps["viridis"](np.linspace(0, 0.85, len(chosen))))
    for number, colour in zip(chosen, shades, strict=True):
        part = variable.isel({wanted[1]: number}) if len(wanted) > 1 else variable
        label = exact(float(results[wanted[1]][number])) if len(wanted) > 1 else None
        middle, band = _spread(part, [along])
        marker = "" if along == TIME or x.size > 25 else "o"
        ax.plot(place, middle, color=colour, marker=marker, label=label)
        if band is not None:
            ax.fill_between(place, *band, color=colour, alpha=0.2 if count == 1 else 0.1, linewidth=0)
    _axis_of(ax, results, along, place, zero)
    ax.set_ylabel(_bracket(variable))
    if len(wanted) > 1:
        title = _named(results, wanted[1])
        ax.legend(title=title, title_fontsize=6, fontsize=6, loc="best", handlelength=1.2)


def _heat_map(results: xr.Dataset, variable: xr.DataArray, wanted: list[str], ax: Axes) -> None:
    """Draw two axes as cells of one size, in the order of their values."""
    across, up = wanted
    middle, _ = _spread(variable, [up, across])
    cells(
        ax,
        (results[across].values, results[up].values),
        middle,
        (_named(results, across), _named(results, up)),
        _bracket(variable),
        _synergy(str(variable.name)),
    )


def _samples(results: xr.Dataset, variable: xr.DataArray, wanted: list[str], ax: Axes) -> None:
    """Draw samples over the first sampled axis, coloured by the second."""
    names = [str(name) for name, coordinate in results.coords.items() if coordinate.dims == (SAMPLE,)]
    middle, _ = _spread(variable, [SAMPLE])
    x = results[names[0]].values
    if len(names) > 1:
        second = results[names[1]].values
        norm = LogNorm() if wide(second) else Normalize()
        look: dict[str, Any] = {"c": second, "cmap": "viridis", "norm": norm}
    else:
        look = {"color": _colour(variable)}
    drawn = ax.scatter(x, middle, s=4, linewidths=0, rasterized=x.size > 2000, **look)
    if wide(x):
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    ax.set_xlabel(_named(results, names[0]))
    ax.set_ylabel(_bracket(variable))
    if len(names) > 1:
        colour_bar(ax, drawn, _named(results, names[1]))


def _histogram(results: xr.Dataset, variable: xr.DataArray, wanted: list[str], ax: Axes) -> None:
    """Draw how a value is spread over the parameter sets, and count those that have no place on the axis."""
    values = np.asarray(variable.values, dtype=float).ravel()
    finite = values[np.isfinite(values)]
    ax.hist(finite, bins=min(40, max(5, finite.size // 10)), color=_colour(variable), linewidth=0)
    ax.set_xlabel(_bracket(variable))
    counts = {"unreached": np.isinf(values).sum(), "failed": np.isnan(values).sum()}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    ax.set_ylabel(f"parameter sets{f' ({told})' if told else ''}")


# -- parts --------------------------------------------------------------------------------------------------


def _spread(variable: xr.DataArray, dims: list[str]) -> tuple[Floats, tuple[Floats, Floats] | None]:
    """Median, and 5th and 95th percentile if there are parameter sets; infinite ones are not drawn."""
    if SET not in variable.dims:
        values = np.asarray(variable.transpose(*dims).values, dtype=float)
        return np.where(np.isfinite(values), values, np.nan), None
    found = spread(variable.transpose(SET, *dims).values)
    middle, low, high = (np.where(np.isfinite(part), part, np.nan) for part in found)
    return middle, (low, high)


def _placed(values: Floats) -> tuple[Floats, float | None]:
    """Return where values are drawn; on a logarithmic axis, 0 is a step left of the lowest."""
    zero = zero_place(values)
    return places(values, zero), zero


def _axis_of(ax: Axes, results: xr.Dataset, along: str, place: Floats, zero: float | None) -> None:
    ax.set_xlabel(_named(results, along))
    if along == TIME:
        hours(ax, float(place[-1]))
        return
    if not wide(place):
        return
    dose_ticks(ax, place, zero)


def _colour(variable: xr.DataArray) -> str:
    return colour_of(str(variable.attrs.get("host", "")))


def _named(results: xr.Dataset, name: str) -> str:
    """Label an axis."""
    return bracketed(name, str(results[name].attrs.get("units", "")))


def _bracket(variable: xr.DataArray) -> str:
    """Label the values of a variable, whose name is the title."""
    return bracketed("", str(variable.attrs.get("units", "")))


def _units(results: xr.Dataset, name: str) -> str:
    return unit_in_words(str(results[name].attrs.get("units", "")))
