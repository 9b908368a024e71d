"""Results for people and programs: one JSON object, and tables."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder
from rnaexp.rna import Rna
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.probe import Probe
from rnaexp.structure.protocol import protocol_fields
from rnaexp.structure.reading import scorable
from rnaexp.structure.retune import Retuning
from rnaexp.structure.windows import windows_of
from rnaexp.tasks.metric import headlines, measured
from rnaexp.tasks.pairs import metrics as declared
from rnaexp.tasks.pairs.contrasts import f1_of
from rnaexp.tasks.pairs.fitted import FittedEncoder
from rnaexp.tasks.pairs.result import Control, Part, Result


def metrics(result: Result) -> dict[str, float | None]:
    """The headline figures, as MLflow metrics; what was not measured is None."""
    return _named(result, headline=True)


def details(result: Result) -> dict[str, float | None]:
    """Figures that stand in the test's own run: more metric columns in the list of runs would hide the headline."""
    return _named(result, headline=False)


def _named(result: Result, *, headline: bool) -> dict[str, float | None]:
    shown, start = set(headlines(declared.METRICS)), declared.prefix(result)
    return {
        start + name: value for name, value in measured(declared.METRICS, result).items() if (name in shown) is headline
    }


def proof_of(result: Result) -> str | None:
    """The model's own; of contacts nothing is proven, whatever the model."""
    return result.encoder.spec.proof_state if result.task.scoring.molecule.proven else "unproven"


