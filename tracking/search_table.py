"""What `rnaexp search` found: `python tracking/search_table.py` writes `tracking/results/search.csv`.

From the newest run of each test set that the searches left in MLflow; start it where they ran.
"""

from pathlib import Path

import pandas as pd

from rnaexp.track.export import runs_in
from rnaexp.track.store import EXPERIMENT

OUT = Path(__file__).parent / "results" / "search.csv"
ASKED = ["model", "validation", "test", "protocol.min_separation"]
FIGURES = [
    "single_f1",
    "f1",
    "f1_low",
    "f1_high",
    "gain_where_chosen",
    "gain_where_chosen_low",
    "gain_where_chosen_high",
    "difference",
    "difference_low",
    "difference_high",
    "p_sign_flip",
    "configurations",
]
CHOSEN = [
    "heads",
    "symmetrise",
    "apc",
    "standardise",
    "min_separation",
    "pairs",
    "decoder",
]


def main() -> None:
    runs = runs_in(EXPERIMENT, "tags.`rnaexp.search` = 'larger' and attributes.status = 'FINISHED'")
    table = pd.DataFrame([row(run.data.params, run.data.metrics) for run in runs]).drop_duplicates(["model", "test"])
    table.sort_values("test", ascending=False).round(6).to_csv(OUT, index=False)


def row(params: dict[str, str], metrics: dict[str, float]) -> dict[str, object]:
    """A figure that is not there (an interval of few clusters) stays empty."""
    return (
        {name.replace(".", "_"): params[name] for name in ASKED}
        | {name: metrics.get(f"search.{name}") for name in FIGURES}
        | {f"chosen_{name}": params[f"chosen.{name}"] for name in CHOSEN}
        | {"chosen_threshold": float(params["threshold"]), "chosen_which_heads": params["chosen.which_heads"]}
    )


if __name__ == "__main__":
    main()
