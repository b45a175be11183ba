"""Density dependence: an autocrine loop through the shared medium gets stronger in a dense culture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.claims.claim import Claim, Comparison, Measured, leukaemia, ratio
from nicheloop.analysis.evidence import Panel

DENSITIES = (1e4, 3e4, 1e5, 2e5, 5e5, 1e6, 2e6)
"""Cells/mL at seeding."""
IMATINIB = 5.0
"""µM."""
MEDIA: dict[str, dict[str, object]] = {"no antibody": {}, "anti-IL-1β": {"anti_il1b": "10 ug/mL"}}

EXPERIMENTS = {
    f"{medium}/{density:g}/{imatinib:g}": leukaemia(
        "K562R", lines={"K562R": density}, treatments={**treatments, "imatinib": imatinib}, times=(0.0, 72.0)
    )
    for medium, treatments in MEDIA.items()
    for density in DENSITIES
    for imatinib in (0.0, IMATINIB)
}


def viability(measured: Measured, medium: str) -> np.ndarray:
    """Living cells at 72 h relative to the well without imatinib, shape (densities, sets)."""
    readout = "viable_cells:K562R"
    return np.array(
        [
            ratio(
                measured(f"{medium}/{density:g}/{IMATINIB:g}", readout, 72),
                measured(f"{medium}/{density:g}/0", readout, 72),
            )
            for density in DENSITIES
        ]
    )


def compare(measured: Measured) -> Sequence[Comparison]:
    """Dense over sparse, with and without the antibody."""
    free, blocked = viability(measured, "no antibody"), viability(measured, "anti-IL-1β")
    sparse, dense = DENSITIES.index(1e4), DENSITIES.index(1e6)
    where = f"K562R, {IMATINIB:g} uM imatinib, 72 h"
    return (
        Comparison(
            where, "viability at 1e6 / at 1e4 cells/mL", "1", 1, 1.0, ratio(free[dense], free[sparse])
        ),
        Comparison(where, "the same with anti-IL-1β", "1", 0, 1.0, ratio(blocked[dense], blocked[sparse])),
        Comparison(
            where, "anti-IL-1β / none at 1e4 cells/mL", "1", 0, 1.0, ratio(blocked[sparse], free[sparse])
        ),
        Comparison(
            where, "anti-IL-1β / none at 1e6 cells/mL", "1", -1, 1.0, ratio(blocked[dense], free[dense])
        ),
    )


def draw(measured: Measured) -> Sequence[Panel]:
    """Viability against seeding density."""
    series = tuple(
        measured.series(medium, DENSITIES, viability(measured, medium), group)
        for medium, group in (("no antibody", "K562R"), ("anti-IL-1β", "antibody"))
    )
    return (
        Panel(
            claim="density",
            name="density_dependence",
            title="Resistance by density of the culture",
            kind="dose_response",
            xlabel="K562R at seeding [cells/mL]",
            ylabel="viable cells at 72 h [fraction of vehicle]",
            xscale="log",
            yscale="linear",
            series=series,
            caption=f"K562R alone, {IMATINIB:g} µM imatinib, relative to the same density without imatinib.",
        ),
    )


DENSITY = Claim(
    "density",
    "dependence",
    "Resistance that runs through IL-1β in the shared medium depends on the density of the culture.",
    EXPERIMENTS,
    compare,
    draw,
)
