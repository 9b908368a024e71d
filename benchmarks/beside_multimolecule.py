"""How far ours, multimolecule's and the authors' outputs are apart on the same weights.

    PYTHONPATH=. RNAEXP_GOLDEN=DIR python benchmarks/beside_multimolecule.py tracking/results/multimolecule.csv

Relative difference: largest absolute difference over the
largest absolute value of what it is compared with. An empty cell: not compared, because there is none, or because the
two order their letters otherwise. Where the authors' outputs are here, they are compared with multimolecule's, too.
"""

import argparse
import csv
import os
import tempfile
from pathlib import Path

import numpy as np
from adapters import make_weights
from tests.golden import beside
from tests.golden.conftest import Golden

from rnaexp.models import load

COLUMNS = ("model", "outputs", "compared_with", "attention", "embedding", "logits")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    out = arguments.parse_args().out
    golden = Path(os.environ["RNAEXP_GOLDEN"])
    rows = [row for name in beside.THREE for row in on_golden(name, golden)] + list(on_random())
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print("  ".join(f"{row[column]!s:16}" for column in COLUMNS))


def on_golden(name, golden):
    """The worst of both inputs: multimolecule's against the authors', ours against multimolecule's."""
    source = golden / beside.THREE[name][0]
    facts = beside.json.loads((source / "fixture.json").read_text())
    with tempfile.TemporaryDirectory() as folder, np.load(source / "expected.npz") as arrays:
        make_weights(golden).save(facts, str(source), folder)
        made = Golden(weights=Path(folder), facts=facts, expected=dict(arrays))
        encoder = load(name, weights=made.weights, config=facts["config"], device="cpu")
        both = [beside.all_three(name, made, encoder, which) for which in ("short", "long")]
    yield row(name, "multimolecule", "authors", *(authors for authors, _ in both))
    yield row(name, "rnaexp", "multimolecule", *(ours for _, ours in both))


def on_random():
    """Random weights in the authors' layout."""
    made = {
        **{name: lambda folder, words=(kind, name, k): beside.kmers(*words, folder) for kind, name, k in beside.KMERS},
        "rnaernie": beside.rnaernie,
        "dnabert-2": beside.dnabert_2,
        "calm": beside.calm,
        "hyenadna-tiny": beside.convolutions,
    }
    for name, compare in made.items():
        with tempfile.TemporaryDirectory() as folder:
            yield row(name, "rnaexp", "multimolecule", compare(Path(folder)))


def row(name, outputs, other, *found):
    shown = {}
    for what in COLUMNS[3:]:
        pairs = [one[what] for one in found if what in one]
        worst = max((float((a - b).abs().max() / b.abs().max()) for a, b in pairs), default=None)
        shown[what] = "" if worst is None else f"{worst:.1e}"
    return {"model": name, "outputs": outputs, "compared_with": other, **shown}


if __name__ == "__main__":
    main()
