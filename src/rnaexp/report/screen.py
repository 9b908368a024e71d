"""The runs of a question on the screen: one table for each set and protocol, then what a reader should know of each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from rnaexp.report import table as tables
from rnaexp.report.classes import published
from rnaexp.report.console import console
from rnaexp.tasks.metric import columns
from rnaexp.tasks.pairs import metrics as pairs
from rnaexp.tasks.pairs.record import evidence_text

Record = Mapping[str, Any]


def show(records: Sequence[Record], title: str = "", note: str = "") -> None:
    """The runs, as `as_json` gives them: best first within each test set and protocol."""
    out = console()
    if title:
        out.print(title, style="bold", markup=False)
    for some, heading, table in _by_question(records):
        caption = _caption(some, _contacts_caption if some[0]["task"] == "contacts" else _pairs_caption)
        tables.show(table, heading, caption)
        for line in _notes(some):
            out.print(line, markup=False, highlight=False)
    _show_both_heads([run for run in records if "head_oracle_f1" in run["structure"]])
    if note:
        out.print(note, style="italic", markup=False, highlight=False)


def _notes(runs: Sequence[Record]) -> Iterator[str]:
    """What a reader should know of each run; what holds for all of several comes once, last. Controls have no notes."""
    judged = [run["tags"] for run in runs if not run.get("control")]
    common = [tag for tag in judged[0] if all(tag in tags for tags in judged)] if len(judged) > 1 else []
    for run in runs:
        claimed = [run["verdict"]["sentence"]] if run.get("verdict") else []
        if own := [*claimed, *(tag for tag in run["tags"] if tag not in common)]:
            yield f"{name_of(run)}: {'; '.join(own)}"
    if common:
        yield f"all: {'; '.join(common)}"


def markdown(records: Sequence[Record]) -> str:
    """The same tables, for the page of the question's run."""
    return "\n\n".join(tables.titled_markdown(table, heading) for _, heading, table in _by_question(records))


def _by_question(records: Sequence[Record]) -> Iterator[tuple[list[Record], str, tables.Table]]:
    for question, runs in groupby(sorted(records, key=_rank), key=_question):
        some = list(runs)
        shown = columns(pairs.METRICS, "contacts" if some[0]["task"] == "contacts" else "screen")
        if not any(run.get("families") for run in some):
            shown = tuple(column for column in shown if column.name != pairs.OVERLAP)
        yield some, _title(*question), tables.table_of(shown, map(_row, some))


def show_frame(frame: pd.DataFrame, title: str) -> None:
    """A small table of words and numbers."""
    tables.show(tables.table_of_frame(frame), title)


def _show_both_heads(records: Sequence[Record]) -> None:
    """Pooled figures of the two heads that released code reports."""
    title = "Pooled F1 and MCC at thresholds of the validation set; the oracle head is chosen on the test set itself"
    if records:
        tables.show(tables.table_of(columns(pairs.METRICS, "heads"), map(_row, records)), title)


def _row(run: Record) -> dict[str, Any]:
    return {**run.get("families", {}), **run["structure"], "label": name_of(run), "test": run["test"]}


def name_of(run: Record) -> str:
    """The model, what its tokens are if not single bases, and what was done to its alignments if anything was."""
    tokens = "" if run["resolution"] == "base" else f" [{run['resolution']}]"
    altered = "" if run["alignment"] in (None, "intact") else f" ({run['alignment']})"
    return f"{run['model']}{tokens}{altered}"


def _question(run: Record) -> tuple[str, str, str, str]:
    return run["test"], run["protocol"]["name"], run["tuned_on"] or "nothing", run["related"]


def _rank(run: Record) -> tuple[str, str, str, str, float]:
    figures = run["structure"]
    return *_question(run), -(figures["oracle_f1"] if figures["f1"] is None else figures["f1"])


def _title(test: str, protocol: str, tuned_on: str, related: str) -> str:
    kept = ", relatives kept" if related == "keep" else ""
    return f"{test}, tuned on {tuned_on}{kept}, protocol {protocol}"


def _caption(runs: Sequence[Record], of_set: Any) -> str:
    """What holds for the whole set, and which rows are controls."""
    caption = str(of_set(next((run for run in runs if not run.get("control")), runs[0])))
    if sets := sorted({run["families"]["set"] for run in runs if run.get("families")}):
        caption += f" Overlap ratio: shared area of similarities within and between the families of {', '.join(sets)}."
    if controls := [run["model"] for run in runs if run.get("control")]:
        caption += f" Controls, tuned and tested in the same way: {', '.join(controls)}."
    return caption


def _pairs_caption(run: Record) -> str:
    figures = run["structure"]
    if figures["f1_ceiling"] is None:
        return ""
    return (
        f"Ceilings of F1: {figures['f1_ceiling']:.2f} under this protocol, {figures['ceiling_canonical']:.2f} "
        f"canonical pairs only, {figures['ceiling_one_partner']:.2f} one partner a base, "
        f"{figures['ceiling_nested']:.2f} nested. Labels: {evidence_text(run['evidence'])}. "
        f"{figures['clusters']} clusters."
    )


def _contacts_caption(run: Record) -> str:
    """What is judged, and the published figures, which are never ranked with ours."""
    known = published()
    rows = known[(known["class"] == "protein") & (known["what"] == "structure F1")].to_dict("records")
    figures = "; ".join(f"{row['model']} F1 {row['value']:.3f} ({row['note']})" for row in rows)
    return (
        "Protein contacts: C-beta (Gly: C-alpha) nearer than 8 angstrom; long: j - i of 24 and more, medium: 12 to 23, "
        f"short: 6 to 11. {run['structure']['clusters']} clusters. Published, on proteins not named: {figures}."
    )
