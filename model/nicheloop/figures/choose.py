"""The right figure for a result: what it is decides, `kind` overrides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.analysis.dose_response import dose_response_of, is_response
from nicheloop.assays.names import unknown
from nicheloop.assays.result import Result
from nicheloop.assays.wells import Wells
from nicheloop.biology.medium import SOLUTES
from nicheloop.figures.style import figure_of, headline, house_style
from nicheloop.figures.sweep import failures

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRUGS = frozenset(solute.name for solute in SOLUTES)
CURVE, SURFACE = 4, 3
"""Doses from which on an axis is a curve, and two axes are a surface."""
ROOM = 48
"""Characters of a line above a figure of one column."""
RELATIVE = ("viability", "viable_cells")
"""Read-outs of which a share is left by a drug. Of GR values, which fall below 0, there is no share."""
RUN_KINDS = ("timecourse",)
GRID_KINDS = ("panels", "dose_response", "bell", "heatmap", "synergy", "timecourse")


def plot(found: Any, kind: str | None = None, ax: Any = None, **options: Any) -> Figure:
    """Draw any result in the way that suits it.

    Parameters
    ----------
    found : Result, Wells, xarray.Dataset, Sensitivity, Fit, AssayTable, Predictions, ...
        What to draw. A dataset is one of `nicheloop.sweep`. Whatever a function of `nicheloop.figures` draws
        (an `Effect`, a `Panel`, a `Synergy`, a model, ...) is drawn by it.
    kind : str, optional
        How, if not as what it is asks for; the error for an unknown kind names those possible.
    ax : Axes or sequence of Axes, optional
        Where to, one per panel.
    **options
        Of the drawing function.

    Raises
    ------
    TypeError
        If nothing draws this.
    ValueError
        If the kind is unknown, or not of this result.
    """
    import xarray as xr

    if isinstance(found, xr.Dataset):
        return plot_grid(found, kind=kind, ax=ax, **options)
    if kind is None and not hasattr(found, "plot"):
        return figure_of(_by_type(found, ax, options))
    if not hasattr(found, "plot"):
        raise ValueError(f"kind={kind!r}: a {type(found).__name__} has one kind of figure")
    chosen = options if kind is None else {"kind": kind, **options}
    drawn: Figure = found.plot(**chosen, **({} if ax is None else {"ax": ax}))
    return drawn


def plot_result(
    run: Result, readouts: Iterable[str] | None, kind: str | None, ax: Any, **options: Any
) -> Figure:
    """Draw one run: read-outs over time."""
    from nicheloop.figures.timecourse import plot_run

    if kind not in (None, *RUN_KINDS):
        raise ValueError(unknown("kind of figure for one run", kind, RUN_KINDS))
    return plot_run(run, readouts, ax, **options)


def plot_experiment(
    wells: Wells, readouts: Iterable[str] | None, kind: str | None, ax: Any, **options: Any
) -> Figure:
    """Draw wells: one read-out over doses as a dose-response, a bell or a surface; else panels."""
    from nicheloop.figures.wells import plot_wells, title_of

    chosen = None if readouts is None else list(readouts)
    results = wells.to_xarray(chosen)
    if kind is None:
        single = chosen is not None and len(chosen) == 1
        kind = _kind_of(results, str(next(iter(results.data_vars)))) if single else "panels"
    if kind == "panels":
        _accepted(kind, options)
        return plot_wells(wells, chosen, ax)
    over_time = kind == "timecourse" or (kind == "heatmap" and len(wells.axes) == 1)
    return plot_grid(results, None, kind, ax, title_of(wells, over_time), **options)


def plot_grid(
    results: xr.Dataset,
    variables: Sequence[str] | None = None,
    kind: str | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    title: str = "",
    **options: Any,
) -> Figure:
    """Draw a sweep: all variables as panels, or one of them as one figure of a kind.

    Parameters
    ----------
    results : xarray.Dataset
        As from `nicheloop.sweep`.
    variables : sequence of str, optional
        Which; default: all.
    kind : str, optional
        ``panels``, ``dose_response``, ``bell``, ``heatmap``, ``synergy`` or ``timecourse``; default: panels,
        or for a single variable what its axes ask for.
    ax : Axes or sequence of Axes, optional
        Where to.
    title : str
        Above a figure of one variable; default: when it was read, and how many runs failed.
    **options
        ``synergy``: ``method`` (``bliss`` or ``loewe``); ``dose_response``: ``fit``, ``along``; ``bell``:
        ``along``.

    Raises
    ------
    ValueError
        If the kind is unknown, takes one variable and there are several, or does not have such an option.
    """
    from nicheloop.figures.sweep import plot_sweep

    known = [str(name) for name in results.data_vars if name != "status"]
    names = known if variables is None else list(variables)
    if kind is None:
        kind = _kind_of(results, names[0]) if len(names) == 1 and names[0] in known else "panels"
    if kind not in GRID_KINDS:
        raise ValueError(unknown("kind of figure", kind, GRID_KINDS))
    _accepted(kind, options)
    if kind in ("panels", "timecourse") and len(names) > 1:
        return plot_sweep(results, names, ax)
    if len(names) != 1:
        raise ValueError(f"kind={kind!r}: got {len(names)} read-outs, expected one of: {', '.join(known)}")
    drawn = _DRAW[kind](results, names[0], ax, **options)
    if ax is None:
        _entitle(drawn, results, names[0], kind, title)
    return figure_of(drawn)


def _entitle(drawn: Axes, results: xr.Dataset, name: str, kind: str, title: str) -> None:
    """Say above a figure of one variable what was done, when it was read, and how much failed."""
    if kind == "heatmap" and not title:
        return  # which says all this itself
    dosed = kind in ("dose_response", "bell", "synergy") and "time" in results[name].dims
    after = float(results["time"].values[-1]) if dosed else None
    with house_style():
        own = name.replace("_", " ") if kind == "heatmap" else drawn.get_title(loc="left")
        told = title or headline("", after, *failures(results))
        drawn.set_title("\n".join(filter(None, [fill(told, ROOM), own])))


def _accepted(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that a kind of figure does not have."""
    known = tuple(signature(_DRAW[kind]).parameters)[3:]
    for option in options:
        if option not in known:
            none = f"kind={kind!r} has no options, got {option}="
            raise ValueError(unknown(f"option of kind={kind!r}", option, known) if known else none)


