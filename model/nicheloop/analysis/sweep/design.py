"""Which runs a sweep consists of, found by number.

A row of results is one parameter set, one sample of a random design and one combination of the outer axes;
it holds the runs of all combinations of the inner axes, over which summaries such as an IC50 are taken.
Rows are in the order of sets, then samples, then axes that change much of a run (parameters of the model),
then those that change little (doses), so that neighbours share what is costly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nicheloop.analysis.sweep.axis import KINDS, Axis
from nicheloop.analysis.sweep.numbers import METHODS, Floats, Indices, levels
from nicheloop.assays.names import unknown

GRID = "grid"
SET, SAMPLE = "set", "sample"


@dataclass(frozen=True, eq=False)
class Places:
    """Where some runs are in the design.

    Attributes
    ----------
    sets : ndarray of int, shape (runs,)
        Parameter set of each run.
    subjects : ndarray of int, shape (runs,)
        Equal for runs with the same set and the same values of all axes that are parameters of the model.
    values : mapping
        Value of each axis in each run.
    """

    sets: Indices
    subjects: Indices
    values: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Design:
    """All runs of a sweep.

    Attributes
    ----------
    axes : tuple of Axis
        In the order in which results have them.
    inner : tuple of str
        Axes that are complete in every row.
    sets : int
        Number of parameter sets.
    labelled : bool
        Whether results have a dimension for them.
    method : str
        ``grid``, ``random``, ``sobol`` or ``latin``.
    samples : int
        Samples of the axes that are sampled; 1 for a grid.
    seed : int
        Root of the samples.
    """

    axes: tuple[Axis, ...]
    inner: tuple[str, ...]
    sets: int
    labelled: bool
    method: str
    samples: int
    seed: int

    @cached_property
    def outer_axes(self) -> tuple[Axis, ...]:
        """Axes with values that are not complete in a row, slowest first."""
        crossed = [axis for axis in self.axes if not axis.sampled and axis.name not in self.inner]
        return tuple(sorted(crossed, key=lambda axis: KINDS.index(axis.kind)))

    @cached_property
    def inner_axes(self) -> tuple[Axis, ...]:
        """Axes that are complete in a row."""
        return tuple(axis for axis in self.axes if axis.name in self.inner)

    @cached_property
    def sampled_axes(self) -> tuple[Axis, ...]:
        """Axes that are sampled."""
        return tuple(axis for axis in self.axes if axis.sampled)

    @property
    def outer_shape(self) -> tuple[int, ...]:
        """Sets, samples, and values of each outer axis: what rows are counted through, last fastest."""
        return (self.sets, self.samples, *(len(axis.values) for axis in self.outer_axes))

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """Values of each inner axis."""
        return tuple(len(axis.values) for axis in self.inner_axes)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return math.prod(self.outer_shape)

    @property
    def width(self) -> int:
        """Runs per row."""
        return math.prod(self.inner_shape)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.rows * self.width

    def outer_dims(self) -> tuple[str, ...]:
        """Names of the dimensions of rows, also of those that results do not have."""
        return (SET, SAMPLE, *(axis.name for axis in self.outer_axes))

    def places(self, start: int, stop: int) -> Places:
        """Return the runs of some rows, the inner axes fastest."""
        index = np.unravel_index(np.arange(start, stop), self.outer_shape)
        place = dict(zip(self.outer_dims(), index, strict=True))
        subjects = self._subjects(place)
        values = {axis.name: np.asarray(axis.values)[place[axis.name]] for axis in self.outer_axes}
        values |= self._samples(place[SAMPLE])
        values = {name: np.repeat(column, self.width) for name, column in values.items()}
        if self.inner_axes:
            inner = np.meshgrid(*(np.asarray(axis.values) for axis in self.inner_axes), indexing="ij")
            for axis, column in zip(self.inner_axes, inner, strict=True):
                values[axis.name] = np.tile(column.ravel(), stop - start)
        return Places(np.repeat(place[SET], self.width), np.repeat(subjects, self.width), values)

    def _subjects(self, place: Mapping[str, Indices]) -> Indices:
        """Number of the set and of the values of the parameters among the axes."""
        drawn = any(axis.kind == "parameter" for axis in self.sampled_axes)
        keys = [place[SET], place[SAMPLE] if drawn else np.zeros_like(place[SAMPLE])]
        sizes = [self.sets, self.samples if drawn else 1]
        for axis in self.outer_axes:
            if axis.kind == "parameter":
                keys.append(place[axis.name])
                sizes.append(len(axis.values))
        return np.asarray(np.ravel_multi_index(tuple(keys), tuple(sizes)))

    def _samples(self, wanted: Indices) -> dict[str, Floats]:
        if not self.sampled_axes:
            return {}
        names = [axis.name for axis in self.sampled_axes]
        drawn = levels(self.method, self.seed, names, self.samples, wanted)
        return {axis.name: axis.at(drawn[:, i]) for i, axis in enumerate(self.sampled_axes)}


def design_of(
    axes: tuple[Axis, ...],
    inner: tuple[str, ...],
    sets: int,
    labelled: bool,
    method: str,
    samples: int | None,
    seed: int,
) -> Design:
    """Check that axes and design fit.

    Raises
    ------
    ValueError
        A grid with a range that has no number of values, a random design without such a range or without a
        number of samples, nothing that varies, an unknown design.
    """
    if method not in (GRID, *METHODS):
        raise ValueError(unknown("design", method, (GRID, *METHODS)))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: got {seed!r}, expected a whole number, 0 or more")
    if not axes and not labelled:
        raise ValueError(
            "nothing varies: expected axes, such as vary={'imatinib': [0, 1]}, or several parameter sets"
        )
    sampled = [axis.name for axis in axes if axis.sampled]
    if method == GRID and sampled:
        raise ValueError(
            f"vary: {sampled[0]}: is to be sampled, expected values or a range with their number; or ask for "
            f"design={METHODS[1]!r}"
        )
    if method == GRID and samples is not None:
        raise ValueError(
            f"samples: got {samples} for a grid, expected none; or ask for design={METHODS[1]!r}"
        )
    if method != GRID and not sampled:
        raise ValueError(
            f"design {method!r}: no axis is to be sampled, expected a range without a number of values, such "
            "as log_range('0.01 uM', '10 uM') or '0.01:10:log'"
        )
    if method != GRID and (isinstance(samples, bool) or samples is None or samples < 1):
        raise ValueError(f"samples: got {samples!r} for design {method!r}, expected their number, 1 or more")
    return Design(axes, inner, sets, labelled, method, samples or 1, int(seed))
