"""S3: the higher IL-1β contributes to the imatinib resistance of K562R."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.claims.claim import Claim, Comparison, Measured, conditioned, leukaemia, ratio
from nicheloop.analysis.evidence import Panel
from nicheloop.assays.scenario import Scenario

DOSE_R, DOSE_S = 5.0, 0.5
"""Imatinib (µM) at about twice the IC50 of each line: growth has stopped and survival decides."""
BLOCKERS: dict[str, dict[str, dict[str, object]]] = {
    "none": {},
    "IL-1Ra": {"treatments": {"il1ra": "500 ng/mL"}},
    "anti-IL-1β": {"treatments": {"anti_il1b": "10 ug/mL"}},
    "IL1B knock-down": {"knockdown": {"il1b": 0.9}},
    "anti-IL1RAP": {"treatments": {"anti_il1rap": "10 ug/mL"}},
}
IL1B_DOSES = (1.0, 10.0, 100.0, 1000.0, 10000.0)
"""IL-1β given to K562S, pg/mL."""
TIMES = (0.0, 24.0, 48.0, 72.0)


def _blocked(blocker: str, imatinib: float) -> Scenario:
    well = leukaemia("K562R", treatments={"imatinib": imatinib}, times=TIMES)
    return well.with_(**BLOCKERS[blocker])


def _experiments() -> dict[str, Scenario]:
    found = {
        f"K562R/{blocker}/{imatinib:g}": _blocked(blocker, imatinib)
        for blocker in BLOCKERS
        for imatinib in (0.0, DOSE_R)
    }
    for il1b in (0.0, *IL1B_DOSES):
        for imatinib in (0.0, DOSE_S):
            treatments = {"imatinib": imatinib, "il1b": il1b}
            found[f"K562S/{il1b:g}/{imatinib:g}"] = leukaemia("K562S", treatments=treatments, times=TIMES)
    for source in ("K562S", "K562R"):
        donor = leukaemia(source, lines={source: "1e6 cells/mL"}, duration=48, times=(0.0, 48.0))
        medium = conditioned(donor, hours=48.0)
        for imatinib in (0.0, DOSE_S):
            found[f"K562S in {source} medium/{imatinib:g}"] = leukaemia(
                "K562S", treatments={"imatinib": imatinib}, conditioned_medium=medium, times=TIMES
            )
    return found


EXPERIMENTS = _experiments()


def survival(measured: Measured, cells: str, line: str, imatinib: float) -> np.ndarray:
    """Living cells at 72 h under imatinib, relative to the same well without imatinib."""
    readout = f"viable_cells:{line}"
    return ratio(measured(f"{cells}/{imatinib:g}", readout, 72), measured(f"{cells}/0", readout, 72))


def compare(measured: Measured) -> Sequence[Comparison]:
    """Blockers on K562R with and without imatinib; IL-1β and conditioned medium on K562S."""
    with_drug = f"K562R, {DOSE_R:g} uM imatinib, 72 h"
    untouched = measured(f"K562R/none/{DOSE_R:g}", "viable_cells:K562R", 72)
    healthy = measured("K562R/none/0", "viable_cells:K562R", 72)
    found = []
    for blocker in list(BLOCKERS)[1:]:
        blocked = measured(f"K562R/{blocker}/{DOSE_R:g}", "viable_cells:K562R", 72)
        alone = measured(f"K562R/{blocker}/0", "viable_cells:K562R", 72)
        found += [
            Comparison(
                with_drug, f"viable cells with {blocker} / without", "1", -1, 1.0, ratio(blocked, untouched)
            ),
            Comparison(
                "K562R, no imatinib, 72 h",
                f"viable cells with {blocker} / without",
                "1",
                0,
                1.0,
                ratio(alone, healthy),
            ),
        ]
    dying = [measured(f"K562R/{b}/{DOSE_R:g}", "apoptosis:K562R", 72) for b in ("IL-1Ra", "none")]
    found.append(Comparison(with_drug, "annexin V with IL-1Ra - without", "%", 1, 0.0, dying[0] - dying[1]))
    parent = f"K562S, {DOSE_S:g} uM imatinib, 72 h"
    plain = survival(measured, "K562S/0", "K562S", DOSE_S)
    for il1b in (100.0, 10000.0):
        helped = survival(measured, f"K562S/{il1b:g}", "K562S", DOSE_S)
        found.append(
            Comparison(
                parent, f"viability with {il1b:g} pg/mL IL-1β / without", "1", 1, 1.0, ratio(helped, plain)
            )
        )
    medium = {s: survival(measured, f"K562S in {s} medium", "K562S", DOSE_S) for s in ("K562S", "K562R")}
    found.append(
        Comparison(
            parent,
            "viability in K562R-conditioned / K562S-conditioned medium",
            "1",
            1,
            1.0,
            ratio(medium["K562R"], medium["K562S"]),
        )
    )
    return found


def draw(measured: Measured) -> Sequence[Panel]:
    """Bars for the blockers, a dose series of IL-1β on K562S."""
    names = tuple(BLOCKERS)
    healthy = measured("K562R/none/0", "viable_cells:K562R", 72)
    bars = tuple(
        measured.series(
            label,
            np.arange(len(names)),
            [ratio(measured(f"K562R/{b}/{dose:g}", "viable_cells:K562R", 72), healthy) for b in names],
            group,
        )
        for label, dose, group in (
            ("no imatinib", 0.0, "vehicle"),
            (f"{DOSE_R:g} µM imatinib", DOSE_R, "K562R"),
        )
    )
    series = tuple(
        measured.series(
            label,
            IL1B_DOSES,
            [
                ratio(
                    measured(f"K562S/{x:g}/{dose:g}", "viable_cells:K562S", 72),
                    measured("K562S/0/0", "viable_cells:K562S", 72),
                )
                for x in IL1B_DOSES
            ],
            group,
        )
        for label, dose, group in (
            ("no imatinib", 0.0, "vehicle"),
            (f"{DOSE_S:g} µM imatinib", DOSE_S, "K562R"),
        )
    )
    return (
        Panel(
            "S3",
            "s3_blockers",
            "Blocking IL-1 on K562R",
            "bars",
            "blocker",
            "viable cells at 72 h [fraction of untreated]",
            "linear",
            "linear",
            bars,
            (),
            names,
            "K562R alone; knock-down removes 90 % of IL1B transcription.",
        ),
        Panel(
            "S3",
            "s3_il1b_on_k562s",
            "IL-1β given to K562S",
            "dose_response",
            "IL-1β [pg/mL]",
            "viable cells at 72 h [fraction of untreated]",
            "log",
            "linear",
            series,
            (),
            (),
            "IL-1β added at 0 h together with imatinib.",
        ),
    )


S3 = Claim(
    "S3",
    "autocrine",
    "The higher IL-1β contributes to the imatinib resistance of K562R: blocking it lowers survival under "
    "imatinib, giving it to K562S raises survival.",
    EXPERIMENTS,
    compare,
    draw,
    "The table of numbers asks that full IL-1 blockade takes away at least 2 % of the resistance, so "
    "the sign of this claim in the ensemble is partly an input; the column of the prior shows it "
    "without. Effects are shown at about twice the IC50, where growth has stopped and survival "
    "decides.",
)
