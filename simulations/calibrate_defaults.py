"""Fit the free defaults to the table of numbers, write them into the parameter table, sample the ensemble.

python simulations/calibrate_defaults.py                 # fit, write back, sample 1,000 sets
python simulations/calibrate_defaults.py --no-ensemble   # fit and write back only
python simulations/calibrate_defaults.py --no-fit        # sample only
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nicheloop.analysis.calibration import fit_defaults, write_back
from nicheloop.analysis.ensemble import load_ensemble, make_ensemble, refreshed, target_distance

PACKAGE = Path(__file__).parents[1] / "model" / "nicheloop"
ENSEMBLE = PACKAGE / "analysis" / "data" / "ensemble.csv.gz"


def main() -> None:
    """Run the calibration."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--moves", type=int, default=100, help="refreshing moves after sampling")
    parser.add_argument("--refresh", action="store_true", help="refresh the shipped ensemble only")
    parser.add_argument("--no-fit", action="store_true")
    parser.add_argument("--no-ensemble", action="store_true")
    options = parser.parse_args()
    if not options.no_fit:
        fit = fit_defaults(options.seed, options.starts)
        write_back(fit.values, PACKAGE / "biology" / "parameters.csv")
        print(f"wrote {len(fit.values)} fitted values, cost {fit.cost:.3f}")
    if not options.no_ensemble:
        if not options.refresh:
            make_ensemble(options.sets, options.seed).save(ENSEMBLE)
        sampled = load_ensemble()
        with target_distance(sampled.names, workers=2) as distance:
            ensemble = refreshed(sampled, distance, options.moves, options.seed)
        ensemble.save(ENSEMBLE)
        print(f"wrote {len(ensemble.values)} parameter sets")


if __name__ == "__main__":
    main()
