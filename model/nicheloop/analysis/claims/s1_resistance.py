"""S1: K562R survives imatinib that kills K562S, with an unmutated binding site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.claims.claim import Claim, Comparison, Measured, leukaemia, ratio
from nicheloop.analysis.curves import half_dose
from nicheloop.analysis.evidence import Band, Panel

DOSES = (0.01, 0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.5, 0.75, 1.0, 1.5, 2.2, 3.2, 5.0, 10.0, 30.0)
"""Imatinib, µM; dense where the published IC50s lie."""
CELLS = {"K562S": ("K562S", "none"), "K562R": ("K562R", "mixed"), "T315I": ("K562R", "T315I")}
"""Curve -> line and explanation; T315I is the negative control that the paper excludes."""
TIMES = (0.0, 2.0, 72.0)
SOURCE = "Blood 2000;96:1070"

EXPERIMENTS = {
    f"{cells}/{dose:g}": leukaemia(line, resistance, treatments={"imatinib": dose}, times=TIMES)
    for cells, (line, resistance) in CELLS.items()
    for dose in (0.0, *DOSES)
}


def viability(measured: Measured, cells: str) -> np.ndarray:
    """Living cells at 72 h relative to vehicle, shape (doses, sets)."""
    line = CELLS[cells][0]
    living = np.array([measured(f"{cells}/{dose:g}", f"viable_cells:{line}", 72) for dose in DOSES])
    return ratio(living, measured(f"{cells}/0", f"viable_cells:{line}", 72))


def ic50(measured: Measured, cells: str) -> np.ndarray:
    """72 h viable-cell IC50 (µM), shape (sets,)."""
    return half_dose(DOSES, viability(measured, cells).T)


def inhibition(measured: Measured, cells: str, dose: float) -> np.ndarray:
    """Loss of p-BCR-ABL after 2 h of imatinib, % of vehicle."""
    readout = f"p_bcr_abl:{CELLS[cells][0]}"
    return 100 * (1 - ratio(measured(f"{cells}/{dose:g}", readout, 2), measured(f"{cells}/0", readout, 2)))


def compare(measured: Measured) -> Sequence[Comparison]:
    """IC50s, survival at the dose that kills the parent, kinase inhibition."""
    s, r, t = (ic50(measured, cells) for cells in CELLS)
    at_1 = {cells: viability(measured, cells)[DOSES.index(1.0)] for cells in CELLS}
    series = "72 h imatinib series"
    return (
        Comparison(series, "IC50 K562S", "uM", 0, 0.0, s),
        Comparison(series, "IC50 K562R", "uM", 0, 0.0, r),
        Comparison(series, "IC50 K562R / K562S", "1", 1, 1.0, ratio(r, s)),
        Comparison(
            "72 h, 1 uM imatinib",
            "viability K562R - K562S",
            "fraction",
            1,
            0.0,
            at_1["K562R"] - at_1["K562S"],
        ),
        Comparison(
            "2 h, 10 uM imatinib",
            "loss of p-BCR-ABL in K562R",
            "%",
            1,
            0.0,
            inhibition(measured, "K562R", 10.0),
        ),
        Comparison(
            "2 h, 10 uM imatinib",
            "loss of p-BCR-ABL, T315I control",
            "%",
            0,
            0.0,
            inhibition(measured, "T315I", 10.0),
        ),
        Comparison(series, "IC50 T315I control / K562S", "1", 0, 1.0, ratio(t, s)),
    )


def draw(measured: Measured) -> Sequence[Panel]:
    """Dose-response of the three, with the published IC50 ranges."""
    series = tuple(measured.series(cells, DOSES, viability(measured, cells), cells) for cells in CELLS)
    bands = (
        Band("x", 0.2, 0.25, "sensitive clones", SOURCE),
        Band("x", 2.0, 3.0, "resistant clones", SOURCE),
    )
    return (
        Panel(
            claim="S1",
            name="s1_dose_response",
            title="K562R survives imatinib that kills K562S",
            kind="dose_response",
            xlabel="imatinib [µM]",
            ylabel="viable cells at 72 h [fraction of vehicle]",
            xscale="log",
            yscale="linear",
            series=series,
            bands=bands,
            caption="Living cells after 72 h relative to the vehicle well. T315I, a mutation that the paper "
            "excludes, is the negative control. Shaded: IC50 ranges of sensitive and resistant clones "
            "(Blood 2000;96:1070).",
        ),
    )


S1 = Claim(
    "S1",
    "resistance",
    "A resistant line without a BCR-ABL mutation (K562R) survives imatinib that kills its parent (K562S).",
    EXPERIMENTS,
    compare,
    draw,
    "The IC50s of both lines are targets of the calibration: the ensemble meets them by construction, "
    "the prior does not.",
)
