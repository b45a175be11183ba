"""Read-outs of a user in assay tables: read, written, drawn by virtual assays, predicted, fitted."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.analysis.fit.observations import Assay, observations
from nicheloop.assays.readouts import READOUTS
from nicheloop.biology.hosts import LEUKAEMIC

HEADER = "readout,line,time [h],value,unit,relative_to,plate,imatinib [uM]\n"
ROWS = (
    "viability,K562R,48,0.5,fraction,,1,1",
    "ldh,K562R,48,0.2,1,,1,1",
    "ldh,K562R,48,-0.1,1,,1,",
    "ldh,K562R,48,310,%,vehicle,1,1",
    "free,K562R,48,900,pM,,1,1",
    "ldh,K562R,48,4.1,OD,vehicle,2,1",
    "ldh,K562R,48,2.0,OD,vehicle,2,",
    "ldh,K562R,24,7,a.u.,scale,3,1",
)
LDH = nl.Readout(
    "ldh",
    "1",
    "logarithm of dead cells per living one, and one",
    LEUKAEMIC,
    lambda run, host: np.log(run.output(f"dead_{host}") / run.output(f"cells_{host}") + 1.0),
    noise=nl.Normal(sd=0.1),
    plate_sd=0.2,
    signed=True,
)
FREE = nl.Readout("free", "nM", "free imatinib", (), lambda run, host: run.output("imatinib_medium"))


def written(folder: Path, rows: tuple[str, ...] = ROWS) -> Path:
    path = folder / "own.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> nl.AssayTable:
    return nl.read_assay(written(tmp_path), readouts=(LDH, FREE))


def test_names_and_units_are_those_of_the_readout(table: nl.AssayTable) -> None:
    values = table.measurements
    assert table.readouts == (LDH, FREE)
    assert values.readout.tolist() == ["viability", "ldh", "ldh", "ldh", "free", "ldh", "ldh", "ldh"]
    assert values.host.tolist() == ["K562R"] * 4 + [""] + ["K562R"] * 3
    np.testing.assert_allclose(values.value, [0.5, 0.2, -0.1, 3.1, 0.9, 2.05, 1.0, 7.0])
    assert values.unit.tolist() == ["fraction", "1", "1", "fraction", "nM", "fraction", "fraction", "a.u."]


def test_predictions_are_what_the_readout_computes(table: nl.AssayTable) -> None:
    found = nl.predict(table, [{}, {"death_max": 0.05}], by=["death_max"])
    run = nl.simulate(table.wells[0], {"death_max": 0.05}, times=[24.0, 48.0], rtol=1e-8)
    vehicle = run.vehicle()
    ldh, free = run[LDH], run[FREE]
    expected = [run["viability"][1], ldh[1], vehicle[LDH][1], ldh[1] / vehicle[LDH][1], free[1]]
    np.testing.assert_allclose(found.values[1, :5], expected, rtol=1e-4)
    np.testing.assert_allclose(found.values[1, 5:], [expected[3], 1.0, 7.0], rtol=1e-4)
    assert abs(found.derivatives[1, 1, 0]) > 0


def test_tables_are_written_and_read_the_same(table: nl.AssayTable, tmp_path: Path) -> None:
    for path in (table.to_csv(tmp_path / "copy.csv"), table.to_excel(tmp_path / "copy.xlsx")):
        again = nl.read_assay(path, readouts=(LDH, FREE))
        assert again.same_as(table)
        assert again.normalise().readouts == (LDH, FREE)


def test_a_virtual_assay_measures_them(tmp_path: Path) -> None:
    doses = nl.load_scenario("imatinib_k562r").with_(vary={"imatinib": [0, 1]}, times=[24, 48])
    drawn = nl.simulate_assay(doses, ["viability", LDH, FREE], 2, seed=3, noise={"free": None})
    assert drawn.readouts == (LDH, FREE)
    assert drawn.frame["readout"].value_counts().to_dict() == {"viability": 8, "ldh": 8, "free": 8}
    again = nl.read_assay(drawn.to_csv(tmp_path / "drawn.csv"), readouts=(FREE, LDH))
    assert again.same_as(drawn)
    exact = nl.simulate_assay(doses, [LDH, FREE], 1, noise={"ldh": None, "free": None}, plate_sd=0)
    np.testing.assert_allclose(nl.predict(exact).values[0], exact.measurements.value, rtol=1e-9)
    np.testing.assert_allclose(exact.measurements.value[-2:], nl.simulate(
        doses.wells()[1], times=[24, 48], rtol=1e-8)[FREE], rtol=1e-4)  # fmt: skip
    with pytest.raises(ValueError, match="noise: unknown read-out 'lhd', did you mean 'ldh'"):
        nl.simulate_assay(doses, [LDH], noise={"lhd": None})


def test_the_likelihood_takes_their_noise_and_plates(tmp_path: Path) -> None:
    own = nl.read_assay(written(tmp_path, ROWS[:3]), readouts=(LDH,))
    other = dataclasses.replace(LDH, noise=nl.Normal(sd=0.7), plate_sd=0.0)
    again = nl.read_assay(written(tmp_path, ROWS[:3]), readouts=(other,))
    found = observations([own, again], Assay(estimated=False), {})
    assert {block.kind.noise for block in found.blocks} >= {nl.Normal(sd=0.1), nl.Normal(sd=0.7)}
    assert [factor.sd for factor in found.factors if factor.readout == "ldh"] == [0.2]
    assert {request.readout for request in found.requests} >= {LDH, other}


@pytest.mark.parametrize(
    ("readouts", "message"),
    [
        ((READOUTS[0],), "readouts: 'viable_cells' ships with the package, expected a name of its own"),
        ((LDH, dataclasses.replace(LDH, unit="%")), "two are called 'ldh', expected a name for each"),
        (("ldh",), "readouts: got 'ldh', expected nl.Readout(...)"),
        (
            (dataclasses.replace(LDH, name="a:b"),),
            "got the name 'a:b', expected one like 'ldh', without colon",
        ),
        ((dataclasses.replace(LDH, hosts=("K562",)),), "ldh: unknown host 'K562', did you mean 'K562S'"),
    ],
)
def test_names_that_cannot_be_are_refused(
    readouts: tuple[nl.Readout, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        nl.read_assay(written(tmp_path), readouts=readouts)


@pytest.mark.parametrize(
    ("row", "readouts", "message"),
    [
        (ROWS[1], (), "row 2, column 'readout': unknown read-out 'ldh'"),
        ("ldh,stroma,48,1,1,,,", (LDH,), "ldh cannot be measured on 'stroma' here, expected line"),
        ("free,K562R,48,-1,nM,,,", (FREE,), "expected a value of at least 0"),
        ("free,K562R,48,1,kg,,,", (FREE,), "'kg' is no unit of free, expected one that converts to 'nM'"),
        ("free,K562R,48,1,OD,,,", (FREE,), "'OD' is a raw signal, but free is in 'nM'"),
        ("f,K562R,48,1,OD,,,1", (dataclasses.replace(LDH, name="f", relative="vehicle"),), "is no unit of f"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_are_told(
    row: str, readouts: tuple[nl.Readout, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(nl.AssayError, match=re.escape(message)):
        nl.read_assay(written(tmp_path, (row,)), readouts=readouts)


def test_a_unit_of_arbitrary_units_is_a_unit(tmp_path: Path) -> None:
    dye = dataclasses.replace(LDH, name="dye", unit="a.u.")
    table = nl.read_assay(written(tmp_path, ("dye,K562R,48,0.4,a.u.,,,1",)), readouts=(dye,))
    assert (table.measurements.unit[0], table.measurements.value[0]) == ("a.u.", 0.4)
