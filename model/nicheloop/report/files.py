"""A result written to a folder: tables, figures, page, manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nicheloop.analysis.evidence import Panel, Reproduction
from nicheloop.report.manifest import write_manifest
from nicheloop.report.tables import write_checks, write_claims, write_facts, write_series
from nicheloop.report.verdicts import weakest_effects


def write_reproduction(
    found: Reproduction,
    folder: Path,
    about: Mapping[str, Any],
    statements: Mapping[str, str],
    caveats: Mapping[str, str] | None = None,
) -> list[str]:
    """Write everything `nicheloop reproduce` leaves behind.

    Parameters
    ----------
    found : Reproduction
        Effects, panels, facts and checks.
    folder : Path
        An existing folder.
    about : mapping
        Of :func:`nicheloop.report.provenance`.
    statements : mapping
        Text of each claim.
    caveats : mapping, optional
        What a reader must keep in mind about a claim.

    Returns
    -------
    list of str
        Names of the files: ``claims.csv``, ``checks.csv``, ``facts.csv``, ``series.csv``, PNG and SVG
        of every panel, of the model and of all claims together, ``report.html``, ``manifest.json``.
    """
    from nicheloop.report.page import render

    names = _tables(found, folder)
    write_checks(found.checks, folder / "checks.csv")
    write_facts(found.facts, folder / "facts.csv")
    names += ["checks.csv", "facts.csv", *_figures(found.panels, folder)]
    names += _overview(found, folder)
    page = render(found, folder, about, statements, caveats)
    (folder / "report.html").write_text(page, encoding="utf-8")
    return [*names, "report.html", write_manifest(folder, about, [*names, "report.html"])]


def write_study(found: Reproduction, folder: Path, about: Mapping[str, Any]) -> list[str]:
    """Write the figures of one study and the numbers behind them; return the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    names = _tables(found, folder) + _figures(found.panels, folder)
    if found.facts:
        write_facts(found.facts, folder / "facts.csv")
        names.append("facts.csv")
    return [*names, write_manifest(folder, about, names)]


def _overview(found: Reproduction, folder: Path) -> list[str]:
    """Draw the model, what calibration bought, and the weakest effect of each claim over the ensemble."""
    from nicheloop.figures.calibration import prior_and_ensemble
    from nicheloop.figures.diagram import network
    from nicheloop.figures.effects import waterfalls
    from nicheloop.figures.style import save

    drawn: dict[str, Any] = {"network": network()}
    if any(effect.expected_sign for effect in found.effects):
        drawn["calibration"] = prior_and_ensemble(found.effects)
    weakest = weakest_effects(found.effects)
    if weakest:
        drawn["weakest"] = waterfalls(weakest)
    return [path.name for name, figure in drawn.items() for path in save(figure, folder / name)]


def _tables(found: Reproduction, folder: Path) -> list[str]:
    write_series(found.panels, folder / "series.csv")
    if not found.effects:
        return ["series.csv"]
    write_claims(found.effects, folder / "claims.csv")
    return ["series.csv", "claims.csv"]


def _figures(panels: tuple[Panel, ...], folder: Path) -> list[str]:
    from nicheloop.figures.panels import panel as drawn
    from nicheloop.figures.style import save

    return [path.name for panel in panels for path in save(drawn(panel), folder / panel.name)]
