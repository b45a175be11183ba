# ruff: noqa: E501 - a bad file and its message stand side by side
"""Scenarios of many wells: what can vary, which wells that makes, what they give, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.fields import ScenarioError
from nicheloop.assays.library import load_scenario
from nicheloop.assays.scenario import Stroma

MATRIX = load_scenario("imatinib_k562r").with_(
    vary={"imatinib": ["0 uM", "300 nM", "1 uM"], "il1ra": [0, "0.5 ug/mL"]}, times=[0, 24, 72]
)


# -- wells --------------------------------------------------------------------------------------------------


def test_wells_are_all_combinations_with_the_last_axis_fastest():
    wells = MATRIX.wells()
    assert [(well.treatments["imatinib"], well.treatments["il1ra"]) for well in wells] == [
        (0, 0), (0, 500), (0.3, 0), (0.3, 500), (1, 0), (1, 500),
    ]  # fmt: skip
    assert wells[3].name == "imatinib_k562r[imatinib=0.3 uM, il1ra=500 ng/mL]"
    assert not any(well.vary for well in wells)
    assert wells[3].wells() == (wells[3],)


def test_a_well_is_the_scenario_one_would_write_by_hand():
    base = load_scenario("coculture").with_(
        lines={"K562S": 1e4}, events=[{"at": 5, "wash_out": 1}, {"at": 7.5, "add": {"il1b": 10}}]
    )
    varied = base.with_(
        vary={
            "K562S": ["3e4 cells/mL"],
            "stroma": ["100 cells/uL"],
            "at": ["2 h"],
            "death_max": [0.01],
            "cxcl11": ["1 ug/mL"],
        }
    )
    by_hand = base.with_(
        name="coculture[K562S=30000 cells/mL, stroma=100000 cells/mL, at=2 h, death_max=0.01 1/h, cxcl11=1000 ng/mL]",
        lines={"K562S": 3e4},
        stroma={"density": 1e5},
        events=[{"at": 2, "wash_out": 1}, {"at": 4.5, "add": {"il1b": 10}}],
        parameters={"death_max": 0.01},
        treatments={"cxcl11": 1000},
    )
    assert varied.wells() == (by_hand,)


def test_what_is_set_is_not_varied_any_more():
    assert set(MATRIX.with_(treatments={"imatinib": "3 uM"}).vary) == {"il1ra"}
    assert [well.treatments["imatinib"] for well in MATRIX.with_(treatments={"imatinib": 3}).wells()] == [
        3,
        3,
    ]
    assert MATRIX.with_(duration=80).vary == MATRIX.vary
    assert MATRIX.with_(vary={"il1b": [1, 2]}).vary == {"il1b": (1, 2)}
    assert MATRIX.with_(vary={}).wells() == (MATRIX.with_(vary={}),)
    many = load_scenario("coculture").with_(
        events=[{"at": 5, "wash_out": 1}],
        vary={"stroma": [1, 2], "K562R": [1, 2], "at": [1, 2], "death_max": [0.1, 0.2]},
    )
    assert set(many.with_(stroma={"density": 3}).vary) == {"K562R", "at", "death_max"}
    assert set(many.with_(stroma=Stroma(mode="coculture", density=3)).vary) == {"K562R", "at", "death_max"}
    assert set(many.with_(lines={"K562R": 3}).vary) == {"stroma", "at", "death_max"}
    assert set(many.with_(events=[{"at": 5, "wash_out": 1}]).vary) == {"stroma", "K562R", "death_max"}
    assert set(many.with_(parameters={"death_max": 1}).vary) == {"stroma", "K562R", "at"}


def test_wells_that_differ_in_treatment_only_share_their_vehicle():
    series = load_scenario("density_series")
    vehicles = {well.vehicle() for well in series.wells()}
    assert len(vehicles) == 7
    assert {well.name for well in vehicles} >= {"density_series[K562R=10000 cells/mL, vehicle]"}
    assert series.vehicle().vary == {"K562R": series.vary["K562R"]}
    assert set(series.vehicle().wells()[0].treatments) == set()
    plain = load_scenario("k562r_growth")
    assert plain.vehicle() is plain


# -- runs ---------------------------------------------------------------------------------------------------


def test_wells_give_what_single_runs_give():
    wells = nl.simulate_wells(MATRIX)
    assert wells["viability"].shape == (3, 2, 3)
    assert wells["il1b"].shape == (3, 2, 3)
    assert wells.ok.all()
    for place, found in zip(np.ndindex(3, 2), MATRIX.wells(), strict=True):
        single = nl.simulate(found)
        np.testing.assert_allclose(wells["viability"][place], single["viability"], rtol=1e-4)
        np.testing.assert_allclose(wells["il1b"][place], single["il1b"], rtol=1e-4)
        assert wells.runs[np.ravel_multi_index(place, (3, 2))].scenario == found
    assert wells.labels[3] == {"imatinib": 0.3, "il1ra": 500}
    assert wells["viability"][2, 0, -1] < 0.9 < wells["viability"][0, 0, -1]


def test_either_engine_runs_wells():
    both = [
        nl.simulate_wells(MATRIX, {"imatinib_affinity_loss_K562R": 3.0}, engine=engine)
        for engine in ("batch", "scipy")
    ]
    np.testing.assert_allclose(both[0]["viability"], both[1]["viability"], rtol=1e-4)
    plain = nl.simulate_wells(MATRIX, times=["72 h"])
    assert abs(plain["viability"] - both[0]["viability"][..., -1:]).max() > 1e-3


def test_the_table_of_wells_has_a_column_with_unit_for_every_axis():
    table = nl.simulate_wells(MATRIX).to_dataframe(["viability", "il1b"])
    expected = ["imatinib [uM]", "il1ra [ng/mL]", "time", "readout", "line", "value", "unit"]
    assert list(table.columns) == expected
    assert len(table) == 6 * 2 * 3
    chosen = table[(table["imatinib [uM]"] == 0.3) & (table["il1ra [ng/mL]"] == 500)]
    single = nl.simulate(MATRIX.wells()[3]).to_dataframe(["viability", "il1b"])
    np.testing.assert_allclose(chosen["value"], single["value"], rtol=1e-4)
    assert list(chosen["readout"]) == list(single["readout"])


def test_a_scenario_that_varies_nothing_is_its_only_well():
    wells = nl.simulate_wells("imatinib_k562s", times=[0, 72])
    assert len(wells) == 1
    assert wells["viability"].shape == (2,)
    assert list(wells.to_dataframe(["viability"]).columns) == ["time", "readout", "line", "value", "unit"]


def test_a_wash_out_later_leaves_fewer_cells():
    wells = nl.simulate_wells("imatinib_washout_series")
    survivors = wells["viability"][:, -1]
    assert (np.diff(survivors) < 0).all()
    early = load_scenario("imatinib_washout_series").wells()[1]
    np.testing.assert_allclose(nl.simulate(early)["viability"][-1], survivors[1], rtol=1e-4)


def test_failed_wells_are_told_and_the_others_have_values():
    """A line that cannot grow has no stock culture."""
    fast = MATRIX.with_(vary={"uniform_death": [0.0, 0.2]})
    wells = nl.simulate_wells(fast)
    assert wells.ok.tolist() == [True, False]
    assert wells.messages[0] == ""
    assert wells.messages[1].startswith("no stock culture: K562R shrinks without drug")
    assert np.isfinite(wells["viable_cells"][0]).all()
    assert np.isnan(wells["viable_cells"][1]).all()


def test_one_run_of_many_wells_is_refused():
    message = (
        "imatinib_k562r: varies imatinib, il1ra (6 wells), expected a single well: run all with "
        "simulate_wells, or take one of scenario.wells()"
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked below
        nl.simulate(MATRIX)
    assert str(caught.value) == message
    with pytest.raises(ValueError, match="varies imatinib, il1ra"):
        nl.simulate_many([MATRIX], [{}])


# -- files --------------------------------------------------------------------------------------------------

LINES = '[lines]\nK562R = "1e5 cells/mL"\n'
COCULTURE = 'extends = "coculture"\n'
WASHED = LINES + "[[events]]\nat = 8\nwash_out = 1\n[[events]]\nat = 12\nwash_out = 1\n"
DONOR = LINES + '[conditioned_medium]\nscenario = "k562r_growth"\n'
KNOWN = (
    "imatinib, il1b, il1a, il1ra, il1r2, anti_il1b, anti_il1rap, cxcl11, anti_cxcl11, cxcr3_antagonist, ifng, ifnb, "
    "jak_inhibitor, celecoxib"
)
BAD_FILES = {
    "list expected": (LINES + '[vary]\nimatinib = "1 uM"\n', "vary: imatinib: got '1 uM', expected a list of values such as ['0 uM', '1 uM']"),
    "list of numbers expected": (LINES + "[vary]\ndeath_max = 0.1\n", "vary: death_max: got 0.1, expected a list of values such as [0, 1]"),
    "no values": (LINES + "[vary]\nimatinib = []\n", "vary: imatinib: got an empty list, expected at least one value"),
    "twice": (LINES + '[vary]\nimatinib = ["1 uM", 0.3, "1000 nM"]\n', "vary: imatinib: 1 uM is listed twice, expected different values"),
    "unit of an axis": (LINES + '[vary]\nimatinib = ["1 h"]\n', "vary: imatinib: '1 h': imatinib cannot be given in 'h'; expected a concentration such as '1 uM'"),
    "negative": (LINES + '[vary]\nimatinib = [0, -1]\n', "vary: imatinib: got -1, expected a dose of at least 0"),
    "unit of a density": (LINES + '[vary]\nK562R = ["1e5 cells"]\n', "vary: K562R: '1e5 cells' has unit 'cells', expected one that converts to 'cells/mL'"),
    "negative time": (WASHED + "[vary]\nat = [-1]\n", "vary: at: got -1, expected a value of at least 0 h"),
    "parameter with a unit": (LINES + '[vary]\ndeath_max = ["1 1/h"]\n', "vary: death_max: got '1 1/h', expected a finite number"),
    "line that is not seeded": (LINES + "[vary]\nK562S = [1e5]\n", "vary: K562S: is not in the vessel, expected it in lines (with any density)"),
    "stroma that is not there": (LINES + "[vary]\nstroma = [1e5]\n", "vary: stroma: is not in the vessel, expected stroma mode 'coculture' or 'transwell'"),
    "no event": (LINES + "[vary]\nat = [1]\n", "vary: at: there is no event to move, expected events"),
    "event moved too far": (WASHED + "[vary]\nat = [1, 70]\n", "vary: at: got 70 h, which moves the last event to 74 h, expected at most the duration 72 h"),
    "set twice": (LINES + "[knockdown]\nil1b = 0.9\n[vary]\nil1b_knockdown = [0, 0.5]\n", "vary: il1b_knockdown: knockdown sets it already, expected one of the two"),
    "vessel sets it": ('extends = "transwell"\n[vary]\nlower_volume_fraction = [0.1]\n', "vary: lower_volume_fraction: vessel sets it already, expected one of the two"),
    "too many wells": (LINES + f"[vary]\nimatinib = {list(range(101))}\nil1b = {list(range(100))}\n", "vary: got 10100 wells, expected at most 10000"),
    "table expected": ("vary = 3\n" + LINES, "vary: got 3, expected a table of axis = list of values"),
    "medium of many wells": (LINES + '[conditioned_medium]\nscenario = "density_series"\n', "conditioned_medium: scenario: density_series varies anti_il1b, K562R, imatinib, expected a single experiment"),
    "boiled": (DONOR + 'boiled = "yes"\n', "conditioned_medium.boiled: got 'yes', expected true or false"),
    "depleted": (DONOR + 'depleted = ["il1"]\n', f"conditioned_medium.depleted: unknown treatment 'il1', did you mean 'il1b'? Expected one of: {KNOWN}"),
    "depleted is no list": (DONOR + 'depleted = "il1b"\n', "conditioned_medium.depleted: got 'il1b', expected a list of treatments such as ['il1b']"),
    "passage of everything": (LINES + "[[events]]\nat = 1\npassage = { fraction = 1 }\n", "events.0.passage.fraction: got 1, expected a fraction below 1: no cell would be left"),
    "passage of nobody knows how much": (LINES + "[[events]]\nat = 1\n[events.passage]\n", "events.0.passage.fraction: is missing"),
    "passage in per cent": (LINES + "[[events]]\nat = 1\npassage = { fraction = 75 }\n", "events.0.passage.fraction: got 75, expected a fraction from 0 to 1"),
    "vessel": (LINES + '[vessel]\nkind = "well_12"\n', "vessel.kind: unknown vessel 'well_12', did you mean 'well_24'? Expected one of: well, well_96, well_24, well_6, transwell"),
    "volume of a transwell": (LINES + '[vessel]\nkind = "transwell"\nvolume = "0.7 mL"\n', "vessel: volume 0.7 mL in a transwell, expected upper_volume and lower_volume"),
    "volumes of all kinds": (LINES + '[vessel]\nvolume = 1\nupper_volume = 1\nlower_volume = 1\n', "vessel: volume 1 mL beside upper_volume and lower_volume, expected either or these"),
    "volume without size": (LINES + '[vessel]\nvolume = 0\n', "vessel.volume: got 0, expected a value above 0 mL"),
    "coculture in an insert": (COCULTURE + '[vessel]\nkind = "transwell"\n', "stroma mode 'coculture' in a vessel 'transwell', expected stroma mode 'transwell'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_exactly_this(case, tmp_path):
    text, message = BAD_FILES[case]
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_typing_error_in_an_axis_names_the_nearest(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(LINES + "[vary]\nimatinb = [1]\n")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(f"{path}: vary: unknown axis 'imatinb', did you mean 'imatinib'? Exp")
    path.write_text(LINES + "[vary]\ndeath_maxi = [1]\n")
    with pytest.raises(ScenarioError, match=r"unknown axis 'death_maxi', did you mean 'death_max'\?"):
        load_scenario(path)


def test_wells_say_what_they_are_in_a_line():
    wells = nl.simulate_wells(MATRIX)
    assert repr(wells) == "Wells imatinib_k562r: 6 wells (imatinib 3, il1ra 2), 0 failed"
