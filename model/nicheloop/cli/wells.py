"""`nicheloop simulate` for a scenario that varies something: all its wells, their read-outs as one table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import command_line, staged, told

if TYPE_CHECKING:
    from nicheloop.assays.scenario import Scenario
    from nicheloop.assays.wells import Wells


def run_wells(
    scenario: Scenario,
    overrides: Mapping[str, float],
    keys: Sequence[str] | None,
    engine: str,
    method: str,
    out: Path,
) -> int:
    """Run the wells and write what `simulate.run` writes of a single one; 1 if any failed."""
    from nicheloop.assays.simulate import simulate_wells

    wells = simulate_wells(scenario, overrides, engine=engine, method=method)
    with staged(out) as folder:
        files = _write(wells, keys, overrides, folder)
    told(out, files, "readouts.png")
    problems = [(run.scenario.name, run.messages[0]) for run in wells if not run.ok[0]]
    if not problems:
        return DONE
    name, message = problems[0]
    print(f"nicheloop: {len(problems)} of {len(wells)} wells failed; {name}: {message}", file=sys.stderr)
    return FAILED_RUNS


def _write(
    wells: Wells, keys: Sequence[str] | None, overrides: Mapping[str, float], folder: Path
) -> list[str]:
    from nicheloop.assays.library import save_scenario
    from nicheloop.figures.style import save
    from nicheloop.report.manifest import provenance, write_manifest

    wells.to_dataframe(keys).to_csv(folder / "readouts.csv", index=False)
    figures = [path.name for path in save(wells.plot(keys), folder / "readouts")]
    save_scenario(wells.scenario, folder / "scenario.toml")
    failed = {run.scenario.name: run.messages[0] for run in wells if not run.ok[0]}
    status = {"scenario": wells.scenario.name, "wells": len(wells), "failed_wells": failed}
    about = provenance(command_line(), parameters=dict(overrides), more=status)
    files = [*figures, "readouts.csv", "scenario.toml"]
    return [*files, write_manifest(folder, about, files)]
