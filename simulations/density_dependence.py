"""Does resistance depend on the density of the culture?

K562R at 1e4 to 2e6 cells/mL under imatinib, with and without anti-IL-1β: the loop runs through the medium.

    python simulations/density_dependence.py --draws 200 --out results/density_dependence
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "density_dependence", *sys.argv[1:]]))
