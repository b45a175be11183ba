"""pyPESTO's samplers, cut into pieces: a piece follows from what the one before left behind and its seed.

What a piece leaves behind are arrays, so that they can be stored and read back without loss: a chain that was
interrupted goes on as if it had not been, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]

METHODS = ("tempering", "ensemble")
START_TRIES = 40
OVERDISPERSED = 1.5
"""Widths of the Laplace approximation over which chains start, so that R-hat can tell if they do not meet."""


@dataclass(frozen=True)
class Sampling:
    """How a posterior is sampled.

    Attributes
    ----------
    method : str
        ``tempering``: adaptive parallel tempering with adaptive Metropolis chains; ``ensemble``: emcee.
    chains : int
        Independent runs, each from starts of its own; two at least, or there is no R-hat.
    temperatures : int
        Of each run of ``tempering``.
    walkers : int or None
        Of each run of ``ensemble``; None: two per parameter, and two.
    piece : int
        Steps between two writes to the disk: what a kill may lose of each chain.
    seed : int
        Root of all random draws.
    """

    method: str = "tempering"
    chains: int = 4
    temperatures: int = 3
    walkers: int | None = None
    piece: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(unknown("method", self.method, METHODS))
        least = {"chains": 2, "temperatures": 1, "piece": 1, "seed": 0}
        for name, lowest in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
                raise ValueError(f"{name}: got {value!r}, expected a whole number of at least {lowest}")
        if self.walkers is not None and self.walkers < 4:
            raise ValueError(f"walkers: got {self.walkers!r}, expected at least two per parameter")

    def walkers_of(self, parameters: int) -> int:
        """Walkers of a run with so many parameters."""
        return 2 * parameters + 2 if self.walkers is None else self.walkers

    def rng(self, *place: int) -> np.random.Generator:
        """Return the generator of a place, such as chain and piece."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, *place]))


class Sampler:
    """Makes pieces of chains.

    Parameters
    ----------
    problem : FitProblem
        What is sampled.
    best : ndarray, shape (parameters,)
        Around which chains start.
    covariance : ndarray, shape (parameters, parameters)
        Of the Laplace approximation there: starts and first proposals.
    sampling : Sampling
        How.

    Raises
    ------
    ModuleNotFoundError
        Without the extra ``fit``; says how to install it.
    """

    def __init__(self, problem: FitProblem, best: Floats, covariance: Floats, sampling: Sampling) -> None:
        self.problem, self.best, self.covariance, self.sampling = problem, best, covariance, sampling
        self._pypesto = problem.to_pypesto()
        if sampling.method == "ensemble":
            _require("emcee")

    def piece(self, chain: int, number: int, before: Mapping[str, NDArray[Any]] | None) -> Arrays:
        """Make a piece of a chain from what the one before left behind (None: the first).

        Returns
        -------
        dict of ndarray
            ``x`` (steps, walkers, parameters), ``value`` (steps, walkers), ``failed`` (how many points could
            not be simulated), and what the next piece needs; one walker if there is tempering.
        """
        self._pypesto.objective.failed_calls = 0
        make = self._tempered if self.sampling.method == "tempering" else self._ensemble
        return make(chain, number, before)

    # -- adaptive parallel tempering ------------------------------------------------------------------------

    def _tempered(self, chain: int, number: int, before: Mapping[str, NDArray[Any]] | None) -> Arrays:
        sampler = _tempering(self.sampling.temperatures, self.covariance)
        if before is None:
            starts = list(self._starts(chain, self.sampling.temperatures))
        else:
            starts = list(before["state_x"])
        done = 0 if before is None else int(before["state_steps"])
        with _legacy_seed(self.sampling.rng(chain, number)):
            sampler.initialize(self._pypesto, starts)
            sampler.offset = done
            if before is not None:
                _restore(sampler, before, done)
            sampler.sample(self.sampling.piece)
        return self._told(sampler, done + self.sampling.piece)

    def _told(self, sampler: Any, done: int) -> Arrays:
        inner, coldest, piece = sampler.samplers, sampler.samplers[0], self.sampling.piece
        lasts = [one.get_last_sample() for one in inner]
        return {
            "x": np.array(coldest.trace_x[-piece:])[:, None],
            "value": np.array(coldest.trace_neglogpost[-piece:])[:, None],
            "failed": np.array(sum(one.neglogpost.failed_calls for one in inner)),
            "state_steps": np.array(done),
            "state_x": np.array([last.x for last in lasts]),
            "state_posterior": np.array([last.lpost for last in lasts], dtype=np.float64),
            "state_prior": np.array([last.lprior for last in lasts], dtype=np.float64),
            "state_betas": np.array(sampler.betas),
            "state_mean": np.array([one._mean_hist for one in inner]),
            "state_history": np.array([one._cov_hist for one in inner]),
            "state_covariance": np.array([one._cov for one in inner]),
            "state_scale": np.array([one._cov_scale for one in inner], dtype=np.float64),
        }

    # -- ensemble -------------------------------------------------------------------------------------------

    def _ensemble(self, chain: int, number: int, before: Mapping[str, NDArray[Any]] | None) -> Arrays:
        import emcee
        from pypesto.sample import EmceeSampler

        walkers = self.sampling.walkers_of(self.best.size)
        run = {"progress": False, "skip_initial_state_check": True}
        sampler = EmceeSampler(nwalkers=walkers, run_args=run)
        if before is None:
            sampler.state = emcee.State(self._starts(chain, walkers))
        else:
            sampler.state = emcee.State(before["state_x"], log_prob=before["state_posterior"])
        sampler.initialize(self._pypesto, self.best)
        seed = self.sampling.rng(chain, number).integers(2**32, size=4, dtype=np.uint32)
        sampler.sampler.random_state = np.random.RandomState(seed).get_state()
        sampler.sample(self.sampling.piece)
        x, posterior = sampler.sampler.get_chain(), sampler.sampler.get_log_prob()
        return {
            "x": x,
            "value": -posterior,
            "failed": np.array(self._pypesto.objective.failed_calls),
            "state_x": np.array(sampler.state.coords),
            "state_posterior": np.array(sampler.state.log_prob),
        }

    # -- starts ---------------------------------------------------------------------------------------------

    def _starts(self, chain: int, count: int) -> Floats:
        """Draw where chains start: about the best point, within the bounds, where the model can be run."""
        rng, found = self.sampling.rng(chain), []
        for _ in range(count):
            width = OVERDISPERSED
            for _ in range(START_TRIES):
                shift = rng.multivariate_normal(np.zeros(self.best.size), self.covariance, method="svd")
                point = np.clip(self.best + width * shift, self.problem.lower, self.problem.upper)
                if self.problem.evaluate(point).ok:
                    break
                width *= 0.9
            else:
                point = self.best
            found.append(point)
        return np.array(found)


