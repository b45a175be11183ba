"""What makes K562R resistant: the published explanation and its rivals, each as named changes to K562S.

A host-specific quantity has a row for either line, ``<quantity>_K562S`` and ``<quantity>_K562R``. An
explanation names the quantities in which K562R differs; in all others K562R takes the value of K562S. To
add an explanation, add a line to :data:`EXPLANATIONS` (and rows to the table, if it changes a quantity that
is not host-specific yet).
"""

from __future__ import annotations

from collections.abc import Mapping

HOST_SPECIFIC = (
    "division_max",
    "il1b_secretion",
    "bcr_abl_copies",
    "imatinib_affinity_loss",
    "bypass_activity",
    "cox2_basal",
    "il1a_secretion",
    "il1ra_secretion",
    "il1r1_copies",
    "il1rap_copies",
    "il1r2_copies",
    "cxcr3_copies",
    "ackr3_copies",
)
"""Quantities with a row for K562S and one for K562R."""

EXPLANATIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "il1b": ("division_max", "il1b_secretion"),
    "efflux": ("division_max", "cox2_basal"),
    "amplification": ("division_max", "bcr_abl_copies"),
    "desensitised_kinase": ("division_max", "imatinib_affinity_loss"),
    "bypass": ("division_max", "bypass_activity"),
    "T315I": ("division_max", "imatinib_affinity_loss"),
    "mixed": ("division_max", "il1b_secretion", "imatinib_affinity_loss"),
}
"""Explanation -> quantities in which K562R has its own value. Every resistant line pays the growth cost
that was measured on resistant lines [blood2000_96_1070]. `mixed` is the default: IL-1β with a kinase that
needs more imatinib, as published for another unmutated resistant K562 line [blood2000_96_1070]; the share
of each is estimated. `T315I` is the negative control."""

RESISTANCES = tuple(EXPLANATIONS)


def changed_by(resistance: str) -> tuple[str, ...]:
    """Quantities that an explanation changes.

    Raises
    ------
    ValueError
        If the explanation is unknown.
    """
    if resistance not in EXPLANATIONS:
        raise ValueError(f"resistance={resistance!r} is unknown; expected one of {', '.join(RESISTANCES)}")
    return EXPLANATIONS[resistance]


def apply_resistance(
    values: Mapping[str, float], resistance: str, explicit: frozenset[str] = frozenset()
) -> dict[str, float]:
    """Give K562R its changed quantities and the values of K562S in all others.

    Parameters
    ----------
    values : mapping
        A value for every parameter of the table.
    resistance : str
        One of :data:`RESISTANCES`.
    explicit : frozenset of str
        Parameters the caller set by hand: they are kept as given.

    Returns
    -------
    dict
        A copy of ``values`` in which ``<quantity>_K562R`` follows the explanation.
    """
    result = dict(values)
    changed = changed_by(resistance)
    for quantity in HOST_SPECIFIC:
        own, parent = f"{quantity}_K562R", f"{quantity}_K562S"
        if own not in explicit and quantity not in changed:
            result[own] = result[parent]
    if resistance == "T315I" and "imatinib_affinity_loss_K562R" not in explicit:
        result["imatinib_affinity_loss_K562R"] = result["imatinib_affinity_loss_T315I"]
    return result
