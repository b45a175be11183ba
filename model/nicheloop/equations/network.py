"""A reaction network as plain, hashable data: what a rule-based model expands to."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

SCHEMA = 1
_SPECIES_SYMBOL = re.compile(r"\b__s(\d+)\b")


@dataclass(frozen=True)
class Reaction:
    """One irreversible reaction.

    Attributes
    ----------
    rate : str
        Formula in parameters, observables, expressions and species symbols ``__s0``, ``__s1``...
    change : tuple of (int, int)
        Net stoichiometry: (species index, molecules gained), sorted, no zeros. Species that are held fixed
        do not occur.
    """

    rate: str
    change: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Network:
    """Species, parameters, formulas and reactions.

    Attributes
    ----------
    name : str
        Name of the model.
    species : tuple of str
        Patterns as PySB prints them; compartments are left out where the names stay unique.
    parameters, values : tuple of str, tuple of float
        Names and default values.
    expressions : tuple of (str, str)
        Name and formula, each after those it uses.
    observables : tuple of (str, tuple of (int, float))
        Name and (species index, coefficient) pairs.
    reactions : tuple of Reaction
        All reactions.
    initials : tuple of (int, str)
        Species index and formula (of parameters and constant expressions) of its initial amount.
    kept : tuple of int
        Index of each species in the network that this one was cut from; all of them if it was not cut.
    """

    name: str
    species: tuple[str, ...]
    parameters: tuple[str, ...]
    values: tuple[float, ...]
    expressions: tuple[tuple[str, str], ...]
    observables: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    reactions: tuple[Reaction, ...]
    initials: tuple[tuple[int, str], ...]
    kept: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.kept:
            object.__setattr__(self, "kept", tuple(range(len(self.species))))
        _check(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the structure; parameter values, the name and `kept` do not count."""
        structure = _content(self)
        for unimportant in ("name", "values", "kept"):
            del structure[unimportant]
        return hashlib.sha256(_compact(structure)).hexdigest()

    def save(self, path: str | Path) -> None:
        """Write as gzipped JSON; the same network gives the same bytes."""
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed:
            packed.write(_compact({"schema": SCHEMA, "digest": self.digest, **_content(self)}))
        Path(path).write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, of another schema, or its content does not match its digest.
        """
        return cls.from_bytes(Path(path).read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "network") -> Network:
        """Read the bytes of a file that :meth:`save` wrote; `source` names it in errors."""
        try:
            content = json.loads(gzip.decompress(data))
        except (OSError, EOFError, ValueError) as error:
            raise ValueError(f"{source}: not a gzipped JSON network ({error})") from None
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise ValueError(f"{source}: a network of schema {SCHEMA} was expected")
        try:
            network = _from_content(content)
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{source}: the network is incomplete ({error!r})") from None
        if network.digest != content.get("digest"):
            raise ValueError(f"{source}: the content does not match its digest; write the file anew")
        return network

    def restrict(self, seeds: Iterable[int]) -> Network:
        """The part of the network that can ever differ from zero.

        Parameters
        ----------
        seeds : iterable of int
            Species that may be non-zero at the start (or be added later).

        Returns
        -------
        Network
            Without the species that stay at exactly zero, whatever the parameters. A reaction counts as
            possible unless its rate is zero by structure while the absent species are zero (a factor of an
            absent species, of an observable that sees only absent species, and so on). Parameters,
            observables and expressions keep their order. `kept` leads back to this network's `kept`.

        Raises
        ------
        ValueError
            If a seed is no species index.
        """
        from nicheloop.equations.reach import reachable

        start = sorted(set(seeds))
        for seed in start:
            if not 0 <= seed < len(self.species):
                raise ValueError(f"seed {seed} is no species index (0..{len(self.species) - 1})")
        present, possible = reachable(self, start)
        return _cut(self, present, possible)


DILUTION = "rate_of_dilution"


def diluted(network: Network, anchor: Iterable[float]) -> Network:
    """Return the network in a vessel that is diluted as fast as what is anchored grows (a turbidostat).

    Parameters
    ----------
    network : Network
        What grows.
    anchor : iterable of float, one per species
        Weights of the amount that is held; not negative, some above zero.

    Returns
    -------
    Network
        With an expression for the rate of dilution and a loss of every species at that rate.
    """
    weights = {i: float(weight) for i, weight in enumerate(anchor) if weight}
    gains = [
        (sum(weights.get(i, 0.0) * change for i, change in reaction.change), reaction.rate)
        for reaction in network.reactions
    ]
    growth = "+".join(f"{gain!r}*({rate})" for gain, rate in gains if gain) or "0"
    held = "+".join(f"{weight!r}*__s{i}" for i, weight in weights.items())
    losses = (Reaction(f"{DILUTION}*__s{i}", ((i, -1),)) for i in range(len(network.species)))
    return replace(
        network,
        expressions=(*network.expressions, (DILUTION, f"({growth})/({held})")),
        reactions=(*network.reactions, *losses),
    )


def _cut(network: Network, present: tuple[int, ...], possible: tuple[int, ...]) -> Network:
    new = {old: i for i, old in enumerate(present)}

    def renamed(formula: str) -> str:
        return _SPECIES_SYMBOL.sub(lambda m: f"__s{new[int(m[1])]}" if int(m[1]) in new else "0", formula)

    return replace(
        network,
        species=tuple(network.species[i] for i in present),
        expressions=tuple((name, renamed(formula)) for name, formula in network.expressions),
        observables=tuple(
            (name, tuple((new[i], weight) for i, weight in weights if i in new))
            for name, weights in network.observables
        ),
        reactions=tuple(
            Reaction(renamed(reaction.rate), tuple((new[i], change) for i, change in reaction.change))
            for reaction in (network.reactions[k] for k in possible)
        ),
        initials=tuple((new[i], renamed(formula)) for i, formula in network.initials if i in new),
        kept=tuple(network.kept[i] for i in present),
    )


def _check(network: Network) -> None:
    if len(network.parameters) != len(network.values):
        raise ValueError("a network needs one value per parameter")
    for name, value in zip(network.parameters, network.values, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"the value of parameter '{name}' is {value}, not a finite number")
    names = [*network.parameters, *(n for n, _ in network.observables), *(n for n, _ in network.expressions)]
    if len(names) != len(set(names)):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"names occur twice: {', '.join(twice)}")
    n = len(network.species)
    if len(network.kept) != n:
        raise ValueError("a network needs one entry of 'kept' per species")
    used = [i for r in network.reactions for i, _ in r.change] + [i for i, _ in network.initials]
    used += [i for _, weights in network.observables for i, _ in weights]
    if any(not 0 <= i < n for i in used):
        raise ValueError(f"a species index outside 0..{n - 1} occurs")


def _content(network: Network) -> dict[str, Any]:
    return {
        "name": network.name,
        "species": network.species,
        "parameters": network.parameters,
        "values": network.values,
        "expressions": network.expressions,
        "observables": network.observables,
        "reactions": [(reaction.rate, reaction.change) for reaction in network.reactions],
        "initials": network.initials,
        "kept": network.kept,
    }


def _compact(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def _from_content(content: Mapping[str, Any]) -> Network:
    return Network(
        name=str(content["name"]),
        species=tuple(str(s) for s in content["species"]),
        parameters=tuple(str(p) for p in content["parameters"]),
        values=tuple(float(v) for v in content["values"]),
        expressions=tuple((str(name), str(formula)) for name, formula in content["expressions"]),
        observables=tuple(
            (str(name), tuple((int(i), float(w)) for i, w in weights))
            for name, weights in content["observables"]
        ),
        reactions=tuple(
            Reaction(str(rate), tuple((int(i), int(c)) for i, c in change))
            for rate, change in content["reactions"]
        ),
        initials=tuple((int(i), str(formula)) for i, formula in content["initials"]),
        kept=tuple(int(i) for i in content["kept"]),
    )
