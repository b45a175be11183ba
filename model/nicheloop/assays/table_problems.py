"""What is wrong with an assay table: collected over the whole file, told together, by row and column."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 20
"""Problems that are told; of the others, how many there are."""
ROWS_NAMED = 3
"""Rows that are named of those that share a problem."""


class AssayError(ValueError):
    """An assay table that cannot be read; one line per problem: file, row, column, value, expectation."""


class Problems:
    """Problems of one table, in the order of its rows.

    Parameters
    ----------
    source : str
        Starts every line: the file, and the sheet if there is one.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: dict[tuple[str, str], list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, message: str, column: str = "", rows: Iterable[int] = ()) -> None:
        """Note a problem; the same one in other rows is told once.

        Parameters
        ----------
        message : str
            What was found, what was expected, and how to mend it.
        column : str
            As in the header of the file; empty if it is about none.
        rows : iterable of int
            As a spreadsheet numbers them; empty if it is about none.
        """
        self._found.setdefault((column, message), []).extend(int(row) for row in rows)

    def lines(self) -> list[str]:
        """Return one line per problem, `MOST` at most."""
        told = sorted(self._found.items(), key=lambda item: min(item[1], default=0))
        lines = [
            f"{self.source}: {_place(sorted(set(rows)), column)}{message}"
            for (column, message), rows in told[:MOST]
        ]
        if len(told) > MOST:
            lines.append(f"{self.source}: and {len(told) - MOST} more problems")
        return lines

    def raise_any(self) -> None:
        """Raise `AssayError` if there is a problem."""
        if self._found:
            raise AssayError("\n".join(self.lines()))


def _place(rows: list[int], column: str) -> str:
    parts = [rows_named(rows)] if rows else []
    if column:
        parts.append(f"column {column!r}")
    return ", ".join(parts) + ": " if parts else ""


def rows_named(rows: list[int]) -> str:
    """Name rows, the first few of many.

    Examples
    --------
    >>> rows_named([4]), rows_named([4, 7, 9, 12, 13])
    ('row 4', 'rows 4, 7, 9 and 2 more')
    """
    if len(rows) == 1:
        return f"row {rows[0]}"
    named = ", ".join(str(row) for row in rows[:ROWS_NAMED])
    return f"rows {named}" + (f" and {len(rows) - ROWS_NAMED} more" if len(rows) > ROWS_NAMED else "")
