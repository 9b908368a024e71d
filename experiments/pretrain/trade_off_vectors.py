"""Embeddings of the trade-off's trainings against each other: paired overlap ratios, and linear CKA.

`python experiments/pretrain/trade_off_vectors.py FOLDER`, after `trade_off.py score FOLDER`, reads the embeddings of
that from the store and writes FOLDER/overlap_contrasts.csv (differences over the same draws of families) and
FOLDER/cka.csv (debiased, of mean-pooled last states, on 1,000 RNAs evenly spaced over the set).
"""

import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import trade_off

from rnaexp.classify.cka import debiased_cka
from rnaexp.classify.controls import word_counts
from rnaexp.classify.resample import paired_overlap
from rnaexp.classify.similarity import count_pairs, spread
from rnaexp.progress import silence
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.loading import Loading
from rnaexp.reading.store import Store
from rnaexp.tasks.families.measure import Classified, classify
from rnaexp.tasks.families.settings import FamiliesSettings

ASKED = FamiliesSettings(set="rfam-seed", unseen_by="lm-nano")
BESIDES = ("untrained:nano", "nano")
COMPOSITION = "1-mer"  # shares of the four letters, as a model's mean over bases would have them
MOST_RNAS = 1000  # CKA's kernel has their square of entries


def measured(model: str) -> Classified:
    """As the question of a training measures it."""
    return classify(ASKED.task(model, Loading(device="cpu")), Store(), silence)


def overlaps(folder: Path, names: Iterable[str]) -> pd.DataFrame:
    """The comparisons of `trade_off.CONTRASTS` whose trainings are there; a negative difference is the first's gain."""
    names = set(names)
    pairs = [(asked, *pair) for asked, each in trade_off.CONTRASTS.items() for pair in each if set(pair) <= names]
    counts = {}
    for name in sorted({name for _, *pair in pairs for name in pair}):
        found = measured(str((folder / name).resolve()))
        vectors, protocol = found.vectors, found.task.protocol
        over = spread(vectors, seed=protocol.seed)
        counts[name] = count_pairs(vectors, found.layout, spread=over, bins=protocol.bins)
    rows = [
        (asked, one, other, counts[one].within.shape[0], *paired_overlap(counts[one], counts[other]))
        for asked, one, other in pairs
    ]
    return pd.DataFrame(rows, columns=["question", "model", "against", "families", "difference", "low", "high"])


def alike(folder: Path, names: Iterable[str]) -> pd.DataFrame:
    """CKA of every two trainings, with random weights, nano and the letters' shares among them."""
    at = {name: str((folder / name).resolve()) for name in names} | {name: name for name in BESIDES}
    rows: dict[str, np.ndarray] = {}
    for name, model in at.items():
        found = measured(model)
        rnas = found.data.rnas
        chosen = np.unique(np.linspace(0, len(rnas) - 1, MOST_RNAS).astype(int))
        rows[name] = embed_all(found.encoder, rnas, Store())[0][chosen]
        if COMPOSITION not in rows:
            counts = word_counts([rnas[each] for each in chosen], 1)
            rows[COMPOSITION] = counts / counts.sum(1, keepdims=True)
    pairs = combinations(rows, 2)
    found = [(one, other, len(rows[one]), debiased_cka(rows[one], rows[other])) for one, other in pairs]
    return pd.DataFrame(found, columns=["model", "against", "rnas", "cka"])


if __name__ == "__main__":
    scored = Path(sys.argv[1])
    there = [name for name in trade_off.trainings() if (scored / name / "scores_families.csv").is_file()]
    for table, made in (("overlap_contrasts", overlaps), ("cka", alike)):
        made(scored, there).to_csv(scored / f"{table}.csv", index=False, float_format="%.6g", lineterminator="\n")
