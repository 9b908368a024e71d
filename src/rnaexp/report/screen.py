"""The runs of a question on the screen: one table for each set and protocol, then what a reader should know of each."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from rnaexp.report.classes import published
from rnaexp.report.console import console
from rnaexp.tasks.pairs.record import evidence_text

_COLUMNS = (
    "F1 [95 %]",
    "with tuning",
    "rank",
    "oracle",
    "P@N",
    "AUPRC",
    "precision",
    "recall",
    "MCC",
    "calls",
    "RNAs",
    "head",
)
_CONTACTS = (
    "F1 [95 %]",
    "with tuning",
    "rank",
    "oracle",
    "long P@L, L/2, L/5",
    "medium",
    "short",
    "precision",
    "recall",
    "chains",
    "head",
)


def show(told: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs, as `as_json` tells them: best first within each test set and protocol."""
    out = console()
    if title:
        out.print(title, style="bold", markup=False)
    for asked, runs in groupby(sorted(told, key=_rank), key=_asked):
        some = list(runs)
        out.print(_table(asked, some), markup=False)
        for run in some:
            if run["tags"]:
                out.print(f"{name_of(run)}: {'; '.join(run['tags'])}", markup=False, highlight=False)
    _show_both_heads([run for run in told if "head_oracle_f1" in run["structure"]])
    if note:
        out.print(note, style="italic", markup=False, highlight=False)


def _show_both_heads(told: Sequence[Mapping[str, Any]]) -> None:
    """Pooled figures of the two heads that released code reports."""
    from rich.table import Table

    if not told:
        return
    title = "Pooled F1 and MCC at thresholds of the validation set; the oracle head is chosen on the test set itself"
    table = Table(title=title, title_justify="left")
    for name in ("model", "test"):
        table.add_column(name)
    figures = ("head_oracle_f1", "head_validated_f1", "head_oracle_mcc", "head_validated_mcc")
    for name in ("F1, oracle head", "F1, validated head", "MCC, oracle head", "MCC, validated head"):
        table.add_column(name, justify="right")
    for run in told:
        values = [run["structure"][name] for name in figures]
        table.add_row(name_of(run), run["test"], *("" if value is None else f"{value:.3f}" for value in values))
    console().print(table, markup=False)


