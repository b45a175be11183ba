# ruff: noqa: E501 - a bad file and its message stand side by side
"""Scenarios: values that cannot change, files that read back equal, and errors that can be acted on."""

from __future__ import annotations

import tomllib

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicheloop.assays.comparison import differences
from nicheloop.assays.fields import ScenarioError
from nicheloop.assays.library import load_scenario, save_scenario, scenario_names, scenarios, to_toml
from nicheloop.assays.scenario import Event, Scenario, Seeding, Stroma, Vessel, WashOut, checked
from nicheloop.assays.vessel import vessel_rows
from nicheloop.biology import PROMOTERS, RESISTANCES
from nicheloop.biology.medium import SOLUTES

REQUIRED = [
    "k562s_growth",
    "k562r_growth",
    "imatinib_k562s",
    "imatinib_k562r",
    "imatinib_washout",
    "il1_blockade_k562r",
    "il1b_on_k562s",
    "conditioned_medium_k562s",
    "coculture",
    "coculture_imatinib",
    "stroma_il1b",
    "stroma_conditioned",
    "transwell_cxcl11",
    "transwell_stroma",
    "transwell_uniform_cxcl11",
    "mixed_lines",
]

amounts = st.floats(0, 1e6, allow_nan=False)
names = st.text(st.characters(codec="utf-8"), max_size=12)
doses = st.dictionaries(st.sampled_from([solute.name for solute in SOLUTES]), amounts, max_size=3)
densities = st.floats(1.0, 1e7)
fractions = st.floats(0, 1)
knockdowns = st.fixed_dictionaries({"il1b": fractions})


@st.composite
def events(draw, duration):
    data = {"at": draw(st.floats(0, duration)), "add": draw(doses), "knockdown": draw(knockdowns)}
    if draw(st.booleans()):
        kept = draw(st.lists(st.sampled_from(["il1ra", "imatinib"]), unique=True))
        data["wash_out"] = {"fraction": draw(fractions), "keep": kept}
    if draw(st.booleans()):
        again = draw(st.booleans())
        data["replace_medium"] = {"fraction": draw(fractions), "treatments": draw(doses), "redose": again}
    if draw(st.booleans()):
        data["passage"] = {"fraction": draw(st.floats(0, 0.999)), "treatments": draw(doses)}
    return data


def values_of(elements):
    return st.lists(elements, min_size=1, max_size=4, unique=True)


@st.composite
def axes(draw, lines, stroma, timetable, duration):
    """Any axes that a scenario with these parts can vary."""
    possible = dict.fromkeys(("imatinib", "il1ra", "cxcl11", "death_max", "il1_kon"), amounts)
    possible |= dict.fromkeys(lines, densities)
    if stroma:
        possible["stroma"] = densities
    if timetable:
        span = max(event["at"] for event in timetable) - min(event["at"] for event in timetable)
        possible["at"] = st.floats(0, (duration - span) * (1 - 1e-12))
    chosen = draw(st.lists(st.sampled_from(sorted(possible)), max_size=3, unique=True))
    return {axis: draw(values_of(possible[axis])) for axis in chosen}


@st.composite
def vessels(draw, transwell):
    if transwell:
        return {"kind": "transwell", "exchange": draw(amounts)}
    volume = draw(st.none() | st.floats(1e-3, 100))
    kind = draw(st.sampled_from(["well", "well_96", "well_24", "well_6"]))
    return {"kind": kind} | ({} if volume is None else {"volume": volume})


@st.composite
def any_scenario(draw, depth=1):
    duration = draw(st.floats(1, 500))
    transwell = draw(st.booleans())
    lines = draw(st.dictionaries(st.sampled_from(["K562S", "K562R"]), densities, min_size=1))
    stroma = draw(st.sampled_from([{}, {"mode": "transwell" if transwell else "coculture", "density": 5e4}]))
    timetable = draw(st.lists(events(duration), max_size=3))
    data = {
        "name": draw(names),
        "title": draw(names),
        "description": draw(names),
        "lines": lines,
        "stroma": stroma,
        "vessel": draw(vessels(transwell)),
        "resistance": draw(st.sampled_from(RESISTANCES)),
        "promoter": draw(st.sampled_from(PROMOTERS)),
        "treatments": draw(doses),
        "knockdown": draw(knockdowns),
        "events": timetable,
        "duration": duration,
        "times": draw(st.none() | st.lists(st.floats(0, duration), min_size=1, max_size=4)),
        "parameters": draw(st.dictionaries(st.sampled_from(["death_max", "il1_kon"]), amounts)),
    }
    if depth:
        data["vary"] = draw(axes(lines, stroma, timetable, duration))
    if depth and draw(st.booleans()):
        data["conditioned_medium"] = {
            "scenario": draw(any_scenario(depth=0)),
            "fraction": draw(fractions),
            "boiled": draw(st.booleans()),
            "depleted": draw(st.lists(st.sampled_from(["il1b", "il1a", "cxcl11"]), unique=True)),
        }
    return checked(data)


