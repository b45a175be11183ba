"""Names as they are printed."""

from __future__ import annotations

import numpy as np

READOUTS = {
    "gr": "GR value",
    "il1b": "IL-1β",
    "cxcl11": "CXCL11",
    "il1b_in_cells": "IL-1β in cells",
    "il1b_mRNA": "IL-1β mRNA",
    "cxcl11_mRNA": "CXCL11 mRNA",
    "p_bcr_abl": "p-BCR-ABL",
    "p_crkl": "p-CrkL",
    "p_stat5": "p-STAT5",
    "p_erk": "p-ERK",
    "nuclear_nfkb": "nuclear NF-κB",
}
"""Read-outs in words, where the name is not one."""
TREATMENTS = {
    "il1b": "IL-1β",
    "il1a": "IL-1α",
    "il1ra": "IL-1Ra",
    "il1r2": "soluble IL-1R2",
    "anti_il1b": "anti-IL-1β",
    "anti_il1rap": "anti-IL1RAP",
    "cxcl11": "CXCL11",
    "anti_cxcl11": "anti-CXCL11",
    "cxcr3_antagonist": "CXCR3 antagonist",
    "ifng": "IFN-γ",
    "ifnb": "IFN-β",
    "jak_inhibitor": "JAK inhibitor",
}
"""Treatments in words, where the name is not one."""
EXPLANATIONS = {
    "none": "none (K562R as K562S)",
    "il1b": "IL-1β",
    "efflux": "drug efflux (COX-2, ABCB1)",
    "amplification": "BCR-ABL amplification",
    "desensitised_kinase": "less sensitive kinase",
    "bypass": "bypass of BCR-ABL",
    "T315I": "T315I mutation",
    "mixed": "IL-1β and less sensitive kinase",
}
"""Explanations of resistance in words."""
PROMOTERS = {"nfkb": "NF-κB alone", "ifnb": "NF-κB through IFN-β"}
"""Promoters of stromal CXCL11 in words."""


def readout_in_words(name: str) -> str:
    """Return the name of a read-out as it is printed: ``p_erk`` is p-ERK."""
    return READOUTS.get(name, name.replace("_", " "))


def treatment_in_words(name: str) -> str:
    """Return the name of a treatment as it is printed: ``anti_il1b`` is anti-IL-1β."""
    return TREATMENTS.get(name, name.replace("_", " "))


def number_in_print(value: float) -> str:
    """Return a number with three digits, without an exponent where that is short: 100000, 0.0326, 2.1e-07."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return np.format_float_positional(float(f"{value:.3g}"), trim="-")
