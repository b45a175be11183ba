"""Vessels: wells of the usual plates, and the insert of a transwell.

The model counts everything per volume of medium, so the size of a well changes no concentration. It matters
where something is counted per well, and as the share of either layer in a transwell.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from nicheloop.assays.fields import Part, Rate, Volume, one_of

TRANSWELL = "transwell"
KINDS = ("well", "well_96", "well_24", "well_6", TRANSWELL)


@dataclass(frozen=True)
class VesselRow:
    """Medium that a kind of vessel usually holds, mL, and where the number is from."""

    kind: str
    volume: float
    upper_volume: float | None
    evidence: str
    source: str
    note: str


@lru_cache(maxsize=1)
def vessel_rows() -> dict[str, VesselRow]:
    """Return the table of vessels, ``vessels.csv`` beside this file."""
    text = (resources.files("nicheloop.assays") / "vessels.csv").read_text(encoding="utf-8")
    return {
        row["kind"]: VesselRow(
            row["kind"],
            float(row["volume"]),
            float(row["upper_volume"]) if row["upper_volume"] else None,
            row["evidence"],
            row["source"],
            row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    }


class Vessel(Part):
    """A well, or a transwell with an insert.

    CXCL11 is followed in two layers of the medium. In a transwell they are the insert and the well below it;
    in a well without insert the lower one is the medium next to the stroma, where it is secreted.

    Attributes
    ----------
    kind : str
        ``well`` (of no particular size), ``well_96``, ``well_24``, ``well_6`` or ``transwell`` (an insert in
        a 24-well plate).
    volume : float or None
        Medium in a well, mL; None: what the kind usually holds (see ``vessels.csv``).
    upper_volume, lower_volume : float or None
        Medium of the layers, mL. None: as the parameter ``lower_volume_fraction`` says in a well, 0.1 mL in
        the insert and 0.6 mL below it in a transwell.
    exchange : float or None
        How fast a difference between the layers levels out, 1/h; None: as the parameter ``insert_exchange``
        says.
    """

    kind: Annotated[str, BeforeValidator(one_of("vessel", KINDS))] = "well"
    volume: Volume | None = None
    upper_volume: Volume | None = None
    lower_volume: Volume | None = None
    exchange: Rate | None = None

    @property
    def has_insert(self) -> bool:
        """Whether it is a transwell."""
        return self.kind == TRANSWELL

    @property
    def total_volume(self) -> float | None:
        """All medium of the vessel, mL; None if its size is not known."""
        if self.upper_volume is not None and self.lower_volume is not None:
            return self.upper_volume + self.lower_volume
        if self.volume is not None:
            return self.volume
        usual = vessel_rows().get(self.kind)
        return None if usual is None else usual.volume

    @property
    def lower_volume_fraction(self) -> float | None:
        """Share of the medium that is in the lower layer; None leaves it to the parameter table."""
        if self.upper_volume is not None and self.lower_volume is not None:
            return self.lower_volume / (self.upper_volume + self.lower_volume)
        usual = vessel_rows().get(self.kind)
        if usual is None or usual.upper_volume is None:
            return None
        return (usual.volume - usual.upper_volume) / usual.volume

    @model_validator(mode="after")
    def _volumes_fit(self) -> Self:
        if (self.upper_volume is None) != (self.lower_volume is None):
            raise ValueError("one volume only, expected both upper_volume and lower_volume, or neither")
        if self.volume is None:
            return self
        if self.has_insert:
            raise ValueError(
                f"volume {self.volume:g} mL in a transwell, expected upper_volume and lower_volume"
            )
        if self.upper_volume is not None:
            raise ValueError(
                f"volume {self.volume:g} mL beside upper_volume and lower_volume, expected either or these"
            )
        return self
