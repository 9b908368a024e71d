"""A run of base pairs in a few lines of Markdown: what was measured, how sure it is, against what."""

from rnaexp.data.markdown_text import markdown_table, markdown_text
from rnaexp.stats.intervals import cluster_interval
from rnaexp.structure.evaluate import paired_f1
from rnaexp.structure.protocol import protocol_fields
from rnaexp.tasks.pairs.assess import evaluations
from rnaexp.tasks.pairs.result import Result


def describe(result: Result) -> str:
    """Stands on top of the run's page."""
    return "\n\n".join(part for part in (_what(result), _how_sure(result), _against(result), _notes(result)) if part)


def _what(result: Result) -> str:
    items, tuned = result.task.scoring.molecule.items, result.tuned
    protocol = protocol_fields(result.test.scores.scoring, result.test.scores.read_out)["name"]
    how = "untuned" if tuned is None else f"head {tuned.layer}.{tuned.head}, tuned on {tuned.tuned_on or 'nothing'}"
    altered = "" if result.task.alignment == "intact" else f", alignments {result.task.alignment}"
    text = f"{len(result.test.rnas)} {items} of {result.test.data.name}, protocol {protocol}; {how}{altered}"
    return f"**{markdown_text(result.encoder.spec.name)}** on {markdown_text(text)}."


def _how_sure(result: Result) -> str:
    best = f"The best head of the test set itself would have {result.oracle.f1.mean:.3f}."
    if result.evaluation is None:
        return best
    found = result.evaluation.f1
    sure = f"F1 **{found.mean:.3f}**, 95 % interval {found.ends} over {found.clusters} clusters"
    verdict = None if result.assessment is None else result.assessment.verdict
    return f"{sure}; {markdown_text(verdict.sentence)}. {best}" if verdict else f"{sure}. {best}"


def _against(result: Result) -> str:
    done, assessed = result.evaluation, result.assessment
    if done is None or assessed is None or not assessed.controls:
        return ""
    rows = []
    for name, theirs in evaluations(assessed.controls).items():
        differences, clusters = paired_f1(done.per_rna, theirs.per_rna)
        if len(differences):
            found = cluster_interval(differences, clusters, of="differences")
            rows.append((name, f"{theirs.f1.mean:.3f}", f"{found.mean:+.3f}", found.ends))
    return markdown_table(("control", "its F1", "difference", "95 % interval"), rows)


def _notes(result: Result) -> str:
    tags = () if result.assessment is None else result.assessment.tags
    return "\n".join(f"- {markdown_text(tag)}" for tag in tags)
