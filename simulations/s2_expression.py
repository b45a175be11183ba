"""S2: is IL-1β expressed more in K562R than in K562S?

Messenger, protein in cells and protein in the medium, 0-72 h, with and without imatinib.

    python simulations/s2_expression.py --draws 200 --out results/s2_expression
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s2_expression", *sys.argv[1:]]))
