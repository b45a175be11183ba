"""The report as one HTML page that needs nothing else: style and figures are inside, there is no script."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.analysis.evidence import Reproduction
from nicheloop.biology.table import EVIDENCE, references, rows
from nicheloop.report.verdicts import explanation, sign_kept, verdict

if TYPE_CHECKING:
    from jinja2 import Environment

_WIDTH = re.compile(r'<svg[^>]*?\bwidth="([\d.]+)pt"')
EVIDENCE_MEANING = {
    "measured": "read in the source that is named",
    "fitted": "set by the calibration to the table of numbers",
    "estimate": "derived from values in the sources",
    "assumed": "nothing was found: a wide prior stands for not knowing",
}
NETWORK = "The model"
NETWORK_CAPTION = (
    "Read off the equations: an arrow where more of one thing speeds up the rise of another, a bar where it "
    "slows it down, a dotted line where it does either, depending on the state. More cells make more of what "
    "cells make; these arrows are left out. So are influences of less than 2 % of all on their target, and "
    "one of the two arrows between things that turn into or bind each other."
)
WEAKEST_CAPTION = (
    "Every parameter set of the ensemble, ranked, for the effect that the fewest show as claimed. Blue: as "
    "claimed and visible in an assay; vermilion: not; dashed: default; orange: the bare prior."
)


@dataclass(frozen=True)
class Inlined:
    """A figure inside the page: title, caption, data URI and width in CSS pixels."""

    title: str
    caption: str
    uri: str
    width: int


def render(
    found: Reproduction,
    folder: Path,
    about: Mapping[str, Any],
    statements: Mapping[str, str],
    caveats: Mapping[str, str] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    found : Reproduction
        Effects, panels, facts and checks.
    folder : Path
        Where the SVG of every panel (and of ``network``, ``calibration`` and ``weakest``) lies.
    about : mapping
        Of :func:`nicheloop.report.provenance`.
    statements : mapping
        Text of each claim; claims are shown in this order, then any other that has effects.
    caveats : mapping, optional
        What a reader must keep in mind about a claim.
    """
    names = dict.fromkeys([*statements, *(effect.claim for effect in found.effects)])
    table = list(rows().values())
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            found=found,
            about=about,
            verdicts=[verdict(name, statements.get(name, ""), found.effects) for name in names],
            caveats=dict(caveats or {}),
            figures={name: _figures(found, folder, name) for name in names},
            network=_overview(folder, "network", NETWORK, NETWORK_CAPTION),
            calibration=_overview(
                folder, "calibration", "Share of the parameter sets with the claimed sign", ""
            ),
            weakest=_overview(folder, "weakest", "The weakest effect of each claim", WEAKEST_CAPTION),
            explanation=explanation,
            sign_kept=sign_kept,
            parameters=table,
            evidence=[
                (kind, EVIDENCE_MEANING[kind], Counter(row.evidence for row in table)[kind])
                for kind in EVIDENCE
            ],
            references=references(),
        )
    )


def environment() -> Environment:
    """Return the templates of all pages."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("nicheloop.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "percent": percent}
    return made


def number(value: float, digits: int = 3) -> str:
    """Write a number for a reader: three digits, powers of ten for the very small and large.

    Examples
    --------
    >>> number(0.21549), number(1234567.0), number(float("inf")), number(float("nan"))
    ('0.215', '1.23×10⁶', '∞', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 5:
        text = f"{value:.{max(digits - 1 - exponent, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", "−")
    mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".replace("-", "−")
    return f"{mantissa}×10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def percent(value: float) -> str:
    """Write a share as a percentage."""
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def _figures(found: Reproduction, folder: Path, claim: str) -> list[Inlined]:
    return [
        inlined(folder / f"{panel.name}.svg", panel.title, panel.caption)
        for panel in found.panels
        if panel.claim == claim
    ]


def _overview(folder: Path, name: str, title: str, caption: str) -> Inlined | None:
    path = folder / f"{name}.svg"
    return inlined(path, title, caption) if path.is_file() else None


def inlined(path: Path, title: str, caption: str) -> Inlined:
    """Return an SVG as a figure inside the page."""
    svg = path.read_bytes()
    found = _WIDTH.search(svg[:2000].decode("utf-8", "replace"))
    points = float(found[1]) if found else 252.0
    uri = "data:image/svg+xml;base64," + b64encode(svg).decode("ascii")
    return Inlined(title, caption, uri, round(points * 1.75))
