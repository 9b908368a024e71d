"""What a small model knew at each step: `python tracking/learning_curves.py curve-0 curve-1 curve-2`, then `--draw`.

From the logs of `rnaexp pretrain experiments/pretrain/learning_curve.toml --seed N --out curve-N` for each seed it
writes `tracking/results/learning_curves.csv`; `--draw` makes `docs/learning_curves.png` of that, and prints when pairs
and families emerge.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

ROOT = Path(__file__).parents[1]
OUT = ROOT / "tracking" / "results" / "learning_curves.csv"
PICTURE = ROOT / "docs" / "learning_curves.png"
LEFT_OUT = ("rnaexp/seconds", "rnaexp/share_of_training")
PANELS = (
    ("pairs", "f1", "F1 of base pairs", ("stems-alignment", "kernel-alignment")),
    ("families", "overlap_ratio", "overlap ratio of families (less is better)", ("1-mer",)),
)


def curve(folder: Path) -> pd.DataFrame:
    """One row a look; the seed stands in the folder's name."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    rows = [
        {name.removeprefix("rnaexp/"): value for name, value in line.items() if name not in LEFT_OUT}
        for line in lines
        if "rnaexp/pairs/f1" in line
    ]
    return pd.DataFrame(rows).assign(seed=int(folder.name.rpartition("-")[2]))


def emerged(table: pd.DataFrame) -> dict[str, list[int | None]]:
    """For each seed, the first step whose interval is on the better side of a control's mean; None: no step."""
    above = {
        f"pairs above {name}": table["pairs/f1_low"] > table[f"pairs/{name}_f1"]
        for name in ("stems-alignment", "kernel-alignment")
    }
    above["pairs above both controls, paired"] = table["pairs/clears_controls"] == 1
    above["families below 1-mer, intervals apart"] = table["families/clears_controls"] == 1
    steps: dict[str, list[int | None]] = {}
    for what, holds in above.items():
        each = [rows.loc[holds[rows.index], "step"].min() for _, rows in table.groupby("seed")]
        steps[what] = [None if pd.isna(step) else int(step) for step in each]
    return steps


def draw(table: pd.DataFrame) -> None:
    """A panel each for pairs and families: a line and its interval for each seed, controls dashed."""
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained")
    for axes, (kind, name, title, controls) in zip(panels, PANELS, strict=True):
        for seed, rows in table.groupby("seed"):
            _line(axes, rows, kind, name, int(seed))
        for at, control in enumerate(controls):
            level = table[f"{kind}/{control}_{name}"].iloc[0]
            axes.axhline(level, ls="--", lw=1, color=("0.5", "k")[at], label=control)
        axes.set_xscale("symlog", linthresh=5)
        axes.set(xlabel="training step", ylabel=title, ylim=(0, None), xlim=(-0.4, None))
        axes.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=110)


def _line(axes: Any, rows: pd.DataFrame, kind: str, name: str, seed: int) -> None:
    short = name.removesuffix("_ratio")
    axes.plot(rows["step"], rows[f"{kind}/{name}"], "o-", ms=3, lw=1.2, color=f"C{seed}", label=f"seed {seed}")
    low, high = (rows[f"{kind}/{short}_{end}"] for end in ("low", "high"))
    axes.fill_between(rows["step"], low, high, alpha=0.15, color=f"C{seed}", lw=0)


def main() -> None:
    """Folders: write the table; --draw: read it, draw it, and say when what emerged."""
    if sys.argv[1:] != ["--draw"]:
        table = pd.concat([curve(Path(name)) for name in sys.argv[1:]])
        first = ["seed", "step"]
        table[first + [name for name in table if name not in first]].round(6).to_csv(OUT, index=False)
        return
    table = pd.read_csv(OUT)
    draw(table)
    for what, steps in emerged(table).items():
        sys.stdout.write(f"{what}: step {steps}\n")


if __name__ == "__main__":
    main()
