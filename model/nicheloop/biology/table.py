"""The parameter table: every number of the model, with unit, range, prior, evidence and source.

The table is ``parameters.csv`` beside this file, its sources are in ``references.csv``. Values are in the
units of the model (nM of well volume, hours), so a number reads the same in the table, in PySB and in an
export.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from nicheloop.biology.resistance import apply_resistance

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = ("measured", "fitted", "estimate", "assumed")
PRIORS = ("lognormal", "loguniform", "normal", "uniform", "fixed")


@dataclass(frozen=True)
class ParameterRow:
    """One row of the table.

    ``low`` and ``high`` are the central 90 % of a ``lognormal`` or ``normal`` prior and the bounds of a
    ``loguniform`` or ``uniform`` one; a ``fixed`` parameter has neither.
    """

    name: str
    mechanism: str
    value: float
    unit: str
    low: float | None
    high: float | None
    prior: str
    evidence: str
    source: str
    note: str


@dataclass(frozen=True)
class Reference:
    """One entry of the reference list."""

    key: str
    citation: str
    identifier: str
    read: str


@cache
def rows() -> Mapping[str, ParameterRow]:
    """Return all rows by name, in the order of the file."""
    table: dict[str, ParameterRow] = {}
    for raw in _read("parameters.csv"):
        numbers = {key: float(raw[key]) if raw[key] else None for key in ("low", "high")}
        text = {key: raw[key] for key in ("name", "mechanism", "unit", "prior", "evidence", "source", "note")}
        table[raw["name"]] = ParameterRow(value=float(raw["value"]), **numbers, **text)  # type: ignore[arg-type]
    return table


@cache
def references() -> Mapping[str, Reference]:
    """Return the reference list by key."""
    return {raw["key"]: Reference(**raw) for raw in _read("references.csv")}


def _read(name: str) -> list[dict[str, str]]:
    text = files("nicheloop.biology").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def parameters() -> pd.DataFrame:
    """Return the parameter table.

    Returns
    -------
    pandas.DataFrame
        One row per parameter, indexed by name: mechanism, value, unit, low, high, prior, evidence, source,
        note.
    """
    import pandas as pd

    return pd.DataFrame([vars(row) for row in rows().values()]).set_index("name")


def parameter_values(
    resistance: str = "mixed",
    overrides: Mapping[str, float] | None = None,
    drawn: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return a value for every parameter, for one explanation of resistance.

    Parameters
    ----------
    resistance : str
        One of :data:`nicheloop.biology.resistance.RESISTANCES`.
    overrides : mapping, optional
        Values that replace those of the table. A ``<quantity>_K562R`` given here is kept even where the
        explanation would give K562R the value of K562S.
    drawn : mapping, optional
        Values that stand in for those of the table, as a draw from the prior does: the explanation still
        decides where K562R differs.

    Raises
    ------
    ValueError
        If a name is unknown (the nearest is suggested) or a value is not a finite number.
    """
    overrides, drawn = overrides or {}, drawn or {}
    given = {**drawn, **overrides}
    check_names(given)
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"parameter {name}={value!r}: expected a finite number [{rows()[name].unit}]")
    values = {name: row.value for name, row in rows().items()}
    values.update({name: float(value) for name, value in given.items()})
    return apply_resistance(values, resistance, frozenset(overrides))


def check_names(names: Mapping[str, object]) -> None:
    """Refuse parameter names that are not in the table, with the nearest one that is.

    Raises
    ------
    ValueError
        Naming the first unknown parameter.
    """
    for name in names:
        if name not in rows():
            near = difflib.get_close_matches(name, rows(), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"parameter {name!r} is not in the parameter table{hint} (`nicheloop parameters` lists all)"
            )
