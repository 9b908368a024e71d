"""What reading attention costs, for one model of each loader kind: ratios within one run, random weights.

    python benchmarks/loaders.py [tracking/results/benchmark_loaders.csv]

Per kind and length, medians of several passes: reading every layer's maps (and dropping them) over a bare forward
pass of the same network with the fused kernel; one head of the middle layer over the same; the obvious way (eager
attention, all layers' maps kept) over the same.
"""

import argparse
import csv
import random
import statistics
import time
from pathlib import Path

import torch

from rnaexp.models import load
from rnaexp.models.streaming import probabilities
from rnaexp.rna import Rna

# Six layers of twelve heads: the shape of the published models, small enough to repeat.
KINDS = {
    "transformers ESM": ("rna-fm", {"encoder_layers": 6, "encoder_embed_dim": 384, "encoder_attention_heads": 12}),
    "transformers BERT": ("splicebert", {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12}),
    "k-mers": ("dnabert-4mer", {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12}),
    "native, rotary": ("rinalmo-micro", {"num_blocks": 6, "embed_dim": 384, "num_heads": 12}),
    "native, bias": ("rna-km", {"n_layer": 6, "d_model": 384, "n_head": 12}),
    "native, scores carried on": (
        "ernie-rna",
        {"encoder_layers": 6, "encoder_embed_dim": 384, "encoder_attention_heads": 12},
    ),
}
COLUMNS = ("kind", "model", "bases", "every_map", "one_head", "obvious", "layers_of_maps_kept")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path, nargs="?")
    arguments.add_argument("--repeats", type=int, default=7)
    chosen = arguments.parse_args()
    rows = [row(kind, *KINDS[kind], bases, chosen.repeats) for kind in KINDS for bases in (100, 400)]
    for each in rows:
        print("  ".join(f"{each[column]!s:14}" for column in COLUMNS))
    if chosen.out is not None:
        with chosen.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def row(kind, name, sizes, bases, repeats):
    encoder = load(f"untrained:{name}", config=sizes, device="cpu")
    rna = Rna(id="r", sequence="".join(random.Random(bases).choices("ACGU", k=bases)))
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    ways = {
        "bare": lambda: encoder._body()(ids),
        "every_map": lambda: encoder.read_attention([rna], lambda *_: None),
        "one_head": lambda: encoder.read_head(rna, encoder.layers // 2, 0),
        "obvious": lambda: keep_all(encoder, ids),
    }
    seconds = {way: [] for way in ways}
    with torch.inference_mode():
        for turn in range(repeats + 1):  # in turn, so that a busy moment falls on all of them; the first is not counted
            for way, run in ways.items():
                start = time.perf_counter()
                run()
                if turn:
                    seconds[way].append(time.perf_counter() - start)
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    ratios = {way: round(medians[way] / medians["bare"], 2) for way in ways if way != "bare"}
    return {"kind": kind, "model": name, "bases": bases, **ratios, "layers_of_maps_kept": f"1 and {encoder.layers}"}


class Keep:
    """All maps of all layers at once, as `output_attentions=True` keeps them."""

    def __init__(self):
        self.kept = []

    def wants(self, _module):
        return True

    def read(self, _module, query, key, mask, scaling):
        self.kept.append(probabilities(query, key, mask, scaling))
        return self.kept[-1]


def keep_all(encoder, ids):
    keep = Keep()
    encoder._body()(ids, reading=keep)
    return [maps.numpy().copy() for maps in keep.kept]


if __name__ == "__main__":
    main()
