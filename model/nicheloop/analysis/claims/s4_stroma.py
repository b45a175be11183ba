"""S4: IL-1β from K562R changes CXCL11 production by stroma."""

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
from nicheloop.analysis.curves import ec50
from nicheloop.analysis.evidence import Panel
from nicheloop.assays.scenario import Scenario

PROMOTERS = {"nfkb": "NF-κB alone", "ifnb": "through IFN-β"}
IL1B_DOSES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10000.0)
"""IL-1β given to stroma, pg/mL."""
TIMES = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 24.0, 48.0)
BLOCK = {"il1ra": "500 ng/mL"}
SETTINGS = ("alone", "with K562S", "with K562R", "K562S medium", "K562R medium", "with K562R + IL-1Ra")


def _stroma(promoter: str, **changes: object) -> Scenario:
    base = experiment(
        name="stroma",
        stroma={"mode": "coculture", "density": STROMA_DENSITY},
        promoter=promoter,
        duration=48,
        times=TIMES,
    )
    return base.with_(**changes) if changes else base


def _experiments() -> dict[str, Scenario]:
    found = {}
    for promoter in PROMOTERS:
        variants: dict[str, dict[str, object]] = {
            "alone": {},
            "with K562R + IL-1Ra": {"lines": {"K562R": SEEDING}, "treatments": BLOCK},
        }
        for line in ("K562S", "K562R"):
            donor = leukaemia(
                line, lines={line: "1e6 cells/mL"}, duration=48, times=(0.0, 48.0), promoter=promoter
            )
            variants[f"with {line}"] = {"lines": {line: SEEDING}}
            variants[f"{line} medium"] = {"conditioned_medium": conditioned(donor, hours=48.0)}
        variants["IFN-γ"] = {"treatments": {"ifng": "10 ng/mL"}}
        variants["IL-1β + IFN-γ"] = {"treatments": {"ifng": "10 ng/mL", "il1b": 1000.0}}
        variants["IL-1β + JAK inhibitor"] = {"treatments": {"jak_inhibitor": "1 uM", "il1b": 1000.0}}
        for dose in IL1B_DOSES:
            variants[f"IL-1β {dose:g}"] = {"treatments": {"il1b": dose}}
        found.update(
            {f"{promoter}/{name}": _stroma(promoter, **changes) for name, changes in variants.items()}
        )
    return found


EXPERIMENTS = _experiments()


def protein(measured: Measured, promoter: str, setting: str) -> np.ndarray:
    """CXCL11 in the medium at 48 h, pg/mL."""
    return measured(f"{promoter}/{setting}", "cxcl11", 48)


def mrna(measured: Measured, promoter: str, setting: str, at: float = 24) -> np.ndarray:
    """CXCL11 mRNA of stroma, fold of its stock culture."""
    return measured(f"{promoter}/{setting}", "cxcl11_mRNA:stroma", at)


def compare(measured: Measured) -> Sequence[Comparison]:
    """Co-culture, conditioned medium, blockade, dose, interferon, for either promoter."""
    found = []
    for promoter, label in PROMOTERS.items():
        level = {setting: protein(measured, promoter, setting) for setting in SETTINGS}
        message = {setting: mrna(measured, promoter, setting) for setting in SETTINGS}
        doses = np.array([protein(measured, promoter, f"IL-1β {dose:g}") for dose in IL1B_DOSES]).T
        added = protein(measured, promoter, "IL-1β 1000")
        where = f"stroma 48 h, promoter {label}"
        rows = (
            ("CXCL11 with K562R / alone", "1", 1, 1.0, ratio(level["with K562R"], level["alone"])),
            (
                "CXCL11 mRNA with K562R / alone, 24 h",
                "1",
                1,
                1.0,
                ratio(message["with K562R"], message["alone"]),
            ),
            ("CXCL11 with K562R / with K562S", "1", 1, 1.0, ratio(level["with K562R"], level["with K562S"])),
            (
                "CXCL11 in K562R / K562S medium",
                "1",
                1,
                1.0,
                ratio(level["K562R medium"], level["K562S medium"]),
            ),
            (
                "CXCL11 with K562R and IL-1Ra / with K562R",
                "1",
                -1,
                1.0,
                ratio(level["with K562R + IL-1Ra"], level["with K562R"]),
            ),
            ("CXCL11 with 1 ng/mL IL-1β / alone", "1", 1, 1.0, ratio(added, level["alone"])),
            ("EC50 of IL-1β for CXCL11", "pg/mL", 0, 0.0, ec50(IL1B_DOSES, doses, level["alone"])),
            (
                "CXCL11 with IL-1β and IFN-γ / IL-1β",
                "1",
                0,
                1.0,
                ratio(protein(measured, promoter, "IL-1β + IFN-γ"), added),
            ),
            (
                "CXCL11 with IL-1β and JAK inhibitor / IL-1β",
                "1",
                0,
                1.0,
                ratio(protein(measured, promoter, "IL-1β + JAK inhibitor"), added),
            ),
            ("CXCL11 with K562R - alone", "pg/mL", 1, 0.0, level["with K562R"] - level["alone"]),
        )
        found += [Comparison(where, *row) for row in rows]
    return found


def draw(measured: Measured) -> Sequence[Panel]:
    """Bars over settings, dose-response, time course of the mRNA."""
    groups = {"nfkb": "promoter nfkb", "ifnb": "promoter ifnb"}
    bars = tuple(
        measured.series(
            label, np.arange(len(SETTINGS)), [protein(measured, p, s) for s in SETTINGS], groups[p]
        )
        for p, label in PROMOTERS.items()
    )
    doses = tuple(
        measured.series(
            label, IL1B_DOSES, [protein(measured, p, f"IL-1β {d:g}") for d in IL1B_DOSES], groups[p]
        )
        for p, label in PROMOTERS.items()
    )
    courses = tuple(
        measured.series(label, TIMES[1:], measured(f"{p}/IL-1β 1000", "cxcl11_mRNA:stroma").T[1:], groups[p])
        for p, label in PROMOTERS.items()
    )
    return (
        Panel(
            "S4",
            "s4_settings",
            "Stromal CXCL11 by neighbour",
            "bars",
            "stroma",
            "CXCL11 at 48 h [pg/mL]",
            "linear",
            "log",
            bars,
            (),
            SETTINGS,
            "Stroma at 1e5, leukaemic cells at 2e5 cells/mL; media conditioned for 48 h by 1e6 cells/mL.",
        ),
        Panel(
            "S4",
            "s4_il1b_dose",
            "IL-1β dose-response of stromal CXCL11",
            "dose_response",
            "IL-1β [pg/mL]",
            "CXCL11 at 48 h [pg/mL]",
            "log",
            "log",
            doses,
            (),
            (),
            "Stroma alone with IL-1β from 0 h.",
        ),
        Panel(
            "S4",
            "s4_mrna",
            "CXCL11 mRNA after 1 ng/mL IL-1β",
            "timecourse",
            "time [h]",
            "CXCL11 mRNA [fold of stock]",
            "linear",
            "log",
            courses,
            (),
            (),
            "The two promoters differ in lag, and only the one through IFN-β is stopped by a JAK inhibitor.",
        ),
    )


S4 = Claim(
    "S4",
    "stroma",
    "IL-1β secreted by K562R raises CXCL11 production by stromal cells; K562S does so less, and IL-1 "
    "blockade removes it.",
    EXPERIMENTS,
    compare,
    draw,
    "The output of stroma was not found in any source; with the default, CXCL11 stays at a few pg/mL, "
    "below the limit of most ELISA kits. Ratios are therefore better supported than levels.",
)
