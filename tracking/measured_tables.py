"""The tables of docs/measured.md from `tracking/results`: `python tracking/measured_tables.py`."""

import sys
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"
ALONE = ("ours", "kde-200", "drawn pairs", "drawn pairs, per-sequence negatives", "special tokens kept")
ALONE += ("crop", "crop, special tokens kept", "all but the crop", "authors", "authors, per-sequence negatives")
TOGETHER = ("authors", "authors, per-sequence negatives")


def line(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(headings, rows):
    return "\n".join([line(headings), line(["---"] * len(headings)), *map(line, rows)])


def number(value, digits=3):
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def steps(data):
    """A row a model, a column a step: shared area, and intersection over union in brackets."""
    rows = []
    for model, some in data.groupby("model", sort=False):
        by = some.set_index("step")
        cells = [
            f"{by.loc[s, 'overlap_area']:.3f} ({by.loc[s, 'overlap_iou']:.3f})" if s in by.index else "" for s in ALONE
        ]
        rows.append([model, *cells])
    return table(["model", *ALONE], rows)


def together(data):
    """The review's columns under all steps."""
    rows = []
    for each in data[data["step"].isin(TOGETHER)].to_dict("records"):
        spread = f"{each['overlap_iou']:.3f} ± {each['overlap_iou_sd']:.3f}"
        figures = [number(each[name]) for name in ("delta_mean", "delta_median", "f1", "mcc")]
        negatives = "per-sequence" if "per-sequence" in each["step"] else "distinct"
        rows.append([each["model"], negatives, spread, *figures, f"{each['same_family']:.0%}"])
    headings = [
        "model",
        "negatives",
        "overlap ratio, IoU",
        "delta of means",
        "of medians",
        "F1",
        "MCC",
        "negatives of one family",
    ]
    return table(headings, rows)


def pairs(data):
    """Each step for each model."""
    names = ("validated_mean_f1", "validated_pooled_f1", "oracle_head_pooled_f1", "oracle_head_and_threshold")
    rows = [
        [one["model"], one["step"], one["head"], one["oracle_head"], *(number(one[name]) for name in names)]
        for one in data.to_dict("records")
    ]
    headings = ["model", "step", "head", "head of the test set", "F1, mean over RNAs", "F1, pooled"]
    return table([*headings, "F1, pooled, head of the test set", "optimum of the test set"], rows)


if __name__ == "__main__":
    families = pd.read_csv(RESULTS / "measured_families.csv")
    for name, some in families.groupby("set", sort=False):
        sys.stdout.write(f"{name}\n\n{steps(some)}\n\n{together(some)}\n\n")
    sys.stdout.write(pairs(pd.read_csv(RESULTS / "measured_pairs.csv")) + "\n")