def show_frame(frame: pd.DataFrame, title: str) -> None:
    """A small table of words and numbers."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        table.add_column(str(name), justify="right" if pd.api.types.is_numeric_dtype(frame[name]) else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*[_cell(value) for value in row])
    console().print(table, markup=False)


def _cell(value: object) -> str:
    """A figure that too few clusters do not give is said so."""
    if value is None or value != value:
        return "n/a"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def name_of(run: Mapping[str, Any]) -> str:
    """The model, what its tokens are if not single bases, and what was done to its alignments if anything was."""
    tokens = "" if run["resolution"] == "base" else f" [{run['resolution']}]"
    altered = "" if run["alignment"] in (None, "intact") else f" ({run['alignment']})"
    return f"{run['model']}{tokens}{altered}"


def _asked(run: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return run["test"], run["protocol"]["name"], run["tuned_on"] or "nothing", run["related"]


def _rank(run: Mapping[str, Any]) -> tuple[str, str, str, str, float]:
    figures = run["structure"]
    return *_asked(run), -(figures["oracle_f1"] if figures["f1"] is None else figures["f1"])


def _table(asked: tuple[str, str, str, str], runs: Sequence[Mapping[str, Any]]) -> Any:
    from rich.table import Table

    test, protocol, tuned_on, related = asked
    kept = ", relatives kept" if related == "keep" else ""
    table = Table(title=f"{test}, tuned on {tuned_on}{kept}, protocol {protocol}", title_justify="left")
    table.add_column("model")
    contacts = runs[0]["task"] == "contacts"
    for name in _CONTACTS if contacts else _COLUMNS:
        table.add_column(name, justify="right")
    for run in runs:
        table.add_row(*(_contacts_row(run) if contacts else _row(run)))
    mine = next((run for run in runs if not run.get("control")), runs[0])
    caption = _contacts_caption(mine) if contacts else _caption(mine)
    if controls := [run["model"] for run in runs if run.get("control")]:
        caption += f" Controls, tuned and tested in the same way: {', '.join(controls)}."
    table.caption, table.caption_justify = caption, "left"
    return table


def _caption(run: Mapping[str, Any]) -> str:
    """What holds for the whole set."""
    figures = run["structure"]
    if figures["f1_ceiling"] is None:
        return ""
    return (
        f"Ceilings of F1: {figures['f1_ceiling']:.2f} under this protocol, {figures['ceiling_canonical']:.2f} "
        f"canonical pairs only, {figures['ceiling_one_partner']:.2f} one partner a base, "
        f"{figures['ceiling_nested']:.2f} nested. Labels: {evidence_text(run['evidence'])}. "
        f"{figures['clusters']} clusters."
    )


def _contacts_caption(run: Mapping[str, Any]) -> str:
    """What is judged, and the published figures, which are never ranked with ours."""
    known = published()
    rows = known[(known["class"] == "protein") & (known["what"] == "structure F1")].to_dict("records")
    figures = "; ".join(f"{row['model']} F1 {row['value']:.3f} ({row['note']})" for row in rows)
    return (
        "Protein contacts: C-beta (Gly: C-alpha) nearer than 8 angstrom; long: j - i of 24 and more, medium: 12 to 23, "
        f"short: 6 to 11. {run['structure']['clusters']} clusters. Published, on proteins not named: {figures}."
    )


def _contacts_row(run: Mapping[str, Any]) -> list[str]:
    figures, (name, f1, again, rank, oracle) = run["structure"], _row(run)[:5]
    best = [
        " ".join(_number(figures, f"{within}_p_at_{part}") or "-" for part in ("l", "l2", "l5"))
        for within in ("long", "medium", "short")
    ]
    rates = [_number(figures, rate) for rate in ("precision", "recall")]
    return [name, f1, again, rank, oracle, *best, *rates, *_end(run)]


def _row(run: Mapping[str, Any]) -> list[str]:
    figures = run["structure"]
    tuned = figures["f1"] is not None
    f1 = f"{figures['f1']:.3f} {_ends(figures, 'f1_low', 'f1_high')}" if tuned else "not tuned"
    again, rank = "", ""
    if _known(figures, "f1_retuned_low"):
        again = "[{f1_retuned_low:.3f}, {f1_retuned_high:.3f}]".format(**figures)
    if _known(figures, "rank"):
        rank = "{rank:g} [{rank_low:g}, {rank_high:g}]".format(**figures)
    return [
        name_of(run),
        f1,
        again,
        rank,
        f"{figures['oracle_f1']:.3f}" + ("" if figures["oracle_exact"] else " or more"),
        *[_number(figures, name) for name in ("p_at_n", "auprc", "precision", "recall", "mcc")],
        _calls(figures),
        *_end(run),
    ]


def _end(run: Mapping[str, Any]) -> tuple[str, str]:
    """How many were scored, and the head."""
    figures = run["structure"]
    scored = f"{figures['rnas']}" + (f" ({figures['coverage']:.0%})" if figures["coverage"] < 1 else "")
    return scored, "" if figures["f1"] is None else _head(figures)


def _head(figures: Mapping[str, Any]) -> str:
    """The head, and in how many resamples of the validation set it was chosen again; of a probe how many it uses."""
    if _known(figures, "probe_heads"):
        return f"{figures['probe_heads']} heads"
    again = f" ({figures['head_stability']:.0%})" if _known(figures, "head_stability") else ""
    return f"{figures['layer']}.{figures['head']}{again}"


def _calls(figures: Mapping[str, Any]) -> str:
    """Calls per 100 bases, and on shuffled RNAs, where every one is false."""
    if not _known(figures, "calls_per_100_bases"):
        return ""
    shuffled = figures["shuffled_calls_per_100_bases"]
    return f"{figures['calls_per_100_bases']:.0f}" + ("" if shuffled is None else f" ({shuffled:.0f})")


def _ends(figures: Mapping[str, Any], low: str, high: str) -> str:
    """An interval; without one the clusters, of which there are too few."""
    if not _known(figures, low):
        return f"n/a ({figures['clusters']} clusters)"
    return f"[{figures[low]:.3f}, {figures[high]:.3f}]"


def _known(figures: Mapping[str, Any], name: str) -> bool:
    return figures.get(name) is not None


def _number(figures: Mapping[str, Any], name: str) -> str:
    return f"{figures[name]:.3f}" if _known(figures, name) else ""
