"""The comparison's tables, made once for the page, the Markdown and the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from rnaexp.report.classes import CLASSES
from rnaexp.report.leaderboards import Comparison, Leaderboard
from rnaexp.report.searches import search_table
from rnaexp.report.table import Line, Table, line, table_of_words, words_line
from rnaexp.report.task_tables import task_table
from rnaexp.tasks.families import metrics as families
from rnaexp.tasks.fitness import metrics as fitness
from rnaexp.tasks.metric import Column, MetricSpec, columns, diagnosis, known, number, spec_of, with_ends
from rnaexp.tasks.pairs import metrics as pairs

_STANDING = (
    "Each language model against its untrained control, counting complementary stacks, and folding, on the "
    "RNAs that both scored: paired difference, sign-flip permutation of whole clusters, Holm over this table."
)
_DECLARED = "As the questions declared them before anything ran; Holm over the contrasts of each question."
_SEARCHES = (
    "What a larger search (rnaexp search) gained over the same model's single head: several heads, read-out, decoder, "
    "searched and chosen on parts of the validation set. Not ranked with single heads; rnaexp register takes the run."
)
_PUBLISHED = "All that is known of the papers' tables; other sets and protocols than ours."


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table under its title, and what should be known to read it. `on_screen`: whether a terminal shows it too."""

    title: str
    table: Table
    note: str = ""
    on_screen: bool = True


def of_tasks(comparison: Comparison) -> Iterator[Section]:
    """Families, fitness, and the tasks of other packages."""
    for name, rows in comparison.families.groupby("set"):
        yield Section(title=f"Families told apart: {name}", table=families_table(rows, comparison.published))
    for name, rows in comparison.fitness.groupby("set"):
        yield Section(title=f"Measured fitness: {name}", table=fitness_table(rows))
    for task, rows in comparison.tasks:
        yield Section(title=task.title, table=task_table(task, rows, "leaderboard"))


def of_contrasts(comparison: Comparison) -> Iterator[Section]:
    """Model against model, searches against the single head, and what the papers state."""
    if len(comparison.standing):
        yield Section(title="Standing contrasts", table=contrast_table(comparison.standing), note=_STANDING)
    if len(comparison.declared):
        table = contrast_table(comparison.declared)
        yield Section(title="Declared contrasts", table=table, note=_DECLARED, on_screen=False)
    if len(comparison.searches):
        yield Section(title="Searches", table=search_table(comparison.searches), note=_SEARCHES)
    note = f"{comparison.published['source'].iloc[0]}. {_PUBLISHED}"
    yield Section(title="Published figures", table=published_table(comparison.published), note=note, on_screen=False)


def leaderboard_table(leaderboard: Leaderboard, published: pd.DataFrame) -> Table:
    """The rows by class, below each class its means and what the papers state of its models, marked."""
    declared = (*pairs.METRICS, *_other_tasks(leaderboard), *_COST)
    shown = columns(declared, "leaderboard")
    means = leaderboard.means[leaderboard.means["models"] > 1]
    more = _published(shown, published, "structure F1", "f1")
    means_of = {name: [_mean(shown, row) for row in some.to_dict("records")] for name, some in means.groupby("class")}
    return _by_class(
        shown, leaderboard.rows, {name: [*means_of.get(name, []), *more.get(name, [])] for name in CLASSES}
    )


