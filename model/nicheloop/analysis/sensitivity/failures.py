"""What becomes of rows without a value: dropped with their block, replaced, or an error; always counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from nicheloop.analysis.sensitivity.designs import Design
from nicheloop.analysis.sensitivity.estimate import Floats
from nicheloop.assays.names import unknown

DROP, RAISE, IMPUTE = "drop", "raise", "impute"
POLICIES = (DROP, RAISE, IMPUTE)
NO_NUMBER = "the value is not finite"
AT_ONCE = 256
"""Failed rows whose distances to all others are held at a time."""


def check_policy(policy: str) -> None:
    """Refuse a policy that does not exist."""
    if policy not in POLICIES:
        raise ValueError("failed: " + unknown("policy", policy, POLICIES))


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons, most frequent first; numbers in them do not tell them apart."""
    plain = (re.sub(r"(?<![A-Za-z\d])[-+]?\d[\d.]*(e[-+]?\d+)?", "…", reason) for reason in reasons)
    return dict(Counter(plain).most_common())


def require_none(failed: int, rows: int, reasons: Mapping[str, int]) -> None:
    """Raise if a row failed.

    Raises
    ------
    RuntimeError
        With the number of failed rows and the most frequent reason.
    """
    if failed:
        worst = next(iter(reasons), NO_NUMBER)
        raise RuntimeError(
            f"{failed} of {rows} rows failed, most often: {worst}; failed='drop' leaves out what they belong "
            "to, failed='impute' takes the value of the nearest row"
        )


def imputed(y: Floats, design: Design) -> Floats:
    """Give every value that is not finite that of the nearest row with one, in the unit cube.

    Nearest neighbours are what Sheikholeslami et al. 2019 (doi:10.5194/gmd-12-4275-2019) found better than
    means; of rows that differ in one factor, the nearest usually is in the same block.

    Parameters
    ----------
    y : ndarray, shape (rows, outputs)
    design : Design
        Its first rows are those of ``y``.

    Returns
    -------
    ndarray
        A copy; outputs without any value stay as they are.
    """
    filled = y.copy()
    levels = design.levels(0, len(y))
    patterns, which = np.unique(np.isfinite(y), axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        known = np.flatnonzero(patterns[:, number])
        missing = np.flatnonzero(~patterns[:, number])
        if not known.size or not missing.size:
            continue
        columns = np.flatnonzero(which.reshape(-1) == number)
        filled[np.ix_(missing, columns)] = y[np.ix_(known[_nearest(levels, known, missing)], columns)]
    return filled


def _nearest(levels: Floats, known: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return, for each missing row, the position of the nearest among the known ones."""
    there = levels[known]
    size = (there**2).sum(axis=1)
    found = np.empty(missing.size, dtype=np.intp)
    for start in range(0, missing.size, AT_ONCE):
        some = missing[start : start + AT_ONCE]
        found[start : start + some.size] = np.argmin(size - 2 * levels[some] @ there.T, axis=1)
    return found
