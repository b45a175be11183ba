"""What bounds our speed, for the goals that are missed."""

from __future__ import annotations

_LIMITS = {
    ("earm", "sweep 2"): (
        "The steps: 196 a run, half a microsecond each on one core; nine tenths of the time remain when a "
        "single species is returned."
    ),
    ("own", "gradient"): (
        "The steps: nine tenths of the time remain with the last time only. 76 steps carry 70 columns each."
    ),
}


def limit(case: str, item: str) -> str:
    """A sentence for a table, or nothing."""
    return _LIMITS.get((case, item), "")
