"""Engines for systems of ordinary differential equations; they know no biology.

Names are imported on first use, so that nothing heavy is loaded before it is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.integrate.batch import BatchPeriod, BatchResult, BatchSolver, Course
    from nicheloop.integrate.equilibria import balanced_growths, steady_states
    from nicheloop.integrate.output_sensitivity import OutputSensitivities
    from nicheloop.integrate.periods import METHODS, Period, Trajectory, integrate_periods
    from nicheloop.integrate.sensitivity import PeriodSensitivity
    from nicheloop.integrate.steady import SteadyState, balanced_growth, steady_state
    from nicheloop.integrate.steady_sensitivity import GrowthSensitivities, SteadySlopes
    from nicheloop.integrate.stream import blocks_of, run_blocks

__all__ = [
    "METHODS",
    "BatchPeriod",
    "BatchResult",
    "BatchSolver",
    "Course",
    "GrowthSensitivities",
    "OutputSensitivities",
    "Period",
    "PeriodSensitivity",
    "SteadySlopes",
    "SteadyState",
    "Trajectory",
    "balanced_growth",
    "balanced_growths",
    "blocks_of",
    "integrate_periods",
    "run_blocks",
    "steady_state",
    "steady_states",
]

_HOME = {
    "batch": ("BatchPeriod", "BatchResult", "BatchSolver", "Course"),
    "equilibria": ("balanced_growths", "steady_states"),
    "output_sensitivity": ("OutputSensitivities",),
    "periods": ("METHODS", "Period", "Trajectory", "integrate_periods"),
    "sensitivity": ("PeriodSensitivity",),
    "steady_sensitivity": ("GrowthSensitivities", "SteadySlopes"),
    "steady": ("SteadyState", "balanced_growth", "steady_state"),
    "stream": ("blocks_of", "run_blocks"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
