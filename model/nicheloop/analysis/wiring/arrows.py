"""Which influences are worth an arrow in a network diagram: no way back, no shortcut, nothing implied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from nicheloop.analysis.wiring.graph import MEDIUM
from nicheloop.equations.influence import Influence

if TYPE_CHECKING:
    from nicheloop.analysis.wiring.graph import Node


def one_way(edges: Sequence[Influence], order: Sequence[str], least: float = 0.0) -> tuple[Influence, ...]:
    """Of two nodes that turn into each other, or catch each other, keep the arrow from the first.

    It is kept if either is strong enough.
    """
    known = {(one.source, one.target): one for one in edges}
    place = {name: number for number, name in enumerate(order)}
    kept = []
    for one in edges:
        back = known.get((one.target, one.source))
        if one.sign == 0 or back is None or back.sign != one.sign:
            kept.append(one)
        elif place[one.source] < place[one.target]:
            kept.append(replace(one, strength=max(one.strength, back.strength)))
    return tuple(one for one in kept if one.strength >= least)


def without_shortcuts(
    edges: Sequence[Influence], direct: AbstractSet[tuple[str, str]]
) -> tuple[Influence, ...]:
    """Leave out indirect influences that two others tell."""
    signs = {(one.source, one.target): one.sign for one in edges if (one.source, one.target) in direct}
    told = {(a, d): x * y for (a, b), x in signs.items() for (c, d), y in signs.items() if b == c}
    told |= {(one.source, d): one.sign * y for one in edges for (c, d), y in signs.items() if c == one.target}
    pairs = {(one.source, one.target): one for one in edges}
    return tuple(one for pair, one in pairs.items() if pair in direct or told.get(pair) != one.sign)


def implied_left_out(edges: Iterable[Influence], nodes: Iterable[Node]) -> tuple[Influence, ...]:
    """Leave out what goes without saying: more cells, more of what they hold, bind and secrete."""
    places = {node.name: node.place for node in nodes}
    kinds = {node.name: node.mechanism for node in nodes}
    return tuple(
        one
        for one in edges
        if kinds[one.source] != "populations"
        or (kinds[one.target] in ("populations", "migration") and places[one.target] != MEDIUM)
    )
