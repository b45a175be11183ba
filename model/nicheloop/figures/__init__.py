"""Pictures of results: panels of the reproduction, time courses, one style; nothing is computed here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.figures.assay import plot_assay
    from nicheloop.figures.panels import panel
    from nicheloop.figures.style import save
    from nicheloop.figures.sweep import plot_sweep
    from nicheloop.figures.timecourse import plot_run

_HOMES = {
    "plot_assay": "assay",
    "panel": "panels",
    "save": "style",
    "plot_run": "timecourse",
    "plot_sweep": "sweep",
}

__all__ = ["panel", "plot_assay", "plot_run", "plot_sweep", "save"]


def __getattr__(name: str) -> Any:
    # Matplotlib takes most of a second to import.
    if name in _HOMES:
        return getattr(import_module(f"nicheloop.figures.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
