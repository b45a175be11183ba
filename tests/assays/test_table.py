"""Assay tables: what a file says becomes wells and measurements, and a file again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl

HEADER = "readout,line,time [h],value,unit,imatinib [uM]"


def written(folder: Path, text: str, name: str = "plate.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_wells_and_measurements(tmp_path):
    table = nl.read_assay(
        written(
            tmp_path,
            "# a comment\nreadout,line,time [d],value,unit,imatinib [nM],stroma\n"
            "viability,K562R,2,100,%,0,\nviability,K562R,3,70,%,300,\nviability,K562R,3,75,%,300,\n\n"
            "il1b,K562R,3,<3.9,pg/mL,300,coculture\nviability,K562R,2,80,%,300,\n",
        )
    )
    vehicle, treated, coculture = table.wells
    assert (vehicle.treatments, vehicle.times) == ({}, (48.0,))
    assert (treated.treatments, treated.times, treated.hosts) == ({"imatinib": 0.3}, (48.0, 72.0), ("K562R",))
    assert coculture.stroma == nl.load_scenario("coculture").stroma
    values = table.measurements
    assert values.row.tolist() == [3, 4, 5, 7, 8]
    assert values.well.tolist() == [0, 1, 1, 2, 1]
    assert values.value.tolist() == [1.0, 0.7, 0.75, 3.9, 0.8]
    assert values.unit.tolist() == ["fraction"] * 3 + ["pg/mL", "fraction"]
    assert values.censored.tolist() == ["", "", "", "below", ""]
    assert values.replicate.tolist() == [1, 1, 2, 1, 1]
    assert values.host.tolist() == ["K562R"] * 3 + ["", "K562R"]
    assert np.isnan(values.sd).all()
    assert values[1].time_h == 72.0


def test_a_table_reads_back_the_same(tmp_path):
    text = f"{HEADER},plate\nviability,K562S,72,0.5,fraction,1,P1\nil1b,K562S,72,<3.9,pg/mL,1,\n"
    table = nl.read_assay(written(tmp_path, text))
    assert nl.read_assay(table.to_csv(tmp_path / "again.csv")).same_as(table)


def test_all_problems_of_a_file_are_told_with_row_column_and_value(tmp_path):
    path = written(
        tmp_path, f"{HEADER}\nviabilty,K562R,72,0.5,fraction,0\nviability,K562,7x,0.4,fraction,-1\n"
    )
    with pytest.raises(nl.AssayError) as told:
        nl.read_assay(path)
    lines = str(told.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(
        "plate.csv: row 2, column 'readout': unknown read-out 'viabilty', did you mean"
    )
    assert any("row 3, column 'time [h]': got '7x'" in line for line in lines)
