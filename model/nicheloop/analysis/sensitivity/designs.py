"""Where in the unit cube a function is evaluated; any chunk of rows can be made by itself.

The rows are those of SALib's samplers; what is added are the dummy, levels off the very ends of a
distribution (Morris) and rows that are made when they are needed.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sensitivity.space import DUMMY, Space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVELS = 4
"""Levels of the grid of a Morris design."""
EDGE = 0.025
"""Probability below the lowest and above the highest of them: distributions may have no ends."""
HARMONICS = 4
"""Harmonics of a frequency that eFAST counts as those of its factor."""
CURVES = 4
"""Independent search curves of an eFAST design: what its intervals are told from."""
SHORTEST = 4 * HARMONICS**2 + 1
"""Rows of a search curve, at least."""
DUMMIES = 20
"""Parameters without effect among points, where they cost nothing."""


class Design(Protocol):
    """Rows in the unit cube, in blocks that belong together.

    Attributes
    ----------
    blocks, block_rows : int
        Number of blocks, and rows of each. The first blocks are a smaller design of the same kind.
    """

    @property
    def blocks(self) -> int: ...

    @property
    def block_rows(self) -> int: ...

    def levels(self, start: int, stop: int) -> Floats:
        """Return levels of probability of some rows, shape (stop - start, parameters)."""

    def digest(self) -> str:
        """Return SHA-256 of the design."""


@dataclass(frozen=True, eq=False)
class Saltelli:
    """Blocks of A, A with the values of one factor from B (and B with those from A), and B.

    The last factor is the dummy, whose rows repeat A (and B): it tells what a function gives when it is asked
    the same again.

    Attributes
    ----------
    a, b : ndarray, shape (blocks, parameters)
        Halves of the points of a scrambled Sobol sequence.
    belongs : ndarray of bool, shape (factors, parameters)
    second_order : bool
        Whether blocks have the rows that second order takes.
    """

    a: Floats = field(repr=False)
    b: Floats = field(repr=False)
    belongs: Bools = field(repr=False)
    second_order: bool

    @classmethod
    def of(cls, space: Space, samples: int, seed: int, second_order: bool = False) -> Saltelli:
        """Draw one; ``samples`` is a power of two."""
        count = len(space.names)
        base = sobol_points(2 * count, _power_of_two(samples), seed)
        return cls(base[:, :count], base[:, count:], space.belongs, second_order)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.a)

    @property
    def block_rows(self) -> int:
        """Rows of a block."""
        return len(self._from_b)

    def levels(self, start: int, stop: int) -> Floats:
        """Return levels of some rows."""
        block, place = np.divmod(np.arange(start, stop), self.block_rows)
        return np.where(self._from_b[place], self.b[block], self.a[block])

    @cached_property
    def _from_b(self) -> Bools:
        """Which values of a row of a block are from B."""
        none = np.zeros((1, self.a.shape[1]), bool)
        swapped = np.concatenate([self.belongs, none])
        return np.concatenate(
            [none, swapped, ~swapped, ~none] if self.second_order else [none, swapped, ~none]
        )

    def digest(self) -> str:
        """Return SHA-256 of the design."""
        return _digest("saltelli", self.second_order, self.a, self.b, self.belongs)


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Paths through a grid on which one factor after the other moves, the dummy among them.

    Attributes
    ----------
    grid : ndarray of int, shape (trajectories, factors + 2, parameters)
        Level of every parameter.
    moved : ndarray of int, shape (trajectories, factors + 1)
        Position of the factor that moves in each step; the dummy is the last.
    signs : ndarray of int, shape (trajectories, factors + 1)
        Whether its first parameter goes up or down.
    """

    grid: NDArray[np.uint8] = field(repr=False)
    moved: NDArray[np.int64] = field(repr=False)
    signs: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, space: Space, samples: int, seed: int) -> Trajectories:
        """Draw ``samples`` trajectories."""
        from SALib.sample import morris

        if samples < 2:
            raise ValueError(f"samples={samples}: expected the number of trajectories, 2 or more")
        factors = (*space.factors, DUMMY)
        groups = [*space.groups, DUMMY]
        problem = {
            "num_vars": len(groups),
            "names": [f"x{i}" for i in range(len(groups))],
            "bounds": [[0.0, 1.0]] * len(groups),
            "groups": groups,
        }
        drawn = morris.sample(problem, samples, num_levels=LEVELS, seed=seed)
        grid = np.rint(drawn * (LEVELS - 1)).astype(np.int64).reshape(samples, len(factors) + 1, len(groups))
        steps = np.diff(grid, axis=1)
        first = np.array([groups.index(factor) for factor in factors])
        of_factor = steps[:, :, first]
        moved = np.argmax(of_factor != 0, axis=2)
        signs = np.sign(np.take_along_axis(of_factor, moved[..., None], 2)[..., 0])
        return cls(grid[:, :, :-1].astype(np.uint8), moved, signs)

    @property
    def blocks(self) -> int:
        """Number of trajectories."""
        return len(self.grid)

    @property
    def block_rows(self) -> int:
        """Points of a trajectory."""
        return int(self.grid.shape[1])

    @property
    def step(self) -> float:
        """Probability that lies between the two levels of a step."""
        return (1 - 2 * EDGE) * LEVELS / (2 * (LEVELS - 1))

    def levels(self, start: int, stop: int) -> Floats:
        """Return levels of some rows."""
        rows = self.grid.reshape(-1, self.grid.shape[2])[start:stop]
        return EDGE + (1 - 2 * EDGE) * rows / (LEVELS - 1)

    def digest(self) -> str:
        """Return SHA-256 of the design."""
        return _digest("morris", self.grid, self.moved, self.signs)


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves through the unit cube on which one parameter oscillates fast, for each in turn and the dummy.

    A block is one curve per factor.

    Attributes
    ----------
    phases : ndarray, shape (curves, factors, factors)
        Where each parameter starts on the curve that is for a factor; the last is the dummy.
    points : int
        Rows of a curve.
    """

    phases: Floats
    points: int

    @classmethod
    def of(cls, space: Space, samples: int, seed: int) -> Curves:
        """Draw curves with ``samples`` rows per factor, all together."""
        if samples % CURVES or samples // CURVES < SHORTEST:
            raise ValueError(
                f"samples={samples}: expected a multiple of {CURVES} (curves per factor), "
                f"at least {CURVES * SHORTEST}"
            )
        count = len(space.names) + 1
        phases = 2 * math.pi * np.random.default_rng(seed).random((CURVES, count, count))
        return cls(phases, samples // CURVES)

    @property
    def blocks(self) -> int:
        """Number of curves per factor."""
        return len(self.phases)

    @property
    def block_rows(self) -> int:
        """Rows of one curve per factor."""
        return int(self.phases.shape[1]) * self.points

    @property
    def frequency(self) -> int:
        """Frequency of the factor that a curve is for."""
        return (self.points - 1) // (2 * HARMONICS)

    def levels(self, start: int, stop: int) -> Floats:
        """Return levels of some rows."""
        curve, place = np.divmod(np.arange(start, stop), self.points)
        block, factor = np.divmod(curve, self.phases.shape[1])
        angle = self._frequencies[factor] * (2 * math.pi / self.points * place)[:, None]
        shifted = angle + self.phases[block, factor]
        return np.clip(0.5 + np.arcsin(np.sin(shifted)) / math.pi, 0.0, 1.0)[:, :-1]

    @cached_property
    def _frequencies(self) -> Floats:
        """Frequency of every parameter on the curve of every factor."""
        count = self.phases.shape[1]
        most = self.frequency // (2 * HARMONICS)
        if most >= count - 1:
            slow = np.floor(np.linspace(1, most, count - 1))
        else:
            slow = np.arange(count - 1) % most + 1
        table = np.empty((count, count))
        for i in range(count):
            table[i] = np.insert(slow, i, self.frequency)
        return table

    def digest(self) -> str:
        """Return SHA-256 of the design."""
        return _digest("efast", self.points, self.phases)


@dataclass(frozen=True, eq=False)
class Points:
    """Points without any structure; a block is one.

    Attributes
    ----------
    unit : ndarray, shape (points, parameters)
        Levels.
    dummies : ndarray, shape (points, DUMMIES)
        Levels of parameters that nothing depends on.
    """

    unit: Floats = field(repr=False)
    dummies: Floats = field(repr=False)

    @classmethod
    def of(cls, space: Space, samples: int, seed: int) -> Points:
        """Take points of a scrambled Sobol sequence; ``samples`` is a power of two."""
        drawn = sobol_points(len(space.names) + DUMMIES, _power_of_two(samples), seed)
        return cls(drawn[:, :-DUMMIES], drawn[:, -DUMMIES:])

    @classmethod
    def given(cls, levels: Floats, samples: int | None, seed: int) -> Points:
        """Choose so many of given points (default: all) in random order, and add dummies."""
        count = len(levels) if samples is None else samples
        if not 2 <= count <= len(levels):
            raise ValueError(f"samples={count}: expected 2 to the {len(levels)} that there are")
        rng = np.random.default_rng(seed)
        return cls(levels[rng.permutation(len(levels))[:count]], rng.random((count, DUMMIES)))

    @property
    def blocks(self) -> int:
        """Number of points."""
        return len(self.unit)

    @property
    def block_rows(self) -> int:
        """1."""
        return 1

    def levels(self, start: int, stop: int) -> Floats:
        """Return levels of some rows."""
        return self.unit[start:stop]

    def digest(self) -> str:
        """Return SHA-256 of the design."""
        return _digest("points", self.unit, self.dummies)


def sobol_points(width: int, count: int, seed: int) -> Floats:
    """Return the first points of a scrambled Sobol sequence."""
    from scipy.stats import qmc

    if width > qmc.Sobol.MAXDIM:
        raise ValueError(f"parameters: {width} dimensions, a Sobol sequence has at most {qmc.Sobol.MAXDIM}")
    argument = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"  # renamed in SciPy 1.15
    sequence = qmc.Sobol(width, scramble=True, **{argument: np.random.default_rng(seed)})
    return np.asarray(sequence.random(count))


def _power_of_two(samples: int) -> int:
    if samples < 4 or samples & (samples - 1):
        near = 2 ** max(2, round(math.log2(max(samples, 1))))
        raise ValueError(f"samples={samples}: a Sobol sequence takes a power of two, such as {near}")
    return samples


def _digest(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        else:
            digest.update(f"{part};".encode())
    return digest.hexdigest()
