from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nicheloop.equations import Network, Reaction, System, compile_network
from nicheloop.integrate import Period, balanced_growth, integrate_periods, steady_state
from nicheloop.integrate.flow import conservation_laws

SPECIES = ("cell", "mRNA", "protein", "ligand", "receptor", "bound", "idle", "active", "drug")
TOTAL = 3.3e-7
DEFAULTS = {
    "grow": 0.03, "room": 3.3e-6, "gain": 0.01, "h": 2.0, "half": 100.0, "death": 0.002, "made": 10.0,
    "lift": 5.0, "lift_half": 1e4, "d_mRNA": 0.3, "translation": 50.0, "d_protein": 0.1, "secretion": 0.5,
    "d_ligand": 0.02, "receptors": 500.0, "d_receptor": 0.06, "on": 4.0, "off": 0.2, "taken_up": 0.5,
    "kinase": 5000.0, "d_kinase": 0.05, "activation": 1.0, "deactivation": 0.5,
}  # fmt: skip


def culture_network() -> Network:
    """Cells with contents; their ligand binds them, activates a kinase, speeds growth and its own making."""
    expressions = (
        ("bound_per_cell", "Piecewise((bound_total/cells, cells > 0), (0, True))"),
        ("signal", "bound_per_cell**h/(half**h + bound_per_cell**h)"),
        ("growth", "grow*(1 - cells/room) + gain*signal"),
        ("kinase_per_cell", "Piecewise((active_total/cells, cells > 0), (0, True))"),
        ("transcription", "made*(1 + lift*kinase_per_cell/(lift_half + kinase_per_cell))"),
    )
    observables = (("cells", ((0, 1.0),)), ("bound_total", ((5, 1.0),)), ("active_total", ((7, 1.0),)))
    lines = [
        ("growth*__s0", {0: 1}), ("death*__s0", {0: -1}),
        ("transcription*__s0", {1: 1}), ("d_mRNA*__s1", {1: -1}),
        ("translation*__s1", {2: 1}), ("d_protein*__s2", {2: -1}), ("secretion*__s2", {2: -1, 3: 1}),
        ("d_ligand*__s3", {3: -1}), ("receptors*__s0", {4: 1}), ("d_receptor*__s4", {4: -1}),
        ("on*__s3*__s4", {3: -1, 4: -1, 5: 1}), ("off*__s5", {3: 1, 4: 1, 5: -1}), ("taken_up*__s5", {5: -1}),
        ("kinase*__s0", {6: 1}), ("d_kinase*__s6", {6: -1}), ("d_kinase*__s7", {7: -1}),
        ("activation*signal*__s6", {6: -1, 7: 1}), ("deactivation*__s7", {6: 1, 7: -1}),
        ("off*__s8", {8: -1}),
    ]  # fmt: skip
    lines += [(f"death*__s{i}", {i: -1}) for i in (1, 2, 4, 5, 6, 7)]
    reactions = tuple(Reaction(rate, tuple(sorted(change.items()))) for rate, change in lines)
    names, values = tuple(DEFAULTS), tuple(DEFAULTS.values())
    return Network("culture", SPECIES, names, values, expressions, observables, reactions, ())


@pytest.fixture(scope="module")
def culture() -> System:
    return compile_network(culture_network())


CELLS_ONLY = np.eye(len(SPECIES))[0]


def test_without_feedback_the_culture_has_its_closed_form(culture: System) -> None:
    p = culture.parameter_vector({"gain": 0.0, "lift": 0.0, "on": 0.0})
    v = dict(zip(culture.parameters, p, strict=True))
    found = balanced_growth(culture, p, CELLS_ONLY * 5.0, CELLS_ONLY, TOTAL)  # the guess is scaled
    growth = v["grow"] * (1 - TOTAL / v["room"])
    mu, loss = growth - v["death"], growth  # contents die with their cell and are diluted: together growth
    mrna = v["made"] / (v["d_mRNA"] + loss)
    protein = v["translation"] * mrna / (v["d_protein"] + v["secretion"] + loss)
    ligand = v["secretion"] * protein / (v["d_ligand"] + mu)
    expected = [1, mrna, protein, ligand, v["receptors"] / (v["d_receptor"] + loss), 0]
    expected += [v["kinase"] / (v["d_kinase"] + loss), 0, 0]
    assert (found.status, found.message) == ("ok", "")
    assert found.growth_rate == pytest.approx(mu, rel=1e-10)
    np.testing.assert_allclose(found.y / TOTAL, expected, rtol=1e-9, atol=1e-20)


def test_a_seeded_culture_stays_balanced_per_cell(culture: System) -> None:
    p = culture.parameter_vector()
    found = balanced_growth(culture, p, CELLS_ONLY, CELLS_ONLY, TOTAL)
    assert found.residual < 1e-9
    assert found.y[5] > 1e-3 * found.y[4]  # the loop through the medium is closed
    np.testing.assert_allclose(culture.rhs(found.y, p), found.growth_rate * found.y, rtol=1e-8, atol=1e-22)
    assert found.y[0] == pytest.approx(TOTAL, rel=1e-12)


