"""How often an interval of Spearman holds what other sites would have given: over sites, and over variants.

python benchmarks/fitness_intervals.py --csv tracking/results/benchmark_fitness_intervals.csv
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from rnaexp.fitness.agreement import agreement, held_at, spearman

LETTERS, DRAWS, RESAMPLES = "ACG", 200, 200  # three mutants a site, the wild type a U
AGREEMENT, NOISE = 0.5, 0.3  # of the effects that a model believes with the real ones; of the measurement


def library(kind: str, sites: int, rng: np.random.Generator) -> np.ndarray:
    """Letter of each site in each variant; -1: the wild type's."""
    if kind == "single mutants":
        variants = np.full((3 * sites, sites), -1)
        variants[np.arange(3 * sites), np.arange(3 * sites) // 3] = np.arange(3 * sites) % 3
        return variants
    if kind == "double mutants":
        variants = np.full((600, sites), -1)
        for row in variants:
            row[rng.choice(sites, 2, replace=False)] = rng.integers(0, 3, 2)
        return np.unique(variants, axis=0)
    return np.unique(rng.integers(-1, 3, (600, sites)), axis=0)


def draw(kind: str, sites: int, rng: np.random.Generator) -> tuple[float, list[tuple[float, float]]]:
    """Sites with effects of their own: the correlation, and both of its intervals."""
    variants = library(kind, sites, rng)
    real = rng.normal(size=(sites, 3))
    believed = AGREEMENT * real + np.sqrt(1 - AGREEMENT**2) * rng.normal(size=(sites, 3))
    sums = [np.where(variants < 0, 0, effects[np.arange(sites), variants]).sum(1) for effects in (real, believed)]
    measured, scores = sums[0] + NOISE * rng.normal(size=len(variants)), sums[1]
    sequences = ["".join("U" if at < 0 else LETTERS[at] for at in row) for row in variants]
    found = agreement(scores, measured, held_at(sequences, "U" * sites))
    again = [rng.integers(0, len(scores), len(scores)) for _ in range(RESAMPLES)]
    low, high = np.quantile([spearman(scores[some], measured[some]) for some in again], [0.025, 0.975])
    return found.value, [(found.low, found.high), (low, high)]


def rows(kind: str, sites: int) -> list[dict[str, object]]:
    """Coverage of the mean over the draws, and mean width."""
    rng = np.random.default_rng(sites)
    draws = [draw(kind, sites, rng) for _ in range(DRAWS)]
    truth = np.mean([value for value, _ in draws])
    found = []
    for at, what in enumerate(("jackknife over sites", "bootstrap over variants")):
        ends = np.array([intervals[at] for _, intervals in draws])
        found.append(
            {
                "library": kind,
                "sites": sites,
                "interval": what,
                "spearman": truth,
                "spread": np.std([value for value, _ in draws]),
                "coverage": ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean(),
                "width": (ends[:, 1] - ends[:, 0]).mean(),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path)
    csv = parser.parse_args().csv
    kinds = ("single mutants", "double mutants", "all combinations")
    table = pd.DataFrame([row for kind in kinds for sites in (10, 30) for row in rows(kind, sites)]).round(3)
    if csv is not None:
        table.to_csv(csv, index=False)
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
