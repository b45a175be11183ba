"""Draw the pictures of the README and of docs/figures.md from the model: ``python docs/figures/make.py``.

They are drawn as they are printed (89 or 183 mm wide), and kept at 200 dpi in a palette of their own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import nicheloop as nl
from nicheloop.analysis.claims import CLAIMS
from nicheloop.analysis.claims.claim import Measured, leukaemia, ratio
from nicheloop.analysis.dose_response import DoseResponse, dose_curve
from nicheloop.analysis.ensemble import load_ensemble
from nicheloop.analysis.evidence import Reproduction
from nicheloop.analysis.reproduction import BATCH, run_claims
from nicheloop.analysis.sweep.synergy import synergy_of
from nicheloop.assays.runs.study import Study

HERE = Path(__file__).parent
DRAWS, SEED = 100, 1
DPI, COLOURS = 200, 256
DOSES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0, 6.0, 10.0, 30.0)
CURVES: dict[str, tuple[str, dict[str, str]]] = {
    "K562S": ("K562S", {}),
    "K562R": ("K562R", {}),
    "K562R with IL-1Ra": ("K562R", {"il1ra": "500 ng/mL"}),
}


def dose_response() -> DoseResponse:
    """Both lines, and K562R with IL-1 blocked, for the default and the ensemble."""
    sets = load_ensemble().sets()[:DRAWS]
    study = Study([{}, *sets], BATCH, drawn=True)
    curves = []
    for label, (line, given) in CURVES.items():
        runs = {
            f"{dose:g}": study.runs(leukaemia(line, treatments={**given, "imatinib": dose})) for dose in DOSES
        }
        measured = Measured(runs, DRAWS)
        living = np.array([measured(f"{dose:g}", f"viable_cells:{line}", 72.0) for dose in DOSES])
        of_vehicle = ratio(living, living[0]).T
        curves.append(
            dose_curve(label, DOSES, of_vehicle[0], of_vehicle[1:], group=line if not given else label)
        )
    title = "72 h; dots: default, bands: 90 % of 100 sets"
    return DoseResponse("imatinib", "uM", "viable cells", "fraction of vehicle", tuple(curves), title)


def of_claims() -> Reproduction:
    """S3, S5 and S6, whose effects and panels are shown."""
    chosen = [claim for claim in CLAIMS if claim.key in ("S3", "S5", "S6")]
    return run_claims(chosen, DRAWS, SEED, None)


def write(name: str, drawn: Any) -> None:
    """Save a figure as a small PNG."""
    with tempfile.TemporaryDirectory() as folder:
        png, _ = nl.figures.save(drawn, Path(folder) / name)
        image = Image.open(png).convert("RGB")
        size = tuple(round(side * DPI / 300) for side in image.size)
        small = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)
    print(HERE / f"{name}.png", file=sys.stderr)


def main() -> None:
    """Draw all."""
    write("network", nl.figures.network())
    write("dose_response", nl.figures.dose_response(dose_response()))
    wells = nl.simulate_wells("imatinib_il1ra_matrix")
    surface = synergy_of(wells.to_xarray(["viability"]), "viability_K562R")
    write("synergy", nl.figures.synergy(surface))
    found = of_claims()
    panels = {panel.name: panel for panel in found.panels}
    write("bell", nl.figures.panel(panels["s5_bell"]))
    write("factorial", nl.figures.factorial(panels["s6_survivors"]))
    claimed = [effect for effect in found.effects if effect.expected_sign]
    weakest = min(claimed, key=lambda effect: abs(effect.fraction_with_claimed_sign - 0.7))
    write("waterfall", nl.figures.waterfall(weakest))


if __name__ == "__main__":
    main()
