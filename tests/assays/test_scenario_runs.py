"""What the newer parts of a scenario do: short pulses, doses at the edges, split cultures, treated media.

Both engines; where there is a closed form, against it.
"""

from __future__ import annotations

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.compiled import Layout
from nicheloop.assays.library import load_scenario
from nicheloop.assays.units import to_nanomolar

ENGINES = ("scipy", "batch")
RTOL = {"scipy": 1e-9, "batch": 1e-7}
PLAIN = load_scenario("k562r_growth").with_(duration=24, times=[0, 6, 12, 24])


@pytest.fixture(params=ENGINES)
def run(request):
    """Run a scenario with one of the engines."""

    def simulated(scenario, **options):
        return nl.simulate(scenario, engine=request.param, rtol=RTOL[request.param], **options)

    return simulated


def medium(result):
    return Layout.of(result.species_names).medium


# -- pulses -------------------------------------------------------------------------------------------------

PULSE = ("500 h", "500.5 h")


def pulsed(base, dose, **changes):
    """Imatinib for half an hour at 500 h, then taken out."""
    events = [
        {"at": PULSE[0], "add": {"imatinib": dose}},
        {"at": PULSE[1], "set": {"imatinib": 0}},
    ]
    return base.with_(duration=510, events=events, **changes)


