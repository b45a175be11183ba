"""Sensitivity of any function of many parameters: design, evaluation in chunks, indices, verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nicheloop.analysis.sensitivity.convergence import judged
from nicheloop.analysis.sensitivity.designs import Design, Points
from nicheloop.analysis.sensitivity.estimate import Floats
from nicheloop.analysis.sensitivity.failures import (
    IMPUTE,
    NO_NUMBER,
    RAISE,
    check_policy,
    counted,
    imputed,
    require_none,
)
from nicheloop.analysis.sensitivity.methods import METHODS, Method
from nicheloop.analysis.sensitivity.outputs import Output
from nicheloop.analysis.sensitivity.result import Sensitivity
from nicheloop.analysis.sensitivity.sobol import SECOND
from nicheloop.analysis.sensitivity.space import Space
from nicheloop.assays.names import unknown
from nicheloop.execution import Engine, Job, Processes, Serial, map_chunks
from nicheloop.execution.piece import Arrays
from nicheloop.execution.progress import Progress

Function = Callable[[Floats], Any]
"""``f(X)`` with X of shape (n, parameters) returns Y of shape (n,) or (n, outputs), or Y and n reasons."""
NAME = "sensitivity"
"""Name of the job in the manifest of a store."""
REASON = 160
"""Bytes of a reason that are kept."""


def analyse(
    function: Function,
    space: Space,
    method: str = "sobol",
    *,
    samples: int | None = None,
    seed: int = 1,
    second_order: bool = False,
    bootstrap: int | None = None,
    failed: str = "drop",
    outputs: Sequence[Output | str] | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    store: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Analyse a function of many parameters.

    Parameters
    ----------
    function : callable
        ``f(X)`` with X of shape (n, parameters), in the order of the space; returns Y of shape (n,) or
        (n, outputs), NaN where there is no value, or a tuple of Y and n texts that say why. A row must not
        depend on the others.
    space : Space
        Parameters, their distributions, and how they are grouped.
    method : str
        ``morris``, ``sobol``, ``efast``, ``pawn`` or ``delta``.
    samples : int, optional
        Trajectories (Morris, 64), blocks (Sobol, 1,024), rows per factor (eFAST, 1,024) or points (PAWN and
        delta, 4,096).
    seed : int
        Of design and resamples: the same seed, the same result, for any number of workers.
    second_order : bool
        Sobol only: also the interactions of pairs, at nearly twice the cost.
    bootstrap : int, optional
        Resamples for the intervals: 1,000, or 100 for PAWN and delta; 0: no intervals. eFAST takes none: its
        intervals are told from independent curves.
    failed : str
        ``drop``: what a failed row belongs to (a Saltelli block, the elementary effects on both sides, a
        curve) is left out, and counted; ``impute``: the row is given the value of the nearest one; ``raise``.
    outputs : sequence of Output or str, optional
        Names of the columns of Y.
    workers : int, optional
        Worker processes; default: this one.
    engine : Engine, optional
        One of `nicheloop.execution` instead.
    store : str or Path, optional
        Folder in which values are recorded as they come; the same call goes on where an earlier one stopped.
    settings : mapping, optional
        What decides the values of the function, as JSON; needed with a store.
    progress : callable, optional
        Told ``(done, total, failed)`` rows.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ValueError
        Arguments that make no sense.
    RuntimeError
        Rows failed and the policy is ``raise``, or none is left.

    Examples
    --------
    >>> space = Space.uniform({"a": (0, 1), "b": (0, 1)})
    >>> found = analyse(lambda x: 2 * x[:, 0] + x[:, 1], space, samples=64)
    >>> found["S1"].value[:2, 0].round(1).tolist()
    [0.8, 0.2]
    """
    analysis = Analysis.of(
        function,
        space,
        method,
        samples=samples,
        seed=seed,
        second_order=second_order,
        bootstrap=bootstrap,
        failed=failed,
        outputs=outputs,
        settings=settings,
    )
    return analysis.run(engine_of(workers, engine), store=store, progress=progress)


