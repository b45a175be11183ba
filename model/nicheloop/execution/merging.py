"""Shards of a job into one store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from nicheloop.execution.manifest import Job, Manifest
from nicheloop.execution.piece import Piece
from nicheloop.execution.progress import Progress
from nicheloop.execution.spans import Span, joined, listed, missing
from nicheloop.execution.store import Store, open_store
from nicheloop.execution.writer import StoreWriter

BLOCK = 1 << 23
"""Bytes that are copied at a time, roughly."""


def merge(
    stores: Sequence[str | Path], out: str | Path, *, command: str = "", progress: Progress | None = None
) -> Store:
    """Copy the rows of several stores of one job into a new one.

    A merge that was interrupted goes on when it is called again.

    Parameters
    ----------
    stores : sequence of str or Path
        Complete stores of the shards.
    out : str or Path
        Folder of the whole.
    command : str, optional
        Command line or call, for the manifest.
    progress : callable, optional
        Told ``(done, total, failed)`` rows.

    Returns
    -------
    Store
        The whole; as if it had been computed at once.

    Raises
    ------
    ValueError
        Stores of different jobs, rows in two stores, rows in none or not yet computed: says which.
    StoreError
        A store cannot be read or written.
    """
    if not stores:
        raise ValueError("merge: expected the folders of one or more stores")
    shards = sorted((open_store(path) for path in stores), key=lambda store: store.rows)
    _require_parts_of_one(shards)
    first = shards[0].manifest
    job = Job(first.job["name"], first.job["settings"], first.job["seed"], command)
    with StoreWriter(out, job, first.size) as writer:
        for shard in shards:
            _copy(shard, writer, progress)
    return open_store(out, check=False)


def _copy(shard: Store, writer: StoreWriter, progress: Progress | None) -> None:
    """Copy what the writer lacks, block by block."""
    step = max(1, BLOCK // max(shard.layout.row_bytes, 1))
    for gap in writer.left:
        inside = Span(max(gap.start, shard.rows.start), min(gap.stop, shard.rows.stop))
        for start in range(inside.start, inside.stop, step):
            part = Span(start, min(start + step, inside.stop))
            writer.record(Piece(part, {name: shard.read(name, *part) for name in shard.names}))
            if progress is not None:
                progress(writer.count, writer.rows.rows, writer.failed)


def _require_parts_of_one(shards: Sequence[Store]) -> None:
    """Refuse what is not exactly the rows of one job."""
    first = shards[0]
    problems = []
    for other in shards[1:]:
        differences = [d for d in first.manifest.differences(other.manifest) if not d.startswith("rows: ")]
        if differences:
            problems.append(f"{other.path} is of another job than {first.path} ({'; '.join(differences)})")
    for one, two in pairwise(shards):
        if two.rows.start < one.rows.stop and two.rows.rows and one.rows.rows:
            both = Span(two.rows.start, min(one.rows.stop, two.rows.stop))
            problems.append(f"{both} are in {one.path} and in {two.path}: leave one out")
    for shard in shards:
        if not shard.complete:
            problems.append(f"{shard.path} lacks {listed(shard.missing)}: run {_name(shard.manifest)} again")
    gaps = missing(Span(0, first.size), joined(shard.rows for shard in shards))
    if gaps:
        problems.append(f"{listed(gaps)} are in none of the stores{_absent(shards)}")
    if problems:
        raise ValueError("\n".join(f"merge: {problem}" for problem in problems))


def _name(manifest: Manifest) -> str:
    return f"shard {manifest.shard[0]}/{manifest.shard[1]}" if manifest.shard else "its job"


def _absent(shards: Sequence[Store]) -> str:
    """Name the shards that are not there, if all are of one division."""
    numbers = {shard.manifest.shard for shard in shards}
    counts = {number[1] for number in numbers if number is not None}
    if None in numbers or len(counts) != 1:
        return ""
    (count,) = counts
    absent = [f"{i}/{count}" for i in range(1, count + 1) if (i, count) not in numbers]
    return f": shard {', '.join(absent[:20])}" if absent else ""
