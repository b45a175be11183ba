"""`nl.sensitivity`: which parameters of the table decide the read-outs of scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nicheloop.analysis.ensemble import load_ensemble
from nicheloop.analysis.sensitivity.estimate import Floats
from nicheloop.analysis.sensitivity.local import local_sensitivity
from nicheloop.analysis.sensitivity.methods import METHODS
from nicheloop.analysis.sensitivity.model import Readouts, ScenarioModel, quantities_of
from nicheloop.analysis.sensitivity.result import Sensitivity
from nicheloop.analysis.sensitivity.run import Analysis, engine_of
from nicheloop.analysis.sensitivity.space import Space
from nicheloop.analysis.sweep.summaries import Summary
from nicheloop.assays.names import unknown
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.biology import parameter_values
from nicheloop.biology.priors import prior_level
from nicheloop.execution import Engine
from nicheloop.execution.progress import Progress

LOCAL = "local"
PRIOR, ENSEMBLE = "prior", "ensemble"
GIVEN = ("pawn", "delta")
"""Methods that take points of any design."""
RTOL = 1e-6
LOCAL_RTOL = 1e-8


def sensitivity(
    scenario: Scenario | str | Sequence[Scenario | str],
    method: str = "sobol",
    readouts: Readouts = None,
    *,
    parameters: Sequence[str] | None = None,
    groups: Mapping[str, Sequence[str]] | str | None = None,
    samples: int | None = None,
    seed: int = 1,
    times: Sequence[float | str] | None = None,
    summaries: Sequence[str | Summary] | None = None,
    log: bool | Sequence[str] = False,
    base: Mapping[str, float] | None = None,
    draws: str = PRIOR,
    second_order: bool = False,
    failed: str = "drop",
    bootstrap: int | None = None,
    rtol: float | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Tell which parameters of the table decide the read-outs of scenarios.

    Parameters vary over their priors, each by itself; all read-outs, times and summaries of all scenarios are
    looked at in the same runs.

    Parameters
    ----------
    scenario : Scenario, str or a sequence of these
        Scenarios, or names or TOML paths of some. Of one that varies something, every well counts.
    method : str
        ``local``: exact derivatives at the default, from one run. ``morris``: elementary effects, for
        screening. ``sobol``, ``efast``: shares of the variance. ``pawn``, ``delta``: effects on the whole
        distribution.
    readouts : sequence or mapping, optional
        Read-outs, or lists of them by the names of the scenarios; default: all that a scenario allows.
    parameters : sequence of str, optional
        What varies; default: all parameters of the table that are free.
    groups : mapping or "mechanism", optional
        Parameters that vary together, by the name of the group; ``mechanism``: those of one mechanism of the
        table. Only what is in a group varies, unless ``parameters`` names more. Morris and Sobol only.
    samples : int, optional
        Trajectories (Morris, 64), blocks (Sobol, 1,024), rows per parameter (eFAST, 1,024) or points (PAWN
        and delta, 4,096). Sobol takes factors + 2 runs per block, or 2 factors + 2 for second order.
    seed : int
        Of design and resamples.
    times : sequence, optional
        Hours (or text with a unit) at which to look; default: a summary.
    summaries : sequence, optional
        What is kept of each run, as for `sweep`: ``final`` (the default), ``auc``, ``peak``,
        ``time_to(0.5)``, ``course``; of a scenario that varies a dose also ``ic50`` and ``hill``.
    log : bool or sequence of str
        Whether to analyse logarithms, of all or of some read-outs: for what spans decades, the largest few
        values would be all of the variance.
    base : mapping, optional
        Parameters that differ from the table where they do not vary; for ``local``: where to differentiate.
    draws : str
        ``prior``, or ``ensemble``: the sets of the shipped ensemble, in which parameters are not independent,
        so that only PAWN and delta can tell anything; all parameters vary.
    second_order : bool
        Sobol only: also the interactions of pairs.
    failed : str
        ``drop`` (default), ``impute`` or ``raise``, see `analyse`. The prior holds lines that cannot grow
        without drug: these have no stock culture and no runs.
    bootstrap : int, optional
        Resamples for the intervals: 1,000, or 100 for PAWN and delta; 0: no intervals.
    rtol : float, optional
        Relative tolerance: 1e-6, for ``local`` 1e-8.
    workers : int, optional
        Worker processes; default: this one, with all granted cores for the engine.
    engine : Engine, optional
        One of `nicheloop.execution` instead, such as ``Dask("tcp://...")``.
    store : str or Path, optional
        Folder in which values are recorded as they come; the same call goes on where an earlier one stopped.
    progress : callable, optional
        Told ``(done, total, failed)`` parameter sets.

    Returns
    -------
    Sensitivity
        ``.to_dataframe()``, ``.to_xarray()``, ``.plot()``; ``.verdict`` and ``.verdicts`` say whether the
        sample was large enough, ``.failures()`` what failed and what became of it.

    Raises
    ------
    ValueError
        If a name is unknown (the nearest is suggested), or arguments do not fit the method.
    RuntimeError
        Runs failed and the policy is ``raise``, or all did.

    Examples
    --------
    >>> found = sensitivity("imatinib_k562r", "sobol", ["viability"], groups="mechanism")  # doctest: +SKIP
    >>> found.plot().savefig("drivers.png")  # doctest: +SKIP
    """
    model, space = model_and_space(
        scenario, method, readouts, parameters, groups, times, summaries, log, base, rtol
    )
    if method == LOCAL:
        return local_sensitivity(model)
    points = levels_of(draws, method, space, parameters, groups)
    analysis = Analysis.of(
        model,
        space,
        method,
        samples=samples,
        seed=seed,
        second_order=second_order,
        bootstrap=bootstrap,
        failed=failed,
        outputs=model.outputs,
        settings=model.told(),
        points=points,
    )
    return analysis.run(engine_of(workers, engine), store=store, progress=progress)


