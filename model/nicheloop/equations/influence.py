"""Who acts on whom: the signed graph of a system, read off its exact Jacobian in many states.

Nodes are groups of species. A group acts on another where making more of it, all its species by the same
factor, speeds up or slows down the change of the other. A group that is carried (molecules of cells) is
counted per carrier: what multiplies or removes carriers with their contents acts on the carriers alone. A
group that is part of a carrier (cells in one place) grows at the expense of the rest of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from nicheloop.equations.system import System

Floats = NDArray[np.float64]
Groups = Mapping[str, Sequence[int]]

LEAST = 1e-3
"""Influences below this share of all on their target, in every state, are left out."""
ROUNDING = 1e-9
"""What is left of terms that cancel, relative to them."""
SCATTER = 0.5
"""Standard deviation of the decimal logarithm of amounts between states."""
SLOW = 1e-2
"""Share of all influences below which those that are no binding partners count as nothing beside them."""
_MONOMER = re.compile(r"\b([A-Za-z_]\w*)\(")


@dataclass(frozen=True)
class Influence:
    """One group acts on another.

    Attributes
    ----------
    source, target : str
        Names of the groups.
    sign : int
        +1 activates, -1 inhibits, 0 does either, depending on the state.
    strength : float
        Largest share, over the states, that it has of all influences on its target but those of binding
        partners; at most 1.
    """

    source: str
    target: str
    sign: int
    strength: float


@dataclass(frozen=True)
class InfluenceGraph:
    """Groups of species and how they act on each other.

    Attributes
    ----------
    nodes : tuple of str
        In the order given.
    influences : tuple of Influence
        None of a group on itself.
    """

    nodes: tuple[str, ...]
    influences: tuple[Influence, ...]

    def sign(self, source: str, target: str) -> int | None:
        """Sign of one influence; None where there is none."""
        found = (one.sign for one in self.influences if (one.source, one.target) == (source, target))
        return next(found, None)

    def without(self, hidden: Iterable[str], least: float = LEAST) -> InfluenceGraph:
        """Leave nodes out, and join what acts on them with what they act on.

        Parameters
        ----------
        hidden : iterable of str
            Nodes to leave out. What acts on one of them acts on what it promotes, with the product of the
            strengths (the strongest way counts), unless it does so directly. What it inhibits is not
            followed: that two partners compete for a third is told by what each makes of it.
        least : float
            Influences that are weaker are left out at every step.
        """
        edges = {(one.source, one.target): one for one in self.influences if one.strength >= least}
        gone, direct = set(hidden), frozenset(edges)
        for name in [node for node in self.nodes if node in gone]:
            into = [one for (_, target), one in edges.items() if target == name]
            out = [one for (source, _), one in edges.items() if source == name and one.sign > 0]
            edges = {pair: one for pair, one in edges.items() if name not in pair}
            for first, second in product(into, out):
                pair, strength = (first.source, second.target), first.strength * second.strength
                known = edges[pair].strength if pair in edges else 0.0
                if pair[0] != pair[1] and pair not in direct and strength > max(known, least):
                    edges[pair] = Influence(*pair, first.sign * second.sign, strength)
        return InfluenceGraph(
            tuple(node for node in self.nodes if node not in gone),
            tuple(one for one in edges.values()),
        )


def influence_graph(
    system: System,
    groups: Groups | None = None,
    carried: Groups | None = None,
    parameters: ArrayLike | None = None,
    around: ArrayLike | None = None,
    constant: Sequence[str] = (),
    states: int = 16,
    seed: int = 0,
) -> InfluenceGraph:
    """Find which groups of species act on which, and how.

    Parameters
    ----------
    system : System
        Of any model.
    groups : mapping of str to sequence of int, optional
        Species of each node; default: `groups_by_monomer`. Species of no group are in no influence.
    carried : mapping of str to sequence of int, optional
        Group that carries others to the species it carries.
    parameters : array_like, shape (parameters,), optional
        Default: those of the system.
    around : array_like, shape (n,) or (k, n), optional
        States that the amounts are scattered around, by half a decade; default: the initial state. Where an
        amount is 0, the highest of its other states is taken, or else the median of all.
    constant : sequence of str
        Expressions that count as constants for what is carried, such as rates of division and death: that
        what is diluted by growth follows the growth is not told.
    states : int
        How many states are looked at.
    seed : int
        Of the states.
    """
    groups = groups_by_monomer(system.species) if groups is None else groups
    carried = carried or {}
    names = tuple(groups)
    rows = np.zeros((len(names), system.n))
    for number, name in enumerate(names):
        rows[number, list(groups[name])] = 1.0
    layout = _Layout(rows, *_carriers(names, groups, carried or {}, rows))
    p = system.parameter_vector(base=parameters)
    held = _Held.of(system, constant)
    found = np.array([_influences(system, held, y, p, layout) for y in _states(system, around, states, seed)])
    return InfluenceGraph(names, tuple(_told(names, found)))


@dataclass(frozen=True)
class _Held:
    """A system in which some expressions are parameters."""

    system: System
    columns: tuple[int, ...]

    @classmethod
    def of(cls, system: System, names: Sequence[str]) -> _Held:
        from nicheloop.equations.system import compile_network

        if not names:
            return cls(system, ())
        network, gone = system.network, set(names)
        held = replace(
            network,
            parameters=(*network.parameters, *names),
            values=(*network.values, *(0.0 for _ in names)),
            expressions=tuple(one for one in network.expressions if one[0] not in gone),
        )
        return cls(compile_network(held), tuple(system.output_index(name) for name in names))

    def parameters(self, original: System, y: Floats, p: Floats) -> Floats:
        """Parameters with the values that the expressions have in a state."""
        return np.concatenate([p, original.outputs(y, p)[list(self.columns)]]) if self.columns else p


@dataclass(frozen=True)
class _Layout:
    """Which species a group consists of and moves along with, and the number of its carrier (or -1)."""

    rows: Floats
    moved: Floats
    carrier: NDArray[np.intp]
    part: NDArray[np.bool_]

    def directions(self, y: Floats) -> Floats:
        """Change of all amounts when a group grows, one row per group."""
        steps = self.moved * y
        for number in np.flatnonzero(self.part):
            rest = np.where(self.rows[number] > 0, 0.0, self.rows[self.carrier[number]]) * y
            steps[number] = steps[number] - rest * steps[number].sum() / rest.sum()
        return np.asarray(steps)


def _carriers(
    names: tuple[str, ...], groups: Groups, carried: Groups, rows: Floats
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
    moved, carrier, part = rows.copy(), np.full(len(names), -1), np.zeros(len(names), dtype=bool)
    for name, species in carried.items():
        own, inside = set(groups[name]), {*species, *groups[name]}
        moved[names.index(name), list(species)] = 1.0
        for number, other in enumerate(names):
            if other != name and groups[other] and set(groups[other]) <= inside:
                carrier[number] = names.index(name)
                part[number] = set(groups[other]) < own
    return moved, carrier, part


def groups_by_monomer(species: Iterable[str]) -> dict[str, list[int]]:
    """Group species by what they consist of, whatever the states of their sites.

    Examples
    --------
    >>> groups_by_monomer(["A(b=None)", "A(b=1) % B(a=1)", "A(b=2)"])
    {'A': [0, 2], 'A:B': [1]}
    """
    groups: dict[str, list[int]] = {}
    for number, name in enumerate(species):
        groups.setdefault(":".join(sorted(_MONOMER.findall(name))) or name, []).append(number)
    return groups


def _states(system: System, around: ArrayLike | None, count: int, seed: int) -> Floats:
    """Amounts above 0 everywhere: a structural influence shows in every such state."""
    centres = np.atleast_2d(system.initial() if around is None else np.asarray(around, dtype=float))
    positive = centres[np.isfinite(centres) & (centres > 0)]
    middle = float(np.median(positive)) if positive.size else 1.0
    chosen = np.resize(np.arange(len(centres)), count)
    highest = np.nan_to_num(centres).max(axis=0)
    absent = np.where(highest > 0, highest, middle)
    known = np.where(centres[chosen] > 0, centres[chosen], absent)
    scatter = np.random.default_rng(seed).normal(0.0, SCATTER, known.shape)
    return np.asarray(known * 10.0**scatter)


def _influences(system: System, held: _Held, y: Floats, p: Floats, layout: _Layout) -> Floats:
    """Share and sign of the influence of each group (columns) on each (rows) in one state."""
    change = _changes(held.system, y, held.parameters(system, y, p), layout, bool(held.columns))
    if held.columns:
        free = layout.carrier < 0
        change[free] = _changes(system, y, p, layout)[free]
    # Binding partners change each other so fast that all else would look like nothing beside them.
    mutual = (change != 0) & (np.sign(change) == np.sign(change.T))
    every = np.abs(change).sum(axis=1, keepdims=True)
    total = np.maximum(np.where(mutual, 0.0, np.abs(change)).sum(axis=1, keepdims=True), SLOW * every)
    shares = np.divide(change, total, out=np.zeros_like(change), where=total > 0)
    return np.asarray(np.clip(shares, -1.0, 1.0))


def _changes(system: System, y: Floats, p: Floats, layout: _Layout, steady: bool = False) -> Floats:
    """Change of the rate of each group (rows) when one grows (columns), per carrier where it has one.

    Carriers grow and die at constant rates if ``steady``.
    """
    jacobian, rhs = system.jacobian(y, p), system.rhs(y, p)
    rows, carrier, directions = layout.rows, layout.carrier, layout.directions(y)
    change = rows @ jacobian @ directions.T
    scale = rows @ np.abs(jacobian) @ np.abs(directions).T
    amounts, flow, step = rows @ y, rows @ rhs, rows @ directions.T
    for target in np.flatnonzero(carrier >= 0):
        c = carrier[target]
        per = amounts[target] / amounts[c]
        growth = flow[c] * step[c] / amounts[c] if steady else change[c]
        terms = (
            flow[target] * step[c] / amounts[c],
            step[target] * flow[c] / amounts[c],
            per * growth,
            -2.0 * per * flow[c] * step[c] / amounts[c],
        )
        change[target] = change[target] - sum(terms)
        scale[target] = scale[target] + sum(np.abs(term) for term in terms) + per * scale[c]
    np.fill_diagonal(change, 0.0)
    change[np.abs(change) < ROUNDING * scale] = 0.0
    return np.asarray(change)


def _told(names: tuple[str, ...], found: Floats) -> Iterable[Influence]:
    """Influences that are seen in some state, shares of shape (states, targets, sources)."""
    seen = np.abs(found).max(axis=0)
    for target, source in np.argwhere(seen >= LEAST):
        shares = found[:, target, source]
        signs = set(np.sign(shares[np.abs(shares) >= 0.1 * LEAST]).astype(int).tolist())
        sign = signs.pop() if len(signs) == 1 else 0
        yield Influence(names[source], names[target], sign, float(seen[target, source]))
