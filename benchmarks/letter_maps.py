"""What reading a model through its letters costs: processor time an RNA, as a ratio to one bare forward pass.

    python benchmarks/letter_maps.py

3 n + 1 passes of n bases each (`jacobian:`, `dependency:`) or n + 1 (`dependency-hidden:`), in batches: how many times
a single pass's processor time is that, and how far below so many passes do batches bring it?
"""

import random
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import rnaexp
from rnaexp.models.letter_map_rows import DEPENDENCY, HIDDEN, JACOBIAN

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_letter_maps.csv"
MODELS = ("lm-nano", "nano", "untrained:rnabert", "untrained:hyenadna-tiny")
BASES, ROUNDS = (80, 200), 3


def seconds(run: Any, *given: Any) -> float:
    """The least of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run(*given)
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    torch.set_num_threads(1)
    drawn, rows = random.Random(0), []
    for name in MODELS:
        base: Any = rnaexp.load(name, device="cpu")
        for n in BASES:
            rna = rnaexp.Rna(id="x", sequence="".join(drawn.choices("ACGU", k=n)))
            base.predict_letters([rna], [[]])
            bare = seconds(base.predict_letters, [rna], [[]])
            for way, passes in ((JACOBIAN, 3 * n + 1), (DEPENDENCY, 3 * n + 1), (HIDDEN, n + 1)):
                if way == HIDDEN and "hyenadna" in name:
                    continue  # it hides no base
                reading: Any = rnaexp.load(way + name, device="cpu")
                taken = seconds(reading.read_head, rna, 0, 0)
                row = {"model": name, "way": way.rstrip(":"), "bases": n, "passes": passes, "seconds": taken}
                rows.append({**row, "of_bare_pass": taken / bare, "of_that_many_passes": taken / bare / passes})
    table = pd.DataFrame(rows).assign(torch=torch.__version__)
    RESULTS.write_text(table.round({"seconds": 4, "of_bare_pass": 1, "of_that_many_passes": 3}).to_csv(index=False))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
