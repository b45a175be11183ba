"""Entry point: commands, their options, and what becomes of an error.

What a command does is in a module of its own, imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nicheloop.cli.options import (
    Changes,
    Layout,
    MaxFailed,
    Out,
    Parameters,
    Readouts,
    Scenario,
    Scheduler,
    Seed,
    Shard,
    Sheet,
    Workers,
)
from nicheloop.cli.output import ARGUMENTS

DONE, FAILED_RUNS, MISUSE = 0, 1, 2
"""Exit codes: done, more failed runs than allowed, misuse."""

Draws = Annotated[int, typer.Option("--draws", min=1, help="Sets of the ensemble and of the prior.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 too many failed runs, 2 misuse.

    Misuse is told in one line on stderr, without a traceback (``--debug`` shows it), and writes nothing.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    ARGUMENTS.set(tuple(given))
    command = typer.main.get_command(application())
    try:
        code = command.main(args=given, prog_name="nicheloop", standalone_mode=False)
    except (KeyboardInterrupt, Stopped) as error:
        print(f"nicheloop: {str(error) or 'interrupted, nothing was written'}", file=sys.stderr)
        return 130
    except Exception as error:
        problem = _problem(error)
        if problem is None or "--debug" in given:
            raise
        for line in problem.splitlines():
            print(f"nicheloop: {line}", file=sys.stderr)
        return FAILED_RUNS if isinstance(error, RuntimeError) and not _from_parser(error) else MISUSE
    return code if isinstance(code, int) else DONE


def _problem(error: Exception) -> str | None:
    """Return an expected error as one line, or one for each problem of a table; None for a bug."""
    from nicheloop.assays.readouts import ReadoutError
    from nicheloop.assays.tables.problems import AssayError
    from nicheloop.execution.errors import ExecutionError

    expected = (ValueError, ReadoutError, OSError, ExecutionError)
    if type(error).__name__ == "Abort":
        return "stopped"
    if _from_parser(error):
        text = str(error.format_message())  # type: ignore[attr-defined]
        text += " (see --help)"
    elif isinstance(error, expected) or type(error) is RuntimeError:
        text = str(error)
    else:
        return None
    if isinstance(error, AssayError):
        return text
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _from_parser(error: Exception) -> bool:
    """Whether the option parser refused it (recent versions of Typer bring their own copy of Click)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


class Stopped(Exception):
    """Ctrl-C in a command; says what was kept."""


class Commands(TyperGroup):
    """Hands on what a command has to say when it is interrupted; the parser would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Stopped(str(error)) from error


def application() -> typer.Typer:
    """Return the command with all its sub-commands."""
    app = typer.Typer(
        name="nicheloop",
        cls=Commands,
        help="Mechanistic model of the IL-1β, stroma and CXCL11 loops in imatinib-resistant CML.",
        add_completion=False,
        pretty_exceptions_enable=False,
        epilog="Example: nicheloop simulate coculture_imatinib --set imatinib='3 uM'",
    )
    app.callback()(root)
    example = "Example: nicheloop "
    app.command(epilog=f"{example}reproduce --draws 200 --seed 1 --out results/reproduce")(reproduce)
    app.command(
        epilog=f"{example}simulate imatinib_k562r --set imatinib='3 uM' --parameters il1rap_copies_K562R=500 "
        "--readouts viability,il1b; or, over data: nicheloop simulate --like plate.csv"
    )(simulate)
    app.command(epilog=f"{example}parameters --mechanism il1 --evidence assumed")(parameters)
    app.command(epilog=f"{example}scenarios --show coculture_imatinib > mine.toml")(scenarios)
    app.command(epilog=f"{example}study density_dependence --out results/density_dependence")(study)
    app.command(epilog=f"{example}template viability > plate.csv")(template)
    app.command(
        epilog=f"{example}sweep imatinib_k562r --vary imatinib=0,0.01:10:20:log --vary K562R=1e4,1e5 "
        "--readouts viability,il1b --summary 'final,ic50' --sets ensemble:100 --workers 2"
    )(sweep)
    app.command(epilog=f"{example}merge parts")(merge)
    app.command(
        epilog=f"{example}sensitivity imatinib_k562r --method sobol --readouts viability --groups mechanism "
        "--second-order --workers 2"
    )(sensitivity)
    app.command(
        epilog=f"{example}fit plate.csv elisa.csv --parameters-free death_max,il1b_secretion_K562R "
        "--starts 50 --workers 2 --out results/fit_plate"
    )(fit)
    app.command(epilog=f"{example}explore coculture_imatinib --parameters il1b_secretion_K562R=20")(explore)
    return app


def _version(asked: bool) -> None:
    if asked:
        from nicheloop import __version__

        print(f"nicheloop {__version__}")
        raise typer.Exit(DONE)


def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Mechanistic model of the IL-1β, stroma and CXCL11 loops in imatinib-resistant CML."""


