"""`nicheloop fit`: parameters from assay tables, and what the data can and cannot tell."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.cli.place import STORE, Place

if TYPE_CHECKING:
    from nicheloop.analysis.fit.fit import Fit
    from nicheloop.analysis.fit.posterior import Posterior
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.analysis.fit.story import Findings
    from nicheloop.analysis.fit.summaries import SummaryTerm
    from nicheloop.assays.tables.frame import AssayTable
    from nicheloop.execution import Engine

FEWEST = 8
"""Steps of a chain of which anything can be said."""
PACKAGES = ("pypesto", "fides", "emcee")
PUBLISHED = "published"
IMATINIB = "imatinib_k562"
"""Table of published numbers that ``published`` stands for."""


@dataclass(frozen=True)
class Request:
    """What was typed.

    Attributes
    ----------
    data : sequence of str
        Files, or names of tables that ship.
    sheet, layout : str or None
        Of an Excel file; of a plate map.
    constraints : sequence of str
        ``published``, names of tables that ship, or files.
    free : str or None
        Parameters that are free, with commas; None: those that the data can tell from each other.
    parameters : sequence of str
        Parameters that differ from the table, ``NAME=VALUE`` or a file.
    resistance, promoter : str or None
        The hypothesis; None: that of the files in ``parameters``, or of each well.
    noise : str
        ``estimated`` or ``fixed``.
    starts, seed : int
        Of the search.
    optimizer : str
        Of the local searches.
    profile : bool
        Whether profile likelihoods are computed.
    sample : int
        Steps of each chain; 0: the Laplace approximation.
    sampler : str
        ``tempering`` or ``ensemble``.
    notes : sequence of str
        What a reader of the report must keep in mind about these data.
    """

    data: Sequence[str]
    sheet: str | None = None
    layout: str | None = None
    constraints: Sequence[str] = ()
    free: str | None = None
    parameters: Sequence[str] = ()
    resistance: str | None = None
    promoter: str | None = None
    noise: str = "estimated"
    starts: int = 50
    seed: int = 1
    optimizer: str = "fides"
    profile: bool = True
    sample: int = 0
    sampler: str = "tempering"
    notes: Sequence[str] = ()


def run(request: Request, place: Place) -> int:
    """Fit, and write report, tables, figures, ``fitted.toml`` and ``manifest.json``.

    What is finished is kept in ``store`` beside them: the same command goes on where it was ended.

    Returns
    -------
    int
        Exit code: 1 if more than ``max_failed`` of the starts could not be simulated.

    Raises
    ------
    ValueError
        On misuse, before anything is computed or written.
    """
    from nicheloop.analysis.fit.story import findings

    began = time.monotonic()
    _check(request)
    problem = _problem(request)
    engine, where = place.engine()
    out = place.out or Path("results") / f"fit_{_stem(request)}"
    check_folder(out)
    print(f"fit: {len(problem.data)} values, {len(problem.names)} free, on {where}", file=sys.stderr)
    fit = _fitted(problem, request, engine, out / STORE)
    posterior = _sampled(fit, request, engine, out / STORE / "sample") if request.sample else None
    found = findings(fit, posterior)
    _finish(found, request, out, time.monotonic() - began)
    failed, starts = fit.search.failed, len(fit.search.optima)
    if failed:
        print(f"nicheloop: {failed} of {starts} starts could not be simulated", file=sys.stderr)
    return FAILED_RUNS if failed > place.max_failed * starts else DONE


def _check(request: Request) -> None:
    """Refuse, before anything is computed, what cannot be done later."""
    from nicheloop.analysis.fit.samplers import Sampling
    from nicheloop.analysis.fit.search import OPTIMIZERS
    from nicheloop.assays.names import unknown

    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise ValueError(f"{name} is not installed: pip install 'nicheloop[fit]'")
    if request.optimizer not in OPTIMIZERS:
        raise ValueError(f"--optimizer: {unknown('optimizer', request.optimizer, OPTIMIZERS)}")
    Sampling(method=request.sampler, seed=request.seed)
    if 0 < request.sample < FEWEST:
        raise ValueError(f"--sample: got {request.sample}, expected 0, or at least {FEWEST}")


def _stem(request: Request) -> str:
    return Path(request.data[0]).stem if request.data else "constraints"


def _problem(request: Request) -> FitProblem:
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.cli.values import hypothesis, numbers

    tables = [_table(source, request) for source in request.data]
    free = (
        None if request.free is None else [name.strip() for name in request.free.split(",") if name.strip()]
    )
    fitted = hypothesis(request.parameters)
    return FitProblem(
        tables,
        free,
        resistance=request.resistance or fitted.get("resistance"),
        promoter=request.promoter or fitted.get("promoter"),
        noise=request.noise,
        base=numbers(request.parameters),
        constraints=_terms(request.constraints),
    )


def _table(source: str, request: Request) -> AssayTable:
    from nicheloop.assays.tables.normalise import raw_rows
    from nicheloop.assays.tables.read import read_assay
    from nicheloop.data.shipped import data_names, load_data

    if source in data_names() and not Path(source).exists():
        return load_data(source)
    table = read_assay(source, request.sheet, request.layout)
    return table.normalise() if raw_rows(table).any() else table


def _terms(given: Sequence[str]) -> tuple[SummaryTerm, ...]:
    from nicheloop.analysis.fit.summaries import ic50_terms
    from nicheloop.data.published import load_constraints

    found: list[SummaryTerm] = []
    for name in given:
        terms = ic50_terms(load_constraints(IMATINIB if name == PUBLISHED else name))
        if not terms:
            raise ValueError(
                f"--constraints {name}: holds no half-maximal dose of a line, expected one at least"
            )
        found += terms
    return tuple(found)


def _fitted(problem: FitProblem, request: Request, engine: Engine, store: Path) -> Fit:
    from nicheloop.analysis.fit.fit import Fit
    from nicheloop.analysis.fit.identify import identify
    from nicheloop.analysis.fit.profile import profiles
    from nicheloop.analysis.fit.search import multistart
    from nicheloop.execution.progress import progress

    with progress("starts") as show:
        found = multistart(
            problem, request.starts, request.seed, request.optimizer, engine, store / "search", show
        )
    traced = None
    if request.profile:
        with progress("profiles") as show:
            traced = profiles(problem, found.best, None, engine, store / "profiles", show)
    best = found.best if traced is None else traced.optimum
    return Fit(problem, found, traced, identify(problem, best.x), request.seed)


def _sampled(fit: Fit, request: Request, engine: Engine, store: Path) -> Posterior:
    from nicheloop.analysis.fit.posterior import sample
    from nicheloop.analysis.fit.samplers import Sampling
    from nicheloop.execution.progress import progress

    sampling = Sampling(method=request.sampler, seed=request.seed)
    with progress("sample") as show:
        return sample(
            fit.problem, fit.optimum.x, request.sample, sampling, store=store, engine=engine, progress=show
        )


def _finish(found: Findings, request: Request, out: Path, seconds: float) -> None:
    """Write everything, and say the most important of it."""
    from importlib import metadata

    from nicheloop.report.fit_page import write_fit
    from nicheloop.report.manifest import provenance

    more: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "data": [table.source for table in found.problem.tables],
        "free": list(found.problem.free.names),
        "starts": len(found.search.optima),
        "failed_starts": found.search.failed,
        "reduced_chi_square": found.quality.reduced,
        "verdicts": {one.name: one.verdict for one in found.estimates},
        "store": STORE,
    }
    about = provenance(command_line(), seed=request.seed, parameters=found.problem.base, more=more)
    about["versions"] |= {name: metadata.version(name) for name in PACKAGES}
    with staged(out) as folder:
        files = write_fit(found, folder, about, request.notes)
    for sentence in (found.tell, found.tell_partly, found.cannot_tell, found.quality.verdict):
        if sentence:
            print(sentence)
    print(f"Search: {found.fit.verdict}.")
    told(out, files, files[0])
