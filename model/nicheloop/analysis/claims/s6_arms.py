"""S6: IL-1β contributes to resistance by viability and by migration; how much each arm accounts for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.claims.claim import (
    SEEDING,
    STROMA_DENSITY,
    Claim,
    Comparison,
    Measured,
    experiment,
    ratio,
)
from nicheloop.analysis.evidence import Panel

IMATINIB = 5.0
"""µM."""
AT = 72.0
VIABILITY_OFF = {"il1r1_copies_K562R": 0.0}
"""The autocrine arm: K562R without IL-1 receptor; the stroma keeps its own."""
MIGRATION_OFF = {"cxcr3_copies_K562R": 0.0}
"""The paracrine arm: K562R without CXCR3; other stromal attraction stays."""
ARMS: dict[str, dict[str, float]] = {
    "both arms": {},
    "viability only": MIGRATION_OFF,
    "migration only": VIABILITY_OFF,
    "neither": {**VIABILITY_OFF, **MIGRATION_OFF},
}

EXPERIMENTS = {
    name: experiment(
        name="coculture",
        lines={"K562R": SEEDING},
        stroma={"mode": "coculture", "density": STROMA_DENSITY},
        treatments={"imatinib": IMATINIB},
        parameters=changes,
        duration=AT,
        times=(0.0, 24.0, 48.0, AT),
    )
    for name, changes in ARMS.items()
}


def survivors(measured: Measured) -> dict[str, np.ndarray]:
    """Living K562R at 72 h, cells/mL."""
    return {name: measured(name, "viable_cells:K562R", AT) for name in ARMS}


def shares(measured: Measured) -> dict[str, np.ndarray]:
    """Share of the survivors each arm accounts for: the mean over both orders of adding it (Shapley)."""
    n = survivors(measured)
    both, via, mig, none = (n[name] for name in ARMS)
    return {
        "viability arm": 100 * ratio((both - mig + via - none) / 2, both),
        "migration arm": 100 * ratio((both - via + mig - none) / 2, both),
        "both arms together": 100 * ratio(both - none, both),
        "interplay": 100 * ratio(both - via - mig + none, both),
    }


def compare(measured: Measured) -> Sequence[Comparison]:
    """Shares of the two arms, together, and what one does without the other."""
    n, share = survivors(measured), shares(measured)
    where = f"co-culture, {IMATINIB:g} uM imatinib, {AT:g} h"
    located = {name: measured(name, "migrated:K562R", AT) for name in ("both arms", "viability only")}
    return (
        Comparison(where, "survivors due to the viability arm", "%", 1, 0.0, share["viability arm"]),
        Comparison(where, "survivors due to the migration arm", "%", 1, 0.0, share["migration arm"]),
        Comparison(where, "survivors due to both arms together", "%", 1, 0.0, share["both arms together"]),
        Comparison(where, "interplay of the arms", "%", 0, 0.0, share["interplay"]),
        Comparison(
            where,
            "survivors, viability arm only / neither",
            "1",
            1,
            1.0,
            ratio(n["viability only"], n["neither"]),
        ),
        Comparison(
            where,
            "survivors, migration arm only / neither",
            "1",
            1,
            1.0,
            ratio(n["migration only"], n["neither"]),
        ),
        Comparison(
            where,
            "cells in the stroma, with / without migration arm",
            "1",
            1,
            1.0,
            ratio(located["both arms"], located["viability only"]),
        ),
    )


def draw(measured: Measured) -> Sequence[Panel]:
    """Survivors with each arm off and on; shares."""
    n, share = survivors(measured), shares(measured)
    names = ("neither", "viability only", "migration only", "both arms")
    levels = ((False, False), (True, False), (False, True), (True, True))
    return (
        Panel(
            "S6",
            "s6_survivors",
            "Surviving K562R with either arm off",
            "factorial",
            "",
            "living cells at 72 h [cells/mL]",
            "linear",
            "linear",
            (measured.series("K562R", np.arange(len(names)), [n[name] for name in names], "K562R"),),
            (),
            names,
            "Viability arm off: K562R without IL-1 receptor. Migration arm off: K562R without CXCR3.",
            ("viability arm", "migration arm"),
            levels,
        ),
        Panel(
            "S6",
            "s6_shares",
            "What each arm accounts for",
            "bars",
            "arm",
            "share of surviving cells [%]",
            "linear",
            "linear",
            (measured.series("K562R", np.arange(len(share)), list(share.values()), "K562R"),),
            (),
            tuple(share),
            "Mean over both orders of adding an arm; interplay: what both give together beyond the sum.",
        ),
    )


S6 = Claim(
    "S6",
    "arms",
    "Elevated IL-1β may contribute to resistance by viability and by migration: the share of survivors that "
    "each accounts for.",
    EXPERIMENTS,
    compare,
    draw,
    "The migration arm inherits from S5 that stromal CXCL11 is too scarce to direct migration. Both "
    "arms are switched off genetically, in the stock culture too: K562R without IL-1 receptor, K562R "
    "without CXCR3.",
)