def reproduce(
    draws: Draws = 200, seed: Seed = 1, out: Out = Path("results/reproduce"), max_failed: MaxFailed = 0.05
) -> None:
    """Run the six claims of the paper and write the report."""
    from nicheloop.cli.reproduce import run

    raise typer.Exit(run(draws, seed, out or Path("results/reproduce"), max_failed))


def simulate(
    scenario: Scenario = None,
    changes: Changes = None,
    parameters: Parameters = None,
    readouts: Readouts = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="scipy (the reference) or batch; default: scipy, with --like batch."),
    ] = None,
    method: Annotated[str, typer.Option("--method", help="lsoda, bdf or radau.")] = "lsoda",
    like: Annotated[
        Path | None,
        typer.Option(
            "--like", metavar="FILE", help="Assay table (CSV or Excel) whose wells are run instead."
        ),
    ] = None,
    sheet: Sheet = None,
    layout: Layout = None,
    out: Out = None,
) -> None:
    """Run one scenario, or with --like what a table of data describes, and write read-outs as CSV and PNG."""
    if like is not None:
        from nicheloop.cli.like import refuse
        from nicheloop.cli.like import run as run_like

        refuse({"a scenario": scenario, "--set": changes, "--readouts": readouts})
        raise typer.Exit(run_like(like, sheet, layout, parameters or [], engine or "batch", method, out))
    from nicheloop.cli.simulate import run

    if scenario is None:
        raise ValueError("no scenario, expected one (nicheloop scenarios lists them) or --like FILE")
    if sheet is not None or layout is not None:
        raise ValueError("--sheet and --layout: expected with --like FILE only")
    raise typer.Exit(run(scenario, changes or [], parameters or [], readouts, engine or "scipy", method, out))


def parameters(
    mechanism: Annotated[str | None, typer.Option(help="Only this mechanism.")] = None,
    evidence: Annotated[str | None, typer.Option(help="Only this class of evidence.")] = None,
    resistance: Annotated[str, typer.Option(help="Explanation of resistance the values are for.")] = "mixed",
    out: Out = None,
) -> None:
    """List the parameters with value, range, evidence and source."""
    from nicheloop.cli.listings import list_parameters

    list_parameters(mechanism, evidence, resistance, out)


def scenarios(
    show: Annotated[str | None, typer.Option(metavar="NAME", help="Print one scenario as TOML.")] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Print in what two scenarios differ.")
    ] = None,
    out: Out = None,
) -> None:
    """List the shipped scenarios, show one, or compare two."""
    from nicheloop.cli.listings import compare_scenarios, list_scenarios, show_scenario

    if show is not None and diff is not None:
        raise ValueError("--show and --diff: expected one of them")
    if diff is not None:
        compare_scenarios(*diff, out)
    elif show is not None:
        show_scenario(show, out)
    else:
        list_scenarios(out)


def template(
    name: Annotated[str | None, typer.Argument(help="Name; without one, all are listed.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv or xlsx.")] = "csv",
    out: Out = None,
) -> None:
    """Print or write a table of data to fill in."""
    from nicheloop.cli.template import list_templates, run

    if name is None:
        list_templates()
    else:
        run(name, form, out)


