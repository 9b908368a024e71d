"""What each step of the released code does to the F1 of base pairs, alone and together.

`python benchmarks/measured_pairs.py tracking/results/measured_pairs.csv`.
"""

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from rnaexp.reading.store import Store
from rnaexp.structure.protocol import Scoring
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.result import Task

MODELS = ("rnabert", "untrained:rnabert", "lm-nano", "msm-nano", "viennarna")
# (what is changed, averaging, step of the grid, squash): from protocol `paper` to protocol `authors`.
STEPS = (
    ("paper", "per-rna", 0.0, "none"),
    ("pooled", "pooled", 0.0, "none"),
    ("grid on raw scores", "per-rna", 0.001, "none"),
    ("sigmoid and grid", "per-rna", 0.001, "sigmoid"),
    ("authors", "pooled", 0.001, "sigmoid"),
)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("csv", type=Path)
    words.add_argument("--validation", default="spot-rna-vl1")
    words.add_argument("--test", default="spot-rna-ts1")
    words.add_argument("--models", nargs="*", default=list(MODELS))
    asked = words.parse_args()
    rows, store = [], Store()
    for model in asked.models:
        for step, averaging, grid, squash in STEPS:
            start = time.monotonic()
            task = Task(
                model=model,
                validation=asked.validation,
                test=asked.test,
                scoring=Scoring(averaging=averaging, grid=grid, head="oracle"),
                squash=squash,
                loading={"name": model, "seed": 0},
            )
            found = tune_and_test(task, store, lambda what, count: nullcontext(lambda done: None))
            rows.append(
                {
                    "model": model,
                    "test": asked.test,
                    "step": step,
                    "threshold": found.tuned.threshold,
                    "head": f"{found.tuned.layer}.{found.tuned.head}",
                    "validated_mean_f1": found.evaluation.f1.mean,
                    "validated_pooled_f1": found.pooled.f1,
                    "oracle_head": f"{found.chosen_on_test.layer}.{found.chosen_on_test.head}",
                    "oracle_head_pooled_f1": found.chosen_on_test.f1,
                    "oracle_head_and_threshold": found.test.search.winner["f1"],
                    "validation_f1": found.tuned.validation_f1,
                }
            )
            sys.stderr.write(f"{model} {step}: {time.monotonic() - start:.0f} s\n")
            pd.DataFrame(rows).round(4).to_csv(asked.csv, index=False)


if __name__ == "__main__":
    main()
