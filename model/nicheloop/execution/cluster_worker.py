"""What a Dask worker does with a chunk. Imports Dask: load it only where Dask is."""

from __future__ import annotations

import os
import threading
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from nicheloop import __version__
from nicheloop.execution.payload import Loaded
from nicheloop.execution.piece import Failure, Piece
from nicheloop.execution.spans import Span

_THREADS = "NICHELOOP_THREADS"


class TaskPlugin(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Holds the task in a worker process; one chunk at a time, with the threads of the worker."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._version = __version__

    def setup(self, worker: Worker) -> None:
        """Make ready for chunks.

        Raises
        ------
        RuntimeError
            Another version is installed here than where the task comes from.
        """
        if self._version != __version__:
            raise RuntimeError(f"nicheloop {__version__} at {worker.address}, {self._version} at the client")
        self._turn = threading.Lock()
        self._task = Loaded(self._payload)
        self._set = _THREADS not in os.environ
        os.environ.setdefault(_THREADS, str(worker.state.nthreads))

    def teardown(self, worker: Worker) -> None:
        """Leave no trace."""
        if self._set:
            os.environ.pop(_THREADS, None)

    def run(self, span: Span) -> Piece | Failure:
        """Compute rows."""
        with self._turn:
            return self._task.run(span)


def run_on_worker(name: str, span: tuple[int, int]) -> Any:
    """Compute rows with the task of a plugin."""
    plugin: TaskPlugin = get_worker().plugins[name]
    return plugin.run(Span(*span))
