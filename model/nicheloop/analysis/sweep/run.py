"""Sweeps: scenarios over axes and parameter sets, read-outs or what summarises them, as labelled arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.analysis.sweep.axis import axes_of
from nicheloop.analysis.sweep.design import GRID, Design, design_of
from nicheloop.analysis.sweep.labels import Labels, dataset
from nicheloop.analysis.sweep.sets import parameter_sets
from nicheloop.analysis.sweep.summaries import Course, Setting, Summary, read_summary
from nicheloop.analysis.sweep.task import STATUS_FIELD, SweepTask, Variable, sampled_times, single
from nicheloop.assays.compiled import sources_digest
from nicheloop.assays.library import load_scenario, to_toml
from nicheloop.assays.readouts import READOUTS, Readings, Readout, applicable, find, readout_names
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.execution import Engine, Job, Processes, Serial, map_chunks, open_store
from nicheloop.execution.piece import Arrays
from nicheloop.execution.progress import Progress

if TYPE_CHECKING:
    import xarray as xr

RTOL = 1e-6
NAME = "sweep"
"""Name of the job in the manifest of a store."""


def sweep(
    scenario: Scenario | str,
    vary: Mapping[str, Any] | None = None,
    readouts: Sequence[str | Readout] | None = None,
    *,
    summaries: Sequence[str | Summary] | None = None,
    parameters: Any = None,
    drawn: bool | None = None,
    design: str = GRID,
    samples: int | None = None,
    seed: int = 0,
    times: Sequence[float | str] | None = None,
    rtol: float = RTOL,
    workers: int | None = None,
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run a scenario over axes and parameter sets.

    All runs go through the batch engine. Results do not depend, to the last bit, on workers, engine or on
    interruptions.

    Parameters
    ----------
    scenario : Scenario or str
        A scenario, or the name or TOML path of one.
    vary : mapping, optional
        Axis to values, besides what the scenario varies itself. An axis is a treatment (dose from the start),
        a line or ``stroma`` (density), ``at`` (time of the first event; later ones keep their distance) or a
        parameter of the model. Values are a list, `log_range` or `linear_range`, text such as
        ``"0.01:10:20:log"`` (from, to, how many, scale) or, for a parameter, ``"prior"``.
    readouts : sequence, optional
        Read-outs, or outputs of the model; default: all read-outs that the scenario allows.
    summaries : sequence, optional
        What is kept of each read-out: ``final``, ``final(48 h)``, ``auc``, ``peak``, ``time_of_peak``,
        ``time_to(0.5)``, ``course`` (everything); of all doses of a drug ``ic50``, ``hill``, ``gr50``, of two
        drugs ``bliss`` and ``loewe``, each with drugs and time in brackets if it does not go without saying.
        Default: the course.
    parameters : optional
        Parameters that differ from the table: numbers by name, or several sets: arrays by name, a list of
        mappings, ``"ensemble"``, ``"ensemble:100"`` or ``"prior:100"``.
    drawn : bool, optional
        Whether these stand in for the table, so that the explanation of resistance still decides where K562R
        differs from K562S; default: those of ensemble and prior do, others do not.
    design : str
        ``grid``: all combinations. ``random``, ``sobol`` or ``latin``: ranges without a number of values are
        sampled together, and combined with all other axes.
    samples : int, optional
        Samples of a random design.
    seed : int
        Root of all random draws.
    times : sequence, optional
        Sampling times (h, or with a unit) instead of those of the scenario.
    rtol : float
        Relative tolerance; absolute ones follow from the kind of species.
    workers : int, optional
        Worker processes; default: this process, with all cores that it is granted.
    engine : Engine, optional
        `execution.Serial`, `Processes` or `Dask`, instead of workers.
    store : str or Path, optional
        Folder in which results are recorded as they come. The same call goes on where an earlier one stopped,
        and the arrays of the result stay on the disk until they are used.
    progress : callable, optional
        Told ``(done, total, failed)`` runs, as by ``execution.progress.progress("sweep")``.

    Returns
    -------
    xarray.Dataset
        Variables are named after read-outs, with the summary behind: ``viability``, ``viability_ic50``. Their
        dimensions are ``set`` (if there are several as a matter of principle), ``sample``, the axes, and
        ``time``; coordinates have units. ``status`` tells what became of each run; a failed one is NaN after
        the time reached. Attributes count failed runs.

    Raises
    ------
    ValueError
        Naming axis, value and what was expected.

    Examples
    --------
    >>> import nicheloop as nl
    >>> nl.sweep(  # doctest: +SKIP
    ...     "imatinib_k562r",
    ...     {"imatinib": nl.log_range("0.01 uM", "10 uM", 20), "K562R": [1e4, 1e5]},
    ...     ["viability", "il1b"],
    ...     summaries=["final", "auc"],
    ... )
    """
    planned = plan_sweep(
        scenario,
        vary,
        readouts,
        summaries=summaries,
        parameters=parameters,
        drawn=drawn,
        design=design,
        samples=samples,
        seed=seed,
        times=times,
        rtol=rtol,
    )
    return planned.dataset(planned.run(_engine(workers, engine), store=store, progress=progress))


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep that was checked and can be run: at once, in shards, or again where it stopped.

    Attributes
    ----------
    task : SweepTask
        What computes its rows.
    """

    task: SweepTask

    @property
    def design(self) -> Design:
        """Which runs there are."""
        return self.task.design

    @cached_property
    def labels(self) -> Labels:
        """Dimensions and variables of the result."""
        return Labels.of(self.design, self.task.variables, self.task.times)

    @property
    def job(self) -> Job:
        """What decides the results."""
        task = self.task
        # Wording decides nothing.
        plain = task.scenario.model_copy(update={"title": "", "description": ""})
        table = resources.files("nicheloop.biology") / "parameters.csv"
        settings = {
            "scenario": to_toml(plain),
            "axes": {axis.name: axis.told() for axis in self.design.axes},
            "design": self.design.method,
            "samples": self.design.samples,
            "sets": dict(task.sets.about),
            "readouts": {
                variable.name: _told(variable.readout, variable.host) for variable in task.variables
            },
            "summaries": {variable.name: repr(variable.summary) for variable in task.variables},
            "rtol": task.rtol,
            "model": {
                "rules": sources_digest(),
                "parameters": hashlib.sha256(table.read_bytes()).hexdigest(),
            },
            "labels": self.labels.told(),
        }
        return Job(NAME, settings, self.design.seed)

    def run(
        self,
        engine: Engine | None = None,
        *,
        store: str | Path | None = None,
        shard: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> Arrays:
        """Compute all rows, or those of a shard; see `nicheloop.execution.map_chunks`."""
        width = self.design.width

        def show(done: int, total: int, failed: int) -> None:
            if progress is not None:
                progress(done * width, total * width, failed)

        job = self.job if store is not None else None
        return map_chunks(
            self.task, self.design.rows, engine=engine, store=store, job=job, shard=shard, progress=show
        )

    def dataset(self, arrays: Mapping[str, Any]) -> xr.Dataset:
        """Label the results of all rows, and say why the first failed run failed."""
        found = dataset(self.labels, arrays, self.attributes())
        if found.attrs["failed_runs"]:
            found.attrs["first_failure"] = self.why(
                int(np.argmax(np.asarray(arrays[STATUS_FIELD]).ravel() != 0))
            )
        return found

    def attributes(self) -> dict[str, Any]:
        """Return what the result says of itself."""
        return attributes(self.job.essence())

    def why(self, run: int) -> str:
        """Run a failed run again, by itself, and return where it is and why it fails."""
        from nicheloop.assays.runs.study import Study

        row, place = divmod(run, self.design.width)
        places = self.design.places(row, row + 1)
        values = {name: float(column[place]) for name, column in places.values.items()}
        number = int(places.sets[place])
        well = single(self.task.scenario, self.design.axes, values)
        study = Study(
            self.task.sets.block(number, number + 1),
            Settings("batch", rtol=self.task.rtol),
            self.task.sets.drawn,
        )
        where = f"{well.name}, set {number}" if self.design.labelled else well.name
        for prefix, one in (("", well), ("vehicle: ", well.vehicle())):
            message = study.runs(one).messages[0]
            if message:
                return f"{where}: {prefix}{message}"
        return where


def attributes(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result says of the job that it comes from."""
    settings = job["settings"]
    first = str(settings["scenario"]).partition("\n")[0]
    return {
        "scenario": first.partition("=")[2].strip().strip('"'),
        "design": settings["design"],
        "parameter_sets": settings["sets"]["source"],
        "seed": job["seed"],
        "rtol": settings["rtol"],
    }


