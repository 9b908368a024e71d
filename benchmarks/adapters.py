"""How far each adapter is from its authors' code: every golden fixture through the public loader.

    RNAEXP_GOLDEN=DIR python benchmarks/adapters.py tracking/results/adapters.csv

Relative difference: largest absolute difference over the largest absolute value of the authors' array, the worst of
both inputs. An empty cell: the authors' code gives no such output.
"""

import argparse
import csv
import importlib.util
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from rnaexp.errors import UnsuitableError
from rnaexp.models import load
from rnaexp.models.spread import Spread
from rnaexp.models.streaming import EveryHead
from rnaexp.rna import Alignment, Rna

CASES = (
    ("rnabert", "rnabert"),
    ("rna-fm", "rnafm"),
    ("rna-msm", "rnamsm"),
    ("rna-km", "rnakm"),
    ("ernie-rna", "ernierna"),
    ("rinalmo-giga", "rinalmo"),
    ("aido-rna-650m", "aidorna"),
    ("aido-rna-1.6b", "aidorna_rmsnorm"),
    ("resm-150m", "resm"),
    ("splicebert", "splicebert"),
    ("utr-lm-mrl", "utrlm"),
    ("3utrbert-3mer", "utrbert"),
    ("lucaone", "lucaone"),
    ("dnabert-3mer", "dnabert"),
    ("esm2-8m", "esm2"),
)
COLUMNS = ("model", "fixture", "authors", "attention", "embedding", "logits")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    out = arguments.parse_args().out
    golden = Path(os.environ["RNAEXP_GOLDEN"])
    rows = [row(name, golden / fixture, golden) for name, fixture in CASES]
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for each in rows:
        print("  ".join(f"{each[column]!s:16}" for column in COLUMNS))


def row(name, folder, golden):
    facts = json.loads((folder / "fixture.json").read_text())
    with tempfile.TemporaryDirectory() as weights, np.load(folder / "expected.npz") as arrays:
        make_weights(golden).save(facts, str(folder), weights)
        encoder = load(name, weights=Path(weights), config=facts["config"], device="cpu")
        expected = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    found = {"attn": [], "emb": [], "logits": []}
    of = of_alignment if name == "rna-msm" else of_sequence
    for which, ours in of(encoder, facts, expected):
        for kind, tensor in ours.items():
            theirs = wanted(expected, kind, which)
            if theirs is not None and tensor is not None:
                found[kind].append(float((tensor - theirs).abs().max() / theirs.abs().max()))
    shown = [f"{max(found[kind]):.1e}" if found[kind] else "" for kind in ("attn", "emb", "logits")]
    authors = f"{facts['repo']} {facts['commit']}"
    return dict(zip(COLUMNS, (name, folder.name, authors, *shown), strict=True))


def wanted(expected, kind, which):
    """RNABERT's authors pad without a mask, and run unpadded too; ERNIE-RNA's keep the softmax of what they export."""
    keys = (f"{kind}_{which}_nopad", f"{kind}_prob_{which}", f"{kind}_{which}")
    return next((expected[key].float() for key in keys if key in expected), None)


def of_sequence(encoder, facts, expected):
    """Attention, embedding and logits of each input, token by token, special tokens cut."""
    before, after = len(encoder.tokens.before), len(encoder.tokens.after)
    for which, letters in facts["inputs"].items():
        ids = expected[f"ids_{which}"].reshape(1, -1)
        if encoder.spec.group != "protein":
            try:
                rna = Rna(id=which, sequence=letters.replace("T", "U").replace("X", "N"))
                assert list(encoder.tokens.encode(rna).ids) == ids[0].tolist(), f"{encoder.spec.name}: other tokens"
            except UnsuitableError:
                continue  # a letter that the authors turn into <unk> and we refuse
        inner = slice(before, ids.shape[1] - after)
        yield which, read_tokens(encoder, ids, inner)


@torch.inference_mode()
def read_tokens(encoder, ids, inner):
    maps = []
    keep = lambda _rna, _layer, layer_maps: maps.append(layer_maps.clone())  # noqa: E731
    reading = EveryHead(encoder._layer_of, [Spread(inner, None)], [ids.shape[1]], keep)
    hidden = encoder._body()(ids, reading=reading).last_hidden_state[0, inner]
    logits = encoder.network(ids).logits[0, inner] if encoder.can_predict else None
    return {"attn": torch.stack(maps), "emb": hidden, "logits": logits}


def of_alignment(encoder, facts, _expected):
    """The alignment, and its first row alone."""
    rows = tuple(facts["inputs"]["alignment"])
    alignment = Alignment(names=tuple(f"row {at}" for at in range(len(rows))), rows=rows)
    for which, held in (("msa", alignment), ("single", None)):
        rna = Rna(id=which, sequence=rows[0], alignment=held)
        maps = torch.stack([layer.clone() for layer in encoder.attention(rna)])
        yield which, {"attn": maps, "emb": encoder.embed([rna])[0], "logits": encoder.logits(rna)}


def make_weights(golden):
    spec = importlib.util.spec_from_file_location("make_weights", golden / "make_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
