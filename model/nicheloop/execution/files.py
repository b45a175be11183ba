"""Files of results: one NumPy file per name, written in place, readable by anything that reads ``.npy``."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nicheloop.execution.spans import Span

_BLOCK = 1 << 20
"""Bytes that are read at a time when checksums are verified."""


def write_all(file: int, data: bytes | memoryview, place: int) -> None:
    """Write at a place until everything is written."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def file_name(name: str) -> str:
    """Return the file of a result; characters that some systems refuse are written as %3A."""
    return f"{quote(name, safe=' +-=,()[]')}.npy"


def checksum(array: NDArray[Any]) -> int:
    """Return CRC-32 of the bytes of an array."""
    return zlib.crc32(_bytes_of(array))


class ResultFile:
    """The rows of one result in a file.

    Parameters
    ----------
    path : Path
    dtype : dtype
        Of a value.
    shape : tuple of int
        Rows first.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.path = path
        self.dtype = dtype
        self.shape = shape
        self._row = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        self._file = -1
        self._data = 0

    def create(self) -> None:
        """Write an empty file of its own; an older one is dropped."""
        self.close()
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        header = _header(self.dtype, self.shape)
        write_all(self._file, header, 0)
        self._data = len(header)

    def open(self, *, writable: bool) -> bool:
        """Open what is there; False if it is missing or not what is expected."""
        self.close()
        try:
            with self.path.open("rb") as file:
                major, _ = npy.read_magic(file)
                read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
                shape, fortran, dtype = read(file)
                self._data = file.tell()
        except (FileNotFoundError, ValueError):
            return False
        if (shape, fortran, dtype) != (self.shape, False, self.dtype):
            return False
        self._file = os.open(self.path, os.O_RDWR if writable else os.O_RDONLY)
        return True

    def write(self, start: int, array: NDArray[Any]) -> None:
        """Write rows from row `start` of the file."""
        write_all(self._file, _bytes_of(array), self._data + start * self._row)

    def read(self, span: Span) -> NDArray[Any]:
        """Read rows of the file; ValueError if it is too short."""
        data = os.pread(self._file, span.rows * self._row, self._data + span.start * self._row)
        return np.frombuffer(data, self.dtype).reshape(span.rows, *self.shape[1:])

    def checksum(self, span: Span) -> int:
        """Return CRC-32 of rows of the file, as far as there are any."""
        place, left, check = self._data + span.start * self._row, span.rows * self._row, 0
        while left > 0:
            data = os.pread(self._file, min(left, _BLOCK), place)
            if not data:
                return -1
            check = zlib.crc32(data, check)
            place, left = place + len(data), left - len(data)
        return check

    def sync(self) -> None:
        """Have the system write it to the disk."""
        if self._file >= 0:
            os.fsync(self._file)

    def close(self) -> None:
        """Close it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    content = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(buffer, content)
    return buffer.getvalue()
