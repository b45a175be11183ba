"""Signed graphs from the equations: known small systems, chains through what is not shown, carriers."""

from __future__ import annotations

import numpy as np

from nicheloop.equations.influence import Influence, InfluenceGraph, groups_by_monomer, influence_graph
from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import compile_network


def network(species: tuple[str, ...], reactions: list[tuple[str, dict[int, int]]]) -> Network:
    return Network(
        name="small",
        species=species,
        parameters=("k", "d"),
        values=(2.0, 0.3),
        expressions=(("growth", "d/(1 + __s0)"),),
        observables=(),
        reactions=tuple(Reaction(rate, tuple(sorted(change.items()))) for rate, change in reactions),
        initials=tuple((i, "k") for i in range(len(species))),
    )


def signs(graph: InfluenceGraph) -> dict[tuple[str, str], int]:
    return {(one.source, one.target): one.sign for one in graph.influences}


def test_activation_inhibition_and_what_does_either() -> None:
    found = network(
        ("A()", "B()", "C()"),
        [("k*__s0/(1 + __s1)", {2: 1}), ("d*__s2", {2: -1}), ("__s2*(1 - __s2/k)*__s1", {0: 1})],
    )
    assert signs(influence_graph(compile_network(found), states=40)) == {
        ("A", "C"): 1,
        ("B", "C"): -1,
        ("B", "A"): 0,
        ("C", "A"): 0,
    }


def test_partners_that_bind_take_each_other_and_make_the_complex() -> None:
    found = network(
        ("A(b=None)", "B(a=None)", "A(b=1) % B(a=1)"),
        [("k*__s0*__s1", {0: -1, 1: -1, 2: 1}), ("d*__s2", {0: 1, 1: 1, 2: -1})],
    )
    graph = influence_graph(compile_network(found))
    assert graph.nodes == ("A", "B", "A:B")
    assert graph.sign("A", "B") == graph.sign("B", "A") == -1
    assert graph.sign("A", "A:B") == graph.sign("A:B", "A") == 1


def test_what_multiplies_cells_with_all_they_hold_acts_on_the_cells_alone() -> None:
    # Species 0 is a cell, 1 its content, 2 a poison that kills both at one rate.
    found = network(
        ("Cell()", "X()", "Poison()"),
        [
            ("k*__s0", {0: 1}),
            ("k*__s1", {1: 1}),
            ("d*__s2*__s0", {0: -1}),
            ("d*__s2*__s1", {1: -1}),
        ],
    )
    system = compile_network(found)
    plain = signs(influence_graph(system))
    carried = signs(influence_graph(system, carried={"Cell": [1]}))
    assert plain["Poison", "X"] == -1
    assert carried == {("Poison", "Cell"): -1}


def test_an_expression_that_is_held_constant_tells_nothing_of_what_is_carried() -> None:
    # Cells divide the slower the more there are, and so dilute less what each makes: X per cell rises.
    found = network(("Cell()", "X()"), [("growth*__s0", {0: 1}), ("d*__s0", {1: 1}), ("k*__s1", {1: -1})])
    system = compile_network(found)
    groups = {"Cell": [0], "X": [1]}
    free = influence_graph(system, groups, {"Cell": [1]})
    held = influence_graph(system, groups, {"Cell": [1]}, constant=["growth"])
    assert free.sign("Cell", "X") == 1
    assert held.sign("Cell", "X") is None


def test_nodes_left_out_join_their_ends() -> None:
    chain = InfluenceGraph(
        ("drug", "receptor", "complex", "rival"),
        (
            Influence("drug", "receptor", -1, 0.5),
            Influence("receptor", "complex", 1, 0.5),
            Influence("receptor", "rival", -1, 1.0),
        ),
    )
    short = chain.without(["receptor"])
    assert short.nodes == ("drug", "complex", "rival")
    assert short.influences == (Influence("drug", "complex", -1, 0.25),)
    assert chain.without(["receptor"], least=0.3).influences == ()


def test_a_direct_influence_stays_when_a_stronger_way_round_is_joined() -> None:
    graph = InfluenceGraph(
        ("a", "b", "c"),
        (Influence("a", "c", -1, 0.1), Influence("a", "b", 1, 1.0), Influence("b", "c", 1, 1.0)),
    )
    assert graph.without(["b"]).sign("a", "c") == -1


def test_species_are_grouped_by_what_they_consist_of() -> None:
    assert groups_by_monomer(["A(x='u')", "A(x='p')", "B(a=1) % A(b=1)", "__weird"]) == {
        "A": [0, 1],
        "A:B": [2],
        "__weird": [3],
    }


def test_the_same_graph_each_time() -> None:
    found = network(("A()", "B()"), [("k*__s0", {1: 1}), ("d*__s1", {1: -1})])
    first, second = (influence_graph(compile_network(found)) for _ in range(2))
    assert first == second
    assert np.isclose(first.influences[0].strength, 1.0)
