"""`nicheloop parameters` and `nicheloop scenarios`: tables on a terminal, CSV in a pipe."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from nicheloop.assays.names import unknown
from nicheloop.cli.output import command_line, staged, told

PARAMETER_COLUMNS = (
    "name",
    "mechanism",
    "value",
    "unit",
    "low",
    "high",
    "prior",
    "evidence",
    "source",
    "note",
)


def list_parameters(mechanism: str | None, evidence: str | None, resistance: str, out: Path | None) -> None:
    """Print the parameter table, or write it as ``parameters.csv``."""
    from nicheloop.biology.table import EVIDENCE, parameter_values, rows

    table = rows()
    mechanisms = list(dict.fromkeys(row.mechanism for row in table.values()))
    if mechanism is not None and mechanism not in mechanisms:
        raise ValueError("--mechanism: " + unknown("mechanism", mechanism, mechanisms))
    if evidence is not None and evidence not in EVIDENCE:
        raise ValueError("--evidence: " + unknown("class of evidence", evidence, EVIDENCE))
    values = parameter_values(resistance)
    chosen = [
        [values[name] if column == "value" else getattr(row, column) for column in PARAMETER_COLUMNS]
        for name, row in table.items()
        if mechanism in (None, row.mechanism) and evidence in (None, row.evidence)
    ]
    _show("parameters", PARAMETER_COLUMNS, chosen, out)


def list_scenarios(out: Path | None) -> None:
    """Print name and title of the shipped scenarios, or write them as ``scenarios.csv``."""
    from nicheloop.assays.library import scenarios

    _show("scenarios", ("name", "title"), list(scenarios().items()), out)


def show_scenario(name: str, out: Path | None) -> None:
    """Print a scenario as TOML, or write it as ``<name>.toml``."""
    from nicheloop.assays.library import load_scenario, save_scenario, to_toml

    scenario = load_scenario(name)
    if out is None:
        print(to_toml(scenario), end="")
        return
    with staged(out) as folder:
        files = [save_scenario(scenario, folder / f"{scenario.name}.toml").name]
        files.append(_manifest(folder, files))
    told(out, files, files[0])


def compare_scenarios(left: str, right: str, out: Path | None) -> None:
    """Print in what two scenarios differ, one field per line, or write it as ``differences.csv``."""
    from nicheloop.assays.comparison import differences
    from nicheloop.assays.library import load_scenario

    found = differences(load_scenario(left), load_scenario(right))
    if out is not None:
        rows = [(item.field, item.left, item.right) for item in found]
        _show("differences", ("field", left, right), rows, out)
        return
    print(f"{left} -> {right}" + ("" if found else ": the same experiment"))
    for item in found:
        print(f"{item.field}: {item.left} -> {item.right}")


def _show(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]], out: Path | None) -> None:
    if out is not None:
        with staged(out) as folder:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                _csv(file, columns, rows)
            files = [f"{name}.csv"]
            files.append(_manifest(folder, files))
        told(out, files, f"{name}.csv")
    elif sys.stdout.isatty():
        _table(columns, rows)
    else:
        _csv(sys.stdout, columns, rows)


def _csv(file: object, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    writer = csv.writer(file, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(columns)
    writer.writerows(rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("value", "low", "high") else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console().print(table)


def _cell(value: object) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _manifest(folder: Path, files: Sequence[str]) -> str:
    from nicheloop.report.manifest import provenance, write_manifest

    return write_manifest(folder, provenance(command_line()), files)
