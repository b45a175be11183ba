"""Sweeps over doses, densities, times and parameters; names are imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.analysis.sweep.ranges import Range, linear_range, log_range
    from nicheloop.analysis.sweep.run import Sweep, open_sweep, plan_sweep, sweep
    from nicheloop.analysis.sweep.sets import ParameterSets, parameter_sets
    from nicheloop.analysis.sweep.summaries import Summary, read_summary

__all__ = [
    "ParameterSets",
    "Range",
    "Summary",
    "Sweep",
    "linear_range",
    "log_range",
    "open_sweep",
    "parameter_sets",
    "plan_sweep",
    "read_summary",
    "sweep",
]

_HOME = {
    "ranges": ("Range", "linear_range", "log_range"),
    "run": ("Sweep", "open_sweep", "plan_sweep", "sweep"),
    "sets": ("ParameterSets", "parameter_sets"),
    "summaries": ("Summary", "read_summary"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
