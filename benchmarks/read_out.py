"""Does another scale of scores make one threshold serve all depths of an alignment? On the validation set alone.

`RNAEXP_RFAM_SEED=FILE python benchmarks/read_out.py tracking/results/read_out.csv`: the tuned head of msm-nano on
rfam-vl (of another model: `... tracking/results/read_out_nano.csv nano 2.0`), each RNA at four depths; the threshold of
one half of the clusters is applied to the other half, and both ways.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rnaexp import models
from rnaexp.choices import How
from rnaexp.data.alter import altered
from rnaexp.data.sets import load_set
from rnaexp.rna import Rna
from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.curve import best_threshold
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.larger import halves
from rnaexp.structure.pairs import candidates, pair_scores, reference
from rnaexp.structure.protocol import ATTENTION, Scoring

MODEL, HEAD = "msm-nano", "1.1"  # the head that tracking/results/nano.csv tunes
DEPTHS: tuple[How, ...] = ("depth-1", "depth-4", "depth-16", "intact")
SCORING = Scoring(min_separation=4)
_EXPONENTS = (-0.5, -0.25, -0.1, 0.1, 0.25, 0.5)


def scales(raw: np.ndarray, rna: Rna) -> dict[str, np.ndarray]:
    """The candidates' scores on each scale."""
    neff = 1.0 if rna.alignment is None else rna.alignment.neff()
    ranks = np.empty(len(raw))
    ranks[np.argsort(-raw, kind="stable")] = np.arange(1, len(raw) + 1)
    spread = raw.std() or 1.0
    return {
        "raw": raw,
        "z-score": (raw - raw.mean()) / spread,
        "top c x n": -ranks / len(rna),
        **{f"raw x Neff^{power:g}": raw * neff**power for power in _EXPONENTS},
    }


def listed(rna: Rna, scores: np.ndarray, places: np.ndarray) -> RnaScores:
    """Every candidate, best first."""
    order = np.argsort(-scores, kind="stable")
    return RnaScores(
        id=rna.id,
        sequence_sha256="",
        cluster=rna.cluster or rna.id,
        bases=len(rna),
        candidates=len(places),
        reference=reference(rna, SCORING),
        scores=scores[order][None],
        indices=places[order][None],
        complete=True,
    )


def f1_at(rna: RnaScores, threshold: float) -> float:
    """F1 of one RNA."""
    called = rna.scores[0] >= threshold
    return float(2 * (called & rna.hits[0]).sum() / (called.sum() + rna.references))


def cross_fitted(rnas: Sequence[Sequence[RnaScores]], parts: tuple[list[int], list[int]]) -> np.ndarray:
    """F1 [rna, depth], each with the threshold of the RNAs of the other part, all depths together."""
    found = np.zeros((len(rnas), len(rnas[0])))
    for ours, others in (parts, parts[::-1]):
        threshold = best_threshold([one for at in others for one in rnas[at]], 0, "per-rna").threshold
        found[ours] = [[f1_at(one, threshold) for one in rnas[at]] for at in ours]
    return found


def _at_depth(rnas: Sequence[Sequence[RnaScores]], depth: int, parts: tuple[list[int], list[int]]) -> np.ndarray:
    """F1 [rna] at one depth with the threshold of that depth alone: what a headline on one set needs."""
    return cross_fitted([[lists[depth]] for lists in rnas], parts)[:, 0]


def main() -> None:
    """One row a scale: F1 at each depth and their mean, and its difference to raw."""
    model, named = sys.argv[2:] or (MODEL, HEAD)
    layer, head = map(int, named.split("."))
    encoder = models.load(model, device="cpu")
    rnas = [rna for rna in load_set("rfam-vl").rnas if rna.pairs]
    made: dict[str, list[list[RnaScores]]] = {}
    for rna in rnas:
        for depth in DEPTHS:
            read = replace(rna, alignment=altered(rna.alignment, depth)) if rna.alignment else rna
            with torch.inference_mode():
                maps = encoder.read_head(read, layer, head)[None].double()
            places = np.flatnonzero(candidates(read, SCORING))
            raw = pair_scores(maps, ATTENTION)[0].numpy().ravel()[places]
            for scale, scores in scales(raw, read).items():
                made.setdefault(scale, [[] for _ in rnas])
                made[scale][rnas.index(rna)].append(listed(read, scores, places))
    clusters = [rna.cluster or rna.id for rna in rnas]
    parts = halves(clusters)
    f1 = {scale: cross_fitted(lists, parts) for scale, lists in made.items()}
    rows = []
    for scale, values in f1.items():
        gain = cluster_interval(values.mean(1) - f1["raw"].mean(1), np.array(clusters), of="differences")
        alone = [_at_depth(made[which], DEPTHS.index("intact"), parts) for which in (scale, "raw")]
        headline = cluster_interval(alone[0] - alone[1], np.array(clusters), of="differences")
        own = [
            best_threshold([lists[at] for lists in made[scale]], 0, "per-rna").threshold for at in range(len(DEPTHS))
        ]
        rows.append(
            {
                "model": model,
                "scale": scale,
                **{f"f1_{depth}": values[:, at].mean() for at, depth in enumerate(DEPTHS)},
                "f1_all_depths": values.mean(),
                "gain_over_raw": gain.mean,
                "gain_low": gain.low,
                "gain_high": gain.high,
                "f1_intact_tuned_alone": alone[0].mean(),
                "gain_intact": headline.mean,
                "gain_intact_low": headline.low,
                "gain_intact_high": headline.high,
                **{f"threshold_{depth}": threshold for depth, threshold in zip(DEPTHS, own, strict=True)},
                "rnas": len(rnas),
                "clusters": gain.clusters,
            }
        )
    table = pd.DataFrame(rows).round(4)
    table.to_csv(Path(sys.argv[1]), index=False)
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
