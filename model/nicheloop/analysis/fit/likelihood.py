"""How probable measured values are, given what the model says of them, with exact derivatives.

Every value has up to three handles: the model value, the logarithm of a factor on the width of its noise, and
the logarithm of a factor that it shares with others of its plate. The last has no place among the parameters:
for any others it is put where the values are most probable (of a plate in arbitrary units nothing is known of
it; of other plates, that it is near 1), so the derivatives by the other handles are those at a fixed factor,
and the information is what is left when the factor has taken its share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.derivatives import FACTOR, MEAN, WIDTH, Handles, Judged
from nicheloop.analysis.fit.observations import NONE, Block, Observations
from nicheloop.assays.noise import LogNormal, Normal

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_STEPS = 100
"""Of the search for a factor; a few are enough."""
SMALLEST_STEP = 1e-13
LARGEST_STEP = 1.0


class Likelihood:
    """The likelihood of observations."""

    def __init__(self, data: Observations) -> None:
        self.data = data
        self.factor_sd = np.array([factor.sd for factor in data.factors], dtype=np.float64)
        self.factor_units = np.array([factor.unit for factor in data.factors], dtype=np.float64)
        shared = data.factor != NONE
        self._units = np.append(self.factor_units, 1.0)[data.factor]  # NONE is the last
        self._width = np.full(len(data), NONE)
        for block in data.blocks:
            self._width[block.rows] = block.kind.width
        self._shared = tuple(block for block in data.blocks if shared[block.rows].any())
        self._told = tuple(self._anchors(block) for block in data.blocks)

    def judge(self, means: Floats, references: Floats, widths: Floats) -> Judged:
        """Judge the values.

        Parameters
        ----------
        means : ndarray, shape (rows,)
            Model values, in the unit of the read-out.
        references : ndarray, shape (rows,)
            Those of the vehicle wells that rows are relative to; 1 where there is none.
        widths : ndarray, shape (widths,)
            Logarithms of the estimated factors on noise.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            fixed = -np.log(references)
        factors = self._factors(means, fixed, widths)
        shift = fixed + self._of_rows(factors)
        judged = _empty(len(self.data), factors)
        for block in self.data.blocks:
            _judge(block, means, shift, widths, judged)
        with np.errstate(over="ignore", invalid="ignore"):
            judged.mean[:] = means * np.exp(shift) * self._units
        return judged

    def log_density(self, judged: Judged) -> float:
        """Log density of all values, and of the factors that something is known of."""
        known = np.isfinite(self.factor_sd)
        sd, off = self.factor_sd[known], judged.factors[known]
        of_factors = -0.5 * (off / sd) ** 2 - np.log(sd * np.sqrt(2.0 * np.pi))
        return float(judged.log_density.sum() + of_factors.sum())

    def handles(self, judged: Judged, means: Floats, shifts: Floats) -> Handles:
        """Return how parameters move the values; means and shifts as `Handles` says."""
        widths = len(self.data.widths)
        return Handles(judged, means, shifts, self._width, self.data.factor, widths, self.factor_sd)

    def _anchors(self, block: Block) -> Indices:
        """Rows of a block that tell where to look for their factor."""
        told = (self.data.factor[block.rows] != NONE) & (block.value > 0) & (block.kind.censored == "")
        return np.flatnonzero(told)

    def _of_rows(self, factors: Floats) -> Floats:
        """Logarithm of the factor of each row."""
        padded = np.append(factors, 0.0)
        return np.asarray(padded[self.data.factor])  # NONE is the last

    def _factors(self, means: Floats, fixed: Floats, widths: Floats) -> Floats:
        """Find the most probable factors: by scoring at first, then by the secant of the last two steps."""
        size = self.factor_sd.size
        if not size:
            return np.zeros(0)
        at = self._near(means)
        before, slope_before = at, np.full(size, np.nan)
        for _ in range(MOST_STEPS):
            slope, information = self._slope(means, fixed, widths, at)
            with np.errstate(divide="ignore", invalid="ignore"):
                bend = -(slope - slope_before) / (at - before)
                step = slope / np.where(bend > 0, bend, information)
            step = np.clip(np.where(np.isfinite(step), step, 0.0), -LARGEST_STEP, LARGEST_STEP)
            before, slope_before, at = at, slope, at + step
            if np.all(np.abs(step) <= SMALLEST_STEP * (1.0 + np.abs(at))):
                break
        return at

    def _near(self, means: Floats) -> Floats:
        """Mean logarithm of the ratios of values and model in arbitrary units, 0 elsewhere."""
        total, count = np.zeros(self.factor_sd.size), np.zeros(self.factor_sd.size)
        for block, told in zip(self.data.blocks, self._told, strict=True):
            rows = block.rows[told]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.log(block.value[told] / (block.gain[told] * means[rows]))
            known = np.isfinite(ratio)
            np.add.at(total, self.data.factor[rows[known]], ratio[known])
            np.add.at(count, self.data.factor[rows[known]], 1.0)
        return np.where(np.isinf(self.factor_sd), total / np.maximum(count, 1.0), 0.0)

    def _slope(self, means: Floats, fixed: Floats, widths: Floats, factors: Floats) -> tuple[Floats, Floats]:
        """Derivative of the log density by the log factors, and the expected information on them."""
        judged, shift = _empty(len(self.data), factors), fixed + self._of_rows(factors)
        slope, information = -factors / self.factor_sd**2, self.factor_sd**-2.0
        for block in self._shared:
            _judge(block, means, shift, widths, judged)
            rows = block.rows[self.data.factor[block.rows] != NONE]
            np.add.at(slope, self.data.factor[rows], judged.score[rows, FACTOR])
            told = np.sum(judged.root[rows][..., FACTOR] ** 2, axis=-1)
            np.add.at(information, self.data.factor[rows], told)
        return slope, information

    @property
    def least_squares(self) -> bool:
        """Whether the log density is a constant less half a sum of squares of residuals."""
        if np.isin([block.kind.width for block in self.data.blocks], [NONE]).all():
            return all(self._squares(block) for block in self.data.blocks)
        return False

    def _squares(self, block: Block) -> bool:
        noise = block.kind.noise
        if block.kind.censored:
            return False
        if isinstance(noise, LogNormal):
            return True
        shifted = (self.data.factor[block.rows] != NONE) | (self.data.reference[block.rows] != NONE)
        return isinstance(noise, Normal) and noise.cv == 0 and not shifted.any()


