"""What a claim is made of: experiments, the effects they are judged by, and the figures that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.evidence import Effect, Panel, Series, spread
from nicheloop.assays.readouts import Readout
from nicheloop.assays.result import Runs
from nicheloop.assays.scenario import Scenario, checked

Floats = NDArray[np.float64]

LINES = ("K562S", "K562R")
SEEDING = "2e5 cells/mL"
STROMA_DENSITY = "1e5 cells/mL"


VISIBLE = {"1": 0.01, "fraction": 0.01, "%": 1.0, "uM": 0.0, "pg/mL": 1.0, "ng/mL": 0.0}
"""Smallest change that counts as one, by unit: 1 % of a ratio, 1 percentage point, 1 pg/mL in an ELISA."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Runs of one claim's experiments for many parameter sets.

    The first set is the default, then come ``draws`` sets of the ensemble, then the sets of the prior.
    """

    runs: Mapping[str, Runs]
    draws: int

    def __call__(self, experiment: str, readout: str | Readout, at: float | None = None) -> Floats:
        """Return a read-out, shape (sets, times), or (sets,) at one sampling time (h)."""
        run = self.runs[experiment]
        values = run[readout]
        if at is None:
            return values
        return values[:, int(np.flatnonzero(np.isclose(run.time, at))[0])]

    def time(self, experiment: str) -> Floats:
        """Return the sampling times of an experiment (h)."""
        return self.runs[experiment].time

    def series(self, label: str, x: ArrayLike, values: Iterable[Floats] | Floats, group: str = "") -> Series:
        """Make a curve from values per set: default in front, 90 % intervals of ensemble and prior around.

        ``values`` has shape (points, sets).
        """
        table = np.asarray(values, dtype=float)
        ensemble, prior = table[:, 1 : 1 + self.draws], table[:, 1 + self.draws :]
        low, high = _interval(ensemble)
        prior_low, prior_high = _interval(prior)
        return Series(label, np.asarray(x, dtype=float), table[:, 0], low, high, prior_low, prior_high, group)


def _interval(values: Floats) -> tuple[Floats, Floats] | tuple[None, None]:
    """The interval over sets that is shown, per point; None without sets."""
    return spread(values.T)[1:] if values.shape[1] else (None, None)


@dataclass(frozen=True)
class Comparison:
    """One effect of a claim before it is split by origin: a value per parameter set."""

    experiment: str
    effect: str
    unit: str
    expected_sign: int
    null: float
    values: Floats


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    key, name, statement : str
        ``S1`` to ``S6``, one word for it, and what the model must show.
    experiments : mapping
        Scenario by name.
    compare : callable
        Effects from the runs.
    draw : callable
        Panels from the runs.
    caveat : str
        What a reader must keep in mind.
    """

    key: str
    name: str
    statement: str
    experiments: Mapping[str, Scenario]
    compare: Callable[[Measured], Sequence[Comparison]] = field(repr=False)
    draw: Callable[[Measured], Sequence[Panel]] = field(repr=False)
    caveat: str = ""

    def effects(self, measured: Measured) -> tuple[Effect, ...]:
        """Return the effects, each for the default, the ensemble and the prior."""
        found = []
        for c in self.compare(measured):
            ensemble, prior = c.values[1 : 1 + measured.draws], c.values[1 + measured.draws :]
            found.append(
                Effect(
                    self.key,
                    c.experiment,
                    c.effect,
                    c.unit,
                    c.expected_sign,
                    c.null,
                    float(c.values[0]),
                    ensemble,
                    prior,
                    VISIBLE[c.unit],
                )
            )
        return tuple(found)


def experiment(**fields: object) -> Scenario:
    """Build a scenario from plain values, as a TOML file would hold them."""
    return checked(fields, str(fields.get("name", "experiment")))


def leukaemia(line: str, resistance: str = "mixed", **changes: object) -> Scenario:
    """One line alone in a well for 72 h."""
    plain = {
        "name": line,
        "lines": {line: SEEDING},
        "resistance": resistance,
        "times": (0.0, 24.0, 48.0, 72.0),
    }
    return experiment(**{**plain, **changes})


def conditioned(source: Scenario, hours: float, fraction: float = 1.0) -> dict[str, object]:
    """Conditioned medium of another run, as a scenario field."""
    return {"scenario": source, "hours": hours, "fraction": fraction}


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide without a warning; 0/0 is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = numerator / denominator
    return quotient
