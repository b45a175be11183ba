"""From a PySB model to machine code: network, straight-line program, derivatives, native functions.

Names are imported on first use: reading a stored network and compiling it needs neither PySB nor SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.equations.formula import UnsupportedFormula
    from nicheloop.equations.network import Network, Reaction
    from nicheloop.equations.program import build_tape
    from nicheloop.equations.rules import NetworkGenerationError, model_digest, network_from_model
    from nicheloop.equations.system import Options, System, compile_model, compile_network
    from nicheloop.equations.tape import Tape

__all__ = [
    "Network",
    "NetworkGenerationError",
    "Options",
    "Reaction",
    "System",
    "Tape",
    "UnsupportedFormula",
    "build_tape",
    "compile_model",
    "compile_network",
    "model_digest",
    "network_from_model",
]

_HOME = {
    "formula": ("UnsupportedFormula",),
    "network": ("Network", "Reaction"),
    "program": ("build_tape",),
    "rules": ("NetworkGenerationError", "model_digest", "network_from_model"),
    "system": ("Options", "System", "compile_model", "compile_network"),
    "tape": ("Tape",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
