"""What results are called: dimensions with units, variables with units; as JSON, and on xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.analysis.sweep.bench import OK, STATUS
from nicheloop.analysis.sweep.design import SAMPLE, SET, Design
from nicheloop.analysis.sweep.task import AXIS_FIELD, STATUS_FIELD, Variable

if TYPE_CHECKING:
    import xarray as xr

TIME = "time"
TOLD = ("units", "long_name", "readout", "host", "summary")
"""What a variable says of itself."""


@dataclass(frozen=True)
class Labels:
    """Dimensions and variables of a sweep; plain values, so that a store tells what it holds.

    Attributes
    ----------
    outer, inner : mapping of str to int
        Dimensions that rows are counted through, and those within a row, with their sizes.
    order : tuple of str
        Dimensions in the order in which results have them.
    axes : mapping
        Values and unit of each axis; without values, it is sampled.
    times : tuple of float
        Hours.
    variables : mapping
        Of each variable: dimensions within a row, unit, description; its read-out, the cells it is read on
        (empty for the medium) and what it was summarised by.
    """

    outer: Mapping[str, int]
    inner: Mapping[str, int]
    order: tuple[str, ...]
    axes: Mapping[str, Mapping[str, Any]]
    times: tuple[float, ...]
    variables: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, design: Design, variables: Sequence[Variable], times: Sequence[float]) -> Labels:
        """Name the results of a design."""
        outer = dict(zip(design.outer_dims(), design.outer_shape, strict=True))
        inner = {axis.name: len(axis.values) for axis in design.inner_axes}
        present = [SET] if design.labelled else []
        present += [SAMPLE] if design.sampled_axes else []
        present += [axis.name for axis in design.axes if not axis.sampled]
        axes = {axis.name: {"units": axis.unit, "values": list(axis.values)} for axis in design.axes}
        told = {variable.name: _told(variable, list(inner)) for variable in variables}
        return cls(outer, inner, (*present, TIME), axes, tuple(times), told)

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "outer": dict(self.outer),
            "inner": dict(self.inner),
            "order": list(self.order),
            "axes": {name: dict(axis) for name, axis in self.axes.items()},
            "times": list(self.times),
            "variables": {name: dict(variable) for name, variable in self.variables.items()},
        }

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Labels:
        """Read it from JSON."""
        order, times = tuple(told["order"]), tuple(told["times"])
        return cls(told["outer"], told["inner"], order, told["axes"], times, told["variables"])


def _told(variable: Variable, inner: Sequence[str]) -> dict[str, Any]:
    summary, readout = variable.summary, variable.readout
    dims = [name for name in inner if name not in summary.used_up]
    return {
        "dims": [*dims, *([TIME] if summary.over_time else [])],
        "units": summary.unit(readout),
        "long_name": summary.describe(readout) + (f" ({variable.host})" if variable.host else ""),
        "readout": readout.name,
        "host": variable.host,
        "summary": summary.name,
    }


def dataset(labels: Labels, arrays: Mapping[str, Any], attributes: Mapping[str, Any]) -> xr.Dataset:
    """Label the results of all rows; nothing is copied.

    Parameters
    ----------
    labels : Labels
        Of the sweep.
    arrays : mapping
        Results by name, one row after the other.
    attributes : mapping
        What the result says of itself.
    """
    import xarray as xr

    def shaped(name: str, within: Sequence[str]) -> tuple[tuple[str, ...], Any]:
        array = arrays[name]
        array = array.reshape(*labels.outer.values(), *array.shape[1:])
        dims = (*labels.outer, *within)
        absent = tuple(slice(None) if dim in labels.order else 0 for dim in dims)
        left = tuple(dim for dim in dims if dim in labels.order)
        array = array[absent]
        order = [left.index(dim) for dim in labels.order if dim in left]
        return tuple(left[i] for i in order), array.transpose(order)

    data: dict[str, Any] = {}
    for name, about in labels.variables.items():
        data[name] = (*shaped(name, about["dims"]), {key: about[key] for key in TOLD if key in about})
    failed = int(np.count_nonzero(arrays[STATUS_FIELD] != OK))
    meanings = {"flag_values": list(range(len(STATUS))), "flag_meanings": " ".join(STATUS)}
    data[STATUS_FIELD] = (*shaped(STATUS_FIELD, tuple(labels.inner)), meanings)
    runs = int(np.size(arrays[STATUS_FIELD]))
    counted = {"runs": runs, "failed_runs": failed, "failed_fraction": failed / runs}
    return xr.Dataset(data, _coordinates(labels, arrays), {**attributes, **counted})


def _coordinates(labels: Labels, arrays: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, axis in labels.axes.items():
        if axis["values"]:
            found[name] = (name, np.array(axis["values"]), {"units": axis["units"]})
        else:
            samples = arrays[AXIS_FIELD.format(name)].reshape(*labels.outer.values())
            one = (0, slice(None), *(0 for _ in range(len(labels.outer) - 2)))
            found[name] = (SAMPLE, samples[one], {"units": axis["units"]})
    if any(TIME in about["dims"] for about in labels.variables.values()):
        found[TIME] = (TIME, np.array(labels.times), {"units": "h"})
    return found
