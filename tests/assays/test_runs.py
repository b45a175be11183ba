"""What happens in the vessel: doses, washes, transfers, cells; each compared with a computation by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicheloop.assays.compiled import Layout, compiled, load_network, stock_system
from nicheloop.assays.library import load_scenario
from nicheloop.assays.runs.plan import Edit, plan_of
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.settings import Settings
from nicheloop.assays.simulate import simulate
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML, to_nanomolar

TIGHT = 1e-9
PLAIN = load_scenario("k562r_growth").with_(duration=24, times=[0, 6, 12, 24])


def medium(run):
    return Layout.of(run.species_names).medium


def of(run, name):
    return run.species[:, [i for i, species in enumerate(run.species_names) if species.startswith(name)]]


# -- doses --------------------------------------------------------------------------------------------------


def test_a_dose_at_the_start_is_a_treatment():
    treated = simulate(PLAIN.with_(treatments={"imatinib": 1}))
    dosed = simulate(PLAIN.with_(events=[{"at": 0, "add": {"imatinib": "1 uM"}}]))
    np.testing.assert_array_equal(treated.species, dosed.species)
    assert treated["imatinib_medium"][0] == pytest.approx(1000.0)


def test_a_dose_at_the_last_sample_shows_there_and_nowhere_else():
    plain = simulate(PLAIN.with_(treatments={"imatinib": 0}))
    dosed = simulate(PLAIN.with_(events=[{"at": 24, "add": {"imatinib": 1}}]))
    np.testing.assert_array_equal(dosed.species[:-1], plain.species[:-1])
    difference = dosed.species[-1] - plain.species[-1]
    assert difference.sum() == pytest.approx(1000.0)
    assert dosed["imatinib_medium"][-1] == pytest.approx(1000.0)


def test_two_doses_at_the_same_instant_add_up():
    twice = PLAIN.with_(events=[{"at": 6, "add": {"imatinib": 1}}, {"at": 6, "add": {"imatinib": 2}}])
    once = PLAIN.with_(events=[{"at": 6, "add": {"imatinib": 3}}])
    np.testing.assert_allclose(simulate(twice).species, simulate(once).species, rtol=1e-12)


def test_events_of_one_instant_happen_in_the_order_they_are_listed():
    add, level = {"at": 6, "add": {"imatinib": 1}}, {"at": 6, "set": {"imatinib": 0.25}}
    assert simulate(PLAIN.with_(events=[add, level]))["imatinib_medium"][1] == pytest.approx(250.0)
    assert simulate(PLAIN.with_(events=[level, add]))["imatinib_medium"][1] == pytest.approx(1250.0)


def test_a_short_late_pulse_delivers_its_area():
    """0.5 h at t = 500 h, with a drug that nothing consumes in stroma: the area is dose x time."""
    pulse = load_scenario("stroma_alone").with_(
        duration=510,
        times=np.linspace(499, 502, 3001),
        events=[{"at": 500, "set": {"jak_inhibitor": 100}}, {"at": 500.5, "set": {"jak_inhibitor": 0}}],
    )
    run = simulate(pulse)
    area = float(np.sum(run["jak_inhibitor_medium"][:-1] * np.diff(run.time)))
    assert area == pytest.approx(50.0, rel=1e-6)
    assert run["jak_inhibitor_medium"][-1] == 0.0


# -- washing ------------------------------------------------------------------------------------------------


def test_a_wash_takes_its_fraction_of_the_medium_and_nothing_of_the_cells():
    start = PLAIN.with_(treatments={"imatinib": 1, "il1ra": 100})
    before = simulate(start.with_(duration=12, times=[12]))
    after = simulate(start.with_(duration=12, times=[12], events=[{"at": 12, "wash_out": 0.9}]))
    dissolved = medium(before)
    np.testing.assert_allclose(after.species[0, dissolved], 0.1 * before.species[0, dissolved], rtol=1e-12)
    np.testing.assert_array_equal(after.species[0, ~dissolved], before.species[0, ~dissolved])


def test_a_kept_solute_stays_with_its_complexes():
    start = PLAIN.with_(treatments={"anti_il1b": 1, "imatinib": 1}, duration=12, times=[12])
    before = simulate(start)
    after = simulate(start.with_(events=[{"at": 12, "wash_out": {"keep": ["anti_il1b"]}}]))
    stays = [i for i, name in enumerate(before.species_names) if "AntiIL1B" in name]
    assert len(stays) == 2
    np.testing.assert_array_equal(after.species[0, stays], before.species[0, stays])
    goes = [i for i in np.flatnonzero(medium(before)) if i not in stays]
    assert np.all(after.species[0, goes] == 0)


def test_half_a_medium_change_mixes_old_and_new():
    start = PLAIN.with_(treatments={"imatinib": 2}, duration=6, times=[6])
    change = {"at": 6, "replace_medium": {"fraction": 0.5, "treatments": {"imatinib": 1, "il1ra": 10}}}
    before, after = simulate(start), simulate(start.with_(events=[change]))
    assert after["imatinib_medium"][0] == pytest.approx(0.5 * before["imatinib_medium"][0] + 500.0)
    expected = 0.5 * before["il1ra_medium"][0] + 0.5 * to_nanomolar(10, "il1ra")
    assert after["il1ra_medium"][0] == pytest.approx(expected)


edits = st.builds(Edit, *(st.lists(st.floats(0, 10), min_size=3, max_size=3).map(np.array) for _ in range(4)))


@settings(deadline=None)
@given(edits, edits, st.lists(st.floats(0, 10), min_size=3, max_size=3).map(np.array), st.floats(0, 1))
def test_edits_compose(first, second, state, lower):
    def apply(edit, y):
        return y * edit.scale + edit.total_shift(lower)

    np.testing.assert_allclose(
        apply(first.then(second), state), apply(second, apply(first, state)), rtol=1e-12
    )


# -- conditioned medium -------------------------------------------------------------------------------------

SOURCE = load_scenario("coculture").with_(treatments={"anti_il1b": 1}, duration=30)


def conditioned(fraction, **changes):
    data = {"scenario": SOURCE, "hours": 24, "fraction": fraction}
    return PLAIN.with_(conditioned_medium=data, times=[0, 24], **changes)


def test_conditioned_medium_carries_exactly_the_medium_species():
    source = simulate(SOURCE.with_(duration=24, times=[24]))
    plain, given_medium = simulate(PLAIN), simulate(conditioned(1.0))
    harvest = dict(zip(source.species_names, source.species[0], strict=True))
    start = dict(zip(given_medium.species_names, given_medium.species[0], strict=True))
    untouched = dict(zip(plain.species_names, plain.species[0], strict=True))
    names = np.array(source.species_names)[medium(source)]
    assert "AntiIL1B" in " ".join(names)
    for name in names:
        if "layer" not in name:
            assert start[name] == pytest.approx(harvest[name], rel=1e-12), name
    assert all(start[name] == amount for name, amount in untouched.items() if "host=" in name and amount > 0)
    assert not any("host='stroma'" in name for name in start)


def test_layers_are_mixed_when_medium_is_taken():
    source = simulate(SOURCE.with_(duration=24, times=[24]))
    target = simulate(conditioned(1.0).with_(lines={"K562R": 0.0}))
    for form in ("intact", "clipped"):
        upper, lower = ([f"layer='{layer}', form='{form}'"] for layer in ("upper", "lower"))

        def total(run, keys):
            return sum(
                run.species[0, i]
                for i, name in enumerate(run.species_names)
                if name.startswith("CXCL11(") and "%" not in name and keys[0] in name
            )

        amount = total(source, upper) + total(source, lower)
        share = target.parameters["lower_volume_fraction"]
        assert amount > 0
        assert total(target, lower) == pytest.approx(amount * share, rel=1e-12)
        assert total(target, upper) == pytest.approx(amount * (1 - share), rel=1e-12)


def test_a_one_to_one_dilution_halves_the_medium():
    whole, half = simulate(conditioned(1.0)), simulate(conditioned(0.5))
    dissolved = medium(whole)
    np.testing.assert_allclose(half.species[0, dissolved], 0.5 * whole.species[0, dissolved], rtol=1e-12)
    np.testing.assert_array_equal(half.species[0, ~dissolved], whole.species[0, ~dissolved])


def test_treatments_come_on_top_of_conditioned_medium():
    plain, dosed = simulate(conditioned(0.5)), simulate(conditioned(0.5, treatments={"il1b": 100}))
    added = dosed["il1b_medium"][0] - plain["il1b_medium"][0]
    assert added == pytest.approx(to_nanomolar(100, "il1b"))


def test_the_conditioning_run_takes_resistance_and_promoter_of_its_user():
    plan = plan_of(conditioned(1.0, resistance="efflux", promoter="ifnb"))
    assert plan.transfer.plan.scenario.resistance == "efflux"
    assert plan.transfer.plan.scenario.promoter == "ifnb"


# -- cells --------------------------------------------------------------------------------------------------


def test_washed_cells_have_the_contents_of_the_stock_culture_and_no_medium():
    specimen = Specimen({}, Settings())
    scenario = PLAIN.with_(lines={"K562R": "5e4 cells/mL"})
    stock = specimen.stock("K562R", scenario.promoter, scenario.resistance, scenario.parameters)
    system = stock_system(scenario.promoter, "K562R")
    cells = stock.state[system.layout.cells("K562R")].sum()
    run = simulate(scenario)
    names = {name: i for i, name in enumerate(run.species_names)}
    seeded = 5e4 * NANOMOLAR_PER_CELL_PER_ML
    assert cells == pytest.approx(3e5 * NANOMOLAR_PER_CELL_PER_ML)  # the density of the table
    for i, name in enumerate(system.system.species):
        if system.layout.host[i] and not name.startswith("Cell("):
            assert run.species[0, names[name]] / seeded == pytest.approx(stock.state[i] / cells), name
        elif not system.layout.host[i]:
            assert run.species[0, names[name]] == 0.0
    assert run["viable_cells"][0] == pytest.approx(5e4)
    assert run["migrated"][0] == 0.0


def test_nothing_of_a_cell_moves_unless_the_medium_does():
    """Cells put back at stock density into the medium of the stock culture grow on as they did."""
    specimen = Specimen({"capacity": 1e12}, Settings())
    system = stock_system("nfkb", "K562R")
    stock = specimen.stock("K562R", "nfkb", "mixed", PLAIN.parameters)
    vector = specimen.vector(system, "mixed", PLAIN.parameters)
    slope = system.system.rhs(stock.state, vector)
    growth = slope[system.layout.cells("K562R")].sum() / stock.state[system.layout.cells("K562R")].sum()
    turnover = np.abs(stock.state) + 1e-12
    assert np.max(np.abs(slope - growth * stock.state) / turnover) < 1e-4
    assert growth == pytest.approx(stock.outputs[system.outputs["growth_rate_K562R"]], rel=1e-6)


def test_zero_cells_of_a_host_are_as_good_as_none():
    alone = load_scenario("imatinib_k562r")
    accompanied = simulate(alone.with_(lines={"K562S": 0.0}))
    names = accompanied.species_names
    absent = [i for i, name in enumerate(names) if "host='K562S'" in name]
    assert len(absent) > 20
    assert np.max(np.abs(accompanied.species[:, absent])) < 1e-15  # round-off of the linear solver, nM
    reference = simulate(alone)
    for readout in ("viable_cells", "il1b", "p_bcr_abl"):
        key = readout if readout == "il1b" else f"{readout}:K562R"
        np.testing.assert_allclose(accompanied[key], reference[key], rtol=1e-6)
    assert np.max(np.abs(accompanied["viable_cells:K562S"])) < 1e-3


def test_half_the_volume_at_the_same_densities_changes_nothing():
    whole = load_scenario("transwell_stroma").with_(treatments={"cxcl11": 10})
    half = whole.with_(vessel={"upper_volume": "50 uL", "lower_volume": "300 uL"})
    np.testing.assert_allclose(simulate(half).species, simulate(whole).species, rtol=1e-9)


def test_the_layer_of_a_dose_sets_its_local_concentration():
    scenario = load_scenario("transwell_cxcl11")
    dose = to_nanomolar(100, "cxcl11")
    for layer, expected in (("upper", (dose, 0)), ("lower", (0, dose)), ("both", (dose, dose))):
        run = simulate(scenario.with_(cxcl11_layer=layer, times=[0]))
        local = run["cxcl11_local_upper"][0], run["cxcl11_local_lower"][0]
        assert local == pytest.approx(expected)


def test_a_knock_down_can_be_stable_or_start_later():
    plain = simulate(PLAIN)["il1b_mRNA"]
    stable = simulate(PLAIN.with_(knockdown={"il1b": 0.9}))["il1b_mRNA"]
    later = simulate(PLAIN.with_(events=[{"at": 6, "knockdown": {"il1b": 0.9}}]))["il1b_mRNA"]
    assert stable[0] < 0.2 * plain[0]
    np.testing.assert_allclose(later[:2], plain[:2], rtol=1e-6)
    assert later[3] < 0.3 * plain[3]


# -- the network --------------------------------------------------------------------------------------------


def test_cutting_the_network_changes_nothing():
    """The whole network, with all hosts and drugs, gives what the cut one gives."""
    scenario = load_scenario("conditioned_medium_k562s")
    plan = plan_of(scenario)
    start = Specimen({}, Settings()).start(plan)
    network = load_network("nfkb")
    whole = compiled("nfkb", frozenset(range(len(network.species))))
    state = np.zeros(whole.system.n)
    state[list(plan.compiled.kept)] = start.state
    from nicheloop.integrate import Period, integrate_periods

    period = Period(0.0, 72.0, start.vector)
    run = integrate_periods(whole.system, [period], state, [72.0], rtol=1e-9, atol=whole.atol)
    expected = simulate(scenario, times=[72], rtol=1e-9)
    kept = run.y[0, list(plan.compiled.kept)]
    np.testing.assert_allclose(kept, expected.species[0], rtol=1e-5, atol=1e-10)
    others = np.setdiff1d(np.arange(whole.system.n), plan.compiled.kept)
    assert np.max(np.abs(run.y[0, others])) < 1e-15  # round-off of the linear solver, nM


def test_a_layout_tells_medium_from_cells():
    layout = Layout.of(
        [
            "Cell(host='K562R', place='suspension')",
            "Cell(host='K562R', place='stroma')",
            "DeadCell(host='K562R')",
            "Imatinib(target=None, host='medium')",
            "CXCL11(r=None, layer='lower', form='intact')",
            "CXCL11(r=1, layer='upper', form='intact') % CXCR3(lig=1, host='K562R')",
        ]
    )
    assert layout.medium.tolist() == [False, False, False, True, True, False]
    assert layout.cells("K562R").tolist() == [0, 1]
    assert layout.cells("K562R", "stroma").tolist() == [1]
    assert layout.layer == ("", "", "", "", "lower", "")
