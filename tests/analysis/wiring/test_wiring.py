"""The network diagram is what the rules say: known arrows, no others where there are no rules."""

from __future__ import annotations

import pytest

import nicheloop as nl
from nicheloop.analysis.wiring.arrows import without_shortcuts
from nicheloop.analysis.wiring.find import find_mechanism, influence_wiring, mechanism_wiring
from nicheloop.analysis.wiring.graph import Wiring
from nicheloop.analysis.wiring.layered import layered
from nicheloop.analysis.wiring.shipped import shipped_wiring
from nicheloop.equations.influence import Influence

KNOWN = {
    ("drug_inside", "bcr_abl"): -1,
    ("abcb1", "drug_inside"): -1,
    ("bcr_abl", "stat5"): 1,
    ("guardians", "bim"): -1,
    ("commitment", "cells"): -1,
    ("nfkb", "il1b_mrna"): 1,
    ("pro_il1b", "il1b"): 1,
    ("il1b", "il1r"): 1,
    ("il1b", "s_il1r"): 1,
    ("il1ra", "s_il1r"): -1,
    ("anti_il1b", "il1b"): -1,
    ("s_nfkb", "s_mrna"): 1,
    ("jak_inhibitor", "s_stat1"): -1,
    ("s_stored", "cxcl11"): 1,
    ("cxcl11", "cxcr3"): 1,
    ("cxcr3_antagonist", "in_stroma"): -1,
}


def signs(wiring: Wiring) -> dict[tuple[str, str], int]:
    return {(one.source, one.target): one.sign for one in wiring.influences}


@pytest.fixture(scope="module")
def whole() -> Wiring:
    return find_mechanism()


def test_the_whole_model_has_the_arrows_of_its_mechanisms(whole: Wiring) -> None:
    found = signs(whole)
    assert {pair: found.get(pair) for pair in KNOWN} == KNOWN
    assert whole.places == ("medium", "K562R", "stroma")
    assert whole.same == ("K562S",)


def test_what_is_kept_is_what_the_rules_say(whole: Wiring) -> None:
    kept = shipped_wiring()
    assert kept is not None, "run: python -m nicheloop.analysis.wiring.shipped"
    assert signs(kept) == signs(whole)
    assert (kept.nodes, kept.same, kept.title) == (whole.nodes, whole.same, whole.title)
    assert mechanism_wiring() == kept


def test_nothing_acts_on_what_only_a_user_adds(whole: Wiring) -> None:
    given = {"celecoxib", "ifng", "jak_inhibitor"}
    assert not given & {one.target for one in whole.influences}


def test_marked_are_the_places_where_k562r_differs(whole: Wiring) -> None:
    assert {node.name for node in whole.nodes if node.changed} == {"bcr_abl", "cells", "il1b_mrna"}


def test_a_scenario_shows_what_is_in_its_vessel() -> None:
    alone = mechanism_wiring(nl.load_scenario("imatinib_k562r"))
    assert alone.places == ("medium", "K562R")
    assert "cxcr3_antagonist" not in {node.name for node in alone.nodes}
    assert signs(alone)["drug_inside", "bcr_abl"] == -1


def test_the_influence_map_of_the_vessel_and_of_any_system() -> None:
    found = influence_wiring("imatinib_k562r")
    assert signs(found)["Imatinib K562R", "BcrAbl K562R"] == -1
    from nicheloop.analysis.wiring.find import _seen

    system = _seen(nl.load_scenario("imatinib_k562r"))[0].system
    assert signs(influence_wiring(system))["Commitment", "Cell"] == -1


def test_layers_put_causes_above_effects_and_cut_cycles() -> None:
    names, edges = ["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "b"), ("a", "d")]
    found = layered(names, edges, dict.fromkeys(names, 0), {0: 2})
    rows = {name: row for name, (_, row, _) in found.items()}
    assert rows["a"] < rows["b"] < rows["c"]
    assert rows["d"] == rows["b"]
    crowded = layered(names, [], dict.fromkeys(names, 0), {0: 2})
    assert sorted(row for _, row, _ in crowded.values()) == [0, 0, 1, 1]


def test_what_is_absent_at_first_does_not_hide_a_chain() -> None:
    found = signs(mechanism_wiring("s4_il1b_on_stroma"))
    assert found["il1b", "s_il1r"] == found["s_il1r", "s_irak"] == found["s_mrna", "s_stored"] == 1


def test_what_acts_either_way_is_drawn() -> None:
    # Little CXCL11 draws cells through the insert, much of it holds them: a bell.
    assert signs(find_mechanism("transwell_cxcl11"))["cxcl11", "in_stroma"] == 0


def shortcut(sign: int, *ways: tuple[int, int]) -> bool:
    """Whether an indirect influence from a to z is left out, with ways over b, c, ... of these signs."""
    steps = [
        Influence(*pair, sign, 1.0)
        for name, (first, second) in zip("bcd", ways, strict=False)
        for pair, sign in ((("a", name), first), ((name, "z"), second))
    ]
    direct = {(one.source, one.target) for one in steps}
    kept = without_shortcuts([*steps, Influence("a", "z", sign, 1.0)], direct)
    assert set(steps) <= set(kept)
    return len(kept) == len(steps)


def test_a_shortcut_is_told_by_any_of_several_ways() -> None:
    assert shortcut(1, (1, 1), (1, -1))
    assert shortcut(-1, (1, 1), (1, -1))
    assert shortcut(1, (1, -1), (-1, -1))
    assert shortcut(0, (1, 1), (1, -1))
    assert shortcut(0, (0, 1))
    assert not shortcut(0, (1, 1))
    assert not shortcut(1, (1, -1))
