"""Virtual assays: tables as an experiment would give them, from the model with known parameters.

Every analysis can so be tried before there are data, and what it recovers compared with what was put in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.assays.library import load_scenario
from nicheloop.assays.names import unknown
from nicheloop.assays.noise import Noise
from nicheloop.assays.readouts import (
    MEDIUM,
    READOUTS,
    Floats,
    Readout,
    ReadoutError,
    find,
    readout_names,
    readouts_with,
)
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings

if TYPE_CHECKING:
    from nicheloop.assays.tables.read import AssayTable


def simulate_assay(
    scenario: Scenario | str | Sequence[Scenario | str],
    readouts: Sequence[str | Readout],
    replicates: int = 3,
    seed: int = 0,
    parameters: Mapping[str, float] | None = None,
    *,
    noise: Noise | Mapping[str, Noise | None] | None = None,
    plate_sd: float | Mapping[str, float] | None = None,
    experiment: str = "virtual",
    engine: str = "batch",
) -> AssayTable:
    """Draw a table of measured values: noise, plates and the limits of the assay included.

    Parameters
    ----------
    scenario : Scenario, str, or a sequence of them
        What is done; all wells of those that vary something. A well is measured at the ``times`` of its
        scenario, and at its end where that names none.
    readouts : sequence of str or Readout
        ``viability``, or on one line only ``viability:K562R``; a `Readout` of your own, or a shipped one that
        was changed, such as one with the detection limit of a kit. Each is measured in every well, on all
        cells, that it fits.
    replicates : int
        Wells of each design; the first is on ``plate 1``, the second on ``plate 2``... A well that is given
        twice has twice as many.
    seed : int
        Of the noise. A value depends on it, the well, the read-out, the time and the number of the replicate,
        and on nothing else: not on the order of the wells nor on what else is measured.
    parameters : mapping, optional
        Parameters that differ from the table.
    noise : Noise or mapping, optional
        In place of that of the read-outs: one for all, or by name; None for a name: exact values.
    plate_sd : float or mapping, optional
        SD of the natural logarithm of the factor of a plate, in place of that of the read-outs. Values that
        are relative to vehicle wells of the same plate have no factor.
    experiment : str
        Goes to the column ``experiment``.
    engine : str
        ``batch`` or ``scipy``.

    Returns
    -------
    AssayTable
        In the order of wells, read-outs, times and replicates. A value beyond a limit of the assay is
        censored there; a negative one, where that cannot be, is 0. A value that does not exist (a share of no
        cells) has no row.

    Raises
    ------
    ValueError
        If a name is unknown, a read-out fits no well or has no noise, or a number is out of range.
    RuntimeError
        If a well cannot be simulated; says why.

    Examples
    --------
    >>> table = simulate_assay("imatinib_k562r", ["viability", "il1b"], seed=1)  # doctest: +SKIP
    """
    _check_number("replicates", replicates, 1)
    _check_number("seed", seed, 0)
    wells = _wells(scenario)
    own = _own(readouts)
    for name, given in (("noise", noise), ("plate_sd", plate_sd)):
        _check_names(name, given, tuple(readouts_with(own)))
    if not readouts:
        raise ValueError(f"no read-out, expected at least one of: {', '.join(readout_names())}")
    assays = [_assay(key, noise, plate_sd) for key in readouts]
    values = list(_asked(wells, assays))
    means = _simulated(wells, values, parameters or {}, Settings(engine, rtol=1e-6))
    drawn = _Draws(wells, seed, replicates, experiment)
    return _table(wells, [drawn.of(value, mean) for value, mean in zip(values, means, strict=True)], own)


@dataclass(frozen=True)
class _Assay:
    """A read-out as it is measured here."""

    readout: Readout
    line: str | None
    noise: Noise | None
    plate_sd: float


@dataclass(frozen=True)
class _Value:
    """A value that is measured, in replicates."""

    well: int
    assay: _Assay
    host: str
    time: float


def _check_number(name: str, value: object, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
        raise ValueError(f"{name}: got {value!r}, expected a whole number of at least {lowest}")


def _own(readouts: Sequence[str | Readout]) -> tuple[Readout, ...]:
    """Return the read-outs that do not ship with the package."""
    given = (key for key in readouts if isinstance(key, Readout) and key.name not in readout_names())
    return tuple(dict.fromkeys(given))


def _check_names(argument: str, given: object, known: Sequence[str]) -> None:
    for name in given if isinstance(given, Mapping) else ():
        if name not in known:
            raise ValueError(f"{argument}: {unknown('read-out', name, known)}")


def _wells(scenario: Scenario | str | Sequence[Scenario | str]) -> tuple[Scenario, ...]:
    given = [scenario] if isinstance(scenario, (Scenario, str)) else list(scenario)
    if not given:
        raise ValueError("no scenario, expected at least one")
    loaded = [load_scenario(one) if isinstance(one, str) else one for one in given]
    return tuple(well for one in loaded for well in one.wells())


def _assay(
    key: str | Readout,
    noise: Noise | Mapping[str, Noise | None] | None,
    plate_sd: float | Mapping[str, float] | None,
) -> _Assay:
    readout, line = _readout(key)
    scatter, spread = readout.noise, readout.plate_sd
    if isinstance(noise, Noise):
        scatter = noise
    elif noise is not None and readout.name in noise:
        scatter = noise[readout.name]
    elif scatter is None:
        raise ValueError(f"{readout.name}: has no noise, expected noise={{{readout.name!r}: Normal(sd=...)}}")
    if isinstance(plate_sd, Mapping):
        spread = plate_sd.get(readout.name, spread)
    elif plate_sd is not None:
        spread = plate_sd
    if not (np.isfinite(spread) and spread >= 0):
        raise ValueError(f"plate_sd of {readout.name}: got {spread!r}, expected a number of at least 0")
    return _Assay(readout, line, scatter, 0.0 if readout.relative == "vehicle" else float(spread))


def _readout(key: str | Readout) -> tuple[Readout, str | None]:
    if isinstance(key, Readout):
        return key, None
    name, _, line = key.partition(":")
    known = {readout.name: readout for readout in READOUTS}
    if name not in known:
        raise ValueError(f"{unknown('read-out', name, readout_names())}, or one of your own, nl.Readout(...)")
    readout = known[name]
    if line:
        try:
            find(f"{name}:{line}", readout.hosts)
        except ReadoutError as error:
            raise ValueError(str(error)) from None
    return readout, line or None


def _asked(wells: Sequence[Scenario], assays: Sequence[_Assay]) -> Iterator[_Value]:
    """List what is measured; refuses what fits no well."""
    for assay in assays:
        if not any(_hosts(assay, well) for well in wells):
            expected = assay.line or " or ".join(assay.readout.hosts)
            raise ValueError(f"{assay.readout.name}: cannot be measured in any well, expected {expected}")
    for number, well in enumerate(wells):
        times = (well.duration,) if well.times is None else well.times
        for assay in assays:
            for host in _hosts(assay, well):
                yield from (_Value(number, assay, host, time) for time in times)


def _hosts(assay: _Assay, well: Scenario) -> tuple[str, ...]:
    if not assay.readout.hosts:
        return (MEDIUM,)
    wanted = assay.readout.hosts if assay.line is None else (assay.line,)
    return tuple(host for host in well.hosts if host in wanted)


def _simulated(
    wells: Sequence[Scenario], values: Sequence[_Value], parameters: Mapping[str, float], settings: Settings
) -> Floats:
    """Return what the assays would show without noise and without an upper end."""
    from nicheloop.assays.runs.plates import Plate, Request

    requests = [Request(value.well, value.assay.readout, value.host, value.time) for value in values]
    answers = Plate(wells, requests).run([parameters], settings)
    for well, problem in zip(wells, answers.problems[0], strict=True):
        if problem:
            raise RuntimeError(f"{well.name}: {problem}")
    means: Floats = answers.values[0]
    return means


# -- drawing ------------------------------------------------------------------------------------------------


class _Draws:
    """Draws values; each from a generator of its own."""

    def __init__(self, wells: Sequence[Scenario], seed: int, replicates: int, experiment: str) -> None:
        self._seed, self._experiment = seed, experiment
        self._plates = np.arange(1, replicates + 1)
        self._identities = [_identity(well) for well in wells]
        seen: dict[str, int] = {}
        self._again = []
        for identity in self._identities:
            self._again.append(seen.setdefault(identity, 0))
            seen[identity] += 1

    def of(self, value: _Value, mean: float) -> dict[str, Any]:
        """Return the rows of one value, by column."""
        readout, assay, again = value.assay.readout, value.assay, self._again[value.well]
        shown = np.full(self._plates.size, mean)
        if assay.plate_sd:
            shown = shown * np.exp(assay.plate_sd * self._offsets(readout.name))
        if assay.noise is not None:
            place = (self._identities[value.well], str(again), value.host, repr(float(value.time)))
            shown = assay.noise.draw(shown, self._generator("value", readout.name, *place))
        limited, censored = _limited(shown, readout)
        kept = np.isfinite(limited)
        return {
            "well": value.well,
            "readout": readout.name,
            "host": value.host,
            "time_h": float(value.time),
            "detection_limit": np.nan if readout.detection_limit is None else readout.detection_limit,
            "experiment": self._experiment,
            "value": limited[kept],
            "censored": censored[kept],
            "replicate": again * self._plates.size + self._plates[kept],
            "plate": np.array([f"plate {number}" for number in self._plates[kept]], dtype=object),
        }

    def _offsets(self, readout: str) -> Floats:
        """Return how far each plate is off, in SDs."""
        return np.array(
            [
                self._generator("plate", self._experiment, readout, str(plate)).standard_normal()
                for plate in self._plates
            ]
        )

    def _generator(self, *place: str) -> np.random.Generator:
        digest = hashlib.blake2b("\n".join(place).encode(), digest_size=16).digest()
        words = tuple(np.frombuffer(digest, dtype="<u4").tolist())
        return np.random.default_rng(np.random.SeedSequence(int(self._seed), spawn_key=words))


def _identity(well: Scenario) -> str:
    """Return a text that is the same for wells in which the same happens."""
    from nicheloop.assays.tables.wells import bare, without_treatments

    return json.dumps(without_treatments(bare(well), ()), sort_keys=True, default=_plain)


def _plain(part: Any) -> dict[str, Any]:
    return dict(part)  # a part of a scenario, or a mapping


def _limited(values: Floats, readout: Readout) -> tuple[Floats, Any]:
    """Return values as the assay tells them, and on which side they are censored."""
    from nicheloop.assays.tables.rows import AT_MOST

    shown = values if readout.signed else np.maximum(values, 0.0)
    censored = np.full(values.shape, "", dtype=object)
    low, high = readout.detection_limit, readout.saturation
    whole = np.inf if readout.relative else AT_MOST.get(readout.unit, np.inf)
    beyond = shown > whole
    if high is not None and high <= whole:
        beyond, whole = shown >= high, high
    shown = np.where(beyond, whole, shown)
    censored[beyond] = "above"
    if low is not None:
        below = shown <= low
        shown = np.where(below, low, shown)
        censored[below] = "below"
    return shown, censored


def _table(
    wells: Sequence[Scenario], parts: Sequence[Mapping[str, Any]], own: tuple[Readout, ...]
) -> AssayTable:
    from nicheloop.assays.tables.build import table_of_wells

    rows: dict[str, Any] = {}
    sizes = [len(part["value"]) for part in parts]
    for name in parts[0]:
        columns = [np.broadcast_to(part[name], size) for part, size in zip(parts, sizes, strict=True)]
        rows[name] = np.concatenate(columns)
    return table_of_wells(wells, rows, own=own)