def plan_sweep(
    scenario: Scenario | str,
    vary: Mapping[str, Any] | None = None,
    readouts: Sequence[str | Readout] | None = None,
    *,
    summaries: Sequence[str | Summary] | None = None,
    parameters: Any = None,
    drawn: bool | None = None,
    design: str = GRID,
    samples: int | None = None,
    seed: int = 0,
    times: Sequence[float | str] | None = None,
    rtol: float = RTOL,
) -> Sweep:
    """Check a sweep; arguments are those of `sweep`.

    Raises
    ------
    ValueError
        Naming axis, value and what was expected.
    """
    whole = load_scenario(scenario) if isinstance(scenario, str) else scenario
    whole = whole if times is None else whole.with_(times=times)
    axes = axes_of(whole, vary)
    base = whole.with_(vary={})
    sets = parameter_sets(parameters, resistance=base.resistance, seed=seed, drawn=drawn)
    setting = Setting(axes, base.sampling_times, base.duration)
    variables = _variables(base, readouts, summaries, setting)
    inner = {name for variable in variables for name in variable.summary.inner}
    planned = design_of(
        axes,
        tuple(axis.name for axis in axes if axis.name in inner),
        sets.count,
        sets.labelled,
        design,
        samples,
        seed,
    )
    Settings("batch", rtol=rtol)  # refuses a tolerance that makes no sense
    found = sampled_times(base, [variable.summary for variable in variables])
    return Sweep(SweepTask(base, planned, sets, variables, found, float(rtol)))