def study(
    name: Annotated[str | None, typer.Argument(help="Name; without one, all are listed.")] = None,
    draws: Annotated[
        int | None, typer.Option(min=0, help="Sets of the ensemble and of the prior; default: the study's.")
    ] = None,
    seed: Seed = 1,
    out: Out = None,
    max_failed: MaxFailed = 0.05,
) -> None:
    """Run one study, as the script of that name in simulations/ does."""
    from nicheloop.cli.study import list_studies, run

    if name is None:
        list_studies()
    else:
        raise typer.Exit(run(name, draws, seed, out, max_failed))


def sweep(
    scenario: Annotated[str, typer.Argument(help="Shipped scenario, or path of a TOML file.")],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="NAME=VALUES",
            help="Treatment, line, stroma, at (hours of the first event) or parameter, and 0,1,3 or "
            "from:to:number or from:to:number:log; to be sampled, from:to, from:to:log or (a parameter) "
            "prior. Repeatable; besides what the scenario varies.",
        ),
    ] = None,
    changes: Changes = None,
    readouts: Readouts = None,
    summary: Annotated[
        list[str] | None,
        typer.Option(
            "--summary",
            metavar="A,B",
            help="final, auc, peak, time_of_peak, time_to(0.5), ic50, hill, gr50, bliss, loewe, with drugs "
            "and time in brackets if they do not go without saying; default: course, everything over time.",
        ),
    ] = None,
    sets: Annotated[
        str | None, typer.Option("--sets", metavar="SETS", help="ensemble, ensemble:100 or prior:100.")
    ] = None,
    parameters: Parameters = None,
    design: Annotated[str, typer.Option("--design", help="grid, random, sobol or latin.")] = "grid",
    samples: Annotated[int | None, typer.Option("--samples", help="Samples of a random design.")] = None,
    seed: Seed = 0,
    rtol: Annotated[float, typer.Option("--rtol", help="Relative tolerance.")] = 1e-6,
    workers: Workers = None,
    shard: Shard = None,
    scheduler: Scheduler = None,
    out: Out = None,
    max_failed: MaxFailed = 0.05,
) -> None:
    """Run a scenario over axes and parameter sets; the same command again goes on where it stopped."""
    from nicheloop.cli.place import Place
    from nicheloop.cli.sweep import Request, run

    request = Request(
        scenario, vary or [], changes or [], readouts, summary or [], sets, parameters or [], design, samples,
        seed, rtol,
    )  # fmt: skip
    raise typer.Exit(run(request, Place(workers, scheduler, shard, out, max_failed)))


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="What --shard has written.")],
    out: Out = None,
    max_failed: MaxFailed = 0.05,
) -> None:
    """Put the shards of a sweep together; the result is that of a sweep at once."""
    from nicheloop.cli.sweep import merge as run

    raise typer.Exit(run(folders, out, max_failed))