# -- one variable -------------------------------------------------------------------------------------------


def _kind_of(results: xr.Dataset, name: str) -> str:
    """Return what the axes of a variable ask for."""
    variable = results[name]
    axes = [str(dim) for dim in variable.dims if dim not in ("set", "time")]
    if not axes or not all(axis in DRUGS for axis in axes) or not is_response(variable):
        return "panels"
    readout = str(variable.attrs.get("readout", name))
    sizes = sorted(variable.sizes[axis] for axis in axes)
    if len(axes) == 1 and sizes[0] >= CURVE:
        return "bell" if "migrated" in readout and axes[0] == "cxcl11" else "dose_response"
    zeros = all((np.asarray(results[axis].values) == 0).any() for axis in axes)
    falls = any(readout.startswith(one) for one in RELATIVE)
    if len(axes) == 2 and sizes[0] >= SURFACE and zeros and falls:
        return "synergy"
    return "panels"


def _dose_response(
    results: xr.Dataset, name: str, ax: Any, fit: bool = True, along: str | None = None
) -> Axes:
    from nicheloop.figures.doses import dose_response

    return dose_response(dose_response_of(results, name, along, fit), ax)


def _bell(results: xr.Dataset, name: str, ax: Any, along: str | None = None) -> Axes:
    from nicheloop.figures.doses import bell

    return bell(dose_response_of(results, name, along, fit=False), ax)


def _synergy(results: xr.Dataset, name: str, ax: Any, method: str = "bliss") -> Axes:
    from nicheloop.analysis.sweep.synergy import synergy_of
    from nicheloop.figures.surface import synergy

    return synergy(synergy_of(results, name, method), ax)


def _heatmap(results: xr.Dataset, name: str, ax: Any) -> Axes:
    from nicheloop.figures.sweep import heat_map

    return heat_map(results, name, ax)


def _variable(results: xr.Dataset, name: str, ax: Any) -> Axes:
    from nicheloop.figures.sweep import plot_variable

    return plot_variable(results, name, ax)


_DRAW: dict[str, Callable[..., Axes]] = {
    "panels": _variable,
    "timecourse": _variable,
    "dose_response": _dose_response,
    "bell": _bell,
    "heatmap": _heatmap,
    "synergy": _synergy,
}


# -- what has no plot() of its own --------------------------------------------------------------------------


def _by_type(found: Any, ax: Any, options: Mapping[str, Any]) -> Axes | Figure:
    """Draw plain data by what it is."""
    from nicheloop.analysis.dose_response import DoseResponse
    from nicheloop.analysis.evidence import Effect, Panel
    from nicheloop.analysis.fit.profile import Profile
    from nicheloop.analysis.fit.quality import Quality
    from nicheloop.analysis.fit.search import Search
    from nicheloop.analysis.sweep.synergy import Synergy
    from nicheloop.analysis.wiring.graph import Wiring
    from nicheloop.assays.scenario import Scenario
    from nicheloop.equations.system import System
    from nicheloop.figures import diagram, doses, effects, fit, panels, surface

    def wiring(found: Wiring, ax: Any = None) -> Axes:
        placed = all(node.at is not None for node in found.nodes)
        return (diagram.network if placed else diagram.influence_map)(found, ax)

    known: tuple[tuple[type, Callable[..., Axes | Figure]], ...] = (
        (DoseResponse, doses.dose_response),
        (Synergy, surface.synergy),
        (Effect, effects.waterfall),
        (Panel, panels.panel),
        (Profile, fit.profile),
        (Search, fit.starts),
        (Quality, fit.residuals),
        (Wiring, wiring),
        (Scenario, diagram.network),
        (System, diagram.influence_map),
    )
    for kind, draw in known:
        if isinstance(found, kind):
            return draw(found, ax=ax, **options)
    if hasattr(found, "monomers") and hasattr(found, "rules"):
        return diagram.influence_map(found, ax=ax, **options)
    raise TypeError(f"cannot draw a {type(found).__name__}, expected a result, a sweep, data or a model")
