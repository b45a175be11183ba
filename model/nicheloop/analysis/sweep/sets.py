"""Parameter sets of a sweep, found by number: given ones, the shipped ensemble, or draws from the prior."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.ensemble import load_ensemble
from nicheloop.analysis.sweep.numbers import Floats, uniforms
from nicheloop.biology.priors import free_parameters, prior_quantile
from nicheloop.biology.table import check_names

ENSEMBLE, PRIOR = "ensemble", "prior"
EXAMPLES = "'ensemble', 'ensemble:100' or 'prior:100'"
Given = Mapping[str, Any] | Sequence[Mapping[str, float]] | str | None


@dataclass(frozen=True, eq=False)
class ParameterSets:
    """Parameter sets, made when they are needed.

    Attributes
    ----------
    count : int
        How many.
    labelled : bool
        Whether there are several as a matter of principle: then results have a dimension for them.
    drawn : bool
        Whether they stand in for the table, see `nicheloop.simulate_many`.
    about : mapping
        What they are, as JSON; equal for equal sets.
    """

    count: int
    labelled: bool
    drawn: bool
    about: Mapping[str, Any]
    _make: Callable[[int, int], list[dict[str, float]]]

    def block(self, first: int, stop: int) -> list[dict[str, float]]:
        """Return sets ``first`` to ``stop - 1``."""
        return self._make(first, stop)


def parameter_sets(
    given: Given, *, resistance: str = "mixed", seed: int = 0, drawn: bool | None = None
) -> ParameterSets:
    """Read parameter sets.

    Parameters
    ----------
    given : None, mapping, sequence of mapping or str
        Parameters that differ from the table: nothing, numbers (one set), arrays of one length (a set per
        entry), a list of sets, ``"ensemble"`` or ``"ensemble:100"`` (sets of the shipped ensemble, chosen by
        the seed) or ``"prior:100"``.
    resistance : str
        Explanation of resistance; what it leaves to K562S is not drawn.
    seed : int
        Root of what is drawn and chosen.
    drawn : bool, optional
        Whether the sets stand in for the table; default: those of ensemble and prior do, given ones do not.

    Raises
    ------
    ValueError
        If a name is unknown, a value is not a finite number, or the sets cannot be read.
    """
    if isinstance(given, str):
        return _named(given, resistance, seed, drawn)
    if given is None:
        return _given([{}], False, bool(drawn))
    if isinstance(given, Mapping):
        return _of_arrays(given, bool(drawn))
    sets = list(given)
    if not sets:
        raise ValueError("parameters: got no set, expected at least one")
    for number, one in enumerate(sets):
        if not isinstance(one, Mapping):
            raise ValueError(f"parameters: set {number}: got {one!r}, expected a mapping of names to numbers")
        check_names(one)
    return _given([_numbers(one, f"set {number}") for number, one in enumerate(sets)], True, bool(drawn))


def _numbers(one: Mapping[str, Any], place: str) -> dict[str, float]:
    found = {}
    for name, value in one.items():
        number = np.asarray(value)
        if number.ndim or number.dtype.kind not in "iuf" or not np.isfinite(number):
            raise ValueError(f"parameters: {place}: {name}: got {value!r}, expected a finite number")
        found[name] = float(number)
    return found


def _of_arrays(given: Mapping[str, Any], drawn: bool) -> ParameterSets:
    check_names(given)
    if all(np.ndim(value) == 0 for value in given.values()):
        return _given([_numbers(given, "the set")], False, drawn)
    lengths = {name: len(value) for name, value in given.items() if np.ndim(value) == 1}
    for name, value in given.items():
        if np.ndim(value) > 1:
            raise ValueError(f"parameters: {name}: got shape {np.shape(value)}, expected one number per set")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"parameters: arrays of different lengths ({told}), expected one entry per set")
    count = next(iter(lengths.values()))
    if count == 0:
        raise ValueError("parameters: got empty arrays, expected at least one set")
    try:
        table = np.column_stack([np.broadcast_to(np.asarray(v, dtype=float), count) for v in given.values()])
    except (TypeError, ValueError):
        raise ValueError("parameters: got something that is no number, expected arrays of numbers") from None
    bad = np.argwhere(~np.isfinite(table))
    if bad.size:
        number, column = bad[0]
        name = list(given)[column]
        raise ValueError(
            f"parameters: set {number}: {name}: got {table[number, column]}, expected a finite number"
        )
    rows = _Rows(tuple(given), table)
    return ParameterSets(count, True, drawn, rows.about(drawn), rows)


def _given(sets: list[dict[str, float]], labelled: bool, drawn: bool) -> ParameterSets:
    listed = _Listed(tuple(sets))
    return ParameterSets(len(sets), labelled, drawn, listed.about(drawn), listed)


def _named(text: str, resistance: str, seed: int, drawn: bool | None) -> ParameterSets:
    match = re.fullmatch(r"\s*(ensemble|prior)\s*(?::\s*(\d+)\s*)?", text)
    if match is None or (match[1] == PRIOR and match[2] is None) or match[2] == "0":
        raise ValueError(f"parameters: got {text!r}, expected {EXAMPLES}, a mapping, or a list of mappings")
    kind, count = match[1], int(match[2] or 0)
    draws = True if drawn is None else drawn
    if kind == PRIOR:
        draw = _Prior(free_parameters(resistance), seed)
        about = {"source": f"prior:{count}", "drawn": draws}
        return ParameterSets(count, True, draws, about, draw)
    known = load_ensemble()
    size = len(known.values)
    if count > size:
        raise ValueError(
            f"parameters: got {text!r}, expected at most {size} sets: the shipped ensemble has no more"
        )
    order = np.random.default_rng([seed, 0]).permutation(size)[:count] if count else np.arange(size)
    rows = _Rows(known.names, known.values[order])
    about = {**rows.about(draws), "source": text.replace(" ", "")}
    return ParameterSets(len(order), True, draws, about, rows)


@dataclass(frozen=True, eq=False)
class _Listed:
    sets: tuple[dict[str, float], ...]

    def __call__(self, first: int, stop: int) -> list[dict[str, float]]:
        return list(self.sets[first:stop])

    def about(self, drawn: bool) -> dict[str, Any]:
        text = "\n".join(repr(sorted(one.items())) for one in self.sets)
        digest = hashlib.sha256(text.encode()).hexdigest()
        source = "given" if any(self.sets) else "table"
        return {"source": source, "count": len(self.sets), "drawn": drawn, "digest": digest}


@dataclass(frozen=True, eq=False)
class _Rows:
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __call__(self, first: int, stop: int) -> list[dict[str, float]]:
        return [dict(zip(self.names, row, strict=True)) for row in self.values[first:stop].tolist()]

    def about(self, drawn: bool) -> dict[str, Any]:
        digest = hashlib.sha256("\n".join(self.names).encode())
        digest.update(np.ascontiguousarray(self.values, dtype="<f8").tobytes())
        return {"source": "given", "count": len(self.values), "drawn": drawn, "digest": digest.hexdigest()}


@dataclass(frozen=True, eq=False)
class _Prior:
    names: tuple[str, ...]
    seed: int

    def __call__(self, first: int, stop: int) -> list[dict[str, float]]:
        levels: Floats = uniforms(self.seed, "sets", first, stop, len(self.names))
        columns = [prior_quantile(name, levels[:, i]) for i, name in enumerate(self.names)]
        table = np.column_stack(columns) if columns else np.empty((stop - first, 0))
        return _Rows(self.names, table)(0, stop - first)
