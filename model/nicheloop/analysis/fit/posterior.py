"""Draws from the posterior of a fit: sampled, or of its Laplace approximation where nobody samples."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.fit.diagnostics import effective_size, r_hat, sample_verdict
from nicheloop.analysis.fit.identity import identity
from nicheloop.analysis.fit.samplers import Sampler, Sampling
from nicheloop.execution import ExecutionError, Interrupted, Job, Serial, Span, StoreError

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.execution import Engine
    from nicheloop.execution.progress import Progress

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]

BURN_IN = 0.5
"""Share of the steps that is dropped: chains find their way and proposals their shape."""
LAPLACE_DRAWS = 150
LAPLACE_TRIES = 5
"""Draws that are tried for each that is wanted."""
RULED_OUT = 1e-3
JOB = "sample.json"
_FEWEST = 8


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws from the posterior.

    Attributes
    ----------
    problem : FitProblem
        What was sampled.
    chains : ndarray, shape (chains, steps, parameters)
        On the search scale, burn-in dropped. A walker of an ensemble counts as a chain.
    values : ndarray, shape (chains, steps)
        Of the objective.
    kind : str
        ``sample`` or ``laplace``.
    failed : int
        At how many points the model could not be run; they are not among the draws.
    steps : int
        Of each chain, burn-in included.
    """

    problem: FitProblem = field(repr=False)
    chains: Floats = field(repr=False)
    values: Floats = field(repr=False)
    kind: str = "sample"
    failed: int = 0
    steps: int = 0

    def __len__(self) -> int:
        return int(self.chains.shape[0] * self.chains.shape[1])

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters, then factors on noise."""
        return self.problem.names

    @property
    def points(self) -> Floats:
        """All draws, shape (draws, parameters)."""
        return self.chains.reshape(len(self), -1)

    @cached_property
    def r_hat(self) -> Floats:
        """Rank-normalised split R-hat of each parameter; NaN for the Laplace approximation."""
        return r_hat(self.chains) if self.kind == "sample" else np.full(len(self.names), np.nan)

    @cached_property
    def effective_size(self) -> Floats:
        """How many independent draws the sample is worth, for each parameter."""
        if self.kind == "sample":
            return effective_size(self.chains)
        return np.full(len(self.names), float(len(self)))

    @property
    def verdict(self) -> str:
        """Say in words whether the draws can be trusted."""
        if self.kind == "laplace":
            return (
                "Nobody sampled: these are draws from a normal distribution with the curvature of the "
                "posterior at its best point (Laplace approximation), without those that the data rule out. "
                "Right where the data pin everything, and rough where they do not."
            )
        return sample_verdict(self.names, self.r_hat, self.effective_size)

    def thinned(self, draws: int) -> Floats:
        """Return at most so many points, evenly spread over chains and steps."""
        order = np.swapaxes(self.chains, 0, 1).reshape(len(self), -1)  # neighbours are of different chains
        if len(order) <= draws:
            return np.asarray(order)
        return np.asarray(order[np.linspace(0, len(order) - 1, draws).round().astype(np.intp)])

    def interval(self, level: float = 0.95) -> Floats:
        """Return the central interval of each parameter, in its unit, shape (parameters, 2)."""
        tail = 0.5 * (1.0 - level)
        ends = np.quantile(self.points, [tail, 1.0 - tail], axis=0)
        return np.stack([self.problem.space.numbers(end) for end in ends], axis=1)


def covariance_at(problem: FitProblem, x: ArrayLike) -> Floats:
    """Return the covariance of the Laplace approximation at a point, shape (parameters, parameters).

    That is the inverse of the Fisher matrix of data and prior; a flat prior counts with the variance of its
    range, so that what neither pins has one.

    Raises
    ------
    ValueError
        If the model cannot be run there.
    """
    found = problem.evaluate(x, order=2)
    if found.fisher is None or not found.ok:
        raise ValueError(f"the model cannot be run at this point: {'; '.join(found.problems)}")
    flat = problem.space.prior_information == 0
    width = problem.upper - problem.lower
    precision = found.fisher + np.diag(np.where(flat, 12.0 / width**2, 0.0))
    return np.asarray(np.linalg.pinv(precision, hermitian=True))


def laplace(problem: FitProblem, x: ArrayLike, draws: int = LAPLACE_DRAWS, seed: int = 0) -> Posterior:
    """Draw from the Laplace approximation at a point, without what the data rule out.

    Where the data leave parameters together in a bent valley, a normal density leaves it. So draws are
    dropped that lie beyond the bounds of the search, cannot be simulated, or are worse than the point by more
    than draws of a normal posterior would be in `RULED_OUT` of the cases.

    Parameters
    ----------
    problem : FitProblem
        What was fitted.
    x : array_like, shape (parameters,)
        Its best point.
    draws : int
        How many; fewer if most are dropped, but always the point itself.
    seed : int
        Of the draws.
    """
    from scipy.special import chdtri

    best = np.asarray(x, dtype=np.float64)
    root, rng = _root(covariance_at(problem, best)), np.random.default_rng(seed)
    lowest, failed = problem.evaluate(best).value, 0
    worst = lowest + 0.5 * float(chdtri(max(best.size, 1), RULED_OUT))
    points, values = [best], [lowest]
    for _ in range(LAPLACE_TRIES * draws):
        if len(points) == draws:
            break
        point = best + root @ rng.standard_normal(best.size)
        if np.any(point < problem.lower) or np.any(point > problem.upper):
            continue
        found = problem.evaluate(point)
        failed += found.failed > 0
        if found.value <= worst:
            points.append(point)
            values.append(found.value)
    return Posterior(problem, np.array([points]), np.array([values]), "laplace", failed)


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def sample(
    problem: FitProblem,
    x: ArrayLike,
    draws: int = 2000,
    sampling: Sampling | None = None,
    *,
    store: str | Path | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Sample the posterior with pyPESTO.

    Parameters
    ----------
    problem : FitProblem
        What was fitted.
    x : array_like, shape (parameters,)
        Its best point; chains start about it, as widely as the curvature there says.
    draws : int
        Steps of each chain, or of each walker, burn-in included; rounded up to whole pieces.
    sampling : Sampling, optional
        Method, chains, seed.
    store : path, optional
        Folder that pieces are written to as they come. The same call goes on from the last whole piece of
        each chain, and ends with the same bits as one that was never interrupted; with more draws it makes
        the chains longer. On a cluster, a folder that all workers see.
    engine : Engine, optional
        Where chains run, side by side; default: one after the other, here.
    progress : callable, optional
        Told ``(done, total, failed)`` steps of all chains; failed: points without a run.

    Raises
    ------
    ValueError
        If a number is out of range, or the model cannot be run at the point.
    StoreError
        If the folder holds another sample.
    ModuleNotFoundError
        Without the extra ``fit``.

    Examples
    --------
    >>> posterior = sample(fit.problem, fit.best, store="results/fit/sample")  # doctest: +SKIP
    """
    chosen = sampling or Sampling()
    if draws < _FEWEST:
        raise ValueError(f"draws: got {draws}, expected at least {_FEWEST}")
    best = np.asarray(x, dtype=np.float64)
    task = _Pieces(Sampler(problem, best, covariance_at(problem, best), chosen), Path())
    if store is None:
        with tempfile.TemporaryDirectory() as folder:
            return _sampled(task.at(Path(folder)), draws, engine or Serial(), progress)
    return _sampled(task.at(Path(store)), draws, engine or Serial(), progress)


