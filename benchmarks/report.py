"""Tables of what was measured, for the terminal and for ``results.md``."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.goals import Verdict, fastest
from benchmarks.measure import MATCHED, OURS, Timing, ratio

TITLES = {
    "set-up": "set-up",
    "single": "single run",
    "sweep 1": "sweep, 1 core",
    "sweep 2": "sweep, 2 cores",
    "gradient": "gradient",
}


@dataclass
class Record:
    """All that was measured."""

    cases: dict[str, Case] = field(default_factory=dict)
    setup: dict[str, dict[str, float]] = field(default_factory=dict)
    items: dict[tuple[str, str], Mapping[str, Timing]] = field(default_factory=dict)
    others: dict[tuple[str, str], float] = field(default_factory=dict)
    cross_checks: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def table_of(record: Record, case: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows for one case: per engine its times, the ratio to ours, its error."""
    items = [item for name, item in record.items if name == case]
    header = ["engine", "set-up, s", *(TITLES[item] for item in items)]
    rows = []
    setup = {name: f"{seconds:.2f}" for name, seconds in record.setup[case].items()}
    for engine in sorted({*setup, MATCHED}, key=[*OURS, *setup].index):
        cells = [engine, setup.get(engine, "-")]
        cells += [_cell(record.items[case, item], engine) for item in items]
        rows.append(cells)
    return header, rows


def _cell(timings: Mapping[str, Timing], engine: str) -> str:
    timing = timings.get(engine)
    if timing is None:
        return "-"
    if timing.problem:
        return "failed"
    ours = fastest(timings, OURS)
    text = f"{_milliseconds(timing.typical)} ms"
    if ours is not None and ours != engine:
        text += f" ({ratio(timings[ours], timing):.3g}x)"
    return f"{text}, {timing.error:.0e}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def show(record: Record, verdicts: Iterable[Verdict]) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, case in record.cases.items():
        header, rows = table_of(record, name)
        console.print(_rich(Table(title=case.title), header, rows))
    rows = [[v.goal, v.measured, v.word] for v in verdicts]
    console.print(_rich(Table(title="Goals"), ["goal", "measured", ""], rows))
    for name, reason in {**record.absent, **record.failures}.items():
        console.print(f"{name}: {reason}", markup=False)


def _rich(table: object, header: list[str], rows: list[list[str]]) -> object:
    from rich.table import Table

    assert isinstance(table, Table)
    for title in header:
        table.add_column(title)
    for row in rows:
        table.add_row(*row)
    return table


def markdown(record: Record, verdicts: Iterable[Verdict], command: str) -> str:
    """The same as a document."""
    lines = ["# Measurements", "", *_provenance(record, command), "", "## Goals", ""]
    lines += _markdown_table(
        ["goal", "measured", "verdict", "what limits it"],
        [[v.goal, v.measured, v.word, v.limit] for v in verdicts],
    )
    lines += ["", "## How to read the tables", "", *_EXPLANATION, ""]
    for name, case in record.cases.items():
        system = case.system
        lines += [
            f"## {case.title}",
            "",
            f"{system.n} species, {len(case.network.reactions)} reactions, {len(case.varied)} parameters "
            f"vary. Tolerances: relative {case.rtol:g}, absolute {_range(case)}. The reference (LSODA) and "
            f"Radau at the same tolerance differ by {record.cross_checks[name]:.0e}. "
            f"{_bystanders(record, name)}",
            "",
            *_markdown_table(*table_of(record, name)),
            "",
        ]
    missing = {**record.absent, **record.failures}
    if missing:
        lines += ["## Not measured", "", *(f"- {name}: {reason}" for name, reason in missing.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


_EXPLANATION = [
    "Times are medians per run over the rounds; in every round each engine works once, one after the other.",
    "In brackets: how many times longer than our fastest engine in that item, the median of the ratios",
    "within the rounds. After the comma: the largest error of any species at any time against SciPy's LSODA",
    "at rtol 1e-11, relative to the largest amount of the species (or to 1,000 absolute tolerances, if it",
    "stays below). Every engine returns all species at all times and was asked for the same tolerances;",
    "those that take a single absolute tolerance got the smallest. A sweep draws all parameters that vary",
    "(log-normal, 25 %); its error is the largest of the first sets. On two cores, engines without threads",
    "run in two forked processes that are set up already and write into shared memory; ours, too, write into",
    "memory that is there before. Gradients are forward sensitivities of all species by all parameters that",
    "vary, one run on one core; like single runs they are repeated one after the other. Their error is",
    "relative to each sensitivity's largest value (at least 1 % of the species'), over ten parameters,",
    "against the variational equations solved by LSODA at rtol 1e-11. PySB's simulator runs our model with",
    "all its species, the others with those that can occur. CasADi's runs are compiled, its gradients",
    "interpreted: compiling those takes minutes.",
    "",
    f"`{MATCHED}` is our engine at the loosest relative tolerance (in half powers of ten from 1e-3) at which",
    "its error is no larger than that of any other tool that takes at most twice as long as the fastest of",
    "them: the same accuracy, whatever tolerance that takes. The goals ask for speed at no larger error.",
]


def _bystanders(record: Record, case: str) -> str:
    shares = [f"{TITLES[item]} {share:.0%}" for (name, item), share in record.others.items() if name == case]
    return f"Other programs took of the machine meanwhile: {', '.join(shares)}."


def _range(case: Case) -> str:
    low, high = float(case.atol.min()), float(case.atol.max())
    return f"{low:g}" if low == high else f"{low:.1e} to {high:.1e} by kind of species"


def _markdown_table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _provenance(record: Record, command: str) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return [
        f"Written by `{command}` on {datetime.date.today().isoformat()}.",
        "",
        f"- Machine: {_processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()}",
        f"- Python {platform.python_version()}; {versions}",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def version_of(distribution: str) -> str:
    """Version of an installed package."""
    if distribution == "nicheloop":
        from nicheloop import __version__

        return str(__version__)
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"
