"""Parameter sets drawn from the prior on the condition that the table of numbers is met.

Almost no prior draw meets all targets, so the condition is tightened in stages (sequential Monte Carlo): each
stage keeps the half of the sets that is nearest to the targets, refills from it, and moves every set by steps
that leave the prior unchanged (preconditioned Crank-Nicolson) and that are refused if they lead out of the
current tolerance. At tolerance zero every set meets every target, and parameters that no target informs still
follow their prior.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nicheloop.biology.priors import free_parameters, prior_level, prior_quantile

Floats = NDArray[np.float64]
Distance = Callable[[Floats, float], Floats]
"""``distance(positions, tolerance)``: squared distance of each set to the targets; inf beyond tolerance."""

KEPT = 0.5
"""Share of the sets that survives a stage."""
ENOUGH = 0.25
"""Share of the sets that must meet all targets before the tolerance goes to zero."""
FIRST_STEP, SMALLEST_STEP, LARGEST_STEP = 0.5, 0.02, 0.95
WANTED_ACCEPTANCE = 0.25
SAMPLING_RTOL = 1e-4
MOST_MOVES = 60
BLOCK = 0.04
"""Share of the parameters that a refreshing move exchanges."""
SHORT_MOVE, FULL_MOVE = 0.35, 1.5
"""A stage ends when the accepted squared steps of the average set sum up to this (1 is the variance of the
prior): soon while the condition is being tightened, in the last stage once twins have parted."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Parameter sets with equal weight.

    Attributes
    ----------
    names : tuple of str
        Parameters that vary.
    values : ndarray, shape (sets, names)
        In units of the table.
    diagnostics : dict
        How it was sampled and how well.
    """

    names: tuple[str, ...]
    values: Floats
    diagnostics: Mapping[str, object]

    def sets(self, count: int | None = None) -> list[dict[str, float]]:
        """Return the first ``count`` sets (all by default) as mappings."""
        return [dict(zip(self.names, map(float, row), strict=True)) for row in self.values[:count]]

    def save(self, path: Path) -> None:
        """Write as gzipped CSV, with the diagnostics in a JSON file beside it; replaced atomically."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([f"{value:.6g}" for value in row] for row in self.values)
        packed = gzip.compress(text.getvalue().encode(), mtime=0)
        for target, content in (
            (path, packed),
            (path.with_name("ensemble.json"), (json.dumps(dict(self.diagnostics), indent=1) + "\n").encode()),
        ):
            partial = target.with_name(target.name + ".partial")
            partial.write_bytes(content)
            partial.replace(target)


@cache
def load_ensemble() -> Ensemble:
    """Return the shipped ensemble."""
    folder = files("nicheloop.analysis") / "data"
    text = gzip.decompress((folder / "ensemble.csv.gz").read_bytes()).decode()
    header, *lines = csv.reader(text.splitlines())
    values = np.array([[float(cell) for cell in line] for line in lines])
    diagnostics = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    return Ensemble(tuple(header), values, diagnostics)


def prior_sets(count: int, seed: int) -> list[dict[str, float]]:
    """Draw sets from the unconditioned prior."""
    names = free_parameters()
    positions = np.random.default_rng([seed, 1]).standard_normal((count, len(names)))
    return to_sets(names, positions)


def to_sets(names: Sequence[str], positions: Floats) -> list[dict[str, float]]:
    """Turn standard-normal positions, shape (sets, names), into values through the prior's quantiles."""
    values = to_values(names, positions)
    return [dict(zip(names, map(float, row), strict=True)) for row in values]


def to_values(names: Sequence[str], positions: Floats) -> Floats:
    """Prior quantiles of standard-normal positions, shape (sets, names)."""
    from scipy.special import ndtr

    levels = ndtr(positions)
    columns = [prior_quantile(name, levels[:, i]) for i, name in enumerate(names)]
    return np.column_stack(columns) if columns else np.empty((len(positions), 0))


