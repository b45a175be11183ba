"""Pages and tables for people, from what an analysis found."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.report.files import write_reproduction, write_study
    from nicheloop.report.manifest import provenance
    from nicheloop.report.page import render

_HOMES = {
    "provenance": "manifest",
    "render": "page",
    "write_reproduction": "files",
    "write_study": "files",
}

__all__ = ["provenance", "render", "write_reproduction", "write_study"]


def __getattr__(name: str) -> Any:
    # The page brings Jinja2, the files bring Matplotlib.
    if name in _HOMES:
        return getattr(import_module(f"nicheloop.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
