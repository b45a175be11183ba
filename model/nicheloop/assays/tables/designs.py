"""Distinct wells of a plate, when each is looked at, and the plans that run them side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.plan import Plan, plan_of, seeded_by
from nicheloop.assays.scenario import Scenario


class Designs:
    """Distinct wells, by number.

    Those that differ only in name, times or a dose of nothing are one, which runs as long as the longest.
    """

    def __init__(self) -> None:
        self.scenarios: list[Scenario] = []
        self._times: list[set[float]] = []
        self._durations: list[float] = []
        self._numbers: dict[Scenario, int] = {}
        self._vehicles: dict[int, int] = {}

    def number(self, well: Scenario) -> int:
        """Return the number of a well."""
        design = _bare(well)
        if design not in self._numbers:
            self._numbers[design] = len(self.scenarios)
            self.scenarios.append(design)
            self._times.append(set())
            self._durations.append(0.0)
        number = self._numbers[design]
        self._durations[number] = max(self._durations[number], well.duration)
        return number

    def vehicle(self, number: int) -> int:
        """Return the number of the matching vehicle well."""
        if number not in self._vehicles:
            self._vehicles[number] = self.number(self.scenarios[number].vehicle())
        vehicle = self._vehicles[number]
        self._durations[vehicle] = max(self._durations[vehicle], self._durations[number])
        return vehicle

    def look(self, number: int, time: float) -> None:
        """Note that a well is looked at."""
        self._times[number].add(time)

    def plans(self) -> tuple[Plan, ...]:
        """Return a plan for every well, by number.

        Those with the same kinds of cell share a system that holds whatever is in any of them.
        """
        together: dict[tuple[str, tuple[str, ...]], frozenset[int]] = {}
        for design in self.scenarios:
            kind = design.promoter, design.hosts
            together[kind] = together.get(kind, frozenset()) | seeded_by(design)
        seen = zip(self.scenarios, self._times, self._durations, strict=True)
        return tuple(
            plan_of(
                design.model_copy(update={"times": tuple(sorted(times)), "duration": duration}),
                together[design.promoter, design.hosts],
            )
            for design, times, duration in seen
        )

    def rows(self, looks: Sequence[tuple[int, float]]) -> NDArray[np.intp]:
        """Return where samples (a well and a time) are among all, well by well and in the order of time."""
        row: dict[tuple[int, float], int] = {}
        for number, times in enumerate(self._times):
            row.update({(number, time): len(row) + i for i, time in enumerate(sorted(times))})
        return np.array([row[look] for look in looks], dtype=np.intp)


def _bare(well: Scenario) -> Scenario:
    """Return a well without what does not change what happens in it."""
    doses = FrozenMap({name: dose for name, dose in well.treatments.items() if dose})
    plain = {"name": "", "title": "", "description": "", "times": (), "every": 1.0, "duration": 1.0}
    return well.model_copy(update={**plain, "treatments": doses})
