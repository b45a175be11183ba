"""Interleaved measurements: in every round each engine works once, and ratios are taken within a round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.accuracy import error, gradient_error, reference, reference_gradient
from benchmarks.cases import Case, Reals
from benchmarks.forked import Forked
from benchmarks.peers.base import Engine
from benchmarks.peers.ours import Lanes, OneLane

OURS = ("nicheloop", "nicheloop, one lane", "nicheloop, matched", "nicheloop, SciPy")
MATCHED = "nicheloop, matched"

CORES = 2
CHECKED = 16
LADDER = tuple(10.0**-k for k in (3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7))
"""Relative tolerances that our matched engine tries, from the loosest."""
REST = 0.25
"""Seconds before each piece of work: threads that a tool leaves spinning must not slow the next one."""
SLOW, SLOW_ROUNDS = 1.0, 3
"""What takes longer than a second takes part in the first three rounds only."""


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, the length of one piece of work (s), most runs of a sweep."""

    rounds: int
    seconds: float
    most_runs: int


FULL = Effort(7, 0.4, 1024)
QUICK = Effort(3, 0.1, 128)


@dataclass(frozen=True)
class Timing:
    """What one engine took for one item.

    Attributes
    ----------
    seconds : tuple of float
        Per run, one entry per round; empty if the engine failed.
    error : float
        Against the reference.
    runs : int
        Runs per round.
    problem : str
        Why there is no time.
    """

    seconds: tuple[float, ...]
    error: float
    runs: int
    problem: str = ""

    @property
    def typical(self) -> float:
        """Median over the rounds, seconds per run."""
        return median(self.seconds) if self.seconds else float("nan")


@dataclass(frozen=True)
class Work:
    """One piece of work: it does `runs` runs; `check` looks at what it returns and gives the error."""

    do: Callable[[], Reals]
    runs: int
    check: Callable[[Reals], float]


def interleave(work: Mapping[str, Work], rounds: int) -> dict[str, Timing]:
    """Time all pieces of work in turn; each is done once before, checked and not timed."""
    errors: dict[str, float] = {}
    problems: dict[str, str] = {}
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for name, piece in work.items():
        try:
            errors[name] = piece.check(piece.do())
        except Exception as problem:
            problems[name] = f"{type(problem).__name__}: {problem}"
    for _ in range(rounds):
        for name in errors:
            if len(seconds[name]) >= SLOW_ROUNDS and min(seconds[name]) * work[name].runs > SLOW:
                continue
            gc.collect()
            time.sleep(REST)
            start = time.perf_counter()
            work[name].do()
            seconds[name].append((time.perf_counter() - start) / work[name].runs)
    return {
        name: Timing(tuple(seconds[name]), errors.get(name, float("nan")), piece.runs, problems.get(name, ""))
        for name, piece in work.items()
    }


def ratio(ours: Timing, theirs: Timing) -> float:
    """How many times longer they take: the median over the rounds."""
    pairs = zip(ours.seconds, theirs.seconds, strict=False)
    ratios = [b / a for a, b in pairs]
    return median(ratios) if ratios else float("nan")


# -- the items ----------------------------------------------------------------------------------------------


