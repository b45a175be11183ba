"""S5: does CXCL11 promote migration of K562R into the stroma?

Transwell with and without stroma, primed stroma, blockers, the bell-shaped dose-response, uniform CXCL11.

    python simulations/s5_migration.py --draws 200 --out results/s5_migration
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s5_migration", *sys.argv[1:]]))
