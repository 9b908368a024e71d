"""Data, size, balance and labels of the trade-off, a CSV, a figure and a table each; how alike its embeddings are.

`python -m tracking.trade_off_series` reads what `tracking/trade_off_table.py FOLDER` left in `tracking/results`.
"""

import pandas as pd
from matplotlib.figure import Figure
from tracking.trade_off_table import END, PAGE, RESULTS, STRUCTURES, interval, read

# What is varied, by question of `trade_off.py`: its column in trade_off.csv, and how that is called.
SERIES = {
    "data": ("families", "families trained on"),
    "size": ("parameters", "parameters"),
    "balance": ("drawn_by", "families drawn by"),
    "crops": ("views", "contrast of"),
}
MEASURES = {"f1": "F1 of pairs on unseen families", "overlap": "overlap ratio (lower is better)"}
SEEDS = "letters-1"  # the place of the grid nearest to the series' centre of which three seeds were trained
SEPARATE = ("untrained:nano", "1-mer")
CORNERS = ("letters-0", "letters-1", "distillation-0", "distillation-1")  # with two more seeds each


def series(name: str) -> pd.DataFrame:
    """The trainings of one question, each with its paired differences from what it was set against."""
    found, (varied, _) = read(), SERIES[name]
    pairs, families = compared("trade_off_contrasts", name), compared("trade_off_overlap_contrasts", name)
    rows = found.loc[[*dict.fromkeys([*pairs["against"], *pairs.index])]]
    rows = rows.assign(against=pairs["against"])
    for measure, table in (("f1", pairs), ("overlap", families)):
        for part in ("difference", "low", "high"):
            rows[f"{measure}_difference{'' if part == 'difference' else f'_{part}'}"] = table[part]
    measured = [column for column in rows if column.startswith(("f1", "overlap"))]
    kept = list(dict.fromkeys([varied, "structure", "contrast", "parameters", "families", "letters_read", "tflop"]))
    rows = rows[[*kept, "against", *measured]].astype(dict.fromkeys(("parameters", "families", "letters_read"), int))
    return rows.sort_values(varied, kind="stable") if pd.api.types.is_numeric_dtype(rows[varied]) else rows


def compared(table: str, name: str) -> pd.DataFrame:
    """The comparisons of one question."""
    found = pd.read_csv(RESULTS / f"{table}.csv")
    return found[found["question"] == name].set_index("model")


def seeds_apart(measure: str) -> float:
    """The greatest difference of three seeds at the place of the grid that is nearest to the centre."""
    found = read()
    same = found[[name == SEEDS or name.startswith(f"{SEEDS}-seed") for name in found.index]]
    return float(same[measure].max() - same[measure].min())


def label(row: pd.Series, varied: str) -> str:
    value = row[varied]
    return value if isinstance(value, str) else f"{int(value):,}"


