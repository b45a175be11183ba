"""Where chunks are computed: here, in processes of this machine, or on a Dask cluster.

What uses an engine never asks which one it is; results are the same from all of them, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nicheloop.execution.cores import granted_cores
from nicheloop.execution.piece import Failure, Piece, Task, run_chunk
from nicheloop.execution.spans import Span


class Pool(Protocol):
    """Workers that have a task and wait for chunks."""

    @property
    def workers(self) -> int:
        """How many compute at the same time."""

    @property
    def capacity(self) -> int:
        """How many chunks may be under way."""

    def submit(self, span: Span) -> None:
        """Hand out a chunk."""

    def wait(self) -> Piece:
        """Return a finished chunk, whichever is first."""

    def close(self) -> None:
        """End the workers and forget what is under way."""


class Engine(Protocol):
    """Where chunks are computed."""

    def open(self, task: Task, rows: int) -> Pool:
        """Return workers for a task of so many rows."""


@dataclass(frozen=True)
class Serial:
    """One chunk after the other in this process; the task itself may use all threads."""

    def open(self, task: Task, rows: int) -> Pool:
        """Return the process itself."""
        return _Alone(task)


@dataclass(frozen=True)
class Processes:
    """Worker processes of this machine, each with one thread for linear algebra.

    Parameters
    ----------
    n : int, optional
        Processes; default: as many as keep the granted cores busy (`granted_cores`).
    threads : int
        Threads of our own engines in each process (``NICHELOOP_THREADS``).
    retries : int
        How often a chunk is computed again after its worker died.

    Raises
    ------
    ValueError
        A number is too small.
    """

    n: int | None = None
    threads: int = 1
    retries: int = 2

    def __post_init__(self) -> None:
        for name, value, least in (
            ("n", self.n, 1),
            ("threads", self.threads, 1),
            ("retries", self.retries, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f"Processes({name}={value}): expected {least} or more")

    @property
    def count(self) -> int:
        """Processes that will be started, if there is work for as many."""
        return self.n if self.n is not None else max(1, granted_cores() // self.threads)

    def open(self, task: Task, rows: int) -> Pool:
        """Start the processes."""
        from nicheloop.execution.processes import Crew

        return Crew(task, min(self.count, max(rows, 1)), self.threads, self.retries)


@dataclass(frozen=True)
class Dask:
    """Workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str, optional
        Address, such as ``tcp://10.0.0.1:8786``; default: a cluster of processes on this machine, for as
        long as the work takes (then a script needs ``if __name__ == "__main__":``).
    workers : int, optional
        On this machine: processes, default the granted cores. With an address: wait for as many.
    patience : float
        Seconds to wait for scheduler and workers.

    Raises
    ------
    ValueError
        A number is too small.
    """

    scheduler: str | None = None
    workers: int | None = None
    patience: float = 60.0

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"Dask(workers={self.workers}): expected 1 or more")
        if not self.patience > 0:
            raise ValueError(f"Dask(patience={self.patience}): expected seconds, more than 0")

    def open(self, task: Task, rows: int) -> Pool:
        """Connect, or start the cluster; ship the task to all workers, also to those that come later.

        Raises
        ------
        ExecutionError
            Dask is not installed, nobody answers, or a worker lacks nicheloop.
        """
        from nicheloop.execution.cluster import open_cluster

        return open_cluster(task, self.scheduler, self.workers, self.patience)


class _Alone:
    workers = 1
    capacity = 1

    def __init__(self, task: Task) -> None:
        self._task = task
        self._next: list[Span] = []
        self._cold = True

    def submit(self, span: Span) -> None:
        self._next.append(span)

    def wait(self) -> Piece:
        done = run_chunk(self._task, self._next.pop(0), cold=self._cold)
        self._cold = False
        if isinstance(done, Failure):
            done.throw()
        return done

    def close(self) -> None:
        self._next.clear()
