"""What a store's hashes, labels and atomic writes cost: entries written and read, against bare .npz files, flushed too.

Prints the ratios, and writes them to tracking/results/benchmark_store.csv.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import typer

from rnaexp.reading.store import Store, key_of

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_store.csv"


def main(csv: Path = RESULTS, entries: int = 500, rounds: int = 3) -> None:
    scores = np.random.default_rng(0).random((72, 64), np.float32)
    arrays = {"scores": scores, "indices": scores.argsort(axis=1).astype(np.int32)}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bare, store = Path(folder) / "bare", Store(Path(folder) / "store")
        bare.mkdir()
        keys = [key_of({"at": at}) for at in range(entries)]

        def write_bare(key: str) -> None:
            with (bare / key).open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())

        def read_bare(key: str) -> None:
            with np.load(bare / key) as found:
                assert all(len(found[name]) for name in found.files)

        def read_store(key: str) -> None:
            assert store.get(key) is not None

        for what, ours, plain in (
            ("write", lambda key: store.put(key, arrays), write_bare),
            ("read", read_store, read_bare),
        ):
            both = [(spent(ours, keys), spent(plain, keys)) for _ in range(rounds)]
            mine, theirs = (min(times) / entries for times in zip(*both, strict=True))
            rows.append({"what": what, "ours_us": round(mine * 1e6, 1), "bare_npz_us": round(theirs * 1e6, 1)})
            rows[-1]["ratio"] = round(mine / theirs, 2)
            sys.stdout.write(
                f"{what}: {mine * 1e6:.0f} us an entry, bare .npz {theirs * 1e6:.0f}: {mine / theirs:.2f}\n"
            )
        size = sum(path.stat().st_size for path in (store.root / "results").rglob("*") if path.is_file())
        plain_size = sum(path.stat().st_size for path in bare.iterdir())
        rows.append({"what": "bytes", "ours_us": None, "bare_npz_us": None, "ratio": round(size / plain_size, 4)})
        sys.stdout.write(f"bytes: {size / plain_size:.4f} of the bare files'\n")
    csv.write_text(pd.DataFrame(rows).assign(entries=entries, load=round(os.getloadavg()[0], 2)).to_csv(index=False))


def spent(work: Callable[[str], None], keys: Sequence[str]) -> float:
    """Processor seconds."""
    start = time.process_time()
    for key in keys:
        work(key)
    return time.process_time() - start


if __name__ == "__main__":
    typer.run(main)
