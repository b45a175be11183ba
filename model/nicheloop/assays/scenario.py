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

from nicheloop.assays.fields import (
    Density,
    Doses,
    Duration,
    Fraction,
    Hours,
    Knockdowns,
    Layer,
    Numbers,
    Part,
    Rate,
    ScenarioError,
    Volume,
    as_table,
    ascending_times,
    nothing,
    one_of,
    problems,
)
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.units import dose
from nicheloop.biology import PROMOTERS, RESISTANCES
from nicheloop.biology.hosts import LEUKAEMIC, STROMA

STROMA_MODES = ("none", "coculture", "transwell", "conditioned_medium")
SAMPLES_PER_RUN = 10_000
INSERT_24_WELL = (0.1, 0.6)
"""Medium in the insert and below it, mL."""


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


class Vessel(Part):
    """A well, or a transwell with an insert.

    CXCL11 is followed in two layers of the medium. In a transwell they are the insert and the well below it;
    in a well without insert the lower one is the medium next to the stroma, where it is secreted.

    Attributes
    ----------
    kind : str
        ``well`` or ``transwell``.
    upper_volume, lower_volume : float or None
        Medium of the layers, mL. None: as the parameter ``lower_volume_fraction`` says in a well, 0.1 mL in
        the insert and 0.6 mL below it in a transwell (24-well plate).
    exchange : float or None
        How fast a difference between the layers levels out, 1/h; None: as the parameter ``insert_exchange``
        says.
    """

    kind: Annotated[
        Literal["well", "transwell"], BeforeValidator(one_of("vessel", ("well", "transwell")))
    ] = "well"
    upper_volume: Volume | None = None
    lower_volume: Volume | None = None
    exchange: Rate | None = None

    @property
    def lower_volume_fraction(self) -> float | None:
        """Share of the medium that is in the lower layer; None leaves it to the parameter table."""
        if self.upper_volume is not None and self.lower_volume is not None:
            return self.lower_volume / (self.upper_volume + self.lower_volume)
        return INSERT_24_WELL[1] / sum(INSERT_24_WELL) if self.kind == "transwell" else None

    @model_validator(mode="after")
    def _volumes_come_in_pairs(self) -> Self:
        if (self.upper_volume is None) != (self.lower_volume is None):
            raise ValueError("one volume only, expected both upper_volume and lower_volume, or neither")
        return self


class WashOut(Part):
    """Cells are washed: a fraction of everything in the medium goes.

    Attributes
    ----------
    fraction : float
        Share that is removed, 0 to 1.
    keep : tuple of str
        Solutes that stay (with the complexes they are in), as when the wash medium contains them.
    """

    fraction: Fraction = 1.0
    keep: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _bare_fraction(cls, data: Any) -> Any:
        return data if isinstance(data, (Mapping, WashOut)) else {"fraction": data}

    @model_validator(mode="after")
    def _solutes_exist(self) -> Self:
        for name in self.keep:
            dose(0.0, name)
        return self


class Replacement(Part):
    """A share of the medium is replaced by fresh medium, which may hold treatments."""

    fraction: Fraction = 1.0
    treatments: Doses = Field(default_factory=nothing)


class Event(Part):
    """What is done at one time, in this order: wash or replace medium, set, add, silence.

    Attributes
    ----------
    at : float
        Hours after the start.
    wash_out, replace_medium : WashOut, Replacement or None
        Removal of medium.
    set, add : mapping
        Free concentration of a treatment made equal to a dose, or raised by it.
    knockdown : mapping
        Silenced fraction of a gene's transcription from now on.
    """

    at: Hours
    wash_out: WashOut | None = None
    replace_medium: Replacement | None = None
    set: Doses = Field(default_factory=nothing)
    add: Doses = Field(default_factory=nothing)
    knockdown: Knockdowns = Field(default_factory=nothing)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.wash_out or self.replace_medium or self.set or self.add or self.knockdown):
            raise ValueError("nothing happens, expected wash_out, replace_medium, set, add or knockdown")
        return self

    def without_treatments(self) -> Event | None:
        """Return the event as it happens to a vehicle well; None if nothing is left."""
        fresh = self.replace_medium
        if not (self.wash_out or fresh or self.knockdown):
            return None
        plain = None if fresh is None else Replacement(fraction=fresh.fraction)
        return Event(at=self.at, wash_out=self.wash_out, replace_medium=plain, knockdown=self.knockdown)


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
    """

    scenario: Scenario
    hours: Duration | None = None
    fraction: Fraction = 1.0

    @property
    def harvest(self) -> float:
        """Hours of conditioning."""
        return self.scenario.duration if self.hours is None else self.hours

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
        Well or transwell.
    duration : float
        Hours.
    times : tuple of float or None
        Sampling times, h; None: from start to end, ``every`` so many hours.
    every : float
        Sampling interval, h.
    parameters : mapping
        Model parameters that differ from the table.
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

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        for problem in (self._cells_problem(), self._stroma_problem(), self._time_problem()):
            if problem:
                raise ValueError(problem)
        return self

    def _cells_problem(self) -> str | None:
        if not self.lines and not self.stroma.present:
            return "no cells: expected lines, or stroma with mode 'coculture' or 'transwell'"
        return None

    def _stroma_problem(self) -> str | None:
        mode, kind = self.stroma.mode, self.vessel.kind
        if mode == "transwell" and kind != "transwell":
            return f"stroma mode 'transwell' in a vessel {kind!r}, expected [vessel] kind = 'transwell'"
        if mode == "coculture" and kind != "well":
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

    def with_(self, **changes: Any) -> Scenario:
        """Return a changed copy; the copy is checked like any scenario.

        ``treatments``, ``parameters``, ``lines`` and ``knockdown`` are merged into what is there; every other
        field is replaced, and a mapping given for ``stroma`` or ``vessel`` changes the named parts only.

        Examples
        --------
        >>> load_scenario("imatinib_k562r").with_(treatments={"imatinib": "3 uM"})  # doctest: +SKIP
        """
        data = {name: getattr(self, name) for name in self.model_fields_set | {"name"}}
        for name, change in changes.items():
            current = getattr(self, name, None)
            if isinstance(change, Mapping) and isinstance(current, FrozenMap):
                change = {**current, **change}
            elif isinstance(change, Mapping) and isinstance(current, BaseModel):
                change = {**dict(current), **change}
            data[name] = change
        return checked(data, self.name)

    def vehicle(self) -> Scenario:
        """Return the matching vehicle well: the same without any treatment.

        Washes, replacements of medium, knock-downs and conditioned medium stay as they are.
        """
        events = tuple(left for event in self.events if (left := event.without_treatments()) is not None)
        return self.model_copy(update={"treatments": nothing(), "events": events})


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
