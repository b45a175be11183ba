"""The assay tables that ship with the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from nicheloop.assays.names import unknown

if TYPE_CHECKING:
    from nicheloop.assays.tables.read import AssayTable


@cache
def data_names() -> tuple[str, ...]:
    """Names of the assay tables that ship with the package, sorted."""
    return names_in()


def load_data(name: str) -> AssayTable:
    """Read an assay table that ships with the package.

    Parameters
    ----------
    name : str
        One of `data_names`; README.md beside the tables says where each is from.

    Raises
    ------
    ValueError
        If there is no such table; the nearest name is suggested.

    Examples
    --------
    >>> table = load_data("imatinib_baf3")  # doctest: +SKIP
    """
    from nicheloop.assays.tables.read import read_assay

    if name not in data_names():
        raise ValueError(unknown("data", name, data_names()))
    with as_file(files("nicheloop.data") / f"{name}.csv") as path:
        return read_assay(path)


def names_in(*folder: str) -> tuple[str, ...]:
    """Names of the CSV files in a folder of the shipped data, sorted."""
    entries = files("nicheloop.data").joinpath(*folder).iterdir()
    return tuple(sorted(e.name.removesuffix(".csv") for e in entries if e.name.endswith(".csv")))
