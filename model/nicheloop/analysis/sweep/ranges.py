"""Ranges of an axis: ends, spacing and, for a grid, the number of values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nicheloop.assays.names import unknown
from nicheloop.assays.units import UnitError, split_quantity, unit_factor

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Range:
    """What lies between two quantities; made by `log_range` and `linear_range`.

    Attributes
    ----------
    low, high : float
        Ends, in `unit`.
    unit : str
        Unit; empty for the default unit of the axis.
    scale : str
        ``linear`` or ``log``.
    count : int or None
        Number of values, both ends included. None: to be sampled by a random design.
    """

    low: float
    high: float
    unit: str
    scale: str
    count: int | None

    def __len__(self) -> int:
        return self.count or 0

    def __iter__(self) -> Iterator[float | str]:
        """Yield the values: numbers, or text with the unit."""
        if self.count is None:
            raise ValueError(
                f"{self}: has no number of values to list, expected one, such as {self._with(5)}"
            )
        spaced = np.geomspace if self.scale == "log" else np.linspace
        for value in spaced(self.low, self.high, self.count).tolist():
            yield f"{value:.15g} {self.unit}" if self.unit else float(f"{value:.15g}")

    @property
    def ends(self) -> tuple[float | str, float | str]:
        """Both ends, as quantities."""
        low, high = (f"{end!r} {self.unit}" if self.unit else end for end in (self.low, self.high))
        return low, high

    def __str__(self) -> str:
        return self._with(self.count)

    def _with(self, count: int | None) -> str:
        ends = ", ".join(repr(end) for end in self.ends)
        return f"{self.scale}_range({ends}{'' if count is None else f', {count}'})"


def log_range(low: float | str, high: float | str, count: int | None = None) -> Range:
    """Return ``count`` values at equal ratios, or a range to sample evenly in the logarithm.

    Parameters
    ----------
    low, high : number or str
        Ends, such as ``"10 nM"``; numbers are in the default unit of the axis.
    count : int, optional
        Number of values of a grid, both ends included; without it the range is for a random design.

    Raises
    ------
    ValueError
        If an end cannot be read or is not positive, if they are in the wrong order, or the number is below 2.

    Examples
    --------
    >>> list(log_range("0.01 uM", "1 uM", 3))
    ['0.01 uM', '0.1 uM', '1 uM']
    """
    found = range_of(low, high, "log", count)
    if found.low <= 0:
        raise ValueError(f"{found}: starts at {found.low:g}, expected a value above 0 on a logarithmic scale")
    return found


def linear_range(low: float | str, high: float | str, count: int | None = None) -> Range:
    """Return ``count`` evenly spaced values, or a range to sample evenly.

    Parameters, errors
        As for `log_range`, but for ends that need not be positive.

    Examples
    --------
    >>> list(linear_range(0, 72, 4))
    [0.0, 24.0, 48.0, 72.0]
    """
    return range_of(low, high, "linear", count)


def range_of(low: float | str, high: float | str, scale: str, count: int | None) -> Range:
    """Read and check the parts of a range."""
    if scale not in SCALES:
        raise ValueError(unknown("scale", scale, SCALES))
    first, unit = split_quantity(low, "")
    last, other = split_quantity(high, "")
    if bool(unit) != bool(other):
        raise ValueError(
            f"range from {low!r} to {high!r}: one end has a unit, expected it at both ends or none"
        )
    factor = unit_factor(other, unit) if unit else 1.0
    if factor is None:
        raise UnitError(f"range from {low!r} to {high!r}: {other!r} does not convert to {unit!r}")
    last = last if factor == 1 else float(f"{last * factor:.15g}")
    if not first < last:
        raise ValueError(f"range from {low!r} to {high!r}: expected the lower end first")
    if count is not None and (isinstance(count, bool) or count != math.floor(count) or count < 2):
        raise ValueError(
            f"range from {low!r} to {high!r}: got {count!r} values, expected a whole number, 2 or more"
        )
    return Range(first, last, unit, scale, None if count is None else int(count))


# -- as text ------------------------------------------------------------------------------------------------

FORMS = "'0.01:10:20:log' (from, to, how many, scale), '0,1,3' or, to be sampled, '0.01:10:log'"


def read_values(text: str) -> list[float | str | Range]:
    """Read what an axis takes from text: values and ranges, separated by commas.

    Raises
    ------
    ValueError
        If a part cannot be read.

    Examples
    --------
    >>> read_values("0,10:1000:3:log")
    [0.0, 10.0, 100.0, 1000.0]
    >>> [str(part) for part in read_values("10 nM:1 uM:log")]
    ["log_range('10.0 nM', '1000.0 nM')"]
    """
    values: list[float | str | Range] = []
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ValueError(f"got {text!r}, expected {FORMS}")
    for part in parts:
        read = _read_range(part) if ":" in part else _number_or_text(part)
        if isinstance(read, Range) and read.count is not None:
            values += list(read)
        else:
            values.append(read)
    return values


def _read_range(text: str) -> Range:
    ends = [part.strip() for part in text.split(":")]
    scale = ends.pop() if ends[-1] in SCALES else "linear"
    count = None
    if len(ends) == 3 and ends[-1].isdigit():
        count = int(ends.pop())
    if len(ends) != 2 or not all(ends):
        raise ValueError(f"got {text!r}, expected {FORMS}")
    make = log_range if scale == "log" else linear_range
    return make(_number_or_text(ends[0]), _number_or_text(ends[1]), count)


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
