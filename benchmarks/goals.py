"""The goals of the engines, and whether a set of measurements reaches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import OURS, Timing, ratio
from benchmarks.memory import Streamed

Items = Mapping[tuple[str, str], Mapping[str, Timing]]
"""Timings of every engine, by (case, item)."""


@dataclass(frozen=True)
class Verdict:
    """One goal: what was asked, what was measured, whether that is enough."""

    goal: str
    measured: str
    reached: bool | None
    limit: str = ""

    @property
    def word(self) -> str:
        """For a table."""
        return {True: "reached", False: "missed", None: "not measured"}[self.reached]


@dataclass(frozen=True)
class _Race:
    """At least `factor` times as fast as the fastest of `peers` (all if empty), in one item of one case."""

    case: str
    item: str
    label: str
    factor: float
    peers: tuple[str, ...] = ()


_RACES = (
    _Race("earm", "sweep 2", "sweep, EARM, 2 cores", 20, ("libRoadRunner", "bngsim")),
    _Race("earm", "sweep 2", "sweep, EARM, 2 cores", 250, ("PySB",)),
    _Race("earm", "single", "single run, EARM", 3),
    _Race("earm", "gradient", "gradient by 70 parameters, EARM", 5),
    _Race("own", "sweep 2", "sweep, our model, 2 cores", 20, ("libRoadRunner", "bngsim")),
    _Race("own", "sweep 2", "sweep, our model, 2 cores", 250, ("PySB",)),
    _Race("own", "single", "single run, our model", 3),
    _Race("own", "gradient", "gradient by 70 parameters, our model", 5),
)


def verdicts(
    items: Items, memory: Streamed | None, reproduction: float | None, limit: Callable[[str, str], str]
) -> list[Verdict]:
    """Judge every goal; `limit` says for a case and an item what bounds our speed."""
    found = [_judge(race, items.get((race.case, race.item), {}), limit) for race in _RACES]
    found.append(
        Verdict(
            "`nicheloop reproduce --draws 1000`: under 60 s on 2 cores",
            "" if reproduction is None else f"{reproduction:.0f} s",
            None if reproduction is None else reproduction < 60,
        )
    )
    streamed = "" if memory is None else f"{memory.runs:,} runs: peak {memory.peak:.0f} MiB"
    if memory is not None:
        streamed += f" ({memory.before:.0f} MiB before the first run)"
    found.append(
        Verdict(
            "memory of a streamed sweep of our model: under 1 GiB",
            streamed,
            None if memory is None else memory.peak < 1024,
        )
    )
    return found


def fastest(timings: Mapping[str, Timing], names: Sequence[str]) -> str | None:
    """The engine among `names` that took least."""
    timed = [name for name in names if name in timings and timings[name].seconds]
    return min(timed, key=lambda name: timings[name].typical, default=None)


def _judge(race: _Race, timings: Mapping[str, Timing], limit: Callable[[str, str], str]) -> Verdict:
    peers = race.peers or tuple(name for name in timings if name not in OURS)
    peer = fastest(timings, peers)
    precise = [
        name for name in OURS if peer and name in timings and timings[name].error <= timings[peer].error
    ]
    ours = fastest(timings, precise) or fastest(timings, OURS)
    asked = " and ".join(race.peers) or "the fastest peer"
    goal = f"{race.label}: {race.factor:g} times {asked}, at no larger error"
    if ours is None or peer is None:
        return Verdict(goal, "", None)
    factor = ratio(timings[ours], timings[peer])
    measured = f"{factor:.1f} times {peer}; errors {timings[ours].error:.0e} and {timings[peer].error:.0e}"
    reached = factor >= race.factor and ours in precise
    return Verdict(goal, measured, reached, "" if reached else limit(race.case, race.item))
