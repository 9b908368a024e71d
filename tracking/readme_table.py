"""The one table of the README, from `nano_targets.csv` and `nano.csv` in `tracking/results`.

`python tracking/readme_table.py` writes it. Both files are of one set, protocol and tuning set.
"""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
START, END = "<!-- table: python tracking/readme_table.py -->", "<!-- end of table -->"
READS = {
    ("alifold", "intact"): "RNAalifold: energies, homologs",
    ("viennarna-mean", "intact"): "ViennaRNA over the homologs: energies",
    ("kernel-alignment", "intact"): "nine fitted numbers, homologs",
    ("nano", "intact"): "one head of our model, no known structure seen; homologs",
    ("viennarna", ""): "ViennaRNA: energies, one sequence",
    ("msm-nano", "intact"): "one head of its teacher, homologs",
    ("msm-nano", "shuffled"): "the same with its columns shuffled",
    ("stems-alignment", "intact"): "complementary stacks, homologs",
    ("kernel", ""): "nine fitted numbers, one sequence",
    ("nano", "depth-1"): "the same head of nano, one sequence",
    ("stems", ""): "complementary stacks, one sequence",
    ("covariation", "intact"): "mutual information with APC, homologs",
    ("untrained:nano", "intact"): "nano with random weights",
}


def table() -> str:
    found = pd.concat([pd.read_csv(ROOT / "tracking" / "results" / f"{name}.csv") for name in ("nano_targets", "nano")])
    found = found[found["test"] == "rfam-ts"].assign(alignment=lambda rows: rows["alignment"].fillna(""))
    by_name = found.drop_duplicates(["model", "alignment"]).set_index(["model", "alignment"])
    lines = ["| model | reads | F1 [95 %] | P@N |", "|---|---|---|---|"]
    for (model, alignment), reads in READS.items():
        row = by_name.loc[(model, alignment)]
        shown = model if alignment in ("", "intact") else f"{model} ({alignment})"
        interval = f"{row['f1']:.2f} [{row['f1_low']:.2f}, {row['f1_high']:.2f}]"
        lines.append(f"| {shown} | {reads} | {interval} | {row['p_at_n']:.2f} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text()))
