"""Units of the bench: pg/mL, µM, cells/mL, hours; the model counts everything in nM of well volume and hours.

A quantity is a number (then it is in the unit the field asks for), a string such as ``"10 ng/mL"``, or a
pint quantity. Mass and molar concentrations are converted with the molar mass of the solute. An antibody is
counted by its **binding sites**: 1 nM of IgG is 2 nM of sites.
"""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from nicheloop.assays.names import unknown
from nicheloop.biology.medium import SOLUTES, Solute

AVOGADRO = 6.02214076e23
NANOMOLAR_PER_CELL_PER_ML = 1e12 / AVOGADRO
"""1 cell/mL = 1000 cells/L = 1.66054e-12 nM."""

CELL_DENSITY = "cells/mL"
COMMON_UNITS = (
    "pM", "nM", "uM", "mM", "M", "pg/mL", "ng/mL", "ug/mL", "mg/mL", "g/L", "cells/mL", "cells/uL",
    "uL", "mL", "s", "min", "h", "d",
)  # fmt: skip
_LARGE = ("deca", "deka", "hecto", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta", "ronna", "quetta")
_WHOLE = ("minute", "hour", "day", "week", "cell")
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")


class UnitError(ValueError):
    """A quantity that cannot be read, or has the wrong dimension."""


@lru_cache(maxsize=1)
def registry() -> Any:
    """Return the one pint registry (built at first use: importing pint takes half a second)."""
    import pint

    units: Any = pint.UnitRegistry()
    units.define("cell = [cell_count]")
    return units


def solute(name: str) -> Solute:
    """Return a solute by the name a user types; raises `UnitError` with the nearest known name."""
    for known in SOLUTES:
        if known.name == name:
            return known
    raise UnitError(unknown("treatment", name, [known.name for known in SOLUTES]))


def _misread(name: str) -> bool:
    """Whether pint has read a typing error as a prefix nobody uses: hh as hectohours, ML as megalitres."""
    return name.startswith(_LARGE) or any(name.endswith(unit) and name != unit for unit in _WHOLE)


@lru_cache(maxsize=256)
def unit_factor(unit: str, target: str) -> float | None:
    """How many ``target`` make one ``unit``; None if their dimensions differ.

    Raises
    ------
    UnitError
        If ``unit`` is not a unit.
    """
    if unit == target:
        return 1.0
    units = registry()
    try:
        quantity = units.Quantity(1.0, unit)
        understood = not any(_misread(name) for name, _ in quantity.unit_items())
    except Exception:  # pint raises many kinds: undefined unit, syntax, tokenizer and attribute errors
        understood = False
    if not understood:
        near = get_close_matches(unit, COMMON_UNITS, n=1, cutoff=0.4)
        raise UnitError(f"unknown unit {unit!r}" + (f", did you mean {near[0]!r}" if near else "")) from None
    if not quantity.is_compatible_with(target):
        return None
    return float(quantity.to(target).magnitude)


def split_quantity(quantity: object, default: str) -> tuple[float, str]:
    """Return number and unit of a quantity; a bare number is in ``default``.

    Raises
    ------
    UnitError
        If it is not a number with an optional unit, or not finite.
    """
    if isinstance(quantity, str):
        match = _QUANTITY.fullmatch(quantity)
        if match is None:
            raise UnitError(f"cannot read {quantity!r} as a number with a unit such as '1 {default}'")
        number, unit = float(match[1]), match[2] or default
    elif hasattr(quantity, "magnitude") and hasattr(quantity, "units"):
        number, unit = float(quantity.magnitude), str(quantity.units)
    elif isinstance(quantity, bool) or (not isinstance(quantity, (int, float)) and not _is_number(quantity)):
        raise UnitError(f"cannot read {quantity!r} as a number or text such as '1 {default}'")
    else:
        number, unit = float(quantity), default  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise UnitError(f"{quantity!r} is not finite, expected a number and a unit such as '1 {default}'")
    return number, unit


def _is_number(value: object) -> bool:
    """Accept NumPy scalars, which are not all subclasses of float."""
    import numbers

    return isinstance(value, numbers.Real)


def convert(quantity: object, unit: str) -> float:
    """Return a quantity in ``unit``; a bare number is in ``unit`` already.

    Raises
    ------
    UnitError
        If it cannot be read or has another dimension than ``unit``.

    Examples
    --------
    >>> convert("3 d", "h")
    72.0
    """
    number, given = split_quantity(quantity, unit)
    try:
        factor = unit_factor(given, unit)
    except UnitError as error:
        raise UnitError(f"{quantity!r}: {error}; expected one that converts to {unit!r}") from None
    if factor is None:
        raise UnitError(f"{quantity!r} has unit {given!r}, expected one that converts to {unit!r}")
    return number if factor == 1 else _without_round_off(number * factor)


def _without_round_off(converted: float) -> float:
    """Drop what is below 15 digits, so that 300 nM is 0.3 uM, whichever way it was written."""
    return float(f"{converted:.15g}")


def nanomolar_factor(unit: str, name: str) -> float:
    """Return the nM of well volume (binding sites, for an antibody) in one ``unit`` of solute ``name``.

    Raises
    ------
    UnitError
        If ``unit`` is neither a molar nor, for a solute of known molar mass, a mass concentration.
    """
    known = solute(name)
    return _nanomolar_factor(unit, known.name, known.molar_mass, known.sites)


@lru_cache(maxsize=512)
def _nanomolar_factor(unit: str, name: str, molar_mass: float | None, sites: int) -> float:
    molar = unit_factor(unit, "nM")
    if molar is not None:
        return molar * sites
    mass = unit_factor(unit, "ng/mL")
    if mass is not None and molar_mass is not None:
        return mass / molar_mass * sites  # ng/mL over kDa is nM
    hint = " (its molar mass is not known)" if mass is not None else ""
    raise UnitError(f"{name} cannot be given in {unit!r}{hint}")


def to_nanomolar(quantity: object, name: str) -> float:
    """Convert a dose of solute ``name`` to nM (of binding sites, for an antibody).

    Parameters
    ----------
    quantity : number, str or pint quantity
        A bare number is in the solute's default unit.
    name : str
        Solute name, e.g. ``imatinib``.

    Examples
    --------
    >>> to_nanomolar("1 uM", "imatinib")
    1000.0
    """
    number, unit = split_quantity(quantity, solute(name).unit)
    try:
        return number * nanomolar_factor(unit, name)
    except UnitError as error:
        raise UnitError(f"{quantity!r}: {error}") from None


def from_nanomolar(value: float, name: str, unit: str | None = None) -> float:
    """Convert nM (binding sites, for an antibody) of solute ``name`` to ``unit`` (default: the solute's)."""
    return value / nanomolar_factor(unit or solute(name).unit, name)


def dose(quantity: object, name: str) -> float:
    """Return a dose in the default unit of solute ``name``; exact when it was given in that unit."""
    number, unit = split_quantity(quantity, solute(name).unit)
    if unit == solute(name).unit:
        return number
    return _without_round_off(from_nanomolar(to_nanomolar(quantity, name), name))


def cells_to_nanomolar(density: object) -> float:
    """Convert cells/mL (or any count per volume) to nM."""
    return convert(density, CELL_DENSITY) * NANOMOLAR_PER_CELL_PER_ML


def nanomolar_to_cells(value: float) -> float:
    """Convert nM to cells/mL."""
    return value / NANOMOLAR_PER_CELL_PER_ML
