"""What drives the claims? Sensitivity of viability, stromal CXCL11 and migration, over prior and ensemble.

All free parameters of the table vary, first together by mechanism (with interactions of pairs), then each by
itself; both from 1,024 base samples. What is left to drive them in the calibrated ensemble is asked by PAWN.

    python simulations/sensitivity_drivers.py --workers 2 --out results/sensitivity_drivers
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import nicheloop as nl
from nicheloop.cli.output import staged
from nicheloop.cli.sensitivity import summary, write_sensitivity
from nicheloop.execution.progress import progress
from nicheloop.figures.style import save

VIABILITY, CXCL11, MIGRATION = "imatinib_k562r", "s4_k562r_with_stroma", "s5_primed_stroma"
SCENARIOS = [
    nl.load_scenario(VIABILITY),  # 1 µM imatinib, 72 h
    nl.load_scenario(CXCL11).with_(treatments={"il1ra": 0}),  # co-culture of S4, 48 h
    nl.load_scenario(MIGRATION).with_(treatments={"anti_cxcl11": 0}),  # insert of S5, 24 h
]
READOUTS = {VIABILITY: ["viability"], CXCL11: ["cxcl11"], MIGRATION: ["migrated"]}
TITLES = (
    "Viability of K562R,\n1 µM imatinib, 72 h",
    "ln CXCL11 of stroma\nwith K562R, 48 h",
    "ln K562R migrated to stroma\nin their medium, 24 h",
)
PARTS: dict[str, dict[str, Any]] = {
    "mechanisms": {"method": "sobol", "groups": "mechanism", "second_order": True},
    "parameters": {"method": "sobol"},
    "ensemble": {"method": "pawn", "draws": "ensemble"},
}


def main() -> None:
    """Run the analyses; interrupted, the same command goes on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--failed", default="drop", help="drop, impute or raise")
    parser.add_argument("--out", type=Path, default=Path("results/sensitivity_drivers"))
    options = parser.parse_args()
    for part, how in PARTS.items():
        with progress(part) as show:
            found = nl.sensitivity(
                SCENARIOS,
                readouts=READOUTS,
                log=["cxcl11", "migrated"],  # both span decades
                samples=None if part == "ensemble" else options.samples,
                seed=options.seed,
                failed=options.failed,
                rtol=1e-5,
                workers=options.workers,
                store=options.out / f"store_{part}",
                progress=show,
                **how,
            )
        with staged(options.out / part) as folder:
            files = write_sensitivity(found, folder, {"part": part}, shlex.join(sys.argv))
            save(found.plot("tornado", titles=TITLES), folder / "tornado")
            if found.second is not None:
                save(found.plot("interactions", titles=TITLES), folder / "interactions")
        print(f"{part}, {found.seconds:.0f} s", found.failures(), *summary(found), sep="\n")
        print(f"wrote {len(files)} files to {options.out / part}")


if __name__ == "__main__":
    main()
