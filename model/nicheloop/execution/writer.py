"""Writing a store: rows go into their places, then a line of the journal says that they are there.

A process may be killed between any two instructions. Rows without their line are computed again; a torn line
counts as none; rows that are not what their line says are found by their checksum when the store is opened.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from nicheloop.execution.errors import StoreError
from nicheloop.execution.files import ResultFile, checksum
from nicheloop.execution.journal import Journal, read_journal
from nicheloop.execution.lock import LOCK, Lock
from nicheloop.execution.manifest import MANIFEST, Job, Manifest, made_by
from nicheloop.execution.piece import Arrays, Layout, Piece
from nicheloop.execution.spans import Ranges, Span, count_rows, missing, shard_span
from nicheloop.execution.store import Contents

_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that can be written to",
}


class StoreWriter:
    """The one writer of a store; makes the folder, or goes on where an earlier writer stopped.

    Parameters
    ----------
    path : str or Path
        Folder of the store: new, empty, or a store of the same job.
    job : Job
        What decides the results.
    size : int
        Rows of the whole job.
    shard : (int, int), optional
        Only the rows of this shard, such as ``(3, 8)``.

    Attributes
    ----------
    rows : Span
        The rows this store is for.
    failed : int
        Recorded rows that are marked as failed.
    layout : Layout
        Types and shapes of a row; empty before the first chunk.

    Raises
    ------
    ValueError
        The folder holds something else, or a store of another job; the message says what differs.
    StoreError
        Another process writes to it, or it cannot be written.

    Examples
    --------
    >>> with StoreWriter("draws", Job("draws", seed=1), 1000) as store:  # doctest: +SKIP
    ...     store.record(Piece(Span(0, 10), {"x": np.arange(10.0)}))
    """

    def __init__(self, path: str | Path, job: Job, size: int, shard: tuple[int, int] | None = None) -> None:
        self.path = Path(path)
        self._manifest = Manifest.of(job, size, shard_span(size, shard), shard)
        self.rows = self._manifest.rows
        self.failed = 0
        self._done = Ranges()
        self.layout = Layout()
        self._files: dict[str, ResultFile] = {}
        self._journal: Journal | None = None
        self._lock: Lock | None = None
        with self._told("cannot be opened for writing"):
            try:
                self._open(job.command)
            except BaseException:
                self.close()
                raise

    @property
    def done(self) -> list[Span]:
        """Rows that are recorded."""
        return list(self._done.spans)

    @property
    def count(self) -> int:
        """How many rows are recorded."""
        return count_rows(self._done.spans)

    @property
    def left(self) -> list[Span]:
        """Rows that are still to be computed."""
        return missing(self.rows, self._done.spans)

    def record(self, piece: Piece) -> None:
        """Record rows for good.

        Raises
        ------
        TaskError
            Results of another type or shape than those of other rows.
        ValueError
            Rows outside of those of the store, or recorded before.
        StoreError
            They could not be written, for example because the disk is full. What was recorded before is safe.
        """
        if self._journal is None:
            raise ValueError(f"{self.path}: the store is closed")
        outside = missing(piece.span, [self.rows])
        if outside or self._done.has_any(piece.span):
            told = f"not rows of this store ({self.rows})" if outside else "recorded already"
            raise ValueError(f"{self.path}: {piece.span} are {told}")
        with self._told(f"{piece.span} cannot be written"):
            if not self.layout.fields:
                self._lay_out(Layout.of(piece.arrays))
            self.layout.require(piece)
            start = piece.span.start - self.rows.start
            for name, array in piece.arrays.items():
                self._files[name].write(start, array)
            crc = {name: checksum(array) for name, array in piece.arrays.items()}
            self._journal.append({"rows": list(piece.span), "failed": piece.failed, "crc": crc})
            self._done.add(piece.span)
            self.failed += piece.failed

    def read(self, span: Span) -> Arrays:
        """Read rows that are recorded.

        Raises
        ------
        ValueError
            They are not.
        """
        if missing(span, self._done.spans):
            raise ValueError(f"{self.path}: {span} are not recorded")
        place = Span(span.start - self.rows.start, span.stop - self.rows.start)
        with self._told(f"{span} cannot be read"):
            return {name: file.read(place) for name, file in self._files.items()}

    def close(self) -> None:
        """Have the system write everything to the disk, and let others write; again does nothing."""
        journal, self._journal = self._journal, None
        lock, self._lock = self._lock, None
        with self._told("cannot be closed"):
            try:
                for file in self._files.values():
                    file.sync()
                if journal is not None:
                    journal.close()
            finally:
                for file in self._files.values():
                    file.close()
                if lock is not None:
                    lock.release()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with contextlib.suppress(StoreError):  # what went wrong first is what counts
            self.close()

    def _open(self, command: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        _refuse_strangers(self.path)
        self._lock = Lock(self.path)
        there = Manifest.read(self.path)
        if there is None:
            self._manifest.write(self.path)
        else:
            require_same(self.path, there, self._manifest)
        entries, length = read_journal(self.path)
        self._journal = Journal(self.path, length)
        if there is not None:
            self._journal.append({"session": made_by(command)})
        self._recover(Contents.of(entries), self._journal)

    def _recover(self, contents: Contents, journal: Journal) -> None:
        """Take over what is sound; have rows computed again that are not what was recorded."""
        files = contents.files(self.path, self.rows)
        for span in contents.damaged(files, self.rows):
            journal.append({"redo": list(span)})
            del contents.chunks[span]
        self._done = Ranges(contents.chunks)
        self.failed = contents.failed
        if contents.chunks:  # otherwise laid out anew by the first rows
            self.layout, self._files = contents.layout, files
            for file in files.values():
                file.open(writable=True)

    def _lay_out(self, layout: Layout) -> None:
        """Make the files, then say so in the journal."""
        assert self._journal is not None
        names = [name.casefold() for name in layout.fields]
        twins = sorted({name for name in layout.fields if names.count(name.casefold()) > 1})
        if twins:
            raise ValueError(
                f"{self.path}: results {twins} differ in case only: some disks cannot tell them apart"
            )
        self._files = Contents(layout).files(self.path, self.rows)
        for file in self._files.values():
            file.create()
        fields = {name: [dtype.str, list(shape)] for name, (dtype, shape) in layout.fields.items()}
        self._journal.append({"fields": fields})
        self.layout = layout

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn errors of the system into one line that says what is safe."""
        try:
            yield
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, "mend that")
            safe = f"{self.count:,} of {self.rows.rows:,} rows are safe; " if self.count else ""
            raise StoreError(
                f"{self.path}: {what}: {error.strerror or error}; {safe}{remedy}, then run the same again"
            ) from error


def require_same(path: Path, there: Manifest, now: Manifest) -> None:
    """Refuse to mix the results of two jobs.

    Raises
    ------
    ValueError
        Says what differs.
    """
    differences = there.differences(now)
    if differences:
        raise ValueError(
            f"{path}: this store is of another job ({'; '.join(differences[:8])}"
            f"{f'; and {len(differences) - 8} more' if len(differences) > 8 else ''}): choose another folder"
        )


def _refuse_strangers(path: Path) -> None:
    """Refuse a folder that holds something else."""
    if (path / MANIFEST).exists():
        return
    others = sorted(entry.name for entry in path.iterdir() if entry.name not in (LOCK, f"{MANIFEST}.part"))
    if others:
        raise ValueError(
            f"{path}: is not empty and not a store (it holds {others[0]!r}): choose another folder"
        )