class Bench:
    """All items for one case and the engines that could be set up for it."""

    def __init__(self, case: Case, engines: Mapping[str, Engine], effort: Effort) -> None:
        self.case = case
        self.engines = engines
        self.effort = effort
        self.rows = case.draws(effort.most_runs)
        self.expected = np.stack([reference(case, row) for row in self.rows[:CHECKED]])
        self.cross_check = error(case, reference(case, case.default, "radau"), self.expected[0])

    def single(self) -> dict[str, Timing]:
        """One run with default parameters, all species at all times."""
        work = {}
        default = self.case.default
        engines = self._with_matched(
            self.engines, OneLane, lambda e: e.single(default), lambda y: self._check(y[None])
        )
        for name, engine in engines.items():
            work[name] = self._again_and_again(
                lambda e=engine: e.single(default),  # type: ignore[misc]
                lambda y: error(self.case, y, self.expected[0]),
            )
        return interleave(work, self.effort.rounds)

    def sweep(self, cores: int) -> dict[str, Timing]:
        """Runs with drawn parameters, per run."""
        forks: list[Forked] = []
        work = {}
        try:
            first = self.rows[:CHECKED]
            engines = self._with_matched(self.engines, Lanes, lambda e: e.sweep(first), self._check)
            for name, engine in engines.items():
                count = self._count(engine, cores)
                rows = self.rows[:count]
                if cores == 1 or engine.has_threads:
                    work[name] = Work(lambda e=engine, r=rows: e.sweep(r, cores), count, self._check)  # type: ignore[misc]
                else:
                    forks.append(Forked(engine, self.case, count, cores))
                    work[name] = Work(lambda f=forks[-1], r=rows: f.sweep(r), count, self._check)  # type: ignore[misc]
            return interleave(work, self.effort.rounds)
        finally:
            for fork in forks:
                fork.__exit__(None, None, None)

    def gradient(self) -> dict[str, Timing]:
        """Forward sensitivities of all species by the parameters that vary, default parameters, one core."""
        able = {name: engine for name, engine in self.engines.items() if engine.has_gradient}
        row = self.case.default
        expected = reference_gradient(self.case, row)

        def check(found: Reals) -> float:
            return gradient_error(self.case, row, found, expected, self.expected[0])

        work = {}
        problems = {}
        for name, engine in self._with_matched(able, Lanes, lambda e: e.gradient(row), check).items():
            try:
                engine.prepare_gradient()
            except Exception as problem:
                problems[name] = Timing((), float("nan"), 0, f"{type(problem).__name__}: {problem}")
            else:
                work[name] = self._again_and_again(lambda e=engine: e.gradient(row), check)  # type: ignore[misc]
        return {**interleave(work, self.effort.rounds), **problems}

    def _with_matched(
        self,
        engines: Mapping[str, Engine],
        kind: type[Lanes],
        trial: Callable[[Engine], Reals],
        check: Callable[[Reals], float],
    ) -> dict[str, Engine]:
        """Add ours with the loosest tolerance at which its error is no larger than that of fast other tools.

        Fast are those that take at most twice as long as the fastest.
        """
        tried = []
        for name, engine in engines.items():
            if name not in OURS:
                start = time.perf_counter()
                with suppress(Exception):  # one that fails says why when it is measured
                    tried.append((check(trial(engine)), time.perf_counter() - start))
        least = min((seconds for _, seconds in tried), default=0.0)
        wanted = min((error for error, seconds in tried if seconds <= 2 * least), default=0.0)
        for rtol in LADDER:
            ours = kind(self.case, rtol)
            if check(trial(ours)) <= wanted:
                return {**engines, MATCHED: ours}
        return dict(engines)

    def _check(self, y: Reals) -> float:
        """Error of the first runs of a sweep."""
        count = min(CHECKED, len(y))
        return error(self.case, y[:count], self.expected[:count])

    def _again_and_again(self, once: Callable[[], Reals], check: Callable[[Reals], float]) -> Work:
        """Work that fills the time of a piece with one call after the other, as a fit does."""
        repeats = int(np.clip(self.effort.seconds / _seconds(once), 1, 1000))

        def do() -> Reals:
            for _ in range(repeats - 1):
                once()
            return once()

        return Work(do, repeats, check)

    def _count(self, engine: Engine, cores: int) -> int:
        if engine.has_threads:
            return self.effort.most_runs
        wanted = cores * self.effort.seconds / _seconds(lambda: engine.single(self.case.default))
        return int(np.clip(wanted, cores, self.effort.most_runs))


def _seconds(once: Callable[[], Reals]) -> float:
    """Rough time of a call; one that fails counts as endless, and says why when it is measured."""
    try:
        once()
        start = time.perf_counter()
        once()
    except Exception:
        return float("inf")
    return time.perf_counter() - start
