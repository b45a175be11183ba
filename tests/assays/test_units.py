"""Units: round trips, antibodies, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.assays import units
from nicheloop.assays.units import UnitError
from nicheloop.biology.medium import SOLUTES

AMOUNTS = st.floats(1e-9, 1e9)
MOLAR = ["pM", "nM", "uM", "µM", "mM", "M"]
MASS = ["pg/mL", "ng/ml", "ug/mL", "mg/L", "g/L"]


@given(AMOUNTS, st.sampled_from(SOLUTES), st.sampled_from(MOLAR + MASS))
def test_a_dose_survives_the_way_to_nanomolar_and_back(amount, solute, unit):
    if unit in MASS and solute.molar_mass is None:
        with pytest.raises(UnitError, match="molar mass is not known"):
            units.to_nanomolar(f"{amount!r} {unit}", solute.name)
        return
    nanomolar = units.to_nanomolar(f"{amount!r} {unit}", solute.name)
    assert units.from_nanomolar(nanomolar, solute.name, unit) == pytest.approx(amount, rel=1e-12)


@given(AMOUNTS, st.sampled_from(SOLUTES))
def test_a_dose_in_the_default_unit_is_kept_exactly(amount, solute):
    assert units.dose(amount, solute.name) == amount
    assert units.dose(f"{amount!r} {solute.unit}", solute.name) == amount


@given(st.floats(1e-3, 1e9))
def test_cells_survive_the_way_to_nanomolar_and_back(density):
    assert units.nanomolar_to_cells(units.cells_to_nanomolar(density)) == pytest.approx(density, rel=1e-12)
    per_litre = units.cells_to_nanomolar(f"{density!r} cells/L")
    assert per_litre == pytest.approx(units.cells_to_nanomolar(density) / 1000, rel=1e-12)


def test_known_conversions():
    assert units.cells_to_nanomolar("1 cell/mL") == pytest.approx(1.66054e-12, rel=1e-5)
    assert units.to_nanomolar("1 uM", "imatinib") == pytest.approx(1000)
    # CXCL11 of 8.3 kDa: 1 ng/mL is 120 pM; IL-1β of 17.5 kDa: 17.5 pg/mL is 1 pM.
    assert units.to_nanomolar("1 ng/mL", "cxcl11") == pytest.approx(0.1205, rel=1e-3)
    assert units.to_nanomolar(17.5, "il1b") == pytest.approx(1e-3)
    assert units.convert("3 d", "h") == pytest.approx(72)


def test_an_antibody_is_counted_by_its_two_binding_sites():
    # 150 kDa: 15 ug/mL is 100 nM of IgG, 200 nM of sites, whichever way it is written.
    assert units.to_nanomolar("15 ug/mL", "anti_il1b") == pytest.approx(200)
    assert units.to_nanomolar("100 nM", "anti_il1b") == pytest.approx(200)
    assert units.from_nanomolar(200, "anti_il1b", "nM") == pytest.approx(100)


def test_numbers_of_numpy_and_quantities_of_pint_are_read():
    assert units.dose(np.float64(2.0), "imatinib") == 2.0
    assert units.dose(np.int64(2), "imatinib") == 2.0
    assert units.dose(units.registry().Quantity(500, "nM"), "imatinib") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("quantity", "solute", "message"),
    [
        ("1 uMM", "imatinib", r"'1 uMM': unknown unit 'uMM', did you mean 'uM'"),
        ("1 pg/ML", "il1b", r"unknown unit 'pg/ML', did you mean 'pg/mL'"),
        ("3 h", "imatinib", r"'3 h': imatinib cannot be given in 'h'"),
        ("1 ng/mL", "jak_inhibitor", r"cannot be given in 'ng/mL' \(its molar mass is not known\)"),
        ("a lot", "imatinib", r"cannot read 'a lot' as a number with a unit such as '1 uM'"),
        ("1e999 uM", "imatinib", r"'1e999 uM' is not finite"),
        (float("nan"), "imatinib", r"nan is not finite"),
        (True, "imatinib", r"cannot read True"),
        (None, "imatinib", r"cannot read None"),
        (1, "imatinb", r"unknown treatment 'imatinb', did you mean 'imatinib'\?"),
    ],
)
def test_what_is_refused_says_value_and_expectation(quantity, solute, message):
    with pytest.raises(UnitError, match=message):
        units.to_nanomolar(quantity, solute)


@pytest.mark.parametrize("quantity", ["3 uM", "2 cells", "5 hh", "2 dd", "1 mh", "3 hours of work"])
def test_a_time_must_be_a_time(quantity):
    with pytest.raises(UnitError, match=r"expected one that converts to 'h'"):
        units.convert(quantity, "h")
