"""Scenarios as TOML: reading, writing, and the ones that ship with the package.

A file holds the fields of `Scenario`; ``extends = "name"`` starts from another scenario (shipped, or a file
beside this one) and merges tables into it. ``conditioned_medium.scenario`` is a name, too, or a table.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nicheloop.assays.fields import ScenarioError, axis_unit, has_units
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.scenario import Scenario, Seeding, checked
from nicheloop.assays.units import CELL_DENSITY, solute

_DEPTH = 8
UNITS = {
    "density": CELL_DENSITY,
    "volume": "mL",
    "upper_volume": "mL",
    "lower_volume": "mL",
    "exchange": "1/h",
    "duration": "h",
    "every": "h",
    "at": "h",
    "hours": "h",
}
DOSES = ("treatments", "set", "add")


@lru_cache(maxsize=1)
def scenario_names() -> tuple[str, ...]:
    """Names of the scenarios that ship with the package, sorted."""
    folder = resources.files("nicheloop.assays") / "scenarios"
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def scenarios() -> dict[str, str]:
    """Shipped scenarios: name to one-line title."""
    return {name: load_scenario(name).title for name in scenario_names()}


def load_scenario(source: str | Path) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    source : str or Path
        Name of a shipped scenario, or path of a TOML file (a Path, or text with ``.toml`` at its end).

    Raises
    ------
    ScenarioError
        If there is no such scenario or file, or it does not hold a valid scenario; the message names the
        source, the field, the offending value and what was expected.
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        return _shipped(source)
    path = Path(source)
    return checked(_document(path.name, path, 0), str(path))


@lru_cache(maxsize=128)
def _shipped(name: str) -> Scenario:
    return checked(_document(name, None, 0), name)


def _document(reference: str, path: Path | None, depth: int) -> dict[str, Any]:
    """Return the plain data of a scenario, with everything it refers to put in."""
    if depth > _DEPTH:
        raise ScenarioError(f"{reference}: {_DEPTH} scenarios deep, expected no circle of references")
    data = _parsed(_text(reference, path), str(path or reference))
    folder = path.parent if path else None
    data.setdefault("name", path.stem if path else reference)
    conditioned = data.get("conditioned_medium")
    if isinstance(conditioned, dict) and isinstance(conditioned.get("scenario"), str):
        conditioned["scenario"] = _referred(conditioned["scenario"], folder, str(path or reference), depth)
    if "extends" in data:
        base = _referred(data.pop("extends"), folder, str(path or reference), depth)
        data = _merged(base, data)
    return data


def _referred(name: object, folder: Path | None, source: str, depth: int) -> dict[str, Any]:
    if not isinstance(name, str):
        raise ScenarioError(f"{source}: got {name!r}, expected the name of a scenario or of a TOML file")
    path = (folder or Path()) / name if name.endswith(".toml") else None
    try:
        return _document(name, path, depth + 1)
    except ScenarioError as error:
        raise ScenarioError(f"{source}: {error}") from None


def _text(reference: str, path: Path | None) -> str:
    if path is None:
        if reference not in scenario_names():
            raise ScenarioError(unknown("scenario", reference, scenario_names()))
        shipped = resources.files("nicheloop.assays") / "scenarios" / f"{reference}.toml"
        return shipped.read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = unknown("scenario", path.stem, scenario_names())
        raise ScenarioError(f"{path}: no such file ({near})") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: byte {error.start} is not UTF-8, expected a UTF-8 text file") from None
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{source}: not TOML: {error}") from None


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables into tables; anything else replaces."""
    result = dict(base)
    for name, change in changes.items():
        current = result.get(name)
        both = isinstance(current, Mapping) and isinstance(change, Mapping)
        result[name] = _merged(current, change) if both else change  # type: ignore[arg-type]
    return result


# -- writing ------------------------------------------------------------------------------------------------


def to_toml(scenario: Scenario) -> str:
    """Write a scenario as TOML, complete (nothing is referred to) and with units; reads back equal."""
    return "\n".join(_emitted(_plain(scenario), "")) + "\n"


def save_scenario(scenario: Scenario, path: str | Path) -> Path:
    """Write a scenario to a TOML file and return its path."""
    target = Path(path)
    target.write_text(to_toml(scenario), encoding="utf-8")
    return target


def _plain(part: BaseModel) -> dict[str, Any]:
    """Return the fields of a part that differ from their defaults, quantities as text with a unit."""
    data = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name == "name" or field.is_required() or value != field.get_default(call_default_factory=True):
            data[name] = _plain_value(name, value)
    return data


def _plain_value(name: str, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value)
    if name == "vary":
        return {axis: [_plain_axis(axis, item) for item in values] for axis, values in value.items()}
    if name in DOSES:
        return {drug: f"{amount!r} {solute(drug).unit}" for drug, amount in value.items()}
    if isinstance(value, FrozenMap):
        seedings = (item.density if isinstance(item, Seeding) else None for item in value.values())
        return {
            key: item if density is None else f"{density!r} {CELL_DENSITY}"
            for (key, item), density in zip(value.items(), seedings, strict=True)
        }
    if isinstance(value, tuple):
        return [_plain_value("", item) for item in value]
    return f"{value!r} {UNITS[name]}" if name in UNITS else value


def _plain_axis(axis: str, value: float) -> Any:
    return f"{value!r} {axis_unit(axis)}" if has_units(axis) else value


def _emitted(data: Mapping[str, Any], prefix: str) -> list[str]:
    """Write a table: scalars and lists first, then its tables, then its lists of tables."""
    lines, tables = [], []
    for name, value in data.items():
        key = name if name.replace("_", "a").isalnum() and name.isascii() else _quoted(name)
        if isinstance(value, Mapping):
            tables += ["", f"[{prefix}{key}]", *_emitted(value, f"{prefix}{key}.")]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for item in value:
                tables += ["", f"[[{prefix}{key}]]", *_emitted(item, f"{prefix}{key}.")]
        else:
            lines.append(f"{key} = {_scalar(value)}")
    return lines + tables


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Quote a TOML basic string: JSON escapes, and DEL, which JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
