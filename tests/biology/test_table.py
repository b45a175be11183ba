"""The parameter table and its reference list hold what they promise."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nicheloop.biology
from nicheloop.biology import RESISTANCES, parameter_values, parameters, references
from nicheloop.biology.resistance import EXPLANATIONS, HOST_SPECIFIC
from nicheloop.biology.table import EVIDENCE, PRIORS, ParameterRow, rows

READ = ("abstract", "page", "figure legend", "second-hand", "code", "definition")
KEYS = re.compile(r"\[([a-z][a-z0-9_]+(?:;\s*[a-z][a-z0-9_]+)*)\]")
DOCUMENT = Path(__file__).parents[2] / "docs" / "model" / "evidence.md"
SOURCES = sorted(Path(nicheloop.biology.__file__).parent.glob("*.py"))
CALIBRATION = "fitted to the table of numbers by simulations/calibrate_defaults.py"
ROWS = list(rows().values())


def cited(text: str) -> Iterator[str]:
    """Reference keys in square brackets."""
    for group in KEYS.findall(text):
        yield from re.split(r";\s*", group)


def docstrings() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        for block in re.findall(r'"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL):
            yield path.name, block


def by_name(row: ParameterRow) -> str:
    return row.name


# -- schema -------------------------------------------------------------------------------------------------


def test_names_are_unique_and_the_frame_holds_every_row() -> None:
    frame = parameters()
    assert list(frame.index) == list(rows())
    assert frame.index.is_unique
    assert list(frame.columns) == [
        *("mechanism", "value", "unit", "low", "high", "prior", "evidence", "source", "note")
    ]


@pytest.mark.parametrize("row", ROWS, ids=by_name)
def test_a_row_is_complete(row: ParameterRow) -> None:
    assert row.evidence in EVIDENCE
    assert row.prior in PRIORS
    assert math.isfinite(row.value)
    assert row.unit
    assert row.note, "a reader must learn what the number means and what its source does not give"
    assert (Path(nicheloop.biology.__file__).parent / f"{row.mechanism}.py").is_file()


@pytest.mark.parametrize("row", ROWS, ids=by_name)
def test_a_prior_has_bounds_around_its_value(row: ParameterRow) -> None:
    if row.prior == "fixed":
        assert row.low is None
        assert row.high is None
        return
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.value < row.high
    if row.prior in ("lognormal", "loguniform"):
        assert row.low > 0


# -- evidence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [r for r in ROWS if r.evidence == "measured"], ids=by_name)
def test_a_measured_number_was_read_where_it_was_measured(row: ParameterRow) -> None:
    assert row.source in references()
    assert references()[row.source].read != "second-hand"


@pytest.mark.parametrize("row", [r for r in ROWS if r.evidence in ("fitted", "estimate")], ids=by_name)
def test_a_number_that_is_not_assumed_has_a_source_or_our_own_fit(row: ParameterRow) -> None:
    ours = row.evidence == "fitted" and CALIBRATION in row.note
    assert ours or row.source in references()


@pytest.mark.parametrize("row", [r for r in ROWS if r.evidence == "assumed" and r.source], ids=by_name)
def test_an_assumed_number_with_a_source_says_what_the_source_gives(row: ParameterRow) -> None:
    assert row.source in references()
    assert len(row.note) > 10 or row.note.startswith("as ")


def test_every_reference_key_resolves() -> None:
    where = [(row.name, row.source) for row in ROWS if row.source]
    where += [(row.name, key) for row in ROWS for key in cited(row.note)]
    where += [(name, key) for name, block in docstrings() for key in cited(block)]
    where += [(DOCUMENT.name, key) for key in cited(DOCUMENT.read_text(encoding="utf-8"))]
    assert [(place, key) for place, key in where if key not in references()] == []


def test_every_reference_is_used() -> None:
    used = {row.source for row in ROWS} | {key for row in ROWS for key in cited(row.note)}
    used |= {key for _, block in docstrings() for key in cited(block)}
    assert set(references()) - used == set()


def test_references_say_what_was_read() -> None:
    keys = list(references())
    assert keys == sorted(keys)
    for reference in references().values():
        assert reference.citation
        assert reference.read in READ, reference.key


# -- table and model ----------------------------------------------------------------------------------------


def formula_names(model: Any) -> set[str]:
    """Names that occur in a rate, an expression or an initial amount."""
    formulas = [e.expr for e in model.expressions] + [r["rate"] for r in model.reactions]
    names = {symbol.name for formula in formulas for symbol in formula.free_symbols}
    return names | {initial.value.name for initial in model.initials}


def test_every_parameter_of_the_model_has_a_row_and_its_value(model: Any) -> None:
    values = parameter_values("mixed")
    found = {p.name: p.value for p in model.parameters if p.name != "nothing"}
    assert found == {name: values[name] for name in found}
    assert model.parameters["nothing"].value == 0


def test_every_row_is_used(expanded: Any) -> None:
    used = formula_names(expanded("nfkb")) | formula_names(expanded("ifnb"))
    assert set(rows()) - used == {"imatinib_affinity_loss_T315I"}  # used by the explanation T315I


# -- values -------------------------------------------------------------------------------------------------


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'imatinib_konn'.*did you mean 'imatinib_kon'"):
        parameter_values("mixed", {"imatinib_konn": 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"il1_kon.*finite number \[1/\(nM\*h\)\]"):
        parameter_values("mixed", {"il1_kon": value})


def test_an_unknown_explanation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'il1'.*expected one of .*il1b"):
        parameter_values("il1")


# -- resistance ---------------------------------------------------------------------------------------------


def test_both_lines_have_a_row_for_every_host_specific_quantity() -> None:
    sensitive = {name.removesuffix("_K562S") for name in rows() if name.endswith("_K562S")}
    resistant = {name.removesuffix("_K562R") for name in rows() if name.endswith("_K562R")}
    assert sensitive - {"stock_density"} == resistant - {"stock_density"} == set(HOST_SPECIFIC)


@pytest.mark.parametrize("resistance", RESISTANCES)
def test_k562r_is_k562s_plus_what_the_explanation_names(resistance: str) -> None:
    values = parameter_values(resistance)
    differs = {q for q in HOST_SPECIFIC if values[f"{q}_K562R"] != values[f"{q}_K562S"]}
    assert differs == set(EXPLANATIONS[resistance])


def test_the_control_mutation_takes_the_affinity_of_the_mutant() -> None:
    values = parameter_values("T315I")
    assert values["imatinib_affinity_loss_K562R"] == values["imatinib_affinity_loss_T315I"]
    assert values["imatinib_affinity_loss_K562S"] == 1


def test_a_value_set_by_hand_stays() -> None:
    values = parameter_values("none", {"il1b_secretion_K562R": 7.0, "il1r1_copies_K562S": 90.0})
    assert values["il1b_secretion_K562R"] == 7.0
    assert values["il1r1_copies_K562R"] == 90.0
