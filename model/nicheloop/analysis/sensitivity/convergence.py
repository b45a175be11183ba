"""Whether a sample was large enough: widths of intervals, and what the first half of it would have said.

That indices, ranking and screening converge one after the other, and to look at the widths of intervals, is
from Sarrazin, Pianosi & Wagener 2016 (doi:10.1016/j.envsoft.2016.02.005); the widths are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nicheloop.analysis.sensitivity.estimate import Estimate, Floats

CONVERGED, RANKED, UNSETTLED, CONSTANT, EXACT = "converged", "ranked", "unsettled", "constant", "exact"
ORDER = (UNSETTLED, RANKED, CONVERGED, EXACT, CONSTANT)
"""Verdicts, worst first."""
WIDTH = 0.1
"""Widest interval of an index that counts as converged; for elementary effects: as a share of the largest."""
RANKING = 0.3
"""Widest one with which an order is worth anything."""
LEAST = 0.01
"""Share of the variance, or of the largest effect, below which a factor counts as without effect."""
LEADERS = 5
"""Factors whose order is compared, at most."""


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of the indices of one output.

    Attributes
    ----------
    verdict : str
        ``converged``: no interval is wider than `WIDTH`, and half of the sample gives the same to within
        it. ``ranked``: none is wider than `RANKING`, and the factors that stand out, in their order, are the
        same with half of the sample. ``unsettled``: not even that. ``constant``: the output does not vary, or
        too few values are left. ``exact``: no sample was drawn.
    width, change : float
        Widest interval, and largest change from half of the sample to all.
    leaders : tuple of str
        Factors that stand out from the dummy with all of their interval, and by `LEAST`, the largest first.
    """

    verdict: str
    width: float = 0.0
    change: float = 0.0
    leaders: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.verdict in (EXACT, CONSTANT):
            return self.verdict
        told = f"widest interval {self.width:.2g}, change from half of the sample {self.change:.2g}"
        return f"{self.verdict}: {told}"


def judged(
    factors: tuple[str, ...], main: Estimate, history: Mapping[int, Floats], scaled: bool
) -> tuple[Verdict, ...]:
    """Judge every output.

    Parameters
    ----------
    factors : tuple of str
        Names, without the dummy.
    main : Estimate
        Index that decides, shape (factors + dummy, outputs).
    history : mapping of int to ndarray
        The same index from the first so many blocks.
    scaled : bool
        Whether the index has a unit, so that it is compared with its largest value.
    """
    count = len(factors)
    size = largest(main) if scaled else np.ones(main.value.shape[1])
    half = history[sorted(history)[-2]] if len(history) > 1 else np.full(main.value.shape, np.nan)
    found = []
    for output in range(main.value.shape[1]):
        value, low, high = (part[:count, output] for part in (main.value, main.low, main.high))
        if not np.isfinite(value).any() or (scaled and not np.nan_to_num(value).any()):
            found.append(Verdict(CONSTANT))
            continue
        width = float((high - low).max() / size[output])
        change = float(np.abs(value - half[:count, output]).max() / size[output])
        out = standing_out(low / size[output], main.high[count, output] / size[output])
        leaders = _order(factors, value, out)
        before = _order(factors, half[:count, output], out)
        if width <= WIDTH and change <= WIDTH:
            verdict = CONVERGED
        else:
            settled = bool(leaders) and width <= RANKING and leaders[:LEADERS] == before[:LEADERS]
            verdict = RANKED if settled else UNSETTLED
        found.append(Verdict(verdict, width, change, leaders))
    return tuple(found)


def largest(main: Estimate) -> Floats:
    """Return the largest size of an index, per output; 1 where there is none."""
    size = np.abs(np.nan_to_num(main.value)).max(axis=0)
    return np.where(size > 0, size, 1.0)


def standing_out(low: Floats, floor: Floats | float) -> np.ndarray:
    """Return which factors lie above what is found for nothing, with all of their interval."""
    return np.asarray(low > np.maximum(np.nan_to_num(floor), LEAST))


def _order(factors: tuple[str, ...], value: Floats, out: np.ndarray) -> tuple[str, ...]:
    return tuple(factors[i] for i in np.argsort(-value, kind="stable") if out[i])
