"""S6: how much of the surviving population does each arm account for?

Co-culture under imatinib with the viability arm and the migration arm each off and on.

    python simulations/s6_arms.py --draws 200 --out results/s6_arms
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s6_arms", *sys.argv[1:]]))
