"""What it costs to know what a score is worth: `rnaexp run` on SPOT-RNA with and without what stands beside the F1.

Each model in a process of its own, on a fresh store: first tuning and test (with the cluster bootstrap of
2,000), then all that `run_structure` adds: ceilings, breakdown, shuffled RNAs, three controls computed from nothing,
1,000 re-tunings, diagnosis. The share is of the whole `rnaexp run`, its imports and its MLflow record included.
"""

import contextlib
import multiprocessing
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_assessment.csv"
GOAL = 0.2
MODELS = ("rnabert", "viennarna")


def main(
    models: Annotated[list[str] | None, typer.Argument(help="Models to run.")] = None,
    validation: str = "spot-rna-vl1",
    test: str = "spot-rna-ts1",
    csv: Path = RESULTS,
) -> None:
    # A process each: what the second model finds imported and compiled is not what a run costs.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rows = pool.starmap(measure, [(model, validation, test) for model in models or MODELS], chunksize=1)
    frame = pd.DataFrame(rows).round(3)
    csv.write_text(frame.to_csv(index=False))
    table = Table(title="What the assessment adds to a run")
    for name in frame.columns:
        table.add_column(name, justify="right")
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    Console().print(table)


def measure(model: str, validation: str, test: str) -> dict[str, object]:
    """One model in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["RNAEXP_STORE"] = str(Path(folder) / "store")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        start = time.perf_counter()
        from rnaexp.progress import silence
        from rnaexp.reading.store import Store
        from rnaexp.structure.protocol import Scoring
        from rnaexp.tasks.pairs.assess import assess
        from rnaexp.tasks.pairs.measure import tune_and_test
        from rnaexp.tasks.pairs.result import Task
        from rnaexp.tasks.pairs.tracking import record
        from rnaexp.track.runs import tracked_run

        store, scoring = Store(), Scoring()
        task = Task(model=model, validation=validation, test=test, scoring=scoring, loading={"name": model})
        imported = time.perf_counter()
        result = tune_and_test(task, store, silence)
        tested = time.perf_counter()
        worth = assess(result, store)
        assessed = time.perf_counter()
        assess(result, store)
        again = time.perf_counter()
        result = replace(result, assessment=worth)
        with tracked_run(model) as run:
            record(run, result, store, silence, seconds=0)
        recorded = time.perf_counter()
    without = (tested - start) + (recorded - again)
    return {
        "model": model,
        "rnas": len(result.test.scores.scored()) + len(result.validation.scores.scored()),
        "import_s": imported - start,
        "tune_and_test_s": tested - imported,
        "record_s": recorded - again,
        "assess_s": assessed - tested,
        "assess_controls_known_s": again - assessed,
        "assess_of_run": (assessed - tested) / without,
        "assess_of_run_controls_known": (again - assessed) / without,
        "goal": GOAL,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    typer.run(main)
