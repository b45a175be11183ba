"""A small reproduction made of numbers, not of runs."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop.analysis.evidence import Band, Check, Effect, FactAgainst, Panel, Reproduction, Series

BAND = Band("x", 0.2, 0.4, "published", "Blood")
STATEMENTS = {f"S{i}": f"statement number {i} <of & six>" for i in range(1, 7)}


def effect(claim: str, sign: int, default: float, ensemble: list[float], prior: list[float]) -> Effect:
    values = (np.array(ensemble), np.array(prior))
    return Effect(
        claim, "72 h <script>alert(1)</script>", "K562R - K562S", "pg/mL", sign, 0.0, default, *values
    )


@pytest.fixture
def reproduction() -> Reproduction:
    x = np.array([0.1, 1.0, 10.0])
    curve = Series(
        "K562R", x, 1 / (1 + x), 0.9 / (1 + x), 1.1 / (1 + x), 0.5 / (1 + x), 1.5 / (1 + x), "K562R"
    )
    bars = Series("1 µM", np.arange(2.0), np.array([1.0, 0.4]), group="K562R")
    return Reproduction(
        effects=(
            effect("S1", 1, 2.0, [1.0, 2.0, 3.0, np.nan], [1.0, -1.0, -2.0, 3.0]),
            effect("S1", -1, 0.5, [1.0, -2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]),
            effect("S2", 0, 0.5, [1.0, 2.0], [1.0, 2.0]),
            effect("S3", 1, 1.0, [1.0, np.inf], [np.inf, np.inf]),
            *(effect(f"S{i}", 1, 1.0, [1.0, 2.0], [-1.0, 2.0]) for i in (4, 5, 6)),
        ),
        panels=(
            Panel(
                "S1", "s1_curve", "Dose & response", "dose_response", "imatinib [µM]", "viable [fraction]",
                "log", "linear", (curve,), (BAND,), (), "A <b>caption</b>",
            ),
            Panel(
                "S3", "s3_bars", "Bars", "bars", "blocker", "viable [fraction]",
                "linear", "linear", (bars,), (), ("none", "IL-1Ra"),
            ),
        ),
        facts=(
            FactAgainst("receptors <down>", "GSE140771", "IL1R1 at 2 %", (("S3", "loss", "1", 0.5, 0.1),)),
            FactAgainst("something without consequence", "PMC1", "nothing moves", ()),
        ),
        checks=(
            Check("IC50 of K562S", "0.15-0.35 µM", "uM", 0.2, 0.15, 0.35, "Blood 2000", True),
            Check("IL-1β in medium", "below 20 pg/mL", "pg/mL", 25.0, -np.inf, 20.0, "PMID 9877448", False),
        ),
        draws=4,
        seed=7,
        failed_runs=3,
        total_runs=321,
        seconds=12.5,
        ensemble_diagnostics={"sampler": "SMC", "effective_sample_size": 812.25},
    )  # fmt: skip