def levels_of(
    draws: str,
    method: str,
    space: Space,
    parameters: object,
    groups: object,
) -> Floats | None:
    """Return where the sets of the ensemble are in the prior, shape (sets, parameters); None for the prior.

    Raises
    ------
    ValueError
        If there are no such draws, or they do not fit the rest.
    """
    if draws not in (PRIOR, ENSEMBLE):
        raise ValueError(f"draws: {unknown('source', draws, (PRIOR, ENSEMBLE))}")
    if draws == PRIOR:
        return None
    if method not in GIVEN:
        raise ValueError(
            f"draws: parameters of the ensemble are not independent, got method {method!r}, expected "
            + " or ".join(GIVEN)
        )
    if parameters is not None or groups is not None:
        raise ValueError("draws: all parameters of the ensemble vary, expected no parameters and no groups")
    ensemble = load_ensemble()
    values = ensemble.values[:, [ensemble.names.index(name) for name in space.names]]
    return np.column_stack([prior_level(name, values[:, i]) for i, name in enumerate(space.names)])


def model_and_space(
    scenario: Scenario | str | Sequence[Scenario | str],
    method: str,
    readouts: Readouts,
    parameters: Sequence[str] | None,
    groups: Mapping[str, Sequence[str]] | str | None,
    times: Sequence[float | str] | None,
    summaries: Sequence[str | Summary] | None,
    log: bool | Sequence[str],
    base: Mapping[str, float] | None,
    rtol: float | None,
) -> tuple[ScenarioModel, Space]:
    """Check the arguments of `sensitivity` that tell what is analysed."""
    if method not in (LOCAL, *METHODS):
        raise ValueError(unknown("method", method, (LOCAL, *METHODS)))
    several = [scenario] if isinstance(scenario, (str, Scenario)) else list(scenario)
    quantities = quantities_of(several, readouts, summaries, times, log)
    explanations = tuple(dict.fromkeys(q.scenario.resistance for q in quantities))
    if isinstance(parameters, str):
        raise ValueError(f"parameters: got {parameters!r}, expected a list, such as [{parameters!r}]")
    space = Space.prior(parameters, groups, explanations)
    if method == LOCAL and space.grouped:
        raise ValueError(
            "groups: method 'local' takes single parameters only, expected method morris or sobol"
        )
    fixed = dict(base or {})
    parameter_values(explanations[0], fixed)
    tolerance = rtol if rtol is not None else LOCAL_RTOL if method == LOCAL else RTOL
    Settings("batch", rtol=tolerance)  # refuses one that makes no sense
    return ScenarioModel(quantities, space.names, fixed, tolerance), space
