"""What a sensitivity analysis found: indices with intervals, and everything needed to trust or doubt them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.analysis.sensitivity.convergence import LEAST, ORDER, Verdict, largest, standing_out
from nicheloop.analysis.sensitivity.estimate import Estimate, Floats
from nicheloop.analysis.sensitivity.methods import METHODS
from nicheloop.analysis.sensitivity.outputs import Output
from nicheloop.analysis.sensitivity.space import DUMMY
from nicheloop.assays.names import unknown

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Indices of every factor for every output.

    Attributes
    ----------
    method : str
        ``local``, ``morris``, ``sobol``, ``efast``, ``pawn`` or ``delta``.
    members : mapping
        Factor to the parameters it consists of.
    outputs : tuple of Output
        What was looked at.
    indices : mapping of str to Estimate
        By name; arrays of shape (factors, outputs). All but local ones have the dummy as the last factor.
    main : str
        Index by which factors are ranked.
    second : Estimate or None
        Second order, shape (factors, factors, outputs).
    history : mapping of int to ndarray
        Main index from the first so many samples.
    verdicts : tuple of Verdict
        Per output, whether the sample was large enough.
    samples, rows : int
        Sample size as the method counts it, and how often the model was evaluated.
    failed : int
        Rows without a finite value of some output.
    policy : str
        What became of them: ``drop``, ``impute`` or ``raise``.
    dropped : ndarray of int, shape (outputs,)
        Blocks (Sobol), elementary effects (Morris), curves (eFAST) or points that were left out with them.
    blocks : int
        How many there were.
    reasons : mapping
        Why rows failed, and how many.
    seed : int
        Of design and resamples.
    resamples : int
        Of the bootstrap.
    seconds : float
        What the evaluation took (with a store: this time).
    """

    method: str
    members: Mapping[str, tuple[str, ...]]
    outputs: tuple[Output, ...]
    indices: Mapping[str, Estimate]
    main: str
    second: Estimate | None = None
    history: Mapping[int, Floats] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    samples: int = 0
    rows: int = 1
    failed: int = 0
    policy: str = ""
    dropped: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    blocks: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    resamples: int = 0
    seconds: float = 0.0

    @property
    def factors(self) -> tuple[str, ...]:
        """Groups and single parameters, without the dummy."""
        return tuple(self.members)

    @property
    def rows_of_indices(self) -> tuple[str, ...]:
        """Factors as the indices have them: with the dummy, if there is one."""
        return self.factors if self.method == "local" else (*self.factors, DUMMY)

    @property
    def failed_fraction(self) -> float:
        """Share of the rows without a finite value of some output."""
        return self.failed / self.rows

    @property
    def verdict(self) -> str:
        """The worst verdict over the outputs, see `Verdict`."""
        found = {verdict.verdict for verdict in self.verdicts}
        return next(verdict for verdict in ORDER if verdict in found)

    @property
    def matters(self) -> np.ndarray:
        """Which factor stands out, shape (factors, outputs): see `Verdict`; local: beside the largest."""
        main, count = self.indices[self.main], len(self.factors)
        with np.errstate(invalid="ignore"):
            if self.method == "local":
                return np.asarray(np.abs(main.value) > LEAST * largest(main))
            size = largest(main) if METHODS[self.method].scaled else np.ones(len(self.outputs))
            return standing_out(main.low[:count] / size, main.high[count] / size)

    def index_names(self) -> tuple[str, ...]:
        """Names of the indices."""
        return tuple(self.indices)

    def __getitem__(self, name: str) -> Estimate:
        """Return an index by name."""
        if name not in self.indices:
            raise ValueError(unknown("index", name, self.indices))
        return self.indices[name]

    def __repr__(self) -> str:
        size = f"{len(self.factors)} factors, {len(self.outputs)} outputs, {self.rows:,} rows"
        return f"Sensitivity by {self.method}: {size}, {self.verdict}; {self.failures()}"

    def to_dataframe(self) -> pd.DataFrame:
        """Return a tidy table: one row per output, factor and index.

        Columns: ``scenario``, ``readout``, ``line``, ``unit``, ``summary``, ``time``, ``log``, ``factor``,
        ``with`` (second order), ``index``, ``value``, ``low``, ``high``, ``verdict``.
        """
        import pandas as pd

        pairs = [(factor, "") for factor in self.rows_of_indices]
        frames = [self._frame(name, pairs, estimate) for name, estimate in self.indices.items()]
        if self.second is not None:
            j, k = np.triu_indices(len(self.factors), 1)
            pairs = [(self.factors[a], self.factors[b]) for a, b in zip(j, k, strict=True)]
            upper = Estimate(*(part[j, k] for part in _parts(self.second).values()))
            frames.append(self._frame("S2", pairs, upper))
        return pd.concat(frames, ignore_index=True)

    def _frame(self, index: str, factors: list[tuple[str, str]], estimate: Estimate) -> pd.DataFrame:
        import pandas as pd

        count = len(factors)
        rows = [row for output in self.outputs for row in [_row(output)] * count]
        frame = pd.DataFrame(rows)
        frame["factor"], frame["with"] = zip(*factors * len(self.outputs), strict=True)
        frame["index"] = index
        for name in ("value", "low", "high"):
            frame[name] = getattr(estimate, name).T.ravel()
        frame["verdict"] = [str(v.verdict) for v in self.verdicts for _ in range(count)]
        return frame

    def convergence(self) -> pd.DataFrame:
        """Return the main index from parts of the sample: one row per output, factor and size of the part."""
        import pandas as pd

        frames = []
        for size, value in sorted(self.history.items()):
            rows = [row for output in self.outputs for row in [_row(output)] * len(self.rows_of_indices)]
            frame = pd.DataFrame(rows)
            frame["factor"] = list(self.rows_of_indices) * len(self.outputs)
            frame["samples"], frame["index"], frame["value"] = size, self.main, value.T.ravel()
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def to_xarray(self) -> xr.Dataset:
        """Return the indices with labels.

        Returns
        -------
        xarray.Dataset
            For every index its value, ``<index>_low`` and ``<index>_high`` over ``factor`` and ``output``;
            for the main one also ``<index>_at`` over ``sample_size``; what outputs are as coordinates.
        """
        import xarray as xr

        dims = ("factor", "output")
        data: dict[str, Any] = {}
        for name, estimate in self.indices.items():
            data |= {f"{name}{ending}": (dims, part) for ending, part in _parts(estimate).items()}
        if self.second is not None:
            between = ("one", "other", "output")
            data |= {f"S2{ending}": (between, part) for ending, part in _parts(self.second).items()}
        if self.history:
            sizes = sorted(self.history)
            data[f"{self.main}_at"] = (("sample_size", *dims), np.stack([self.history[n] for n in sizes]))
        data["dropped"] = ("output", self.dropped if self.dropped.size else np.zeros(len(self.outputs), int))
        coords: dict[str, Any] = {"factor": list(self.rows_of_indices)}
        for name in ("scenario", "name", "line", "unit", "summary", "label"):
            shown = "readout" if name == "name" else "output" if name == "label" else name
            coords[shown] = ("output", [getattr(output, name) for output in self.outputs])
        coords["time"] = ("output", [np.nan if o.time is None else o.time for o in self.outputs])
        coords["verdict"] = ("output", [verdict.verdict for verdict in self.verdicts])
        if self.second is not None:
            coords["one"] = coords["other"] = list(self.factors)
        if self.history:
            coords["sample_size"] = sorted(self.history)
        return xr.Dataset(data, coords, attrs=self.about())

    def about(self) -> dict[str, Any]:
        """Return how it was found, as plain numbers and text."""
        return {
            "method": self.method,
            "samples": self.samples,
            "rows": self.rows,
            "failed_rows": self.failed,
            "failed_fraction": self.failed_fraction,
            "failed_policy": self.policy,
            "blocks": self.blocks,
            "bootstrap": self.resamples,
            "seed": self.seed,
            "verdict": self.verdict,
        }

    def failures(self) -> str:
        """Say on one line what failed and what became of it."""
        if not self.failed:
            return f"none of {self.rows:,} rows failed"
        told = f"{self.failed:,} of {self.rows:,} rows ({self.failed_fraction:.1%}) failed"
        if self.policy == "impute":
            return f"{told}; they were given the value of the nearest row"
        some = np.unique(self.dropped)
        lost = f"{some[0]:,}" if some.size == 1 else f"{some[0]:,} to {some[-1]:,}"
        kind = {"sobol": "blocks", "morris": "effects", "efast": "curves"}.get(self.method, "points")
        return f"{told}; {lost} of {self.blocks:,} {kind} were left out with them"

    def plot(self, kind: str | None = None, **options: Any) -> Figure:
        """Draw it: ``tornado``, ``heatmap``, ``plane`` (Morris) or ``interactions`` (second order).

        Parameters
        ----------
        kind : str, optional
            Default: what suits method and outputs.
        **options
            Of the drawing function in :mod:`nicheloop.figures.sensitivity`.
        """
        from nicheloop.figures.sensitivity import draw

        return draw(self, kind, **options)


def _parts(estimate: Estimate) -> dict[str, Floats]:
    """Value and interval, by what is added to the name of the index."""
    return {"": estimate.value, "_low": estimate.low, "_high": estimate.high}


def _row(output: Output) -> dict[str, Any]:
    return {
        "scenario": output.scenario,
        "readout": output.name,
        "line": output.line,
        "unit": output.unit,
        "summary": output.summary,
        "time": np.nan if output.time is None else output.time,
        "log": output.log,
    }
