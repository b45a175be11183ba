"""Pictures of a sensitivity analysis: tornado, heat map over time, Morris plane, matrix of interactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from nicheloop.figures.style import (
    BLUE,
    DOUBLE,
    GREY,
    MM,
    ORANGE,
    SINGLE,
    VERMILION,
    hours,
    house_style,
    panel_axes,
    shared_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.sensitivity.outputs import Output
    from nicheloop.analysis.sensitivity.result import Sensitivity

TOP = 12
"""Factors that are shown unless told otherwise."""
ROW = 4.6 * MM
"""Height of a factor, inches."""
COLUMNS = 3
"""Panels side by side, at most ..."""
MARGIN = 1.0
"""Width of what is beside a matrix, inches."""
SHORT = 16
"""... if names of factors have no more letters than this."""
NAMES = {
    "S1": "first order",
    "ST": "total",
    "mu_star": "mean size of elementary effects",
    "median": "PAWN (median over slides)",
    "delta": "delta",
    "elasticity": "d ln(output) / d ln(parameter)",
    "per_sd": "d ln(output) per SD of the prior",
}
MAP = "cividis"
INVISIBLE = 0.005
"""Share of the largest value, or of the variance, that cannot be seen or written."""


def draw(found: Sensitivity, kind: str | None = None, **options: Any) -> Figure:
    """Draw a result.

    Parameters
    ----------
    found : Sensitivity
        What was found.
    kind : str, optional
        ``tornado``, ``heatmap``, ``plane`` or ``interactions``; default: a heat map if times were asked for,
        a plane for Morris (if factors are single parameters), otherwise a tornado.
    **options
        Of the function of that name.

    Raises
    ------
    ValueError
        If there is no such figure, or not of this result.
    """
    from nicheloop.assays.names import unknown

    if kind is None:
        timed = sum(output.time is not None for output in found.outputs) > 1
        single = all(len(members) == 1 for members in found.members.values())
        kind = "heatmap" if timed else "plane" if found.method == "morris" and single else "tornado"
    if kind not in KINDS:
        raise ValueError(unknown("figure", kind, KINDS))
    return KINDS[kind](found, **options)


def tornado(
    found: Sensitivity,
    top: int = TOP,
    index: str | None = None,
    title: str = "",
    titles: Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw the leading factors of every output as bars with intervals, the largest on top.

    Sobol and eFAST: total order above first order. A dashed line is what the dummy reaches, if it is not
    zero. Factors with less than half a per cent of the largest are left out.

    Parameters
    ----------
    found : Sensitivity
        What was found.
    top : int
        Factors per output.
    index : str, optional
        Default: the one by which factors are ranked.
    title, titles : str, sequence of str
        Above all panels, and above each; default: what the outputs are.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel; by default a new figure as wide as two journal columns at most.
    """
    main = index or found.main
    inner = "S1" if main == "ST" and "S1" in found.indices else None
    estimate = found[main]
    panels = [number for number in range(len(found.outputs)) if np.isfinite(estimate.value[:, number]).any()]
    shown = min(top, len(found.factors))
    columns = min(COLUMNS if max(map(len, found.factors)) <= SHORT else 2, len(panels))
    figure, axes = _grid(len(panels), shown * ROW + 0.55, title, columns, ax)
    with house_style():
        for one, number in zip(axes, panels, strict=True):
            order = _visible(estimate.value[: len(found.factors), number], shown)
            y = shown - 1.0 - np.arange(order.size)
            half = 0.0 if inner is None else 0.19
            _bars(one, y + half, estimate, order, number, BLUE, 0.72 - 2 * half, NAMES.get(main, main))
            if inner is not None:
                _bars(one, y - half, found[inner], order, number, ORANGE, 0.72 - 2 * half, NAMES[inner])
            if found.method != "local":
                floor = estimate.high[len(found.factors), number]
                if floor > 0:
                    one.axvline(floor, color=GREY, linestyle="--", linewidth=0.8, label="dummy", zorder=1)
            one.axvline(0, color="black", linewidth=0.6)
            one.set_yticks(y, [found.factors[i] for i in order])
            one.tick_params(axis="y", length=0)
            one.set_ylim(-0.6, shown - 0.4)
            one.set_xlabel(_axis_name(main, found.outputs[number]))
            one.set_title(titles[number] if titles else _titled(found.outputs[number], columns))
        if found.method != "local":
            handles, _ = axes[0].get_legend_handles_labels()
            shared_legend(figure, axes, ax is None, handles, len(handles))
    return figure


