"""Fields of a scenario: how a quantity, a name or a table of doses is read and what is refused.

Every reader raises ValueError with the offending value and what was expected; pydantic adds the field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationError, model_validator

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.units import CELL_DENSITY, UnitError, convert, dose, solute
from nicheloop.biology.table import rows

KNOCKDOWNS = FrozenMap({"il1b": "il1b_knockdown"})
"""Genes that can be silenced, and the model parameter that holds the silenced fraction."""
LAYERS = ("upper", "lower", "both")


class ScenarioError(ValueError):
    """A scenario that cannot be run; the message says where, what was given and what was expected."""


def in_unit(unit: str, lower: float = 0.0, strict: bool = False) -> Callable[[object], float]:
    """Make a reader of quantities in ``unit`` that refuses what lies below ``lower``."""

    def read(value: object) -> float:
        number = convert(value, unit)
        if number < lower or (strict and number == lower):
            kind = "above" if strict else "of at least"
            raise ValueError(f"got {value!r}, expected a value {kind} {lower:g} {unit}")
        return number

    return read


def _fraction(value: object) -> float:
    number = convert(value, "dimensionless")
    if not 0 <= number <= 1:
        raise ValueError(f"got {value!r}, expected a fraction from 0 to 1")
    return number


def one_of(kind: str, known: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in known:
            raise ValueError(unknown(kind, value, known))
        return str(value)

    return read


def as_table(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"got {value!r}, expected a table of {what}")
    return value


def _doses(value: object) -> FrozenMap[float]:
    doses = {}
    for name, given in as_table(value, "treatment = dose").items():
        default = solute(name).unit
        try:
            amount = dose(given, name)
        except UnitError as error:
            raise ValueError(f"{name}: {error}; expected a concentration such as '1 {default}'") from None
        if amount < 0:
            raise ValueError(f"{name}: got {given!r}, expected a dose of at least 0")
        doses[name] = amount
    return FrozenMap(doses)


def _knockdowns(value: object) -> FrozenMap[float]:
    silenced = {}
    for gene, given in as_table(value, "gene = silenced fraction").items():
        if gene not in KNOCKDOWNS:
            raise ValueError(unknown("knock-down", gene, KNOCKDOWNS))
        silenced[gene] = _fraction(given)
    return FrozenMap(silenced)


def _numbers(value: object) -> FrozenMap[float]:
    numbers = {}
    for name, given in as_table(value, "parameter = number").items():
        if name not in rows():
            raise ValueError(unknown("parameter", name, rows()))
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
            raise ValueError(f"{name}: got {given!r}, expected a finite number")
        numbers[name] = float(given)
    return FrozenMap(numbers)


def ascending_times(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise ValueError(f"got {value!r}, expected a list of times such as [0, 24, '3 d']")
    return tuple(sorted({in_unit("h")(time) for time in value}))


Hours = Annotated[float, BeforeValidator(in_unit("h"))]
Duration = Annotated[float, BeforeValidator(in_unit("h", strict=True))]
Density = Annotated[float, BeforeValidator(in_unit(CELL_DENSITY))]
Volume = Annotated[float, BeforeValidator(in_unit("mL", strict=True))]
Rate = Annotated[float, BeforeValidator(in_unit("1/h"))]
Fraction = Annotated[float, BeforeValidator(_fraction)]
Doses = Annotated[FrozenMap[float], PlainValidator(_doses)]
Knockdowns = Annotated[FrozenMap[float], PlainValidator(_knockdowns)]
Numbers = Annotated[FrozenMap[float], PlainValidator(_numbers)]
Layer = Annotated[Literal["upper", "lower", "both"], BeforeValidator(one_of("layer", LAYERS))]


def nothing() -> FrozenMap[float]:
    return FrozenMap()


class Part(BaseModel):
    """Base of all parts: immutable, and an unknown field is an error that names the nearest."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _fields_exist(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in data:
                if name not in cls.model_fields:
                    raise ValueError(unknown("field", name, cls.model_fields))
        return data


def problems(error: ValidationError) -> list[str]:
    """List what is wrong, one line each: field, value, expectation."""
    lines = []
    for detail in error.errors(include_url=False):
        field = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "missing":
            message = "is missing"
        elif detail["type"] != "value_error":
            message = f"got {detail['input']!r}, {message[0].lower()}{message[1:]}"
        lines.append(f"{field}: {message}" if field else message)
    return lines