@dataclass(frozen=True, eq=False)
class Analysis:
    """An analysis that was checked: what is evaluated where, and what is made of the values.

    Attributes
    ----------
    function, space, design : callable, Space, Design
        What is evaluated, and where.
    method : Method
        What is made of the values.
    samples, seed, resamples, failed, outputs, settings
        As for `analyse`.
    """

    function: Function
    space: Space
    method: Method
    design: Design
    samples: int
    seed: int
    resamples: int
    failed: str
    outputs: Sequence[Output | str] | None = None
    settings: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        function: Function,
        space: Space,
        method: str = "sobol",
        *,
        samples: int | None = None,
        seed: int = 1,
        second_order: bool = False,
        bootstrap: int | None = None,
        failed: str = "drop",
        outputs: Sequence[Output | str] | None = None,
        settings: Mapping[str, Any] | None = None,
        points: Floats | None = None,
    ) -> Analysis:
        """Check the arguments of `analyse` and draw the design.

        PAWN and delta take any points: ``points`` are levels of the parameters, shape (n, parameters), that
        need not be independent.
        """
        if method not in METHODS:
            raise ValueError(unknown("method", method, METHODS))
        chosen = METHODS[method]
        if space.grouped and not chosen.groups:
            able = " or ".join(name for name, other in METHODS.items() if other.groups)
            raise ValueError(
                f"groups: method {method!r} takes single parameters only, expected method {able}"
            )
        if second_order and method != "sobol":
            raise ValueError(f"second_order: method {method!r} has none, expected method 'sobol'")
        check_policy(failed)
        size = chosen.samples if samples is None else _whole("samples", samples, 2)
        resamples = chosen.bootstrap if bootstrap is None else _whole("bootstrap", bootstrap, 0)
        root = _whole("seed", seed, 0)
        if points is not None:
            design: Design = Points.given(points, samples, root)
            size = design.blocks
        else:
            design = chosen.design(space, size, root, second_order)
        return cls(function, space, chosen, design, size, root, resamples, failed, outputs, settings)

    @property
    def rows(self) -> int:
        """How often the function is evaluated."""
        return self.design.blocks * self.design.block_rows

    @property
    def job(self) -> Job:
        """What decides the values.

        Raises
        ------
        ValueError
            If nothing tells what decides those of the function.
        """
        if self.settings is None:
            raise ValueError("store: needs settings= that tell what decides the values of the function")
        about = {
            "method": self.method.name,
            "parameters": list(self.space.names),
            "groups": list(self.space.groups),
            "design": self.design.digest(),
            **self.settings,
        }
        return Job(NAME, about, self.seed)

    def evaluate(
        self,
        engine: Engine | None = None,
        *,
        store: str | Path | None = None,
        shard: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> Arrays:
        """Evaluate all rows, or those of a shard; see `nicheloop.execution.map_chunks`."""
        task = Evaluation(self.function, self.space, self.design)
        job = self.job if store is not None else None
        return map_chunks(
            task, self.rows, engine=engine, store=store, job=job, shard=shard, progress=progress
        )

    def run(
        self,
        engine: Engine | None = None,
        *,
        store: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Sensitivity:
        """Evaluate all rows and analyse the values."""
        began = time.perf_counter()
        rows = self.evaluate(engine, store=store, progress=progress)
        return self.analysed(rows, time.perf_counter() - began)

    def analysed(self, rows: Mapping[str, Any], seconds: float = 0.0) -> Sensitivity:
        """Analyse the values of all rows.

        Raises
        ------
        RuntimeError
            Rows failed and the policy is ``raise``, or none is left.
        """
        outputs = _named(self.outputs, rows["y"].shape[1])
        values, bad, reasons = self._values(rows, outputs)
        y = values.reshape(self.design.blocks, self.design.block_rows, len(outputs))
        indices = self.method.indices(self.design, self.space, y, self.resamples, self.seed)
        second = indices.pop(SECOND, None)
        main = indices[self.method.main]
        history = {**self._history(y), self.samples: main.value}
        return Sensitivity(
            method=self.method.name,
            members=self.space.members,
            outputs=outputs,
            indices=indices,
            main=self.method.main,
            second=second,
            history=history,
            verdicts=judged(self.space.factors, main, history, self.method.scaled),
            samples=self.samples,
            rows=self.rows,
            failed=int(bad.sum()),
            policy=self.failed,
            dropped=self.method.dropped(self.design, y),
            blocks=self.method.units(self.design),
            reasons=reasons,
            seed=self.seed,
            resamples=self.resamples,
            seconds=seconds,
        )

    def _values(
        self, rows: Mapping[str, Any], outputs: Sequence[Output]
    ) -> tuple[Floats, np.ndarray, dict[str, int]]:
        """Values as they are analysed, which rows failed, and why."""
        given = np.asarray(rows["y"])
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where([output.log for output in outputs], np.log(given), given)
        finite = np.isfinite(values)
        # What no row can tell is no failure of a row.
        bad = np.asarray(~finite[:, finite.any(axis=0)].all(axis=1))
        reasons = counted(_texts(rows["reason"], bad))
        if self.failed == RAISE:
            require_none(int(bad.sum()), bad.size, reasons)
        if not finite.any():
            worst = next(iter(counted(_texts(rows["reason"], np.ones_like(bad)))))
            raise RuntimeError(f"all {bad.size} rows failed, most often: {worst}")
        if self.failed == IMPUTE:
            values = imputed(values, self.design)
        return values, bad, reasons

    def _history(self, y: Floats) -> dict[int, Floats]:
        """Return the main index from the first quarter and the first half of the sample."""
        found = {}
        for part in (4, 2):
            blocks = self.design.blocks // part
            if blocks:
                indices = self.method.indices(self.design, self.space, y[:blocks], 0, self.seed)
                found[self.samples // part] = indices[self.method.main].value
        return found


@dataclass(frozen=True)
class Evaluation:
    """The task: values of a function at the rows of a design."""

    function: Function
    space: Space
    design: Design

    def __call__(self, start: int, stop: int) -> Arrays:
        """Evaluate some rows."""
        given = self.function(self.space.values(self.design.levels(start, stop)))
        y, reasons = given if isinstance(given, tuple) else (given, None)
        values = np.asarray(y, dtype=float)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != stop - start:
            raise ValueError(
                f"the function returned shape {np.shape(y)} for {stop - start} rows, expected (rows,) or "
                "(rows, outputs)"
            )
        failed = ~np.isfinite(values).all(axis=1)
        told = [""] * len(values) if reasons is None else list(reasons)
        texts = [(text or NO_NUMBER) if bad else "" for text, bad in zip(told, failed, strict=True)]
        short = np.array([text.encode()[:REASON] for text in texts], dtype=f"S{REASON}")
        return {"y": values, "failed": failed, "reason": short}


def _texts(reasons: Any, chosen: np.ndarray) -> list[str]:
    """Return the reasons of some rows as text."""
    return [text.decode(errors="ignore") or NO_NUMBER for text in np.asarray(reasons)[chosen].tolist()]


def engine_of(workers: int | None, engine: Engine | None = None) -> Engine:
    """Return where rows are evaluated.

    Raises
    ------
    ValueError
        A number of workers that is not positive, or both are given.
    """
    if engine is not None and workers is not None:
        raise ValueError(f"workers={workers} and engine={engine!r}: expected one of them")
    if engine is None:
        return Serial() if workers is None else Processes(_whole("workers", workers, 1))
    return engine


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: got {value!r}, expected a whole number, {least} or more")
    return int(value)


def _named(outputs: Sequence[Output | str] | None, count: int) -> tuple[Output, ...]:
    if outputs is None:
        return tuple(Output("y" if count == 1 else f"y{number}") for number in range(count))
    if len(outputs) != count:
        raise ValueError(f"outputs: got {len(outputs)} names for {count} columns of the function's values")
    return tuple(output if isinstance(output, Output) else Output(output) for output in outputs)
