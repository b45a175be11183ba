"""Pictures of results, one function per kind, in one style; nothing is computed here.

A function of one panel takes what to draw and ``ax=``, and returns the axes; one of several panels takes a
sequence of axes, and returns the figure. `plot` picks the right one for any result. See ``docs/figures.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.figures.assay import plot_assay
    from nicheloop.figures.calibration import prior_and_ensemble
    from nicheloop.figures.choose import plot
    from nicheloop.figures.diagram import influence_map, network
    from nicheloop.figures.doses import bell, dose_response
    from nicheloop.figures.effects import waterfall, waterfalls
    from nicheloop.figures.factors import factorial
    from nicheloop.figures.fit import fitted_parameters, profile, profiles, residuals, starts
    from nicheloop.figures.panels import panel
    from nicheloop.figures.sensitivity import interactions, morris_plane, sensitivity_map, tornado
    from nicheloop.figures.style import house_style, save
    from nicheloop.figures.surface import synergy
    from nicheloop.figures.sweep import heat_map, plot_sweep
    from nicheloop.figures.timecourse import plot_run, time_course
    from nicheloop.figures.wells import plot_wells

_HOMES = {
    "bell": "doses.bell",
    "dose_response": "doses.dose_response",
    "factorial": "factors.factorial",
    "fitted_parameters": "fit.fitted_parameters",
    "heat_map": "sweep.heat_map",
    "house_style": "style.house_style",
    "influence_map": "diagram.influence_map",
    "interactions": "sensitivity.interactions",
    "morris_plane": "sensitivity.morris_plane",
    "network": "diagram.network",
    "panel": "panels.panel",
    "plot": "choose.plot",
    "plot_assay": "assay.plot_assay",
    "plot_run": "timecourse.plot_run",
    "plot_sweep": "sweep.plot_sweep",
    "plot_wells": "wells.plot_wells",
    "prior_and_ensemble": "calibration.prior_and_ensemble",
    "profile": "fit.profile",
    "profiles": "fit.profiles",
    "residuals": "fit.residuals",
    "save": "style.save",
    "sensitivity_map": "sensitivity.sensitivity_map",
    "starts": "fit.starts",
    "synergy": "surface.synergy",
    "time_course": "timecourse.time_course",
    "tornado": "sensitivity.tornado",
    "waterfall": "effects.waterfall",
    "waterfalls": "effects.waterfalls",
}

__all__ = [
    "bell",
    "dose_response",
    "factorial",
    "fitted_parameters",
    "heat_map",
    "house_style",
    "influence_map",
    "interactions",
    "morris_plane",
    "network",
    "panel",
    "plot",
    "plot_assay",
    "plot_run",
    "plot_sweep",
    "plot_wells",
    "prior_and_ensemble",
    "profile",
    "profiles",
    "residuals",
    "save",
    "sensitivity_map",
    "starts",
    "synergy",
    "time_course",
    "tornado",
    "waterfall",
    "waterfalls",
]


def __getattr__(name: str) -> Any:
    # Matplotlib takes most of a second to import.
    if name in _HOMES:
        module, _, function = _HOMES[name].partition(".")
        return getattr(import_module(f"nicheloop.figures.{module}"), function)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
