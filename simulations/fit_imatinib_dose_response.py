"""What do a measured imatinib dose-response and the published IC50s tell of the model, and what can they not?

20 replicates at ten doses (BaF3 with BCR-ABL, entered as K562S) and the half-maximal doses of sensitive and
resistant lines, fitted end to end with 50 starts; docs/fitting.md tells what came of it.

    python simulations/fit_imatinib_dose_response.py --workers 2 --out results/fit_imatinib_dose_response
"""

import sys

from nicheloop.cli.main import main

NOTE = (
    "The dose-response is of BaF3, a murine line that BCR-ABL drives, entered as K562S: it tells how steeply "
    "imatinib kills cells that live on BCR-ABL. Where the curve of K562 lies is left to the published IC50s, "
    "which are averages over clones of five lines. K562R rests on one published range alone."
)

FREE = (
    "death_max",
    "bim_copies",
    "bh3_kd",
    "atp_competition",
    "abcb1_export",
    "autophosphorylation",
    "unphosphorylated_activity",
    "proliferation_half_activity",
    "division_max_K562S",
    "imatinib_affinity_loss_K562R",
    "il1b_secretion_K562R",
)
"""What lies between a dose and the number of cells: more than twelve numbers can tell, which is the point."""

if __name__ == "__main__":
    fixed = ["fit", "imatinib_baf3", "--constraints", "published"]
    fixed += ["--parameters-free", ",".join(FREE), "--note", NOTE]
    out = [] if "--out" in sys.argv else ["--out", "results/fit_imatinib_dose_response"]
    raise SystemExit(main([*fixed, *out, *sys.argv[1:]]))
