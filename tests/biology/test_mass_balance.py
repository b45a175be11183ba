"""With making, losing and dying switched off, molecules only change partner, place or form.

A monomer is counted over all species, complexes included. What becomes another monomer on its way (a
precursor that is secreted, a receptor that is shed) is counted with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nicheloop.assays.compiled import Layout
from nicheloop.integrate.periods import Period, integrate_periods

FORMS = {
    "IL1B": ("IL1B", "ProIL1B"),
    "CXCL11": ("CXCL11", "StoredCXCL11"),
    "IL1R2": ("IL1R2", "SolubleIL1R2"),
}
"""Molecules that are more than one monomer in turn."""

MOLECULES = (
    *("Imatinib", "BcrAbl", "IL1A", "IL1Ra", "IL1R1", "IL1RAP", "AntiIL1B", "AntiIL1RAP", "IL1BmRNA"),
    *("Cox2", "PGE2", "Celecoxib", "Abcb1", "BclXL", "Mcl1", "Bim", "CXCL11mRNA", "AntiCXCL11"),
    *("IFNB", "IFNBmRNA", "IFNG", "JakInhibitor", "CXCR3", "ACKR3", "CXCR3Antagonist", "Cell", "DeadCell"),
)
SOURCES_AND_SINKS = (
    *("division_max_K562S", "division_max_K562R", "division_max_stroma"),
    *("death_max", "death_basal", "death_basal_stroma", "uniform_death", "dead_cell_loss"),
    *("imatinib_medium_loss", "bcr_abl_turnover"),
    *("il1b_secretion_K562S", "il1b_secretion_K562R", "il1a_secretion_K562S", "il1a_secretion_K562R"),
    *("il1ra_secretion_K562S", "il1ra_secretion_K562R", "il1ra_secretion_stroma"),
    *("il1r2_copies_K562S", "il1r2_copies_K562R", "il1r2_copies_stroma"),  # made to replace what is shed
    *(
        "il1b_mRNA_decay",
        "il1b_intracellular_loss",
        "il1_medium_loss",
        "il1r_turnover",
        "il1_internalisation",
    ),
    *("cox2_turnover", "pge2_output", "pge2_loss", "abcb1_turnover"),
    *("bclxl_turnover", "mcl1_turnover", "bim_loss"),
    *("cxcl11_mRNA_decay", "cxcl11_secretion_stroma", "cxcl11_medium_loss"),
    *("ifnb_mRNA_decay", "ifnb_output", "interferon_loss"),
    *("cxcr3_internalisation", "cxcr3_turnover", "ackr3_turnover", "ackr3_uptake"),
)
"""Parameters of synthesis, secretion, decay, turnover, uptake, division and death.

Translation of IL1B mRNA cannot be among them (it divides the secretion it has to give), so there is no such
mRNA in the states below.
"""


def totals(well: Any) -> dict[str, NDArray[np.float64]]:
    """Weights that count each molecule over all species."""
    weights = {name: well.counts[name] for name in MOLECULES}
    weights |= {name: sum(well.counts[form] for form in forms) for name, forms in FORMS.items()}
    return weights


def closed(well: Any, values: dict[str, float]) -> NDArray[np.float64]:
    return well.parameters(values | dict.fromkeys(SOURCES_AND_SINKS, 0.0))


def state(well: Any, rng: np.random.Generator) -> NDArray[np.float64]:
    y: NDArray[np.float64] = well.state(rng)
    y[well.counts["IL1BmRNA"] > 0] = 0.0
    return y


def test_every_monomer_is_a_molecule_or_an_activity(well: Any) -> None:
    counted = sum(totals(well).values()) > 0
    assert np.array_equal(counted, ~well.activity)
    forms = [form for forms in FORMS.values() for form in forms]
    assert len({*MOLECULES, *forms}) == len(MOLECULES) + len(forms), "counted twice"


def test_no_reaction_that_goes_on_changes_a_total(well: Any, draws: Any) -> None:
    rng = np.random.default_rng(1)
    for values in draws:
        going = well.system.rates(state(well, rng), closed(well, values)) != 0
        for name, weight in totals(well).items():
            lost = going & (weight @ well.flow != 0)
            assert [well.system.network.reactions[k].rate for k in np.flatnonzero(lost)] == [], name


def test_totals_stay_constant_over_a_day(nfkb_well: Any, draws: Any) -> None:
    well, rng = nfkb_well, np.random.default_rng(2)
    times = np.linspace(0, 24, 5)
    weights = np.array(list(totals(well).values()))
    atol = Layout.of(well.system.species).atol()
    for values in draws:
        p, start = closed(well, values), state(well, rng)
        run = integrate_periods(well.system, [Period(0, 24, p)], start, times, rtol=1e-4, atol=atol)
        assert run.status == "ok", run.message
        counted = run.y @ weights.T
        np.testing.assert_allclose(counted, np.broadcast_to(counted[0], counted.shape), rtol=1e-9, atol=1e-20)
        assert np.abs(run.y[-1] / np.where(start > 0, start, 1) - 1).max() > 0.1, "nothing happened"


@pytest.mark.parametrize(
    "leak", ["il1_internalisation", "imatinib_medium_loss", "division_max_K562R", "bim_loss"]
)
def test_a_single_leak_is_seen(well: Any, draws: Any, leak: str) -> None:
    rng = np.random.default_rng(3)
    y = state(well, rng)
    values = draws[0] | dict.fromkeys(SOURCES_AND_SINKS, 0.0) | {leak: draws[0][leak]}
    change = well.flow @ well.system.rates(y, well.parameters(values))
    drift = [abs(weight @ change) / (weight @ y) for weight in totals(well).values() if weight @ y > 0]
    assert max(drift) > 1e-6
