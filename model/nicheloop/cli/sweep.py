"""`nicheloop sweep` and `nicheloop merge`: runs over axes and parameter sets, at once or in shards."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.cli.place import STORE, Place
from nicheloop.cli.simulate import changed, readout_keys
from nicheloop.cli.values import numbers, pair, under

if TYPE_CHECKING:
    import xarray as xr

    from nicheloop.analysis.sweep import Sweep

SMALL = 200_000
"""Values up to which they are also written as a table."""


@dataclass(frozen=True)
class Request:
    """What was typed."""

    source: str
    vary: Sequence[str]
    changes: Sequence[str]
    readouts: str | None
    summaries: Sequence[str]
    sets: str | None
    parameters: Sequence[str]
    design: str
    samples: int | None
    seed: int
    rtol: float


def run(request: Request, place: Place) -> int:
    """Run a sweep, or one shard of it; the same again goes on where it stopped.

    Returns
    -------
    int
        Exit code: 1 if more than ``max_failed`` of the runs failed.

    Raises
    ------
    ValueError
        On misuse, before anything is computed or written.
    """
    from nicheloop.execution.progress import progress

    planned = _planned(request)
    engine, where = place.engine()
    shard = place.part()
    out = place.out or Path("results") / _own_folder(planned)
    check_folder(out)
    store = place.store(out)
    runs = f"{planned.design.runs:,} runs" if shard is None else f"shard {place.shard}"
    print(f"sweep: {runs} on {where}", file=sys.stderr)
    with progress("sweep") as show:
        arrays = planned.run(engine, store=store, shard=shard, progress=show)
    if shard is not None:
        print(f"shard {place.shard} is in {store}; when all are done: nicheloop merge {out}")
        failed = int((arrays["status"] != 0).sum())
        return _verdict(failed, arrays["status"].size, "", place.max_failed)
    results = planned.dataset(arrays)
    return _finish(results, out, store, request.seed, place.max_failed)


def merge(folders: Sequence[Path], out: Path | None, max_failed: float) -> int:
    """Put the shards in some folders together, and write what a sweep at once would have written.

    Raises
    ------
    ValueError
        If they are not all the shards of one sweep; the message says which are missing.
    """
    from nicheloop import execution
    from nicheloop.analysis.sweep.run import NAME, open_sweep
    from nicheloop.execution.progress import progress

    stores = [store for folder in folders for store in _stores(folder)]
    out = out or folders[0]
    check_folder(out)
    with progress("merge") as show:
        whole = execution.merge(stores, out / STORE, command=command_line(), progress=show)
    if whole.manifest.job["name"] != NAME:
        print(f"wrote {out / STORE}")
        return DONE
    results = open_sweep(out / STORE)
    return _finish(results, out, out / STORE, whole.manifest.job["seed"], max_failed)


def _planned(request: Request) -> Sweep:
    from nicheloop.analysis.sweep import plan_sweep
    from nicheloop.assays.library import load_scenario

    scenario = under(changed(load_scenario(request.source), request.changes), request.parameters)
    if request.sets is not None and request.parameters:
        raise ValueError(
            "--sets and --parameters: expected one of them; --vary NAME=VALUE fixes one besides sets"
        )
    vary: dict[str, str] = {}
    for name, values in (pair("--vary", text) for text in request.vary):
        if name in vary:
            raise ValueError(f"--vary: {name} is given twice, expected all its values in one")
        vary[name] = values
    summaries = [one for text in request.summaries for one in split_summaries(text)]
    return plan_sweep(
        scenario,
        vary,
        readout_keys(scenario, request.readouts),
        summaries=summaries or None,
        parameters=request.sets if request.sets is not None else numbers(request.parameters) or None,
        design=request.design,
        samples=request.samples,
        seed=request.seed,
        rtol=request.rtol,
    )


def split_summaries(text: str) -> list[str]:
    """Split at commas that are not in brackets.

    Examples
    --------
    >>> split_summaries("final, ic50(imatinib, 48 h)")
    ['final', 'ic50(imatinib, 48 h)']
    """
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _own_folder(planned: Sweep) -> str:
    """Name the folder of a sweep, the same for the same sweep only: one that was stopped can go on."""
    return f"sweep_{planned.task.scenario.name}-{planned.job.digest()[:6]}"


def _finish(results: xr.Dataset, out: Path, store: Path, seed: int, max_failed: float) -> int:
    from nicheloop.analysis.sweep.table import values_of

    with staged(out) as folder:
        files = _write(results, folder, store, seed)
    told(out, files, files[0])
    count = values_of(results)
    if count > SMALL:
        print(f"{count:,} values are too many for a table: nicheloop.open_sweep({str(store)!r}) reads them")
    about = results.attrs
    return _verdict(about["failed_runs"], about["runs"], about.get("first_failure", ""), max_failed)


def _write(results: xr.Dataset, folder: Path, store: Path, seed: int) -> list[str]:
    from nicheloop.analysis.sweep.table import values_of, write_csv
    from nicheloop.figures.style import save
    from nicheloop.figures.sweep import plot_sweep
    from nicheloop.report.manifest import provenance, write_manifest

    files = [path.name for path in save(plot_sweep(results), folder / "sweep")]
    if values_of(results) <= SMALL:
        write_csv(results, folder / "sweep.csv")
        files.append("sweep.csv")
    attributes: dict[str, Any] = {name: value for name, value in results.attrs.items() if name != "seed"}
    about = provenance(command_line(), seed=seed, more={"store": store.name, **attributes})
    return [*files, write_manifest(folder, about, files)]


def _verdict(failed: int, runs: int, first: str, allowed: float) -> int:
    """Return the exit code, and say on stderr what failed."""
    if failed:
        print(f"nicheloop: {failed} of {runs} runs failed{first and f', first {first}'}", file=sys.stderr)
    return FAILED_RUNS if failed > allowed * runs else DONE


def _stores(folder: Path) -> list[Path]:
    """Return the stores of shards in a folder, or the folder if it is one."""
    from nicheloop.execution.journal import JOURNAL

    if (folder / JOURNAL).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"shard-*/{JOURNAL}"))
    if not found:
        what = "holds no shard" if folder.is_dir() else "no such folder"
        raise ValueError(
            f"{folder}: {what}, expected what `nicheloop sweep --shard i/n --out {folder}` writes"
        )
    return found
