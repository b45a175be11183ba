"""Are the intervals of a fit what they say? Virtual assays of random truths, fitted as if they were data.

Imatinib series on K562R and K562S, an IL-1Ra series and the IL-1β ELISA of every well. In 90-99 % of the
cases that are called identifiable the truth must lie inside the 95 % interval, and parameters that nothing in
the design depends on must be called flat.

    python simulations/fit_recovery.py --truths 20 --out results/fit_recovery
"""

import argparse
from pathlib import Path

from nicheloop.analysis.fit.recovery import recover
from nicheloop.execution import Processes
from nicheloop.execution.progress import progress
from nicheloop.report.manifest import provenance, write_manifest


def main() -> int:
    """Run the study; the exit code is 0 if it shows what it must."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--truths", type=int, default=20)
    parser.add_argument("--starts", type=int, default=8, help="of each search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, help="processes; default: the granted cores")
    parser.add_argument("--out", type=Path, default=Path("results/fit_recovery"))
    given = parser.parse_args()
    with progress("recovery") as shown:
        found = recover(
            given.truths,
            given.starts,
            given.seed,
            engine=Processes(given.workers),
            store=given.out / "store",
            progress=shown,
        )
    found.table.to_csv(given.out / "recovery.csv", index=False)
    found.by_parameter().to_csv(given.out / "by_parameter.csv", index=False)
    about = provenance("simulations/fit_recovery.py", seed=given.seed, more={"verdict": found.verdict})
    write_manifest(given.out, about, ["recovery.csv", "by_parameter.csv"])
    print(found.by_parameter().to_string(index=False))
    print(found.verdict)
    return 0 if 0.90 <= found.coverage <= 0.99 and found.silent_flat == 1.0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
