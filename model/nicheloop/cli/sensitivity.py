"""`nicheloop sensitivity`: which parameters decide the read-outs of scenarios, as tables and figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.cli.main import DONE, FAILED_RUNS
from nicheloop.cli.output import check_folder, command_line, staged, told
from nicheloop.cli.place import STORE, Place
from nicheloop.cli.simulate import changed, readout_keys
from nicheloop.cli.sweep import split_summaries
from nicheloop.cli.values import numbers, pair, under

if TYPE_CHECKING:
    from nicheloop.analysis.sensitivity import Sensitivity
    from nicheloop.analysis.sensitivity.model import ScenarioModel
    from nicheloop.analysis.sensitivity.run import Analysis
    from nicheloop.analysis.sensitivity.space import Space
    from nicheloop.assays.scenario import Scenario

LEADERS = 5
"""Factors that are named on the terminal, per output."""


@dataclass(frozen=True)
class Request:
    """What was typed."""

    sources: Sequence[str]
    method: str
    readouts: str | None
    vary: str | None
    groups: str | None
    group: Sequence[str]
    changes: Sequence[str]
    parameters: Sequence[str]
    times: str | None
    summaries: Sequence[str]
    log: str | None
    samples: int | None
    draws: str
    seed: int
    second_order: bool
    failed: str
    bootstrap: int | None
    rtol: float | None


def run(request: Request, place: Place) -> int:
    """Analyse, or evaluate one shard only; the same again goes on where it stopped.

    Returns
    -------
    int
        Exit code: 1 if more than ``max_failed`` of the rows failed.

    Raises
    ------
    ValueError
        On misuse, before anything is computed or written.
    """
    from nicheloop.analysis.sensitivity.local import local_sensitivity
    from nicheloop.analysis.sensitivity.scenarios import LOCAL

    scenarios = [_scenario(source, request) for source in request.sources]
    out = place.out or Path("results") / f"sensitivity_{'_'.join(one.name for one in scenarios)}"
    model, space = _asked(request, scenarios)
    check_folder(out)
    if request.method == LOCAL:
        if place.shard is not None:
            raise ValueError("--shard: method 'local' is a single run")
        return _finish(local_sensitivity(model), out, request, place)
    analysis = _analysis(request, model, space)
    return _sampled(analysis, out, request, place)


def _sampled(analysis: Analysis, out: Path, request: Request, place: Place) -> int:
    from nicheloop.execution.progress import progress

    engine, where = place.engine()
    shard, store = place.part(), place.store(out)
    print(f"sensitivity: {analysis.rows:,} parameter sets on {where}", file=sys.stderr)
    if shard is not None:
        with progress("sensitivity") as show:
            analysis.evaluate(engine, store=store, shard=shard, progress=show)
        print(
            f"shard {place.shard} is in {store}; when all are done: nicheloop merge {out}, then this command "
            "without --shard"
        )
        return DONE
    with progress("sensitivity") as show:
        found = analysis.run(engine, store=store, progress=show)
    return _finish(found, out, request, place)


def _scenario(source: str, request: Request) -> Scenario:
    from nicheloop.assays.library import load_scenario

    return under(changed(load_scenario(source), request.changes), request.parameters)


def _asked(request: Request, scenarios: Sequence[Scenario]) -> tuple[ScenarioModel, Space]:
    """Read what is looked at and what varies."""
    from nicheloop.analysis.sensitivity.scenarios import model_and_space

    if request.groups is not None and request.group:
        raise ValueError("--groups and --group: expected one of them")
    groups: dict[str, list[str]] = {}
    for name, members in (pair("--group", text, "NAME=A,B") for text in request.group):
        groups[name] = _listed(members)
    log: bool | list[str] = request.log == "all" or _listed(request.log or "")
    return model_and_space(
        list(scenarios),
        request.method,
        _readouts(request.readouts, scenarios),
        None if request.vary is None else _listed(request.vary),
        request.groups or groups or None,
        _listed(request.times) if request.times else None,
        [one for text in request.summaries for one in split_summaries(text)] or None,
        log,
        numbers(request.parameters),
        request.rtol,
    )


def _analysis(request: Request, model: ScenarioModel, space: Space) -> Analysis:
    from nicheloop.analysis.sensitivity.run import Analysis
    from nicheloop.analysis.sensitivity.scenarios import levels_of

    grouped = request.groups or request.group or None
    points = levels_of(request.draws, request.method, space, request.vary, grouped)
    return Analysis.of(
        model,
        space,
        request.method,
        samples=request.samples,
        seed=request.seed,
        second_order=request.second_order,
        bootstrap=request.bootstrap,
        failed=request.failed,
        outputs=model.outputs,
        settings=model.told(),
        points=points,
    )


def _readouts(given: str | None, scenarios: Sequence[Scenario]) -> Mapping[str, list[str]] | None:
    """Return the read-outs of every scenario: all that are named for it, or for none in particular."""
    from nicheloop.assays.names import unknown

    if given is None:
        return None
    found: dict[str, list[str]] = {scenario.name: [] for scenario in scenarios}
    for part in _listed(given):
        name, slash, readout = part.rpartition("/")
        if slash and name not in found:
            raise ValueError(f"--readouts: {unknown('scenario', name, found)}")
        for scenario in scenarios:
            if name in ("", scenario.name):
                found[scenario.name] += readout_keys(scenario, readout) or []
    return found


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _finish(found: Sensitivity, out: Path, request: Request, place: Place) -> int:
    with staged(out) as folder:
        files = write_sensitivity(found, folder, {"store": STORE, "groups": dict(found.members)})
    for line in summary(found):
        print(line)
    told(out, files, files[0])
    if found.failed:
        worst = next(iter(found.reasons))
        print(f"nicheloop: {found.failures()}; most often: {worst}", file=sys.stderr)
    return FAILED_RUNS if found.failed_fraction > place.max_failed else DONE


def write_sensitivity(
    found: Sensitivity, folder: Path, more: Mapping[str, Any], command: str | None = None
) -> list[str]:
    """Write figures, ``indices.csv``, ``convergence.csv`` and ``manifest.json``; return their names."""
    from importlib.metadata import version

    from nicheloop.figures.style import save
    from nicheloop.report.manifest import provenance, write_manifest

    files = []
    for kind in figures_of(found):
        files += [path.name for path in save(found.plot(kind), folder / kind)]
    found.to_dataframe().to_csv(folder / "indices.csv", index=False)
    files.append("indices.csv")
    if found.history:
        found.convergence().to_csv(folder / "convergence.csv", index=False)
        files.append("convergence.csv")
    about = {**found.about(), "failures": found.failures(), "reasons": dict(found.reasons), **more}
    about["verdicts"] = {o.label: str(v) for o, v in zip(found.outputs, found.verdicts, strict=True)}
    about["salib"] = version("SALib")
    seed = about.pop("seed")
    manifest = provenance(command or command_line(), seed=seed, more=about)
    return [*files, write_manifest(folder, manifest, files)]


def figures_of(found: Sensitivity) -> list[str]:
    """Return the figures that a result has."""
    kinds = ["tornado"] if any(output.time is None for output in found.outputs) else []
    places = [(o.scenario, o.name, o.line) for o in found.outputs if o.time is not None]
    kinds += ["heatmap"] if len(places) > len(set(places)) else ["tornado"] if places else []
    if found.method == "morris" and all(len(members) == 1 for members in found.members.values()):
        kinds.append("plane")
    if found.second is not None:
        kinds.append("interactions")
    constant = all(verdict.verdict == "constant" for verdict in found.verdicts)
    return [] if constant else list(dict.fromkeys(kinds))


def summary(found: Sensitivity) -> Iterator[str]:
    """Yield a line about every output: the factors that lead, and the verdict."""
    main = found[found.main]
    count = len(found.factors)
    for number, (output, verdict) in enumerate(zip(found.outputs, found.verdicts, strict=True)):
        size = abs(main.value[:count, number])
        order = [i for i in (-size).argsort(kind="stable").tolist() if found.matters[i, number]]
        shown = ", ".join(_told(found, i, number) for i in order[:LEADERS]) or "no factor stands out"
        yield f"{output.label}: {shown}" + ("" if found.method == "local" else f" ({verdict})")


def _told(found: Sensitivity, factor: int, output: int) -> str:
    main = found[found.main]
    value, low, high = (part[factor, output] for part in (main.value, main.low, main.high))
    interval = "" if found.method == "local" else f" [{low:.2g}, {high:.2g}]"
    return f"{found.factors[factor]} {value:.2g}{interval}"
