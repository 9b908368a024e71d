"""The trade-off between pairs and families: `trade_off.csv` from scored trainings, and its figure from that.

`python tracking/trade_off_table.py FOLDER` reads what `experiments/pretrain/trade_off.py score FOLDER` wrote; without a
folder only the figure is drawn, from the tables in `tracking/results`.
"""

import json
import re
import sys
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "tracking" / "results"
PICTURE = ROOT / "docs" / "trade_off.png"
REMOTE = "homologs under 60% identity"
PAIRS = ["f1", "f1_low", "f1_high", "p_at_n"]
FAMILIES = {"histogram": "overlap", "histogram_low": "overlap_low", "histogram_high": "overlap_high", "auroc": "auroc"}
STRUCTURES = {"letters": "C0", "columns": "C1", "distillation": "C2"}
MARKS = {0.0: "o", 0.1: "^", 0.3: "s", 1.0: "D"}
CONTROLS = ("kernel-alignment", "stems-alignment")


def table(folder: Path) -> pd.DataFrame:
    pairs, families = pd.read_csv(folder / "scores.csv"), pd.read_csv(folder / "scores_families.csv")
    parts = [
        named(pairs[pairs["alignment"] == "intact"])[[*PAIRS, "validation_f1", "layer", "head"]],
        named(pairs[pairs["alignment"] == "depth-1"])[PAIRS].add_prefix("single_"),
        named(families[families["pairs"] == "all"])[list(FAMILIES)].rename(columns=FAMILIES),
        named(families[families["pairs"] == REMOTE])[list(FAMILIES)].rename(columns=FAMILIES).add_prefix("remote_"),
    ]
    names = [name for name in parts[0].index if (folder / name).is_dir()]
    trained = pd.DataFrame({name: facts(folder / name) for name in names}).T
    return trained.join(parts, how="outer").rename_axis("model").sort_values("f1", ascending=False)


def named(scores: pd.DataFrame) -> pd.DataFrame:
    """By model; a folder by its last part."""
    return scores.assign(model=[Path(name).name for name in scores["model"]]).set_index("model")


def facts(folder: Path) -> dict[str, object]:
    """What a training was, from its card and its log."""
    card, log = (folder / "README.md").read_text(), (folder / "log.jsonl").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    recipe = json.loads(re.search(r"```json\n(.*?)```", card, re.DOTALL)[1])
    last = next(line for line in reversed(lines) if "tokens" in line)
    return {
        "experiment": experiment(folder.name),
        "structure": structure(recipe),
        "contrast": recipe["contrast"]["weight"],
        "seed": recipe["seed"],
        "parameters": int(re.search(r"parameters \| ([\d,]+)", card)[1].replace(",", "")),
        "families": int(re.search(r": ([\d,]+) families", card)[1].replace(",", "")),
        "steps": recipe["steps"],
        "letters_read": last["tokens"],
        "tflop": float(re.search(r"([\d.,]+) TFLOP", card)[1].replace(",", "")),
        "loss": last.get("loss"),
        "contrast_loss": last.get("contrast_loss"),
        "distillation_loss": last.get("distillation_loss"),
    }


def experiment(name: str) -> str:
    first = name.split("-")[0]
    return first if first not in STRUCTURES else "seeds" if "seed" in name else "added" if "added" in name else "grid"


def structure(recipe: dict) -> str:
    if recipe["distillation"]["weight"]:
        return "distillation"
    return "columns" if recipe["objective"]["whole_columns"][0][1] else "letters"


def figure(found: pd.DataFrame, families: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Overlap ratio across, F1 up, each with its 95 % interval: up and to the left is better at both."""
    picture = Figure(figsize=(8, 5), layout="constrained")
    axes = picture.subplots()
    shown = found[found["experiment"].isin(["grid", "seeds"])]
    for kind, colour in STRUCTURES.items():
        grid = shown[(shown["structure"] == kind) & (shown["experiment"] == "grid")].sort_values("contrast")
        axes.plot(grid["overlap"], grid["f1"], color=colour, lw=1, alpha=0.5)
        for _, row in shown[shown["structure"] == kind].iterrows():
            size, filled = (5, "none") if row["experiment"] == "seeds" else (7, colour)
            point(axes, row, color=colour, fmt=MARKS[row["contrast"]], ms=size, mfc=filled)
    for name, label, mark in (("nano", "nano (31 minutes)", "*"), ("untrained:nano", "random weights", "x")):
        point(axes, found.loc[name], color="k", fmt=mark, ms=9)
        at = tuple(found.loc[name, ["overlap", "f1"]])
        axes.annotate(label, at, xytext=(7, 5), textcoords="offset points", fontsize=8)
    for name in CONTROLS:
        level = pairs.loc[name, "f1"]
        axes.axhline(level, color="0.6", lw=0.8, ls="--")
        axes.text(0.505, level, name, fontsize=7, color="0.35", va="bottom", ha="right")
    for name in ("6-mer", "3-mer", "1-mer"):
        across = families.loc[name, "histogram"]
        axes.axvline(across, color="0.6", lw=0.8, ls=":")
        axes.text(across, 0.79, name, fontsize=7, color="0.35", rotation=90, va="top", ha="right")
    keys = [Line2D([], [], color=colour, lw=3, label=kind) for kind, colour in STRUCTURES.items()]
    keys += [Line2D([], [], color="0.3", marker=mark, ls="", label=f"contrast {w:g}") for w, mark in MARKS.items()]
    keys += [Line2D([], [], color="0.3", marker="o", mfc="none", ls="", label="other seeds")]
    picture.legend(handles=keys, loc="outside right upper", fontsize=8, frameon=False)
    axes.set(xlabel="overlap ratio of unseen families (less: told apart)", ylabel="F1 of pairs on unseen families")
    axes.set(ylim=(-0.01, 0.8), xlim=(0.08, 0.51))
    return picture


def point(axes, row: pd.Series, **style) -> None:
    across = [[row["overlap"] - row["overlap_low"]], [row["overlap_high"] - row["overlap"]]]
    up = [[row["f1"] - row["f1_low"]], [row["f1_high"] - row["f1"]]]
    axes.errorbar(row["overlap"], row["f1"], xerr=across, yerr=up, elinewidth=0.7, **style)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        scored = Path(sys.argv[1])
        table(scored).to_csv(RESULTS / "trade_off.csv", float_format="%.6g", lineterminator="\n")
        compared = pd.read_csv(scored / "scores_contrasts.csv")
        for column in ("model", "against"):
            compared[column] = [Path(name).name for name in compared[column]]
        compared.to_csv(RESULTS / "trade_off_contrasts.csv", index=False, float_format="%.6g", lineterminator="\n")
    words = pd.read_csv(RESULTS / "unseen_families.csv")
    of_words = words[words["pairs"] == "all"].set_index("model")
    controls = pd.read_csv(RESULTS / "nano_targets.csv").drop_duplicates("model").set_index("model")
    figure(pd.read_csv(RESULTS / "trade_off.csv", index_col="model"), of_words, controls).savefig(PICTURE, dpi=110)
