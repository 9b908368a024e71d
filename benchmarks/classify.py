"""How near the overlap ratio of all pairs comes to the bare matrix product, and embedding to no padding at all.

`python benchmarks/classify.py [--rnas 10000 100000] [--csv FILE]`. Every way runs in a process of its own, so that its
peak memory is its own; ratios within one run are what counts. One thread unless OMP_NUM_THREADS says otherwise.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

WIDTH = 128  # numbers a vector, as the papers reduce to
MEMBERS = 20  # RNAs a family
BINS = 100
KDE_SAMPLE = 2000  # pairs of each class that scipy's KDE is given: its time grows with their square
MOST_FOR_FULL = 20_000  # RNAs whose full matrix is tried (1.6 GB); 100,000 would need 40 GB
EMBEDDED = 400  # RNAs of mixed lengths
PADDED_BATCH = 32


def vectors(rnas):
    import numpy as np

    from rnaexp.classify.embed import unit

    rng = np.random.default_rng(0)
    families = rng.integers(rnas // MEMBERS, size=rnas)
    centres = rng.normal(size=(rnas // MEMBERS, WIDTH)).astype(np.float32)
    return unit(0.5 * centres[families] + rng.normal(size=(rnas, WIDTH)).astype(np.float32)), families


def ours(rnas):
    from rnaexp.classify.layout import layout
    from rnaexp.classify.overlap import auroc, overlap
    from rnaexp.classify.similarity import count_pairs, spread

    made, families = vectors(rnas)
    warm = layout([str(at % 20) for at in range(400)])
    count_pairs(made[:400], warm, spread=(-1.0, 1.0))  # compiled outside the clock, as on every later run

    def once():
        place = layout([str(family) for family in families])
        ordered = made[place.order]
        densities = count_pairs(ordered, place, spread=spread(ordered), bins=BINS).densities
        ratio, area = overlap(densities, estimator="histogram", bins=BINS), auroc(densities)
        return f"overlap ratio {ratio:.4f}, AUROC {area.value:.4f} +- {area.error:.4f}"

    return best_of(once, rnas)


def bare(rnas):
    import torch

    from rnaexp.classify.similarity import _products

    made, _ = vectors(rnas)

    def once():
        for _ in _products(torch.from_numpy(made), (0, 1)):
            pass
        return "upper triangle, nothing counted"

    return best_of(once, rnas)


def best_of(once, rnas):
    """Seconds of the fastest pass, what it said; a fifth of a second is measured more often than half a minute."""
    seconds = []
    for _ in range(10 if rnas <= MOST_FOR_FULL else 2):
        start = time.perf_counter()
        said = once()
        seconds.append(time.perf_counter() - start)
    return min(seconds), said


def obvious(rnas):
    """The full matrix, NumPy's histograms, scikit-learn's AUROC, scipy's KDE on a sample of the pairs."""
    import numpy as np
    from scipy.stats import gaussian_kde
    from sklearn.metrics import roc_auc_score

    made, families = vectors(rnas)
    start = time.perf_counter()
    upper = np.triu_indices(rnas, 1)
    cosines = (made @ made.T)[upper]
    same = families[upper[0]] == families[upper[1]]
    size = np.bincount(families)
    weights = np.where(same, 2 / (size * (size - 1.0 + (size == 1)))[families[upper[0]]], 0)
    weights[~same] = 1 / (size[families[upper[0]][~same]] * size[families[upper[1]][~same]])
    over = (cosines.min(), cosines.max())
    masses = [np.histogram(cosines[c], BINS, over, weights=weights[c])[0] for c in (same, ~same)]
    ratio = np.minimum(masses[0] / masses[0].sum(), masses[1] / masses[1].sum()).sum()
    area = roc_auc_score(same, cosines, sample_weight=weights)
    grid = np.linspace(*over, 1000)
    rng = np.random.default_rng(0)
    for chosen in (same, ~same):
        gaussian_kde(rng.choice(cosines[chosen], KDE_SAMPLE))(grid)
    return time.perf_counter() - start, f"overlap ratio {ratio:.4f}, AUROC {area:.4f}"


def mixed_rnas():
    import numpy as np

    from rnaexp.rna import Rna

    rng = np.random.default_rng(0)
    lengths = np.exp(rng.uniform(np.log(25), np.log(440), EMBEDDED)).astype(int)
    return [
        Rna(id=f"r{at}", sequence="".join(rng.choice(list("ACGU"), int(length)))) for at, length in enumerate(lengths)
    ]


def bucketed(_):
    from rnaexp.classify.embed import batches
    from rnaexp.reading.embeddings import TOKENS

    return _embedded(lambda rnas: batches([len(rna) for rna in rnas], TOKENS))


def padded(_):
    return _embedded(lambda rnas: [range(at, min(at + PADDED_BATCH, len(rnas))) for at in range(0, len(rnas), 32)])


def _embedded(cut):
    from rnaexp import models

    encoder, rnas = models.load("untrained:rnabert"), mixed_rnas()
    encoder.embed(rnas[:2])
    start = time.perf_counter()
    for batch in cut(rnas):
        for bases in encoder.embed([rnas[at] for at in batch]):
            bases.mean(0)
    seconds = time.perf_counter() - start
    return seconds, f"{sum(map(len, rnas)) / seconds:.0f} bases/s"


WAYS = {"ours": ours, "bare": bare, "obvious": obvious, "bucketed": bucketed, "padded": padded}


def measured(way, rnas):
    words = [sys.executable, __file__, "--way", way, "--rnas", str(rnas)]
    environment = {"OMP_NUM_THREADS": "1"} | dict(os.environ)
    return json.loads(subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout)


def one(way, rnas):
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    seconds, said = WAYS[way](rnas)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({"way": way, "rnas": rnas, "seconds": seconds, "peak_mb": round(peak), "result": said}))


def compare(sizes, out):
    rows = []
    for rnas in sizes:
        limit = measured("bare", rnas)
        told = [measured("ours", rnas), limit]
        if rnas <= MOST_FOR_FULL:
            told.append(measured("obvious", rnas))
        rows += [{**each, "of_limit": round(each["seconds"] / limit["seconds"], 2)} for each in told]
    sorted_batches = measured("bucketed", EMBEDDED)
    told = [sorted_batches, measured("padded", EMBEDDED)]
    rows += [{**each, "of_limit": round(each["seconds"] / sorted_batches["seconds"], 2)} for each in told]
    print("| way | RNAs | seconds | of the limit | peak MB | result |\n|---|---|---|---|---|---|")
    for row in rows:
        row["seconds"] = round(row["seconds"], 2)
        print("| {way} | {rnas} | {seconds} | {of_limit} | {peak_mb} | {result} |".format(**row))
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} cores" + ("; busy: do not quote" if load > os.cpu_count() else ""))
    if out is not None:
        with out.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rnas", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--way", choices=WAYS)
    asked = parser.parse_args()
    if asked.way:
        one(asked.way, asked.rnas[0])
    else:
        compare(asked.rnas, asked.csv)