def sensitivity_map(
    found: Sensitivity,
    top: int = TOP,
    index: str | None = None,
    title: str = "",
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw an index over time, one panel per read-out: factors that lead at any time, the first on top.

    White: not above the dummy.

    Parameters
    ----------
    found : Sensitivity
        With times.
    top, index, title, ax
        As for `tornado`.

    Raises
    ------
    ValueError
        If no read-out has several times.
    """
    main = index or found.main
    groups: dict[tuple[str, str, str], list[int]] = {}
    for number, output in enumerate(found.outputs):
        if output.time is not None:
            groups.setdefault((output.scenario, output.name, output.line), []).append(number)
    courses = [numbers for numbers in groups.values() if len(numbers) > 1]
    if not courses:
        raise ValueError(
            "heatmap: no read-out at several times, expected an analysis with times= or summaries=['course']"
        )
    shown = min(top, len(found.factors))
    figure, axes = _grid(len(courses), shown * ROW + 0.75, title, COLUMNS, ax)
    values = found[main].value[: len(found.factors)]
    signed = found.method == "local"
    visible = np.isfinite(values) if signed else found.matters & np.isfinite(values)
    largest = float(np.nanmax(np.abs(values[:, [n for numbers in courses for n in numbers]])))
    shares = main in ("S1", "ST")
    limits = (-largest, largest) if signed else (0.0, 1.0 if shares else largest)
    with house_style():
        for one, numbers in zip(axes, courses, strict=True):
            order = _leading(np.nanmax(np.abs(np.nan_to_num(values[:, numbers])), axis=1), shown)
            part = np.where(visible, values, np.nan)[order][:, numbers]
            times = np.array([found.outputs[n].time for n in numbers], dtype=float)
            mesh = one.pcolormesh(
                _edges(times),
                np.arange(order.size + 1),
                part,
                vmin=limits[0],
                vmax=limits[1],
                cmap="RdBu_r" if signed else MAP,
            )
            mesh.set_rasterized(True)
            one.invert_yaxis()
            one.set_yticks(np.arange(order.size) + 0.5, [found.factors[i] for i in order])
            one.tick_params(axis="y", length=0)
            hours(one, float(times[-1]))
            one.set_xlim(*_edges(times)[[0, -1]])
            one.set_xlabel("time [h]")
            one.set_title(_titled(found.outputs[numbers[0]], len(axes), timed=False))
        bar = figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02)
        bar.set_label(NAMES.get(main, main))
        bar.outline.set_linewidth(0.6)
    return figure


def morris_plane(
    found: Sensitivity, top: int = 8, title: str = "", ax: Axes | Sequence[Axes] | None = None
) -> Figure:
    """Draw Morris' plane: how much a factor does, and how unevenly; the leading factors are named.

    On the dotted lines the standard deviation of the effects is 1 and 0.1 times their mean size: above the
    upper one a factor acts through interactions or far from linearly, below the lower one almost linearly.

    Raises
    ------
    ValueError
        If the method was another, or factors are groups, which have no standard deviation.
    """
    if found.method != "morris":
        raise ValueError(f"plane: got a result of method {found.method!r}, expected 'morris'")
    if any(len(members) > 1 for members in found.members.values()):
        raise ValueError("plane: groups have no standard deviation of effects, expected single parameters")
    size, spread = found["mu_star"], found["sigma"].value
    panels = [n for n in range(len(found.outputs)) if np.nanmax(np.nan_to_num(size.value[:, n])) > 0]
    figure, axes = _grid(len(panels), 0.9 * SINGLE, title, COLUMNS, ax)
    with house_style():
        for one, number in zip(axes, panels, strict=True):
            x, y = size.value[:-1, number], spread[:-1, number]
            end = 1.05 * float(np.nanmax([*x, *size.high[:-1, number]]))
            for ratio in (1.0, 0.1):
                one.plot([0, end], [0, ratio * end], color=GREY, linestyle=":", linewidth=0.7, zorder=1)
            error = np.abs(np.stack([x - size.low[:-1, number], size.high[:-1, number] - x]))
            one.errorbar(x, y, xerr=error, fmt="o", color=BLUE, markersize=3, elinewidth=0.6, zorder=2)
            height = 1.1 * float(np.nanmax([*y, 0.1 * end]))
            one.set_xlim(0, end)
            one.set_ylim(0, height)
            order = [i for i in _leading(x, min(top, x.size)) if found.matters[i, number]]
            _named(one, x[order], y[order], [found.factors[i] for i in order], (end, height))
            unit = _unit(found.outputs[number])
            one.set_xlabel(f"mean size of effects, μ*{unit}")
            one.set_ylabel(f"standard deviation of effects, σ{unit}")
            one.set_title(_titled(found.outputs[number], len(axes)))
    return figure


def interactions(
    found: Sensitivity,
    top: int = TOP,
    title: str = "",
    titles: Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw second order between all pairs of the leading factors, and first order on the diagonal.

    Numbers are shares of the variance in per cent; what is below half a per cent, or whose interval reaches
    zero, is left out.

    Raises
    ------
    ValueError
        If second order was not asked for.
    """
    if found.second is None:
        raise ValueError(
            "interactions: the result has no second order, expected second_order=True (Sobol only)"
        )
    panels = [n for n in range(len(found.outputs)) if np.isfinite(found["ST"].value[:, n]).any()]
    shown = min(top, len(found.factors))
    side = (SINGLE if len(panels) == 1 else DOUBLE / min(len(panels), COLUMNS)) - MARGIN
    figure, axes = _grid(len(panels), side + 1.1, title, COLUMNS, ax)
    with house_style():
        for one, number in zip(axes, panels, strict=True):
            order = _leading(found["ST"].value[: len(found.factors), number], shown)
            value = found.second.value[order][:, order, number]
            clear = (found.second.low[order][:, order, number] > 0) & (value >= INVISIBLE)
            rows = np.arange(shown)
            value[rows, rows] = found["S1"].value[order, number]
            clear[rows, rows] = found["S1"].low[order, number] > 0
            image = one.imshow(np.where(clear, value, 0.0), vmin=0, vmax=1, cmap="Blues", aspect="equal")
            for row, column in zip(*np.nonzero(clear), strict=True):
                share = 100 * value[row, column]
                colour = "white" if share > 50 else "black"
                one.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=6)
            names = [found.factors[i] for i in order]
            one.set_xticks(rows, names, rotation=60, ha="right", rotation_mode="anchor")
            one.set_yticks(rows, names)
            one.tick_params(length=0)
            one.set_title(titles[number] if titles else _titled(found.outputs[number], len(axes)))
        bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
        bar.set_label("share of the variance (diagonal: first order)")
        bar.outline.set_linewidth(0.6)
    return figure


