"""Is what heads attend to strongly on base pairs? `RNAEXP_MIRROR=DIR python tracking/strong_attention.py`.

Writes `tracking/results/strong_attention.csv`: for each model the head that `letter_maps.csv` tuned by F1, and the head
with the largest share of strong attention on pairs, chosen on the same validation set; both read on the test set.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import rnaexp
from rnaexp.data.dataset import DataSet
from rnaexp.stats.bootstrap import RESAMPLES, cluster_draws, percentile_interval
from rnaexp.structure.strong import COUNTS, strong_shares
from rnaexp.tasks.pairs.explorer import attended_to
from rnaexp.tasks.pairs.sets import sets_of
from rnaexp.tasks.pairs.settings import Task

RESULTS = Path(__file__).parent / "results"
VALIDATION, TEST = "spot-rna-vl1", "spot-rna-ts1"
MODELS = ("nano", "msm-nano", "lm-nano", "rnabert", "untrained:rnabert")


def main() -> None:
    runs = pd.read_csv(RESULTS / "letter_maps.csv").set_index("model")
    tuned_on, test, related = sets_of(Task(model=MODELS[0], validation=VALIDATION, test=TEST))
    validation = [rna for rna in tuned_on.rnas if rna.pairs and rna.id not in related]
    rows = []
    for name in MODELS:
        encoder = rnaexp.load(name, device="cpu")
        chosen = strong_shares([attended_to(encoder, rna).strong for rna in validation])
        counts = np.stack([attended_to(encoder, rna).strong for rna in test.rnas])
        heads = {"tuned by F1": int(runs.loc[name, "layer"]) * encoder.heads + int(runs.loc[name, "head"])}
        if chosen["strong_on_pairs"].notna().any():
            heads["most strong attention on pairs"] = int(chosen["strong_on_pairs"].idxmax())
        for how, at in heads.items():
            rows.append(
                {
                    "model": name,
                    "chosen": how,
                    "head": f"{at // encoder.heads}.{at % encoder.heads}",
                    **figures(counts[:, at], test),
                }
            )
    pd.DataFrame(rows).assign(test=TEST, validation=VALIDATION).to_csv(RESULTS / "strong_attention.csv", index=False)


def figures(counts: np.ndarray, test: DataSet) -> dict[str, float]:
    """Of one head, with an interval of the ratio to chance at the same distances, over clusters of relatives."""
    shares = strong_shares(list(counts[:, None])).iloc[0]
    table = pd.DataFrame(counts, columns=list(COUNTS))
    clusters = np.array([rna.cluster for rna in test.rnas])
    drawn = cluster_draws(clusters, resamples=RESAMPLES, seed=0) @ table[["on_pairs", "chance_at_distance"]].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = drawn[:, 0] / drawn[:, 1]
    low, high = percentile_interval(ratios, len(set(clusters))) if np.isfinite(ratios).all() else (np.nan, np.nan)
    ratio = table["on_pairs"].sum() / table["chance_at_distance"].sum() if table["strong"].sum() else np.nan
    return {**shares, "times_chance_at_distance": ratio, "low": low, "high": high, "rnas": len(counts)}


if __name__ == "__main__":
    main()
