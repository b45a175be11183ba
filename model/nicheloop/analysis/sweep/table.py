"""Results of a sweep as a tidy table: one row per value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

STATUS = "status"


def values_of(results: xr.Dataset) -> int:
    """Return the number of values, which is that of the rows of the table."""
    return int(sum(variable.size for name, variable in results.data_vars.items() if name != STATUS))


def tidy(results: xr.Dataset) -> pd.DataFrame:
    """Return sets, samples, axes with their units, time, variable, value and unit.

    A variable has nothing in the columns of axes that it does not have.
    """
    import pandas as pd

    frames = [_frame(results, str(name)) for name in results.data_vars if name != STATUS]
    whole = pd.concat(frames, ignore_index=True)
    last = ["variable", "value", "unit"]
    return whole[[*(column for column in _columns(results).values() if column in whole), *last]]


def write_csv(results: xr.Dataset, path: Path) -> None:
    """Write the table."""
    tidy(results).to_csv(path, index=False)


def _columns(results: xr.Dataset) -> dict[str, str]:
    """Return the header of each dimension and coordinate, with its unit."""
    named = {}
    for name in [*results.sizes, *(name for name in results.coords if name not in results.sizes)]:
        unit = results[name].attrs.get("units", "") if name in results.coords else ""
        named[str(name)] = f"{name} [{unit}]" if unit else str(name)
    return named


def _frame(results: xr.Dataset, name: str) -> pd.DataFrame:
    import pandas as pd

    variable = results[name]
    if variable.ndim:
        frame: pd.DataFrame = variable.to_dataframe(name="value").reset_index()
    else:
        frame = pd.DataFrame({"value": [float(variable)]})
    return frame.rename(columns=_columns(results)).assign(variable=name, unit=variable.attrs.get("units", ""))
