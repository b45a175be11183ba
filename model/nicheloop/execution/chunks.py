"""The one verb: compute the rows of a task, chunk by chunk, wherever, and keep what is computed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nicheloop.execution.engines import Engine, Serial
from nicheloop.execution.errors import ExecutionError, Interrupted, StoreError
from nicheloop.execution.manifest import Job, Manifest
from nicheloop.execution.piece import Arrays, Layout, Piece, Task
from nicheloop.execution.progress import Progress
from nicheloop.execution.sizing import Sizer
from nicheloop.execution.spans import Span, Todo, shard_span
from nicheloop.execution.store import open_store
from nicheloop.execution.writer import StoreWriter, require_same

SECONDS = 3.0
"""What a chunk should last: long beside the cost of sending it, short beside what a kill may lose."""
WINDOW = 4
"""Chunks per worker that may wait for an earlier one when results leave in order."""
BLOCK = 1 << 23
"""Bytes of stored rows that are read at a time, roughly."""


def map_chunks(
    task: Task,
    size: int,
    *,
    engine: Engine | None = None,
    store: str | Path | None = None,
    job: Job | None = None,
    shard: tuple[int, int] | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
    seconds_per_chunk: float = SECONDS,
) -> Arrays:
    """Compute rows 0 to ``size - 1`` of a task and return them in order.

    Results depend neither on the engine nor on how the rows are cut into chunks, as long as those of the
    task do not: then they are the same to the last bit.

    Parameters
    ----------
    task : callable
        ``task(start, stop)`` returns a dict of arrays with ``stop - start`` rows each, of the same types and
        shapes for all rows. It is pickled once per worker. A boolean result ``failed`` marks failed rows.
    size : int
        Number of rows.
    engine : Engine, optional
        `Serial` (default), `Processes` or `Dask`.
    store : str or Path, optional
        Folder in which rows are recorded as they come. The same call goes on where an earlier one stopped;
        when all rows are there, nothing is computed or written.
    job : Job, optional
        What decides the results; needed with a store.
    shard : (int, int), optional
        Compute the rows of one of n parts only, such as ``(3, 8)``; see `merge`.
    progress : callable, optional
        Told ``(done, total, failed)`` rows.
    chunk : int, optional
        Rows per chunk; default: as many as take `seconds_per_chunk`, as measured.
    seconds_per_chunk : float
        What a chunk should last.

    Returns
    -------
    dict of str to ndarray
        Results of all rows (of the shard). With a store: memory maps of its files, read as they are used.

    Raises
    ------
    ValueError
        Arguments that make no sense, or a store of another job.
    TaskError
        The task raised an exception, which is its cause; the message names the rows.
    WorkerLost, StoreError, ExecutionError
        The work could not go on; what is in the store is safe.
    Interrupted
        Ctrl-C, after the store was closed.
    """
    work = _Work.of(task, size, engine, shard, progress, chunk, seconds_per_chunk)
    if store is None:
        return _collect(work)
    named = _required(job)
    if not _is_finished(Path(store), work, named):
        for _ in _recorded(work, Path(store), named):
            pass
    return open_store(store, check=False).arrays()


def stream_chunks(
    task: Task,
    size: int,
    *,
    engine: Engine | None = None,
    store: str | Path | None = None,
    job: Job | None = None,
    shard: tuple[int, int] | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
    seconds_per_chunk: float = SECONDS,
) -> Iterator[Piece]:
    """Do as `map_chunks`, but yield pieces in the order of their rows as soon as they are there.

    Memory does not grow with the number of rows. With a store, rows that were recorded earlier come first.
    Close the iterator (or run it to its end) to end the workers.
    """
    work = _Work.of(task, size, engine, shard, progress, chunk, seconds_per_chunk)
    if store is None:
        return _in_order(work)
    named = _required(job)
    if _is_finished(Path(store), work, named):
        return _from_store(Path(store))
    return _recorded_in_order(work, Path(store), named)


def map_tasks(
    task: Callable[[Any], Mapping[str, Any]],
    items: Sequence[Any],
    *,
    engine: Engine | None = None,
    store: str | Path | None = None,
    job: Job | None = None,
    shard: tuple[int, int] | None = None,
    progress: Progress | None = None,
    chunk: int | None = 1,
    seconds_per_chunk: float = SECONDS,
) -> Arrays:
    """Call ``task(item)`` for each item: as `map_chunks`, for tasks that cost much and differently.

    Parameters
    ----------
    task : callable
        Returns a dict of numbers or arrays, of the same types and shapes for all items.
    items : sequence
        All of them are sent to each worker, once.
    chunk : int or None
        Items per chunk; None measures.

    Returns
    -------
    dict of str to ndarray
        First axis: items.
    """
    return map_chunks(
        EachItem(task, items),
        len(items),
        engine=engine,
        store=store,
        job=job,
        shard=shard,
        progress=progress,
        chunk=chunk,
        seconds_per_chunk=seconds_per_chunk,
    )


@dataclass(frozen=True)
class EachItem:
    """Makes a task of rows from one of items."""

    task: Callable[[Any], Mapping[str, Any]]
    items: Sequence[Any]

    def __call__(self, start: int, stop: int) -> Arrays:
        """Return the results of some items, stacked."""
        results = [self.task(item) for item in self.items[start:stop]]
        for number, result in enumerate(results, start):
            if result.keys() != results[0].keys():
                raise ValueError(
                    f"item {number} gave {sorted(result)}, item {start} gave {sorted(results[0])}"
                )
        return {name: np.stack([np.asarray(result[name]) for result in results]) for name in results[0]}


@dataclass(frozen=True)
class _Work:
    """What is to be done, but for the store."""

    task: Task
    size: int
    shard: tuple[int, int] | None
    rows: Span
    engine: Engine
    progress: Progress
    sizer: Sizer

    @classmethod
    def of(
        cls,
        task: Task,
        size: int,
        engine: Engine | None,
        shard: tuple[int, int] | None,
        progress: Progress | None,
        chunk: int | None,
        seconds: float,
    ) -> _Work:
        """Check the arguments and fill in what was left out."""
        sizer = Sizer(seconds, chunk)
        rows = shard_span(size, shard)
        return cls(task, size, shard, rows, engine or Serial(), progress or _say_nothing, sizer)


def _say_nothing(done: int, total: int, failed: int) -> None:
    """Show no progress."""


def _required(job: Job | None) -> Job:
    if job is None:
        raise ValueError("store= needs job=Job(name, settings, seed): what decides the results")
    return job


def _is_finished(path: Path, work: _Work, job: Job) -> bool:
    """Whether a store has all rows of this job, each as it was recorded."""
    there = Manifest.read(path)
    if there is None:
        return False
    require_same(path, there, Manifest.of(job, work.size, work.rows, work.shard))
    return open_store(path, check=False).complete and open_store(path).complete


def _pieces(
    work: _Work, left: list[Span], waiting: Callable[[], int] = lambda: 0
) -> Generator[Piece, None, None]:
    """Yield finished chunks as they come; hand out more while there are workers and results may wait."""
    todo = Todo(left)
    if not todo.rows:
        return
    with closing(work.engine.open(work.task, todo.rows)) as pool:
        flying = 0

        def hand_out() -> int:
            handed = 0
            while todo.rows and flying + handed < pool.capacity:
                if flying + handed and waiting() + flying + handed >= WINDOW * pool.capacity:
                    break
                pool.submit(todo.take(work.sizer.rows(todo.rows, pool.workers)))
                handed += 1
            return handed

        flying += hand_out()
        while flying:
            piece = pool.wait()
            flying -= 1
            work.sizer.learn(piece)
            flying += hand_out()
            yield piece


def _collect(work: _Work) -> Arrays:
    """Keep all rows in memory."""
    results: Arrays = {}
    done = failed = 0
    layout = Layout()
    total = f"{work.rows.rows:,} rows"
    with _ending(lambda: f"{done:,} of {total} were computed and are lost: give a store to keep them"):
        work.progress(0, work.rows.rows, 0)
        with closing(_pieces(work, [work.rows])) as pieces:
            for piece in pieces:
                if not layout.fields:
                    layout = Layout.of(piece.arrays)
                    results = layout.empty(work.rows.rows)
                layout.require(piece)
                place = slice(piece.span.start - work.rows.start, piece.span.stop - work.rows.start)
                for name, array in piece.arrays.items():
                    results[name][place] = array
                done, failed = done + piece.span.rows, failed + piece.failed
                work.progress(done, work.rows.rows, failed)
    return results


def _in_order(work: _Work) -> Generator[Piece, None, None]:
    """Hold back what came too early."""
    held: dict[int, Piece] = {}
    due, failed = work.rows.start, 0
    layout = Layout()
    with _ending(lambda: f"{due - work.rows.start:,} of {work.rows.rows:,} rows were computed"):
        work.progress(0, work.rows.rows, 0)
        with closing(_pieces(work, [work.rows], lambda: len(held))) as pieces:
            for piece in pieces:
                layout = layout if layout.fields else Layout.of(piece.arrays)
                layout.require(piece)
                held[piece.span.start] = piece
                while due in held:
                    ready = held.pop(due)
                    due, failed = ready.span.stop, failed + ready.failed
                    work.progress(due - work.rows.start, work.rows.rows, failed)
                    yield ready


def _recorded(work: _Work, path: Path, job: Job) -> Generator[StoreWriter, None, None]:
    """Record chunks as they come; yield the writer before the first and after each."""
    count = 0

    def kept() -> str:
        return f"{count:,} of {work.rows.rows:,} rows are in {path}: run the same again to go on"

    with _ending(kept), StoreWriter(path, job, work.size, work.shard) as writer:
        count = writer.count
        work.progress(writer.count, work.rows.rows, writer.failed)
        yield writer
        with closing(_pieces(work, writer.left)) as pieces:
            for piece in pieces:
                writer.record(piece)
                count = writer.count
                work.progress(count, work.rows.rows, writer.failed)
                yield writer


def _recorded_in_order(work: _Work, path: Path, job: Job) -> Generator[Piece, None, None]:
    """Read back what was recorded as soon as nothing before it is missing."""
    due = work.rows.start
    with closing(_recorded(work, path, job)) as steps:
        for writer in steps:
            ready = writer.left[0].start if writer.left else work.rows.stop
            step = max(1, BLOCK // max(writer.layout.row_bytes, 1))
            while due < ready:
                part = Span(due, min(due + step, ready))
                due = part.stop
                yield Piece(part, writer.read(part))


def _from_store(path: Path) -> Generator[Piece, None, None]:
    """Read a complete store."""
    store = open_store(path, check=False)
    for span, arrays in store.blocks(max(1, BLOCK // max(store.layout.row_bytes, 1))):
        yield Piece(span, arrays)


@contextmanager
def _ending(kept: Callable[[], str]) -> Iterator[None]:
    """Have the last message say what was kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {kept()}") from None
    except StoreError:
        raise
    except ExecutionError as error:
        error.args = (f"{error}; {kept()}",)
        raise
