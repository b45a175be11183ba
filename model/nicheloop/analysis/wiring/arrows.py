"""Which influences are worth an arrow in a network diagram: no way back, no shortcut, nothing implied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from nicheloop.analysis.wiring.graph import MEDIUM
from nicheloop.equations.influence import Influence

if TYPE_CHECKING:
    from nicheloop.analysis.wiring.graph import Node


def one_way(edges: Sequence[Influence], order: Sequence[str], least: float = 0.0) -> tuple[Influence, ...]:
    """Of two nodes that turn into each other, or catch each other, keep the arrow from the first.

    They are told by their signs: both promote, or both take away, each other. The arrow is kept if either is
    strong enough.
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
    """Leave out indirect influences that two others tell, on some way or on ways of either sign."""
    told: dict[tuple[str, str], set[int]] = {}
    second = [one for one in edges if (one.source, one.target) in direct]
    for first, then in product(edges, second):
        if first.target == then.source:
            told.setdefault((first.source, then.target), set()).add(first.sign * then.sign)
    kept = []
    for one in edges:
        pair = (one.source, one.target)
        ways = told.get(pair, set())
        either = one.sign == 0 and {1, -1} <= ways
        if pair in direct or not (one.sign in ways or either):
            kept.append(one)
    return tuple(kept)


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