def to_positions(names: Sequence[str], values: Floats) -> Floats:
    """Standard-normal positions of parameter values, shape (sets, names): the inverse of `to_values`."""
    from scipy.special import ndtri

    levels = [prior_level(name, values[:, i]) for i, name in enumerate(names)]
    # A value at the very end of its prior, as rounded in a file, is far out but not infinitely far.
    return np.asarray(ndtri(np.clip(np.column_stack(levels), 1e-9, 1 - 1e-9)))


def distance_to_targets(names: Sequence[str], positions: Floats, tolerance: float) -> Floats:
    """Squared distance of parameter sets to the table of numbers, summed over targets.

    A set is given up, with distance inf, as soon as it is beyond the tolerance.

    Parameters
    ----------
    names : sequence of str
        Parameters that vary.
    positions : ndarray, shape (sets, names)
        In the standard-normal space of the prior.
    tolerance : float
        Largest distance of interest.
    """
    from nicheloop.analysis.claims.claim import Measured
    from nicheloop.analysis.targets import GROUPS, measure_group
    from nicheloop.assays.runs.study import Study
    from nicheloop.assays.settings import Settings

    settings = Settings(engine="batch", rtol=SAMPLING_RTOL, threads=1)
    total = np.zeros(len(positions))
    known: dict[str, Floats] = {}
    for group in GROUPS:
        alive = np.flatnonzero(total <= tolerance)
        if alive.size == 0:
            break
        study = Study(to_sets(names, positions[alive]), settings, drawn=True)
        runs = {name: study.runs(scenario) for name, scenario in group.experiments.items()}
        here = {name: values[alive] for name, values in known.items()}
        measure_group(group, Measured(runs, 0), here)
        for target in group.targets:
            total[alive] += target.distance(here[target.quantity]) ** 2
        for name, values in here.items():
            known[name] = np.full(len(positions), np.nan)
            known[name][alive] = values
    return np.where(total <= tolerance, total, np.inf)


@dataclass
class _Swarm:
    """State of the sampler."""

    positions: Floats
    distances: Floats
    ancestors: NDArray[np.intp]


def sample_conditioned(
    names: Sequence[str], distance: Distance, sets: int, seed: int, report: Callable[[str], None] = print
) -> tuple[Floats, dict[str, object]]:
    """Sample the prior on the condition that the distance is zero.

    Parameters
    ----------
    names : sequence of str
        Parameters that vary.
    distance : callable
        Distance to the targets.
    sets : int
        Number of sets.
    seed : int
        Seed of everything random.
    report : callable
        Told one line per stage.

    Returns
    -------
    positions : ndarray, shape (sets, names)
        In the standard-normal space of the prior.
    diagnostics : dict
        Stages with tolerance, acceptance, number of moves; surviving ancestors.
    """
    rng = np.random.default_rng([seed, 0])
    start = rng.standard_normal((sets, len(names)))
    swarm = _Swarm(start, distance(start, np.inf), np.arange(sets))
    stages: list[dict[str, float]] = []
    step, tolerance = FIRST_STEP, np.inf
    while tolerance > 0:
        met = float(np.mean(swarm.distances == 0))
        tolerance = 0.0 if met >= ENOUGH else float(np.quantile(swarm.distances, KEPT))
        chosen = rng.choice(np.flatnonzero(swarm.distances <= tolerance), sets)
        fresh = np.flatnonzero(swarm.distances <= tolerance)
        # Every survivor stays once; copies fill the places of those that are too far away.
        chosen = np.concatenate([fresh, rng.choice(fresh, sets - fresh.size)])
        swarm = _Swarm(swarm.positions[chosen], swarm.distances[chosen], swarm.ancestors[chosen])
        distance_to_go = FULL_MOVE if tolerance == 0 else SHORT_MOVE
        step, moves, acceptance = _move(swarm, distance, tolerance, step, distance_to_go, rng)
        stages.append(
            {
                "tolerance": tolerance,
                "moves": moves,
                "acceptance": acceptance,
                "step": step,
                "met_before": met,
            }
        )
        report(
            f"stage {len(stages)}: tolerance {tolerance:.3g}, {moves} moves, acceptance {acceptance:.2f}, "
            f"step {step:.2f}, {met:.1%} met all targets before"
        )
    lines = int(np.unique(swarm.ancestors).size)
    return swarm.positions, {"stages": stages, "surviving_prior_draws": lines, "sets": sets, "seed": seed}