def _sampled(task: _Pieces, draws: int, engine: Engine, progress: Progress | None) -> Posterior:
    pieces = -(-draws // task.sampler.sampling.piece)
    task.claim()
    _run(task, pieces, engine, progress or _say_nothing)
    return task.posterior(pieces)


def _say_nothing(done: int, total: int, failed: int) -> None:
    """Show no progress."""


def _run(task: _Pieces, pieces: int, engine: Engine, progress: Progress) -> None:
    """Make the pieces that are missing; those of one chain one after the other."""
    sampling = task.sampler.sampling
    chains, steps = sampling.chains, sampling.piece
    there = [task.there(chain, pieces) for chain in range(chains)]
    done, failed = sum(there), 0
    ready = deque(sorted((number, chain) for chain, number in enumerate(there) if number < pieces))
    progress(done * steps, pieces * chains * steps, failed)
    if not ready:
        return
    try:
        with closing(engine.open(task, len(ready))) as pool:
            flying = 0
            while ready or flying:
                while ready and flying < pool.capacity:
                    number, chain = ready.popleft()
                    pool.submit(Span(number * chains + chain, number * chains + chain + 1))
                    flying += 1
                finished = pool.wait()
                number, chain = divmod(finished.span.start, chains)
                flying, done = flying - 1, done + 1
                failed += int(finished.arrays["unrun"][0])
                if number + 1 < pieces:
                    ready.append((number + 1, chain))
                progress(done * steps, pieces * chains * steps, failed)
    except KeyboardInterrupt:
        kept = f"{done * steps} of {pieces * chains * steps} steps are in {task.folder}"
        raise Interrupted(f"interrupted: {kept}: run the same again to go on") from None


@dataclass(frozen=True)
class _Pieces:
    """Pieces of chains as a task, and the folder that they are in: ``chain-0/000000.npz``."""

    sampler: Sampler
    folder: Path

    def at(self, folder: Path) -> _Pieces:
        """Return it for a folder."""
        return _Pieces(self.sampler, folder.absolute())

    def __reduce__(self) -> tuple[Any, ...]:
        made = self.sampler
        return _made, (made.problem, made.best, made.covariance, made.sampling, self.folder)

    def __call__(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Make pieces; the number is that of the piece times the chains, plus the chain."""
        unrun = []
        for row in range(start, stop):
            number, chain = divmod(row, self.sampler.sampling.chains)
            before = self.read(chain, number - 1) if number else None
            if number and before is None:
                raise ExecutionError(
                    f"{self._path(chain, number - 1)}: is not there or damaged, expected a piece"
                )
            made = self.sampler.piece(chain, number, before)
            self._write(chain, number, made)
            unrun.append(int(made["failed"]))
        return {"unrun": np.array(unrun)}

    def claim(self) -> None:
        """Take the folder for this sample, or find that it is of this one already."""
        job = Job("sample", self._settings(), self.sampler.sampling.seed).essence()
        path = self.folder / JOB
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, json.dumps(job, indent=2).encode())
            return
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            there = None
        if there != job:
            raise StoreError(f"{self.folder}: holds a sample of another fit, expected an empty folder")

    def _settings(self) -> dict[str, Any]:
        made, sampling = self.sampler, self.sampler.sampling
        return {
            "fit": identity(made.problem),
            "best": made.best.tolist(),
            "covariance": made.covariance.tolist(),
            "method": sampling.method,
            "chains": sampling.chains,
            "temperatures": sampling.temperatures if sampling.method == "tempering" else None,
            "walkers": sampling.walkers_of(made.best.size) if sampling.method == "ensemble" else None,
            "piece": sampling.piece,
        }

    def there(self, chain: int, pieces: int) -> int:
        """Count the whole pieces of a chain, up to the first that is missing or damaged."""
        for number in range(pieces):
            if self.read(chain, number) is None:
                return number
        return pieces

    def read(self, chain: int, number: int) -> dict[str, NDArray[Any]] | None:
        """Read a piece; None if it is not there, or not as it was written."""
        try:
            with np.load(self._path(chain, number), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}  # reading compares the checksums
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None

    def _write(self, chain: int, number: int, made: Arrays) -> None:
        path = self._path(chain, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **made)
        _write(path, buffer.getvalue())

    def _path(self, chain: int, number: int) -> Path:
        return self.folder / f"chain-{chain}" / f"{number:06}.npz"

    def posterior(self, pieces: int) -> Posterior:
        """Read all pieces."""
        x, values, failed = [], [], 0
        for chain in range(self.sampler.sampling.chains):
            read = [self.read(chain, number) for number in range(pieces)]
            whole = [piece for piece in read if piece is not None]
            x.append(np.concatenate([piece["x"] for piece in whole]))
            values.append(np.concatenate([piece["value"] for piece in whole]))
            failed += sum(int(piece["failed"]) for piece in whole)
        chains = np.concatenate([np.swapaxes(one, 0, 1) for one in x])
        objective = np.concatenate([one.T for one in values])
        steps = chains.shape[1]
        first = int(BURN_IN * steps)
        problem = self.sampler.problem
        return Posterior(problem, chains[:, first:], objective[:, first:], "sample", failed, steps)


def _made(problem: FitProblem, best: Floats, covariance: Floats, sampling: Sampling, folder: Path) -> _Pieces:
    return _Pieces(Sampler(problem, best, covariance, sampling), folder)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