def _require(name: str) -> None:
    from importlib import import_module

    try:
        import_module(name)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{name} is not installed: pip install 'nicheloop[fit]'") from None


def _tempering(temperatures: int, covariance: Floats) -> Any:
    """Return pyPESTO's sampler, whose temperatures settle over all pieces together."""
    from pypesto.sample import AdaptiveMetropolisSampler, AdaptiveParallelTemperingSampler
    from pypesto.sample.parallel_tempering import near_exponential_decay_betas

    class InPieces(AdaptiveParallelTemperingSampler):  # type: ignore[misc]
        offset = 0

        def adjust_betas(self, i_sample: int, swapped: Any) -> None:
            super().adjust_betas(self.offset + i_sample, swapped)

    first = covariance * 2.38**2 / max(len(covariance), 1)  # Roberts 1997: the best width for a normal target
    inner = AdaptiveMetropolisSampler({"cov0": first, "show_progress": False})
    options = {"show_progress": False}
    defaults = AdaptiveParallelTemperingSampler.default_options()
    betas = near_exponential_decay_betas(temperatures, defaults["exponent"], defaults["max_temp"])
    return InPieces(inner, betas=betas, options=options)


def _restore(sampler: Any, before: Mapping[str, NDArray[Any]], done: int) -> None:
    """Put back what a piece left behind; of the traces only their length and last entry count."""
    sampler.betas = before["state_betas"].copy()
    for i, one in enumerate(sampler.samplers):
        one.trace_x = [before["state_x"][i]] * (done + 1)
        one.trace_neglogpost = [-float(before["state_posterior"][i])] * (done + 1)
        one.trace_neglogprior = [-float(before["state_prior"][i])] * (done + 1)
        one._mean_hist, one._cov_hist = before["state_mean"][i], before["state_history"][i]
        one._cov, one._cov_scale = before["state_covariance"][i], float(before["state_scale"][i])


@contextmanager
def _legacy_seed(rng: np.random.Generator) -> Iterator[None]:
    """Seed NumPy's global generator, which pyPESTO draws from, and put it back afterwards."""
    kept = np.random.get_state()  # noqa: NPY002
    np.random.seed(rng.integers(2**32, size=4, dtype=np.uint32))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002
