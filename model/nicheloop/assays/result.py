"""What a simulation gives back: one run, or one scenario run for many parameter sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Floats, Readout, ReadoutError, applicable, find, readout_names
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from nicheloop.assays.runs.study import Study


@dataclass(frozen=True, eq=False)
class Result:
    """One run of one scenario.

    A run that failed is a value, too: ``status`` is ``failed``, ``message`` says why, and everything after
    ``time_reached`` is NaN.

    Attributes
    ----------
    scenario : Scenario
        What was run.
    parameters : mapping
        Value of every parameter of the table at the start.
    time : ndarray, shape (times,)
        Hours.
    status, message : str
        ``ok`` or ``failed``, and why.
    time_reached : float
        Hours; NaN if the run could not start.
    species_names, species : tuple of str, ndarray of shape (times, species)
        Amounts in nM of well volume.
    output_names, outputs : tuple of str, ndarray of shape (times, outputs)
        Observables and expressions of the model, in its own units.
    """

    scenario: Scenario
    parameters: Mapping[str, float]
    time: Floats
    status: str
    message: str
    time_reached: float
    species_names: tuple[str, ...]
    species: Floats
    output_names: tuple[str, ...]
    outputs: Floats
    study: Study = field(repr=False)
    index: int = field(default=0, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the run went to its end."""
        return self.status == "ok"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Kinds of cell in the vessel."""
        return self.scenario.hosts

    def __repr__(self) -> str:
        told = f"to {self.time[-1]:g} h" if self.ok else f"failed at {self.time_reached:g} h: {self.message}"
        return f"Result {self.scenario.name}: {', '.join(self.hosts)}, {told}"

    def _repr_html_(self) -> str:
        """Show in a notebook what was measured at the end."""
        end = self.to_dataframe().query("time == time.max()").drop(columns="time")
        return f"<p>{escape(repr(self))}</p>{end.to_html(index=False, float_format='{:.3g}'.format)}"

    def __getitem__(self, key: str | Readout) -> Floats:
        """Return a read-out, or an observable or expression of the model, at every time.

        Parameters
        ----------
        key : str or Readout
            ``viability``, ``viability:K562R``, ``il1b``, ``cells_K562S_stroma``...

        Raises
        ------
        ReadoutError
            With the nearest known name.
        """
        if isinstance(key, str) and key in self._columns:
            return self.output(key)
        readout, host = _found(key, self.hosts, self.output_names)
        return readout.compute(self, host)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.output_names)}

    def output(self, name: str) -> Floats:
        """Observable or expression of the model, shape (times,)."""
        return _column(self.outputs, self._columns, name)

    def seeded(self, host: str) -> float:
        """Living cells of ``host`` at the start, nM."""
        return _seeded(self.scenario, host)

    def stock_output(self, host: str, name: str) -> Floats:
        """Observable or expression in the stock culture of ``host``, shape (1,)."""
        values: Floats = self.study.stock_output(self.scenario, host, name)[self.index]
        return values

    def vehicle(self) -> Result:
        """The matching vehicle well: the same without treatments (run at first use)."""
        return self._vehicle

    @cached_property
    def _vehicle(self) -> Result:
        plain = self.scenario.vehicle()
        return self if plain == self.scenario else self.study.result(plain, self.index)

    def to_dataframe(self, readouts: Iterable[str] | None = None) -> pd.DataFrame:
        """Return read-outs as a tidy table: ``time, readout, line, value, unit``.

        Parameters
        ----------
        readouts : iterable of str, optional
            Read-outs; default: all that this run allows.
        """
        import pandas as pd

        chosen = applicable(self.hosts) if readouts is None else [find(key, self.hosts) for key in readouts]
        frames = [
            pd.DataFrame(
                {
                    "time": self.time,
                    "readout": readout.name,
                    "line": host,
                    "value": readout.compute(self, host),
                    "unit": readout.unit,
                }
            )
            for readout, host in chosen
        ]
        return pd.concat(frames, ignore_index=True)

    def to_xarray(self) -> xr.Dataset:
        """Return everything: species (nM) and outputs over time, with the read-outs as variables."""
        import xarray as xr

        data: dict[str, Any] = {
            "species": (("time", "species_name"), self.species, {"units": "nM"}),
            "outputs": (("time", "output"), self.outputs),
        }
        for readout, host in applicable(self.hosts):
            name = f"{readout.name}_{host}" if host else readout.name
            attributes = {"units": readout.unit, "long_name": readout.description}
            data[name] = (("time",), readout.compute(self, host), attributes)
        coordinates = {
            "time": ("time", self.time, {"units": "h"}),
            "species_name": list(self.species_names),
            "output": list(self.output_names),
        }
        attributes = {"scenario": self.scenario.name, "status": self.status, "message": self.message}
        return xr.Dataset(data, coords=coordinates, attrs=attributes)

    def plot(
        self, readouts: Iterable[str] | None = None, kind: str | None = None, ax: Any = None, **options: Any
    ) -> Any:
        """Draw read-outs over time and return the matplotlib figure.

        Parameters
        ----------
        readouts : iterable of str, optional
            Read-outs; default: all that this run allows.
        kind : str, optional
            ``timecourse``, the only one of a single run.
        ax : Axes or sequence of Axes, optional
            Where to, one per read-out.
        **options
            ``data``: an assay table whose values are drawn beside the lines.
        """
        from nicheloop.figures.choose import plot_result

        return plot_result(self, readouts, kind, ax, **options)


@dataclass(frozen=True, eq=False)
class Runs:
    """One scenario, run for many parameter sets.

    Attributes
    ----------
    scenario : Scenario
        What was run.
    time : ndarray, shape (times,)
        Hours.
    status, messages : tuple of str
        Per run: ``ok`` or ``failed``, and why.
    time_reached : ndarray, shape (runs,)
        Hours.
    output_names, outputs : tuple of str, ndarray of shape (runs, times, outputs)
        Observables and expressions of the model that were kept; NaN after the time reached.
    """

    scenario: Scenario
    time: Floats
    status: tuple[str, ...]
    messages: tuple[str, ...]
    time_reached: Floats
    output_names: tuple[str, ...]
    outputs: Floats
    columns: Mapping[str, int] = field(repr=False)
    study: Study = field(repr=False)

    @property
    def ok(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which runs went to their end, shape (runs,)."""
        return np.array([status == "ok" for status in self.status])

    @property
    def hosts(self) -> tuple[str, ...]:
        """Kinds of cell in the vessel."""
        return self.scenario.hosts

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        failed = len(self) - int(self.ok.sum())
        return f"Runs {self.scenario.name}: {len(self)} parameter sets, {failed} failed"

    def __getitem__(self, key: str | Readout) -> Floats:
        """Return a read-out, or an observable or expression of the model, shape (runs, times)."""
        outputs = plan_of(self.scenario).compiled.outputs
        if isinstance(key, str) and key in outputs:
            return self.output(key)
        readout, host = _found(key, self.hosts, tuple(outputs))
        return readout.compute(self, host)

    def output(self, name: str) -> Floats:
        """Observable or expression of the model, shape (runs, times).

        One that was not kept makes the study run the scenario again.
        """
        if name not in self.columns and name in plan_of(self.scenario).compiled.outputs:
            return self.study.runs(self.scenario, name).output(name)
        return _column(self.outputs, self.columns, name)

    def seeded(self, host: str) -> float:
        """Living cells of ``host`` at the start, nM."""
        return _seeded(self.scenario, host)

    def stock_output(self, host: str, name: str) -> Floats:
        """Observable or expression in the stock cultures of ``host``, shape (runs, 1)."""
        return self.study.stock_output(self.scenario, host, name)

    def vehicle(self) -> Runs:
        """The matching vehicle wells (run at first use, and kept)."""
        plain = self.scenario.vehicle()
        return self if plain == self.scenario else self.study.runs(plain)

    def result(self, index: int) -> Result:
        """Run one of the parameter sets again and return all of it."""
        return self.study.result(self.scenario, index)


def _found(key: str | Readout, hosts: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[Readout, str]:
    """Find a read-out; the suggestion for an unknown one also looks at the outputs of the model."""
    if isinstance(key, str) and key.partition(":")[0] not in readout_names():
        raise ReadoutError(unknown("read-out", key, [*readout_names(), *outputs]))
    return find(key, hosts)


def _column(outputs: Floats, columns: Mapping[str, int], name: str) -> Floats:
    if name not in columns:
        raise ReadoutError(unknown("output", name, columns))
    values: Floats = outputs[..., columns[name]]
    return values


def _seeded(scenario: Scenario, host: str) -> float:
    from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML

    density = scenario.lines[host].density if host in scenario.lines else scenario.stroma.density
    return density * NANOMOLAR_PER_CELL_PER_ML
