"""The noise and limits that ship with the read-outs: ``assay_noise.csv`` beside this file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypedDict

from nicheloop.assays.noise import LogNormal, Noise, Normal, StudentT
from nicheloop.assays.noise_counts import Binomial

if TYPE_CHECKING:
    import pandas as pd

_KINDS = ("normal", "lognormal", "student", "binomial")


@dataclass(frozen=True)
class AssayNumber:
    """One row of ``assay_noise.csv``: a number of an assay, with unit, evidence, source and note."""

    readout: str
    quantity: str
    value: float
    unit: str
    evidence: str
    source: str
    note: str


@cache
def assay_numbers() -> tuple[AssayNumber, ...]:
    """Return every number about noise and limits of the shipped read-outs, in the order of the file."""
    text = files("nicheloop.assays").joinpath("assay_noise.csv").read_text(encoding="utf-8")
    return tuple(
        AssayNumber(**{**row, "value": float(row["value"])})  # type: ignore[arg-type]
        for row in csv.DictReader(text.splitlines())
    )


def assay_noise() -> pd.DataFrame:
    """Return the shipped noise and limits of every read-out as a table.

    Returns
    -------
    pandas.DataFrame
        readout, quantity, value, unit, evidence (as in `parameters`), source, note. A quantity is a number of
        the noise (``normal_sd``, ``lognormal_sd``, ``binomial_counted``...), a limit of the assay, or
        ``plate_sd``: the SD of the natural logarithm of the factor between plates.
    """
    import pandas as pd

    return pd.DataFrame([vars(number) for number in assay_numbers()])


def shipped_noise(readout: str, whole: float = 1.0) -> Noise | None:
    """Return the shipped noise of a read-out; None if the table has none.

    ``whole`` is the value of a counted share when all cells show it.
    """
    kinds: dict[str, dict[str, float]] = {}
    for number in assay_numbers():
        kind, _, part = number.quantity.partition("_")
        if number.readout == readout and kind in _KINDS:
            kinds.setdefault(kind, {})[part] = number.value
    if len(kinds) > 1:
        raise ValueError(f"assay_noise.csv: {readout}: got noise {' and '.join(kinds)}, expected one kind")
    for kind, parts in kinds.items():
        return _of_kind(kind, parts, whole)
    return None


def _of_kind(kind: str, parts: Mapping[str, float], whole: float) -> Noise:
    if kind == "normal":
        return Normal(**parts)
    if kind == "lognormal":
        return LogNormal(**parts)
    if kind == "student":
        return StudentT(**parts)
    return Binomial(whole=whole, **parts)


class Limits(TypedDict, total=False):
    """What else ships of an assay, see `Readout`."""

    background: float
    saturation: float
    detection_limit: float
    plate_sd: float


def shipped_limits(readout: str) -> Limits:
    """Return what ships of background, saturation, detection_limit and plate_sd of a read-out."""
    limits: Limits = {}
    for number in assay_numbers():
        if number.readout == readout and number.quantity in Limits.__annotations__:
            limits[number.quantity] = number.value  # type: ignore[literal-required]
    return limits
