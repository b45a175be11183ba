"""Fields of a scenario: how a quantity, a name or a table of doses is read and what is refused.

Every reader raises ValueError with the offending value and what was expected; pydantic adds the field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationError, model_validator

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.units import CELL_DENSITY, UnitError, convert, dose, solute
from nicheloop.biology.hosts import LEUKAEMIC, STROMA
from nicheloop.biology.medium import SOLUTES
from nicheloop.biology.table import rows

KNOCKDOWNS = FrozenMap({"il1b": "il1b_knockdown"})
"""Genes that can be silenced, and the model parameter that holds the silenced fraction."""
LAYERS = ("upper", "lower", "both")
TREATMENTS = tuple(known.name for known in SOLUTES)
"""Names of all that can be given."""
EVENT_AXIS = "at"
"""Axis of ``vary`` that moves the events."""


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


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"got {value!r}, expected true or false")
    return value


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


def _solutes(value: object) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ValueError(f"got {value!r}, expected a list of treatments such as ['il1b']")
    return tuple(solute(name).name for name in value)


# -- axes of an experiment in many wells --------------------------------------------------------------------


def _axes(value: object) -> FrozenMap[tuple[float, ...]]:
    axes = {}
    for axis, given in as_table(value, "axis = list of values").items():
        unit = axis_unit(axis)
        if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
            example = f"['0 {unit}', '1 {unit}']" if has_units(axis) else "[0, 1]"
            raise ValueError(f"{axis}: got {given!r}, expected a list of values such as {example}")
        values = tuple(_axis_value(axis, item) for item in given)
        if not values:
            raise ValueError(f"{axis}: got an empty list, expected at least one value")
        if len(set(values)) < len(values):
            twice = next(item for number, item in enumerate(values) if item in values[:number])
            raise ValueError(f"{axis}: {twice:g} {unit} is listed twice, expected different values")
        axes[axis] = values
    return FrozenMap(axes)


def _axis_value(axis: str, value: object) -> float:
    if axis in TREATMENTS:
        return _doses({axis: value})[axis]
    if axis in rows():
        return _numbers({axis: value})[axis]
    try:
        return in_unit(axis_unit(axis))(value)
    except ValueError as error:
        raise ValueError(f"{axis}: {error}") from None


def axis_unit(axis: str) -> str:
    """Return the unit of the values of an axis of ``vary``.

    Raises
    ------
    ValueError
        If there is no such axis; the nearest is named.
    """
    if axis in TREATMENTS:
        return solute(axis).unit
    if axis in (*LEUKAEMIC, STROMA):
        return CELL_DENSITY
    if axis == EVENT_AXIS:
        return "h"
    if axis in rows():
        return rows()[axis].unit
    raise ValueError(unknown("axis", axis, [*TREATMENTS, *LEUKAEMIC, STROMA, EVENT_AXIS, *rows()]))


def has_units(axis: str) -> bool:
    """Whether values of an axis may be given with a unit: all but those of parameters of the model."""
    return axis not in rows()


Hours = Annotated[float, BeforeValidator(in_unit("h"))]
Duration = Annotated[float, BeforeValidator(in_unit("h", strict=True))]
Density = Annotated[float, BeforeValidator(in_unit(CELL_DENSITY))]
Volume = Annotated[float, BeforeValidator(in_unit("mL", strict=True))]
Rate = Annotated[float, BeforeValidator(in_unit("1/h"))]
Fraction = Annotated[float, BeforeValidator(_fraction)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Doses = Annotated[FrozenMap[float], PlainValidator(_doses)]
Knockdowns = Annotated[FrozenMap[float], PlainValidator(_knockdowns)]
Numbers = Annotated[FrozenMap[float], PlainValidator(_numbers)]
Axes = Annotated[FrozenMap[tuple[float, ...]], PlainValidator(_axes)]
Solutes = Annotated[tuple[str, ...], PlainValidator(_solutes)]
Layer = Annotated[Literal["upper", "lower", "both"], BeforeValidator(one_of("layer", LAYERS))]


def nothing() -> FrozenMap[Any]:
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
