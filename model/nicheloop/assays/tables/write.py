"""Assay tables as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.assays.library import save_scenario
from nicheloop.assays.tables.columns import HEADERS, TIME, TREATMENTS

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.assays.tables.frame import AssayTable

ORDER = (
    "readout", "line", TIME, "value", "unit", *(HEADERS[name] for name in TREATMENTS), "scenario", "stroma",
    "cells_per_ml", "stroma_per_ml", "sd", "n", "replicate", "detection_limit", "relative_to", "experiment",
    "plate", "note",
)  # fmt: skip
ALWAYS = ("readout", "line", TIME, "value", "unit")
_SIGNS = {"below": "<", "above": ">"}


def file_columns(table: AssayTable) -> pd.DataFrame:
    """Return the columns of a file: censored values with their sign, without columns that say nothing."""
    frame = table.frame
    columns: dict[str, Any] = {}
    for name in ORDER:
        if name in ALWAYS or (name in frame and _says_something(frame[name], name)):
            columns[name] = frame[name]
    censored = frame["censored"].to_numpy() != ""
    if censored.any():
        values = frame["value"].to_numpy(dtype=object)
        signs = frame["censored"].to_numpy()[censored]
        limits = frame["value"].to_numpy(dtype=float)[censored].tolist()
        values[censored] = [f"{_SIGNS[sign]}{limit!r}" for sign, limit in zip(signs, limits, strict=True)]
        columns["value"] = values
    return type(frame)(columns)


def _says_something(column: pd.Series[Any], name: str) -> bool:
    if name == "replicate":
        return bool((column != 1).any())
    if name.partition(" ")[0] in TREATMENTS:
        return True
    nothing = ("", "none") if name == "stroma" else ("",)
    return bool((column.notna() & ~column.isin(nothing)).any())


def write_csv(table: AssayTable, path: Path) -> Path:
    """Write a table and the scenarios that are its own; see `AssayTable.to_csv`."""
    columns = file_columns(table)
    write_scenarios(table, path.parent)
    columns.to_csv(path, index=False, lineterminator="\n")
    return path


def write_scenarios(table: AssayTable, folder: Path) -> list[str]:
    """Write the scenarios of a table that do not ship with the package, and return their names."""
    own = [name for name in table.scenarios if name.endswith(".toml")]
    for name in own:
        save_scenario(table.scenarios[name], folder / name)
    return own
