"""Tables of `tracking/results` as the docs show them: `python tracking/markdown.py` writes those of docs/results.md
and docs/classification.md.

`python tracking/markdown.py structure_paper` prints one, of base pairs or of families.
"""

import sys
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parents[1] / "docs" / "results.md"
CLASSIFICATION_PAGE = PAGE.with_name("classification.md")
LETTERS_PAGE = PAGE.with_name("letter_maps.md")
ON_THE_PAGE = ("structure_paper", "rfam_controls", "builtin", "unseen_families", "views")
HEAD = "| model | F1 [95 %] | with tuning | rank | oracle | P@N | AUPRC | calls (shuffled) | head | RNAs |"
STRUCTURES_HEAD = (
    "| model | F1 of calls [95 %] | structure | `--pseudoknots` | `--fold` | structure: expected F1; error "
    "| `--fold`: expected F1; error |"
)
FAMILIES_HEAD = (
    "| model or control | overlap ratio [95 %] (shuffled labels) | AUROC | of one length [95 %] | AUROC "
    "| remote homologs [95 %] (shuffled labels) | AUROC | nearest is own |"
)
LETTERS_HEAD = "| model | attention, tuned head | `jacobian:` | `dependency:` | `dependency-hidden:` |"
LETTERS_COST_HEAD = "| model, 80 bases | `jacobian:` | `dependency:` | `dependency-hidden:` |"
STRONG_HEAD = (
    "| model | head | chosen by | strong, a base | on pairs | by chance at the same distances | times chance [95 %] |"
)
STRATA_HEAD = "| msm-nano less |"
# Of the table of strata, each column's group in nano_strata.csv, and its title.
GROUPS = {
    ("all", "all"): "all RNAs",
    ("depth", "2 to 9"): "2-9 rows",
    ("depth", "10 to 31"): "10-31",
    ("depth", "32 to 100"): "32-100",
    ("depth", "101 or more"): "more than 100",
    ("neff", "1 to under 4"): "Neff under 4",
    ("neff", "4 to under 16"): "4 to 16",
    ("neff", "16 to under 64"): "16 to 64",
    ("neff", "64 or more"): "64 or more",
}
CLASSIFICATION_HEAD = (
    "| model or control | overlap ratio [95 %] | shuffled labels | AUROC | overlap ratio, length-matched [95 %] "
    "| shuffled | AUROC | nearest is own |"
)


def rows(name: str) -> str:
    table = pd.read_csv(RESULTS / f"{name}.csv")
    if "what" in table:
        return structures(table)
    return families(table) if "histogram" in table else base_pairs(table)


def base_pairs(table: pd.DataFrame) -> str:
    parts = []
    for (test, protocol, related), some in table.groupby(["test", "protocol", "related_rnas"], sort=False):
        kept = ", relatives kept" if related == "keep" else ""
        first = some.iloc[0]
        parts.append(
            f"**{test}**, protocol `{protocol}`{kept}; labels {first['evidence']}; {first['clusters']} clusters; "
            f"ceilings {first['f1_ceiling']:.2f} (protocol), {first['ceiling_canonical']:.2f} (canonical), "
            f"{first['ceiling_one_partner']:.2f} (one partner), {first['ceiling_nested']:.2f} (nested)\n\n"
            f"{HEAD}\n|---|---|---|---|---|---|---|---|---|---|\n" + "\n".join(row(run) for _, run in some.iterrows())
        )
    return "\n\n".join(parts)