KINDS: dict[str, Callable[..., Figure]] = {
    "tornado": tornado,
    "heatmap": sensitivity_map,
    "plane": morris_plane,
    "interactions": interactions,
}


# -- parts --------------------------------------------------------------------------------------------------


def _grid(
    panels: int, height: float, title: str, most: int, given: Axes | Sequence[Axes] | None
) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, each of a height in inches, side by side as far as they fit."""
    if panels == 0:
        raise ValueError("no output varies: there is nothing to draw")
    columns = min(panels, most)
    rows = -(-panels // columns)
    size = (SINGLE if columns == 1 else DOUBLE, rows * height + (0.2 if title else 0.0) + 0.2)
    figure, axes = panel_axes(given, panels, columns, size)
    if title and given is None:
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure, axes


def _leading(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the largest sizes, the largest first."""
    size = np.abs(np.nan_to_num(values))
    return np.argsort(-size, kind="stable")[:count]


def _visible(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the largest sizes that can be seen beside the largest."""
    order = _leading(values, count)
    size = np.abs(np.nan_to_num(values))[order]
    return np.asarray(order[size >= INVISIBLE * size[0]])


def _bars(
    ax: Axes,
    y: np.ndarray,
    estimate: Any,
    order: np.ndarray,
    number: int,
    colour: str,
    height: float,
    label: str,
) -> None:
    value, low, high = (part[order, number] for part in (estimate.value, estimate.low, estimate.high))
    exact = estimate.low is estimate.value
    colours = [VERMILION if exact and v < 0 else colour for v in value]
    ax.barh(y, value, height, color=colours, alpha=0.85, label=label, zorder=2)
    if not exact:
        ax.hlines(y, low, high, color="black", linewidth=0.8, zorder=4)


def _axis_name(index: str, output: Output) -> str:
    if index in ("S1", "ST"):
        return "share of the variance"
    if index == "mu_star":
        return f"μ*{_unit(output)}"
    return NAMES.get(index, index)


def _unit(output: Output) -> str:
    if output.log:
        return " [ln]"
    return f" [{output.unit}]" if output.unit and output.unit != "1" else ""


def _titled(output: Output, panels: int, timed: bool = True) -> str:
    """What an output is, on as many lines as it takes beside other panels."""
    what = f"{output.name} of {output.line}" if output.line else output.name
    when = output.summary.replace("_", " ") if output.time is None else f"{output.time:g} h" if timed else ""
    first = ", ".join(part for part in (f"ln {what}" if output.log else what, when) if part)
    stem, bracket, rest = output.scenario.partition("[")
    width = 76 // min(max(panels, 2), COLUMNS)
    return "\n".join(fill(line, width) for line in (first, stem, bracket + rest) if line)


def _edges(times: np.ndarray) -> np.ndarray:
    """Ends of the cells around some times."""
    middle = 0.5 * (times[1:] + times[:-1])
    return np.concatenate([[2 * times[0] - middle[0]], middle, [2 * times[-1] - middle[-1]]])


def _named(ax: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str], size: tuple[float, float]) -> None:
    """Name points, one below the other where they are close, on the side where there is room."""
    width, height = size
    below = np.inf
    for i in np.argsort(-y, kind="stable"):
        below = min(y[i] + 0.02 * height, below - 0.045 * height)
        left = x[i] > 0.5 * width
        place = (x[i] + (-0.02 if left else 0.02) * width, below)
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0, "shrinkB": 1}
        side = "right" if left else "left"
        ax.annotate(names[i], (x[i], y[i]), place, ha=side, va="center", fontsize=6, arrowprops=line)
