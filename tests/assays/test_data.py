"""The published data that ship: every table reads, has units and sources, and follows from what it cites."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.noise_table import assay_numbers
from nicheloop.assays.readouts import READOUTS
from nicheloop.data.published import COLUMNS, load_constraints

FOLDER = files("nicheloop.data")
README = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
UNITS = {readout.name: readout.unit for readout in READOUTS}


def counts() -> dict[str, dict[str, float]]:
    """Counts and size factors of README, gene to sample to number."""
    rows = [
        line.strip("|").split("|")
        for line in README.splitlines()
        if re.match(r"\| (gene|[A-Z0-9]+|size)", line)
    ]
    header = next(row for row in rows if row[0].strip() == "gene")
    samples = [cell.strip() for cell in header[1:]]
    return {
        row[0].strip(): dict(zip(samples, map(float, row[1:]), strict=True))
        for row in rows
        if len(row) == len(header) and row is not header
    }


def ratios(gene: str, line: str) -> list[float]:
    table = counts()
    normal = {sample: count / table["size factor"][sample] for sample, count in table[gene].items()}
    parental = (normal["WT_1"] + normal["WT_2"]) / 2
    return [normal[f"{line}_{sample}"] / parental for sample in (1, 2)]


# -- assay tables -------------------------------------------------------------------------------------------


def test_what_ships_is_listed_and_documented() -> None:
    assert nl.data_names() == ("il1b_mrna_resistant_lines", "imatinib_baf3")
    assert nl.constraint_names() == ("il1b_levels", "imatinib_k562", "transcripts_resistant_lines")
    for name in (*nl.data_names(), *(f"constraints/{name}" for name in nl.constraint_names())):
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
        content, source, licence = (cell.strip() for cell in row.split("|")[2:5])
        assert content
        assert source
        assert licence


@pytest.mark.parametrize("name", ["il1b_mrna_resistant_lines", "imatinib_baf3"])
def test_every_assay_table_reads_in_the_units_of_its_read_outs(name: str) -> None:
    table = nl.load_data(name)
    assert len(table) > 0
    assert (table.frame["unit"] == table.frame["readout"].map(UNITS)).all()
    assert np.isfinite(table.measurements.value).all()
    assert (table.frame["n"] >= 1).all()
    text = FOLDER.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    assert "# Source: " in text


def test_the_dose_response_has_20_replicates_at_ten_doses() -> None:
    table = nl.load_data("imatinib_baf3")
    doses = [well.treatments["imatinib"] for well in table.wells]
    np.testing.assert_allclose(doses, 10.0 / 2.0 ** np.arange(9, -1, -1))
    assert (table.measurements.n == 20).all()
    assert (np.diff(table.measurements.value) < 0).all()
    assert (table.measurements.sd > 0).all()
    assert {well.hosts for well in table.wells} == {("K562S",)}


def test_the_noise_of_viability_is_that_of_the_20_replicates() -> None:
    found = nl.load_data("imatinib_baf3").measurements
    shipped = {n.quantity: n.value for n in assay_numbers() if n.readout == "viability"}
    living, dead = found.value > 0.5, found.value < 0.01
    assert living.sum() == 4
    assert dead.sum() == 3
    pooled = np.sqrt(np.mean((found.sd[living] / found.value[living]) ** 2))
    assert shipped["normal_cv"] == pytest.approx(pooled, rel=5e-3)
    assert shipped["normal_sd"] == pytest.approx(np.sqrt(np.mean(found.sd[dead] ** 2)), rel=0.02)


def test_fold_ratios_of_il1b_follow_from_the_counts() -> None:
    found = nl.load_data("il1b_mrna_resistant_lines")
    expected = [*ratios("IL1B", "IR1"), *ratios("IL1B", "IR2")]
    np.testing.assert_allclose(found.measurements.value, expected, rtol=1e-3)
    assert set(found.frame["line"]) == {"K562R"}


def test_data_that_do_not_ship_are_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown data 'imatinib_baf', did you mean 'imatinib_baf3'"):
        nl.load_data("imatinib_baf")


# -- constraints --------------------------------------------------------------------------------------------


def test_every_constraint_has_a_unit_a_source_and_cells() -> None:
    for name in nl.constraint_names():
        table = nl.load_constraints(name)
        assert table
        for constraint in table:
            assert constraint.unit
            assert constraint.source
            assert constraint.cells
            assert "abstract" in constraint.source or re.search(
                r"table|introduction|github|figure", constraint.source
            )


def test_ranges_of_transcripts_follow_from_the_counts() -> None:
    found = [c for c in nl.load_constraints("transcripts_resistant_lines") if "GSE140771" in c.source]
    assert len(found) == 24
    for constraint in found:
        gene, line = constraint.quantity.removesuffix("_mRNA_ratio"), constraint.cells.removeprefix("K562 ")
        both = ratios(gene, line)
        assert constraint.value == pytest.approx(np.mean(both), abs=6e-4)
        assert constraint.low == pytest.approx(min(both), abs=6e-4)
        assert constraint.high == pytest.approx(max(both), abs=6e-4)


def test_lysates_are_per_million_cells() -> None:
    for constraint in nl.load_constraints("il1b_levels"):
        told = re.search(r"([\d.]+)(?: \([^)]*\))? pg in ([\d.e]+) cells", constraint.note)
        if constraint.quantity == "il1b":
            continue
        assert told, constraint
        assert constraint.value == pytest.approx(float(told[1]) / float(told[2]) * 1e6, rel=1e-3)


def test_published_ic50s_hold_what_they_say() -> None:
    sensitive, resistant = nl.load_constraints("imatinib_k562")[:2]
    assert (sensitive.quantity, sensitive.line, sensitive.time, sensitive.unit) == (
        "ic50_viable_cells", "K562S", 72.0, "uM",
    )  # fmt: skip
    assert sensitive.holds(0.22)
    assert not sensitive.holds(0.3)
    assert resistant.holds(3.0)
    assert not resistant.holds(1.9)
    commitment = next(c for c in nl.load_constraints("imatinib_k562") if c.quantity == "exposure_to_commit")
    assert commitment.holds(24.0)
    assert not commitment.holds(8.0)
    doubling = next(c for c in nl.load_constraints("imatinib_k562") if c.quantity == "doubling_time")
    assert doubling.holds(34.0)
    assert not doubling.holds(33.0)


def test_constraints_of_ones_own_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(
        "\ufeff# ours\nquantity,line,low,high,unit,source\n\nic50_viable_cells,K562R,,4,uM,notebook 12\n",
        encoding="utf-8",
    )
    (mine,) = load_constraints(file)
    assert (mine.low, mine.high, mine.value, mine.time, mine.cells) == (None, 4.0, None, None, "")
    assert mine.holds(0.0)
    assert load_constraints(str(file)) == (mine,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty, expected a header: quantity, line, cells"),
        ("quantity,unit\nic50,uM\n", "no column 'source', expected one"),
        ("quantity,unit,source,hihg\n", "unknown column 'hihg', did you mean 'high'"),
        ("quantity,unit,source,low,low\n", "column 'low' is there twice, expected it once"),
        ("quantity,unit,source,low\n,uM,x,1\n", "row 2, column quantity: is empty, expected"),
        ("quantity,unit,source,low\na,uM,x,1\na,uM,x,1O\n", "row 3, column low: got '1O', expected a number"),
        ("quantity,unit,source,low\na,uM,x,\n", "row 2, column value: is empty, expected a number there"),
        ("quantity,unit,source,low,high\na,uM,x,2,1\n", "row 2, column low: got 2, expected at most high, 1"),
        ("quantity,unit,source,line\na,uM,x,K562\n", "row 2, column line: unknown line 'K562', did you mean"),
    ],
)  # fmt: skip
def test_constraints_that_cannot_be_read_say_where(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"mine.csv: {message}")):
        load_constraints(file)


def test_constraints_that_are_not_there_or_not_text_say_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown constraints 'il1b_level', did you mean 'il1b_levels'"):
        load_constraints("il1b_level")
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        load_constraints(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("quantity,µ".encode("latin-1"))
    with pytest.raises(ValueError, match="byte 9 is not UTF-8"):
        load_constraints(tmp_path / "latin.csv")


def test_the_columns_are_those_of_the_shipped_files() -> None:
    for name in nl.constraint_names():
        lines = FOLDER.joinpath("constraints", f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert next(line for line in lines if not line.startswith("#")) == ",".join(COLUMNS)
