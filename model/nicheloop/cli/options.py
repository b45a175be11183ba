"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Root of all random draws.")]
MaxFailed = Annotated[
    float,
    typer.Option("--max-failed", min=0, max=1, help="Share of failed runs up to which the exit code is 0."),
]

Scenario = Annotated[
    str | None, typer.Argument(help="Shipped scenario, or path of a TOML file.", show_default=False)
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=DOSE", help="Treatment or line, such as imatinib='1 uM'; repeatable."
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameters",
        metavar="NAME=VALUE|FILE",
        help="Parameter that differs from the table, or a fitted.toml; repeatable.",
    ),
]
Readouts = Annotated[str | None, typer.Option("--readouts", metavar="A,B", help="Read-outs; default: all.")]
Sheet = Annotated[str | None, typer.Option("--sheet", metavar="NAME", help="Sheet of an Excel file.")]
Layout = Annotated[str | None, typer.Option("--layout", metavar="SHEET|FILE", help="Layout of a plate map.")]

Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Worker processes; default: this one, all its cores."),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only part i of n, for job arrays; see merge."),
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", metavar="TCP", help="Address of a Dask scheduler, or local.")
]
