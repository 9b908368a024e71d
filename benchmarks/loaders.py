"""What reading attention costs, for one model of each loader kind: ratios within one run, random weights.

    python benchmarks/loaders.py [tracking/results/benchmark_loaders.csv]

Per kind and length, the best of several passes, in processor time of one thread (the machine's load at the end of a row
stands in the last column: other work that fills the memory's bandwidth is still felt): reading every layer's maps (and
dropping them) over a bare forward pass of the same network with the fused kernel; one head of the middle layer over the
same; the obvious way (eager attention, all layers' maps kept) over the same; the embedding of each base over the same.
A model of alignments reads eight rows. HyenaDNA has no maps.
"""

import argparse
import csv
import os
import random
import tempfile
import time
from pathlib import Path

import torch

from rnaexp.models import load
from rnaexp.models.mosaic_bert import ADAPTER as MOSAIC
from rnaexp.models.streaming import probabilities
from rnaexp.models.weights import save
from rnaexp.rna import Alignment, Rna

# Six layers of twelve heads: the shape of the published models, small enough to repeat.
WORDS = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12}
FAIR = {"encoder_layers": 6, "encoder_embed_dim": 384, "encoder_attention_heads": 12}
KINDS = {
    "transformers ESM": ("rna-fm", FAIR),
    "transformers BERT": ("splicebert", WORDS),
    "k-mers": ("dnabert-4mer", WORDS),
    "native, rotary": ("rinalmo-micro", {"num_blocks": 6, "embed_dim": 384, "num_heads": 12}),
    "native, rotary, gated": ("aido-rna-650m", {**WORDS, "intermediate_size": 1024}),
    "native, rotary, gated, 6-mers": ("nt-v2-50m", WORDS),
    "native, rotary, wide": ("lucaone", WORDS),
    "native, bias": ("rna-km", {"n_layer": 6, "d_model": 384, "n_head": 12}),
    "native, scores carried on": ("ernie-rna", FAIR),
    "native, linear biases, BPE": ("dnabert-2", WORDS),
    "native, alignment": ("rna-msm", {"num_layers": 6, "embed_dim": 384, "num_attention_heads": 12}),
    "native, convolutions": ("hyenadna-tiny", {"n_layer": 6, "d_model": 384}),
}
COLUMNS = ("kind", "model", "bases", "every_map", "one_head", "obvious", "embedding", "layers_of_maps_kept", "load")
ROWS = 8  # of an alignment


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path, nargs="?")
    arguments.add_argument("--repeats", type=int, default=7)
    arguments.add_argument("--only", default="", help="kinds that hold this text")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    kinds = [kind for kind in KINDS if chosen.only in kind]
    rows = [row(kind, *KINDS[kind], bases, chosen.repeats) for kind in kinds for bases in (100, 400)]
    for each in rows:
        print("  ".join(f"{each[column]!s:14}" for column in COLUMNS))
    if chosen.out is not None:
        with chosen.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def row(kind, name, sizes, bases, repeats):
    with tempfile.TemporaryDirectory() as folder:
        encoder = opened(name, sizes, Path(folder))
    rna = Rna(id="r", sequence="".join(random.Random(bases).choices("ACGU", k=bases)))
    if encoder.spec.reads == "alignment":
        rna = aligned(rna)
    ways = ways_of(encoder, rna)
    seconds = {way: [] for way in ways}
    with torch.inference_mode():
        for turn in range(repeats + 1):  # in turn, so that a busy moment falls on all of them; the first is not counted
            for way, run in ways.items():
                start = time.process_time()
                run()
                if turn:
                    seconds[way].append(time.process_time() - start)
    best = {way: min(values) for way, values in seconds.items()}
    ratios = {way: round(best[way] / best["bare"], 2) for way in ways if way != "bare"}
    kept = f"1 and {encoder.layers}" if encoder.spec.has_attention else ""
    load_of_machine = round(os.getloadavg()[0], 1)
    return dict.fromkeys(COLUMNS, "") | {
        "kind": kind,
        "model": name,
        "bases": bases,
        **ratios,
        "layers_of_maps_kept": kept,
        "load": load_of_machine,
    }


def opened(name, sizes, folder):
    """The model with random weights; one of them only opens as a folder."""
    if name == "dnabert-2":
        write_bpe_model(sizes, folder)
        return load(name, weights=folder, device="cpu")
    return load(f"untrained:{name}", config=sizes, device="cpu")


def write_bpe_model(sizes, folder):
    """Tokens of one and two letters, joined greedily: about the two thirds of a token a base that leaves."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    pairs = [(a, b) for a in "ACGT" for b in "ACGT"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"ACGT", *map("".join, pairs)]
    tokenizer = Tokenizer(models.BPE(vocab={w: at for at, w in enumerate(words)}, merges=pairs, unk_token="[UNK]"))
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    save(MOSAIC.build({**sizes, "intermediate_size": 1536, "vocab_size": len(words)}), folder)


def aligned(rna):
    """The RNA and seven rows with a tenth of their letters changed."""
    draw = random.Random(len(rna))
    rows = [rna.sequence]
    for _ in range(ROWS - 1):
        rows.append("".join(draw.choice("ACGU-") if draw.random() < 0.1 else letter for letter in rna.sequence))
    names = tuple(f"row {at}" for at in range(ROWS))
    return Rna(id=rna.id, sequence=rna.sequence, alignment=Alignment(names=names, rows=tuple(rows)))


def ways_of(encoder, rna):
    """What is timed, by name; `bare` is what the others are measured by."""
    embedding = {"embedding": lambda: encoder.embed([rna])}
    if encoder.spec.reads == "alignment":
        ids = encoder.encode(rna)[None]
        keep = lambda: [maps.numpy().copy() for maps in encoder.network.row_attention(ids)]  # noqa: E731
        bare = {"bare": lambda: encoder.network(ids, keep_rows=1)}
    else:
        ids = torch.tensor([encoder.tokens.encode(rna).ids])
        keep = lambda: keep_all(encoder, ids)  # noqa: E731
        bare = {"bare": lambda: encoder._body()(ids)}
    if not encoder.spec.has_attention:
        return bare | embedding
    return {
        **bare,
        "every_map": lambda: encoder.read_attention([rna], lambda *_: None),
        "one_head": lambda: encoder.read_head(rna, encoder.layers // 2, 0),
        "obvious": keep,
        **embedding,
    }


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
