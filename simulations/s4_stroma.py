"""S4: does IL-1β from K562R raise stromal CXCL11?

Stroma alone, with either line, in conditioned medium, blocked, and given IL-1β, for both rival promoters.

    python simulations/s4_stroma.py --draws 200 --out results/s4_stroma
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s4_stroma", *sys.argv[1:]]))
