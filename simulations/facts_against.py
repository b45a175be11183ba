"""What is left of the claims with each fact that argues against the mechanism switched on?

Each fact of the literature is a change of parameters; facts.csv lists the effects it moves.

    python simulations/facts_against.py --draws 200 --out results/facts_against
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "facts_against", *sys.argv[1:]]))
