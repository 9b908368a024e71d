"""Put a fitness result into MLflow: headline figures into its parent, all of it into a run of its own."""

import pandas as pd

from rnaexp.data.markdown_text import markdown_table, markdown_text
from rnaexp.fitness.agreement import Agreement
from rnaexp.fitness.conventions import mutated_sites
from rnaexp.reading.facts import model_facts
from rnaexp.tasks.fitness import metrics as declared
from rnaexp.tasks.fitness import record as tables
from rnaexp.tasks.fitness.measure import Fitness
from rnaexp.tasks.metric import headlines
from rnaexp.track.runs import RunHandle

_MOST_SHOWN = 5000  # rows that MLflow's Evaluation tab still shows at once


def record_fitness(parent: RunHandle, result: Fitness) -> None:
    """A child run of kind `fitness`; the parent has its headline figures. Every file names the convention."""
    from rnaexp.tasks.fitness import figures  # Matplotlib takes half a second

    measured = tables.metrics(result)
    diagnosis = "; ".join(tables.diagnose(result))
    tags = {
        "rnaexp.fitness": f"{result.convention} on {result.assay.name}: {diagnosis}" if diagnosis else None,
        "rnaexp.convention": result.convention,
    }
    parent.params(_parameters(result))
    parent.metrics({name: measured[name] for name in headlines(declared.METRICS, declared.PREFIX)})
    parent.tags(tags)
    parent.describe(describe(result))
    parent.shown_table(shown_variants(result), "per_variant.json")
    with parent.child("fitness", kind="fitness", tags=tags) as run:
        run.params(_parameters(result))
        run.metrics(measured)
        run.data_set(
            result.assay.name,
            sha256=result.assay.sha256,
            source=result.assay.source,
            context="fitness",
            rows=len(result.scores),
        )
        run.table(pd.DataFrame(tables.rows(result)), f"spearman_{result.convention}.csv")
        run.table(variants_table(result), f"variants_{result.convention}.parquet")
        if result.judged.table is not None:
            run.table(result.judged.table.round(6), f"by_mutations_{result.convention}.csv")
        run.figure(figures.fitness_figure(result), f"fitness_{result.convention}.png")
        run.figure(figures.fitness_page(result), f"fitness_{result.convention}.html")


def describe(result: Fitness) -> str:
    """In Markdown, on top of the run's page: what was measured, how sure it is, against what."""
    judged = (result.judged, *result.baselines)
    lines = [(one.name, one.convention, _number(one.agreement.value), _ends(one.agreement)) for one in judged]
    what = f"{len(result.scores)} variants of {result.assay.name}, {result.convention}"
    table = markdown_table(("model", "convention", "Spearman", "95 % interval over sites"), lines)
    notes = "\n".join(f"- {markdown_text(line)}" for line in tables.diagnose(result))
    first = f"**{markdown_text(result.judged.name)}** on {markdown_text(what)}."
    return "\n\n".join(part for part in (first, table, notes) if part)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _ends(found: Agreement) -> str:
    return "n/a" if found.low is None or found.high is None else f"[{found.low:.2f}, {found.high:.2f}]"


def variants_table(result: Fitness) -> pd.DataFrame:
    """A row for each mutant: id, sequence, mutations (from 1), their number, measured, score, and why none."""
    mutants = result.assay.mutants
    return pd.DataFrame(
        {
            "id": [variant.id for variant in mutants],
            "sequence": [variant.sequence for variant in mutants],
            "mutations": [_named(result.assay.wild_type, variant.sequence) for variant in mutants],
            "number_of_mutations": result.mutations if result.mutations is not None else None,
            "measured": [variant.score for variant in mutants],
            "score": result.scores,
            "convention": result.convention,
            "not_scored": list(result.reasons),
        }
    )


def shown_variants(result: Fitness) -> pd.DataFrame:
    """For MLflow's Evaluation tab, which compares runs by the second column; of very many every n-th."""
    table = variants_table(result)[["id", "score", "measured", "mutations", "not_scored"]]
    return table.iloc[:: -(-len(table) // _MOST_SHOWN) or 1]


def _named(wild_type: str | None, sequence: str) -> str:
    """G1A U2C; nothing where no wild type is known or lengths differ."""
    if wild_type is None or len(wild_type) != len(sequence):
        return ""
    return " ".join(f"{wild_type[at]}{at + 1}{sequence[at]}" for at in mutated_sites(wild_type, sequence))


def _parameters(result: Fitness) -> dict[str, object]:
    encoder, sampled = result.encoder, len(result.scores) < result.of
    return {
        "model": result.judged.name,
        **({"group": "baseline"} if encoder is None else model_facts(encoder)),
        "fitness.set": result.assay.name,
        "fitness.convention": result.convention,
        "fitness.direction": result.assay.direction,
        "fitness.sample": f"{len(result.scores)} of {result.of}, seed {result.task.seed}" if sampled else None,
        "fitness.alignment_rows": result.request.alignment.depth if result.request.alignment is not None else None,
        "fitness.caveats": "; ".join(result.assay.caveats) or None,
    }