def row(run: pd.Series) -> str:
    altered = run["alignment"] not in ("intact", None) and pd.notna(run["alignment"])
    calls = f"{run['calls_per_100_bases']:.0f}"
    if pd.notna(run["shuffled_calls_per_100_bases"]):
        calls += f" ({run['shuffled_calls_per_100_bases']:.0f})"
    cells = [
        f"{run['model']} ({run['alignment']})" if altered else run["model"],
        f"{run['f1']:.3f} {ends(run, 'f1_low', 'f1_high')}",
        ends(run, "f1_retuned_low", "f1_retuned_high", otherwise=""),
        f"{run['rank']:g} [{run['rank_low']:g}, {run['rank_high']:g}]" if pd.notna(run.get("rank")) else "n/a",
        f"{run['oracle_f1']:.3f}",
        f"{run['p_at_n']:.3f}",
        f"{run['auprc']:.3f}",
        calls,
        f"{run['layer']:.0f}.{run['head']:.0f} ({run['head_stability']:.0%})",
        f"{run['rnas']}" + (f" ({run['coverage']:.0%})" if run["coverage"] < 1 else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def structures(table: pd.DataFrame) -> str:
    """A table for each test set: calls, structures, pseudoknots, folding with the scores; F1 and how sure each was."""
    parts = []
    for test, some in table.groupby("test", sort=False):
        first = some.iloc[0]
        title = f"**{test}**, structures; tuned on {first['validation']}; "
        title += f"{first['rnas']} RNAs, {first['clusters']} clusters"
        lines = []
        for model, ways in some.groupby("model", sort=False):
            by_way = ways.set_index("what")
            cells = [f1_cell(by_way, way) for way in ("calls", "structure", "pseudoknots", "fold")]
            lines.append(
                "| " + " | ".join([model, *cells, *(sure(by_way, way) for way in ("structure", "fold"))]) + " |"
            )
        head = f"{STRUCTURES_HEAD}\n|---|---|---|---|---|---|---|"
        parts.append(f"{title}\n\n{head}\n" + "\n".join(lines))
    return "\n\n".join(parts)


def f1_cell(ways: pd.DataFrame, way: str) -> str:
    return f"{ways.loc[way, 'f1']:.3f} {ends(ways.loc[way], 'f1_low', 'f1_high')}" if way in ways.index else ""


def sure(ways: pd.DataFrame, way: str) -> str:
    """What F1 was expected, and the calibration error of the confidences."""
    return f"{ways.loc[way, 'expected_f1']:.2f}; {ways.loc[way, 'error_drawn']:.3f}" if way in ways.index else ""


def ends(run: pd.Series, low: str, high: str, otherwise: str | None = None) -> str:
    """An interval; without one, how few clusters there are."""
    if pd.notna(run[low]):
        return f"[{run[low]:.3f}, {run[high]:.3f}]"
    return f"n/a ({run['clusters']:.0f} clusters)" if otherwise is None else otherwise


def families(table: pd.DataFrame) -> str:
    """A table for each set, least overlap first: all pairs, pairs of like lengths, homologs below an identity."""
    parts = []
    for name, some in table.groupby("set", sort=False):
        every = some[some["pairs"] == "all"]
        kinds = {kind: part.set_index("model") for kind, part in some.groupby("pairs")}
        remote = next((kind for kind in kinds if kind.startswith("homologs")), "")
        parts.append(
            f"**{name}**; {every['families'].iloc[0]:.0f} families, {every['rnas'].max():.0f} RNAs"
            + (f"; remote: {remote}" if remote else "")
            + f"\n\n{FAMILIES_HEAD}\n|---|---|---|---|---|---|---|---|\n"
            + "\n".join(family_row(run, kinds.get("length_matched"), kinds.get(remote)) for _, run in every.iterrows())
        )
    return "\n\n".join(parts)


def family_row(run: pd.Series, matched: pd.DataFrame | None, remote: pd.DataFrame | None) -> str:
    cells = [run["model"]]
    for part in (run, member(matched, run["model"]), member(remote, run["model"])):
        if part is None:
            cells += ["", ""]
            continue
        shuffled = "" if part["pairs"] == "length_matched" else f" ({part['histogram_null']:.3f})"
        ends = f"[{part['histogram_low']:.3f}, {part['histogram_high']:.3f}]"
        cells += [f"{part['histogram']:.3f} {ends}{shuffled}", f"{part['auroc']:.3f}"]
    cells.append(f"{run['nearest_is_own']:.2f}" if pd.notna(run["nearest_is_own"]) else "")
    return "| " + " | ".join(cells) + " |"


def member(part: pd.DataFrame | None, model: str) -> pd.Series | None:
    return None if part is None or model not in part.index else part.loc[model]


def strata() -> str:
    """msm-nano's F1 less that of others, by rows and Neff of the alignment; a star is p_holm of 0.05 at most."""
    table = pd.read_csv(RESULTS / "nano_strata.csv")
    others = table["against"].unique()
    cells = {(row["against"], row["by"], row["group"]): row for _, row in table.iterrows()}
    titles = [f"{title} ({cells[others[0], *group]['rnas']})" for group, title in GROUPS.items()]
    lines = [f"{STRATA_HEAD} {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for against in others:
        shown = [difference(cells[against, *group]) for group in GROUPS]
        lines.append(f"| {against} | {' | '.join(shown)} |")
    return "\n".join(lines)


def difference(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return f"{row['difference']:.2f} n/a ({row['clusters']} clusters)"
    return f"{row['difference']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" + ("*" if row["p_holm"] <= 0.05 else "")


def classification(name: str) -> str:
    """Every model of a set, least overlap first: all pairs, and pairs of like lengths."""
    table = pd.read_csv(RESULTS / "classification.csv")
    kinds = {kind: part.set_index("model") for kind, part in table[table["set"] == name].groupby("pairs")}
    lines = [CLASSIFICATION_HEAD, "|---|---|---|---|---|---|---|---|"]
    for model, run in kinds["all"].sort_values("histogram", kind="stable").iterrows():
        cells = [str(model)]
        for part in (run, kinds["length_matched"].loc[model]):
            ends = f"[{part['histogram_low']:.3f}, {part['histogram_high']:.3f}]"
            cells += [f"{part['histogram']:.3f} {ends}", f"{part['histogram_null']:.3f}", f"{part['auroc']:.3f}"]
        cells.append(f"{run['nearest_is_own']:.2f}" if pd.notna(run["nearest_is_own"]) else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def replaced(text: str, head: str, made: str, start: int = 0) -> str:
    """The text with the first table from `start` on that has this head made anew."""
    at = text.index(head, start)
    return text[:at] + made + text[text.index("\n\n", at) :]


def with_classification(text: str) -> str:
    """docs/classification.md with its tables of rfam-500 and ArchiveII, which stand in this order."""
    text = replaced(text, CLASSIFICATION_HEAD, classification("rfam-500"))
    return replaced(text, CLASSIFICATION_HEAD, classification("archiveii"), text.index("ArchiveII, nine families"))


def letter_maps() -> str:
    """F1 of a model by its attention and by its letters."""
    f1 = pd.read_csv(RESULTS / "letter_maps.csv").set_index("model")
    names = [name for name in f1.index if ":" not in name.removeprefix("untrained:")]
    names += [f"untrained:{name}" for name in ("nano", "hyenadna-tiny")]
    lines = []
    for name in names:
        shown = [_f1(f1, way + name) for way in ("", "jacobian:", "dependency:", "dependency-hidden:")]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join([LETTERS_HEAD, "|---|---|---|---|---|", *lines])


def _f1(table: pd.DataFrame, name: str) -> str:
    if name not in table.index:
        return "-"
    row = table.loc[name]
    return f"{row['f1']:.3f} [{row['f1_low']:.3f}, {row['f1_high']:.3f}]"


def letter_costs() -> str:
    """Processor time of reading letters, as a multiple of one pass."""
    found = pd.read_csv(RESULTS / "benchmark_letter_maps.csv").query("bases == 80")
    lines = []
    for name, some in found.groupby("model", sort=False):
        times = some.set_index("way")["of_bare_pass"]
        ways = ("jacobian", "dependency", "dependency-hidden")
        shown = [f"{times[way]:.0f}" if way in times else "-" for way in ways]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join([LETTERS_COST_HEAD, "|---|---|---|---|", *lines])


def strong() -> str:
    """Strong attention on pairs."""
    lines = []
    for _, row in pd.read_csv(RESULTS / "strong_attention.csv", dtype={"head": str}).iterrows():
        places, on = _share(row["strong"]), _share(row["strong_on_pairs"])
        chance, times = _share(row["strong_chance_at_distance"]), row["times_chance_at_distance"]
        ends = "n/a" if row["low"] != row["low"] else f"[{row['low']:.1f}, {row['high']:.1f}]"
        ratio = "n/a" if times != times else f"{times:.1f} {ends}"
        lines.append(f"| {row['model']} | {row['head']} | {row['chosen']} | {places} | {on} | {chance} | {ratio} |")
    return "\n".join([STRONG_HEAD, "|---|---|---|---|---|---|---|", *lines])


def _share(value: float) -> str:
    return "n/a" if value != value else f"{value:.3f}"


def with_letters(text: str) -> str:
    """docs/letter_maps.md with its tables."""
    tables = ((LETTERS_HEAD, letter_maps), (LETTERS_COST_HEAD, letter_costs), (STRONG_HEAD, strong))
    for head, made in tables:
        text = replaced(text, head, made())
    return text


def with_tables(text: str) -> str:
    """The page with each of its tables as the results have it; found by test set and protocol, or by its head."""
    text = replaced(text, STRATA_HEAD, strata())
    text = replaced(text, CLASSIFICATION_HEAD, classification("rfam-500"))
    for name in ON_THE_PAGE:
        for title, made in zip(*[iter(rows(name).split("\n\n"))] * 2, strict=True):
            if (start := text.find(title.partition(";")[0] + ";")) < 0:
                continue  # the page shows the table of another set of this question
            end = text.index("\n\n", text.index("\n\n", start) + 2)
            text = text[:start] + title + "\n\n" + made + text[end:]
    return text


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(rows(sys.argv[1]) + "\n")
    else:
        PAGE.write_text(with_tables(PAGE.read_text()))
        CLASSIFICATION_PAGE.write_text(with_classification(CLASSIFICATION_PAGE.read_text()))
        LETTERS_PAGE.write_text(with_letters(LETTERS_PAGE.read_text()))
