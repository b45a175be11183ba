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
AT, EARLY = 24.0, 4.0
"""Hours: stroma needs a day; towards CXCL11 alone one looks after 4 h, before DPP4 has clipped it all."""
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


def migrated(measured: Measured, setting: str, at: float = AT) -> np.ndarray:
    """Cells below the insert, % of all living."""
    return measured(setting, "migrated:K562R", at)


def compare(measured: Measured) -> Sequence[Comparison]:
    """Stroma, priming, blockade (24 h); dose-response, uniform CXCL11 (4 h)."""
    stroma = {name: migrated(measured, name) for name in SETTINGS}
    m = {name: migrated(measured, name, EARLY) for name in EXPERIMENTS}
    series = np.array([m[f"CXCL11 {dose:g}"] for dose in DOSES])
    best, primed = m[f"CXCL11 {BEST:g}"], stroma["primed stroma"]
    late = (
        ("migrated to stroma / no stroma", "1", 1, 1.0, ratio(stroma["stroma"], stroma["no stroma"])),
        ("migrated to stroma in K562R medium / stroma", "1", 1, 1.0, ratio(primed, stroma["stroma"])),
        (
            "stroma in K562R medium: with anti-CXCL11 / without",
            "1",
            -1,
            1.0,
            ratio(stroma[SETTINGS[3]], primed),
        ),
        ("stroma in K562R medium: CXCR3 antagonist / none", "1", -1, 1.0, ratio(stroma[SETTINGS[4]], primed)),
        ("migrated, no stroma", "%", 0, 0.0, stroma["no stroma"]),
    )
    early = (
        (f"migrated to {BEST:g} ng/mL CXCL11 / none", "1", 1, 1.0, ratio(best, m["no stroma"])),
        ("to CXCL11: with anti-CXCL11 / without", "1", -1, 1.0, ratio(m["gradient + anti-CXCL11"], best)),
        (
            "to CXCL11: with CXCR3 antagonist / without",
            "1",
            -1,
            1.0,
            ratio(m["gradient + CXCR3 antagonist"], best),
        ),
        ("best dose / highest dose (bell)", "1", 1, 1.0, ratio(series.max(axis=0), series[-1])),
        ("best dose of CXCL11", "ng/mL", 0, 0.0, np.asarray(DOSES)[series.argmax(axis=0)]),
        (f"uniform {BEST:g} ng/mL CXCL11 / none", "1", 0, 1.0, ratio(m["uniform"], m["no stroma"])),
    )
    return [
        *(Comparison(f"transwell {AT:g} h", *row) for row in late),
        *(Comparison(f"transwell {EARLY:g} h", *row) for row in early),
    ]


def draw(measured: Measured) -> Sequence[Panel]:
    """Bars over settings, bell-shaped dose-response."""
    bars = (
        measured.series(
            "K562R", np.arange(len(SETTINGS)), [migrated(measured, s) for s in SETTINGS], "K562R"
        ),
    )
    bell = (
        measured.series(
            "CXCL11 below the insert",
            DOSES,
            [migrated(measured, f"CXCL11 {d:g}", EARLY) for d in DOSES],
            "K562R",
        ),
    )
    return (
        Panel(
            "S5",
            "s5_settings",
            "Migration of K562R through an insert",
            "bars",
            "lower chamber",
            "migrated by 24 h [% of cells]",
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
            "migrated by 4 h [% of cells]",
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
    "Added CXCL11 attracts; stromal CXCL11 stays a thousandfold below the affinity of CXCR3 at any "
    "plausible output, so blocking it changes nothing visible and these effects do not hold. A change "
    "below 1 % counts as none.",
)