def _variables(
    scenario: Scenario,
    readouts: Sequence[str | Readout] | None,
    summaries: Sequence[str | Summary] | None,
    setting: Setting,
) -> tuple[Variable, ...]:
    """Combine read-outs and summaries; each result has a name of its own."""
    for what, given in (("readouts", readouts), ("summaries", summaries)):
        if isinstance(given, (str, Readout, Summary)):
            raise ValueError(f"{what}: got {given!r}, expected a list, such as [{given!r}]")
        if given is not None and not list(given):
            raise ValueError(f"{what}: got an empty list, expected at least one")
    kept = [Course()] if summaries is None else [read_summary(given) for given in summaries]
    variables: dict[str, Variable] = {}
    for key, readout, host in _readings(scenario, readouts):
        for summary in kept:
            name = _unclashed("_".join(filter(None, [key, summary.label])), setting)
            if name in variables:
                raise ValueError(f"{name}: is asked for twice, expected different read-outs and summaries")
            variables[name] = Variable(name, readout, host, summary.settled(setting, readout))
    return tuple(variables.values())


def _unclashed(name: str, setting: Setting) -> str:
    """Name a read-out apart from the treatment of the same name, if that is an axis."""
    return f"{name}_readout" if name in {axis.name for axis in setting.axes} else name


def _readings(scenario: Scenario, readouts: Sequence[str | Readout] | None) -> list[tuple[str, Readout, str]]:
    """Return name, read-out and host of everything that is read."""
    if readouts is None:
        several = [readout.name for readout, _ in applicable(scenario.hosts)]
        return [
            (f"{readout.name}_{host}" if several.count(readout.name) > 1 else readout.name, readout, host)
            for readout, host in applicable(scenario.hosts)
        ]
    found = []
    for key in readouts:
        outputs = plan_of(scenario).compiled.outputs
        if isinstance(key, str) and key.partition(":")[0] not in readout_names() and key in outputs:
            found.append((key, Readout(key, "", f"{key} of the model", (), Output(key)), ""))
            continue
        readout, host = find(key, scenario.hosts)
        name = readout.name if isinstance(key, Readout) else key.replace(":", "_")
        found.append((name, readout, host))
    return found


def _told(readout: Readout, host: str) -> str:
    """Tell a read-out apart; one of a user's own by its code, as far as that can be told."""
    told = f"{readout.name}:{host}" if host else readout.name
    code = getattr(readout.compute, "__code__", None)
    if readout in READOUTS or code is None:
        return told
    constants = [item for item in code.co_consts if isinstance(item, (int, float, str, bytes))]
    digest = hashlib.sha256(code.co_code + repr((constants, code.co_names)).encode()).hexdigest()
    return f"{told} {digest[:16]}"


@dataclass(frozen=True)
class Output:
    """Reads an output of the model as it is."""

    name: str

    def __call__(self, readings: Readings, host: str) -> Any:
        return readings.output(self.name)


def _engine(workers: int | None, engine: Engine | None) -> Engine:
    """Return where runs are computed.

    Raises
    ------
    ValueError
        Both were given, or something that is no engine.
    """
    if engine is not None and workers is not None:
        raise ValueError(f"workers={workers} and engine={engine!r}: expected one of them")
    if engine is None:
        return Serial() if workers is None else Processes(workers)
    if not hasattr(engine, "open"):
        raise ValueError(
            f"engine: got {engine!r}, expected nicheloop.execution.Serial(), Processes(2) or Dask()"
        )
    return engine


def open_sweep(path: str | Path) -> xr.Dataset:
    """Read the results of a sweep from its store, or from shards that were merged.

    Parameters
    ----------
    path : str or Path
        Folder of the store.

    Returns
    -------
    xarray.Dataset
        As from `sweep`; its arrays stay on the disk until they are used.

    Raises
    ------
    ValueError
        If it is the store of something else.
    StoreError
        If it is no store, or rows are missing.
    """
    found = open_store(path, check=False)
    job = found.manifest.job
    if job["name"] != NAME:
        raise ValueError(f"{path}: is the store of a {job['name']}, expected that of a sweep")
    return dataset(Labels.read(job["settings"]["labels"]), found.arrays(), attributes(job))
