"""`nicheloop reproduce`: the six claims and the report."""

from __future__ import annotations

import sys
from pathlib import Path

from nicheloop.analysis.evidence import Reproduction
from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.execution.progress import progress


def run(draws: int, seed: int, out: Path, max_failed: float) -> int:
    """Run the claims and write the report; 1 if more than ``max_failed`` of the runs gave no value."""
    from nicheloop.analysis.claims import CLAIMS
    from nicheloop.analysis.reproduction import reproduce
    from nicheloop.report.files import write_reproduction
    from nicheloop.report.manifest import provenance
    from nicheloop.report.verdicts import verdict

    check_folder(out)
    with progress("claims") as show:
        found = reproduce(draws=draws, seed=seed, progress=show)
    statements = {claim.key: claim.statement for claim in CLAIMS}
    caveats = {claim.key: claim.caveat for claim in CLAIMS}
    about = provenance(command_line(), seed=seed, more=counts(found))
    with staged(out) as folder:
        files = write_reproduction(found, folder, about, statements, caveats)
    for claim, statement in statements.items():
        judged = verdict(claim, statement, found.effects)
        print(f"{claim}  {judged.word:<13}  {judged.holding} of {judged.claimed} effects  {statement}")
    told(out, files, "report.html")
    return too_many_failed(found, max_failed)


def counts(found: Reproduction) -> dict[str, object]:
    """Return what the manifest says of the runs."""
    return {
        "draws": found.draws,
        "failed_runs": found.failed_runs,
        "total_runs": found.total_runs,
        "seconds": round(found.seconds, 1),
    }


def too_many_failed(found: Reproduction, allowed: float) -> int:
    """Return the exit code for the share of failed runs, with a line on stderr if it is too large."""
    if found.failed_runs <= allowed * found.total_runs:
        return DONE
    print(
        f"nicheloop: {found.failed_runs} of {found.total_runs} runs failed, more than {100 * allowed:g} %",
        file=sys.stderr,
    )
    return FAILED_RUNS
