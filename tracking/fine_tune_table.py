"""Fine-tuned, probed and zero-shot nano: `fine_tune.csv`, `fine_tune_contrasts.csv`, a table of docs/trade_off.md.

`python tracking/fine_tune_table.py FOLDER` reads what `experiments/pretrain/fine_tune.py FOLDER` wrote; without a
folder only the table is made, from `tracking/results`.
"""

import sys
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parents[1] / "docs" / "trade_off.md"
START, END = "<!-- table: python tracking/fine_tune_table.py -->", "<!-- end of table -->"
FINE_TUNED = "nano, 100 steps on"
REMOTE = "homologs under 60% identity"
COLUMNS = ("F1 rfam-ts", "F1 builtin-ts", "overlap ratio", "overlap ratio under 60 % identity")


def table(folder: Path) -> pd.DataFrame:
    """One row a model and a figure, with its 95 % interval."""
    pairs, families = pd.read_csv(folder / "pairs.csv"), pd.read_csv(folder / "families.csv")
    rows = [(named(r.model), f"F1 {r.test}", r.rnas, r.f1, r.f1_low, r.f1_high) for r in pairs.itertuples()]
    for called, kind in zip(COLUMNS[2:], ("all", REMOTE), strict=True):
        some = families[families["pairs"] == kind]
        rows += [
            (named(r.model), called, r.rnas, r.histogram, r.histogram_low, r.histogram_high) for r in some.itertuples()
        ]
    return pd.DataFrame(rows, columns=["model", "figure", "rnas", "value", "low", "high"])


def named(model: str) -> str:
    """The fine-tuned network is a folder."""
    return FINE_TUNED if "/" in model else model


def markdown() -> str:
    found = pd.read_csv(RESULTS / "fine_tune.csv").set_index(["model", "figure"])
    lines = [f"| model | {' | '.join(COLUMNS)} |", "|---|" + "---|" * len(COLUMNS)]
    for model in dict.fromkeys(found.index.get_level_values("model")):
        there = [found.loc[model, each] if (model, each) in found.index else None for each in COLUMNS]
        shown = ["" if row is None else interval(row) for row in there]
        lines.append(f"| {model} | {' | '.join(shown)} |")
    return "\n".join(lines)


def interval(row: pd.Series) -> str:
    """Four clusters have none."""
    return f"{row['value']:.3f}" + ("" if pd.isna(row["low"]) else f" [{row['low']:.3f}, {row['high']:.3f}]")


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{markdown()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measured = Path(sys.argv[1])
        table(measured).to_csv(RESULTS / "fine_tune.csv", index=False, float_format="%.6g", lineterminator="\n")
        compared = pd.read_csv(measured / "pairs_contrasts.csv")
        for column in ("model", "against"):
            compared[column] = [named(model) for model in compared[column]]
        compared.to_csv(RESULTS / "fine_tune_contrasts.csv", index=False, float_format="%.6g", lineterminator="\n")
    PAGE.write_text(with_table(PAGE.read_text()))
