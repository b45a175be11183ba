"""`nicheloop simulate`: one scenario, its read-outs as table and figure."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.cli.values import numbers, pair, under

if TYPE_CHECKING:
    from nicheloop.assays.result import Result
    from nicheloop.assays.scenario import Scenario


def run(
    source: str,
    changes: Sequence[str],
    parameters: Sequence[str],
    readouts: str | None,
    engine: str,
    method: str,
    out: Path | None,
) -> int:
    """Run a scenario and write ``readouts.csv``, PNG, SVG, ``scenario.toml`` and ``manifest.json``.

    One that varies something has all its wells in one table and one figure.

    Raises
    ------
    ValueError
        On misuse, before anything is computed or written.
    """
    from nicheloop.assays.library import load_scenario
    from nicheloop.assays.simulate import simulate
    from nicheloop.biology import parameter_values
    from nicheloop.cli.wells import run_wells

    scenario = under(changed(load_scenario(source), changes), parameters)
    overrides = numbers(parameters)
    parameter_values(scenario.resistance, overrides)
    keys = readout_keys(scenario, readouts)
    out = out or Path("results") / scenario.name
    check_folder(out)
    if scenario.vary:
        return run_wells(scenario, overrides, keys, engine, method, out)
    result = simulate(scenario, overrides, engine=engine, method=method)
    with staged(out) as folder:
        files = _write(result, keys, overrides, folder)
    told(out, files, "readouts.png")
    if result.ok:
        return DONE
    reached = f" at {result.time_reached:g} h" if math.isfinite(result.time_reached) else ""
    print(f"nicheloop: the run failed{reached}: {result.message}", file=sys.stderr)
    return FAILED_RUNS


def _write(
    result: Result, keys: Sequence[str] | None, overrides: dict[str, float], folder: Path
) -> list[str]:
    from nicheloop.assays.library import save_scenario
    from nicheloop.figures.style import save
    from nicheloop.figures.timecourse import plot_run
    from nicheloop.report.manifest import provenance, write_manifest

    result.to_dataframe(keys).to_csv(folder / "readouts.csv", index=False)
    names = None if keys is None else list(dict.fromkeys(key.partition(":")[0] for key in keys))
    figures = [path.name for path in save(plot_run(result, names), folder / "readouts")]
    save_scenario(result.scenario, folder / "scenario.toml")
    status = {"scenario": result.scenario.name, "status": result.status, "message": result.message}
    about = provenance(command_line(), parameters=overrides, more=status)
    files = [*figures, "readouts.csv", "scenario.toml"]
    return [*files, write_manifest(folder, about, files)]


def changed(scenario: Scenario, changes: Sequence[str]) -> Scenario:
    """Apply ``name=dose`` to treatments and to the densities of lines."""
    from nicheloop.assays.names import unknown
    from nicheloop.biology.hosts import LEUKAEMIC
    from nicheloop.biology.medium import SOLUTES

    treatments, lines = {}, {}
    known = [solute.name for solute in SOLUTES]
    for name, value in (pair("--set", text) for text in changes):
        if name in LEUKAEMIC:
            lines[name] = value
        elif name in known:
            treatments[name] = value
        else:
            raise ValueError("--set: " + unknown("treatment or line", name, [*known, *LEUKAEMIC]))
    return scenario.with_(treatments=treatments, lines=lines) if changes else scenario


def readout_keys(scenario: Scenario, given: str | None) -> list[str] | None:
    """Check read-outs and give each that names no line the lines it can be measured on."""
    from nicheloop.assays.readouts import applicable, find

    if given is None:
        return None
    keys = []
    for name in filter(None, (part.strip() for part in given.split(","))):
        fitting = [host for readout, host in applicable(scenario.hosts) if readout.name == name]
        if len(fitting) > 1:
            keys += [f"{name}:{host}" for host in fitting]
        else:
            find(name, scenario.hosts)
            keys.append(name)
    if not keys:
        raise ValueError(f"--readouts: got {given!r}, expected names such as viability,il1b")
    return keys
