"""Chunks on a Dask cluster: the task goes to each worker once, as a plugin that later workers get as well."""

from __future__ import annotations

import contextlib
import logging
import queue
import time
import uuid
from typing import TYPE_CHECKING, Any

from nicheloop.execution.cores import granted_cores
from nicheloop.execution.errors import ExecutionError, WorkerLost
from nicheloop.execution.payload import pickled
from nicheloop.execution.piece import Failure, Piece, Task
from nicheloop.execution.spans import Span

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

INSTALL = "pip install 'nicheloop[cluster]'"
_AHEAD = 2
"""Chunks per worker that are under way, so that none waits for the next one to travel."""
_LOOK = 2.0
"""Seconds between looks at the workers."""


def open_cluster(task: Task, scheduler: str | None, workers: int | None, patience: float) -> Gang:
    """Connect to a scheduler, or start one here, and ship the task (see `engines.Dask`)."""
    payload = pickled(task)
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ExecutionError(f"Dask is not installed ({error}): {INSTALL}") from error
    cluster = _start_here(workers or granted_cores()) if scheduler is None else None
    client = None
    try:
        client = _connect(cluster if cluster is not None else scheduler, patience)
        _await_workers(client, workers or 1, patience)
        return Gang(client, cluster, payload)
    except BaseException:
        _close(client, cluster)
        raise


def _start_here(workers: int) -> LocalCluster:
    from distributed import LocalCluster

    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.ERROR,
        )
    except RuntimeError as error:
        raise ExecutionError(
            f"Dask could not start {workers} workers here: {error} (in a script, they run it again: put the "
            'call under if __name__ == "__main__":, or use Processes)'
        ) from error


def _connect(where: Any, patience: float) -> Client:
    from distributed import Client

    try:
        return Client(where, timeout=patience, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ExecutionError(f"no Dask scheduler answers at {where}: {error}") from error


def _await_workers(client: Client, count: int, patience: float) -> None:
    try:
        client.wait_for_workers(count, timeout=patience)
    except TimeoutError:
        there = len(client.nthreads())
        raise ExecutionError(
            f"the Dask scheduler at {client.scheduler.address} has {there} of the {count} workers "
            f"that were asked for after {patience:g} s"
        ) from None


def _close(client: Client | None, cluster: LocalCluster | None) -> None:
    """Close whatever is open; what is lost already cannot be closed, and is no news."""
    for thing in (client, cluster):
        if thing is not None:
            with contextlib.suppress(Exception):
                thing.close(timeout=5)


class Gang:
    """Workers of a Dask cluster with a task."""

    def __init__(self, client: Client, cluster: LocalCluster | None, payload: bytes) -> None:
        from nicheloop.execution.cluster_worker import TaskPlugin

        self._client = client
        self._cluster = cluster
        self._name = f"nicheloop-{uuid.uuid4().hex}"
        self._address = client.scheduler.address
        self._finished: queue.Queue[Future] = queue.Queue()
        self._flying: dict[Future, Span] = {}
        self._looked = 0.0
        self._workers = 1
        try:
            client.register_plugin(TaskPlugin(payload), name=self._name)
        except Exception as error:
            raise ExecutionError(
                f"a Dask worker at {self._address} cannot load the task: {type(error).__name__}: {error}; "
                "the same nicheloop must be installed there"
            ) from error

    @property
    def workers(self) -> int:
        """Workers there are, counted every few seconds."""
        if time.monotonic() - self._looked > _LOOK:
            with contextlib.suppress(Exception):
                self._workers = max(1, len(self._client.nthreads()))
            self._looked = time.monotonic()
        return self._workers

    @property
    def capacity(self) -> int:
        """Chunks that may be under way."""
        return _AHEAD * self.workers

    def submit(self, span: Span) -> None:
        """Hand out a chunk."""
        from nicheloop.execution.cluster_worker import run_on_worker

        key = f"{self._name}-{span.start}-{span.stop}"
        try:
            future = self._client.submit(run_on_worker, self._name, tuple(span), key=key, pure=False)
        except Exception as error:
            raise self._lost() from error
        self._flying[future] = span
        future.add_done_callback(self._finished.put)

    def wait(self) -> Piece:
        """Return a finished chunk.

        Raises
        ------
        TaskError
            The task raised an exception.
        WorkerLost
            The workers that were given a chunk died, one after the other.
        ExecutionError
            The scheduler is gone.
        """
        future = self._next()
        span = self._flying.pop(future)
        try:
            answer: Piece | Failure = future.result(timeout=60)
        except Exception as error:
            if type(error).__name__ == "KilledWorker":
                raise WorkerLost(
                    f"{span}: the Dask workers died, one after the other: {error}", span
                ) from error
            if future.status == "error":
                raise ExecutionError(
                    f"{span}: Dask could not run it: {type(error).__name__}: {error}"
                ) from error
            raise self._lost() from error
        if isinstance(answer, Failure):
            answer.throw()
        return answer

    def _next(self) -> Future:
        """Wait for a future, and for the scheduler's death."""
        while True:
            try:
                return self._finished.get(timeout=_LOOK)
            except queue.Empty:
                if self._client.status != "running":
                    raise self._lost() from None

    def _lost(self) -> ExecutionError:
        return ExecutionError(f"the Dask scheduler at {self._address} is gone")

    def close(self) -> None:
        """Forget what is under way, take the task from the workers, leave or end the cluster."""
        with contextlib.suppress(Exception):
            if self._client.status == "running" and self._cluster is None:
                self._client.cancel(list(self._flying), force=True)
                self._client.unregister_worker_plugin(self._name)
        self._flying.clear()
        _close(self._client, self._cluster)
