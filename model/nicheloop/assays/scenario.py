"""An experiment as a value: which cells, what they get and when, in what vessel, and when one looks.

Quantities may be given with any fitting unit (``"1 uM"``, ``"2e5 cells/mL"``, ``"3 d"``); they are kept in
the default unit of their field: hours, cells/mL, mL, and for a treatment the unit of its solute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from nicheloop.assays import axes
from nicheloop.assays.events import Event, Passage, Replacement, WashOut
from nicheloop.assays.fields import (
    TREATMENTS,
    Axes,
    Density,
    Doses,
    Duration,
    Fraction,
    Knockdowns,
    Layer,
    Numbers,
    Part,
    ScenarioError,
    Solutes,
    YesNo,
    as_table,
    ascending_times,
    nothing,
    one_of,
    problems,
)
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.vessel import Vessel
from nicheloop.biology import PROMOTERS, RESISTANCES
from nicheloop.biology.hosts import LEUKAEMIC, STROMA

__all__ = [
    "ConditionedMedium",
    "Event",
    "Passage",
    "Replacement",
    "Scenario",
    "Seeding",
    "Stroma",
    "Vessel",
    "WashOut",
    "checked",
]

STROMA_MODES = ("none", "coculture", "transwell", "conditioned_medium")
SAMPLES_PER_RUN = 10_000


class Seeding(Part):
    """Cells of one line at the start.

    Attributes
    ----------
    density : float
        Living cells per mL of all medium in the vessel (insert and well together).
    """

    density: Density


def _lines(value: object) -> FrozenMap[Seeding]:
    seeded = {}
    for line, given in as_table(value, "line = density").items():
        if line not in LEUKAEMIC:
            raise ValueError(unknown("line", line, LEUKAEMIC))
        known = given if isinstance(given, (Seeding, Mapping)) else {"density": given}
        try:
            seeded[line] = Seeding.model_validate(known)
        except ValidationError as error:
            raise ValueError("; ".join(f"{line}: {text}" for text in problems(error))) from None
    return FrozenMap(seeded)


class Stroma(Part):
    """Stromal cells, and how the leukaemic cells meet them.

    Attributes
    ----------
    mode : str
        ``none``; ``coculture`` (in one well); ``transwell`` (stroma below an insert);
        ``conditioned_medium`` (no stromal cells, only medium they have conditioned).
    density : float
        Stromal cells per mL of well volume.
    """

    mode: Annotated[
        Literal["none", "coculture", "transwell", "conditioned_medium"],
        BeforeValidator(one_of("stroma mode", STROMA_MODES)),
    ] = "none"
    density: Density = 0.0

    @property
    def present(self) -> bool:
        """Whether stromal cells are in the vessel."""
        return self.mode in ("coculture", "transwell")

    @model_validator(mode="after")
    def _density_fits_mode(self) -> Self:
        if not self.present and self.density > 0:
            raise ValueError(
                f"density {self.density:g} cells/mL with mode {self.mode!r}, "
                "expected mode 'coculture' or 'transwell'"
            )
        return self


class ConditionedMedium(Part):
    """Medium that other cells have conditioned, cell-free.

    The run that makes it takes the model's ``resistance`` and ``promoter`` from the scenario that uses it.

    Attributes
    ----------
    scenario : Scenario
        The run whose medium is taken.
    hours : float or None
        When it is taken; None: at the end of that run.
    fraction : float
        Its share of the new medium: 0.5 is a 1:1 dilution with fresh medium.
    boiled : bool
        Whether it was boiled: proteins are lost, small molecules (drugs, PGE2) stay.
    depleted : tuple of str
        Solutes that were taken out, as with an antibody on beads: free and in complexes.
    """

    scenario: Scenario
    hours: Duration | None = None
    fraction: Fraction = 1.0
    boiled: YesNo = False
    depleted: Solutes = ()

    @property
    def harvest(self) -> float:
        """Hours of conditioning."""
        return self.scenario.duration if self.hours is None else self.hours

    @model_validator(mode="after")
    def _one_run(self) -> Self:
        if self.scenario.vary:
            varied = ", ".join(self.scenario.vary)
            raise ValueError(f"scenario: {self.scenario.name} varies {varied}, expected a single experiment")
        return self

    @model_validator(mode="after")
    def _within_run(self) -> Self:
        if self.harvest > self.scenario.duration:
            raise ValueError(
                f"hours: got {self.hours:g} h, expected at most the {self.scenario.duration:g} h of the run"
            )
        return self


class Scenario(Part):
    """One experiment.

    Attributes
    ----------
    name, title, description : str
        Name, one line, and more.
    lines : mapping
        Leukaemic lines (``K562S``, ``K562R``) and how they are seeded.
    stroma : Stroma
        Stromal cells.
    resistance, promoter : str
        Explanation of the resistance of K562R and promoter of stromal CXCL11, as in `build_model`.
    treatments : mapping
        What is in the medium from the start, by treatment; in the default unit of each.
    cxcl11_layer : str
        Which medium a dose of CXCL11 goes to: ``upper``, ``lower`` or ``both``.
    knockdown : mapping
        Silenced fraction of a gene in stably silenced cells (stock culture included).
    events : tuple of Event
        What is done later, in time order.
    conditioned_medium : ConditionedMedium or None
        Cell-free medium of another run.
    vessel : Vessel
        Well of a plate or transwell.
    duration : float
        Hours.
    times : tuple of float or None
        Sampling times, h; None: from start to end, ``every`` so many hours.
    every : float
        Sampling interval, h.
    parameters : mapping
        Model parameters that differ from the table.
    vary : mapping
        What differs between the wells of an experiment, axis to values; the wells are all combinations. An
        axis is a treatment (dose from the start), a line or ``stroma`` (density), ``at`` (time of the first
        event; later ones keep their distance) or a parameter of the model.
    """

    name: str = "unnamed"
    title: str = ""
    description: str = ""
    lines: Annotated[FrozenMap[Seeding], PlainValidator(_lines)] = Field(
        default_factory=lambda: FrozenMap[Seeding]()
    )
    stroma: Stroma = Stroma()
    resistance: Annotated[str, BeforeValidator(one_of("resistance", RESISTANCES))] = "mixed"
    promoter: Annotated[str, BeforeValidator(one_of("promoter", PROMOTERS))] = "nfkb"
    treatments: Doses = Field(default_factory=nothing)
    cxcl11_layer: Layer = "both"
    knockdown: Knockdowns = Field(default_factory=nothing)
    events: Annotated[
        tuple[Event, ...], AfterValidator(lambda events: tuple(sorted(events, key=lambda event: event.at)))
    ] = ()
    conditioned_medium: ConditionedMedium | None = None
    vessel: Vessel = Vessel()
    duration: Duration = 72.0
    times: Annotated[tuple[float, ...] | None, PlainValidator(ascending_times)] = None
    every: Duration = 1.0
    parameters: Numbers = Field(default_factory=nothing)
    vary: Axes = Field(default_factory=nothing)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        for problem in (
            self._cells_problem(),
            self._stroma_problem(),
            self._time_problem(),
            axes.problem(self),
        ):
            if problem:
                raise ValueError(problem)
        return self

    def _cells_problem(self) -> str | None:
        if not self.lines and not self.stroma.present:
            return "no cells: expected lines, or stroma with mode 'coculture' or 'transwell'"
        return None

    def _stroma_problem(self) -> str | None:
        mode, kind = self.stroma.mode, self.vessel.kind
        if mode == "transwell" and not self.vessel.has_insert:
            return f"stroma mode 'transwell' in a vessel {kind!r}, expected [vessel] kind = 'transwell'"
        if mode == "coculture" and self.vessel.has_insert:
            return f"stroma mode 'coculture' in a vessel {kind!r}, expected stroma mode 'transwell'"
        source = self.conditioned_medium
        if mode == "conditioned_medium" and (source is None or not source.scenario.stroma.present):
            return "stroma mode 'conditioned_medium', expected conditioned_medium from a scenario with stroma"
        return None

    def _time_problem(self) -> str | None:
        for number, event in enumerate(self.events):
            if event.at > self.duration:
                last = f"the duration {self.duration:g} h"
                return f"events.{number}.at: got {event.at:g} h, expected at most {last}"
        if self.times is None:
            if self.duration / self.every > SAMPLES_PER_RUN:
                return f"every: got {self.every:g} h, expected at most {SAMPLES_PER_RUN} samples"
            return None
        if not self.times:
            return "times: got an empty list, expected at least one time"
        if self.times[-1] > self.duration:
            return f"times: got {self.times[-1]:g} h, expected at most the duration {self.duration:g} h"
        return None

    @property
    def sampling_times(self) -> tuple[float, ...]:
        """Hours at which the run is sampled, ascending, the end included."""
        if self.times is not None:
            return self.times
        regular = [step * self.every for step in range(math.ceil(self.duration / self.every - 1e-9))]
        return (*regular, self.duration)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Kinds of cell in the vessel."""
        return (
            *(line for line in LEUKAEMIC if line in self.lines),
            *([STROMA] if self.stroma.present else []),
        )

    def wells(self) -> tuple[Scenario, ...]:
        """Return the single wells of an experiment: all combinations of what it varies, last axis fastest.

        Each is named after what sets it apart, ``name[imatinib=1 uM, il1ra=0 ng/mL]``. A scenario that varies
        nothing is its only well.
        """
        return axes.wells(self)

    def with_(self, **changes: Any) -> Scenario:
        """Return a changed copy; the copy is checked like any scenario.

        ``treatments``, ``parameters``, ``lines`` and ``knockdown`` are merged into what is there; every other
        field is replaced, and a mapping given for ``stroma`` or ``vessel`` changes the named parts only.
        What is set here is not varied any more.

        Examples
        --------
        >>> load_scenario("imatinib_k562r").with_(treatments={"imatinib": "3 uM"})  # doctest: +SKIP
        """
        data = {name: getattr(self, name) for name in self.model_fields_set | {"name"}}
        if self.vary:
            data["vary"] = axes.without(self.vary, axes.set_by(changes))
        for name, change in changes.items():
            current = getattr(self, name, None)
            if isinstance(change, Mapping) and isinstance(current, FrozenMap) and name != "vary":
                change = {**current, **change}
            elif isinstance(change, Mapping) and isinstance(current, BaseModel):
                change = {**dict(current), **change}
            data[name] = change
        return checked(data, self.name)

    def vehicle(self) -> Scenario:
        """Return the matching vehicle well: the same without any treatment.

        Washes, replacements of medium, passages, knock-downs and conditioned medium stay as they are. A
        scenario without treatments is its own vehicle.
        """
        events = tuple(left for event in self.events if (left := event.without_treatments()) is not None)
        vary = axes.without(self.vary, TREATMENTS)
        if not self.treatments and events == self.events and vary == self.vary:
            return self
        plain = {"treatments": nothing(), "events": events, "vary": vary}
        return self.model_copy(update={**plain, "name": axes.vehicle_name(self.name)})


ConditionedMedium.model_rebuild()
Scenario.model_rebuild()


def checked(data: Mapping[str, Any], source: str = "scenario") -> Scenario:
    """Build a scenario from plain data.

    Raises
    ------
    ScenarioError
        One line per problem: source, field, offending value, what was expected.
    """
    try:
        return Scenario.model_validate(dict(data))
    except ValidationError as error:
        raise ScenarioError("\n".join(f"{source}: {line}" for line in problems(error))) from None
