"""`nicheloop study`: one of the studies of simulations/."""

from __future__ import annotations

from pathlib import Path

from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.cli.reproduce import counts, too_many_failed
from nicheloop.execution.progress import progress


def list_studies() -> None:
    """Print name and title of every study."""
    from nicheloop.analysis.studies import TITLES

    for name, title in TITLES.items():
        print(f"{name:<20}  {title}")


def run(name: str, draws: int | None, seed: int, out: Path | None, max_failed: float) -> int:
    """Run a study and write its figures and numbers to ``out`` (default: ``results/<name>``).

    Without ``draws`` the study takes as many parameter sets as it thinks right.

    Returns
    -------
    int
        Exit code: 1 if more than ``max_failed`` of the runs gave no value.
    """
    from nicheloop.analysis.studies import STUDIES
    from nicheloop.assays.names import unknown
    from nicheloop.report.files import write_study
    from nicheloop.report.manifest import provenance

    if name not in STUDIES:
        raise ValueError(unknown("study", name, STUDIES))
    out = out or Path("results") / name
    check_folder(out)
    with progress(name) as show:
        given = {} if draws is None else {"draws": draws}
        found = STUDIES[name](seed=seed, progress=show, **given)
    about = provenance(command_line(), seed=seed, more={"study": name, **counts(found)})
    with staged(out) as folder:
        files = write_study(found, folder, about)
    told(out, files, f"{found.panels[0].name}.png" if found.panels else files[0])
    return too_many_failed(found, max_failed)