def markdown(name: str) -> str:
    varied, called = SERIES[name]
    lines = [
        f"| training | {called} | F1, alignments | less its reference's | overlap ratio | less its reference's |",
        "|---|---|---|---|---|---|",
    ]
    for model, row in series(name).iterrows():
        gaps = [difference(row, measure) for measure in MEASURES]
        shown = [f"`{model}`", label(row, varied), interval(row, "f1"), gaps[0], interval(row, "overlap"), gaps[1]]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def difference(row: pd.Series, measure: str) -> str:
    value, low, high = (row[f"{measure}_difference{part}"] for part in ("", "_low", "_high"))
    return "" if pd.isna(value) else f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def figure(name: str) -> Figure:
    """Both measures over what is varied, with their 95 % intervals, and how far seeds lie apart about the centre."""
    varied, called = SERIES[name]
    rows, picture = series(name), Figure(figsize=(8, 3), layout="constrained")
    random = read().loc["untrained:nano"]
    for axes, (measure, title) in zip(picture.subplots(1, 2), MEASURES.items(), strict=True):
        for at, (_, row) in enumerate(rows.iterrows()):
            spread = [[row[measure] - row[f"{measure}_low"]], [row[f"{measure}_high"] - row[measure]]]
            axes.errorbar(at, row[measure], yerr=spread, fmt="o", color=STRUCTURES[row["structure"]], elinewidth=0.8)
        if name != "crops":
            centre, apart = rows[rows["against"].isna()].iloc[0], seeds_apart(measure)
            axes.axhspan(
                centre[measure] - apart, centre[measure] + apart, color="0.9", zorder=0, label="as far as seeds"
            )
        axes.axhline(random[measure], color="0.5", lw=0.8, ls="--", label="random weights")
        if name == "crops" and measure == "overlap":
            axes.axhline(0.2, color="C3", lw=0.8, ls=":", label="target without labels")
        names = [f"{model}\n{label(row, varied)}" for model, row in rows.iterrows()]
        axes.set_xticks(range(len(rows)), names, fontsize=6)
        axes.set(xlabel=called, xlim=(-0.5, len(rows) - 0.5))
        axes.set_ylabel(title, fontsize=8)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=6, frameon=False)
    return picture


def alike() -> str:
    """CKA between structure objectives at each weight of contrast, to random weights, to letters; and of two seeds."""
    known = pd.read_csv(RESULTS / "trade_off_cka.csv")
    of = {frozenset((row.model, row.against)): row.cka for row in known.itertuples()}
    head = ["letters, columns", "letters, distillation", "columns, distillation"]
    head += [f"{kind}, {other}" for kind in ("letters", "distillation") for other in ("random weights", "four letters")]
    lines = [f"| contrast | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    for weight in ("0", "0.1", "0.3", "1"):
        at = {kind: f"{kind}-{weight}" for kind in STRUCTURES}
        pairs = [("letters", "columns"), ("letters", "distillation"), ("columns", "distillation")]
        values = [of[frozenset((at[one], at[other]))] for one, other in pairs]
        values += [of[frozenset((at[kind], other))] for kind in ("letters", "distillation") for other in SEPARATE]
        lines.append(f"| {weight} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    lines += ["", "| two seeds of | CKA, three pairs |", "|---|---|"]
    for name in CORNERS:
        seeds = [name, f"{name}-seed-1", f"{name}-seed-2"]
        values = sorted(of[frozenset((one, other))] for at, one in enumerate(seeds) for other in seeds[:at])
        lines.append(f"| `{name}` | " + ", ".join(f"{value:.2f}" for value in values) + " |")
    return "\n".join(lines)


def probed() -> str:
    """F1 of each corner's one head and of all its heads weighted by a fitted probe."""
    heads = read()
    lines = ["| training | F1, one head | F1, fitted probe |", "|---|---|---|"]
    for name, row in pd.read_csv(RESULTS / "trade_off_fitted.csv", index_col="model").sort_index().iterrows():
        lines.append(f"| `{name}` | {interval(heads.loc[name], 'f1')} | {interval(row, 'f1')} |")
    return "\n".join(lines)


def with_tables(text: str) -> str:
    tables = {name: lambda name=name: markdown(name) for name in SERIES} | {"alike": alike, "probed": probed}
    for name, made in tables.items():
        start = f"<!-- table of {name}: python -m tracking.trade_off_series -->"
        before, found, rest = text.partition(start)
        if found:
            text = f"{before}{start}\n{made()}\n{END}{rest.partition(END)[2]}"
    return text


if __name__ == "__main__":
    asked = set(pd.read_csv(RESULTS / "trade_off_contrasts.csv")["question"])
    for each in [name for name in SERIES if name in asked]:
        series(each).to_csv(RESULTS / f"trade_off_{each}.csv", float_format="%.6g", lineterminator="\n")
        figure(each).savefig(PAGE.with_name(f"trade_off_{each}.png"), dpi=110)
    PAGE.write_text(with_tables(PAGE.read_text()))
