"""Results for people and programs: one JSON object, and tables."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnaexp.run.task import Part, Result
from rnaexp.structure.protocol import protocol_fields


def metrics(result: Result) -> dict[str, float | None]:
    """The headline figures, as MLflow metrics; what was not measured is None."""
    done = result.evaluation
    return {
        "structure.f1": done.f1.mean if done else None,
        "structure.f1_low": done.f1.low if done else None,
        "structure.f1_high": done.f1.high if done else None,
        "structure.precision": done.precision if done else None,
        "structure.recall": done.recall if done else None,
        "structure.mcc": done.mcc if done else None,
        "structure.pooled_f1": done.pooled_f1 if done else None,
        # By the statistic that was tuned, like validation_f1: pooled under averaging=pooled.
        "structure.oracle_f1": result.test.search.winner["f1"],
        "structure.validation_f1": result.tuned.validation_f1 if result.tuned else None,
        "structure.rnas": float(len(result.test.scores.scored())),
        "structure.clusters": float(result.oracle.f1.clusters),
        "structure.skipped": float(len(result.skipped)),
        "structure.coverage": result.coverage,
        "structure.related": float(len(result.related)),
    }


def as_json(result: Result, run_id: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    figures = {name.removeprefix("structure."): value for name, value in metrics(result).items()}
    tuned, best = result.tuned, result.test.search.winner
    chosen = {"layer": tuned.layer, "head": tuned.head, "threshold": tuned.threshold} if tuned else {}
    counts = {name: int(figures[name] or 0) for name in ("rnas", "clusters", "skipped", "related")}
    return {
        "model": result.encoder.spec.name,
        "structure": {
            **figures,
            **{"layer": None, "head": None, "threshold": None, **chosen},
            **counts,
            "oracle_layer": int(best["layer"]),
            "oracle_head": int(best["head"]),
            "oracle_exact": result.test.exact,
        },
        "validation": result.validation.data.name if result.validation else None,
        "test": result.test.data.name,
        "tuned_on": tuned.tuned_on or None if tuned else None,
        "related": result.task.related,
        "related_rnas": list(result.related),
        "skipped": [{"rna": s.id, "reason": s.reason, "failed": s.failed} for s in result.skipped],
        "protocol": protocol_fields(result.test.scores.scoring, result.test.scores.read_out),
        "run_id": run_id,
    }


def as_frame(told: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a run, best first within each test set and protocol: what `tracking/results` keeps."""
    rows = []
    for run in told:
        named = {"model": run["model"], "validation": run["validation"], "test": run["test"]}
        rows.append({**named, "protocol": run["protocol"]["name"], "related_rnas": run["related"], **run["structure"]})
    order = ["test", "protocol", "f1"]
    return pd.DataFrame(rows).sort_values(order, ascending=[True, True, False]).round(6)


def per_rna(result: Result) -> pd.DataFrame:
    """One row per test RNA: its scores, its alignment's depth, or why it has no score."""
    table = (result.evaluation or result.oracle).per_rna.copy()
    alignments = {rna.id: rna.alignment for rna in result.test.rnas if rna.alignment is not None}
    table["depth"] = [alignments[id].depth if id in alignments else 1 for id in table["rna"]]
    table["neff"] = [alignments[id].neff() if id in alignments else 1.0 for id in table["rna"]]
    table["status"] = "scored"
    gone = pd.DataFrame(
        [(s.id, "failed" if s.failed else "skipped", s.reason) for s in result.test.skipped],
        columns=["rna", "status", "reason"],
    )
    return pd.concat([table, gone], ignore_index=True) if len(gone) else table


def alignment_facts(part: Part) -> dict[str, Any]:
    """Median depth and Neff (80 %) of a set's alignments, and one hash over their files; empty without alignments."""
    alignments = [rna.alignment for rna in part.rnas if rna.alignment is not None]
    if not alignments:
        return {}
    sources = sorted({a.source_sha256 or a.sha256() for a in alignments})
    return {
        "alignments": len(alignments),
        "depth": float(np.median([a.depth for a in alignments])),
        "neff": round(float(np.median([a.neff() for a in alignments])), 2),
        "sha256": sources[0] if len(sources) == 1 else _joined(sources),
    }


def _joined(hashes: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def shown_rnas(result: Result) -> list[str]:
    """Worst, median and best RNA by F1: a picture of success alone would mislead."""
    table = (result.evaluation or result.oracle).per_rna.sort_values(["f1", "rna"])
    places = sorted({0, len(table) // 2, len(table) - 1})
    return [str(table["rna"].iloc[at]) for at in places]


def show(told: Sequence[Mapping[str, Any]], title: str = "", note: str = "") -> None:
    """The runs, as `as_json` tells them, as one table on the screen: best first within each test set."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, caption=note or None, caption_justify="left")
    for name in ("model", "tuned on", "test", "protocol"):
        table.add_column(name)
    for name in ("F1 [95 %]", "oracle F1", "precision", "recall", "MCC", "RNAs", "clusters", "skipped", "head"):
        table.add_column(name, justify="right")
    for run in sorted(told, key=_rank):
        table.add_row(*_row(run))
    Console(width=None if sys.stdout.isatty() else 170).print(table, markup=False)


def _rank(run: Mapping[str, Any]) -> tuple[str, str, float]:
    figures = run["structure"]
    return run["test"], run["protocol"]["name"], -(figures["oracle_f1"] if figures["f1"] is None else figures["f1"])


def _row(run: Mapping[str, Any]) -> list[str]:
    figures = run["structure"]
    tuned = figures["f1"] is not None
    f1 = "{f1:.3f} [{f1_low:.3f}, {f1_high:.3f}]".format(**figures) if tuned else "not tuned"
    return [
        run["model"],
        run["tuned_on"] or "nothing",
        run["test"],
        run["protocol"]["name"],
        f1,
        f"{figures['oracle_f1']:.3f}" + ("" if figures["oracle_exact"] else " or more"),
        *[f"{figures[name]:.3f}" if tuned else "" for name in ("precision", "recall", "mcc")],
        *[str(figures[name]) for name in ("rnas", "clusters", "skipped")],
        f"{figures['layer']}.{figures['head']}" if tuned else "",
    ]
