"""Tune the heads that ship with the package on the built-in validation set, and write them with their evidence.

Only of models whose weights can be had here: each is computed, none is taken over. From the repository's root:

    python tracking/ship_heads.py nano lm-nano msm-nano rnabert stems stems-alignment kernel kernel-alignment \
        viennarna-mean covariation gtest viennarna alifold
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rnaexp import models
from rnaexp.data.atomic import write_atomically
from rnaexp.data.sets import load_set
from rnaexp.progress import announce
from rnaexp.reading.store import Store
from rnaexp.structure.protocol import PROTOCOLS
from rnaexp.structure.shipped_heads import FOLDED, ShippedHead
from rnaexp.tasks.pairs.measure import choose, read_out_of, reading_for
from rnaexp.tasks.pairs.tuning import VALIDATION, tune_on
from rnaexp.tasks.pairs.views import measured_view

FOLDER = Path(__file__).parents[1] / "src" / "rnaexp" / "structure" / "shipped"


def head_of(name):
    with tempfile.TemporaryDirectory() as scratch:
        tuned, f1 = tune_on(models.load(name, device="cpu"), VALIDATION, Store(Path(scratch)), announce)
    return ShippedHead(
        tuned=tuned,
        f1_low=f1.low,
        f1_high=f1.high,
        commit=subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip(),
        command=f"python tracking/ship_heads.py {name}",
    )


def view_of(name):
    encoder, data = models.load(name, device="cpu"), load_set(VALIDATION)
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(Path(scratch))
        reading = reading_for(encoder, read_out_of(encoder), PROTOCOLS["paper"])
        return measured_view(encoder, choose(encoder, data, data.rnas, reading, store, announce)[0], store)


def main(names):
    if subprocess.run(["git", "status", "--porcelain", "src"], capture_output=True, text=True, check=True).stdout:
        raise SystemExit("commit first: a shipped head names the commit that made it")
    for name in set(names) & set(FOLDED):
        write_atomically(
            FOLDER / "views" / f"{name}.json", (json.dumps(asdict(view_of(name)), indent=1) + "\n").encode()
        )
    for name in names:
        if name not in FOLDED:
            head = head_of(name)
            write_atomically(FOLDER / f"{name}.json", (json.dumps(head.to_json(), indent=1) + "\n").encode())
            found, f1 = head.tuned, f"{head.tuned.validation_f1:.4f}"
            print(f"{name}: head {found.layer}.{found.head}, threshold {found.threshold:.4g}, F1 {f1}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
