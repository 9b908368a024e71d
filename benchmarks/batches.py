"""What batches save `rnaexp predict` on a CPU: one head's maps RNA by RNA, of RNAs of one length at once, and padded.

RNAs of 40 to 200 bases; batches under a budget of tokens; the passes end at the head's layer, the last. `predict`:
`rnaexp predict` of the same RNAs, letters to files. Processor time; the ways take turns, the best round counts.
`*_differ`: RNAs whose map is not to the bit the one it has alone.
Writes tracking/results/benchmark_batches.csv.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import typer
from predict import bucketed, different_sequences
from serve import head
from structure import RNA_FM, write_checkpoint

from rnaexp.data.own import read_own
from rnaexp.experiment.predictions import write_predictions
from rnaexp.models import load
from rnaexp.models.spread import Spread
from rnaexp.models.streaming import probabilities
from rnaexp.reading.maps import batches_of
from rnaexp.rna import Rna
from rnaexp.tasks.pairs.settings import PredictSettings

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_batches.csv"
Maps = dict[str, np.ndarray]  # of each RNA, by id
SMALL = (6, 12, 120, 40)  # layers, heads, width, inner width


def main(small: int = 2000, large: int = 40, rounds: int = 2, csv: Path = RESULTS) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, network, rnas in (("RNABERT", SMALL, small), ("RNA-FM", RNA_FM.network, large)):
            write_checkpoint(place / name, network)
            encoder: Any = load(str(place / name), device="cpu")
            rows.append({"size_of": name, "rnas": rnas} | compared(encoder, rnas, rounds, place / f"{name} files"))
            sys.stdout.write(f"{rows[-1]}\n")
    csv.write_text(pd.DataFrame(rows).to_csv(index=False))


def compared(encoder: Any, count: int, rounds: int, place: Path) -> dict[str, object]:
    """A row."""
    place.mkdir()
    sequences = different_sequences(count)
    (place / "own.fa").write_text("".join(f">r{at}\n{sequence}\n" for at, sequence in enumerate(sequences)))
    own = read_own(place / "own.fa")
    tuned = head(encoder, encoder.layers - 1)
    rnas = sorted(own.rnas, key=len)
    at_head = (tuned.layer, tuned.head)
    at = 0

    def whole() -> None:
        nonlocal at
        at += 1
        os.environ["RNAEXP_STORE"] = str(place / f"store {at}")  # nothing is known yet
        (place / f"out {at}").mkdir()
        write_predictions(own, place / f"out {at}", tuned, encoder, formats=(), settings=PredictSettings())

    def alone() -> Maps:
        return {rna.id: encoder.read_head(rna, *at_head).numpy() for rna in rnas}

    def equal() -> Maps:
        batches = batches_of(rnas, encoder, at_head)
        read = ((batch, encoder.read_heads(batch, *at_head)) for batch in batches)
        return {rna.id: one.numpy() for batch, maps in read for rna, one in zip(batch, maps, strict=True)}

    def padded() -> Maps:
        read = ((batch, of_batch(encoder, batch, *at_head)) for batch in bucketed(rnas))
        return {rna.id: one for batch, maps in read for rna, one in zip(batch, maps, strict=True)}

    ways: dict[str, Callable[[], object]] = {"alone": alone, "equal": equal, "padded": padded, "predict": whole}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.process_time()
            run()
            taken[way].append(time.process_time() - start)
    best = {way: min(times) for way, times in taken.items()}
    maps = alone()
    return {
        "layers": encoder.layers,
        "lengths": len({len(rna) for rna in rnas}),
        **{f"{way}_ms_an_rna": round(1000 * seconds / count, 3) for way, seconds in best.items()},
        **{f"{way}_saves": round(1 - best[way] / best["alone"], 3) for way in ("equal", "padded")},
        **{f"{way.__name__}_differ": differing(maps, way()) for way in (equal, padded)},
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
    }


def differing(maps: Maps, others: Maps) -> int:
    """How many are not equal to the bit."""
    if not all(np.allclose(one, others[id], atol=1e-5) for id, one in maps.items()):
        message = "the ways disagree"
        raise ValueError(message)
    return sum(not np.array_equal(one, others[id]) for id, one in maps.items())


class _ReadError(Exception):
    """The head has been read."""


class _HeadOfBatch:
    """One head's maps of all RNAs of a batch; ends the pass."""

    def __init__(self, encoder: Any, layer: int, head: int) -> None:
        self.layers, self.layer, self.row = encoder._layer_of, layer, slice(head, head + 1)

    def wants(self, module: Any) -> bool:
        return bool(self.layers[module] == self.layer)

    def read(self, module: Any, query: Any, key: Any, mask: Any, scaling: float) -> Any:
        self.maps = probabilities(query[:, self.row], key[:, self.row], mask, scaling)[:, 0]
        raise _ReadError


@torch.inference_mode()
def of_batch(encoder: Any, batch: Sequence[Rna], layer: int, head: int) -> list[np.ndarray]:
    """In base coordinates."""
    encodings, reading = [encoder._encode(rna) for rna in batch], _HeadOfBatch(encoder, layer, head)
    with contextlib.suppress(_ReadError):
        encoder._body()(**encoder._batch(encodings), reading=reading)
    found = []
    for one, encoding in zip(reading.maps, encodings, strict=True):
        tokens = len(encoding.ids)
        found.append(Spread.of(encoding).maps(one[None, :tokens, :tokens])[0].numpy())
    return found


if __name__ == "__main__":
    typer.run(main)
