"""The journal of a store: one line of JSON per event, each with a checksum; a torn line counts as none."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nicheloop.execution.files import write_all

JOURNAL = "journal.jsonl"
CHECK = "check"


def line_of(entry: Mapping[str, Any]) -> bytes:
    """Return an entry as a line; its checksum is that of the line without it."""
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    check = zlib.crc32(text.encode())
    return f'{text[:-1]},"{CHECK}":{check}}}\n'.encode()


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is not, byte by byte, what `line_of` wrote."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    check = entry.pop(CHECK, None)
    return entry if check is not None and entry and line_of(entry) == line else None


def read_journal(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the sound entries, and the length up to which the file consists of whole lines."""
    try:
        content = (folder / JOURNAL).read_bytes()
    except FileNotFoundError:
        return [], 0
    whole = content.rfind(b"\n") + 1
    lines = content[:whole].splitlines(keepends=True)
    return [entry for entry in map(entry_of, lines) if entry is not None], whole


class Journal:
    """Appends to the journal; what was torn off at its end is cut first."""

    def __init__(self, folder: Path, length: int) -> None:
        self._file = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT, 0o644)
        self._length = length
        os.ftruncate(self._file, length)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line; if it cannot be written whole, nothing of it stays (OSError)."""
        line = line_of(entry)
        try:
            write_all(self._file, line, self._length)
        except BaseException:
            os.ftruncate(self._file, self._length)
            raise
        self._length += len(line)

    def close(self) -> None:
        """Have the system write it to the disk."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
