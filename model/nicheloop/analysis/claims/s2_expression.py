"""S2: IL-1β is expressed more in K562R than in K562S."""

from __future__ import annotations

from collections.abc import Sequence

from nicheloop.analysis.claims.claim import LINES, Claim, Comparison, Measured, leukaemia, ratio
from nicheloop.analysis.evidence import Panel

TIMES = (0.0, 2.0, 4.0, 8.0, 12.0, 18.0, 24.0, 36.0, 48.0, 60.0, 72.0)
DRUG = {"vehicle": 0.0, "imatinib": 1.0}
READOUTS = {
    "mRNA": ("il1b_mRNA:{line}", "IL1B mRNA", "fold of K562S stock"),
    "cells": ("il1b_in_cells:{line}", "IL-1β in cells", "pg per 1e6 cells"),
    "medium": ("il1b", "IL-1β in medium", "pg/mL"),
}

EXPERIMENTS = {
    f"{line}/{drug}": leukaemia(line, treatments={"imatinib": dose}, times=TIMES)
    for line in LINES
    for drug, dose in DRUG.items()
}


def compare(measured: Measured) -> Sequence[Comparison]:
    """K562R over K562S for mRNA, protein in cells and in medium; levels for orientation."""
    found = [
        Comparison(
            f"{drug}, 48 h" if drug == "vehicle" else "1 uM imatinib, 48 h",
            f"{READOUTS[what][1]}: K562R / K562S",
            "1",
            1,
            1.0,
            ratio(
                measured(f"K562R/{drug}", READOUTS[what][0].format(line="K562R"), 48),
                measured(f"K562S/{drug}", READOUTS[what][0].format(line="K562S"), 48),
            ),
        )
        for drug in DRUG
        for what in READOUTS
    ]
    found += [
        Comparison(
            "vehicle, 72 h",
            f"IL-1β in medium of {line}",
            "pg/mL",
            0,
            0.0,
            measured(f"{line}/vehicle", "il1b", 72),
        )
        for line in LINES
    ]
    return found


def draw(measured: Measured) -> Sequence[Panel]:
    """Time courses of mRNA, protein in cells, protein in medium."""
    panels = []
    for what, (readout, name, unit) in READOUTS.items():
        series = tuple(
            measured.series(
                f"{line}, {'1 µM imatinib' if drug == 'imatinib' else 'vehicle'}",
                TIMES,
                measured(f"{line}/{drug}", readout.format(line=line)).T,
                line,
            )
            for line in LINES
            for drug in DRUG
        )
        panels.append(
            Panel(
                claim="S2",
                name=f"s2_{what}",
                title=f"{name}, either line",
                kind="timecourse",
                xlabel="time [h]",
                ylabel=f"{name} [{unit}]",
                xscale="linear",
                yscale="log" if what != "medium" else "linear",
                series=series,
                caption="Cells are washed out of their stock culture at 0 h.",
            )
        )
    return panels


S2 = Claim(
    "S2",
    "expression",
    "IL-1β is expressed more in K562R than in K562S.",
    EXPERIMENTS,
    compare,
    draw,
    "That K562R secretes more IL-1β is what the paper found and is put into the parameters (the prior "
    "allows a ratio below 1); what follows from it is secretion over time, and that imatinib does not "
    "switch it off.",
)
