"""One example of every kind of figure, from made-up numbers: for the image tests and the rules all must keep.

``python tests/figures/examples.py`` (or ``make baselines``) draws the baselines anew: look at each before it
is committed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis" / "sensitivity"))
import known

import nicheloop as nl
from nicheloop.analysis.dose_response import DoseResponse, Hill, dose_curve, measured_points
from nicheloop.analysis.evidence import Band, Effect, Panel, Series
from nicheloop.analysis.fit.quality import Quality
from nicheloop.analysis.fit.search import Optimum, Search
from nicheloop.analysis.fit.story import Estimate
from nicheloop.analysis.sensitivity import Output, analyse
from nicheloop.analysis.sweep.synergy import synergy_of
from nicheloop.analysis.wiring.graph import Node, Wiring
from nicheloop.assays.tables.read import tabulated
from nicheloop.assays.tables.text import read_text
from nicheloop.equations.influence import Influence
from nicheloop.figures.overlay import Line, plot_overlay
from nicheloop.figures.style import figure_of, house_style

BASELINES = Path(__file__).with_name("baseline")
DPI = 80
"""Of the baselines."""


@dataclass(frozen=True)
class Example:
    """How to call one drawing function."""

    draw: Callable[..., Axes | Figure]
    panels: int = 1
    bare: bool = False
    """Whether it is a diagram, which has no axes to label."""


# -- what to draw -------------------------------------------------------------------------------------------


def dose_response() -> DoseResponse:
    doses = np.array([0.0, *np.geomspace(0.01, 30, 12)])
    spread = np.linspace(0.8, 1.25, 21)[:, None]
    curves = []
    for line, middle in (("K562S", 0.2), ("K562R", 2.2)):
        truth = Hill(1.0, 0.04, middle, 1.6)
        curves.append(
            dose_curve(line, doses, truth(doses), np.stack([truth(doses * s) for s in spread[:, 0]]))
        )
    data = measured_points([0.0, 0.1, 0.3, 1.0, 3.0], [1.02, 0.8, 0.31, 0.12, 0.05], [0.05] * 5)
    first = replace(curves[0], measured=data)
    return DoseResponse("imatinib", "uM", "viability", "fraction of vehicle", (first, curves[1]), "72 h")


def bell() -> DoseResponse:
    doses = np.geomspace(0.3, 10000, 9)
    height = 8 * np.exp(-(np.log10(doses / 20) ** 2))
    curve = dose_curve("K562R", doses, height, np.stack([0.6 * height, 1.5 * height]), fit=False)
    return DoseResponse("CXCL11 below the insert", "ng/mL", "migrated", "% of cells", (curve,), "Migration")


def surface() -> xr.Dataset:
    a, b = np.array([0, 0.1, 0.3, 1, 3, 10]), np.array([0, 5, 50, 500, 5000.0])
    alone = Hill(1, 0, 1.0, 1.2)(a)[:, None] * Hill(1, 0.5, 100.0, 1.0)(b)
    together = np.maximum(alone - 0.3 * np.outer(a / (a + 1) * (1 / (1 + a / 3)), b / (b + 60)), 0.02)
    units = {"units": "fraction", "readout": "viability"}
    return xr.Dataset(
        {"viability": (("imatinib", "il1ra"), together, units)},
        {"imatinib": ("imatinib", a, {"units": "uM"}), "il1ra": ("il1ra", b, {"units": "ng/mL"})},
    )


def effects() -> list[Effect]:
    rank = np.linspace(-1, 1, 60)
    return [
        Effect("S1", "72 h", "IC50 K562R / K562S", "1", 1, 1.0, 10.0, 10.0 * 2.0**rank, 10.0 * 30.0**rank),
        Effect(
            "S3", "5 µM", "viability, IL-1 blocked - not", "%", -1, 0.0, -4.0, 6 * rank - 3, 20 * rank, 1.0
        ),
        Effect("S5", "24 h", "migrated, blocked / not", "1", 0, 1.0, 1.1, 1.2 + 0.1 * rank, 1 + 0.5 * rank),
    ]


def unreached() -> Effect:
    """IC50s that some parameter sets never reach, and some failed."""
    found, rank = effects()[0], np.linspace(-1, 1, 60)
    never = np.where(rank > 0.6, np.inf, np.where(rank < -0.9, np.nan, found.ensemble))
    return replace(found, ensemble=never, prior=np.where(rank > 0.2, np.inf, found.prior))


def panel(kind: str) -> Panel:
    x = {"bars": np.arange(4.0), "factorial": np.arange(4.0), "timecourse": np.linspace(0, 72, 30)}.get(
        kind, np.geomspace(0.01, 30, 12)
    )
    y = 1 / (1 + x)
    lines = [
        Series(line, x, size * y, 0.8 * size * y, 1.2 * size * y, 0.3 * size * y, 2.5 * size * y, line)
        for line, size in (("K562S", 1.0), ("K562R", 1.6))
    ]
    bars = kind in ("bars", "factorial")
    return Panel(
        "S1", kind, f"A {kind.replace('_', ' ')}", kind,
        "" if bars else "time [h]" if kind == "timecourse" else "imatinib [µM]", "viable [fraction]",
        "log" if kind in ("dose_response", "bell") else "linear", "linear",
        tuple(lines[1:] if kind == "factorial" else lines),
        (Band("x", 0.2, 0.4, "published", "Blood"),) if kind == "dose_response" else (),
        ("none", "IL-1Ra", "anti-IL-1β", "both") if bars else (),
        "", ("IL-1Ra", "anti-IL-1β"), ((False, False), (True, False), (False, True), (True, True)),
    )  # fmt: skip


def wiring(placed: bool) -> Wiring:
    places = {
        "drug": ("imatinib", "medium", "imatinib", (10, 90)),
        "kinase": ("p-BCR-ABL", "K562R", "imatinib", (50, 90)),
        "nfkb": ("NF-κB", "K562R", "nfkb", (80, 60)),
        "ikba": ("IκBα", "K562R", "nfkb", (80, 40)),
        "il1b": ("IL-1β", "medium", "il1", (120, 60)),
        "stroma": ("CXCL11 mRNA", "stroma", "cxcl11", (160, 60)),
    }
    nodes = tuple(
        Node(name, label, place, mechanism, at if placed else None, name == "kinase")
        for name, (label, place, mechanism, at) in places.items()
    )
    edges = [
        ("drug", "kinase", -1), ("kinase", "nfkb", 0), ("nfkb", "ikba", 1), ("ikba", "nfkb", -1),
        ("nfkb", "il1b", 1), ("il1b", "nfkb", 1), ("il1b", "stroma", 1),
    ]  # fmt: skip
    return Wiring("small", nodes, tuple(Influence(*edge, 1.0) for edge in edges), ("K562S",))


class Profile:
    """A profile as the figure needs it: a parabola."""

    def __init__(self, name: str, verdict: str, width: float) -> None:
        self.name, self.verdict, self.logarithmic, self.width = name, verdict, True, width
        self.x = np.linspace(-1.0, 1.0, 9)
        self.values = np.array([self.height(at) for at in self.x])
        self.numbers = 10.0**self.x
        self.lowest = (0.0, 0.0)

    def height(self, at: float) -> float:
        return self.width * at * at


def profiles() -> dict[str, Any]:
    return {
        name: Profile(name, verdict, width)
        for name, verdict, width in (("k_on", "identifiable", 6.0), ("k_off", "flat", 0.4))
    }


def run(failed: bool = False) -> Any:
    """A run as the figure needs it."""
    import pandas as pd

    time = np.linspace(0, 72, 25)
    frames = [
        pd.DataFrame(
            {"time": time, "readout": "viability", "line": line, "unit": "fraction", "value": values}
        )
        for line, values in (("K562S", np.exp(-time / 24)), ("K562R", 1 / (1 + (time / 60) ** 2)))
    ]
    table = pd.concat(frames, ignore_index=True)
    table.loc[failed & (table["time"] > 50), "value"] = np.nan
    scenario = SimpleNamespace(events=(SimpleNamespace(at=24.0),), title="A run", name="run")
    return SimpleNamespace(
        time=time,
        ok=not failed,
        time_reached=50.0 if failed else 72.0,
        scenario=scenario,
        to_dataframe=lambda readouts=None: table,
    )


class Wells:
    """Wells of an experiment as the figure needs them."""

    def __init__(self) -> None:
        self.axes = {"imatinib": (0.0, 0.1, 0.3, 1.0, 3.0, 10.0), "il1ra": (0.0, 5.0, 500.0)}
        self.time, self.ok = np.array([0.0, 72.0]), np.ones(18, dtype=bool)
        self.scenario = SimpleNamespace(hosts=("K562R",), title="Two drugs", name="two")

    def __len__(self) -> int:
        return 18

    def to_xarray(self, readouts: Any = None) -> xr.Dataset:
        last = surface()["viability"].isel(il1ra=[0, 1, 3])
        both = xr.concat([xr.ones_like(last), last], dim="time").transpose("imatinib", "il1ra", "time")
        both.attrs |= {"host": "K562R"}
        coordinates = {name: (name, list(values)) for name, values in self.axes.items()}
        found = xr.Dataset({"viability": both}).assign_coords(time=self.time, **coordinates)
        for name, unit in (("imatinib", "uM"), ("il1ra", "ng/mL"), ("time", "h")):
            found[name].attrs["units"] = unit
        return found


def measured() -> Any:
    columns = {
        "readout": ["viability"] * 4, "host": ["K562S", "K562S", "K562R", "K562R"],
        "unit": ["fraction"] * 4, "relative_to": [""] * 4,
        "time_h": [24.0, 48.0, 24.0, 48.0], "value": [0.4, 0.12, 0.9, 0.55], "sd": [0.05, 0.03, 0.08, np.nan],
        "censored": ["", "below", "", ""],
    }  # fmt: skip
    return SimpleNamespace(
        measurements=SimpleNamespace(**{name: np.array(values) for name, values in columns.items()})
    )


def predicted() -> tuple[Any, np.ndarray]:
    """An ELISA over doses, and three parameter sets over it, of which the median falls out of the frame."""
    rows = [f"il1b,K562R,72,{900 / (1 + 10 * dose):.1f},pg/mL,{dose},,40" for dose in (0, 0.1, 1, 10)]
    head = "readout,line,time [h],value,unit,imatinib [uM],stroma,sd"
    values = 1000 / (1 + np.array([0, 1, 30, 30000])) * np.array([[0.6], [1.0], [1.5]])
    return tabulated(read_text("\n".join([head, *rows]) + "\n", "plate.csv")), values


def swept(*dims: str) -> xr.Dataset:
    """A read-out of K562R over parameter sets, and perhaps doses and IL-1Ra; 2 of 60 runs failed."""
    doses = np.array([0, 0.1, 0.3, 1, 3, 10.0])
    sets, blocked = np.linspace(0.5, 2.0, 15), np.array([0.0, 500.0])
    value = Hill(1, 0.05, 1.0, 1.5)(doses)[None, :, None] ** sets[:, None, None] * (1 - 0.3 * (blocked > 0))
    kept = xr.DataArray(
        value, {"imatinib": doses, "il1ra": blocked}, ("set", "imatinib", "il1ra"), "viability_final",
        {"units": "fraction", "readout": "viability", "host": "K562R", "summary": "final"},
    )  # fmt: skip
    kept["imatinib"].attrs["units"], kept["il1ra"].attrs["units"] = "uM", "ng/mL"
    gone = {dim: -1 if dim == "imatinib" else 0 for dim in kept.dims if dim not in dims}
    kept = kept.isel(gone, drop=True)
    if dims == ("set",):
        kept = kept.where(sets > 0.6, np.inf)
    return xr.Dataset({"viability_final": kept}, attrs={"runs": 60, "failed_runs": 2})


def overlay() -> list[Line]:
    time = np.linspace(0, 72, 25)
    return [
        Line(run, title, host, "fraction" if host else "pg/mL", time, size * np.exp(-time / decay), dashes)
        for run, dashes, decay in (("now", (1, 0), 30.0), ("pinned", (6, 2), 60.0))
        for title, host, size in (("viability", "K562R", 1), ("viability", "K562S", 0.7), ("il1b", "", 40))
    ]


def search() -> Search:
    optima = tuple(
        Optimum(np.zeros(1), value, start, np.zeros(1), 3, 0, "")
        for start, value in enumerate([1.0, 1.0, 1.01, 1.02, 4.0, 9.0, np.inf])
    )
    return Search(("k",), optima, 0.0)


def quality() -> Any:
    values = np.sin(np.arange(24.0) * 2.1) * 1.8
    found: Any = object.__new__(Quality)
    object.__setattr__(found, "found", SimpleNamespace(residuals=values, predictions=np.linspace(0, 1, 24)))
    return found


def estimates() -> list[Estimate]:
    one = Estimate("k_on", "1/h", 1, 0.1, 10, 2, 1, 4, 1, 4, "identifiable", 0.5, 0.1, 0.9)
    return [one, replace(one, name="k_off", low=0.0, high=np.inf, verdict="flat", z_low=-9.0, z_high=9.0)]


def sobol(**options: Any) -> Any:
    return analyse(known.sobol_g, known.SOBOL_G, samples=128, bootstrap=40, second_order=True, **options)


def timed() -> Any:
    outputs = [Output("x", "decay", unit="nM", time=float(time)) for time in known.TIMES]
    return analyse(known.decay, known.DECAY, samples=128, outputs=outputs, bootstrap=40)


def morris() -> Any:
    return analyse(known.sobol_g, known.SOBOL_G, "morris", samples=24, bootstrap=40)


# -- every kind ---------------------------------------------------------------------------------------------

f = nl.figures
EXAMPLES: dict[str, Example] = {
    "network": Example(lambda ax=None: f.network(wiring(True), ax=ax), bare=True),
    "influence_map": Example(lambda ax=None: f.influence_map(wiring(False), ax=ax), bare=True),
    "dose_response": Example(lambda ax=None: f.dose_response(dose_response(), ax=ax)),
    "bell": Example(lambda ax=None: f.bell(bell(), ax=ax)),
    "synergy": Example(lambda ax=None: f.synergy(synergy_of(surface(), "viability"), ax=ax)),
    "synergy_loewe": Example(lambda ax=None: f.synergy(synergy_of(surface(), "viability", "loewe"), ax=ax)),
    "heat_map": Example(lambda ax=None: f.heat_map(surface(), "viability", ax=ax)),
    "waterfall": Example(lambda ax=None: f.waterfall(effects()[1], ax=ax)),
    "waterfall_unreached": Example(lambda ax=None: f.waterfall(unreached(), ax=ax)),
    "waterfalls": Example(lambda ax=None: f.waterfalls(effects(), ax=ax), panels=3),
    "factorial": Example(lambda ax=None: f.factorial(panel("factorial"), ax=ax)),
    "panel_dose_response": Example(lambda ax=None: f.panel(panel("dose_response"), ax=ax)),
    "panel_timecourse": Example(lambda ax=None: f.panel(panel("timecourse"), ax=ax)),
    "panel_bars": Example(lambda ax=None: f.panel(panel("bars"), ax=ax)),
    "panel_bell": Example(lambda ax=None: f.panel(panel("bell"), ax=ax)),
    "time_course": Example(lambda ax=None: f.time_course(run(), "viability", ax, measured())),
    "plot_run": Example(lambda ax=None: f.plot_run(run(), ["viability"], ax, measured())),
    "time_course_failed": Example(lambda ax=None: f.time_course(run(failed=True), "viability", ax)),
    "plot_sweep": Example(lambda ax=None: f.plot_sweep(surface(), ax=ax)),
    "plot_sweep_band": Example(lambda ax=None: f.plot_sweep(swept("set", "imatinib"), ax=ax)),
    "plot_sweep_lines": Example(lambda ax=None: f.plot_sweep(swept("imatinib", "il1ra"), ax=ax)),
    "plot_sweep_sets": Example(lambda ax=None: f.plot_sweep(swept("set"), ax=ax)),
    "plot_wells": Example(lambda ax=None: f.plot_wells(Wells(), ax=ax)),
    "plot_assay": Example(lambda ax=None: f.plot_assay(nl.load_data("imatinib_baf3"), ax=ax)),
    "plot_assay_model": Example(lambda ax=None: f.plot_assay(*predicted(), ax=ax)),
    "plot_overlay": Example(lambda ax=None: plot_overlay(overlay(), ax=ax), panels=2),
    "profile": Example(lambda ax=None: f.profile(profiles()["k_on"], "1/h", ax)),
    "profiles": Example(lambda ax=None: f.profiles(profiles(), {"k_on": "1/h"}, ax), panels=2),
    "starts": Example(lambda ax=None: f.starts(search(), ax)),
    "residuals": Example(lambda ax=None: f.residuals(quality(), ax=ax), panels=2),
    "fitted_parameters": Example(lambda ax=None: f.fitted_parameters(estimates(), ax)),
    "tornado": Example(lambda ax=None: f.tornado(sobol(), ax=ax)),
    "sensitivity_map": Example(lambda ax=None: f.sensitivity_map(timed(), ax=ax)),
    "morris_plane": Example(lambda ax=None: f.morris_plane(morris(), ax=ax)),
    "interactions": Example(lambda ax=None: f.interactions(sobol(), ax=ax)),
    "prior_and_ensemble": Example(lambda ax=None: f.prior_and_ensemble(effects(), ax=ax)),
}


def pixels(drawn: Axes | Figure) -> np.ndarray:
    """Return a figure as it is compared: RGB from 0 to 1, shape (height, width, 3)."""
    figure = figure_of(drawn)
    figure.dpi = DPI
    canvas = FigureCanvasAgg(figure)
    with house_style():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=float)[..., :3] / 255


def write_baselines() -> None:
    """Draw every example to a small PNG."""
    from PIL import Image

    BASELINES.mkdir(exist_ok=True)
    for name, example in EXAMPLES.items():
        shades = (pixels(example.draw()) * 255).round().astype(np.uint8)
        Image.fromarray(shades).save(BASELINES / f"{name}.png", optimize=True)
        print(BASELINES / f"{name}.png")


if __name__ == "__main__":
    write_baselines()