def families_table(rows: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Overlap ratios by class in both units, and what the papers state in theirs, marked."""
    shown = columns(families.METRICS, "leaderboard")
    return _by_class(shown, rows, _published(shown, published, "overlap ratio, IoU", "overlap_iou"))


def fitness_table(rows: pd.DataFrame) -> Table:
    """Spearman with measured fitness by class; `rows` are of one assay."""
    return _by_class(columns(fitness.METRICS, "leaderboard"), rows)


def diagnosis_table(leaderboard: Leaderboard) -> Table:
    """What a row's own run ended with: what may be claimed of it, and the automatic diagnosis; rows that have any."""
    judged = [(row["label"], "; ".join(_judged(row))) for row in leaderboard.rows.to_dict("records")]
    return table_of_words(("model", "verdict and diagnosis"), [line for line in judged if line[1]])


def _judged(row: Mapping[Any, Any]) -> Iterator[str]:
    """The verdict, then each tag; that clusters are too few stands in both, and is shown once."""
    verdict, *others = (diagnosis({"diagnosis": row[of]}) for of in ("verdict", "diagnosis", "classify_diagnosis"))
    tags = [tag for words in others if words for tag in words.split("; ")]
    yield from filter(None, [verdict])
    yield from (tag for tag in tags if tag.partition(": ")[0] != verdict.partition(": ")[0])


def stability_table(leaderboard: Leaderboard) -> Table:
    """Of each model with several heads: how often re-tuning on a resampled validation set chose the same head."""
    heads = leaderboard.column("tune", "heads.csv")
    rows = leaderboard.rows.drop_duplicates("label").set_index("label")
    lines = [
        _stability(label, len(heads[label]), rows.loc[label], table)
        for label, table in leaderboard.column("tune", "head_stability.csv").items()
        if len(heads.get(label, ())) > 1 and known(rows.loc[label, "head_stability"])
    ]
    headings = ("model", "heads", "chosen", "chosen again", "heads ever chosen", "the others, most often first")
    return table_of_words(headings, lines)


def contrast_table(table: pd.DataFrame) -> Table:
    """Contrasts, each with its interval and p-values."""
    first = ("question",) if "question" in table else ()
    headings = ("model", "against", "test", "protocol", "RNAs (clusters)", "F1 difference [95 %]", "p", "p (Holm)")
    lines = []
    for row in table.to_dict("records"):
        kept = ", relatives kept" if row["related_rnas"] == "keep" else ""
        words = [row[name] for name in (*first, "model", "against", "test")] + [f"{row['protocol']}{kept}"]
        words += [f"{row['rnas']} ({row['clusters']})", with_ends(row, "difference", "low", "high", sign="+")]
        words += [f"{row['p_sign_flip']:.2g}", f"{row['p_holm']:.2g}"]
        lines.append([str(word) for word in words])
    return table_of_words((*first, *headings), lines)


def published_table(table: pd.DataFrame) -> Table:
    """All published figures with what they are."""
    rows = table.to_dict("records")
    lines = [(one["model"], one["what"], one["set"], number(one["value"]), one["note"]) for one in rows]
    return table_of_words(("model", "figure", "set", "value", "as stated"), lines, kind="published")


def about(comparison: Comparison) -> str:
    """What stands in the report, in one sentence."""
    runs = sum(leaderboard.rows["control_of"].isna().sum() for leaderboard in comparison.leaderboards)
    controls = sum(leaderboard.rows["control_of"].notna().sum() for leaderboard in comparison.leaderboards)
    left = ", ".join(f"{count} {state}" for state, count in sorted(comparison.left_out.items()))
    foreign = ", ".join(f"{count} of {task}" for task, count in comparison.not_installed.items())
    questions = len(comparison.leaderboards)
    return (
        f"Experiment {comparison.experiment}: {runs} structure runs under {questions} "
        f"{'question' if questions == 1 else 'questions'}, "
        f"{len(comparison.families)} classifications, {len(comparison.fitness)} fitness runs; "
        "the newest finished run of each model counts"
        + (f"; {controls} controls have no run of their own: these runs measured them" if controls else "")
        + (f". Not shown because they did not finish: {left}." if left else ".")
        + (f" Not shown because no installed package has their task: {foreign}." if foreign else "")
    )


def parameter_count(value: Any) -> str:
    """A number of parameters as people write it: 74 thousand, 1.2 million."""
    if pd.isna(value):
        return ""
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:.0f}"


def _cost(name: str, title: str, cell: Any, place: int) -> Column:
    return Column(name=name, title=title, cell=cell, tables=("leaderboard",), place=place, keep=0)


_COST = (
    _cost("parameters", "parameters", lambda row: parameter_count(row.get("parameters")), 92),
    _cost("seconds", "seconds", lambda row: number(row.get("seconds"), 1), 93),
    _cost("peak_memory_mb", "MB", lambda row: number(row.get("peak_memory_mb"), 0), 94),
)


def _other_tasks(leaderboard: Leaderboard) -> Iterator[Column]:
    """What the same models have in families and fitness, on the sets that most of them were measured on."""
    on = {name: f" on {leaderboard.rows[name].iloc[0]}" for name in ("overlap_set", "fitness_set")}
    if leaderboard.rows["overlap_ratio"].notna().any():
        column = spec_of(families.METRICS, "overlap_ratio").column("leaderboard")
        yield replace(column, title=column.title + on["overlap_set"], place=80, keep=8)
    if leaderboard.rows["fitness_spearman"].notna().any():
        title = "fitness" + (on["fitness_set"] if known(leaderboard.rows["fitness_set"].iloc[0]) else "")
        cell = MetricSpec(name="fitness_spearman").column("leaderboard").cell
        yield Column(name="fitness", title=title, cell=cell, place=81, keep=5)


def _by_class(shown: Sequence[Column], rows: pd.DataFrame, more: Mapping[str, Sequence[Line]] | None = None) -> Table:
    """The rows of each class, then further lines of it."""
    parts = []
    for name, title in CLASSES.items():
        lines = [line(shown, row) for row in rows[rows["class"] == name].to_dict("records")]
        lines += (more or {}).get(name, ())
        if lines:
            parts.append((title, tuple(lines)))
    return Table(columns=tuple(shown), parts=tuple(parts))


def _mean(shown: Sequence[Column], mean: Mapping[Any, Any]) -> Line:
    classified = f" (of {mean['classified']})" if mean["classified"] else ""
    words = {"label": f"mean of {mean['models']}", "overlap_ratio": number(mean["overlap_ratio"]) + classified}
    return words_line(shown, words | {name: number(mean[name]) for name in ("f1", "oracle_f1")}, "mean")


def _published(shown: Sequence[Column], published: pd.DataFrame, what: str, column: str) -> dict[str, list[Line]]:
    """By class. No rank and no interval: another set and protocol than ours."""
    found: dict[str, list[Line]] = {}
    for one in published[published["what"].eq(what)].to_dict("records"):
        words = {shown[0].name: f"{one['model']} (published)", column: f"{one['value']:.3f} on {one['set']}"}
        found.setdefault(one["class"], []).append(words_line(shown, words, "published"))
    return found


def _stability(label: str, heads: int, row: Any, table: pd.DataFrame) -> tuple[str, ...]:
    others = table[(table["layer"] != row["layer"]) | (table["head"] != row["head"])].head(4)
    named = ", ".join(f"{one.layer}.{one.head} ({one.share:.0%})" for one in others.itertuples())
    chosen = f"{row['layer']:.0f}.{row['head']:.0f}"
    return label, str(heads), chosen, f"{row['head_stability']:.0%}", str(len(table)), named
