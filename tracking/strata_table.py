"""msm-nano's F1 less that of others, by depth and Neff of the alignment: `python tracking/strata_table.py`.

Writes `tracking/results/nano_strata.csv` from the newest run of each model that `rnaexp run experiments/nano.toml` left
in MLflow; start it where that ran. `python tracking/markdown.py` then writes the table of docs/results.md.
"""

from pathlib import Path

import pandas as pd

from rnaexp.report.depth import strata
from rnaexp.track.export import child_tables, runs_table
from rnaexp.track.store import EXPERIMENT

OUT = Path(__file__).parent / "results" / "nano_strata.csv"
TEST, PROTOCOL = "rfam-ts", "paper:min_separation=4"
AGAINST = (
    "msm-nano (shuffled)",
    "covariation",
    "gtest",
    "stems-alignment",
    "kernel-alignment",
    "viennarna",
    "viennarna-mean",
    "alifold",
    "lm-nano",
)
MODELS = ("msm-nano", *AGAINST)


def main() -> None:
    runs = runs_table(EXPERIMENT)
    asked = runs[(runs["params.test"] == TEST) & (runs["params.protocol"] == PROTOCOL) & (runs["status"] == "FINISHED")]
    newest = asked.assign(shown=shown(asked)).drop_duplicates("shown").set_index("shown")["run_id"]
    tables = child_tables(EXPERIMENT, list(newest[list(MODELS)]), {"test": ["per_rna.csv"]})
    found = {model: tables[newest[model]]["test", "per_rna.csv"] for model in MODELS}
    strata(found).assign(test=TEST).to_csv(OUT, index=False)


def shown(runs: pd.DataFrame) -> pd.Series:
    """A model's name, and what was done to its alignments."""
    altered = runs["params.alignment"].fillna("").where(lambda done: ~done.isin(("", "intact")))
    return runs["params.model"].where(altered.isna(), runs["params.model"] + " (" + altered.fillna("") + ")")


if __name__ == "__main__":
    main()
