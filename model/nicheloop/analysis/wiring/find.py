"""Nodes and arrows of a model's network diagram and influence map, read off its equations.

Arrows come from `nicheloop.equations.influence`, never from a list: a changed rule changes the diagram.
``nodes.csv`` says which species a node stands for, what it is called, and where it is drawn.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.wiring.arrows import implied_left_out, one_way, without_shortcuts
from nicheloop.analysis.wiring.graph import MEDIUM, Node, Wiring
from nicheloop.assays.scenario import Scenario
from nicheloop.biology.hosts import LEUKAEMIC, STROMA
from nicheloop.equations.influence import Influence, InfluenceGraph, groups_by_monomer, influence_graph

if TYPE_CHECKING:
    from nicheloop.assays.compiled import Compiled

Floats = NDArray[np.float64]
Groups = Mapping[str, Sequence[int]]

LEAST = 0.02
"""Influences with a smaller share of all on their target, in every state, are not drawn."""
GROWTH = ("division_rate_", "death_rate_")
"""What multiplies and removes cells with all they hold."""
_WORD = re.compile(r"[A-Za-z]\w*")
WITH_ALL: dict[str, object] = {
    "imatinib": 1.0,
    "il1b": 10.0,
    "il1ra": 10.0,
    "anti_il1b": 1.0,
    "anti_il1rap": 1.0,
    "cxcl11": 10.0,
    "anti_cxcl11": 1.0,
    "cxcr3_antagonist": 10.0,
    "ifng": 1.0,
    "jak_inhibitor": 10.0,
    "celecoxib": 1.0,
}
"""Treatments of the experiment that shows the whole model, in units of the bench."""


def mechanism_wiring(of: Scenario | str | None = None, least: float = LEAST) -> Wiring:
    """Return the mechanism of the shipped model as a biologist draws it.

    Parameters
    ----------
    of : Scenario or str, optional
        What can be in its vessel is shown; default: K562R on stroma with every treatment. Where both
        leukaemic lines are in the vessel, K562R is drawn.
    least : float
        Share of all influences on a target, in some state, from which on one is drawn.
    """
    from nicheloop.analysis.wiring.shipped import shipped_wiring

    kept = shipped_wiring() if of is None and least == LEAST else None
    return kept or find_mechanism(of, least)


def find_mechanism(of: Scenario | str | None = None, least: float = LEAST) -> Wiring:
    """Read the mechanism off the equations, as `mechanism_wiring` does where no result is kept."""
    scenario = _scenario(of)
    lines = [line for line in LEUKAEMIC if line in scenario.lines]
    drawn = lines[-1] if lines else ""
    found = _wired(scenario, drawn, least)
    others = tuple(line for line in LEUKAEMIC if drawn and line != drawn)
    alike = tuple(line for line in others if _same(found, _wired(_with_line(scenario, line), line, least)))
    return replace(found, same=alike)


def influence_wiring(of: Any = None, least: float = LEAST) -> Wiring:
    """Return who acts on whom, by what species consist of.

    Parameters
    ----------
    of : Scenario, str, pysb.Model or System, optional
        Of a scenario (or its name), the species in its vessel by place; of another model, all of them (its
        rules are expanded if that was not done). Default: as for `mechanism_wiring`.
    least : float
        As for `mechanism_wiring`.
    """
    if of is None or isinstance(of, (str, Scenario)):
        return _influences_in(_scenario(of), least)
    from nicheloop.equations import compile_model
    from nicheloop.equations.system import System

    system = of if isinstance(of, System) else compile_model(of)
    graph = influence_graph(system)
    nodes = tuple(Node(name, name, "") for name in graph.nodes)
    return Wiring(system.network.name, nodes, _strong(graph, least))


# -- the shipped model --------------------------------------------------------------------------------------


def _scenario(of: Scenario | str | None) -> Scenario:
    from nicheloop.assays.library import load_scenario
    from nicheloop.assays.scenario import checked

    if isinstance(of, Scenario):
        return of
    if of is not None:
        return load_scenario(of)
    stroma = {"mode": "coculture", "density": "1e5 cells/mL"}
    whole: dict[str, object] = {"name": "all_treatments", "title": "The model"}
    whole |= {"lines": {"K562R": "2e5 cells/mL"}, "stroma": stroma, "treatments": WITH_ALL}
    return checked({**whole, "duration": 72.0, "times": (8.0, 24.0, 72.0)}, "all_treatments")


def _with_line(scenario: Scenario, line: str) -> Scenario:
    density = next(iter(scenario.lines.values())).density
    return scenario.with_(lines={line: f"{density} cells/mL"})


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, str], ...]:
    text = resources.files("nicheloop.analysis.wiring").joinpath("nodes.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _wired(scenario: Scenario, line: str, least: float) -> Wiring:
    """The mechanism with one leukaemic line."""
    compiled, around, values = _seen(scenario)
    hosts = {"leukaemic": line, "stroma": STROMA, MEDIUM: ""}
    groups: dict[str, list[int]] = {}
    nodes = []
    for row in _rows():
        pattern, host = re.compile(row["pattern"]), hosts[row["place"]]
        groups[row["node"]] = [
            i
            for i, species in enumerate(compiled.system.species)
            if compiled.layout.host[i] == host and pattern.search(species)
        ]
        if groups[row["node"]]:
            at = (float(row["x"]), float(row["y"]))
            nodes.append(Node(row["node"], row["label"], host or MEDIUM, row["mechanism"], at))
    groups = {name: species for name, species in groups.items() if species}
    shown = tuple(groups)
    graph = _graph(compiled, around, values, groups, {line: "cells", STROMA: "s_cells"})
    direct = {(one.source, one.target) for one in graph.influences}
    made = {name for name in shown if all("%" in compiled.system.species[i] for i in groups[name])}
    graph = graph.without([name for name in graph.nodes if name not in shown])
    changed = _changed(scenario, compiled, groups) if line == "K562R" else set()
    nodes = [replace(node, changed=node.name in changed) for node in nodes]
    # What lies between two nodes is followed from the medium to what a complex is made from.
    places = {node.name: node.place for node in nodes}
    strong = [
        one
        for one in graph.influences
        if (one.source, one.target) in direct or (one.target in made and places[one.source] == MEDIUM)
    ]
    edges = one_way(without_shortcuts(strong, direct), shown, least)
    return Wiring(scenario.title or scenario.name, tuple(nodes), implied_left_out(edges, nodes))


def _seen(scenario: Scenario) -> tuple[Compiled, Floats, Floats]:
    """What a scenario is compiled to, states that it goes through, and its parameters."""
    from nicheloop.assays.runs.plan import plan_of
    from nicheloop.assays.simulate import simulate

    single = scenario if not scenario.vary else scenario.wells()[0]
    run = simulate(single)
    compiled = plan_of(single).compiled
    around = run.species[np.isfinite(run.species).all(axis=1)]
    return compiled, around, compiled.vector(run.parameters)


def _graph(
    compiled: Compiled, around: Floats, values: Floats, groups: Groups, cells: Mapping[str, str]
) -> InfluenceGraph:
    """Influences between groups; all other species are nodes of their own, by what they consist of."""
    layout, taken = compiled.layout, {i for species in groups.values() for i in species}
    every = {name: list(species) for name, species in groups.items()}
    for i in (i for i in range(compiled.system.n) if i not in taken):
        name = "other " + ":".join(sorted(layout.monomers[i])) + " " + layout.host[i]
        every.setdefault(name, []).append(i)
    carried = {
        name: [i for i in layout.of_host(host) if "DeadCell" not in layout.monomers[i]]
        for host, name in cells.items()
        if name in groups
    }
    rates = [name for name, _ in compiled.system.network.expressions if name.startswith(GROWTH)]
    return influence_graph(compiled.system, every, carried, values, around, rates)


def _strong(graph: InfluenceGraph, least: float) -> tuple[Influence, ...]:
    return tuple(one for one in graph.influences if one.strength >= least)


def _changed(scenario: Scenario, compiled: Compiled, groups: Groups) -> set[str]:
    """Nodes that a parameter in which K562R differs acts on: their rates name it."""
    from nicheloop.biology.resistance import changed_by

    network = compiled.system.network
    formulas = dict(network.expressions)
    through = {name for name in formulas if name.startswith(GROWTH)}
    layout, found = compiled.layout, set[str]()
    loose = {monomer for i in np.flatnonzero(layout.medium) for monomer in layout.monomers[i]}
    whole = {
        name: set(species)
        for name, species in groups.items()
        if not any(set(species) < set(other) for other in groups.values())  # no part of the cells
        and any(not layout.monomers[i] <= loose for i in species)  # of the cell, not in it
    }
    for quantity in changed_by(scenario.resistance):
        for reaction in network.reactions:
            anchored = any(compiled.anchors["K562R"][i] for i, _ in reaction.change)
            if f"{quantity}_K562R" in _names(reaction.rate, formulas, set() if anchored else through):
                touched = {i for i, _ in reaction.change}
                found |= {name for name, species in whole.items() if touched & species}
    return found


def _names(formula: str, formulas: Mapping[str, str], stop: set[str]) -> set[str]:
    """Names in a formula, also by way of expressions, but not through some of them."""
    seen: set[str] = set()
    todo = _WORD.findall(formula)
    while todo:
        word = todo.pop()
        if word not in seen:
            seen.add(word)
            todo += [] if word in stop else _WORD.findall(formulas.get(word, ""))
    return seen


def _same(a: Wiring, b: Wiring) -> bool:
    def signs(wiring: Wiring) -> dict[tuple[str, str], int]:
        return {(one.source, one.target): one.sign for one in wiring.influences if one.strength > 2 * LEAST}

    weak = {(one.source, one.target): one.sign for one in (*a.influences, *b.influences)}
    return all(weak.get(pair) == sign for pair, sign in {**signs(a), **signs(b)}.items())


def _influences_in(scenario: Scenario, least: float) -> Wiring:
    """Species of a vessel by host and by what they consist of."""
    compiled, around, values = _seen(scenario)
    layout = compiled.layout
    groups: dict[str, list[int]] = {}
    nodes: dict[str, Node] = {}
    for i, species in enumerate(compiled.system.species):
        (label,) = groups_by_monomer([species])
        name = f"{label} {layout.host[i]}".rstrip()
        groups.setdefault(name, []).append(i)
        nodes[name] = Node(name, label, layout.host[i] or MEDIUM)
    cells = {host: f"Cell {host}" for host in scenario.hosts}
    graph = _graph(compiled, around, values, groups, cells)
    graph = graph.without([name for name in groups if ":" in name])
    edges = [
        one
        for one in graph.influences
        if nodes[one.source].label not in ("Cell", "DeadCell") and one.target in nodes
    ]
    told = one_way(edges, tuple(groups), least)
    kept = tuple(node for name, node in nodes.items() if ":" not in name)
    return Wiring(scenario.title or scenario.name, kept, told)