def as_json(result: Result, run_id: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    figures = measured(declared.METRICS, result)
    tuned, best, assessed = result.tuned, result.test.search.winner, result.assessment
    chosen = {"layer": tuned.layer, "head": tuned.head, "threshold": tuned.threshold} if tuned else {}
    counts = {name: int(figures[name] or 0) for name in ("rnas", "clusters", "skipped", "related")}
    return {
        "model": result.encoder.spec.name,
        "resolution": result.encoder.spec.resolution,
        "proof": proof_of(result),
        "task": result.task.scoring.molecule.task,
        "structure": {
            **figures,
            **{"layer": None, "head": None, "threshold": None, **chosen},
            **counts,
            "shuffled_rnas": assessed.shuffled if assessed else 0,
            "oracle_layer": int(best["layer"]),
            "oracle_head": int(best["head"]),
            "oracle_exact": result.test.exact,
            **probe_facts(result.encoder),
        },
        "validation": result.validation.data.name if result.validation else None,
        "test": result.test.data.name,
        "tuned_on": tuned.tuned_on or None if tuned else None,
        "alignment": result.task.alignment if reads_alignments(result) else None,
        "structure_aware": alignment_facts(result.test).get("structure_aware"),
        "related": result.task.related,
        "long": result.task.long,
        "precision": precision_of(result.encoder),
        "windowed": windowed(result),
        "related_rnas": list(result.related),
        "evidence": dict(assessed.evidence) if assessed else {},
        "annotator": result.test.data.annotator,
        "tags": list(assessed.tags) if assessed else [],
        "verdict": assessed.verdict.to_json() if assessed and assessed.verdict else None,
        "skipped": [{"rna": s.id, "reason": s.reason, "failed": s.failed} for s in result.skipped],
        "protocol": protocol_fields(result.test.scores.scoring, result.test.scores.read_out),
        "run_id": run_id,
    }


def probe_facts(encoder: Encoder) -> dict[str, float]:
    """How many heads a fitted probe uses, and how strongly it was regularised; nothing for a model as it is."""
    if not isinstance(encoder, FittedEncoder):
        return {}
    return {"probe_heads": encoder.probe.used, "probe_strength": encoder.probe.strength}


def reads_alignments(result: Result) -> bool:
    """Whether the model reads alignments, so that what was done to them matters."""
    return result.encoder.spec.reads == "alignment"


def as_frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a run, best first within each test set and protocol: what `tracking/results` keeps."""
    rows = []
    for run in records:
        named = {"model": run["model"], "validation": run["validation"], "test": run["test"]}
        labels = {
            "evidence": evidence_text(run["evidence"]),
            "annotator": run["annotator"],
            "structure_aware": run["structure_aware"],
            "resolution": run["resolution"],
            "proof": run["proof"],
            "windowed": run["windowed"],
            "tags": "; ".join(run["tags"]),
        }
        of_families = {f"families_{name}": value for name, value in run.get("families", {}).items()}
        question = {"protocol": run["protocol"]["name"], "alignment": run["alignment"], "related_rnas": run["related"]}
        rows.append({**named, **question, **run["structure"], **of_families, **labels})
    order = ["test", "protocol", "f1"]
    return pd.DataFrame(rows).sort_values(order, ascending=[True, True, False]).round(6)


def of_controls(controls: Mapping[str, Control]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a control, and its F1 RNA by RNA (columns model, rna, cluster, f1)."""
    f1 = [f1_of(each.evaluation).assign(model=name) for name, each in controls.items()]
    columns = ["model", "rna", "cluster", "f1"]
    return as_frame([each.record for each in controls.values()]), pd.concat(f1, ignore_index=True)[columns]


def evidence_text(evidence: Mapping[str, int]) -> str:
    """`3d`, or `28 published, 66 predicted` where it differs between the RNAs."""
    if len(evidence) == 1:
        return next(iter(evidence))
    return ", ".join(f"{count} {how}" for how, count in sorted(evidence.items(), key=lambda item: (-item[1], item[0])))


def per_rna(result: Result) -> pd.DataFrame:
    """One row per test RNA: its scores, its alignment's depth, its ceiling, or why it could not be read or scored."""
    table = (result.evaluation or result.oracle).per_rna.copy()
    if result.assessment is not None:
        table = table.merge(result.assessment.about[["rna", "depth", "neff", "f1_ceiling"]], on="rna")
        if result.assessment.contacts is not None:
            table = table.merge(result.assessment.contacts, on="rna")
    reach = {rna.id: share for rna, share in _reaches(result)}
    if reach:  # share of the candidates that some window holds
        table["reach"] = [reach.get(id, 1.0) for id in table["rna"]]
    families = {rna.id: rna.family for rna in result.test.rnas}
    table["evidence"] = [result.test.data.evidence_for(id) for id in table["rna"]]
    table["family"] = [families[id] for id in table["rna"]]
    why = {s.id: ("failed" if s.failed else "skipped", s.reason) for s in result.test.skipped}
    table["status"] = [why.get(id, ("scored",))[0] for id in table["rna"]]
    if not why:
        return table
    table["reason"] = [why[id][1] if id in why else None for id in table["rna"]]
    gone = [(id, *reason) for id, reason in why.items() if id not in set(table["rna"])]
    return pd.concat([table, pd.DataFrame(gone, columns=["rna", "status", "reason"])], ignore_index=True)


def probe_weights(probe: Probe) -> pd.DataFrame:
    """Each head with a weight, the largest first; the intercept is under no head."""
    rows = [(layer, head, probe.weights[layer, head]) for layer, head in np.argwhere(probe.weights)]
    rows.sort(key=lambda row: -abs(row[2]))
    return pd.DataFrame([*rows, (None, None, probe.intercept)], columns=["layer", "head", "weight"]).astype(
        {"layer": "Int64", "head": "Int64"}
    )


def windowed(result: Result) -> str:
    """How many RNAs were read in windows, and what of their pairs that left without a score; "" if none was."""
    reaches = list(_reaches(result))
    if not reaches:
        return ""
    scoring = result.test.scores.scoring
    lost = total = 0
    for rna, _ in reaches:
        windows = windows_of(result.encoder, rna, result.task.long)
        pairs, held = reference(rna, scoring), scorable(rna, scoring, windows).ravel()
        lost, total = lost + int((~held[pairs]).sum()), total + len(pairs)
    share = float(np.mean([share for _, share in reaches]))
    return (
        f"{len(reaches)} RNAs in windows: {share:.0%} of their pairs have a score, {lost} of {total} reference pairs "
        "are too far apart and count as missed"
    )


def _reaches(result: Result) -> Iterator[tuple[Rna, float]]:
    """Of each test RNA that was read in windows: which share of its candidates has a score."""
    for rna in result.test.scored:
        windows = windows_of(result.encoder, rna, result.task.long)
        if windows is not None:
            scoring = result.test.scores.scoring
            yield rna, float(scorable(rna, scoring, windows).sum() / candidates(rna, scoring).sum())


def winners(again: Retuning) -> pd.DataFrame:
    """How often each head was chosen when the validation set was resampled."""
    total = sum(count for _, count in again.winners)
    return pd.DataFrame(
        [(*head, count, count / total) for head, count in again.winners], columns=["layer", "head", "chosen", "share"]
    )


def alignment_facts(part: Part) -> dict[str, Any]:
    """Median depth and Neff (80 %) of a set's alignments, and one hash over their files; empty without alignments."""
    alignments = [rna.alignment for rna in part.rnas if rna.alignment is not None]
    if not alignments:
        return {}
    sources = sorted({a.source_sha256 or a.sha256() for a in alignments})
    aware = {a.structure_aware for a in alignments}
    return {
        "structure_aware": "mixed" if len(aware) > 1 else {True: "yes", False: "no", None: "unknown"}[aware.pop()],
        "alignments": len(alignments),
        "depth": float(np.median([a.depth for a in alignments])),
        "neff": round(float(np.median([a.neff() for a in alignments])), 2),
        "sha256": sources[0] if len(sources) == 1 else _joined(sources),
    }


def _joined(hashes: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def shown_rnas(result: Result) -> list[str]:
    """Worst, median and best RNA by F1: a picture of success alone would mislead."""
    every = (result.evaluation or result.oracle).per_rna
    table = every[every["rna"].isin({rna.id for rna in result.test.scored})].sort_values(["f1", "rna"])
    places = sorted({0, len(table) // 2, len(table) - 1})
    return [str(table["rna"].iloc[at]) for at in places]
