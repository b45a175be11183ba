"""What the cells do: one module per mechanism, one parameter table, one reference list."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.biology.hosts import HOSTS, LEUKAEMIC
    from nicheloop.biology.medium import PROMOTERS, SOLUTES
    from nicheloop.biology.model import build_model
    from nicheloop.biology.resistance import RESISTANCES
    from nicheloop.biology.table import parameter_values, parameters, references

_HOMES = {
    "HOSTS": "hosts",
    "LEUKAEMIC": "hosts",
    "PROMOTERS": "medium",
    "RESISTANCES": "resistance",
    "SOLUTES": "medium",
    "build_model": "model",
    "parameter_values": "table",
    "parameters": "table",
    "references": "table",
}

__all__ = [
    "HOSTS",
    "LEUKAEMIC",
    "PROMOTERS",
    "RESISTANCES",
    "SOLUTES",
    "build_model",
    "parameter_values",
    "parameters",
    "references",
]


def __getattr__(name: str) -> Any:
    # PySB takes a second to import and only `build_model` needs it.
    if name in _HOMES:
        return getattr(import_module(f"nicheloop.biology.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