@settings(max_examples=60, deadline=None)
@given(any_scenario())
def test_toml_reads_back_equal(scenario):
    again = checked(tomllib.loads(to_toml(scenario)))
    assert again == scenario
    assert hash(again) == hash(scenario)
    assert again.wells() == scenario.wells()
    assert differences(again, scenario) == ()


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenarios_read_back_equal_from_a_file(name, tmp_path):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.title
    assert load_scenario(save_scenario(scenario, tmp_path / "copy.toml")) == scenario


def test_the_scenarios_of_the_claims_ship():
    assert set(REQUIRED) <= set(scenario_names())
    assert scenarios()["coculture"] == load_scenario("coculture").title


def test_a_scenario_cannot_be_changed():
    scenario = load_scenario("imatinib_k562s")
    with pytest.raises(pydantic.ValidationError):
        scenario.duration = 3.0
    with pytest.raises(TypeError):
        scenario.treatments["imatinib"] = 3.0


def test_with_merges_tables_and_replaces_the_rest():
    start = load_scenario("il1_blockade_k562r")
    changed = start.with_(treatments={"imatinib": "300 nM"}, duration="1 d", stroma=Stroma(mode="none"))
    assert changed.treatments == {"imatinib": pytest.approx(0.3), "il1ra": 500.0}
    assert changed.duration == 24.0
    assert start.duration == 72.0
    assert changed.with_(lines={"K562S": "100 cells/uL"}).lines["K562S"] == Seeding(density=1e5)
    assert load_scenario("transwell").with_(vessel={"exchange": 2}).vessel.upper_volume == pytest.approx(0.1)


def test_events_are_kept_in_time_order_and_those_of_one_instant_as_listed():
    late, early = {"at": 9, "add": {"il1b": 1}}, {"at": 2, "add": {"il1b": 2}}
    same = {"at": 9, "set": {"il1b": 0}}
    scenario = load_scenario("k562s_growth").with_(events=[late, early, same])
    assert [(event.at, dict(event.add)) for event in scenario.events] == [
        (2, {"il1b": 2}),
        (9, {"il1b": 1}),
        (9, {}),
    ]


def test_the_vehicle_has_no_treatment_left_but_everything_else():
    scenario = load_scenario("coculture_imatinib").with_(
        knockdown={"il1b": 0.5},
        events=[
            {"at": 1, "add": {"imatinib": 1}},
            {"at": 2, "set": {"imatinib": 1}, "wash_out": 0.5},
            {"at": 3, "replace_medium": {"fraction": 0.3, "treatments": {"il1ra": 1}}},
        ],
    )
    vehicle = scenario.vehicle()
    assert not vehicle.treatments
    assert [event.at for event in vehicle.events] == [2, 3]
    assert vehicle.events[0] == Event(at=2, wash_out=WashOut(fraction=0.5))
    assert vehicle.events[1].replace_medium.treatments == {}
    assert vehicle.knockdown == {"il1b": 0.5}
    assert vehicle.vehicle() == vehicle


def test_sampling_times_include_the_end():
    scenario = load_scenario("k562s_growth")
    assert scenario.with_(duration=2.5).sampling_times == (0, 1, 2, 2.5)
    assert scenario.with_(duration=3, every="90 min").sampling_times == (0, 1.5, 3)
    assert scenario.with_(times=["1 d", 3, 3]).sampling_times == (3, 24)


