"""S1: does K562R survive imatinib that kills K562S, with an unmutated binding site?

Dose-response 0.01-30 µM at 72 h of K562S, K562R and, as the negative control that the paper excludes, T315I.

    python simulations/s1_resistance.py --draws 200 --out results/s1_resistance
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s1_resistance", *sys.argv[1:]]))
