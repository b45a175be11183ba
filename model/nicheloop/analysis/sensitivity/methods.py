"""The methods that sample: which design each takes, and what it makes of the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nicheloop.analysis.sensitivity.designs import Curves, Design, Points, Saltelli, Trajectories
from nicheloop.analysis.sensitivity.distribution import DELTA, MEDIAN, delta_indices, pawn_indices
from nicheloop.analysis.sensitivity.efast import efast_indices, lost_curves
from nicheloop.analysis.sensitivity.estimate import Estimate, Floats, whole
from nicheloop.analysis.sensitivity.morris import MU_STAR, lost_effects, morris_indices
from nicheloop.analysis.sensitivity.sobol import TOTAL, sobol_indices
from nicheloop.analysis.sensitivity.space import Space

Indices = dict[str, Estimate]


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    name, main : str
        Its name, and the index by which factors are ranked.
    samples, bootstrap : int
        Sample size and number of resamples unless told otherwise.
    groups : bool
        Whether factors may have several parameters.
    design : callable
        ``design(space, samples, seed, second_order)``.
    indices : callable
        ``indices(design, space, y, resamples, seed)`` with y of shape (blocks, rows of a block, outputs).
    scaled : bool
        Whether the main index has the unit of the output.
    """

    name: str
    main: str
    samples: int
    bootstrap: int
    groups: bool
    design: Callable[[Space, int, int, bool], Design]
    indices: Callable[[Any, Space, Floats, int, int], Indices]
    scaled: bool = False

    def units(self, design: Design) -> int:
        """Return how many blocks, elementary effects, curves or points a design has."""
        if isinstance(design, Trajectories):
            return design.moved.size
        return design.blocks * (design.phases.shape[1] if isinstance(design, Curves) else 1)

    def dropped(self, design: Design, y: Floats) -> np.ndarray:
        """Return how many of them are left out, per output."""
        if isinstance(design, Trajectories):
            return lost_effects(design, y)
        if isinstance(design, Curves):
            return lost_curves(design, y)
        return np.asarray((~whole(y)).sum(axis=0))


def _sobol(design: Saltelli, space: Space, y: Floats, resamples: int, seed: int) -> Indices:
    return sobol_indices(design, y, resamples, seed)


def _morris(design: Trajectories, space: Space, y: Floats, resamples: int, seed: int) -> Indices:
    return morris_indices(design, y, space.belongs.sum(axis=1) > 1, resamples, seed)


def _efast(design: Curves, space: Space, y: Floats, resamples: int, seed: int) -> Indices:
    return efast_indices(design, y)


def _pawn(design: Points, space: Space, y: Floats, resamples: int, seed: int) -> Indices:
    return pawn_indices(design, y, resamples, seed)


def _delta(design: Points, space: Space, y: Floats, resamples: int, seed: int) -> Indices:
    return delta_indices(design, y, resamples, seed)


def _without_pairs(design: Callable[[Space, int, int], Design]) -> Callable[[Space, int, int, bool], Design]:
    """Take a design that knows no second order."""
    return lambda space, samples, seed, second_order: design(space, samples, seed)


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method(
            "morris",
            MU_STAR,
            64,
            1000,
            True,
            _without_pairs(Trajectories.of),
            _morris,
            True,
        ),
        Method("sobol", TOTAL, 1024, 1000, True, Saltelli.of, _sobol),
        Method("efast", TOTAL, 1024, 0, False, _without_pairs(Curves.of), _efast),
        Method("pawn", MEDIAN, 4096, 100, False, _without_pairs(Points.of), _pawn),
        Method("delta", DELTA, 4096, 100, False, _without_pairs(Points.of), _delta),
    )
}
"""Methods by name."""
