"""What is done to a culture on the way: washing, fresh medium, splitting, doses, silencing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from nicheloop.assays.fields import (
    Doses,
    Fraction,
    Hours,
    Knockdowns,
    Part,
    Solutes,
    YesNo,
    nothing,
)
from nicheloop.assays.mapping import FrozenMap


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
    keep: Solutes = ()

    @model_validator(mode="before")
    @classmethod
    def _bare_fraction(cls, data: Any) -> Any:
        return data if isinstance(data, (Mapping, WashOut)) else {"fraction": data}


class FreshMedium(Part):
    """Fresh medium that is added.

    Attributes
    ----------
    treatments : mapping
        What it holds.
    redose : bool
        Whether it also holds the treatments of the start, at the doses of the well.
    """

    treatments: Doses = Field(default_factory=nothing)
    redose: YesNo = False

    def doses(self, start: Mapping[str, float]) -> dict[str, float]:
        """Return what it holds in a well with these treatments from the start."""
        return {**(start if self.redose else {}), **self.treatments}


class Replacement(FreshMedium):
    """A share of the medium is replaced by fresh medium, which may hold treatments."""

    fraction: Fraction = 1.0


def _some_left(fraction: float) -> float:
    if fraction == 1:
        raise ValueError("got 1, expected a fraction below 1: no cell would be left")
    return fraction


class Passage(FreshMedium):
    """The culture is split: a share of it, cells and medium alike, goes, and fresh medium takes its place.

    All cells of the vessel are split: stroma and what adheres to it are detached and mixed in, too.

    Attributes
    ----------
    fraction : float
        Share that is discarded, below 1; a split of 1:4 discards 0.75.
    """

    fraction: Annotated[Fraction, AfterValidator(_some_left)]


class Event(Part):
    """What is done at one time, in this order: wash, replace medium, split, set, add, silence.

    Attributes
    ----------
    at : float
        Hours after the start.
    wash_out, replace_medium : WashOut, Replacement or None
        Removal of medium.
    passage : Passage or None
        Removal of cells and medium.
    set, add : mapping
        Free concentration of a treatment made equal to a dose, or raised by it.
    knockdown : mapping
        Silenced fraction of a gene's transcription from now on.
    """

    at: Hours
    wash_out: WashOut | None = None
    replace_medium: Replacement | None = None
    passage: Passage | None = None
    set: Doses = Field(default_factory=nothing)
    add: Doses = Field(default_factory=nothing)
    knockdown: Knockdowns = Field(default_factory=nothing)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self._touches_medium() or self.set or self.add or self.knockdown):
            raise ValueError(
                "nothing happens, expected wash_out, replace_medium, passage, set, add or knockdown"
            )
        return self

    def _touches_medium(self) -> bool:
        return any(part is not None for part in (self.wash_out, self.replace_medium, self.passage))

    def doses(self) -> Iterator[FrozenMap[float]]:
        """All tables of treatments of this event."""
        yield from (self.set, self.add)
        for part in (self.replace_medium, self.passage):
            if part is not None:
                yield part.treatments

    def without_treatments(self) -> Event | None:
        """Return the event as it happens to a vehicle well; None if nothing is left."""
        if not (self._touches_medium() or self.knockdown):
            return None
        plain = {
            name: part.model_copy(update={"treatments": nothing()})
            for name in ("replace_medium", "passage")
            if (part := getattr(self, name)) is not None
        }
        return self.model_copy(update={**plain, "set": nothing(), "add": nothing()})
