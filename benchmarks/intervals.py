"""How often intervals of a mean over RNAs hold the truth.

`python benchmarks/intervals.py tracking/results/benchmark_intervals.csv`: clusters of one to four RNAs, values by
shape; ours beside the percentile bootstrap over clusters that it replaced.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from rnaexp.stats.bootstrap import cluster_draws
from rnaexp.stats.intervals import cluster_interval

RUNS, RESAMPLES, CLUSTERS = 4000, 200, (5, 7, 12, 64)
Draw = Callable[[np.random.Generator, int], np.ndarray]

# Shape, the true mean, and how the clusters' own values are drawn.
SHAPES: dict[str, tuple[str, float, Draw]] = {
    "middling F1": ("shares", 0.5, lambda random, count: random.beta(4, 4, count)),
    "high F1": ("shares", 5 / 6.2, lambda random, count: random.beta(5, 1.2, count)),
    "low F1, most near zero": ("shares", 0.5 / 4.5, lambda random, count: random.beta(0.5, 4, count)),
    "three in ten zero": (
        "shares",
        0.7 * 0.4,
        lambda random, count: np.where(random.random(count) < 0.3, 0, random.beta(2, 3, count)),
    ),
    "two groups": (
        "shares",
        0.4 / 9 + 0.6 * 0.8,
        lambda random, count: np.where(random.random(count) < 0.4, random.beta(1, 8, count), random.beta(8, 2, count)),
    ),
    "normal differences": ("differences", 0.0, lambda random, count: random.normal(0, 0.15, count)),
    "skewed differences": ("differences", 0.0, lambda random, count: random.exponential(0.1, count) - 0.1),
    "lognormal differences": (
        "differences",
        0.0,
        lambda random, count: 0.05 * (random.lognormal(0, 1, count) - np.exp(0.5)),
    ),
    "one in four differs": (
        "differences",
        0.0,
        lambda random, count: np.where(random.random(count) < 0.25, 0.3, -0.1) + random.normal(0, 0.05, count),
    ),
}


def row(shape: str, clusters: int) -> dict[str, object]:
    """Coverage of both intervals, and their mean widths."""
    of, truth, draw = SHAPES[shape]
    random, ours, percentile, widths = np.random.default_rng(clusters), 0, 0, np.zeros(2)
    for run in range(RUNS):
        member = np.repeat(np.arange(clusters), random.integers(1, 5, clusters))
        own = draw(random, clusters)[member]
        spread = 0.3 * np.minimum(own, 1 - own) if of == "shares" else 0.05
        values = own + spread * random.uniform(-1, 1, len(member))
        found = cluster_interval(values, member, of=of)  # type: ignore[arg-type]
        assert found.low is not None
        assert found.high is not None
        ours += found.low <= truth <= found.high
        draws = cluster_draws(member, resamples=RESAMPLES, seed=run)
        low, high = np.quantile((draws @ values) / draws.sum(1), [0.025, 0.975])
        percentile += low <= truth <= high
        widths += (found.high - found.low, high - low)
    return {
        "values": shape,
        "clusters": clusters,
        "ours": ours / RUNS,
        "percentile": percentile / RUNS,
        "width": round(widths[0] / RUNS, 3),
        "percentile_width": round(widths[1] / RUNS, 3),
        "runs": RUNS,
    }


def main() -> None:
    """Every shape at every number of clusters."""
    table = pd.DataFrame([row(shape, clusters) for shape in SHAPES for clusters in CLUSTERS])
    table.to_csv(Path(sys.argv[1]), index=False)
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
