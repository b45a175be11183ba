"""Run scenarios: one, or many for many parameter sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nicheloop.assays.library import load_scenario
from nicheloop.assays.result import Result, Runs
from nicheloop.assays.runs.study import Study
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.assays.wells import Wells


def simulate(
    scenario: Scenario | str,
    parameters: Mapping[str, float] | None = None,
    *,
    engine: str = "scipy",
    method: str = "lsoda",
    rtol: float = 1e-8,
    times: Sequence[float | str] | None = None,
) -> Result:
    """Run one scenario.

    Every run starts from the stock culture of its cells: the steadily growing state, found for the parameters
    at hand. The cells are washed and seeded into fresh medium.

    Parameters
    ----------
    scenario : Scenario or str
        A scenario, or the name or TOML path of one.
    parameters : mapping, optional
        Parameters that differ from the table. What the scenario itself sets (its ``parameters``, its vessel,
        its knock-downs) stays as the scenario says.
    engine : str
        ``scipy`` (the reference) or ``batch``.
    method : str
        Of the SciPy engine: ``lsoda``, ``bdf`` or ``radau``.
    rtol : float
        Relative tolerance; absolute ones follow from the kind of species.
    times : sequence, optional
        Sampling times (h, or with a unit) instead of those of the scenario. A sample at the time of an event
        is taken after it.

    Returns
    -------
    Result
        Also for a run that fails: then ``status`` is ``failed`` and values are NaN after the time reached.

    Raises
    ------
    ValueError
        If a name is unknown (the nearest is suggested), or a value is not finite or out of range.

    Examples
    --------
    >>> run = simulate("imatinib_k562s", times=[0, 72])  # doctest: +SKIP
    """
    chosen = _resolved(scenario, times)
    return Study([parameters or {}], Settings(engine, method, rtol)).result(chosen)


def simulate_many(
    scenarios: Iterable[Scenario | str],
    parameter_sets: Sequence[Mapping[str, float]],
    *,
    engine: str = "scipy",
    method: str = "lsoda",
    rtol: float = 1e-8,
    times: Sequence[float | str] | None = None,
    threads: int | None = None,
    drawn: bool = False,
) -> list[Runs]:
    """Run every scenario with every parameter set.

    Stock cultures and conditioned media are made once per parameter set and shared by all scenarios.

    Parameters
    ----------
    scenarios : iterable of Scenario or str
        What to run.
    parameter_sets : sequence of mapping
        Each holds the parameters that differ from the table.
    engine, method, rtol, times
        As for `simulate`.
    threads : int, optional
        Of the batch engine.
    drawn : bool
        Whether the sets are draws that stand in for the table, so that the explanation of resistance still
        decides where K562R differs from K562S.

    Returns
    -------
    list of Runs
        One per scenario, in order; ``runs["viable_cells:K562R"]`` has shape (sets, times), ``runs.status``
        one entry per set.
    """
    study = Study(parameter_sets, Settings(engine, method, rtol, threads=threads), drawn)
    return study.runs_of([_resolved(scenario, times) for scenario in scenarios])


def simulate_wells(
    scenario: Scenario | str,
    parameters: Mapping[str, float] | None = None,
    *,
    engine: str = "batch",
    method: str = "lsoda",
    rtol: float = 1e-6,
    times: Sequence[float | str] | None = None,
) -> Wells:
    """Run all wells of a scenario that varies something: a dose-response, a matrix, a density series.

    Parameters
    ----------
    scenario : Scenario or str
        A scenario, or the name or TOML path of one. If it varies nothing, it is the only well.
    parameters, engine, method, rtol, times
        As for `simulate`.

    Returns
    -------
    Wells
        ``wells["viability:K562R"]`` has one dimension per axis of ``vary`` and the times as the last;
        ``wells.to_dataframe()`` has one column per axis.

    Examples
    --------
    >>> wells = simulate_wells("imatinib_il1ra_matrix_k562r")  # doctest: +SKIP
    >>> wells["viability"][..., -1]  # doctest: +SKIP
    """
    chosen = _resolved(scenario, times)
    wells = chosen.wells()
    study = Study([parameters or {}], Settings(engine, method, rtol))
    runs = study.runs_of([*wells, *(well.vehicle() for well in wells)])  # vehicles are wanted for viability
    return Wells(chosen, tuple(runs[: len(wells)]))


def _resolved(scenario: Scenario | str, times: Sequence[float | str] | None) -> Scenario:
    chosen = load_scenario(scenario) if isinstance(scenario, str) else scenario
    return chosen if times is None else chosen.with_(times=times)
