"""S5: CXCL11 promotes migration of K562R into the stroma."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.claims.claim import (
    SEEDING,
    STROMA_DENSITY,
    Claim,
    Comparison,
    Measured,
    conditioned,
    experiment,
    leukaemia,
    ratio,
)
from nicheloop.analysis.evidence import Panel
from nicheloop.assays.scenario import Scenario

DOSES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10000.0)
"""CXCL11 below the insert, ng/mL."""
BEST = 10.0
"""Near the top of the bell: above it, taking CXCL11 away can raise migration."""
AT = 24.0
INSERT = {"kind": "transwell", "upper_volume": "0.1 mL", "lower_volume": "0.6 mL"}
SETTINGS = ("no stroma", "stroma", "primed stroma", "primed + anti-CXCL11", "primed + CXCR3 antagonist")


def _transwell(**changes: object) -> Scenario:
    base = experiment(
        name="transwell",
        lines={"K562R": SEEDING},
        vessel=INSERT,
        duration=AT,
        times=(0.0, 4.0, 8.0, AT),
        cxcl11_layer="lower",
    )
    return base.with_(**changes) if changes else base


def _experiments() -> dict[str, Scenario]:
    stroma = {"mode": "transwell", "density": STROMA_DENSITY}
    donor = leukaemia("K562R", lines={"K562R": "1e6 cells/mL"}, duration=48, times=(0.0, 48.0))
    primed: dict[str, object] = {"stroma": stroma, "conditioned_medium": conditioned(donor, hours=48.0)}
    found = {
        "no stroma": _transwell(),
        "stroma": _transwell(stroma=stroma),
        "primed stroma": _transwell(**primed),
        "primed + anti-CXCL11": _transwell(**primed, treatments={"anti_cxcl11": "10 ug/mL"}),
        "primed + CXCR3 antagonist": _transwell(**primed, treatments={"cxcr3_antagonist": "1 uM"}),
        "uniform": _transwell(treatments={"cxcl11": BEST}, cxcl11_layer="both"),
        "gradient + anti-CXCL11": _transwell(treatments={"cxcl11": BEST, "anti_cxcl11": "50 ug/mL"}),
        "gradient + CXCR3 antagonist": _transwell(treatments={"cxcl11": BEST, "cxcr3_antagonist": "1 uM"}),
    }
    found.update({f"CXCL11 {dose:g}": _transwell(treatments={"cxcl11": dose}) for dose in DOSES})
    return found


EXPERIMENTS = _experiments()


def migrated(measured: Measured, setting: str) -> np.ndarray:
    """Cells below the insert at 24 h, % of those seeded."""
    return measured(setting, "migrated:K562R", AT)


def compare(measured: Measured) -> Sequence[Comparison]:
    """Stroma, priming, blockade, dose-response, uniform CXCL11."""
    m = {name: migrated(measured, name) for name in EXPERIMENTS}
    series = np.array([m[f"CXCL11 {dose:g}"] for dose in DOSES])
    where = f"transwell {AT:g} h"
    rows = (
        ("migrated to stroma / no stroma", "1", 1, 1.0, ratio(m["stroma"], m["no stroma"])),
        ("migrated to stroma in K562R medium / stroma", "1", 1, 1.0, ratio(m["primed stroma"], m["stroma"])),
        (
            "with anti-CXCL11 / without, stroma in K562R medium",
            "1",
            -1,
            1.0,
            ratio(m["primed + anti-CXCL11"], m["primed stroma"]),
        ),
        (
            "with CXCR3 antagonist / without, stroma in K562R medium",
            "1",
            -1,
            1.0,
            ratio(m["primed + CXCR3 antagonist"], m["primed stroma"]),
        ),
        ("migrated to 10 ng/mL CXCL11 / none", "1", 1, 1.0, ratio(m[f"CXCL11 {BEST:g}"], m["no stroma"])),
        (
            "to 10 ng/mL CXCL11: with anti-CXCL11 / without",
            "1",
            -1,
            1.0,
            ratio(m["gradient + anti-CXCL11"], m[f"CXCL11 {BEST:g}"]),
        ),
        (
            "to 10 ng/mL CXCL11: with CXCR3 antagonist / without",
            "1",
            -1,
            1.0,
            ratio(m["gradient + CXCR3 antagonist"], m[f"CXCL11 {BEST:g}"]),
        ),
        ("best dose / highest dose (bell)", "1", 1, 1.0, ratio(series.max(axis=0), series[-1])),
        ("best dose of CXCL11", "ng/mL", 0, 0.0, np.asarray(DOSES)[series.argmax(axis=0)]),
        ("uniform 10 ng/mL CXCL11 / none", "1", 0, 1.0, ratio(m["uniform"], m["no stroma"])),
        ("migrated, no stroma", "%", 0, 0.0, m["no stroma"]),
    )
    return [Comparison(where, *row) for row in rows]


def draw(measured: Measured) -> Sequence[Panel]:
    """Bars over settings, bell-shaped dose-response."""
    bars = (
        measured.series(
            "K562R", np.arange(len(SETTINGS)), [migrated(measured, s) for s in SETTINGS], "K562R"
        ),
    )
    bell = (
        measured.series(
            "CXCL11 below the insert", DOSES, [migrated(measured, f"CXCL11 {d:g}") for d in DOSES], "K562R"
        ),
    )
    return (
        Panel(
            "S5",
            "s5_settings",
            "Migration of K562R through an insert",
            "bars",
            "lower chamber",
            "migrated in 24 h [% of seeded]",
            "linear",
            "linear",
            bars,
            (),
            SETTINGS,
            "Primed: the stroma sits in medium that K562R conditioned for 48 h.",
        ),
        Panel(
            "S5",
            "s5_bell",
            "Migration towards CXCL11",
            "bell",
            "CXCL11 below the insert [ng/mL]",
            "migrated in 24 h [% of seeded]",
            "log",
            "linear",
            bell,
            (),
            (),
            "No stroma. High doses saturate either side and remove CXCR3, so the response is a bell.",
        ),
    )


S5 = Claim(
    "S5",
    "migration",
    "CXCL11 promotes migration of K562R into the stroma; blocking CXCL11 or its receptor reduces it.",
    EXPERIMENTS,
    compare,
    draw,
)
