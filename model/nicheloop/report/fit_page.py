"""A fit written to a folder: tables, figures, one HTML page that needs nothing else, manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.report.manifest import write_manifest
from nicheloop.report.page import Inlined, environment, inlined

if TYPE_CHECKING:
    from nicheloop.analysis.fit.story import Findings

REPORT = "report.html"


def write_fit(
    found: Findings, folder: Path, about: Mapping[str, Any], notes: Sequence[str] = ()
) -> list[str]:
    """Write everything `nicheloop fit` leaves behind.

    Parameters
    ----------
    found : Findings
        What the fit found.
    folder : Path
        An existing folder.
    about : mapping
        Of :func:`nicheloop.report.provenance`, with ``seconds``.
    notes : sequence of str
        What a reader must keep in mind about these data.

    Returns
    -------
    list of str
        Names of the files, ``report.html`` first.
    """
    found.fit.to_toml(folder / "fitted.toml")
    names = ["fitted.toml", *_tables(found, folder), *_figures(found, folder)]
    (folder / REPORT).write_text(render_fit(found, folder, about, notes), encoding="utf-8")
    names = [REPORT, *names]
    return [*names, write_manifest(folder, about, names)]


def _tables(found: Findings, folder: Path) -> list[str]:
    import pandas as pd

    from nicheloop.analysis.fit.quality import predictions_frame

    starts = {
        "start": [one.start for one in found.search.optima],
        "objective": [one.value for one in found.search.optima],
        "above_best": found.search.waterfall,
        "evaluations": [one.evaluations for one in found.search.optima],
        "failed_evaluations": [one.failed_evaluations for one in found.search.optima],
        "message": [one.message for one in found.search.optima],
    }
    points = np.array([found.problem.space.numbers(one.x) for one in found.search.optima])
    columns = {name: points[:, i] for i, name in enumerate(found.problem.names)}
    frames = {
        "parameters.csv": found.to_dataframe(),
        "predictions.csv": predictions_frame(found.problem, found.quality, found.check),
        "waterfall.csv": pd.DataFrame({**starts, **columns}),
        "profiles.csv": pd.DataFrame(
            [
                (name, at, value - profile.lowest[1])
                for name, profile in found.profiles.items()
                for at, value in zip(profile.numbers, profile.values, strict=True)
            ],
            columns=["parameter", "value", "objective_above_lowest"],
        ),
    }
    if found.posterior.kind == "sample":
        drawn = found.problem.space.numbers(found.posterior.thinned(len(found.posterior)))
        frames["sample.csv"] = pd.DataFrame(drawn, columns=list(found.problem.names))
    for name, frame in frames.items():
        frame.to_csv(folder / name, index=False, float_format="%.9g", lineterminator="\n")
    return list(frames)


def _figures(found: Findings, folder: Path) -> list[str]:
    from nicheloop.analysis.fit.story import abscissae
    from nicheloop.figures import fit as drawn
    from nicheloop.figures.assay import plot_assay
    from nicheloop.figures.style import save

    units = {one.name: one.unit for one in found.estimates}
    model = found.problem.split(found.check.predictions.T)
    figures: dict[str, Any] = {
        name: plot_assay(table, part.T)
        for name, table, part in zip(_data_names(found), found.problem.tables, model, strict=True)
    }
    figures["waterfall"] = drawn.starts(found.search)
    figures["residuals"] = drawn.residuals(found.quality, abscissae(found.problem))
    figures["parameters"] = drawn.fitted_parameters(found.estimates)
    if found.profiles:
        figures["profiles"] = drawn.profiles(found.profiles, units)
    return [path.name for name, figure in figures.items() for path in save(figure, folder / name)]


def _data_names(found: Findings) -> list[str]:
    count = len(found.problem.tables)
    return ["data"] if count == 1 else [f"data_{number}" for number in range(1, count + 1)]


def render_fit(found: Findings, folder: Path, about: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """Return the page; ``folder`` holds the SVG of every figure."""
    drawn = "a sample of the posterior" if found.posterior.kind == "sample" else "the Laplace approximation"
    sources = [Path(table.source).name for table in found.problem.tables]
    data = f"Band: 90 % of what the model says for {drawn}, without noise."
    figures: dict[str, Inlined | list[Inlined] | None] = {
        "data": [
            inlined(folder / f"{name}.svg", source, data)
            for name, source in zip(_data_names(found), sources, strict=True)
        ],
        "parameters": inlined(folder / "parameters.svg", "Parameters before and after", ""),
        "waterfall": inlined(
            folder / "waterfall.svg",
            "Objective of all starts",
            "Negative log posterior of every start above the best one. A plateau at the bottom means that "
            "many starts found the same point; steps above it are other explanations, worse by so much.",
        ),
        "residuals": inlined(
            folder / "residuals.svg",
            "Residuals",
            "Measured less predicted at the best point, in widths of the noise. Beige: 95 % of normal noise.",
        ),
        "profiles": inlined(folder / "profiles.svg", "Profile likelihoods", "") if found.profiles else None,
    }
    return (
        environment()
        .get_template("fit.html.j2")
        .render(
            found=found,
            about=about,
            figures=figures,
            directions=found.fit.identifiability,
            sources=sources or ["the published numbers"],
            hypotheses=found.problem.hypotheses,
            notes=list(notes),
        )
    )
