"""What is kept of a time course: its end, its area, its peak; of many, an IC50 or a synergy surface.

Each is a small class and has a name, as text: ``"final"``, ``"final(48 h)"``, ``"time_to(0.5)"``,
``"ic50(imatinib)"``, ``"bliss(imatinib, il1ra)"``. To add one, derive it from `Summary`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from nicheloop.analysis.curves import gr50, half_dose, hill_slope
from nicheloop.analysis.sweep.axis import Axis
from nicheloop.analysis.sweep.numbers import Floats
from nicheloop.analysis.sweep.synergy import bliss_excess, loewe_index
from nicheloop.assays.fields import TREATMENTS
from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout
from nicheloop.assays.units import UnitError, convert


@dataclass(frozen=True)
class Setting:
    """What a summary is asked for in: the axes, and the hours that runs are sampled at and last."""

    axes: tuple[Axis, ...]
    times: tuple[float, ...]
    duration: float


@dataclass(frozen=True, eq=False)
class Courses:
    """A read-out of many runs.

    Attributes
    ----------
    values : ndarray, shape (rows, inner axes..., times)
        NaN after the time that a failed run reached.
    control : ndarray or None
        The same in the vehicle wells, for summaries that ask for it.
    time : ndarray, shape (times,)
        Hours.
    doses : mapping
        Values of the inner axes, in the order of the dimensions.
    """

    values: Floats
    control: Floats | None
    time: Floats
    doses: Mapping[str, Floats]


@dataclass(frozen=True)
class Summary:
    """Turns the courses of a read-out into fewer numbers."""

    name: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """What is added to the name of the read-out."""
        return self.name

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        """Make it from what stands in brackets."""
        if arguments:
            raise ValueError(f"{cls.name}: got {', '.join(arguments)!r}, expected nothing in brackets")
        return cls()

    def settled(self, setting: Setting, readout: Readout) -> Summary:
        """Return it with everything filled in that was left out.

        Raises
        ------
        ValueError
            If it makes no sense in this sweep.
        """
        return self

    @property
    def times(self) -> tuple[float, ...] | None:
        """Hours it looks at; None: all."""
        return None

    @property
    def inner(self) -> tuple[str, ...]:
        """Axes it has to see as a whole."""
        return ()

    @property
    def used_up(self) -> tuple[str, ...]:
        """Those of them that the result does not have."""
        return ()

    @property
    def over_time(self) -> bool:
        """Whether the result has all times."""
        return False

    @property
    def compares(self) -> bool:
        """Whether it has to see the vehicle wells."""
        return False

    def unit(self, readout: Readout) -> str:
        """Unit of the result."""
        return readout.unit

    def describe(self, readout: Readout) -> str:
        """Say what the result is."""
        raise NotImplementedError

    def __call__(self, courses: Courses) -> Floats:
        """Summarise."""
        raise NotImplementedError


@dataclass(frozen=True)
class Course(Summary):
    """Everything over time."""

    name: ClassVar[str] = "course"

    @property
    def label(self) -> str:
        return ""

    @property
    def over_time(self) -> bool:
        return True

    def describe(self, readout: Readout) -> str:
        return readout.description

    def __call__(self, courses: Courses) -> Floats:
        return courses.values


@dataclass(frozen=True)
class _Timed(Summary):
    """Looks at one time: `at`, h; default: the last that is sampled."""

    at: float | None = None

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        if len(arguments) > 1:
            raise ValueError(f"{cls.name}: got {', '.join(arguments)!r}, expected a time such as 48 h")
        return cls(at=_hours(cls.name, arguments[0]) if arguments else None)

    @property
    def label(self) -> str:
        return self.name if self.at is None else f"{self.name}_{self.at:g}h"

    @property
    def times(self) -> tuple[float, ...]:
        return () if self.at is None else (self.at,)

    def settled(self, setting: Setting, readout: Readout) -> _Timed:
        if self.at is None:
            return replace(self, at=setting.times[-1])
        if not 0 <= self.at <= setting.duration:
            raise ValueError(
                f"{self.name}: got {self.at:g} h, expected a time of the run, 0 to {setting.duration:g} h"
            )
        return self

    def picked(self, values: Floats, courses: Courses) -> Floats:
        """Values at that time."""
        return values[..., int(np.searchsorted(courses.time, self.times[0]))]


@dataclass(frozen=True)
class Final(_Timed):
    """The value at the end, or at a time."""

    name: ClassVar[str] = "final"

    def describe(self, readout: Readout) -> str:
        return f"{readout.description}, at {self.times[0]:g} h"

    def __call__(self, courses: Courses) -> Floats:
        return self.picked(courses.values, courses)


@dataclass(frozen=True)
class Auc(Summary):
    """The area under the curve, by trapezoids."""

    name: ClassVar[str] = "auc"

    def unit(self, readout: Readout) -> str:
        return "h" if readout.unit in ("", "1") else f"{readout.unit} h"

    def describe(self, readout: Readout) -> str:
        return f"area under {readout.description}"

    def __call__(self, courses: Courses) -> Floats:
        y = courses.values
        area: Floats = (0.5 * (y[..., 1:] + y[..., :-1]) * np.diff(courses.time)).sum(-1)
        return area


@dataclass(frozen=True)
class Peak(Summary):
    """The highest sampled value."""

    name: ClassVar[str] = "peak"

    def describe(self, readout: Readout) -> str:
        return f"highest {readout.description}"

    def __call__(self, courses: Courses) -> Floats:
        highest: Floats = courses.values.max(axis=-1)
        return highest


@dataclass(frozen=True)
class TimeOfPeak(Summary):
    """When it is sampled."""

    name: ClassVar[str] = "time_of_peak"

    def unit(self, readout: Readout) -> str:
        return "h"

    def describe(self, readout: Readout) -> str:
        return f"when {readout.description} is highest"

    def __call__(self, courses: Courses) -> Floats:
        y = courses.values
        return np.where(np.isnan(y).any(-1), np.nan, courses.time[np.argmax(y, axis=-1)])


@dataclass(frozen=True)
class TimeTo(Summary):
    """When a value is first reached, from above or below, linear between samples.

    0 where it is reached from the start, inf where it never is.
    """

    name: ClassVar[str] = "time_to"
    threshold: float = 0.0

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        try:
            (number,) = (float(argument) for argument in arguments)
        except ValueError:
            got = ", ".join(arguments)
            raise ValueError(f"{cls.name}: got {got!r}, expected a value, such as {cls.name}(0.5)") from None
        return cls(number)

    @property
    def label(self) -> str:
        return f"{self.name}_{self.threshold:g}"

    def unit(self, readout: Readout) -> str:
        return "h"

    def describe(self, readout: Readout) -> str:
        return f"when {readout.description} first reaches {self.threshold:g}"

    def __call__(self, courses: Courses) -> Floats:
        time, beyond = courses.time, courses.values - self.threshold
        start = beyond[..., :1]
        crossed = np.where(start > 0, beyond <= 0, np.where(start < 0, beyond >= 0, start == 0))
        first = np.argmax(crossed, axis=-1)
        left = np.maximum(first - 1, 0)
        y0 = np.take_along_axis(beyond, left[..., None], -1)[..., 0]
        y1 = np.take_along_axis(beyond, first[..., None], -1)[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(first == 0, 0.0, y0 / (y0 - y1))
        when = np.where(crossed.any(-1), time[left] + share * (time[first] - time[left]), np.inf)
        return np.where(np.isinf(when) & np.isnan(beyond).any(-1), np.nan, when)


# -- over doses ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _OfDoses(_Timed):
    """Looks at all doses of one drug.

    The response without it is that to dose 0 if it is among the doses, otherwise that of the vehicle well.
    """

    drug: str = ""
    has_zero: bool = False

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        drugs = [argument for argument in arguments if argument[:1].isalpha()]
        hours = [argument for argument in arguments if argument not in drugs]
        if len(drugs) > 1 or len(hours) > 1:
            got = ", ".join(arguments)
            raise ValueError(
                f"{cls.name}: got {got!r}, expected a drug and a time, as {cls.name}(imatinib, 48 h)"
            )
        at = _hours(cls.name, hours[0]) if hours else None
        return cls(at, drugs[0] if drugs else "")

    @property
    def inner(self) -> tuple[str, ...]:
        return (self.drug,)

    @property
    def used_up(self) -> tuple[str, ...]:
        return (self.drug,)

    @property
    def label(self) -> str:
        return super().label if not self.drug else f"{super().label}_{self.drug}"

    def settled(self, setting: Setting, readout: Readout) -> _Timed:
        timed = super().settled(setting, readout)
        known = _drugs(setting.axes)
        if not self.drug and len(known) != 1:
            told = f"got {', '.join(known)}" if known else "no drug varies over several doses"
            raise ValueError(
                f"{self.name}: {told}, expected one, such as {self.name}({[*known, 'imatinib'][0]})"
            )
        if self.drug and self.drug not in known:
            raise ValueError(f"{self.name}: " + unknown("axis of doses", self.drug, known))
        drug = self.drug or next(iter(known))
        self.check(known[drug], readout)
        return replace(self, at=timed.times[0], drug=drug, has_zero=0 in known[drug].values)

    @property
    def compares(self) -> bool:
        return not self.has_zero

    def check(self, axis: Axis, readout: Readout) -> None:
        """Refuse doses that do not do."""
        if sum(value > 0 for value in axis.values) < 2:
            raise ValueError(f"{self.name}: {axis.name} has {len(axis.values)} doses, expected two above 0")

    def curve(self, courses: Courses) -> tuple[Floats, Floats, Floats]:
        """Doses above 0, ascending; the responses to them as the last dimension; the response to none."""
        position = 1 + list(courses.doses).index(self.drug)
        curve = np.moveaxis(self.picked(courses.values, courses), position, -1)
        x = courses.doses[self.drug]
        order = np.argsort(x)
        order = order[x[order] > 0]
        if courses.control is None or self.has_zero:
            control = curve[..., int(np.flatnonzero(x == 0)[0])]
        else:  # the vehicle of every dose is the same well
            control = np.moveaxis(self.picked(courses.control, courses), position, -1)[..., 0]
        return x[order], curve[..., order], control


@dataclass(frozen=True)
class IC50(_OfDoses):
    """Dose at which the response has fallen to half of that without the drug."""

    name: ClassVar[str] = "ic50"

    def unit(self, readout: Readout) -> str:
        from nicheloop.assays.fields import axis_unit

        return axis_unit(self.drug)

    def describe(self, readout: Readout) -> str:
        return f"dose of {self.drug} that halves {readout.description}"

    def __call__(self, courses: Courses) -> Floats:
        x, y, control = self.curve(courses)
        return half_dose(x, y, 0.5 * control)


@dataclass(frozen=True)
class Hill(_OfDoses):
    """Hill slope of the dose-response, see `nicheloop.analysis.curves.hill_slope`."""

    name: ClassVar[str] = "hill"

    def unit(self, readout: Readout) -> str:
        return "1"

    def describe(self, readout: Readout) -> str:
        return f"Hill slope of {readout.description} over {self.drug}"

    def __call__(self, courses: Courses) -> Floats:
        return hill_slope(*self.curve(courses))


@dataclass(frozen=True)
class GR50(IC50):
    """Dose at which the GR value falls to 0.5."""

    name: ClassVar[str] = "gr50"

    def describe(self, readout: Readout) -> str:
        return f"dose of {self.drug} with a GR value of 0.5"

    def check(self, axis: Axis, readout: Readout) -> None:
        super().check(axis, readout)
        if readout.name != "gr":
            raise ValueError(f"{self.name}: got {readout.name}, expected the read-out gr")

    def __call__(self, courses: Courses) -> Floats:
        x, y, _ = self.curve(courses)
        return gr50(x, y)


@dataclass(frozen=True)
class _OfTwoDrugs(_Timed):
    """Looks at all combinations of two drugs."""

    drugs: tuple[str, ...] = ()

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        drugs = tuple(argument for argument in arguments if argument[:1].isalpha())
        hours = [argument for argument in arguments if argument not in drugs]
        if len(drugs) not in (0, 2) or len(hours) > 1:
            got = ", ".join(arguments)
            raise ValueError(
                f"{cls.name}: got {got!r}, expected two drugs, such as {cls.name}(imatinib, il1ra)"
            )
        return cls(_hours(cls.name, hours[0]) if hours else None, drugs)

    @property
    def inner(self) -> tuple[str, ...]:
        return self.drugs

    @property
    def label(self) -> str:
        return "_".join([super().label, *self.drugs])

    def unit(self, readout: Readout) -> str:
        return "1"

    def settled(self, setting: Setting, readout: Readout) -> _Timed:
        timed = super().settled(setting, readout)
        if readout.name == "gr":
            raise ValueError(
                f"{self.name}: got gr, which falls below 0 where cells die, expected a read-out of which a "
                "share is left, such as viability"
            )
        known = _drugs(setting.axes)
        chosen = self.drugs or tuple(known)
        for drug in chosen:
            if drug not in known:
                raise ValueError(f"{self.name}: " + unknown("axis of doses", drug, known))
        if len(set(chosen)) != 2:
            raise ValueError(
                f"{self.name}: got {', '.join(chosen) or 'no drug'}, expected two drugs that vary"
            )
        for drug in chosen:
            if 0 not in known[drug].values or sum(value > 0 for value in known[drug].values) < 2:
                raise ValueError(f"{self.name}: {drug}: expected dose 0 and at least two doses above it")
        return replace(self, at=timed.times[0], drugs=chosen)

    def surface(self, courses: Courses) -> tuple[Floats, Floats, Floats]:
        """Both lists of doses, ascending, and the responses to them as the last two dimensions."""
        places = [1 + list(courses.doses).index(drug) for drug in self.drugs]
        surface = np.moveaxis(self.picked(courses.values, courses), places, [-2, -1])
        a, b = (courses.doses[drug] for drug in self.drugs)
        first, second = np.argsort(a), np.argsort(b)
        return a[first], b[second], surface[..., first, :][..., second]

    def restored(self, surface: Floats, courses: Courses) -> Floats:
        """Put the doses back in the order and the place they had."""
        for dimension, drug in zip((-2, -1), self.drugs, strict=True):
            back = np.argsort(np.argsort(courses.doses[drug]))
            surface = np.take(surface, back, axis=dimension)
        return np.moveaxis(surface, [-2, -1], [1 + list(courses.doses).index(drug) for drug in self.drugs])


@dataclass(frozen=True)
class Bliss(_OfTwoDrugs):
    """Effect beyond that of independent drugs, see `synergy.bliss_excess`."""

    name: ClassVar[str] = "bliss"

    def describe(self, readout: Readout) -> str:
        return f"Bliss excess of {self.drugs[0]} and {self.drugs[1]} on {readout.name}"

    def __call__(self, courses: Courses) -> Floats:
        return self.restored(bliss_excess(*self.surface(courses)), courses)


@dataclass(frozen=True)
class Loewe(_OfTwoDrugs):
    """Sum of the shares of equally effective doses, see `synergy.loewe_index`."""

    name: ClassVar[str] = "loewe"

    def describe(self, readout: Readout) -> str:
        return f"Loewe index of {self.drugs[0]} and {self.drugs[1]} on {readout.name}"

    def __call__(self, courses: Courses) -> Floats:
        return self.restored(loewe_index(*self.surface(courses)), courses)


KNOWN: Mapping[str, type[Summary]] = {
    kind.name: kind for kind in (Course, Final, Auc, Peak, TimeOfPeak, TimeTo, IC50, Hill, GR50, Bliss, Loewe)
}
"""Summaries by name."""


def read_summary(given: Any) -> Summary:
    """Read a summary from its name, with what it needs in brackets.

    Raises
    ------
    ValueError
        With the nearest known name.

    Examples
    --------
    >>> read_summary("ic50(imatinib, 48 h)")
    IC50(at=48.0, drug='imatinib', has_zero=False)
    """
    if isinstance(given, Summary):
        return given
    match = re.fullmatch(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*", given) if isinstance(given, str) else None
    if match is None:
        raise ValueError(f"summary: got {given!r}, expected a name such as 'final' or 'time_to(0.5)'")
    if match[1] not in KNOWN:
        raise ValueError(unknown("summary", match[1], KNOWN))
    return KNOWN[match[1]].read([part.strip() for part in (match[2] or "").split(",") if part.strip()])


def _drugs(axes: Sequence[Axis]) -> dict[str, Axis]:
    """Axes of doses that are no samples."""
    return {axis.name: axis for axis in axes if axis.name in TREATMENTS and not axis.sampled}


def _hours(name: str, text: str) -> float:
    try:
        return convert(text, "h")
    except UnitError as error:
        raise ValueError(f"{name}: {error}") from None