def gauss(start, end, points=8):
    """Nodes and weights to integrate smooth curves between two times."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return start + (nodes + 1) * (end - start) / 2, weights * (end - start) / 2


def test_a_pulse_of_half_an_hour_late_in_a_run_delivers_its_area(run):
    """Without leukaemic cells imatinib is lost at its own rate k: the area is dose (1 - exp(-k/2)) / k."""
    rate = {"imatinib_medium_loss": 0.4}
    nodes, weights = gauss(500.0, 500.5)
    scenario = pulsed(load_scenario("stroma_alone"), "1 uM", times=[0, 499.999, *nodes, 500.5, 510])
    result = run(scenario, parameters=rate)
    free = result["imatinib_medium"]
    expected = 1000 * (1 - np.exp(-0.4 / 2)) / 0.4
    assert weights @ free[2:-2] == pytest.approx(expected, rel=1e-6)
    assert abs(free[[0, 1, -2, -1]]).max() < 1e-9


def test_a_pulse_is_not_stepped_over_where_nobody_looks(run):
    """Whether the pulse is sampled makes no difference to what it leaves behind: cells committed to death."""
    base = load_scenario("k562s_growth").with_(lines={"K562S": "1e3 cells/mL"})
    sparse = run(pulsed(base, "100 uM", times=[510]))
    dense = run(pulsed(base, "100 uM", times=[*np.linspace(499, 502, 61), 510]))
    without = run(base.with_(duration=510, times=[510]))
    for output in ("p_bcr_abl", "viable_cells"):
        assert sparse[output][-1] == pytest.approx(dense[output][-1], rel=1e-4)
    lost = 1 - sparse["viable_cells"][-1] / without["viable_cells"][-1]
    assert lost > 1e-3
    assert lost == pytest.approx(1 - dense["viable_cells"][-1] / without["viable_cells"][-1], rel=1e-2)


# -- doses at the edges -------------------------------------------------------------------------------------


def test_a_dose_at_the_start_is_a_treatment(run):
    treated = run(PLAIN.with_(treatments={"imatinib": 1}))
    dosed = run(PLAIN.with_(events=[{"at": 0, "add": {"imatinib": "1 uM"}}]))
    np.testing.assert_array_equal(treated.species, dosed.species)
    assert treated["imatinib_medium"][0] == pytest.approx(1000.0)


def test_a_dose_at_the_last_sample_shows_there_and_nowhere_else(run):
    plain = run(PLAIN.with_(treatments={"imatinib": 0}))
    dosed = run(PLAIN.with_(events=[{"at": 24, "add": {"imatinib": 1}}]))
    np.testing.assert_array_equal(dosed.species[:-1], plain.species[:-1])
    assert (dosed.species[-1] - plain.species[-1]).sum() == pytest.approx(1000.0)
    assert dosed["imatinib_medium"][-1] == pytest.approx(1000.0)


def test_two_doses_at_the_same_instant_add_up_in_the_order_they_are_listed(run):
    def at_six(*actions):
        return PLAIN.with_(events=[{"at": 6, **action} for action in actions])

    twice = run(at_six({"add": {"imatinib": 1}}, {"add": {"imatinib": 2}}))
    once = run(at_six({"add": {"imatinib": 3}}))
    np.testing.assert_allclose(twice.species, once.species, rtol=1e-9, atol=1e-15)
    add, level = {"add": {"imatinib": 1}}, {"set": {"imatinib": 0.25}}
    assert run(at_six(add, level))["imatinib_medium"][1] == pytest.approx(250.0)
    assert run(at_six(level, add))["imatinib_medium"][1] == pytest.approx(1250.0)


# -- split cultures -----------------------------------------------------------------------------------------


def test_a_passage_takes_its_share_of_cells_and_medium_and_adds_fresh_medium(run):
    start = load_scenario("coculture").with_(treatments={"imatinib": 2}, duration=12, times=[12])
    split = {"at": 12, "passage": {"fraction": 0.75, "treatments": {"imatinib": 1, "il1ra": 10}}}
    # The antagonist is in the vessel, at a dose of zero, so that both have the same species.
    before = run(start.with_(treatments={"il1ra": 0}))
    after = run(start.with_(treatments={"il1ra": 0}, events=[split]))
    added = np.zeros(before.species.shape[1])
    added[before.species_names.index("Imatinib(target=None, host='medium')")] = 0.75 * 1000
    added[before.species_names.index("IL1Ra(r=None)")] = 0.75 * to_nanomolar(10, "il1ra")
    np.testing.assert_allclose(after.species[0], 0.25 * before.species[0] + added, rtol=1e-12, atol=1e-18)
    for host in ("K562R", "stroma"):
        assert after[f"viable_cells:{host}"][0] == pytest.approx(before[f"viable_cells:{host}"][0] / 4)
        assert after[f"nuclear_nfkb:{host}"][0] == pytest.approx(before[f"nuclear_nfkb:{host}"][0])


def test_a_passage_precedes_the_doses_of_its_instant(run):
    split = {"at": 6, "passage": {"fraction": 0.5}, "set": {"imatinib": 1}, "add": {"celecoxib": 2}}
    result = run(PLAIN.with_(treatments={"imatinib": 3}, events=[split]))
    assert result["imatinib_medium"][1] == pytest.approx(1000.0)
    assert result["celecoxib_medium"][1] == pytest.approx(2000.0)


@pytest.mark.parametrize("kind", ["passage", "replace_medium"])
def test_fresh_medium_can_hold_the_dose_of_the_well(kind, run):
    change = {"fraction": 0.5, "treatments": {"il1ra": 10}}
    redosed = PLAIN.with_(
        treatments={"imatinib": 0},
        events=[{"at": 6, kind: {**change, "redose": True}}],
        vary={"imatinib": ["1 uM", "3 uM"]},
    )
    for well, dose in zip(redosed.wells(), (1, 3), strict=True):
        given = {"treatments": {"imatinib": dose, "il1ra": 10}}
        by_hand = well.with_(events=[{"at": 6, kind: {**change, **given}}])
        np.testing.assert_array_equal(run(well).species, run(by_hand).species)
        vehicle = run(well.vehicle())
        assert vehicle["imatinib_medium"].max() == 0
    other = {**change, "treatments": {"imatinib": 7}, "redose": True}
    without = {**other, "redose": False}
    told, plain = (redosed.wells()[0].with_(events=[{"at": 6, kind: how}]) for how in (other, without))
    np.testing.assert_array_equal(run(told).species, run(plain).species)


def test_a_culture_that_is_split_as_fast_as_it_grows_stays_as_it_is(run):
    """Cells far from crowding grow by a factor per day; a split by that factor brings them back."""
    roomy = {"capacity": 1e12}
    day = run(load_scenario("k562s_growth").with_(duration=48, times=[24, 48]), parameters=roomy)
    growth = day["viable_cells"][1] / day["viable_cells"][0]
    events = [{"at": 24 * k, "passage": {"fraction": 1 - 1 / growth}} for k in range(2, 14)]
    long = load_scenario("k562s_growth").with_(
        duration="14 d", times=[24 * k for k in range(2, 14)], events=events
    )
    cells = run(long, parameters=roomy)["viable_cells"]
    np.testing.assert_allclose(cells, cells[0], rtol=0.02)


def test_the_vehicle_is_split_too_and_gets_no_drug():
    scenario = load_scenario("dose_escalation_k562r")
    vehicle = scenario.vehicle()
    assert [event.at for event in vehicle.events] == [event.at for event in scenario.events]
    assert all(event.passage.fraction == 0.5 for event in vehicle.events)
    assert not any(doses for event in vehicle.events for doses in event.doses())
    assert abs(nl.simulate(vehicle)["viability"] - 1).max() == 0


# -- conditioned medium -------------------------------------------------------------------------------------

SOURCE = load_scenario("coculture").with_(
    treatments={"anti_il1b": 1, "imatinib": 1, "il1r2": 5, "anti_cxcl11": 1}, duration=24
)
SMALL = {"Imatinib(target=None, host='medium')", "PGE2()"}


def conditioned(**medium_changes):
    return PLAIN.with_(conditioned_medium={"scenario": SOURCE, "hours": 24, **medium_changes}, times=[0])


def dissolved(result):
    """Amounts in the medium at the start, by species."""
    return {
        name: amount
        for name, amount, there in zip(result.species_names, result.species[0], medium(result), strict=True)
        if there
    }


def test_conditioned_medium_carries_the_medium_and_none_of_the_cells(run):
    harvest = run(SOURCE.with_(times=[24]))
    given, plain = run(conditioned()), run(PLAIN.with_(times=[0]))
    found, there = dissolved(given), dissolved(harvest)
    for name, amount in there.items():
        if "layer" not in name:
            assert found[name] == pytest.approx(amount, rel=1e-6, abs=1e-15), name
    layered = [sum(v for name, v in side.items() if "layer" in name) for side in (found, there)]
    assert layered[0] == pytest.approx(layered[1], rel=1e-6)
    assert layered[0] > 0
    cells = {
        name: a for name, a in zip(plain.species_names, plain.species[0], strict=True) if "host='K" in name
    }
    now = dict(zip(given.species_names, given.species[0], strict=True))
    assert all(now[name] == pytest.approx(amount, rel=1e-12) for name, amount in cells.items())
    assert sum(amount for name, amount in now.items() if "host='K" in name) == pytest.approx(
        sum(cells.values())
    )
    assert not any("host='stroma'" in name for name in now)


def test_a_one_to_one_dilution_halves_it(run):
    whole, half = (dissolved(run(conditioned(fraction=fraction))) for fraction in (1.0, 0.5))
    assert sum(whole.values()) > 0
    assert half == pytest.approx({name: amount / 2 for name, amount in whole.items()}, rel=1e-9, abs=0)


def test_boiling_leaves_small_molecules_only(run):
    raw, boiled = dissolved(run(conditioned())), dissolved(run(conditioned(boiled=True)))
    assert raw.keys() == boiled.keys()
    assert all(raw[name] > 0 for name in SMALL)
    assert sum(amount > 0 for amount in raw.values()) > len(SMALL) + 8
    for name, amount in raw.items():
        assert boiled[name] == (pytest.approx(amount, rel=1e-12) if name in SMALL else 0), name


@pytest.mark.parametrize(
    ("solutes", "monomers"),
    [(["il1b"], {"IL1B"}), (["cxcl11"], {"CXCL11"}), (["il1a", "anti_il1b"], {"IL1A", "AntiIL1B"})],
)
def test_depletion_takes_a_solute_with_its_complexes_and_nothing_else(solutes, monomers):
    raw, left = (dissolved(nl.simulate(conditioned(depleted=some))) for some in ([], solutes))
    taken = 0
    for name, amount in raw.items():
        gone = any(part.partition("(")[0].strip() in monomers for part in name.split("%"))
        assert left[name] == (0 if gone else amount), name
        taken += gone and amount > 0
    assert taken >= 2


def test_depleting_what_is_not_there_changes_nothing():
    raw, left = (
        dissolved(nl.simulate(conditioned(depleted=some))) for some in ([], ["jak_inhibitor", "ifng"])
    )
    assert left == raw


def test_a_medium_can_be_boiled_and_depleted():
    both = dissolved(nl.simulate(conditioned(boiled=True, depleted=["imatinib"], fraction=0.5)))
    assert {name for name, amount in both.items() if amount > 0} == {"PGE2()"}


# -- knock-down ---------------------------------------------------------------------------------------------


def test_a_knock_down_sets_in_when_it_is_told_to(run):
    scenario = load_scenario("il1b_knockdown_onset").with_(times=[0, 12, 24, 30, 36, 48])
    plain = run(scenario.with_(events=[]))["il1b_mRNA"]
    silenced = run(scenario)["il1b_mRNA"]
    np.testing.assert_allclose(silenced[:3], plain[:3], rtol=1e-5)
    assert (silenced[3:] < plain[3:]).all()
    assert (np.diff((silenced / plain)[2:]) < 0).all()
    assert silenced[-1] < 0.5 * plain[-1]