def _empty(rows: int, factors: Floats) -> Judged:
    return Judged(
        log_density=np.zeros(rows),
        score=np.zeros((rows, 3)),
        root=np.zeros((rows, 2, 3)),
        mean=np.full(rows, np.nan),
        residual=np.full(rows, np.nan),
        factors=factors,
    )


def _judge(block: Block, means: Floats, shift: Floats, widths: Floats, judged: Judged) -> None:
    """Write what becomes of the values of a block; ``shift`` is the log factor of every row."""
    kind, rows = block.kind, block.rows
    noise = kind.noise if kind.width == NONE else kind.noise.widened(float(np.exp(widths[kind.width])))
    with np.errstate(over="ignore", invalid="ignore"):
        factor = np.exp(shift[rows])
        if kind.moves:
            gain = block.gain * factor
            mean, value, low, high = gain * means[rows], block.value, block.low, block.high
        else:
            gain, mean = np.ones(rows.size), means[rows]
            value, low, high = (told / factor for told in (block.value, block.low, block.high))
    scored = noise.score(value, mean, kind.censored)
    root = noise.information_root(mean, low, high)
    judged.log_density[rows] = scored.log_density
    if not kind.censored:
        judged.log_density[rows] += np.log(block.gain) if kind.moves else -shift[rows]
        judged.residual[rows] = noise.standardised(value, mean)
    judged.score[rows, MEAN] = scored.by_mean * gain
    judged.score[rows, WIDTH] = scored.by_width
    judged.score[rows, FACTOR] = scored.by_mean * mean if kind.moves else scored.by_unit
    judged.root[rows] = root
    judged.root[rows, :, MEAN] *= gain[:, None]
    if kind.moves:
        judged.root[rows, :, FACTOR] = root[..., MEAN] * mean[:, None]
