"""Units of measured values: of a read-out, of a ratio, of a raw signal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nicheloop.assays.readouts import Readout
from nicheloop.assays.tables.columns import plain_unit
from nicheloop.assays.units import UnitError, nanomolar_factor, unit_factor
from nicheloop.biology.medium import SOLUTES

RELATIONS = ("", "vehicle", "scale")
"""Absolute; of the matching vehicle well; in arbitrary units, one unknown factor per plate and read-out."""
RATIO = "fraction"
_RATIOS = {"fraction": 1.0, "%": 0.01, "percent": 0.01, "fold": 1.0, "ratio": 1.0, "1": 1.0}
_RAW = re.compile(r"od\d{0,3}|a\.?u\.?|rlu|rfu|mfi|cpm|counts?|absorbance|fluorescence|luminescence", re.I)
_PER_CELLS = re.compile(r"(\w+)\s*/\s*([\d.]+(?:e\d+)?)?\s*cells?", re.I)
_COUNTED = re.compile(r"(\d[\d.]*(?:e\d+)?|10\^\d+)\s*[x×*]?\s*(\D.*)", re.I)


@dataclass(frozen=True)
class ValueUnit:
    """How the values of some rows are turned into the unit they are kept in.

    Attributes
    ----------
    unit : str
        What they are kept in.
    factor : float
        How many of it make one of the unit they are given in.
    raw : bool
        Whether they are signals that become ratios when divided by those of vehicle wells.
    """

    unit: str
    factor: float = 1.0
    raw: bool = False


def relative_by_itself(readout: Readout) -> bool:
    """Whether a read-out is a ratio to the vehicle well by its definition."""
    return readout.relative == "vehicle"


def is_ratio(unit: str) -> bool:
    """Whether a unit is that of a ratio, such as % or fold."""
    return plain_unit(unit) in _RATIOS


def is_raw(unit: str) -> bool:
    """Whether a unit is that of a raw signal, such as OD or a.u."""
    return _RAW.fullmatch(unit) is not None


def value_unit(readout: Readout, relative_to: str, given: str) -> ValueUnit:
    """Return how values in the unit ``given`` are kept.

    Parameters
    ----------
    readout : Readout
        What was measured.
    relative_to : str
        One of `RELATIONS`.
    given : str
        Unit, as in the table.

    Raises
    ------
    UnitError
        If it does not fit; says what would.
    """
    unit = plain_unit(given)
    ratio, own = relative_to == "vehicle" or relative_by_itself(readout), plain_unit(readout.unit)
    signal = is_raw(unit) and unit != own
    normalised = relative_to == "vehicle" or readout.name == "viability"
    if relative_to == "scale":
        return ValueUnit(unit or "a.u.")
    expected = RATIO if relative_to == "vehicle" else readout.unit
    if not unit:
        raise UnitError(f"is empty, expected the unit of the value, such as {expected!r}")
    if ratio and unit in _RATIOS and expected in _RATIOS:
        return ValueUnit(expected, _RATIOS[unit] / _RATIOS[expected])
    if signal and not ratio:
        raise UnitError(
            f"{given!r} is a raw signal, but {readout.name} is in {expected!r}; expected values in that "
            "unit, or in column 'relative_to' either 'vehicle' (with vehicle wells on the plate) or 'scale'"
        )
    if signal and normalised:
        return ValueUnit(unit, raw=True)
    factor = _factor(readout, unit)
    if factor is None:
        raw = " (or 'OD' with vehicle wells on the plate)" if normalised else ""
        raise UnitError(
            f"{given!r} is no unit of {readout.name}, expected one that converts to {expected!r}{raw}"
        )
    return ValueUnit(readout.unit, factor, raw=relative_to == "vehicle")


def _factor(readout: Readout, unit: str) -> float | None:
    """How many of a read-out's unit make one ``unit``; None if that cannot be."""
    if unit == plain_unit(readout.unit):
        return 1.0
    if readout.unit in _RATIOS:
        return _RATIOS[unit] / _RATIOS[readout.unit] if unit in _RATIOS else None
    if readout.name in (solute.name for solute in SOLUTES):
        try:
            return nanomolar_factor(unit, readout.name) / nanomolar_factor(readout.unit, readout.name)
        except UnitError as error:
            raise UnitError(f"{error}; expected one that converts to {readout.unit!r}") from None
    return _counted_factor(unit, readout.unit)


def _counted_factor(unit: str, target: str) -> float | None:
    """Convert units with a number in them: ``pg/1e6 cells``, ``1e6 cells/mL``."""
    per_cells, target_per_cells = _PER_CELLS.fullmatch(unit), _PER_CELLS.fullmatch(target)
    if target_per_cells:
        if not per_cells:
            return None
        mass = unit_factor(per_cells[1], target_per_cells[1])
        return None if mass is None else mass * float(target_per_cells[2] or 1) / float(per_cells[2] or 1)
    counted = _COUNTED.fullmatch(unit)
    if counted:
        number = 10.0 ** float(counted[1][3:]) if "^" in counted[1] else float(counted[1])
        rest = unit_factor(counted[2].strip(), target)
        return None if rest is None else number * rest
    return unit_factor(unit, target)
