"""Reading a store: what it is for, which rows it has, and their results as NumPy arrays.

A store is a folder: ``manifest.json`` (the job), one ``.npy`` file per result, and ``journal.jsonl``, which
tells which rows have been recorded, with their checksums. Rows that the journal does not tell are not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.execution.errors import StoreError
from nicheloop.execution.files import ResultFile, file_name
from nicheloop.execution.journal import read_journal
from nicheloop.execution.manifest import Manifest
from nicheloop.execution.piece import Arrays, Layout
from nicheloop.execution.spans import Span, count_rows, joined, listed, missing


@dataclass
class Contents:
    """What a journal tells: types and shapes of a row, and chunks with their failed rows and checksums."""

    layout: Layout = field(default_factory=Layout)
    chunks: dict[Span, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: list[dict[str, Any]]) -> Contents:
        """Read the entries in their order."""
        contents = cls()
        for entry in entries:
            if "fields" in entry:
                fields = {n: (np.dtype(d), tuple(s)) for n, (d, s) in entry["fields"].items()}
                contents.layout = Layout(fields)
            elif "redo" in entry:
                contents.chunks.pop(Span(*entry["redo"]), None)
            elif "rows" in entry:
                contents.chunks[Span(*entry["rows"])] = entry
        return contents

    @property
    def failed(self) -> int:
        """Rows that are marked as failed."""
        return sum(int(entry["failed"]) for entry in self.chunks.values())

    def files(self, folder: Path, rows: Span) -> dict[str, ResultFile]:
        """Return the files of the results."""
        return {
            name: ResultFile(folder / file_name(name), dtype, (rows.rows, *shape))
            for name, (dtype, shape) in self.layout.fields.items()
        }

    def damaged(self, files: Mapping[str, ResultFile], rows: Span) -> list[Span]:
        """Return the chunks whose rows in the files are not what was recorded."""
        readable = [file.open(writable=False) for file in files.values()]
        try:
            if not files or not all(readable):
                return list(self.chunks)
            return [span for span in self.chunks if not self._is_sound(span, files, rows.start)]
        finally:
            for file in files.values():
                file.close()

    def _is_sound(self, span: Span, files: Mapping[str, ResultFile], first: int) -> bool:
        place = Span(span.start - first, span.stop - first)
        recorded = self.chunks[span]["crc"]
        return recorded.keys() == files.keys() and all(
            files[name].checksum(place) == check for name, check in recorded.items()
        )


@dataclass(frozen=True, eq=False)
class Store:
    """A store as it was when it was opened.

    Attributes
    ----------
    path : Path
    manifest : Manifest
        The job, and what made the store.
    done : tuple of Span
        Rows that are recorded.
    failed : int
        Recorded rows that are marked as failed.
    layout : Layout
        Types and shapes of a row; empty before the first chunk.
    """

    path: Path
    manifest: Manifest
    done: tuple[Span, ...]
    failed: int
    layout: Layout = field(repr=False)

    @property
    def size(self) -> int:
        """Rows of the whole job; this store may be for a shard of them (`rows`)."""
        return self.manifest.size

    @property
    def rows(self) -> Span:
        """The rows this store is for."""
        return self.manifest.rows

    @property
    def missing(self) -> list[Span]:
        """Rows that are still to be computed."""
        return missing(self.rows, self.done)

    @property
    def complete(self) -> bool:
        """Whether no row is missing."""
        return not self.missing

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the results; empty before the first chunk."""
        return tuple(self.layout.fields)

    def arrays(self) -> Arrays:
        """Return all results of a complete store, as `store[name]` does."""
        return {name: self[name] for name in self.names}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a result of all rows of the store, read from the disk as it is used (a memory map).

        Raises
        ------
        ValueError
            There is no such result.
        StoreError
            Rows are missing.
        """
        file = self._file(name)
        if not self.complete:
            left = f"{count_rows(self.missing):,} of {self.rows.rows:,} rows are missing"
            told = f"{left} ({listed(self.missing)})"
            raise StoreError(f"{self.path}: {told}: finish the job, or read what is there with read()")
        if 0 in file.shape:
            return np.empty(file.shape, file.dtype)
        return np.asarray(np.load(file.path, mmap_mode="r"))

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Read a result of some rows, numbered as in the whole job.

        Raises
        ------
        ValueError
            There is no such result.
        StoreError
            Some of the rows are not recorded.
        """
        file = self._file(name)
        wanted = Span(start, stop)
        absent = missing(wanted, self.done)
        if absent:
            raise StoreError(f"{self.path}: {listed(absent)} are not recorded")
        if not file.open(writable=False):
            raise StoreError(f"{file.path}: is not the file that was recorded")
        try:
            return file.read(Span(start - self.rows.start, stop - self.rows.start))
        finally:
            file.close()

    def blocks(self, rows: int) -> Iterator[tuple[Span, Arrays]]:
        """Yield what is recorded in order, at most so many rows at a time."""
        for span in self.done:
            for start in range(span.start, span.stop, rows):
                part = Span(start, min(start + rows, span.stop))
                yield part, {name: self.read(name, *part) for name in self.names}

    def _file(self, name: str) -> ResultFile:
        if name not in self.layout.fields:
            lowered = {known.lower(): known for known in self.names}
            near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
            hint = f"did you mean {lowered[near[0]]!r}? " if near else ""
            known = ", ".join(self.names) or "none yet"
            raise ValueError(f"{self.path} has no result {name!r}: {hint}It has {known}")
        dtype, shape = self.layout.fields[name]
        return ResultFile(self.path / file_name(name), dtype, (self.rows.rows, *shape))


def open_store(path: str | Path, *, check: bool = True) -> Store:
    """Open a store for reading, also while it is being written.

    Parameters
    ----------
    path : str or Path
        Its folder.
    check : bool
        Whether to compare all rows with their checksums (reads every file once); rows that differ count as
        missing.

    Raises
    ------
    StoreError
        There is no store, or its manifest is damaged.
    """
    folder = Path(path)
    manifest = Manifest.read(folder)
    if manifest is None:
        raise StoreError(f"{folder}: is not a store: it holds no manifest.json")
    try:
        contents = Contents.of(read_journal(folder)[0])
        if check:
            for span in contents.damaged(contents.files(folder, manifest.rows), manifest.rows):
                del contents.chunks[span]
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror or error}") from error
    done = tuple(joined(contents.chunks))
    return Store(folder, manifest, done, contents.failed, contents.layout)