def sensitivity(
    scenarios: Annotated[
        list[str], typer.Argument(metavar="SCENARIO...", help="Shipped scenarios, or paths of TOML files.")
    ],
    method: Annotated[
        str, typer.Option("--method", help="local, morris, sobol, efast, pawn or delta.")
    ] = "sobol",
    readouts: Annotated[
        str | None,
        typer.Option(
            "--readouts",
            metavar="A,B",
            help="Read-outs, of one scenario as SCENARIO/READOUT; default: all.",
        ),
    ] = None,
    vary: Annotated[
        str | None,
        typer.Option("--vary", metavar="A,B", help="Parameters that vary; default: all that are free."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option("--groups", metavar="mechanism", help="Vary those of a mechanism together.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="NAME=A,B", help="Vary these parameters together; repeatable."),
    ] = None,
    changes: Changes = None,
    parameters: Parameters = None,
    times: Annotated[
        str | None, typer.Option("--times", metavar="A,B", help="Hours to look at; default: a summary.")
    ] = None,
    summary: Annotated[
        list[str] | None,
        typer.Option("--summary", metavar="A,B", help="As for sweep; default: final."),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option("--log", metavar="A,B|all", help="Read-outs whose logarithm is analysed."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            help="Trajectories (Morris, 64), blocks (Sobol, 1024), rows per parameter (eFAST, 1024), points "
            "(PAWN and delta, 4096).",
        ),
    ] = None,
    draws: Annotated[
        str, typer.Option("--draws", help="prior, or (PAWN and delta) the calibrated ensemble.")
    ] = "prior",
    seed: Seed = 1,
    second_order: Annotated[
        bool, typer.Option("--second-order", help="Sobol: also interactions of pairs.")
    ] = False,
    failed: Annotated[
        str, typer.Option("--failed", help="What becomes of failed runs: drop, impute or raise.")
    ] = "drop",
    bootstrap: Annotated[
        int | None, typer.Option("--bootstrap", help="Resamples for the intervals; default: the method's.")
    ] = None,
    rtol: Annotated[float | None, typer.Option("--rtol", help="Relative tolerance.")] = None,
    workers: Workers = None,
    shard: Shard = None,
    scheduler: Scheduler = None,
    out: Out = None,
    max_failed: MaxFailed = 0.25,
) -> None:
    """Tell which parameters decide the read-outs; the same command again goes on where it stopped."""
    from nicheloop.cli.place import Place
    from nicheloop.cli.sensitivity import Request, run

    request = Request(
        scenarios, method, readouts, vary, groups, group or [], changes or [], parameters or [], times,
        summary or [], log, samples, draws, seed, second_order, failed, bootstrap, rtol,
    )  # fmt: skip
    raise typer.Exit(run(request, Place(workers, scheduler, shard, out, max_failed)))


def fit(
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATA...", help="Assay tables (CSV, Excel), or names of shipped ones."),
    ] = None,
    sheet: Sheet = None,
    layout: Layout = None,
    constraints: Annotated[
        list[str] | None,
        typer.Option(
            "--constraints",
            metavar="published|FILE",
            help="Published half-maximal doses that count as data; repeatable.",
        ),
    ] = None,
    free: Annotated[
        str | None,
        typer.Option(
            "--parameters-free", metavar="A,B", help="Free parameters; default: those that the data can tell."
        ),
    ] = None,
    parameters: Parameters = None,
    resistance: Annotated[
        str | None,
        typer.Option("--resistance", help="Explanation of resistance; default: that of each well."),
    ] = None,
    promoter: Annotated[str | None, typer.Option("--promoter", help="Stromal CXCL11 promoter.")] = None,
    noise: Annotated[str, typer.Option("--noise", help="Width of noise: estimated or fixed.")] = "estimated",
    starts: Annotated[int, typer.Option("--starts", min=1, help="Local searches.")] = 50,
    seed: Seed = 1,
    optimizer: Annotated[
        str, typer.Option("--optimizer", help="fides, least_squares or L-BFGS-B.")
    ] = "fides",
    profile: Annotated[bool, typer.Option("--profile/--no-profile", help="Profile likelihoods.")] = True,
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Steps of each chain; 0: normal approximation.")
    ] = 0,
    sampler: Annotated[str, typer.Option("--sampler", help="tempering or ensemble.")] = "tempering",
    note: Annotated[
        list[str] | None,
        typer.Option("--note", help="What a reader of the report must keep in mind; repeatable."),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    out: Out = None,
    max_failed: MaxFailed = 0.05,
) -> None:
    """Fit the model to assay tables, say what they tell; the same command again goes on where it stopped."""
    from nicheloop.cli.fit import Request, run
    from nicheloop.cli.place import Place

    request = Request(
        data or [], sheet, layout, constraints or [], free, parameters or [], resistance, promoter, noise,
        starts, seed, optimizer, profile, sample, sampler, note or [],
    )  # fmt: skip
    raise typer.Exit(run(request, Place(workers, scheduler, None, out, max_failed)))


def explore(
    scenario: Annotated[
        str | None, typer.Argument(help="Shipped scenario or TOML file; default: imatinib_k562r.")
    ] = None,
    parameters: Parameters = None,
    readouts: Annotated[
        str | None, typer.Option("--readouts", metavar="A,B", help="Read-outs; default: a few that fit.")
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0: any free one.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open a page to move doses, densities, times and parameters, and see the curves follow."""
    from nicheloop.cli.explore import run

    raise typer.Exit(run(scenario, parameters or [], readouts, port, browser))


if __name__ == "__main__":
    sys.exit(main())