def test_plates_have_volumes_and_a_plain_well_has_none():
    assert [Vessel(kind=kind).total_volume for kind in ("well_96", "well_24", "well_6")] == [0.2, 0.7, 3.0]
    assert Vessel().total_volume is None
    assert Vessel(kind="well_24", volume="500 uL").total_volume == pytest.approx(0.5)
    assert Vessel(kind="transwell").total_volume == pytest.approx(0.7)
    assert Vessel(upper_volume="0.9 mL", lower_volume="100 uL").total_volume == pytest.approx(1.0)
    assert Vessel(kind="well_96").lower_volume_fraction is None
    for row in vessel_rows().values():
        assert (row.evidence == "assumed") == (not row.source), row.kind


def test_a_transwell_has_the_volumes_of_a_24_well_insert_unless_told_otherwise():
    assert Vessel(kind="transwell").lower_volume_fraction == pytest.approx(6 / 7)
    assert Vessel(upper_volume="0.9 mL", lower_volume="100 uL").lower_volume_fraction == pytest.approx(0.1)
    assert Vessel().lower_volume_fraction is None


# -- files --------------------------------------------------------------------------------------------------


def test_a_file_extends_a_shipped_scenario_and_a_neighbour(tmp_path):
    (tmp_path / "base.toml").write_text('extends = "imatinib_k562r"\n[treatments]\nil1ra = "1 ug/mL"\n')
    child = tmp_path / "child.toml"
    child.write_text(
        'extends = "base.toml"\nduration = "2 d"\n[conditioned_medium]\nscenario = "base.toml"\n'
    )
    scenario = load_scenario(child)
    assert scenario.name == "child"
    assert scenario.treatments == {"imatinib": 1.0, "il1ra": pytest.approx(1000)}
    assert scenario.duration == 48
    assert scenario.conditioned_medium.scenario.name == "base"


