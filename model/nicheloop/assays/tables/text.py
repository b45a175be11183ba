"""Text files of cells: their encoding, their separator, their rows; nothing is dropped and nothing guessed.

Rows are counted as a spreadsheet counts them: the first is 1; blank ones and comments (``#``) count.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.tables.problems import AssayError, Problems

SEPARATORS = (",", ";", "\t")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LATIN = {"\xb5": "µ", "\xb0": "°", "\xa0": " "}
"""Letters outside ASCII that all Western encodings of Windows share with Latin-1 and tables need."""
_COMMENT = r"^[ \t]*#(?!DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!).*$"
"""A line that begins with ``#``, unless that is an error of a spreadsheet."""
_UTF8 = "save it as 'CSV UTF-8' (Excel: File > Save As)"


@dataclass(frozen=True, eq=False)
class Column:
    """Cells of one column: most texts occur many times, so each is kept, and understood, once.

    Attributes
    ----------
    name : str
        As in the header.
    codes : ndarray of int, shape (rows,)
        Which text each row has.
    texts : tuple of str
        The texts, without blanks around them.
    """

    name: str
    codes: NDArray[np.intp]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, name: str, cells: NDArray[Any]) -> Column:
        """Make a column of an array of texts (dtype object)."""
        import pandas as pd

        codes, texts = pd.factorize(cells)
        return cls(name, codes, tuple(" ".join(text.split()) for text in texts.tolist()))

    def filled(self) -> NDArray[np.bool_]:
        """Whether each row has a text, shape (rows,)."""
        return np.array([bool(text) for text in self.texts], dtype=bool)[self.codes]

    def cells(self) -> NDArray[Any]:
        """Return the texts of all rows, dtype object."""
        return np.array([*self.texts, None], dtype=object)[:-1][self.codes]

    def refuse(self, refused: Mapping[int, str], rows: NDArray[np.int64], problems: Problems) -> None:
        """Note what is wrong with texts, by code; ``rows`` are the numbers of all rows in the file."""
        if not refused:
            return
        order = np.argsort(self.codes, kind="stable")
        ends = np.searchsorted(self.codes[order], np.arange(len(self.texts) + 1))
        for code, message in refused.items():
            problems.add(message, self.name, rows[order[ends[code] : ends[code + 1]]])

    def taken(self, chosen: NDArray[np.bool_]) -> Column:
        """Return the column without the rows that are not chosen."""
        used, codes = np.unique(self.codes[chosen], return_inverse=True)
        return Column(self.name, codes.astype(np.intp), tuple(self.texts[code] for code in used.tolist()))


@dataclass(frozen=True, eq=False)
class RawTable:
    """Cells as texts, before anything is understood.

    Attributes
    ----------
    source : str
        File, and sheet if there is one, for messages.
    columns : tuple of Column
        Below the header.
    rows : ndarray of int
        Where each row is in the file.
    header_row : int
        Where the header is in the file.
    folder : Path or None
        Where files are that the table refers to.
    names : tuple of str
        Names of the rows, from row 1, if they are wells of a plate.
    """

    source: str
    columns: tuple[Column, ...]
    rows: NDArray[np.int64]
    header_row: int = 1
    folder: Path | None = None
    names: tuple[str, ...] = ()


def content(file: Path) -> bytes:
    """Return the bytes of a file; raises `AssayError` if it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise AssayError(f"{file}: no such file") from None
    except OSError as error:
        raise AssayError(f"{file}: cannot be read: {error.strerror}") from None


def decoded(data: bytes, source: str) -> str:
    """Return the text of a file in UTF-8, UTF-16, or Latin-1 with no letter but µ and ° outside ASCII.

    Raises
    ------
    AssayError
        If it is none of these; says where, and how to mend it.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding, source)
    if b"\0" in data[:4096]:
        return _strictly(data, _wide(data, source), source)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _western(data, source)


def _strictly(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise AssayError(f"{source}: byte {error.start} is not {name}; {_UTF8}") from None


def _wide(data: bytes, source: str) -> str:
    """Tell UTF-16 without a byte order mark by where its zero bytes are."""
    start = np.frombuffer(data[:4096], dtype=np.uint8)
    even, odd = np.mean(start[::2] == 0), np.mean(start[1::2] == 0)
    if max(even, odd) > 0.5 and min(even, odd) < 0.1:
        return "utf-16-be" if even > odd else "utf-16-le"
    raise AssayError(f"{source}: has zero bytes, so it is no text; expected a CSV file or an Excel workbook")


def _western(data: bytes, source: str) -> str:
    text = data.decode("latin-1")
    for number, line in enumerate(text.splitlines(), 1):
        strange = next((letter for letter in line if letter > "\x7f" and letter not in _LATIN), None)
        if strange is not None:
            raise AssayError(
                f"{source}: row {number}: byte 0x{ord(strange):02X} is not UTF-8, "
                f"and which letter it stands for depends on who wrote it; {_UTF8}"
            )
    return text


def read_text(text: str, source: str, folder: Path | None = None) -> RawTable:
    """Split a text into columns.

    Parameters
    ----------
    text : str
        With commas, semicolons or tabs; the header row decides which.
    source : str
        Name of the file, for messages.
    folder : Path, optional
        Where it is.

    Raises
    ------
    AssayError
        If there is no header, no row, or a row with fewer or more cells than the header.
    """
    import pandas as pd

    text, separator = _prepared(text)
    lengths = _lengths(text, separator, source)
    if not lengths.any():
        raise AssayError(f"{source}: is empty, expected a header row and a row for each value")
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=None,
        names=list(range(lengths.max())),
        index_col=False,
        dtype=object,
        na_filter=False,
        skip_blank_lines=False,
        quoting=csv.QUOTE_MINIMAL if '"' in text else csv.QUOTE_NONE,
        skipinitialspace=True,
        encoding_errors="strict",
    )
    cells = [frame[column].to_numpy(dtype=object) for column in frame.columns]
    return table_of(cells, source, folder, lengths[: len(frame)], separator)


