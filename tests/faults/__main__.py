"""Run the whole matrix and write what came of it: `python -m tests.faults [WORDS OF A CELL]`; as root.

Without words `tracking/results/faults.csv` is written; `python tracking/faults_table.py` puts it into docs/faults.md.
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from tests.faults import disks
from tests.faults.matrix import CELLS, as_expected, outcome_of, undisturbed_job
from tests.track.servers import Server

RESULTS = Path(__file__).parents[2] / "tracking" / "results" / "faults.csv"


def main(words):
    if why := disks.why_none():
        sys.exit(why)
    rows, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        root, servers = Path(folder), []

        def server():
            if not servers:
                (root / "server").mkdir()
                servers.append(Server(f"sqlite:///{root}/server/mlflow.db", root / "server"))
                servers[0].start()
                ends.callback(servers[0].stop)
            return servers[0]

        clean = undisturbed_job(root / "clean")
        for cell in CELLS:
            if not all(word in cell.name for word in words):
                continue
            start = time.monotonic()
            outcome = outcome_of(cell, root / cell.name, clean, server)
            good = as_expected(cell, outcome)
            wrong += not good
            took = f"{time.monotonic() - start:.0f} s"
            print(*([] if good else ["NOT AS EXPECTED"]), cell.name, took, outcome, flush=True)  # noqa: T201
            rows.append({"fault": cell.fault, "place": cell.place, "moment": cell.moment, **vars(outcome)})
    if not words and not wrong:
        pd.DataFrame(rows).to_csv(RESULTS, index=False)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
