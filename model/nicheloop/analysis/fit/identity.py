"""What decides a fit, as plain JSON: a store is continued by the same fit only."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.assays.readouts import Readout
    from nicheloop.assays.tables.frame import AssayTable


def identity(problem: FitProblem) -> dict[str, Any]:
    """Return data, hypothesis, free parameters, noise, numerics and model of a problem."""
    from nicheloop.report.manifest import model_digests

    return {
        "data": data_digest(problem),
        "parameters": list(problem.free.names),
        "resistance": problem.resistance,
        "promoter": problem.promoter,
        "noise": problem.noise,
        "noises": {name: repr(noise) for name, noise in sorted(problem.noises.items())},
        "base": dict(sorted(problem.base.items())),
        "constraints": [repr(term) for term in problem.constraints],
        "plate_factors": problem.plate_factors,
        "settings": {name: value for name, value in asdict(problem.settings).items() if name != "threads"},
        "model": model_digests(),
    }


def data_digest(problem: FitProblem) -> str:
    """Return SHA-256 of all measured values and of what was done in their wells."""
    digest = hashlib.sha256()
    for table in problem.tables:
        digest.update(_content(table).encode())
    return digest.hexdigest()


def _content(table: AssayTable) -> str:
    from nicheloop.assays.library import to_toml

    own = [_described(readout) for readout in table.readouts]
    return "\n".join([table.frame.to_csv(index=False), *map(to_toml, table.wells), *own])


def _described(readout: Readout) -> str:
    """Return all of a read-out that is not shipped, its function by name."""
    parts = {one.name: getattr(readout, one.name) for one in fields(readout)}
    compute = parts.pop("compute")
    place = (getattr(compute, "__module__", ""), getattr(compute, "__qualname__", ""))
    return repr((parts, place))