def _prepared(text: str) -> tuple[str, str]:
    """Return the text with comments made blank lines, and the separator of its cells."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=(.)"?[,;\t]*', first, re.IGNORECASE)
    if told:
        text = "\n" + rest  # Excel's own note on the separator counts as a row
    if "#" in text:
        text = re.sub(_COMMENT, "", text, flags=re.MULTILINE)
    return text, told[1] if told else _separator(text)


def _separator(text: str) -> str:
    """Return the separator that the header has most of, outside of quotation marks."""
    header = next((line for line in text.split("\n") if line.strip()), "")
    return max(SEPARATORS, key=re.sub(r'"[^"]*"', "", header).count)


def _lengths(text: str, separator: str, source: str) -> NDArray[np.int64]:
    """Count the cells of each row; 0 for a blank one."""
    if '"' not in text:
        lines = text.split("\n")
        return np.array([line.count(separator) + 1 if line.strip() else 0 for line in lines])
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    lengths: list[int] = []
    try:
        lengths.extend(len(row) if any(row) else 0 for row in reader)
    except csv.Error as error:
        raise AssayError(
            f"{source}: row {len(lengths) + 1}: {error}; "
            "expected every quotation mark that opens a cell to be closed at its end"
        ) from None
    return np.array(lengths, dtype=np.int64)


def table_of(
    cells: Sequence[NDArray[Any]],
    source: str,
    folder: Path | None,
    lengths: NDArray[np.int64] | None = None,
    separator: str = "",
) -> RawTable:
    """Make a table of the columns of a sheet: the first row that is not blank is the header.

    Parameters
    ----------
    cells : sequence of ndarray
        Texts of each column, dtype object.
    source, folder : str, Path or None
        As for `RawTable`.
    lengths : ndarray of int, optional
        How many cells each row has in the file; short rows are refused.
    separator : str
        What stands between cells in the file.
    """
    columns = [Column.of("", column) for column in cells]
    filled = np.array([column.filled() for column in columns])
    nonblank = np.flatnonzero(filled.any(axis=0)) if len(columns) else np.zeros(0, dtype=np.intp)
    if not nonblank.size:
        raise AssayError(f"{source}: is empty, expected a header row and a row for each value")
    start, body = int(nonblank[0]), nonblank[1:]
    named = np.flatnonzero(filled[:, start])
    width = int(named[-1]) + 1
    _check_shape(filled, start, body, width, columns, source, lengths, separator)
    if not body.size:
        raise AssayError(f"{source}: row {start + 1} is a header without rows, expected a row for each value")
    kept = [i for i in range(width) if filled[i, start] or filled[i, body].any()]
    chosen = np.zeros(filled.shape[1], dtype=bool)
    chosen[body] = True
    headed = tuple(
        replace(columns[i].taken(chosen), name=columns[i].texts[columns[i].codes[start]]) for i in kept
    )
    return RawTable(source, headed, body.astype(np.int64) + 1, start + 1, folder)


def _check_shape(
    filled: NDArray[np.bool_],
    start: int,
    body: NDArray[np.intp],
    width: int,
    columns: Sequence[Column],
    source: str,
    lengths: NDArray[np.int64] | None,
    separator: str,
) -> None:
    """Refuse cells to the right of the header, unnamed columns, and rows that were cut off."""
    problems = Problems(source)
    for i in np.flatnonzero(~filled[:width, start]).tolist():
        with_text = body[filled[i, body]]
        if with_text.size:
            text = columns[i].texts[columns[i].codes[with_text[0]]]
            problems.add(f"no name above {text!r}, expected one above every column", rows=[with_text[0] + 1])
    counts = np.where(filled[:, body], np.arange(1, len(columns) + 1)[:, None], 0).max(axis=0, initial=0)
    for count in np.unique(counts[counts > width]).tolist():
        hint = f"; write numbers with a decimal point and texts that contain {separator!r} in quotation marks"
        message = f"{count} cells, expected the {width} of the header in row {start + 1}"
        message += hint if separator else "; a line above the header begins with '#'"
        problems.add(message, rows=body[counts == count] + 1)
    if lengths is not None:
        short = body[lengths[body] < width]
        if short.size:
            problems.add(
                f"fewer cells than the {width} columns of the header; was the file cut off? "
                f"An empty cell needs its separator {separator!r}, too",
                rows=short + 1,
            )
    problems.raise_any()
