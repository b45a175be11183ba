"""Assay tables: what a file says becomes wells and measurements, and a file again."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nicheloop as nl
from nicheloop.assays.readouts import READOUTS, applicable
from nicheloop.assays.tables.build import table_of_wells
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.wells import bare
from nicheloop.biology.medium import SOLUTES

HEADER = "readout,line,time [h],value,unit,imatinib [uM]"
SINGLE = [name for name in nl.scenario_names() if not nl.load_scenario(name).vary]


def written(folder: Path, text: str | bytes, name: str = "plate.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, *rows: str, header: str = HEADER, **options: object) -> AssayTable:
    return nl.read_assay(written(folder, "\n".join([header, *rows]) + "\n"), **options)


# -- what is read -------------------------------------------------------------------------------------------


def test_rows_become_wells_and_measurements(tmp_path):
    table = nl.read_assay(
        written(
            tmp_path,
            "# a comment\nreadout,line,time [d],value,unit,imatinib [nM],stroma\n"
            "viability,K562R,2,100,%,0,\nviability,K562R,3,70,%,300,\nviability,K562R,3,75,%,300,\n\n"
            "il1b,K562R,3,<3.9,pg/mL,300,coculture\nviability,K562R,2,80,%,300,\n,,,,,,\n",
        )
    )
    vehicle, treated, coculture = table.wells
    assert (vehicle.treatments, vehicle.times) == ({}, (48.0,))
    assert (treated.treatments, treated.times, treated.hosts) == ({"imatinib": 0.3}, (48.0, 72.0), ("K562R",))
    assert treated.duration == 72.0
    assert coculture.stroma == nl.load_scenario("coculture").stroma
    values = table.measurements
    assert len(table) == len(values) == 5
    assert values.row.tolist() == [3, 4, 5, 7, 8]
    assert values.well.tolist() == [0, 1, 1, 2, 1]
    assert values.value.tolist() == [1.0, 0.7, 0.75, 3.9, 0.8]
    assert values.unit.tolist() == ["fraction"] * 3 + ["pg/mL", "fraction"]
    assert values.censored.tolist() == ["", "", "", "below", ""]
    assert values.replicate.tolist() == [1, 1, 2, 1, 1]
    assert values.host.tolist() == ["K562R"] * 3 + ["", "K562R"]
    assert np.isnan(values.sd).all()
    assert [value.time_h for value in values] == [48.0, 72.0, 72.0, 72.0, 48.0]


def test_a_table_says_what_it_holds(tmp_path):
    rows = [f"viability,K562R,72,0.5,fraction,{dose}" for dose in range(7)]
    rows.insert(1, "il1b,K562R,72,2,pg/mL,0")
    table = nl.read_assay(written(tmp_path, "\n".join([HEADER, *rows]), "a<b.csv"))
    assert repr(table) == "AssayTable a<b.csv: 8 values, 7 wells; viability 7, il1b 1"
    page = table._repr_html_()
    assert page.startswith("<p>AssayTable a&lt;b.csv: 8 values, 7 wells; viability 7, il1b 1</p>")
    assert page.count("<tr") == 1 + 5
    assert "<th>imatinib [uM]</th>" in page
    assert page.endswith("<p>and 3 more</p>")
    single = read(tmp_path, "viability,K562R,72,1,fraction,0")
    assert repr(single) == "AssayTable plate.csv: 1 value, 1 well; viability 1"
    assert "more</p>" not in single._repr_html_()


def test_units_are_converted(tmp_path):
    table = read(
        tmp_path,
        "viable_cells,K562S,1,0.2,1e6 cells/mL,0.1,300,1e2",
        "il1b,K562S,1,17.5,pg/mL,1,0,1e2",
        "il1b,K562S,1,2,pM,1,0,1e2",
        "il1b_in_cells,K562S,1,10,pg/2.5e5 cells,1,0,1e2",
        "apoptosis,K562S,1,0.25,fraction,0.01,0,1e2",
        "il1b_mRNA,K562S,1,3,fold,1,0,1e2",
        header="Readout,Line,Time (d),Value,Unit,SD,Imatinib [nM],cells_per_ml [cells/uL]",
    )
    assert table.measurements.value.tolist() == pytest.approx([2e5, 17.5, 35.0, 40.0, 25.0, 3.0])
    assert table.measurements.sd.tolist() == pytest.approx([1e5, 1.0, 17.5, 4.0, 1.0, 1.0])
    assert table.measurements.unit.tolist() == [
        "cells/mL", "pg/mL", "pg/mL", "pg/1e6 cells", "%", "fold",
    ]  # fmt: skip
    assert table.frame["imatinib [uM]"].tolist() == [0.3, 0, 0, 0, 0, 0]
    assert table.wells[0].lines["K562S"].density == 1e5
    assert table.wells[0].times == (24.0,)


def test_the_unit_may_stand_in_the_header_of_the_values(tmp_path):
    table = read(
        tmp_path, "il1b,K562R,72,0.2,3,50", header="readout,line,time [h],value [ng/mL],sd [pg/mL],n"
    )
    assert (table.measurements[0].value, table.measurements[0].sd, table.measurements[0].n) == (
        200.0,
        3.0,
        50,
    )


def test_ratios_and_arbitrary_units_stay_as_they_are(tmp_path):
    table = read(
        tmp_path,
        "p_crkl,K562R,2,30,%,1,vehicle",
        "p_crkl,K562R,2,1234,a.u.,1,scale",
        "viability,K562R,2,30,%,1,vehicle",
        "p_crkl,K562R,2,30,%,1,",
        header=f"{HEADER},relative_to",
    )
    assert table.measurements.relative_to.tolist() == ["vehicle", "scale", "", ""]
    assert table.measurements.value.tolist() == [0.3, 1234.0, 0.3, 0.3]
    assert table.measurements.unit.tolist() == ["fraction", "a.u.", "fraction", "fraction"]


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ("<3.9", "", (3.9, "below")),
        ("≤ 3.9", "", (3.9, "below")),
        ("<= 3.9", "5", (3.9, "below")),
        ("3.9", "3.9", (3.9, "below")),
        ("1", "3.9", (3.9, "below")),
        ("0", "3.9", (3.9, "below")),
        ("4", "3.9", (4.0, "")),
        (">2000", "3.9", (2000.0, "above")),
        ("0", "", (0.0, "")),
    ],
)
def test_values_beyond_a_limit_are_censored_there(tmp_path, value, limit, expected):
    table = read(tmp_path, f"il1b,K562R,24,{value},pg/mL,0,{limit}", header=f"{HEADER},detection_limit")
    measured = table.measurements[0]
    assert (measured.value, measured.censored) == expected


def test_replicates_without_a_number_are_numbered(tmp_path):
    rows = [f"viability,K562R,72,0.{i},fraction,1,{n}" for i, n in enumerate(["", "3", "", "1"], 1)]
    table = read(tmp_path, *rows, "viability,K562R,48,0.5,fraction,1,", header=f"{HEADER},replicate")
    assert table.measurements.replicate.tolist() == [4, 3, 5, 1, 1]


# -- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["0,5", "1,234", "12", "1.234,5"], [0.5, 1.234, 12.0, 1234.5]),
        (["1,234.5", "1,234,567", "12 000", "1'000.5"], [1234.5, 1234567, 12000, 1000.5]),
        (["1e3", "5.", ".5", "1.5E-2"], [1000.0, 5.0, 0.5, 0.015]),
        (["1.234", "+2"], [1.234, 2.0]),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_one_way_they_can_be_meant(tmp_path, texts, numbers):
    header = HEADER.replace(",", ";")
    table = read(tmp_path, *(f"viable_cells;K562R;72;{text};cells/mL;0" for text in texts), header=header)
    assert table.measurements.value.tolist() == numbers


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_line_ends_and_separators(tmp_path, encoding, newline, separator):
    rows = [
        "readout,line,time [h],value,unit,imatinib [µM]",
        "viability,K562R,72,0.5,fraction,3",
        "",
        ",,,,,",
    ]
    text = newline.join(rows).replace(",", separator)
    table = nl.read_assay(written(tmp_path, text.encode(encoding)))
    assert table.measurements.value.tolist() == [0.5]
    assert table.wells[0].treatments == {"imatinib": 3.0}


def test_excels_note_on_the_separator_is_a_row(tmp_path):
    text = f"sep=;\n{HEADER.replace(',', ';')}\nviability;K562R;72;0,5;fraction;1\n"
    table = nl.read_assay(written(tmp_path, text))
    assert (table.measurements[0].value, table.measurements[0].row) == (0.5, 3)


def test_quoted_cells_may_hold_separators_and_line_breaks(tmp_path):
    table = read(
        tmp_path, '"viability", K562R ,72,0.5,fraction,1,"first, of\nmany"', header=f"{HEADER},plate"
    )
    assert table.measurements[0].plate == "first, of many"


def test_a_million_rows(tmp_path):
    size = 1_000_000
    values = np.random.default_rng(1).uniform(0, 1, size)
    rows = (
        f"viability,K562R,{24 * (1 + i % 3)},{v!r},fraction,{i % 4},{1 + i}"
        for i, v in enumerate(values.tolist())
    )
    table = read(tmp_path, *rows, header=f"{HEADER},replicate")
    np.testing.assert_array_equal(table.measurements.value, values)
    assert len(table.wells) == 4
    assert table.measurements.well[:5].tolist() == [0, 1, 2, 3, 0]
    assert table.wells[3].times == (24.0, 48.0, 72.0)


# -- the wells ----------------------------------------------------------------------------------------------


def test_design_columns_describe_the_well(tmp_path):
    table = read(
        tmp_path,
        "cxcl11_mRNA,K562R,24,2,fold,0,coculture,2e5,3e4,",
        "migrated,K562R,24,20,%,0,transwell,,,",
        "viability,K562S,24,0.5,fraction,1,conditioned_medium,,7e4,",
        "cxcl11,stroma,24,50,pg/mL,0,,,2e4,",
        "viability,K562R,24,0.5,fraction,,,,,imatinib_k562s",
        "viability,K562R,24,0.5,fraction,3,coculture,3e5,,imatinib_k562s",
        "nuclear_nfkb,stroma,24,0.5,fraction,0,,,,coculture",
        "il1b,,24,5,pg/mL,0,,,,mixed_lines",
        header=f"{HEADER},stroma,cells_per_ml,stroma_per_ml,scenario",
    )
    wells = [table.wells[well] for well in table.measurements.well]
    assert table.measurements.host.tolist() == [
        "stroma",
        "K562R",
        "K562S",
        "",
        "K562R",
        "K562R",
        "stroma",
        "",
    ]
    assert wells[0].hosts == ("K562R", "stroma")
    assert (wells[0].lines["K562R"].density, wells[0].stroma.density) == (2e5, 3e4)
    assert wells[1].vessel == nl.load_scenario("transwell_stroma").vessel
    medium = wells[2].conditioned_medium
    assert (medium.hours, medium.fraction, medium.scenario.stroma.density) == (48.0, 0.5, 7e4)
    assert (wells[3].hosts, wells[3].stroma.density) == (("stroma",), 2e4)
    assert (wells[4].hosts, wells[4].treatments) == (("K562R",), {"imatinib": 1.0})
    assert (wells[5].lines["K562R"].density, wells[5].treatments) == (3e5, {"imatinib": 3.0})
    assert wells[5].stroma.mode == "coculture"
    assert wells[7].hosts == ("K562S", "K562R")


def test_a_scenario_beside_the_table_is_changed_by_its_columns(tmp_path):
    pulse = nl.load_scenario("imatinib_washout").with_(name="pulse", parameters={"death_max": 0.05})
    nl.save_scenario(pulse, tmp_path / "pulse.toml")
    header = f"{HEADER},scenario"
    rows = [f"viability,K562S,{t},0.5,fraction,{dose},pulse.toml" for t, dose in [(24, ""), (96, 3), (4, 0)]]
    table = read(tmp_path, *rows, header=header)
    doses = [well.treatments for well in table.wells]
    assert doses == [pulse.treatments, {"imatinib": 3.0}, {}]
    assert [well.duration for well in table.wells] == [24.0, 96.0, 8.0]
    assert all(well.events == pulse.events for well in table.wells)
    again = nl.read_assay(table.to_csv(tmp_path / "again.csv"))
    assert again.same_as(table)


def test_a_varied_scenario_gets_its_values_from_the_columns(tmp_path):
    rows = [f"viability,K562R,72,0.5,fraction,{dose},0,imatinib_il1ra_matrix" for dose in (0, 1)]
    table = read(tmp_path, *rows, header=f"{HEADER},il1ra [ng/mL],scenario")
    assert [well.treatments for well in table.wells] == [{}, {"imatinib": 1.0}]
    assert all(not well.vary for well in table.wells)


def test_wells_that_differ_in_words_only_are_one(tmp_path):
    nl.save_scenario(nl.load_scenario("k562r_growth").with_(title="mine", duration=200), tmp_path / "a.toml")
    rows = [
        f"viability,K562R,{t},0.5,fraction,1,{name}" for t, name in [(24, "a.toml"), (48, "k562r_growth")]
    ]
    (well,) = read(tmp_path, *rows, header=f"{HEADER},scenario").wells
    assert well.times == (24.0, 48.0)


# -- normalising --------------------------------------------------------------------------------------------

RAW = """\
readout,line,time [h],value,unit,imatinib [uM],plate,sd,detection_limit
viability,K562R,72,1.0,OD,0,P1,0.1,0.1
viability,K562R,72,1.4,OD,0,P1,0.1,0.1
viability,K562R,72,0.6,OD,1,P1,0.06,0.1
viability,K562R,72,0.05,OD,9,P1,0.06,0.1
viability,K562R,72,2.0,OD,0,P2,,
viability,K562R,72,0.5,OD,1,P2,,
viability,K562S,72,0.8,OD,0,P1,,
viability,K562S,72,0.2,OD,1,P1,,
viability,K562S,48,0.4,OD,0,P1,,
viability,K562S,48,0.2,OD,1,P1,,
"""


def test_raw_signals_are_divided_by_the_vehicle_wells_of_their_plate(tmp_path):
    path = written(tmp_path, RAW)
    table = nl.read_assay(path)
    by_hand = [1 / 1.2, 1.4 / 1.2, 0.5, 0.1 / 1.2, 1.0, 0.25, 1.0, 0.25, 1.0, 0.5]
    assert table.measurements.value.tolist() == pytest.approx(by_hand)
    assert table.measurements.censored.tolist() == ["", "", "", "below", *[""] * 6]
    assert table.measurements.sd[:3].tolist() == pytest.approx([0.1 / 1.2, 0.1 / 1.2, 0.05])
    assert table.frame["detection_limit"][0] == pytest.approx(0.1 / 1.2)
    assert set(table.measurements.unit) == {"fraction"}
    raw = nl.read_assay(path, normalise=False)
    assert raw.measurements.value.tolist() == [1.0, 1.4, 0.6, 0.1, 2.0, 0.5, 0.8, 0.2, 0.4, 0.2]
    assert set(raw.measurements.unit) == {"OD"}
    assert raw.normalise().same_as(table)
    assert table.normalise() is table
    assert nl.read_assay(raw.to_csv(tmp_path / "raw.csv"), normalise=False).same_as(raw)


def test_any_read_out_can_be_normalised_when_asked(tmp_path):
    rows = [
        "il1b,K562R,72,50,pg/mL,0,vehicle",
        "il1b,K562R,72,0.02,ng/mL,1,vehicle",
        "p_erk,K562R,1,3,a.u.,0,vehicle",
    ]
    table = read(tmp_path, *rows, header=f"{HEADER},relative_to")
    assert table.measurements.value.tolist() == pytest.approx([1.0, 0.4, 1.0])
    assert table.measurements.relative_to.tolist() == ["vehicle"] * 3


def test_the_vehicle_of_a_scenario_is_without_its_own_treatments(tmp_path):
    rows = ["viability,K562S,72,2,OD,0,k562s_growth", "viability,K562S,72,1,OD,,imatinib_k562s"]
    table = read(tmp_path, *rows, header=f"{HEADER},scenario")
    assert table.measurements.value.tolist() == [1.0, 0.5]


# -- round trips --------------------------------------------------------------------------------------------


def rows_of(table: AssayTable) -> dict[str, object]:
    rows = {name: array for name, array in vars(table.measurements).items() if name != "row"}
    return {**rows, "detection_limit": table.frame["detection_limit"].to_numpy()}


@pytest.mark.parametrize("form", ["to_csv", "to_excel"])
def test_every_shipped_scenario_survives_as_rows(form, tmp_path):
    wells = [nl.load_scenario(name) for name in SINGLE]
    wells = [well.with_(times=[well.duration / 2, well.duration]) for well in wells]
    asked = [(i, r.name, h, t) for i, w in enumerate(wells) for r, h in applicable(w.hosts) for t in w.times]
    columns = dict(zip(("well", "readout", "host", "time_h"), zip(*asked, strict=True), strict=True))
    table = table_of_wells(wells, {**columns, "value": np.linspace(0.1, 0.9, len(asked))})
    assert [bare(well) for well in table.wells] == [bare(well) for well in wells]
    assert [well.times for well in table.wells] == [well.times for well in wells]
    again = nl.read_assay(getattr(table, form)(tmp_path / ("t.csv" if form == "to_csv" else "t.xlsx")))
    assert again.same_as(table)
    assert list(again.scenarios.values()) == list(table.scenarios.values())


def test_wells_of_a_varied_scenario_share_what_they_have_in_common(tmp_path):
    mine = nl.load_scenario("imatinib_washout").with_(name="my wash", vary={"imatinib": [0.5, 1, 2]})
    wells = mine.wells()
    rows = {"well": [0, 1, 2], "readout": ["viability"] * 3, "host": ["K562S"] * 3, "time_h": 72.0}
    table = table_of_wells(wells, {**rows, "value": [0.9, 0.5, 0.2]})
    assert list(table.scenarios) == ["my_wash.toml"]
    assert [bare(well) for well in table.wells] == [bare(well) for well in wells]
    table.to_csv(tmp_path / "t.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_wash.toml", "t.csv"]


def test_different_scenarios_of_one_name_are_told_apart(tmp_path):
    wells = [
        nl.load_scenario("mixed_lines").with_(name="x", parameters={"death_max": v}) for v in (0.05, 0.06)
    ]
    rows = {"well": [0, 1], "readout": "il1b", "host": "", "time_h": 24.0, "value": [3.0, 4.0]}
    table = table_of_wells(wells, rows)
    again = nl.read_assay(table.to_csv(tmp_path / "t.csv"))
    assert [dict(well.parameters) for well in again.wells] == [{"death_max": 0.05}, {"death_max": 0.06}]


def test_a_column_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="did you mean 'time_h'"):
        table_of_wells([], {"time": [1.0]})
    with pytest.raises(ValueError, match="no column 'well'"):
        table_of_wells([], {"value": [1.0]})


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8).map(
    lambda text: " ".join(text.split())
)
numbers = st.floats(0, 1e9)
TREATED = st.dictionaries(st.sampled_from([solute.name for solute in SOLUTES]), numbers, max_size=3)


@st.composite
def designs(draw):
    line = draw(st.sampled_from(["K562S", "K562R", "stroma"]))
    mode = (
        "none"
        if line == "stroma"
        else draw(st.sampled_from(["none", "coculture", "transwell", "conditioned_medium"]))
    )
    return {
        "line": line,
        "stroma": mode,
        "cells_per_ml": "" if line == "stroma" else draw(st.sampled_from(["", "2e5", "31415.9"])),
        "stroma_per_ml": draw(st.sampled_from(["", "1e4"])) if mode != "none" or line == "stroma" else "",
        "treatments": draw(TREATED),
    }


@st.composite
def tables(draw):
    """The text of a table, as a person might write it."""
    plates = draw(st.lists(words, min_size=1, max_size=2))
    rows = []
    for design in draw(st.lists(designs(), min_size=1, max_size=4)):
        fitting = [r for r in READOUTS if not r.hosts or design["line"] in r.hosts]
        for readout in draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3)):
            limited = readout.relative == "vehicle" or readout.unit in ("%", "fraction")
            sizes = st.floats(1e-9, 1.0 if limited else 1e9)
            value, limits = draw(sizes), st.none() | sizes
            row = {**design, "readout": readout.name, "unit": readout.unit, "value": value}
            row["sign"] = draw(st.sampled_from(["", "", "<", ">"]))
            row |= {"sd": draw(st.none() | numbers), "n": draw(st.none() | st.integers(1, 99))}
            row |= {"plate": draw(st.sampled_from(plates)), "experiment": draw(words), "note": draw(words)}
            rows.append({**row, "time": draw(st.floats(0, 500)), "limit": draw(limits)})
    return rows


PLAIN = (
    "readout", "line", "unit", "stroma", "cells_per_ml", "stroma_per_ml", "sd", "n", "plate", "experiment",
    "note",
)  # fmt: skip


def texts_of(rows):
    file = io.StringIO()
    solutes = [solute for solute in SOLUTES if any(solute.name in row["treatments"] for row in rows)]
    doses = [f"{solute.name} [{solute.unit}]" for solute in solutes]
    writer = csv.writer(file)
    writer.writerow([*PLAIN, "time [h]", "value", "detection_limit", *doses])
    for row in rows:
        cells = [*(row[name] for name in PLAIN), row["time"], f"{row['sign']}{row['value']!r}", row["limit"]]
        writer.writerow([*cells, *(row["treatments"].get(solute.name, 0.0) for solute in solutes)])
    return file.getvalue()


@settings(max_examples=60, deadline=None)
@given(tables())
def test_a_table_reads_back_the_same_from_csv_and_excel(rows):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = nl.read_assay(written(folder, texts_of(rows)))
        assert len(table) == len(rows)
        for row, measured in zip(rows, table.measurements, strict=True):
            assert (measured.time_h, measured.plate, measured.experiment) == (
                row["time"],
                row["plate"],
                row["experiment"],
            )
            if row["limit"] is None:
                assert measured.value == row["value"]
        assert nl.read_assay(table.to_csv(folder / "again.csv")).same_as(table)
        assert nl.read_assay(table.to_excel(folder / "again.xlsx")).same_as(table)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_rows_of_the_wells_of_a_table_are_the_table(rows):
    with tempfile.TemporaryDirectory() as place:
        table = nl.read_assay(written(Path(place), texts_of(rows)))
    again = table_of_wells(table.wells, rows_of(table))
    assert [bare(well) for well in again.wells] == [bare(well) for well in table.wells]
    assert [well.times for well in again.wells] == [well.times for well in table.wells]
    for name, values in rows_of(table).items():
        np.testing.assert_array_equal(rows_of(again)[name], values, err_msg=name)


def test_a_virtual_assay_of_the_wells_of_a_table_is_read_back_the_same(tmp_path):
    rows = [
        f"viability,{line},{time},0.5,fraction,{dose}"
        for line in ("K562S", "K562R")
        for time in (24, 72)
        for dose in (0, 1)
    ]
    table = read(tmp_path, *rows)
    virtual = nl.simulate_assay(table.wells, ["viability", "il1b"], replicates=2, seed=3)
    assert [bare(well) for well in virtual.wells] == [bare(well) for well in table.wells]
    assert [well.times for well in virtual.wells] == [well.times for well in table.wells]
    assert nl.read_assay(virtual.to_csv(tmp_path / "virtual.csv")).same_as(virtual)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.5, float("nan")])), min_size=1))
def test_rows_have_one_code_where_all_columns_agree(rows):
    first, second = (np.array(column) for column in zip(*rows, strict=True))
    codes, firsts = combined([first, second.astype(float)])
    keys = [(int(a), repr(float(b))) for a, b in rows]
    order = list(dict.fromkeys(keys))
    assert codes.tolist() == [order.index(key) for key in keys]
    assert [keys[i] for i in firsts] == order
