"""`nicheloop simulate --like`: what an assay table describes, run, and the model laid over the data."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.assays.tables.frame import AssayTable
    from nicheloop.assays.tables.predictions import Predictions

RTOL = 1e-6
"""Relative tolerance: far below the scatter of any assay."""


def refuse(given: Mapping[str, object]) -> None:
    """Refuse what the table says itself: raises ValueError if any of ``given`` is set."""
    for name, value in given.items():
        if value:
            raise ValueError(f"{name} with --like: expected one of them, the table says what is done")


def run(
    source: Path,
    sheet: str | None,
    layout: str | None,
    parameters: Sequence[str],
    engine: str,
    method: str,
    out: Path | None,
) -> int:
    """Read a table, simulate its wells, write ``predictions.csv``, PNG, SVG and ``manifest.json``.

    Raises
    ------
    ValueError
        On misuse or if the table cannot be read, before anything is computed or written.
    """
    from nicheloop.assays.settings import Settings
    from nicheloop.assays.tables.predictions import predict
    from nicheloop.assays.tables.read import read_assay
    from nicheloop.biology import parameter_values
    from nicheloop.cli.values import numbers, tell_differing

    overrides = numbers(parameters)
    parameter_values("mixed", overrides)
    settings = Settings(engine, method, RTOL)
    table = read_assay(source, sheet, layout)
    tell_differing(table.wells, parameters)
    out = out or Path("results") / source.stem
    check_folder(out)
    found = predict(table, [overrides], settings)
    compared = comparison(found)
    with staged(out) as folder:
        files = _write(found, compared, overrides, source, folder)
    _summarise(compared)
    told(out, files, "predictions.png")
    return _failures(table, found)


def comparison(found: Predictions) -> pd.DataFrame:
    """Return the table with what the model says, for one parameter set.

    Returns
    -------
    DataFrame
        Columns of the table as in a file, with ``model`` and ``residual``: measured less model, in the unit
        of the value; for a censored value how far the model is beyond its limit, 0 if it is not.
    """
    from nicheloop.assays.tables.write import file_columns

    values = found.table.measurements
    model = found.values[0]
    residual = values.value - model
    residual = np.where(values.censored == "below", np.minimum(residual, 0), residual)
    residual = np.where(values.censored == "above", np.maximum(residual, 0), residual)
    columns = file_columns(found.table)
    place = columns.columns.get_loc("unit")
    assert isinstance(place, int)
    columns.insert(place, "model", model)
    columns.insert(place + 1, "residual", residual)
    columns.insert(0, "row", found.table.frame["row"])
    return columns


def _write(
    found: Predictions, compared: pd.DataFrame, overrides: dict[str, float], source: Path, folder: Path
) -> list[str]:
    from nicheloop.assays.tables.write import write_scenarios
    from nicheloop.figures.style import save
    from nicheloop.report.manifest import provenance, write_manifest

    compared.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    figures = [path.name for path in save(found.plot(), folder / "predictions")]
    scenarios = write_scenarios(found.table, folder)
    about = {
        "data": source.name,
        "data_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "wells": len(found.table.wells),
        "failed_wells": int((found.status == "failed").sum()),
    }
    files = [*figures, "predictions.csv", *scenarios]
    return [
        *files,
        write_manifest(folder, provenance(command_line(), parameters=overrides, more=about), files),
    ]


def _summarise(compared: pd.DataFrame) -> None:
    """Print how far model and data are apart, one line per read-out."""
    for (readout, unit), rows in compared.groupby(["readout", "unit"], sort=False):
        residual: NDArray[np.float64] = rows["residual"].to_numpy(dtype=float)
        known = residual[np.isfinite(residual)]
        apart = f"{np.sqrt(np.mean(known**2)):.3g}" if known.size else "not known"
        print(f"{readout:<14}  {len(rows):>5} values  RMS residual {apart} {unit}")


def _failures(table: AssayTable, found: Predictions) -> int:
    """Tell which wells gave no value."""
    failed = [(well, text) for well, text in zip(table.wells, found.problems[0], strict=True) if text]
    for well, text in failed[:3]:
        print(f"nicheloop: {well.name} failed: {text}", file=sys.stderr)
    if len(failed) > 3:
        print(f"nicheloop: and {len(failed) - 3} more wells failed", file=sys.stderr)
    return FAILED_RUNS if failed else DONE