LINES = '[lines]\nK562R = "1e5 cells/mL"\n'
BAD_FILES = {
    "treatment": (LINES + "[treatments]\nimatinb = 1\n", "treatments: unknown treatment 'imatinb', did you mean 'imatinib'?"),
    "unit": (LINES + '[treatments]\nimatinib = "1 uMM"\n', "treatments: imatinib: '1 uMM': unknown unit 'uMM', did you mean 'uM'"),
    "dimension": (LINES + '[treatments]\nimatinib = "1 h"\n', "imatinib cannot be given in 'h'; expected a concentration such as '1 uM'"),
    "negative dose": (LINES + '[treatments]\nimatinib = "-1 uM"\n', "treatments: imatinib: got '-1 uM', expected a dose of at least 0"),
    "not a number": (LINES + "[treatments]\nimatinib = nan\n", "treatments: imatinib: nan is not finite"),
    "infinite": (LINES + "duration = inf\n", "lines: unknown line 'duration'; expected one of: K562S, K562R"),
    "infinite time": ("duration = inf\n" + LINES, "duration: inf is not finite, expected a number and a unit such as '1 h'"),
    "line": ('[lines]\nK562 = 1e5\n', "lines: unknown line 'K562', did you mean 'K562S'?"),
    "negative density": ("[lines]\nK562R = -5\n", "lines: K562R: density: got -5, expected a value of at least 0 cells/mL"),
    "density unit": ('[lines]\nK562R = "1e5 cells"\n', "density: '1e5 cells' has unit 'cells', expected one that converts to 'cells/mL'"),
    "field": ("durations = 3\n" + LINES, "unknown field 'durations', did you mean 'duration'?"),
    "field of a part": (LINES + '[stroma]\nmod = "none"\n', "stroma: unknown field 'mod', did you mean 'mode'?"),
    "mode": (LINES + '[stroma]\nmode = "co-culture"\n', "stroma.mode: unknown stroma mode 'co-culture', did you mean 'coculture'?"),
    "stroma without mode": (LINES + "[stroma]\ndensity = 5e4\n", "stroma: density 50000 cells/mL with mode 'none', expected mode"),
    "transwell in a well": (LINES + '[stroma]\nmode = "transwell"\n', "stroma mode 'transwell' in a vessel 'well', expected [vessel] kind = 'transwell'"),
    "no source of medium": (LINES + '[stroma]\nmode = "conditioned_medium"\n', "expected conditioned_medium from a scenario with stroma"),
    "no cells": ('title = "empty"\n', "no cells: expected lines, or stroma with mode"),
    "negative time": (LINES + "[[events]]\nat = -1\nwash_out = 1\n", "events.0.at: got -1, expected a value of at least 0 h"),
    "event after the end": ("duration = 10\n" + LINES + "[[events]]\nat = 11\nwash_out = 1\n", "events.0.at: got 11 h, expected at most the duration 10 h"),
    "event without action": (LINES + "[[events]]\nat = 1\n", "events.0: nothing happens, expected wash_out, replace_medium, passage, set, add or knockdown"),
    "event without time": (LINES + "[[events]]\nwash_out = 1\n", "events.0.at: is missing"),
    "fraction": (LINES + "[[events]]\nat = 1\nwash_out = 1.5\n", "events.0.wash_out.fraction: got 1.5, expected a fraction from 0 to 1"),
    "kept solute": (LINES + '[[events]]\nat = 1\nwash_out = {keep = ["il1raa"]}\n', "unknown treatment 'il1raa', did you mean 'il1ra'?"),
    "sample after the end": ("duration = 10\ntimes = [0, 20]\n" + LINES, "times: got 20 h, expected at most the duration 10 h"),
    "no samples": ("times = []\n" + LINES, "times: got an empty list, expected at least one time"),
    "too many samples": ('duration = 100\nevery = "1 s"\n' + LINES, "every: got 0.000277778 h, expected at most 10000 samples"),
    "zero duration": ("duration = 0\n" + LINES, "duration: got 0, expected a value above 0 h"),
    "resistance": ('resistance = "eflux"\n' + LINES, "resistance: unknown resistance 'eflux', did you mean 'efflux'?"),
    "promoter": ('promoter = "nfkB1"\n' + LINES, "promoter: unknown promoter 'nfkB1', did you mean 'nfkb'?"),
    "layer": ('cxcl11_layer = "low"\n' + LINES, "cxcl11_layer: unknown layer 'low', did you mean 'lower'?"),
    "gene": (LINES + "[knockdown]\nil1a = 0.5\n", "knockdown: unknown knock-down 'il1a', did you mean 'il1b'?"),
    "parameter": (LINES + "[parameters]\ndeath_maxi = 1\n", "parameters: unknown parameter 'death_maxi', did you mean 'death_max'?"),
    "parameter value": (LINES + "[parameters]\ndeath_max = inf\n", "parameters: death_max: got inf, expected a finite number"),
    "one volume": (LINES + '[vessel]\nkind = "transwell"\nupper_volume = "0.1 mL"\n', "vessel: one volume only, expected both"),
    "harvest after the end": (LINES + '[conditioned_medium]\nscenario = "k562r_growth"\nhours = 100\n', "conditioned_medium: hours: got 100 h, expected at most the 72 h of the run"),
    "source": (LINES + '[conditioned_medium]\nscenario = "k562_growth"\n', "unknown scenario 'k562_growth', did you mean 'k562"),
    "base": ('extends = "cocultur"\n', "unknown scenario 'cocultur', did you mean 'coculture'?"),
    "circle": ('extends = "bad.toml"\n', "8 scenarios deep, expected no circle of references"),
    "not toml": ("lines = [", "not TOML:"),
    "table expected": ("lines = 3\n", "lines: got 3, expected a table of line = density"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_file_field_value_and_expectation(case, tmp_path):
    text, message = BAD_FILES[case]
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "Traceback" not in str(caught.value)


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('duration = -1\nresistance = "x"\n' + LINES)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert len(str(caught.value).splitlines()) == 2


def test_unknown_names_and_files(tmp_path):
    with pytest.raises(ScenarioError, match=r"unknown scenario 'cocultur', did you mean 'coculture'\?"):
        load_scenario("cocultur")
    with pytest.raises(ScenarioError, match="no such file"):
        load_scenario(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes('title = "Zellen für"'.encode("latin-1"))
    with pytest.raises(ScenarioError, match="byte 17 is not UTF-8"):
        load_scenario(tmp_path / "latin.toml")


def test_a_changed_copy_is_checked():
    with pytest.raises(ScenarioError, match=r"imatinib_k562s: treatments: unknown treatment 'il1'"):
        load_scenario("imatinib_k562s").with_(treatments={"il1": 3})
    with pytest.raises(ScenarioError, match=r"unknown field 'treatment', did you mean 'treatments'\?"):
        load_scenario("imatinib_k562s").with_(treatment={"il1b": 3})


def test_a_scenario_built_in_python_is_checked():
    with pytest.raises(ValueError, match="unknown line 'K562'"):
        Scenario(lines={"K562": 1e5})
    assert Scenario(lines={"K562R": "1e5 cells/mL"}).hosts == ("K562R",)
