"""What is wrong with an assay table: collected over the whole file, told together, by row and column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST = 20
"""Problems that are told; of the others, how many there are."""
ENOUGH = 200
"""Problems of one kind after which no more are looked for: the column is another than its header says."""
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
    names : sequence of str
        Names of the rows, from row 1, if they are wells of a plate.
    """

    def __init__(self, source: str, names: Sequence[str] = ()) -> None:
        self.source = source
        self.names = names
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
            f"{self.source}: {self._place(rows, column)}{message}" for (column, message), rows in told[:MOST]
        ]
        if len(told) > MOST:
            lines.append(f"{self.source}: and at least {len(told) - MOST} more problems")
        return lines

    def raise_any(self) -> None:
        """Raise `AssayError` if there is a problem."""
        if self._found:
            raise AssayError("\n".join(self.lines()))

    def named(self, rows: Iterable[int]) -> str:
        """Name rows, the first few of many.

        Examples
        --------
        >>> Problems("plate.csv").named([4]), Problems("plate.csv").named([4, 7, 9, 12, 13])
        ('row 4', 'rows 4, 7, 9 and 2 more')
        """
        ordered = sorted({int(row) for row in rows})
        kind = "well" if self.names else "row"
        names = [self.names[row - 1] if self.names else str(row) for row in ordered[:ROWS_NAMED]]
        if len(ordered) == 1:
            return f"{kind} {names[0]}"
        more = f" and {len(ordered) - ROWS_NAMED} more" if len(ordered) > ROWS_NAMED else ""
        return f"{kind}s {', '.join(names)}{more}"

    def _place(self, rows: list[int], column: str) -> str:
        parts = [self.named(rows)] if rows else []
        if column:
            parts.append(f"column {column!r}")
        return ", ".join(parts) + ": " if parts else ""
