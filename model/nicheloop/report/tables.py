"""The tables of a result as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from nicheloop.analysis.evidence import Check, Effect, FactAgainst, Panel

CLAIM_COLUMNS = (
    "claim", "experiment", "effect", "unit", "default", "low", "high", "fraction_with_claimed_sign", "holds",
    "prior_low", "prior_high", "prior_fraction",
)  # fmt: skip
CHECK_COLUMNS = ("quantity", "target", "unit", "value", "low", "high", "met", "source")
FACT_COLUMNS = ("fact", "source", "switch", "claim", "effect", "unit", "default", "switched")
SERIES_COLUMNS = ("panel", "series", "x", "default", "low", "high", "prior_low", "prior_high")


def write_claims(effects: Iterable[Effect], path: Path) -> None:
    """Write one row per effect; ``holds`` is empty where no sign is claimed, or no ensemble was run."""
    _write(
        path,
        CLAIM_COLUMNS,
        (
            (
                effect.claim, effect.experiment, effect.effect, effect.unit,
                effect.default, effect.low, effect.high,
                effect.fraction_with_claimed_sign,
                effect.holds if effect.expected_sign and effect.ensemble.size else None,
                effect.prior_low, effect.prior_high, effect.prior_fraction,
            )
            for effect in effects
        ),
    )  # fmt: skip


def write_checks(checks: Iterable[Check], path: Path) -> None:
    """Write one row per number that the default must meet."""
    _write(path, CHECK_COLUMNS, ([getattr(check, name) for name in CHECK_COLUMNS] for check in checks))


def write_facts(facts: Iterable[FactAgainst], path: Path) -> None:
    """Write one row per fact against the mechanism and effect of a claim."""
    _write(
        path,
        FACT_COLUMNS,
        ((fact.fact, fact.source, fact.switch, *effect) for fact in facts for effect in fact.effects),
    )


def write_series(panels: Iterable[Panel], path: Path) -> None:
    """Write the numbers behind the figures, one row per point; the x of a bar is its category."""
    _write(path, SERIES_COLUMNS, (row for panel in panels for row in _points(panel)))


def _points(panel: Panel) -> Iterable[Sequence[object]]:
    for series in panel.series:
        columns = (series.default, series.low, series.high, series.prior_low, series.prior_high)
        for i, x in enumerate(series.x):
            position = panel.categories[int(x)] if panel.categories else float(x)
            values = [None if column is None else float(column[i]) for column in columns]
            yield (panel.name, series.label, position, *values)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> str:
    """Write numbers with seven digits, nothing for what is missing or failed."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.7g}" if isinstance(value, float) else str(value)
