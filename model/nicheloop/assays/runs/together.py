"""Plans of one kind with many parameter sets, laid out as the arrays that the batch engine takes.

A run is one plan with one specimen; runs are in the order of the plans, then of the specimens. Specimens that
cannot start take no part.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Compiled, Floats
from nicheloop.assays.runs.plan import Edit, Plan
from nicheloop.assays.runs.slopes import Follows, matrix_of
from nicheloop.assays.runs.specimen import Specimen, seed, with_values
from nicheloop.integrate import BatchPeriod, PeriodSensitivity

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Seeds:
    """What a list of specimens starts from before any treatment, with its derivatives by the columns.

    Attributes
    ----------
    state, vectors, lower : ndarray, shapes (specimens, species), (specimens, parameters), (specimens,)
        Amounts, parameters, and the volume fraction of the lower layer, which is one of them.
    problems : tuple of str
        Empty for those that can start.
    slopes, lower_slopes : ndarray, shapes (specimens, species, columns), (columns,)
    """

    state: Floats
    vectors: Floats
    lower: Floats
    problems: tuple[str, ...]
    slopes: Floats
    lower_slopes: Floats

    @classmethod
    def of(cls, plan: Plan, specimens: Sequence[Specimen], by: tuple[str, ...]) -> Seeds:
        """Seed a plan with every specimen."""
        states, vectors, problems = seed(plan, specimens)
        slopes = np.zeros((*states.shape, len(by)))
        lower_slopes = np.zeros(len(by))
        for j, specimen in enumerate(specimens if by else ()):
            seeded = specimen.slopes(by).seeded(plan)
            slopes[j], lower_slopes = seeded.state, seeded.lower
        return cls(
            states,
            vectors,
            vectors[:, plan.compiled.parameters["lower_volume_fraction"]],
            problems,
            slopes,
            lower_slopes,
        )

    def edited(self, edit: Edit) -> Floats:
        """State after an edit, shape (specimens, species)."""
        return self.state * edit.scale + edit.total_shift(self.lower)

    def edited_slopes(self, edit: Edit) -> Floats:
        """Its derivatives, shape (specimens, species, columns)."""
        return self.slopes * edit.scale[:, None] + self.shift_slopes(edit)

    def shift_slopes(self, edit: Edit) -> Floats:
        """Derivatives of an edit's shift: it is linear in the volume fraction; (1, species, columns)."""
        slope = edit.total_shift(1.0) - edit.total_shift(0.0)
        return np.outer(slope, self.lower_slopes)[None]