def test_random_cultures_are_found(culture: System) -> None:
    r = np.random.default_rng(11)
    place = culture.parameter_index
    for _ in range(60):
        p = culture.parameter_vector() * 10 ** r.uniform(-2, 2, len(DEFAULTS))
        p[place("h")], p[place("room")] = r.uniform(0.7, 4), TOTAL * r.uniform(3, 30)
        p[place("death")] = 0.3 * p[place("grow")]
        found = balanced_growth(culture, p, CELLS_ONLY, CELLS_ONLY, TOTAL)
        assert found.status == "ok"
        assert (found.y >= 0).all()
        assert found.y[8] == 0
        assert found.growth_rate > 0
        rate = culture.rhs(found.y, p)
        np.testing.assert_allclose(
            rate, found.growth_rate * found.y, rtol=1e-6, atol=1e-9 * np.abs(rate).max()
        )


def test_it_is_the_state_that_dilution_reaches(culture: System) -> None:
    p = culture.parameter_vector()
    found = balanced_growth(culture, p, CELLS_ONLY, CELLS_ONLY, TOTAL)
    y = CELLS_ONLY * TOTAL
    for _ in range(400):  # a turbidostat by hand: grow for an hour, dilute everything to the same density
        grown = integrate_periods(culture, [Period(0, 1, p)], y, [1.0], rtol=1e-9, atol=1e-18).y[0]
        y = grown * (TOTAL / grown[0])
    np.testing.assert_allclose(y, found.y, rtol=2e-2, atol=1e-15)  # density moves by 3 % within each hour


def test_a_shrinking_culture_that_piles_up_fails_with_a_reason(culture: System) -> None:
    p = culture.parameter_vector({"death": 0.5, "d_ligand": 0.001})
    found = balanced_growth(culture, p, CELLS_ONLY, CELLS_ONLY, TOTAL)
    assert found.status == "failed"
    assert "shrinks" in found.message
    assert np.isnan(found.y).all()
    assert -0.5 < found.growth_rate < -0.4  # it dies at 0.5 and still divides at up to 0.04


def test_a_sustained_oscillation_gives_the_state_it_circles() -> None:
    # the Brusselator, A = 1, B = 3: unstable focus at (1, 3)
    lines = (
        Reaction("a", ((0, 1),)),
        Reaction("__s0**2*__s1", ((0, 1), (1, -1))),
        Reaction("b*__s0", ((0, -1), (1, 1))),
        Reaction("__s0", ((0, -1),)),
    )
    system = compile_network(Network("brusselator", ("X", "Y"), ("a", "b"), (1.0, 3.0), (), (), lines, ()))
    found = steady_state(system, system.parameter_vector(), [0.5, 1.0])
    assert found.status == "ok"
    assert "does not come to rest" in found.message
    np.testing.assert_allclose(found.y, [1.0, 3.0], rtol=1e-9)
    quiet = steady_state(system, system.parameter_vector({"b": 1.5}), [0.5, 1.0])
    assert quiet.message == ""
    np.testing.assert_allclose(quiet.y, [1.0, 1.5], rtol=1e-9)


def test_a_closed_system_keeps_what_it_conserves() -> None:
    lines = (
        Reaction("on*__s0*__s1", ((0, -1), (1, -1), (2, 1))),
        Reaction("off*__s2", ((0, 1), (1, 1), (2, -1))),
    )
    system = compile_network(
        Network("binding", ("A", "B", "AB", "inert"), ("on", "off"), (2.0, 1e-3), (), (), lines, ())
    )
    found = steady_state(system, system.parameter_vector(), [5.0, 1e-6, 0.0, 7.0])
    kd, a, b = 5e-4, 5.0, 1e-6
    ab = ((a + b + kd) - np.sqrt((a + b + kd) ** 2 - 4 * a * b)) / 2
    ab = a * b / (a + b + kd - ab)  # the same root without cancellation
    assert found.status == "ok"
    assert found.growth_rate == 0
    np.testing.assert_allclose(found.y, [a - ab, b - ab, ab, 7.0], rtol=1e-9, atol=1e-16)
    laws, dependent = conservation_laws(system.network)
    assert laws.shape == (3, 4)
    assert len(set(dependent)) == 3
    for reaction in lines:
        change = np.zeros(4)
        change[[i for i, _ in reaction.change]] = [c for _, c in reaction.change]
        np.testing.assert_allclose(laws @ change, 0.0, atol=1e-14)


def test_a_system_without_rest_fails() -> None:
    network = Network("source", ("A",), ("k",), (1.0,), (), (), (Reaction("k", ((0, 1),)),), ())
    system = compile_network(network)
    assert steady_state(system, [1.0], [0.0]).status == "failed"
    exploding = compile_network(dataclasses.replace(network, reactions=(Reaction("k*__s0**2", ((0, 1),)),)))
    assert steady_state(exploding, [1.0], [1.0]).status == "failed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"total": 0.0}, "total must be positive"),
        ({"total": np.nan}, "total must be positive"),
        ({"anchor": np.zeros(9)}, "the guess must hold"),
        ({"anchor": -CELLS_ONLY}, "must not be negative"),
        ({"guess": np.eye(9)[1]}, "the guess must hold"),
        ({"guess": np.ones(3)}, "guess must have shape"),
        ({"parameters": np.full(len(DEFAULTS), np.nan)}, "parameters holds a non-finite value"),
    ],
)
def test_misuse_is_an_error_that_helps(culture: System, changes: dict, expected: str) -> None:
    sound = {
        "parameters": culture.parameter_vector(),
        "guess": CELLS_ONLY,
        "anchor": CELLS_ONLY,
        "total": 1.0,
    }
    with pytest.raises(ValueError, match=expected):
        balanced_growth(culture, **{**sound, **changes})
