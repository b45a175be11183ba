"""What the layout of a plate says of a well, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nicheloop.assays.names import unknown
from nicheloop.assays.scenario import STROMA_MODES
from nicheloop.assays.tables.columns import HEADERS, TREATMENTS
from nicheloop.assays.tables.numbers import number_of
from nicheloop.assays.units import UnitError, dose
from nicheloop.biology.hosts import HOSTS

BLANK, EMPTY = "blank", "empty"
VEHICLE = ("vehicle", "dmso", "untreated", "control", "no drug")
SETTINGS = (
    "line", "stroma", "cells_per_ml", "stroma_per_ml", "scenario", "replicate", "experiment", "plate", "note",
)  # fmt: skip
"""Columns of a table that a layout may set, beside treatments."""
_DOSE = re.compile(r"([A-Za-z]\w*)\s*[:=]?\s*([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*(\S.*)")
_DOSE_FIRST = re.compile(r"([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*(\S+)\s+([A-Za-z]\w*)")
_SETTING = re.compile(r"([A-Za-z]\w*)\s*[:=\s]\s*(\S.*)")


@dataclass(frozen=True)
class Well:
    """What the layout says of a well: ``use`` is ``blank``, ``empty``, ``sample`` or nothing."""

    use: str
    columns: Mapping[str, str]


def read_well(text: str) -> Well:
    """Read a cell of a layout.

    Parameters
    ----------
    text : str
        Such as ``K562R; imatinib 1 uM; coculture``, in any order.

    Raises
    ------
    ValueError
        If a part of it is not understood.

    Examples
    --------
    >>> read_well("K562R; imatinib 300 nM").columns
    {'line': 'K562R', 'imatinib [uM]': '0.3'}
    """
    columns: dict[str, str] = {}
    use = ""
    for part in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        if part.lower() in (BLANK, EMPTY):
            use = part.lower()
            continue
        use = use or "sample"
        if part.lower() in VEHICLE:
            continue
        name, value = _part(part)
        if columns.setdefault(name, value) != value:
            raise ValueError(f"{text!r} says {name} twice, expected it once")
    if use in (BLANK, EMPTY) and columns:
        raise ValueError(f"{text!r}: {use!r} and something else, expected one of them")
    return Well(use, columns)


def _part(part: str) -> tuple[str, str]:
    """Return header and value of a part of a cell."""
    if part in HOSTS:
        return "line", part
    if part in STROMA_MODES:
        return "stroma", part
    match = _DOSE.fullmatch(part)
    given = (match[1], match[2], match[3]) if match else None
    if first := _DOSE_FIRST.fullmatch(part):
        given = (first[3], first[1], first[2])
    if given and given[0].lower() in TREATMENTS:
        return _dose(part, given[0].lower(), given[1], given[2])
    setting = _SETTING.fullmatch(part)
    if setting and setting[1].lower() in SETTINGS:
        return setting[1].lower(), setting[2]
    if setting and setting[1].lower() in TREATMENTS:
        example = HEADERS[setting[1].lower()].partition("[")[2].removesuffix("]")
        raise ValueError(
            f"cannot read {part!r}, expected a dose with its unit such as '{setting[1]} 1 {example}'"
        )
    known = (*HOSTS, *STROMA_MODES, *VEHICLE, BLANK, EMPTY, *TREATMENTS, *SETTINGS)
    raise ValueError(unknown("content of a well", setting[1] if setting else part, known))


def _dose(part: str, name: str, number: str, unit: str) -> tuple[str, str]:
    value = number_of(number)
    if value is None:
        raise ValueError(f"{part!r}: cannot tell what number {number!r} is, expected one such as 0.5")
    try:
        amount = dose(f"{value!r} {unit.strip('[]() ')}", name)
    except UnitError as error:
        raise ValueError(f"{part!r}: {error}") from None
    return HEADERS[name], repr(amount)
