"""S3: does the higher IL-1β contribute to the resistance of K562R?

IL-1Ra, anti-IL-1β, knock-down and anti-IL1RAP on K562R with and without imatinib; IL-1β and conditioned
medium on K562S.

    python simulations/s3_autocrine.py --draws 200 --out results/s3_autocrine
"""

import sys

from nicheloop.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(["study", "s3_autocrine", *sys.argv[1:]]))
