"""How much of the machine other programs, and other machines, took while something was measured."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Clock:
    """Processor time of the whole machine and of this program (with its children), and the time of day.

    ``stolen`` is what a virtual machine asked for and did not get, since its host served others.
    """

    machine: float
    stolen: float
    own: float
    wall: float

    @classmethod
    def now(cls) -> Clock | None:
        """None where the system does not tell."""
        if not _STAT.exists():
            return None
        user, nice, system, _, _, irq, softirq, stolen, *_ = map(
            int, _STAT.read_text().splitlines()[0].split()[1:]
        )
        own = os.times()
        return cls(
            (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"),
            stolen / os.sysconf("SC_CLK_TCK"),
            own.user + own.system + own.children_user + own.children_system,
            time.perf_counter(),
        )


def share_of_others(before: Clock | None) -> float:
    """Share of the machine's processors that others took since `before`; NaN if unknown."""
    after = Clock.now()
    if before is None or after is None:
        return float("nan")
    others = (after.machine - before.machine) - (after.own - before.own)
    return max(0.0, others) / ((after.wall - before.wall) * (os.cpu_count() or 1))


def share_stolen(before: Clock | None) -> float:
    """Share of the processor time that was asked for since `before` and not given; NaN if unknown."""
    after = Clock.now()
    if before is None or after is None:
        return float("nan")
    stolen = after.stolen - before.stolen
    asked = after.machine - before.machine + stolen
    return stolen / asked if asked else 0.0
