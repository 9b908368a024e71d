"""The one table of the README, from `tracking/results/nano.csv`: `python tracking/readme_table.py` writes it."""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
START, END = "<!-- table: python tracking/readme_table.py -->", "<!-- end of table -->"
READS = {
    ("alifold", "intact"): "RNAalifold: energies, homologs",
    ("viennarna-mean", "intact"): "ViennaRNA over the homologs: energies",
    ("kernel-alignment", "intact"): "nine fitted numbers, homologs",
    ("viennarna", ""): "ViennaRNA: energies, one sequence",
    ("msm-nano", "intact"): "one head of our alignment model, no structure seen",
    ("msm-nano", "shuffled"): "the same with its columns shuffled",
    ("stems-alignment", "intact"): "complementary stacks, homologs",
    ("kernel", ""): "nine fitted numbers, one sequence",
    ("stems", ""): "complementary stacks, one sequence",
    ("covariation", "intact"): "mutual information with APC, homologs",
    ("lm-nano", ""): "one head of our single-sequence model, no structure seen",
    ("untrained:msm-nano", "intact"): "the alignment model with random weights",
    ("random", ""): "random scores",
}


def table() -> str:
    found = pd.read_csv(ROOT / "tracking" / "results" / "nano.csv")
    found = found[found["test"] == "rfam-ts"].assign(alignment=lambda rows: rows["alignment"].fillna(""))
    by_name = found.set_index(["model", "alignment"])
    lines = ["| model | reads | F1 [95 %] | P@N |", "|---|---|---|---|"]
    for (model, alignment), reads in READS.items():
        row = by_name.loc[(model, alignment)]
        shown = f"{model} (shuffled)" if alignment == "shuffled" else model
        interval = f"{row['f1']:.2f} [{row['f1_low']:.2f}, {row['f1_high']:.2f}]"
        lines.append(f"| {shown} | {reads} | {interval} | {row['p_at_n']:.2f} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text()))
