"""Virtual assays: what is drawn is what the model says, the noise of the assay, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nicheloop as nl
from nicheloop.assays.noise import LogNormal, Normal
from nicheloop.assays.noise_counts import Binomial
from nicheloop.assays.readouts import READOUTS
from nicheloop.assays.tables.virtual import _limited

DOSES = (0.0, 0.3, 3.0)
PLAIN = nl.load_scenario("imatinib_k562r").with_(treatments={"imatinib": 0}, times=[24, 72])
SERIES = PLAIN.with_(vary={"imatinib": DOSES})
NAMED = {readout.name: readout for readout in READOUTS}
EXACT = {readout.name: None for readout in READOUTS}


def values(table, **chosen):
    frame = table.frame
    for name, value in chosen.items():
        frame = frame[frame[name] == value]
    return frame["value"].to_numpy()


def keyed(table):
    """Values by well, read-out, line, time and replicate."""
    wells = [(well.treatments.get("imatinib", 0.0), well.hosts) for well in table.wells]
    return {
        (wells[m.well], m.readout, m.host, m.time_h, m.replicate): (m.value, m.censored)
        for m in table.measurements
    }


# -- without noise ------------------------------------------------------------------------------------------


def test_without_noise_and_plates_the_values_are_those_of_the_model():
    table = nl.simulate_assay(SERIES, ["viability", "il1b", "apoptosis"], 2, noise=EXACT, plate_sd=0.0)
    assert len(table) == 3 * 3 * 2 * 2
    for dose in DOSES:
        run = nl.simulate(PLAIN.with_(treatments={"imatinib": dose}))
        for name in ("viability", "apoptosis"):
            found = values(table, readout=name, **{"imatinib [uM]": dose}).reshape(2, 2)
            np.testing.assert_allclose(found, np.column_stack([run[name]] * 2), rtol=1e-4)
        censored = [m.censored for m in table.measurements if m.readout == "il1b"]
        assert set(censored) <= {"", "below"}


def test_vehicle_normalisation_equals_a_computation_by_hand_from_two_runs():
    table = nl.simulate_assay(SERIES, ["viability", "viable_cells"], 1, noise=EXACT, plate_sd=0.0)
    treated = values(table, readout="viable_cells", **{"imatinib [uM]": 3.0})
    vehicle = values(table, readout="viable_cells", **{"imatinib [uM]": 0.0})
    found = values(table, readout="viability", **{"imatinib [uM]": 3.0})
    np.testing.assert_allclose(found, treated / vehicle, rtol=1e-9)
    two = [nl.simulate(PLAIN.with_(treatments={"imatinib": dose}))["cells_K562R"] for dose in (3.0, 0.0)]
    np.testing.assert_allclose(found, two[0] / two[1], rtol=1e-4)


def test_parameters_are_used_and_a_well_is_measured_at_its_end_where_no_times_are_given():
    scenario = nl.load_scenario("k562s_growth").with_(duration="30 h")
    slow, fast = (
        nl.simulate_assay(
            scenario,
            ["viable_cells"],
            1,
            parameters={"division_max_K562S": rate},
            noise=EXACT,
            plate_sd=0,
        )
        for rate in (0.025, 0.035)
    )
    assert fast.measurements.time_h.tolist() == [30.0]
    assert fast.measurements.value[0] > 1.2 * slow.measurements.value[0]


def test_a_read_out_is_measured_in_every_well_and_on_all_cells_that_it_fits():
    table = nl.simulate_assay(
        ["stroma_alone", "coculture"], ["viable_cells", "cxcl11", "viability"], 1, noise=EXACT
    )
    found = [(m.well, m.readout, m.host) for m in table.measurements]
    assert found == [
        (0, "viable_cells", "stroma"), (0, "cxcl11", ""),
        (1, "viable_cells", "K562R"), (1, "viable_cells", "stroma"), (1, "cxcl11", ""),
        (1, "viability", "K562R"),
    ]  # fmt: skip
    only = nl.simulate_assay("coculture", ["viable_cells:stroma"], 1, noise=EXACT)
    assert [m.host for m in only.measurements] == ["stroma"]


def test_a_value_that_does_not_exist_has_no_row():
    both = nl.load_scenario("mixed_lines").with_(lines={"K562S": 0}, times=[24])
    table = nl.simulate_assay(both, ["apoptosis", "viable_cells"], 2, noise=EXACT, plate_sd=0)
    hosts = [(m.readout, m.host) for m in table.measurements]
    assert ("apoptosis", "K562S") not in hosts
    assert hosts.count(("apoptosis", "K562R")) == 2
    assert hosts.count(("viable_cells", "K562S")) == 2


# -- seeds --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_table_and_another_another():
    first, again, other = (nl.simulate_assay(SERIES, ["viability", "il1b"], seed=seed) for seed in (4, 4, 5))
    assert first.same_as(again)
    assert not (values(first, readout="viability") == values(other, readout="viability")).any()


def test_a_value_does_not_depend_on_the_order_of_wells_or_on_what_else_is_measured():
    wells = SERIES.wells()
    whole = keyed(nl.simulate_assay([*wells, "coculture"], ["viability", "il1b", "viable_cells"], 4, seed=9))
    for chosen, readouts, replicates in (
        ([*reversed(wells)], ["viability", "il1b", "viable_cells"], 4),
        ([wells[1]], ["viable_cells"], 2),
        ([wells[2].with_(times=[72]), wells[0]], ["il1b", "viability"], 3),
    ):
        part = keyed(nl.simulate_assay(chosen, readouts, replicates, seed=9))
        for key, (value, censored) in part.items():
            assert value == pytest.approx(whole[key][0], rel=1e-6)
            assert censored == whole[key][1]


def test_the_name_of_a_well_and_a_dose_of_zero_change_nothing():
    renamed = PLAIN.with_(name="other", title="x", treatments={"il1ra": 0})
    first, second = (nl.simulate_assay(one, ["viability"], seed=2) for one in (PLAIN, renamed))
    np.testing.assert_allclose(first.measurements.value, second.measurements.value, rtol=1e-9)


def test_wells_that_are_there_twice_are_drawn_twice():
    table = nl.simulate_assay([PLAIN, PLAIN], ["viability"], 2, seed=1)
    assert len(table.wells) == 1
    assert len(set(table.measurements.value)) == 8
    assert set(zip(table.measurements.replicate, table.measurements.plate, strict=True)) == {
        (1, "plate 1"), (2, "plate 2"), (3, "plate 1"), (4, "plate 2"),
    }  # fmt: skip


# -- noise --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [Normal(sd=0.02, cv=0.1), LogNormal(sd=0.2)], ids=repr)
def test_values_scatter_as_the_noise_says(noise):
    table = nl.simulate_assay(PLAIN.with_(times=[72]), ["viability"], 3000, seed=3, noise=noise)
    found = table.measurements.value
    assert np.median(found) == pytest.approx(1.0, abs=0.015)
    assert found.std() == pytest.approx(noise.spread(1.0), rel=0.06)


def test_shipped_noise_is_used_unless_another_is_given_by_name():
    own = {"viability": Normal(sd=1e-6)}
    table = nl.simulate_assay(PLAIN.with_(times=[72]), ["viability", "gr"], 200, noise=own)
    assert np.ptp(values(table, readout="viability")) < 1e-4
    assert values(table, readout="gr").std() == pytest.approx(NAMED["gr"].noise.spread(1.0), rel=0.2)


def test_a_plate_multiplies_all_its_values_of_a_read_out_by_one_factor():
    readouts = ["viable_cells", "il1b_in_cells", "viability", "gr"]
    wells = PLAIN.with_(times=[72], vary={"imatinib": (0.0, 0.3)})
    exact = nl.simulate_assay(wells, readouts, 5, noise=EXACT, plate_sd=0)
    table = nl.simulate_assay(wells, readouts, 5, noise=EXACT, plate_sd=0.3)
    ratio = {
        name: (values(table, readout=name) / values(exact, readout=name)).reshape(2, 5) for name in readouts
    }
    for name in ("viable_cells", "il1b_in_cells"):
        np.testing.assert_allclose(ratio[name][0], ratio[name][1], rtol=1e-9)
        assert np.ptp(np.log(ratio[name][0])) > 0.1
    assert not np.allclose(ratio["viable_cells"], ratio["il1b_in_cells"])
    for name in ("viability", "gr"):  # normalised on the plate
        np.testing.assert_array_equal(ratio[name], 1.0)
    assert table.measurements.plate.tolist()[:5] == [f"plate {number}" for number in range(1, 6)]


def test_factors_of_plates_are_log_normal():
    table = nl.simulate_assay(
        PLAIN.with_(times=[72]), ["viable_cells"], 2000, noise=EXACT, plate_sd={"viable_cells": 0.25}
    )
    logs = np.log(table.measurements.value)  # fmt: skip
    assert logs.std() == pytest.approx(0.25, rel=0.05)


# -- limits -------------------------------------------------------------------------------------------------


def test_values_below_the_detection_limit_are_censored_there_as_often_as_the_noise_says():
    dead = PLAIN.with_(treatments={"imatinib": 30.0}, times=[72])
    truth = nl.simulate_assay(dead, ["viability"], 1, noise=EXACT).measurements.value[0]
    assay = dataclasses.replace(NAMED["viability"], noise=Normal(sd=0.05), detection_limit=truth + 0.03)
    table = nl.simulate_assay(dead, [assay], 2000, seed=8)
    below = table.measurements.censored == "below"
    assert below.mean() == pytest.approx(np.exp(assay.noise.log_below(truth + 0.03, truth)), abs=0.03)
    assert (table.measurements.value[below] == truth + 0.03).all()
    assert (table.measurements.value[~below] > truth + 0.03).all()
    assert (table.frame["detection_limit"] == truth + 0.03).all()


def test_values_beyond_the_upper_end_are_censored_there_and_background_is_measured():
    cells = dataclasses.replace(NAMED["viable_cells"], noise=Normal(sd=1e4), background=5e4, saturation=3.2e5)
    truth = nl.simulate(PLAIN)["viable_cells"]
    table = nl.simulate_assay(PLAIN, [cells], 1500, plate_sd=0)
    for time, mean in zip((24, 72), truth + 5e4, strict=True):
        found = table.frame[table.frame["time [h]"] == time]
        above = (found["censored"] == "above").to_numpy()
        assert above.mean() == pytest.approx(np.exp(cells.noise.log_above(3.2e5, mean)), abs=0.04)
        assert (found["value"].to_numpy()[above] == 3.2e5).all()
        if not above.any():
            assert found["value"].mean() == pytest.approx(mean, rel=0.01)


def test_a_share_is_at_most_all_and_a_count_is_not_negative():
    table = nl.simulate_assay(
        PLAIN, ["p_bcr_abl", "apoptosis"], 50, seed=1, noise={"p_bcr_abl": LogNormal(sd=1.0)}
    )
    shares = table.frame[table.frame["readout"] == "p_bcr_abl"]
    assert shares["value"].max() == 1.0
    assert (shares["censored"][shares["value"] == 1.0] == "above").all()
    bare = dataclasses.replace(NAMED["viability"], detection_limit=None, noise=Normal(sd=2.0))
    found = nl.simulate_assay(PLAIN, [bare], 50, seed=1).measurements.value
    assert found.min() == 0.0


@settings(deadline=None, max_examples=80)
@given(
    drawn=st.lists(st.floats(-5, 300), min_size=1, max_size=20),
    low=st.one_of(st.none(), st.floats(0.5, 40)),
    high=st.one_of(st.none(), st.floats(50, 200)),
    name=st.sampled_from(["il1b", "apoptosis", "p_erk", "viability", "growth_rate"]),
)
def test_what_is_told_lies_within_the_limits_and_is_censored_only_at_them(drawn, low, high, name):
    assay = dataclasses.replace(NAMED[name], detection_limit=low, saturation=high)
    told, censored = _limited(np.array(drawn), assay)
    whole = {"apoptosis": 100.0, "p_erk": 1.0}.get(name, np.inf)
    bottom = -np.inf if name == "growth_rate" else 0.0
    top = min(whole, high or np.inf)
    for before, after, side in zip(drawn, told, censored, strict=True):
        assert bottom <= after
        if side == "below":
            assert after == low
            assert before <= low or top <= low
        elif side == "above":
            assert after == top
            assert before >= top
        else:
            assert after == max(before, bottom)
            assert low is None or after > low
            assert after <= top


# -- tables -------------------------------------------------------------------------------------------------


def test_a_virtual_table_survives_a_file_and_its_wells_give_it_again(tmp_path):
    washed = nl.load_scenario("imatinib_washout").with_(times=[0, 48, 72], duration=72)
    readouts = ["viability", "il1b", "cxcl11", "viable_cells", "gr", "growth_rate", "p_bcr_abl"]
    table = nl.simulate_assay([SERIES, washed, "conditioned_medium_k562s"], readouts, 2, seed=6)
    assert {"below", ""} <= set(table.measurements.censored)
    back = nl.read_assay(table.to_csv(tmp_path / "virtual.csv"))
    assert back.same_as(table)
    assert nl.simulate_assay(back.wells, readouts, 2, seed=6).same_as(table)


@pytest.mark.parametrize("name", ["imatinib_baf3", "il1b_mrna_resistant_lines"])
def test_the_wells_of_published_data_can_be_measured_virtually(name):
    data = nl.load_data(name)
    readouts = list(dict.fromkeys(data.frame["readout"]))
    table = nl.simulate_assay(data.wells, readouts, 1)
    assert len(table.wells) == len(data.wells)
    assert table.wells == data.wells
    assert (table.measurements.value > 0).all()


def test_counted_noise_gives_whole_cells():
    table = nl.simulate_assay(PLAIN, ["apoptosis"], 20)
    assay = NAMED["apoptosis"].noise
    assert isinstance(assay, Binomial)
    cells = table.measurements.value * assay.counted / 100
    np.testing.assert_allclose(cells, cells.round(), atol=1e-6)


# -- misuse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "readouts", "arguments", "message"),
    [
        (PLAIN, ["viabilty"], {}, "unknown read-out 'viabilty', did you mean 'viability'"),
        (PLAIN, ["viability:K562"], {}, "viability: unknown line 'K562', did you mean 'K562S'"),
        (PLAIN, ["cxcl11_mRNA"], {}, "cxcl11_mRNA: cannot be measured in any well, expected stroma"),
        (PLAIN, ["viability:K562S"], {}, "viability: cannot be measured in any well, expected K562S"),
        (PLAIN, ["il1b:K562R"], {}, "il1b is measured in the medium, expected no line, got 'K562R'"),
        (PLAIN, [], {}, "no read-out, expected at least one"),
        ([], ["viability"], {}, "no scenario, expected at least one"),
        ("k562r_groth", ["viability"], {}, "unknown scenario 'k562r_groth', did you mean 'k562r_growth'"),
        (PLAIN, ["viability"], {"replicates": 0}, "replicates: got 0, expected a whole number of at least 1"),
        (PLAIN, ["viability"], {"replicates": 2.5}, "replicates: got 2.5, expected a whole number"),
        (PLAIN, ["viability"], {"seed": -1}, "seed: got -1, expected a whole number of at least 0"),
        (PLAIN, ["il1b"], {"plate_sd": -0.1}, "plate_sd of il1b: got -0.1, expected a number of at least 0"),
        (PLAIN, ["il1b"], {"noise": {"il1": None}}, "noise: unknown read-out 'il1', did you mean 'il1b'"),
        (PLAIN, ["il1b"], {"plate_sd": {"il1": 0}}, "plate_sd: unknown read-out 'il1', did you mean 'il1b'"),
        (PLAIN, ["il1b"], {"parameters": {"death_mx": 1}}, "death_mx"),
        (PLAIN, [nl.Readout("ldh", "U", "x", (), NAMED["il1b"].compute)], {}, "ldh: has no noise, expected"),
        (PLAIN, ["ldh"], {}, r"unknown read-out 'ldh'.*, or one of your own, nl.Readout\(...\)"),
        (
            PLAIN, [dataclasses.replace(NAMED["il1b"], noise=None)], {},
            r"il1b: has no noise, expected noise=\{'il1b': Normal\(sd=...\)\}",
        ),
    ],
)  # fmt: skip
def test_misuse_is_an_error_that_names_it(scenario, readouts, arguments, message):
    with pytest.raises(ValueError, match=message):
        nl.simulate_assay(scenario, readouts, **arguments)


def test_a_well_that_cannot_be_simulated_says_so():
    with pytest.raises(RuntimeError, match=r"imatinib_k562r.*: no stock culture: K562R shrinks without drug"):
        nl.simulate_assay(PLAIN, ["viability"], parameters={"uniform_death": 0.1})
