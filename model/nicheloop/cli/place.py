"""Where a long command computes, and where it keeps what is finished."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicheloop.execution import Engine

STORE = "store"
"""Folder of the results as they come, within that of the output."""
LOCAL = "local"


@dataclass(frozen=True)
class Place:
    """Where a command computes and writes.

    Attributes
    ----------
    workers : int or None
        Worker processes; None: this process.
    scheduler : str or None
        Address of a Dask scheduler, or ``local``.
    shard : str or None
        ``i/n``: only that part.
    out : Path or None
        Folder; None: one named after what is done.
    max_failed : float
        Share of failed runs up to which the exit code is 0.
    """

    workers: int | None
    scheduler: str | None
    shard: str | None
    out: Path | None
    max_failed: float

    def engine(self) -> tuple[Engine, str]:
        """Return where runs are computed, and how to say so."""
        from nicheloop.execution import Dask, Processes, Serial, granted_cores

        cores = f"{granted_cores()} granted cores"
        if self.scheduler is not None:
            address = None if self.scheduler == LOCAL else self.scheduler
            return Dask(address, self.workers), f"Dask, {address or f'a cluster here, {cores}'}"
        if self.workers is None:
            return Serial(), f"this process, {cores}"
        return Processes(self.workers), f"{self.workers} worker processes, {cores}"

    def part(self) -> tuple[int, int] | None:
        """Return the shard as numbers.

        Raises
        ------
        ValueError
            If it is not ``i/n``.
        """
        from nicheloop.execution import parse_shard

        return None if self.shard is None else parse_shard(self.shard)

    def store(self, out: Path) -> Path:
        """Return the store within the folder of the output: that of the shard, if there is one."""
        part = self.part()
        return out / (STORE if part is None else f"shard-{part[0]}-of-{part[1]}")
