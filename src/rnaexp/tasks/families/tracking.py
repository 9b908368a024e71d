"""Put a classification into MLflow: figures into its run and its parent, tables and pictures into its own."""

import pandas as pd

from rnaexp.data.markdown_text import markdown_text
from rnaexp.reading.derived import derived
from rnaexp.reading.facts import model_facts
from rnaexp.reading.store import Store
from rnaexp.tasks.families import metrics as declared
from rnaexp.tasks.families import record as tables
from rnaexp.tasks.families.measure import Classified
from rnaexp.tasks.metric import headlines
from rnaexp.track.runs import RunHandle

_ENDS = ("overlap_low", "overlap_high")
_KNOWS_LITTLE = 0.5  # an overlap ratio from here on is called out


def record_classification(parent: RunHandle, result: Classified, store: Store) -> None:
    """A child run of kind `classify`; its headline figures stand in the parent too, so that runs can be compared."""
    measured = tables.metrics(result)
    # A parent run also holds the structure figures, and more than 40 columns freeze the runs table.
    parent.metrics({name: measured.get(name) for name in headlines(declared.METRICS, declared.PREFIX)})
    parent.params({"classify.set": result.data.name, "classify.reduction": result.task.protocol.reduction})
    headline = measured["classify.overlap_ratio"] or 0
    if headline >= _KNOWS_LITTLE:
        parent.tags({"rnaexp.classify": f"overlap ratio {headline:.2f}: at least {_KNOWS_LITTLE}"})
    with parent.child("classify", kind="classify") as run:
        run.params(_parameters(result))
        run.metrics(measured)
        run.data_set(
            result.data.name,
            sha256=result.data.sha256,
            source=result.task.families,
            context="classification",
            rows=len(result.rnas),
        )
        _record_tables(run, result)
        if result.table is not None:  # in the model's run, where MLflow's Evaluation tab compares runs
            first = ["family", "nearest_is_own"]
            table = result.table.round(6)
            parent.shown_table(table[[*first, *table.columns.difference(first, sort=False)]], "per_family.json")
        _record_pictures(run, result, store)


def describe(result: Classified) -> str:
    """In Markdown, on top of the run's page: what was measured, how sure it is, against what."""
    found = tables.metrics(result)
    value, low, high, null = (found.get(f"classify.{name}") for name in ("overlap_ratio", *_ENDS, "null_overlap"))
    name, data = markdown_text(result.task.model), markdown_text(result.data.name)
    how = f"**{name}** on {len(result.rnas)} RNAs of {data}, protocol {result.task.protocol.name}."
    if value is None:
        return how
    ends = "no interval" if low is None or high is None else f"95 % interval [{low:.2f}, {high:.2f}] over families"
    against = "" if null is None else f" Families that mean nothing: {null:.3f}."
    return f"{how}\n\nOverlap ratio **{value:.3f}**, {ends}; 0: families lie apart.{against}"


def _parameters(result: Classified) -> dict[str, object]:
    protocol = {f"classify.{name}": value for name, value in result.task.protocol.fields().items()}
    left_out = "; ".join(f"{count} {what}" for what, count in result.data.left_out.items() if count)
    return {
        "model": result.task.model,
        **({} if result.encoder is None else model_facts(result.encoder)),
        **({} if (stored := result.task.stored) is None else {"embeddings.sha256": stored.sha256}),
        "classify.set": result.data.name,
        "classify.left_out": left_out or None,
        "classify.long": result.task.long,
        "classify.not_matched": result.unmatched_reason or None,
        **protocol,
    }


def _record_tables(run: RunHandle, result: Classified) -> None:
    run.table(tables.as_frame([tables.as_json(result, None)]), "overlap.csv")
    how = dict.fromkeys(result.windowed, "read in windows")
    rnas: list[tuple[object, ...]] = [
        (rna.id, rna.family, rna.cluster, len(rna), how.get(rna.id, "read"), "") for rna in result.rnas
    ]
    rnas += [(one.id, None, None, None, "skipped", one.reason) for one in result.skipped]
    columns = ["rna", "family", "clan", "length", "status", "reason"]
    run.table(pd.DataFrame(rnas, columns=columns), "rnas.csv")
    if result.table is not None:
        run.table(result.table.round(6), "families.csv")


def _record_pictures(run: RunHandle, result: Classified, store: Store) -> None:
    def drawn() -> dict[str, bytes]:
        from rnaexp.tasks.families import figures  # Matplotlib, t-SNE and Plotly take seconds

        return figures.pictures(result)

    rnas = [(rna.id, rna.family, rna.cluster, len(rna)) for rna in result.rnas]
    named = [result.task.model, result.data.name, result.task.protocol, result.layout.names]
    inputs = [named, rnas, result.every, result.matched, result.vectors, result.means]
    for name, picture in derived(store, "pictures of families", inputs, drawn).items():
        run.figure(picture, name)
