"""Run the whole matrix and write what came of it: `python -m tests.faults [WORDS OF A CELL]`; as root.

Each cell has a row in `tracking/results/faults.csv`; `python tracking/faults_table.py` shows them in docs/faults.md.
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


def keep(cell, outcome):
    """In the order of the cells, whichever were run."""
    row = pd.DataFrame([{"fault": cell.fault, "place": cell.place, "moment": cell.moment, **vars(outcome)}])
    kept = [pd.read_csv(RESULTS, keep_default_na=False)] if RESULTS.exists() else []
    rows = pd.concat([*kept, row]).drop_duplicates(["fault", "place", "moment"], keep="last")
    order = {(one.fault, one.place, one.moment): at for at, one in enumerate(CELLS)}
    places = [order.get(key, -1) for key in rows[["fault", "place", "moment"]].itertuples(index=False, name=None)]
    rows.assign(at=places).query("at >= 0").sort_values("at").drop(columns="at").to_csv(RESULTS, index=False)


def main(words):
    if why := disks.why_none():
        sys.exit(why)
    wrong = 0
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
            keep(cell, outcome)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
