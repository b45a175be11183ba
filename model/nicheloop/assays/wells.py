"""What the wells of one experiment give: a run per well, and tables and arrays over what sets them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays import axes
from nicheloop.assays.fields import axis_unit
from nicheloop.assays.readouts import Floats, Readout, applicable, find
from nicheloop.assays.result import Runs
from nicheloop.assays.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Wells:
    """The wells of a scenario that varies something, run with one parameter set.

    Attributes
    ----------
    scenario : Scenario
        The experiment, with what it varies.
    runs : tuple of Runs
        One per well, in the order of ``scenario.wells()``: all combinations, last axis fastest.
    """

    scenario: Scenario
    runs: tuple[Runs, ...]

    @property
    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """Values of every axis, in its default unit."""
        return self.scenario.vary

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of every axis."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def labels(self) -> tuple[dict[str, float], ...]:
        """What sets each well apart: axis to value."""
        return axes.places(self.scenario)

    @property
    def time(self) -> Floats:
        """Sampling times of all wells, h."""
        return self.runs[0].time

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which wells were run to their end, shape (wells,)."""
        return np.array([run.ok[0] for run in self.runs])

    @property
    def messages(self) -> tuple[str, ...]:
        """Per well, why it failed; empty if it did not."""
        return tuple(run.messages[0] for run in self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        axes = ", ".join(f"{axis} {len(values)}" for axis, values in self.axes.items())
        failed = int((~self.ok).sum())
        return f"Wells {self.scenario.name}: {len(self)} wells ({axes or 'nothing varies'}), {failed} failed"

    def __iter__(self) -> Iterator[Runs]:
        return iter(self.runs)

    def __getitem__(self, key: str | Readout) -> Floats:
        """Return a read-out, or an observable or expression of the model, in all wells.

        Returns
        -------
        ndarray, shape (values of the first axis, ..., values of the last axis, times)
            NaN after the time a failed well reached.
        """
        values = np.array([run[key][0] for run in self.runs])
        return values.reshape(*self.shape, self.time.size)

    def to_dataframe(self, readouts: Iterable[str] | None = None) -> pd.DataFrame:
        """Return read-outs as a tidy table: one column per axis, with its unit, then those of a single run.

        Parameters
        ----------
        readouts : iterable of str, optional
            Read-outs; default: all that the wells allow.
        """
        import pandas as pd

        places, count, chosen = self.labels, self.time.size, self._chosen(readouts)
        frames = []
        for place, run in zip(places, self.runs, strict=True):
            for readout, host in chosen:
                columns: dict[str, object] = {axes.column(axis): value for axis, value in place.items()}
                columns |= {"time": run.time, "readout": readout.name, "line": host}
                columns |= {"value": readout.compute(run, host)[0], "unit": readout.unit}
                frames.append(pd.DataFrame(columns, index=range(count)))
        return pd.concat(frames, ignore_index=True)

    def to_xarray(self, readouts: Iterable[str] | None = None) -> xr.Dataset:
        """Return read-outs as labelled arrays, over the axes and the time, with units.

        Parameters
        ----------
        readouts : iterable of str, optional
            Read-outs; default: all that the wells allow.
        """
        import xarray as xr

        data: dict[str, Any] = {}
        for readout, host in self._chosen(readouts):
            values = np.array(
                [np.broadcast_to(readout.compute(run, host)[0], self.time.shape) for run in self]
            )
            about = {"units": readout.unit, "long_name": readout.description}
            about |= {"readout": readout.name, "host": host}
            name = f"{readout.name}_{host}" if host else readout.name
            data[name] = ((*self.axes, "time"), values.reshape(*self.shape, -1), about)
        coordinates: dict[str, Any] = {
            axis: (axis, np.array(values), {"units": axis_unit(axis)}) for axis, values in self.axes.items()
        }
        coordinates["time"] = ("time", self.time, {"units": "h"})
        return xr.Dataset(data, coordinates, {"scenario": self.scenario.name})

    def plot(
        self, readouts: Iterable[str] | None = None, kind: str | None = None, ax: Any = None, **options: Any
    ) -> Figure:
        """Draw read-outs over what sets the wells apart, and return the matplotlib figure.

        Parameters
        ----------
        readouts : iterable of str, optional
            Default: all. A single one over the doses of one drug is a dose-response (a bell, for what
            migrated towards CXCL11), over those of two drugs a synergy surface.
        kind : str, optional
            ``panels``, ``dose_response``, ``bell``, ``heatmap``, ``synergy`` or ``timecourse``.
        ax : Axes or sequence of Axes, optional
            Where to, one per panel.
        **options
            ``method`` (``bliss`` or ``loewe``) of a synergy; ``fit`` and ``along`` of a dose-response.
        """
        from nicheloop.figures.choose import plot_experiment

        return plot_experiment(self, readouts, kind, ax, **options)

    def _chosen(self, readouts: Iterable[str] | None) -> tuple[tuple[Readout, str], ...]:
        hosts = self.scenario.hosts
        return applicable(hosts) if readouts is None else tuple(find(key, hosts) for key in readouts)
