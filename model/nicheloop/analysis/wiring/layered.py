"""Places for the nodes of a directed graph: causes above effects, neighbours near each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SWEEPS = 12
"""Passes that order the nodes of a layer by where their neighbours are."""


def layered(
    names: Sequence[str],
    edges: Sequence[tuple[str, str]],
    columns: Mapping[str, int],
    most: Mapping[int, int],
) -> dict[str, tuple[int, int, float]]:
    """Return the column of every node, its row (0 on top), and its place in that row from 0 to 1.

    Parameters
    ----------
    names : sequence of str
        Nodes; their order decides where nothing else does.
    edges : sequence of (str, str)
        From cause to effect; cycles are cut where they come back to a node on the way.
    columns : mapping of str to int
        Nodes of one column stay together.
    most : mapping of int to int
        Nodes in a row of each column; what is more goes into rows of its own.
    """
    ranks = _ranks(names, edges)
    rows: dict[tuple[int, int], list[str]] = {}
    for name in names:
        rows.setdefault((ranks[name], columns[name]), []).append(name)
    at = {name: (i + 1) / (len(row) + 1) for row in rows.values() for i, name in enumerate(row)}
    near: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        near[source].append(target)
        near[target].append(source)
    for _ in range(SWEEPS):
        for row in rows.values():
            goal = {
                name: sum(columns[n] - columns[name] + at[n] for n in near[name]) / max(len(near[name]), 1)
                for name in row
            }
            row.sort(key=lambda name: (goal[name], name))
            at |= {name: (i + 1) / (len(row) + 1) for i, name in enumerate(row)}
    return _wrapped(rows, most)


def _wrapped(
    rows: Mapping[tuple[int, int], list[str]], most: Mapping[int, int]
) -> dict[str, tuple[int, int, float]]:
    """Break rows with too many nodes."""
    found: dict[str, tuple[int, int, float]] = {}
    top = 0
    for rank in sorted({rank for rank, _ in rows}):
        height = 1
        for column in sorted({column for r, column in rows if r == rank}):
            row = rows[rank, column]
            lines = -(-len(row) // most[column])
            height = max(height, lines)
            for line in range(lines):
                part = row[line::lines]
                found |= {n: (column, top + line, (i + 1) / (len(part) + 1)) for i, n in enumerate(part)}
        top += height
    return found


def _ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Length of the longest way to each node, without the edges that close a cycle."""
    after: dict[str, list[str]] = {name: [] for name in names}
    entered = dict.fromkeys(names, 0)
    for source, target in edges:
        after[source].append(target)
        entered[target] += 1
    forward: dict[str, list[str]] = {name: [] for name in names}
    state = dict.fromkeys(names, 0)
    order: list[str] = []
    for root in sorted(names, key=lambda name: (entered[name] > 0, names.index(name))):
        _walk(root, after, state, forward, order)
    rank = dict.fromkeys(names, 0)
    for name in reversed(order):
        for target in forward[name]:
            rank[target] = max(rank[target], rank[name] + 1)
    return rank


def _walk(
    root: str,
    after: Mapping[str, list[str]],
    state: dict[str, int],
    forward: dict[str, list[str]],
    order: list[str],
) -> None:
    """Go depth first from a node; 1 is on the way, 2 is done."""
    if state[root]:
        return
    stack = [(root, iter(after[root]))]
    state[root] = 1
    while stack:
        name, rest = stack[-1]
        for target in rest:
            if state[target] != 1:
                forward[name].append(target)
            if state[target] == 0:
                state[target] = 1
                stack.append((target, iter(after[target])))
                break
        else:
            state[name] = 2
            order.append(name)
            stack.pop()