def _move(
    swarm: _Swarm,
    distance: Distance,
    tolerance: float,
    step: float,
    distance_to_go: float,
    rng: np.random.Generator,
) -> tuple[float, int, float]:
    """Move every set within the tolerance until the average one has gone far enough.

    Returns the step it ended with, the number of moves, and the mean acceptance.
    """
    count, size = swarm.positions.shape
    travelled, accepted, moves = 0.0, [], 0
    while travelled < distance_to_go and moves < MOST_MOVES:
        noise = rng.standard_normal((count, size))
        proposed = np.sqrt(1 - step**2) * swarm.positions + step * noise
        reached = distance(proposed, tolerance)
        inside = reached <= tolerance
        swarm.positions[inside], swarm.distances[inside] = proposed[inside], reached[inside]
        rate = float(inside.mean())
        # In units of the prior's variance: a step of 1 replaces a position altogether.
        travelled += rate * step**2
        accepted.append(rate)
        moves += 1
        step = float(np.clip(step * np.exp(rate - WANTED_ACCEPTANCE), SMALLEST_STEP, LARGEST_STEP))
    return step, moves, float(np.mean(accepted))


def refreshed(
    ensemble: Ensemble, distance: Distance, moves: int, seed: int, report: Callable[[str], None] = print
) -> Ensemble:
    """Replace a random block of parameters of every set by prior draws, again and again, within the targets.

    Full-dimensional moves are short where the targets are narrow, so copies of one set stay alike in what no
    target informs; a small block is exchanged whole.

    Parameters
    ----------
    ensemble : Ensemble
        Sets that meet all targets.
    distance : callable
        Distance to the targets.
    moves : int
        Number of blocks each set is offered.
    seed : int
        Seed of everything random.
    report : callable
        Told one line every ten moves.
    """
    rng = np.random.default_rng([seed, 3])
    positions = to_positions(ensemble.names, ensemble.values)
    exchanged, accepted = np.zeros(positions.shape), []
    for move in range(moves):
        block = rng.random(positions.shape) < BLOCK
        proposed = np.where(block, rng.standard_normal(positions.shape), positions)
        inside = distance(proposed, 0.0) <= 0.0
        positions[inside] = proposed[inside]
        exchanged[inside] += block[inside]
        accepted.append(float(inside.mean()))
        if (move + 1) % 10 == 0:
            report(f"refresh {move + 1} of {moves}: acceptance {np.mean(accepted):.2f}")
    diagnostics = {
        "refreshing_moves": moves,
        "refreshing_acceptance": float(np.mean(accepted)),
        "median_exchanges_per_parameter": float(np.median(exchanged.mean(axis=0))),
        "fewest_exchanges_per_parameter": float(exchanged.mean(axis=0).min()),
    }
    values = to_values(ensemble.names, positions)
    return Ensemble(ensemble.names, values, {**ensemble.diagnostics, **diagnostics})


def make_ensemble(sets: int, seed: int, workers: int = 2, report: Callable[[str], None] = print) -> Ensemble:
    """Sample the ensemble that ships with the package: the prior conditioned on the table of numbers.

    The result does not depend on the number of worker processes.
    """
    names = free_parameters()
    with target_distance(names, workers) as distance:
        positions, diagnostics = sample_conditioned(names, distance, sets, seed, report)
    return Ensemble(names, to_values(names, positions), diagnostics)


@contextmanager
def target_distance(names: Sequence[str], workers: int) -> Iterator[Distance]:
    """Give the distance to the table of numbers, shared out over worker processes."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:

        def distance(positions: Floats, tolerance: float) -> Floats:
            chunks = np.array_split(positions, 4 * workers)
            found = pool.map(partial(distance_to_targets, names, tolerance=tolerance), chunks)
            return np.concatenate(list(found))

        yield distance
