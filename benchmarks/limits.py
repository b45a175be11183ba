"""What bounds our speed, for the goals that are missed."""

from __future__ import annotations

_LIMITS = {
    ("earm", "sweep 2"): (
        "Output and memory: with the last time only, a run takes 43 instead of 65 µs on two cores (81 "
        "instead of 101 on one). Each run writes 46 KB, and that part does not get faster with a second core."
    ),
    ("own", "gradient"): (
        "The steps: 6.3 of 7.1 ms remain with the last time only, 76 steps of 83 µs with 70 columns each."
    ),
}


def limit(case: str, item: str) -> str:
    """A sentence for a table, or nothing."""
    return _LIMITS.get((case, item), "")
