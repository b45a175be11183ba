"""Stock cultures of many parameter sets, followed together where there are enough of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nicheloop.assays.compiled import Compiled, stock_system
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.plan import Plan
from nicheloop.assays.runs.specimen import Culture, Specimen
from nicheloop.assays.settings import Settings

FEW_CULTURES = 8
HORIZON = 1e6
"""For how many hours a stock culture is followed to its balanced growth: a hundred years."""


class StockKey(NamedTuple):
    """What tells the stock cultures of one specimen apart: arguments of `Specimen.stock`."""

    host: str
    promoter: str
    resistance: str
    fixed: FrozenMap[float]


def stocks_of(plan: Plan) -> Iterator[StockKey]:
    """Return the stock cultures that a plan seeds."""
    scenario = plan.scenario
    for inoculum in plan.inocula:
        if inoculum.density > 0:
            yield StockKey(inoculum.host, scenario.promoter, scenario.resistance, plan.stock_parameters)


def grow_stocks(keys: Iterable[StockKey], specimens: Sequence[Specimen], settings: Settings) -> None:
    """Follow the stock cultures that are not known yet, all with the same equations at once.

    Few specimens find each of theirs by itself, when it is asked for: that needs no kernel to be compiled.
    """
    if len(specimens) < FEW_CULTURES:
        return
    grow_cultures(((specimen, key) for key in dict.fromkeys(keys) for specimen in specimens), settings)


def grow_cultures(wanted: Iterable[tuple[Specimen, StockKey]], settings: Settings) -> None:
    """Follow stock cultures that are not known yet, all with the same equations at once, however few.

    A culture is the same, to the last bit, whichever others are followed with it.
    """
    missing: dict[Compiled, dict[tuple[int, object], tuple[Specimen, Culture]]] = {}
    for specimen, key in wanted:
        if specimen.knows_stock(key):
            continue
        system = stock_system(key.promoter, key.host)
        culture = specimen.culture(key.host, system, key.resistance, key.fixed)
        if not specimen.has_stock(culture):
            missing.setdefault(system, {})[id(specimen), culture.key] = (specimen, culture)
    for system, cultures in missing.items():
        _follow(system, list(cultures.values()), settings)


def _follow(system: Compiled, wanted: Sequence[tuple[Specimen, Culture]], settings: Settings) -> None:
    from nicheloop.integrate import balanced_growths

    anchor = system.anchors[wanted[0][1].host]
    starts = np.stack([anchor / anchor.sum() * culture.density for _, culture in wanted])
    vectors = np.stack([culture.vector for _, culture in wanted])
    found = balanced_growths(
        system.system, vectors, starts, anchor, horizon=HORIZON, atol=system.atol, threads=settings.threads
    )
    for (specimen, culture), state in zip(wanted, found, strict=True):
        specimen.keep_stock(culture, state)
