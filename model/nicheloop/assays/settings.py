"""How runs are integrated."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nicheloop.assays.names import unknown

ENGINES = ("scipy", "batch")
METHODS = ("lsoda", "bdf", "radau")


@dataclass(frozen=True)
class Settings:
    """How runs are integrated.

    Attributes
    ----------
    engine : str
        ``scipy`` (the reference) or ``batch``.
    method : str
        Of the SciPy engine: ``lsoda``, ``bdf`` or ``radau``.
    rtol : float
        Relative tolerance; absolute ones follow from the kind of species.
    atol_scale : float
        Factor on the absolute tolerances.
    threads : int or None
        Of the batch engine; None lets it choose.
    """

    engine: str = "scipy"
    method: str = "lsoda"
    rtol: float = 1e-8
    atol_scale: float = 1.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(unknown("engine", self.engine, ENGINES))
        if self.method not in METHODS:
            raise ValueError(unknown("method", self.method, METHODS))
        for name in ("rtol", "atol_scale"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: got {value!r}, expected a positive number")
