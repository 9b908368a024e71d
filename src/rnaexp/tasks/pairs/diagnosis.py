"""The automatic diagnosis: what a reader should know before believing a score, as tags."""

from collections.abc import Mapping

import pandas as pd

from rnaexp.models.files import FileEncoder
from rnaexp.models.fitted import FITTED
from rnaexp.stats.intervals import FEWEST, cluster_interval
from rnaexp.stats.verdict import too_few
from rnaexp.structure.evaluate import Evaluation, paired_f1
from rnaexp.tasks.pairs.result import Result

# Controls that know neither a language nor energies, by what a model reads.
WITHOUT_ENERGIES = {"sequence": ("stems", "kernel"), "alignment": ("stems-alignment", "kernel-alignment")}
FOLDING = frozenset({"viennarna", "viennarna-mean", "alifold"})  # many predicted structures in Rfam come from these


def diagnose(
    result: Result, controls: Mapping[str, Evaluation], evidence: Mapping[str, int], seen: int | None
) -> list[str]:
    """Tags, none if there is nothing to warn of. `controls`: theirs by name on the same sets under the same scoring."""
    done = result.evaluation
    tags = []
    if done is not None:
        for name, control in controls.items():
            tags += _against(name, done.per_rna, done.f1.mean, done.spread.sd, control)
    spec = result.encoder.spec
    if isinstance(result.encoder, FileEncoder):
        tags += result.encoder.notes
    if spec.name.startswith(FITTED) and result.validation is not None:
        of = f"{len(result.validation.scores.scored())} {result.task.scoring.molecule.items}"
        tags.append(f"fitted on the pairs of {of}: not zero-shot")
    if spec.group == "baseline" and spec.trained_on is not None:
        tags.append(f"fitted on {spec.trained_on}: not zero-shot")
    if spec.reads == "alignment" and _shallow(result):
        tags.append(f"alignment depth 1 for {_shallow(result)} of {len(result.test.scores.scored())} RNAs")
    predicted = evidence.get("predicted", 0)
    if predicted and (spec.name in FOLDING or spec.structure_seen == "predicted"):
        tags.append(f"labels partly circular: {predicted} of {sum(evidence.values())} are predicted")
    if seen:
        tags.append(f"training set overlaps the test set: {seen} of {len(result.test.scores.scored())} RNAs")
    clusters = result.oracle.f1.clusters
    if clusters < FEWEST:
        tags.append(f"{too_few(clusters)}: no interval, no rank")
    if result.coverage < 1:
        unread = f": {result.test.unread} RNAs that it could not read count 0" if result.test.unread else ""
        tags.append(f"coverage {result.coverage:.0%}{unread}")
    return tags


def _against(name: str, per_rna: pd.DataFrame, f1: float, sd: float, theirs: Evaluation) -> list[str]:
    if name == "random":
        if theirs.f1.high is None:
            return ["F1 not above the random control's"] if f1 <= theirs.f1.mean else []
        return ["F1 inside the random control's interval"] if f1 <= theirs.f1.high else []
    if name.startswith(("stems", "kernel", "distance")):
        if _above(per_rna, theirs):
            return []
        if f1 > theirs.f1.mean:
            return [f"F1 above {name}, which may be chance: {f1:.3f} against {theirs.f1.mean:.3f}"]
        return [f"F1 not above {name}: {f1:.3f} against {theirs.f1.mean:.3f}"]
    return (
        [f"spread over RNAs above {name}'s: {sd:.2f} against {theirs.spread.sd:.2f}"] if sd > theirs.spread.sd else []
    )


def _above(per_rna: pd.DataFrame, theirs: Evaluation) -> bool:
    """Whether the paired difference's whole interval is above zero."""
    differences, clusters = paired_f1(per_rna, theirs.per_rna)
    return len(differences) > 0 and cluster_interval(differences, clusters, of="differences").above_zero


def _shallow(result: Result) -> int:
    """Scored test RNAs whose alignment says no more than they do themselves."""
    return sum(rna.alignment is None or rna.alignment.depth == 1 for rna in result.test.scored)
