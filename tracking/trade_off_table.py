"""The trade-off between pairs and families: `trade_off.csv` from scored trainings, and its figure from that.

`python tracking/trade_off_table.py FOLDER` reads what `experiments/pretrain/trade_off.py score FOLDER` wrote; without a
folder only the figure and the table of docs/trade_off.md are made, from the tables in `tracking/results`. What
`trade_off_vectors.py FOLDER` wrote is kept there too; of data, size, balance and labels `trade_off_series` makes more.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "tracking" / "results"
PICTURE = ROOT / "docs" / "trade_off.png"
PAGE = ROOT / "docs" / "trade_off.md"
START, END = "<!-- table: python tracking/trade_off_table.py -->", "<!-- end of table -->"
REMOTE = "homologs under 60% identity"
PAIRS = ["f1", "f1_low", "f1_high", "p_at_n"]
FAMILIES = {"histogram": "overlap", "histogram_low": "overlap_low", "histogram_high": "overlap_high", "auroc": "auroc"}
STRUCTURES = {"letters": "C0", "columns": "C1", "distillation": "C2"}
MARKS = {0.0: "o", 0.1: "^", 0.3: "s", 1.0: "D"}
HOLLOW = {"fewer": "as few letters", "longer": "1,200 steps", "seed": "other seed"}
QUESTIONS = ("scores", "data", "size", "balance", "crops")  # of trade_off.py, each with its own comparisons
REFERENCES = ("nano", "untrained:nano")
CONTROLS = ("kernel-alignment", "stems-alignment")


def table(folder: Path) -> pd.DataFrame:
    """The trainings, and nano and random weights as they were measured on the same sets for other tables."""
    names = sorted(path.parent.name for path in folder.glob("*/scores_families.csv"))
    pairs = [results("nano_targets", REFERENCES), *(pd.read_csv(folder / name / "scores.csv") for name in names)]
    families = [results("unseen_families", REFERENCES)]
    families += [pd.read_csv(folder / name / "scores_families.csv") for name in names]
    measured = joined(pd.concat(pairs), pd.concat(families))
    trained = pd.DataFrame({name: facts(folder / name) for name in names}).T
    return trained.join(measured, how="outer").rename_axis("model").sort_values("f1", ascending=False)


def joined(pairs: pd.DataFrame, families: pd.DataFrame) -> pd.DataFrame:
    parts = [
        named(pairs[pairs["alignment"] == "intact"])[[*PAIRS, "validation_f1", "layer", "head"]],
        named(pairs[pairs["alignment"] == "depth-1"])[PAIRS].add_prefix("single_"),
        named(families[families["pairs"] == "all"])[list(FAMILIES)].rename(columns=FAMILIES),
        named(families[families["pairs"] == REMOTE])[list(FAMILIES)].rename(columns=FAMILIES).add_prefix("remote_"),
    ]
    return parts[0].join(parts[1:])


def results(name: str, models: Sequence[str]) -> pd.DataFrame:
    found = pd.read_csv(RESULTS / f"{name}.csv")
    return found[found["model"].isin(models)]


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
        "rows": int(re.search(r"families.txt\), ([\d,]+) rows", card)[1].replace(",", "")),
        "drawn_by": recipe["crops"]["drawn_by"],
        "views": recipe["contrast"]["views"] if recipe["contrast"]["weight"] else None,
        "steps": recipe["steps"],
        "letters_read": last["tokens"],
        "tflop": float(re.search(r"([\d.,]+) TFLOP", card)[1].replace(",", "")),
        "loss": last.get("loss"),
        "contrast_loss": last.get("contrast_loss"),
        "distillation_loss": last.get("distillation_loss"),
    }


def experiment(name: str) -> str:
    """`grid` for a structure objective and a weight; else the word that follows, or what is not of the grid at all."""
    first, *rest = name.split("-")
    return first if first not in STRUCTURES else rest[1] if len(rest) > 1 else "grid"


def structure(recipe: dict) -> str:
    if recipe["distillation"]["weight"]:
        return "distillation"
    return "columns" if recipe["objective"]["whole_columns"][0][1] else "letters"


def markdown(found: pd.DataFrame) -> str:
    """The grid and its controls, in the order of their experiments."""
    lines = [
        "| training | letters read (M) | TFLOP | F1, alignments | F1, one row | overlap ratio | under 60 % identity |",
        "|---|---|---|---|---|---|---|",
    ]
    order = ["grid", "fewer", "longer", "seed"]
    found = found[found["experiment"].isin(order) | found["experiment"].isna()]
    found = found.assign(at=[order.index(each) if each in order else len(order) for each in found["experiment"]])
    for name, row in found.sort_values(["at", "structure", "contrast", "seed"], kind="stable").iterrows():
        trained = pd.notna(row["letters_read"])
        cost = f"{row['letters_read'] / 1e6:.1f} | {row['tflop']:.1f}" if trained else " | "
        measured = " | ".join(interval(row, each) for each in ("f1", "single_f1", "overlap", "remote_overlap"))
        lines.append(f"| `{name}` | {cost} | {measured} |")
    return "\n".join(lines)


def interval(row: pd.Series, name: str) -> str:
    return "" if pd.isna(row[name]) else f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{markdown(read())}\n{END}{rest.partition(END)[2]}"


def read() -> pd.DataFrame:
    return pd.read_csv(RESULTS / "trade_off.csv", index_col="model")


def figure(found: pd.DataFrame, families: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Overlap ratio across, F1 up, each with its 95 % interval: up and to the left is better at both."""
    picture = Figure(figsize=(8, 5), layout="constrained")
    axes = picture.subplots()
    shown = found[found["structure"].isin(STRUCTURES) & found["experiment"].isin(["grid", *HOLLOW])]
    for kind, colour in STRUCTURES.items():
        grid = shown[(shown["structure"] == kind) & (shown["experiment"] == "grid")].sort_values("contrast")
        axes.plot(grid["overlap"], grid["f1"], color=colour, lw=1, alpha=0.5)
    for _, row in shown.iterrows():
        colour, label = STRUCTURES[row["structure"]], HOLLOW.get(row["experiment"])
        filled = "w" if label else colour
        point(axes, row, color=colour, fmt=MARKS[row["contrast"]], ms=7, mfc=filled)
        if label:
            note(axes, row, label)
    for name, label, mark in (("nano", "nano (31 minutes)", "*"), ("untrained:nano", "random weights", "x")):
        point(axes, found.loc[name], color="k", fmt=mark, ms=9)
        note(axes, found.loc[name], label)
    for name in CONTROLS:
        level = pairs.loc[name, "f1"]
        axes.axhline(level, color="0.6", lw=0.8, ls="--")
        axes.text(0.555, level, name, fontsize=7, color="0.35", va="bottom", ha="right")
    for name in ("6-mer", "3-mer", "1-mer"):
        across = families.loc[name, "histogram"]
        axes.axvline(across, color="0.6", lw=0.8, ls=":")
        axes.text(across, 0.79, name, fontsize=7, color="0.35", rotation=90, va="top", ha="right")
    present = set(shown["contrast"])
    keys = [Line2D([], [], color=colour, lw=3, label=kind) for kind, colour in STRUCTURES.items()]
    keys += [
        Line2D([], [], color="0.3", marker=mark, ls="", label=f"contrast {w:g}")
        for w, mark in MARKS.items()
        if w in present
    ]
    picture.legend(handles=keys, loc="outside right upper", fontsize=8, frameon=False)
    axes.set(xlabel="overlap ratio of unseen families (lower is better)", ylabel="F1 of pairs on unseen families")
    axes.set(ylim=(-0.01, 0.8), xlim=(0.08, 0.56))
    return picture


