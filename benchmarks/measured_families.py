"""What each step of the released code does to the overlap ratio, alone and together.

`RNAEXP_RFAM_SEED=FILE python benchmarks/measured_families.py tracking/results/measured_families.csv`. Each model reads
every RNA once; its mean and its first 128 numbers, with and without its special tokens, are kept.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rnaexp import models
from rnaexp.classify.controls import LENGTH, WORDS, ruler, word_counts
from rnaexp.classify.drawn import drawn_figures
from rnaexp.classify.embed import batches, pool, reduce, unit
from rnaexp.classify.layout import layout
from rnaexp.classify.overlap import auroc, iou, overlap
from rnaexp.classify.protocol import embedding_protocol
from rnaexp.classify.similarity import count_pairs, spread
from rnaexp.data.families import Selection, load_families

MODELS = ("rnabert", "untrained:rnabert", "lm-nano", "msm-nano", "untrained:lm-nano", *WORDS, LENGTH)
SETS = {"rfam-500": Selection(), "archiveii": Selection(members=40)}
# From docs/classification.md's protocol to the released code's.
DRAWN = {"pairs": "drawn-100000", "repetitions": 3}
STEPS = {
    "ours": {},
    "kde-200": {"estimator": "kde-200"},
    "drawn pairs": DRAWN,
    "drawn pairs, per-sequence negatives": {**DRAWN, "negatives": "per-sequence"},
    "special tokens kept": {"special_tokens": "kept"},
    "crop": {"reduction": "fft-crop"},
    "crop, special tokens kept": {"reduction": "fft-crop", "special_tokens": "kept"},
    "all but the crop": {**DRAWN, "estimator": "kde-200", "special_tokens": "kept"},
    "authors": {**DRAWN, "estimator": "kde-200", "special_tokens": "kept", "reduction": "fft-crop"},
    "authors, per-sequence negatives": {
        **DRAWN,
        "estimator": "kde-200",
        "special_tokens": "kept",
        "reduction": "fft-crop",
        "negatives": "per-sequence",
    },
}
OF_TOKENS = {"special_tokens", "reduction"}


def pooled(name, rnas):
    """Each RNA's raw vector by (pooling, special tokens); a control has one, whatever is asked."""
    if name in WORDS:
        return {"any": word_counts(rnas, WORDS[name])}
    if name == LENGTH:
        return {"any": ruler([len(rna) for rna in rnas])}
    encoder = models.load(name=name, seed=0)
    found = {("mean", "cut"): {}, ("mean", "kept"): {}, ("crop-128", "cut"): {}, ("crop-128", "kept"): {}}
    first = rnas[0]
    outside = len(encoder.embed_tokens([first])[0]) - len(first)
    assert torch.equal(encoder.embed_tokens([first])[0][outside:], encoder.embed([first])[0])
    for places in batches([len(rna) for rna in rnas], 8192):
        with torch.inference_mode():
            rows = encoder.embed_tokens([rnas[at] for at in places])
        for at, tokens in zip(places, rows, strict=True):
            for (pooling, special), kept in found.items():
                kept[at] = pool(tokens.numpy()[outside if special == "cut" else 0 :], pooling)
    return {key: np.array([kept[at] for at in range(len(rnas))], np.float32) for key, kept in found.items()}


def measured(raw, order, families, protocol):
    """The overlap of all pairs, or of drawn ones."""
    key = "any" if "any" in raw else (protocol.pooled_as, protocol.special_tokens)
    vectors = unit(raw["any"] if "any" in raw else reduce(raw[key], protocol))[order.order]
    if protocol.drawn:
        found = drawn_figures(vectors, families, protocol)
        names = ("delta_mean", "delta_median", "f1", "mcc")
        return {
            "overlap_area": found.mean.overlap_area,
            "overlap_iou": found.mean.overlap_iou,
            "overlap_iou_sd": found.sd.overlap_iou,
            **{name: getattr(found.mean, name) for name in names},
            "same_family": found.same_family,
        }
    counts = count_pairs(vectors, order, spread=spread(vectors), bins=protocol.bins, by_unit=False)
    area = overlap(counts.densities, estimator=protocol.estimator, bins=protocol.bins)
    return {"overlap_area": area, "overlap_iou": iou(area), "auroc": auroc(counts.densities).value}


def _steps_of(raw):
    """All of them for a model; a control has no tokens to keep and no bases to crop."""
    for step, changes in STEPS.items():
        if "any" not in raw:
            yield step, changes
        elif step != "all but the crop" and (not changes or not set(changes) <= OF_TOKENS):
            yield step, {name: value for name, value in changes.items() if name not in OF_TOKENS}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("csv", type=Path)
    words.add_argument("--sets", nargs="*", default=list(SETS))
    words.add_argument("--models", nargs="*", default=list(MODELS))
    asked = words.parse_args()
    rows = []
    for name in asked.sets:
        data = load_families(name, SETS[name])
        order = layout(data.families, data.clans)
        families = [data.families[at] for at in order.order]
        for model in asked.models:
            start, raw = time.monotonic(), pooled(model, data.rnas)
            for step, changes in _steps_of(raw):
                found = measured(raw, order, families, embedding_protocol("paper", **changes))
                rows.append({"set": name, "model": model, "step": step, **found, "rnas": len(data.rnas)})
            sys.stderr.write(f"{name} {model}: {time.monotonic() - start:.0f} s\n")
            pd.DataFrame(rows).round(4).to_csv(asked.csv, index=False)


if __name__ == "__main__":
    main()
