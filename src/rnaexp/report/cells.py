"""The comparison's tables as words, the same for the page, the Markdown and the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rnaexp.classify.overlap import iou
from rnaexp.report.boards import Board, Comparison
from rnaexp.report.classes import CLASSES
from rnaexp.report.words import Line, Words
from rnaexp.stats.intervals import FEWEST


def leaderboard_words(board: Board, published: pd.DataFrame) -> Words:
    """The rows by class, below each class its means and what the papers state of its models, marked."""
    families = board.rows["overlap_set"].iloc[0]
    headings = ["model", "rank", "F1 [95 %]", "with tuning", "oracle F1", "P@N"]
    headings += [f"OR, area [95 %] on {families}"] if isinstance(families, str) else []
    assay = board.rows["fitness_set"].iloc[0]
    named = f"fitness on {assay}" if isinstance(assay, str) else "fitness"
    headings += [named] if board.rows["fitness_spearman"].notna().any() else []
    headings += ["parameters", "seconds", "MB", "RNAs", "head"]
    stated = published[published["what"].eq("structure F1")]
    parts = []
    for name, title in CLASSES.items():
        rows = board.rows[board.rows["class"] == name]
        lines = [_line(headings, _row_words(row)) for row in rows.to_dict("records")]
        means = board.means[(board.means["class"] == name) & (board.means["models"] > 1)]
        lines += [_line(headings, _mean_words(mean), "mean") for mean in means.to_dict("records")]
        theirs = stated[stated["class"] == name].to_dict("records")
        lines += [_line(headings, _published_words(one, "F1 [95 %]"), "published") for one in theirs]
        if lines:
            parts.append((title, tuple(lines)))
    return Words(headings=tuple(headings), parts=tuple(parts))


def diagnosis_words(board: Board) -> Words:
    """What should be known before a score is believed: the automatic diagnosis of each row that has one."""
    lines = []
    for row in board.rows.to_dict("records"):
        said = [row[name] for name in ("diagnosis", "classify_diagnosis") if isinstance(row[name], str)]
        if said:
            lines.append(Line(cells=(row["label"], "; ".join(said))))
    return Words(headings=("model", "diagnosis"), parts=(("", tuple(lines)),))


def families_words(rows: pd.DataFrame, published: pd.DataFrame) -> Words:
    """Overlap ratios by class in both units, and what the papers state in theirs, marked."""
    headings = (
        "model",
        "OR, area [95 %]",
        "OR, IoU",
        "AUROC",
        "OR, area, length-matched",
        "AUROC, length-matched",
        "diagnosis",
    )
    stated = published[published["what"].eq("overlap ratio, IoU")]
    parts = []
    for name, title in CLASSES.items():
        lines = [_line(headings, _family_words(row)) for row in rows[rows["class"] == name].to_dict("records")]
        theirs = stated[stated["class"] == name].to_dict("records")
        lines += [_line(headings, _published_words(one, "OR, IoU"), "published") for one in theirs]
        if lines:
            parts.append((title, tuple(lines)))
    return Words(headings=headings, parts=tuple(parts))


def fitness_words(rows: pd.DataFrame) -> Words:
    """Spearman with measured fitness by class; `rows` are of one assay."""
    headings = ("model", "convention", "Spearman [95 % over sites]", "equal mutations", "variants", "diagnosis")
    parts = []
    for name, title in CLASSES.items():
        lines = [_line(headings, _fitness_row(row)) for row in rows[rows["class"] == name].to_dict("records")]
        if lines:
            parts.append((title, tuple(lines)))
    return Words(headings=headings, parts=tuple(parts))


def contrast_words(table: pd.DataFrame) -> Words:
    """Contrasts, each with its interval and p-values."""
    with_question = "question" in table
    headings: tuple[str, ...] = ("question",) if with_question else ()
    headings += ("model", "against", "test", "protocol", "RNAs (clusters)", "F1 difference [95 %]", "p", "p (Holm)")
    lines = []
    for row in table.to_dict("records"):
        kept = ", relatives kept" if row["related_rnas"] == "keep" else ""
        words = [row["question"]] if with_question else []
        words += [row["model"], row["against"], row["test"], f"{row['protocol']}{kept}"]
        words += [f"{row['rnas']} ({row['clusters']})", interval(row, "difference", "low", "high", sign="+")]
        words += [f"{row['p_sign_flip']:.2g}", f"{row['p_holm']:.2g}"]
        lines.append(Line(cells=tuple(map(str, words))))
    return Words(headings=headings, parts=(("", tuple(lines)),))


def stability_words(board: Board) -> Words:
    """Of each model with several heads: how often re-tuning on a resampled validation set chose the same head."""
    heads = board.column("tune", "heads.csv")
    lines = []
    for label, table in board.column("tune", "head_stability.csv").items():
        row = board.rows[board.rows["label"] == label].iloc[0]
        if len(heads.get(label, ())) < 2 or pd.isna(row["head_stability"]):
            continue
        others = table[(table["layer"] != row["layer"]) | (table["head"] != row["head"])].head(4)
        named = ", ".join(f"{one.layer}.{one.head} ({one.share:.0%})" for one in others.itertuples())
        chosen = f"{row['layer']:.0f}.{row['head']:.0f}"
        lines.append(
            Line(cells=(label, str(len(heads[label])), chosen, f"{row['head_stability']:.0%}", str(len(table)), named))
        )
    headings = ("model", "heads", "chosen", "chosen again", "heads ever chosen", "the others, most often first")
    return Words(headings=headings, parts=(("", tuple(lines)),))


def published_words(table: pd.DataFrame) -> Words:
    """All published figures with what they are."""
    lines = [
        Line(cells=(one["model"], one["what"], one["set"], number(one["value"]), one["note"]), kind="published")
        for one in table.to_dict("records")
    ]
    return Words(headings=("model", "figure", "set", "value", "as stated"), parts=(("", tuple(lines)),))


def about(comparison: Comparison) -> str:
    """What stands in the report, in one sentence."""
    runs = sum(len(board.rows) for board in comparison.boards)
    left = ", ".join(f"{count} {state}" for state, count in sorted(comparison.left_out.items()))
    return (
        f"Experiment {comparison.experiment}: {runs} structure runs under {len(comparison.boards)} questions, "
        f"{len(comparison.families)} classifications, {len(comparison.fitness)} fitness runs; "
        "the newest finished run of each model counts"
        + (f". Not shown because they did not finish: {left}." if left else ".")
    )


def number(value: Any, digits: int = 3) -> str:
    """A figure, or nothing where it is not known."""
    return "" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def interval(row: Mapping[Any, Any], mean: str, low: str, high: str, sign: str = "") -> str:
    """`0.500 [0.400, 0.600]`; without an interval the figure alone."""
    if pd.isna(row[mean]):
        return ""
    ends = "" if pd.isna(row[low]) else f" [{row[low]:.3f}, {row[high]:.3f}]"
    return f"{row[mean]:{sign}.3f}{ends}"


def count(value: Any) -> str:
    """A number of parameters as people write it: 74 thousand, 1.2 million."""
    if pd.isna(value):
        return ""
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:.0f}"


def _line(headings: Sequence[str], words: Mapping[str, str], kind: str = "model") -> Line:
    # A heading names the set behind "on", unless that is a part of its own name.
    found = tuple(words.get(heading, words.get(heading.partition(" on ")[0], "")) for heading in headings)
    return Line(cells=found, kind=kind)


def _row_words(row: Mapping[Any, Any]) -> dict[str, str]:
    tuned, again = pd.notna(row["f1"]), pd.notna(row["f1_retuned_low"])
    ranked = pd.notna(row["rank"])
    short = "" if pd.isna(row["clusters"]) or row["clusters"] >= FEWEST else f" n/a ({row['clusters']:.0f} clusters)"
    part = f" ({row['coverage']:.0%})" if pd.notna(row["coverage"]) and row["coverage"] < 1 else ""
    stable = f" ({row['head_stability']:.0%})" if pd.notna(row["head_stability"]) else ""
    return {
        "model": row["label"],
        "rank": "{rank:g} [{rank_low:g}, {rank_high:g}]".format(**row) if ranked else "",
        "F1 [95 %]": interval(row, "f1", "f1_low", "f1_high") + short if tuned else "not tuned",
        "with tuning": "[{f1_retuned_low:.3f}, {f1_retuned_high:.3f}]".format(**row) if again else "",
        "oracle F1": number(row["oracle_f1"]),
        "P@N": number(row["p_at_n"]),
        "OR, area [95 %]": interval(row, "overlap_ratio", "overlap_low", "overlap_high"),
        "fitness": number(row["fitness_spearman"]),
        "parameters": count(row["parameters"]),
        "seconds": number(row["seconds"], 1),
        "MB": number(row["peak_memory_mb"], 0),
        "RNAs": number(row["rnas"], 0) + part,
        "head": f"{row['layer']:.0f}.{row['head']:.0f}{stable}" if pd.notna(row["layer"]) else "",
    }


def _mean_words(mean: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "model": f"mean of {mean['models']}",
        "F1 [95 %]": number(mean["f1"]),
        "oracle F1": number(mean["oracle_f1"]),
        "OR, area [95 %]": number(mean["overlap_ratio"])
        + (f" (of {mean['classified']})" if mean["classified"] else ""),
    }


def _published_words(one: Mapping[Any, Any], column: str) -> dict[str, str]:
    """No rank and no interval: another set and protocol than ours."""
    return {"model": f"{one['model']} (published)", column: f"{one['value']:.3f} on {one['set']}"}


def _fitness_row(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "model": row["model"] + (f" ({row['alignment_rows']} rows)" if isinstance(row["alignment_rows"], str) else ""),
        "convention": row["convention"],
        "Spearman [95 % over sites]": interval(row, "spearman", "spearman_low", "spearman_high"),
        "equal mutations": number(row["within_mutations"]),
        "variants": row["sample"] if isinstance(row["sample"], str) else "all",
        "diagnosis": row["diagnosis"] if isinstance(row["diagnosis"], str) else "",
    }


def _family_words(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "model": row["model"],
        "OR, area [95 %]": interval(row, "overlap_ratio", "overlap_low", "overlap_high"),
        "OR, IoU": number(iou(row["overlap_ratio"])),
        "AUROC": number(row["auroc"]),
        "OR, area, length-matched": number(row["matched_overlap_ratio"]),
        "AUROC, length-matched": number(row["matched_auroc"]),
        "diagnosis": row["diagnosis"] if isinstance(row["diagnosis"], str) else "",
    }