class Together:
    """Plans of one kind (see `kind_of`), run for every specimen.

    Parameters
    ----------
    plans, specimens : sequences of Plan and Specimen
        What to run.
    by : tuple of str
        Parameters of the table that are the columns of derivatives; may be empty.

    Attributes
    ----------
    able : ndarray of int
        Runs that can start, of all plans times specimens.
    times : ndarray
        Whenever any plan is sampled, h.
    """

    def __init__(self, plans: Sequence[Plan], specimens: Sequence[Specimen], by: tuple[str, ...]) -> None:
        self.plans = tuple(plans)
        self.by = by
        self.compiled: Compiled = plans[0].compiled
        self.specimens = len(specimens)
        self.times: Floats = np.unique(np.concatenate([plan.times for plan in plans]))
        known: dict[Hashable, Seeds] = {}
        for plan in plans:
            if (key := _seeding(plan)) not in known:
                known[key] = Seeds.of(plan, specimens, by)
        self.seeds = tuple(known[_seeding(plan)] for plan in plans)
        can_start = [[not problem for problem in seeds.problems] for seeds in self.seeds]
        self.able: Indices = np.flatnonzero(can_start)
        resistance, fixed = plans[0].scenario.resistance, plans[0].stock_parameters
        self._follows: Follows = specimens[0].slopes(by).follows(resistance, fixed) if by else ()

    def initials(self) -> Floats:
        """State of every run just after the start."""
        return self._runs([seeds.edited(plan.start) for plan, seeds in self._each()])

    @cached_property
    def initial_slopes(self) -> Floats:
        """Its derivatives."""
        return self._runs([seeds.edited_slopes(plan.start) for plan, seeds in self._each()])

    def periods(self, live: Indices) -> list[BatchPeriod]:
        """Periods of all runs; ``live`` are the columns that are carried."""
        vectors = self._runs([seeds.vectors for seeds in self.seeds])
        matrices = {id(matrix): np.ascontiguousarray(matrix[:, live]) for matrix in self._matrices}
        periods = []
        for k, (step, matrix) in enumerate(zip(self.plans[0].steps, self._matrices, strict=True)):
            parameters, scale, shift = self._step(k, vectors)
            slopes = None
            if live.size:
                moved = self._shift_slopes[k]
                moved = None if moved is None else np.ascontiguousarray(moved[:, :, live])
                slopes = PeriodSensitivity(matrices[id(matrix)], moved)
            periods.append(BatchPeriod(step.start, step.end, parameters, scale, shift, slopes))
        return periods

    def live(self, outputs: Sequence[str]) -> Indices:
        """Columns that can differ from zero: they move the start, an edit, a rate or one of the outputs."""
        system = self.compiled
        acting = np.union1d(system.used, system.used_by(outputs))
        moving = np.any(self.initial_slopes != 0, axis=(0, 1))
        for matrix, shift in zip(self._matrices, self._shift_slopes, strict=True):
            moving |= np.any(matrix[acting] != 0, axis=0)
            if shift is not None:
                moving |= np.any(shift != 0, axis=(0, 1))
        return np.flatnonzero(moving)

    def named(self, column: int) -> int:
        """A parameter of the system that moves with a column."""
        moved = [self.compiled.parameters.get(name, 0) for name, number in self._follows if number == column]
        return moved[0] if moved else 0

    def _each(self) -> Iterator[tuple[Plan, Seeds]]:
        return zip(self.plans, self.seeds, strict=True)

    def _runs(self, blocks: Sequence[Floats]) -> Floats:
        """Rows for the runs that can start, from arrays over specimens (or of one row), one per plan."""
        whole = np.stack([np.broadcast_to(block, (self.specimens, *block.shape[1:])) for block in blocks])
        rows: Floats = whole.reshape(whole.shape[0] * whole.shape[1], *whole.shape[2:])
        return rows if self.able.size == len(rows) else rows[self.able]

    def _step(self, k: int, vectors: Floats) -> tuple[Floats, Floats | None, Floats | None]:
        """Parameters, scale and shift of all runs in period k."""
        steps = [plan.steps[k] for plan in self.plans]
        if any(step.fixed != plan.fixed for step, plan in zip(steps, self.plans, strict=True)):
            changed = [with_values(s.vectors, step.fixed) for s, step in zip(self.seeds, steps, strict=True)]
            vectors = self._runs(changed)
        if all(step.edit is None for step in steps):
            return vectors, None, None
        edits = self._edits(k)
        shifts = [edit.total_shift(seeds.lower) for edit, seeds in zip(edits, self.seeds, strict=True)]
        return vectors, self._runs([edit.scale[None] for edit in edits]), self._runs(shifts)

    def _edits(self, k: int) -> list[Edit]:
        return [plan.steps[k].edit or Edit.none(self.compiled.system.n) for plan in self.plans]

    @cached_property
    def _matrices(self) -> list[Floats]:
        """Derivatives of the parameters by the columns, for each period; the same for all plans of a kind."""
        return [
            matrix_of(self.compiled, self._follows, len(self.by), tuple(index for index, _ in step.fixed))
            for step in self.plans[0].steps
        ]

    @cached_property
    def _shift_slopes(self) -> list[Floats | None]:
        """Derivatives of the shift of each period; None where it does not move."""
        if not any(seeds.lower_slopes.any() for seeds in self.seeds):
            return [None] * len(self._matrices)
        return [
            self._runs(
                [seeds.shift_slopes(edit) for seeds, edit in zip(self.seeds, self._edits(k), strict=True)]
            )
            for k in range(len(self._matrices))
        ]


def kind_of(plan: Plan, by: tuple[str, ...]) -> Hashable:
    """Plans of one kind share equations and period edges, and what moves with the columns of derivatives."""
    together = plan.compiled, tuple((step.start, step.end) for step in plan.steps)
    if not by:
        return together
    fixed = tuple(tuple(index for index, _ in step.fixed) for step in plan.steps)
    return together, plan.scenario.resistance, frozenset(plan.stock_parameters), fixed


def _seeding(plan: Plan) -> Hashable:
    """Plans of one kind with the same key have the same cells and the same conditioned medium."""
    scenario = plan.scenario
    cells = tuple((inoculum.host, inoculum.density) for inoculum in plan.inocula)
    return scenario.resistance, plan.stock_parameters, plan.fixed, cells, scenario.conditioned_medium
