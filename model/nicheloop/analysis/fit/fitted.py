"""``fitted.toml``: what a fit found, as a file that other commands take as parameters."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nicheloop.assays.names import unknown
from nicheloop.biology.table import rows

SCHEMA = 1
KIND = "nicheloop fit"


@dataclass(frozen=True)
class FittedParameter:
    """A parameter of a fit.

    Attributes
    ----------
    name, unit : str
        As in the table of parameters.
    value : float
        At the optimum.
    before : float
        In the table.
    interval, prior : (float, float)
        95 % of the profile (open ends are 0, minus infinity or infinity; all open without a profile), and
        of the prior.
    verdict : str
        ``identifiable``, ``bounded below``, ``bounded above``, ``flat``; empty without a profile.
    """

    name: str
    unit: str
    value: float
    before: float
    interval: tuple[float, float]
    prior: tuple[float, float]
    verdict: str


@dataclass(frozen=True)
class Fitted(Mapping[str, float]):
    """What a fit found: a mapping from parameters to values that `simulate` and others take.

    Attributes
    ----------
    parameters : tuple of FittedParameter
        Those that were free.
    base : dict
        Parameters that were changed, but not free.
    noise : dict
        Factors on noise by experiment and read-out.
    resistance, promoter : str
        Hypothesis the values hold for; empty: that of each well.
    objective : float
        Negative log posterior density.
    search : dict
        Starts, how many reached the best value, verdict...
    provenance : dict
        Versions, digests of model and data, seed.
    """

    parameters: tuple[FittedParameter, ...]
    base: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)
    resistance: str = ""
    promoter: str = ""
    objective: float = float("nan")
    search: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values_set(self) -> dict[str, float]:
        """All parameters that differ from the table."""
        return {**self.base, **{one.name: one.value for one in self.parameters}}

    def __getitem__(self, name: str) -> float:
        return self.values_set[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_set)

    def __len__(self) -> int:
        return len(self.values_set)

    def to_toml(self) -> str:
        """Write it as TOML; `read_fitted` reads it back equal."""
        head = {
            "schema": SCHEMA,
            "kind": KIND,
            "resistance": self.resistance,
            "promoter": self.promoter,
            "objective": self.objective,
        }
        lines = [f"{key} = {_written(value)}" for key, value in head.items()]
        for one in self.parameters:
            lines += _table(f"parameters.{_key(one.name)}", _entries(one))
        for name in ("base", "noise", "search", "provenance"):
            lines += _table(name, getattr(self, name))
        return "\n".join(lines) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write it to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target


_FIELDS = ("value", "unit", "before", "low", "high", "prior_low", "prior_high", "verdict")


def read_fitted(path: str | Path) -> Fitted:
    """Read a ``fitted.toml``.

    Also read is a TOML file whose table ``parameters`` holds plain numbers, written by hand.

    Raises
    ------
    ValueError
        If the file cannot be read, is of another kind, or holds what is no parameter; one line per problem.
    """
    source = Path(path)
    data = _document(source)
    problems: list[str] = []
    given = data.get("parameters")
    if not isinstance(given, dict):
        raise ValueError(f"{source}: has no table [parameters], expected a file written by a fit")
    parameters = [_read(name, entry, problems) for name, entry in given.items()]
    base = {name: _number(name, value, problems) for name, value in _table_of(data, "base").items()}
    if problems:
        raise ValueError("\n".join(f"{source}: {problem}" for problem in problems))
    return Fitted(
        parameters=tuple(one for one in parameters if one is not None),
        base=base,
        noise=_table_of(data, "noise"),
        resistance=str(data.get("resistance", "")),
        promoter=str(data.get("promoter", "")),
        objective=float(data.get("objective", "nan")),
        search=_table_of(data, "search"),
        provenance=_table_of(data, "provenance"),
    )


def _document(source: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{source}: no such file, expected a fitted.toml") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: byte {error.start} is not UTF-8, expected a UTF-8 text file") from None
    except OSError as error:
        raise ValueError(f"{source}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source}: not TOML: {error}") from None
    if data.get("schema", SCHEMA) != SCHEMA:
        raise ValueError(
            f"{source}: schema {data['schema']!r}, expected {SCHEMA}: read it with the nicheloop it is from"
        )
    if data.get("kind", KIND) != KIND:
        raise ValueError(f"{source}: kind {data['kind']!r}, expected {KIND!r}")
    return data


def _table_of(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    given = data.get(name, {})
    return dict(given) if isinstance(given, dict) else {}


def _read(name: str, entry: Any, problems: list[str]) -> FittedParameter | None:
    told = entry if isinstance(entry, dict) else {"value": entry}
    value = _number(name, told.get("value"), problems)
    if name not in rows():
        return None
    row = rows()[name]
    strange = [key for key in told if key not in _FIELDS]
    problems += [f"parameters.{name}: {unknown('entry', key, _FIELDS)}" for key in strange]
    if told.get("unit", row.unit) != row.unit:
        problems.append(f"parameters.{name}: unit {told['unit']!r}, expected {row.unit!r}")
    ends = {key: float(told.get(key, "nan")) for key in ("before", "low", "high", "prior_low", "prior_high")}
    return FittedParameter(
        name=name,
        unit=row.unit,
        value=value,
        before=ends["before"],
        interval=(ends["low"], ends["high"]),
        prior=(ends["prior_low"], ends["prior_high"]),
        verdict=str(told.get("verdict", "")),
    )


def _number(name: str, value: Any, problems: list[str]) -> float:
    """Return the value of a parameter; adds to the problems."""
    if name not in rows():
        problems.append(unknown("parameter", name, rows()))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        problems.append(f"parameter {name!r}: value {value!r}, expected a number")
        return float("nan")
    return float(value)


# -- writing ------------------------------------------------------------------------------------------------


def _entries(one: FittedParameter) -> dict[str, Any]:
    return {
        "value": one.value,
        "unit": one.unit,
        "before": one.before,
        "low": one.interval[0],
        "high": one.interval[1],
        "prior_low": one.prior[0],
        "prior_high": one.prior[1],
        "verdict": one.verdict,
    }


def _table(name: str, entries: Mapping[str, Any]) -> list[str]:
    """Write a table, then the tables in it."""
    plain = {key: value for key, value in entries.items() if not isinstance(value, Mapping)}
    lines = ["", f"[{name}]", *(f"{_key(key)} = {_written(value)}" for key, value in plain.items())]
    for key, value in entries.items():
        if isinstance(value, Mapping):
            lines += _table(f"{name}.{_key(key)}", value)
    return lines


def _key(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and name.isascii() else _quoted(name)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_written, value))}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
