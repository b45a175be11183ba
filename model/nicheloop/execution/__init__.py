"""Many numbered tasks: on this machine, in shards or on a cluster, into a store that survives being killed.

The work is a range of rows; whatever they are, a task computes them by number.
Names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.execution.chunks import map_chunks, map_tasks, stream_chunks
    from nicheloop.execution.cores import core_limits, granted_cores
    from nicheloop.execution.engines import Dask, Engine, Processes, Serial
    from nicheloop.execution.errors import ExecutionError, Interrupted, StoreError, TaskError, WorkerLost
    from nicheloop.execution.manifest import Job
    from nicheloop.execution.merging import merge
    from nicheloop.execution.piece import Piece, Task
    from nicheloop.execution.spans import Span, parse_shard
    from nicheloop.execution.store import Store, open_store
    from nicheloop.execution.writer import StoreWriter

__all__ = [
    "Dask",
    "Engine",
    "ExecutionError",
    "Interrupted",
    "Job",
    "Piece",
    "Processes",
    "Serial",
    "Span",
    "Store",
    "StoreError",
    "StoreWriter",
    "Task",
    "TaskError",
    "WorkerLost",
    "core_limits",
    "granted_cores",
    "map_chunks",
    "map_tasks",
    "merge",
    "open_store",
    "parse_shard",
    "stream_chunks",
]

_HOME = {
    "chunks": ("map_chunks", "map_tasks", "stream_chunks"),
    "cores": ("core_limits", "granted_cores"),
    "engines": ("Dask", "Engine", "Processes", "Serial"),
    "errors": ("ExecutionError", "Interrupted", "StoreError", "TaskError", "WorkerLost"),
    "manifest": ("Job",),
    "merging": ("merge",),
    "piece": ("Piece", "Task"),
    "spans": ("Span", "parse_shard"),
    "store": ("Store", "open_store"),
    "writer": ("StoreWriter",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