def note(axes, row: pd.Series, label: str) -> None:
    axes.annotate(label, (row["overlap"], row["f1"]), xytext=(7, 5), textcoords="offset points", fontsize=7)


def point(axes, row: pd.Series, **style) -> None:
    across = [[row["overlap"] - row["overlap_low"]], [row["overlap_high"] - row["overlap"]]]
    up = [[row["f1"] - row["f1_low"]], [row["f1_high"] - row["f1"]]]
    axes.errorbar(row["overlap"], row["f1"], xerr=across, yerr=up, elinewidth=0.7, **style)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        scored = Path(sys.argv[1])
        table(scored).to_csv(RESULTS / "trade_off.csv", float_format="%.6g", lineterminator="\n")
        there = {name: scored / f"{name}_contrasts.csv" for name in QUESTIONS}
        compared = pd.concat({name: pd.read_csv(path) for name, path in there.items() if path.is_file()})
        compared = compared.reset_index(level=0, names="question")
        for column in ("model", "against"):
            compared[column] = [Path(name).name for name in compared[column]]
        compared.to_csv(RESULTS / "trade_off_contrasts.csv", index=False, float_format="%.6g", lineterminator="\n")
        if (scored / "fitted.csv").is_file():
            probes = pd.read_csv(scored / "fitted.csv")[["model", *PAIRS[:3], "validation_f1", "rnas", "clusters"]]
            named(probes).to_csv(RESULTS / "trade_off_fitted.csv", float_format="%.6g", lineterminator="\n")
        for name in ("overlap_contrasts", "cka"):
            (RESULTS / f"trade_off_{name}.csv").write_bytes((scored / f"{name}.csv").read_bytes())
    words = pd.read_csv(RESULTS / "unseen_families.csv")
    of_words = words[words["pairs"] == "all"].set_index("model")
    controls = pd.read_csv(RESULTS / "nano_targets.csv").drop_duplicates("model").set_index("model")
    figure(read(), of_words, controls).savefig(PICTURE, dpi=110)
    PAGE.write_text(with_table(PAGE.read_text()))
