"""Facts that argue against the mechanism, each as a change of the model, and what is left of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nicheloop.analysis.claims import CLAIMS
from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.evidence import FactAgainst
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings
from nicheloop.biology.table import rows

SHOWN_CHANGE = 0.05
"""An effect is listed if the fact moves it by at least this share of its distance from no effect."""


@dataclass(frozen=True)
class Switch:
    """One fact as a change of parameters.

    Attributes
    ----------
    fact, source : str
        What was found and where it was read.
    change : str
        What is changed in the model, in words.
    parameters : mapping
        The change.
    """

    fact: str
    source: str
    change: str
    parameters: Mapping[str, float]


def switches() -> tuple[Switch, ...]:
    """Return the published facts that limit the mechanism, as switches."""
    table = {name: row.value for name, row in rows().items()}
    return (
        Switch(
            "IL1B is not raised in every resistant K562 line (log2 fold change -0.09, at background)",
            "GSE120932, probe ILMN_1775501",
            "K562R secretes as little IL-1β as K562S",
            {"il1b_secretion_K562R": table["il1b_secretion_K562S"]},
        ),
        Switch(
            "IL1R1 and IL1RAP are down in two resistant lines (transcripts at 0.02-0.13 and 0.18-0.36)",
            "GSE140771",
            "K562R carries 5 % of the IL1R1 and 25 % of the IL1RAP of K562S",
            {
                "il1r1_copies_K562R": 0.05 * table["il1r1_copies_K562S"],
                "il1rap_copies_K562R": 0.25 * table["il1rap_copies_K562S"],
            },
        ),
        Switch(
            "In keratinocytes IL-1 raises CXCL11 mRNA, but protein appears only with IFN-γ",
            "PMC2650000",
            "translation of CXCL11 needs IFN-γ",
            {"cxcl11_ifng_requirement": 1.0},
        ),
        Switch(
            "Murine IL-1 inhibited proliferation of K562",
            "Immunobiology 1986;172:336",
            "full nuclear NF-κB halves division",
            {"il1_proliferation_effect": -0.5},
        ),
        Switch(
            "Native K562 shows IL-1β only after PMA",
            "J Interferon Cytokine Res 1998;18:1045",
            "K562S secretes a hundredth of its IL-1β",
            {"il1b_secretion_K562S": 0.01 * table["il1b_secretion_K562S"]},
        ),
        Switch(
            "The receptor of CXCL11 on K562R is unknown: no CXCR3 transcript in GSE140771, and ACKR3 "
            "does not drive migration",
            "GSE140771; PMC2118398",
            "K562R carries no CXCR3",
            {"cxcr3_copies_K562R": 0.0},
        ),
        Switch(
            "IRAK1 vanishes within minutes of IL-1 and recovers slowly: a constant signal meets tolerance",
            "Mol Cell Biol 2008 (Windheim); Cell Rep 2022;40:111159",
            "IRAK is spent at 2 /h and recovers at 0.005 /h",
            {"irak_spending": 2.0, "irak_recovery": 0.005},
        ),
        Switch(
            "Stromal CXCL11 stays far below its Kd at any plausible output; about 1e5 pg per 1e6 cells "
            "and 24 h would be needed",
            "arithmetic from the parameter table",
            "stroma secretes 500 times the default CXCL11",
            {"cxcl11_secretion_stroma": 500 * table["cxcl11_secretion_stroma"]},
        ),
    )


def facts_against() -> tuple[FactAgainst, ...]:
    """Run the claims for the default with each switch thrown, all in one batch."""
    thrown = switches()
    study = Study([{}, *(switch.parameters for switch in thrown)], Settings(engine="batch", rtol=1e-5))
    found: list[list[tuple[str, str, str, float, float]]] = [[] for _ in thrown]
    for claim in CLAIMS:
        measured = Measured({name: study.runs(s) for name, s in claim.experiments.items()}, len(thrown))
        for effect in claim.effects(measured):
            if effect.expected_sign == 0:
                continue
            for rows_of, value in zip(found, effect.ensemble, strict=True):
                if _moved(effect.default, float(value), effect.null, effect.resolution):
                    name = f"{effect.experiment}: {effect.effect}"
                    rows_of.append((effect.claim, name, effect.unit, effect.default, float(value)))
    return tuple(
        FactAgainst(switch.fact, switch.source, switch.change, tuple(effects))
        for switch, effects in zip(thrown, found, strict=True)
    )


def _moved(default: float, switched: float, null: float, resolution: float) -> bool:
    """Whether a fact changes an effect enough to be listed."""
    if not np.isfinite([default, switched]).all():
        return default != switched
    change = abs(switched - default)
    return change > resolution and change > SHOWN_CHANGE * max(abs(default - null), resolution)
