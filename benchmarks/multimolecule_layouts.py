"""How far a checkpoint in MultiMolecule's own layout, read here, is from what MultiMolecule computes from it.

    PYTHONPATH=. python benchmarks/multimolecule_layouts.py tracking/results/multimolecule_layouts.csv

Its package writes random weights with `save_pretrained`; largest absolute difference over its largest absolute value.
An empty cell: the model gives none. The tests are tests/golden/test_multimolecule_layouts.py.
"""

import argparse
import csv
import tempfile
from pathlib import Path

from tests.golden import layouts

COLUMNS = ("layout", "model_type", "row", "attention", "embedding", "letters")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    out = arguments.parse_args().out
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name, layout in layouts.LAYOUTS.items():
            found = {"layout": name, "model_type": layout.kind, "row": layout.row, **differences(layout)}
            writer.writerow(found)
            print("  ".join(f"{found.get(column, '')!s:20}" for column in COLUMNS), flush=True)


def differences(layout):
    with tempfile.TemporaryDirectory() as folder:
        written = layouts.write(layout, Path(folder))
        ours, theirs = layouts.ours(layouts.opened(Path(folder), layout.row)), layouts.theirs(written)
    return {what: f"{layouts.difference(ours[what], theirs[what]):.1e}" for what in theirs}


if __name__ == "__main__":
    main()
