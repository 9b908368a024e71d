"""Put a result into MLflow: one parent run per (model, experiment), its tuning and its test as children."""

import json
import resource
import sys
from collections.abc import Mapping
from dataclasses import asdict

from rnaexp.models.spec import IN_MEMORY
from rnaexp.progress import Announce
from rnaexp.reading.facts import model_facts
from rnaexp.reading.store import Store
from rnaexp.structure.configuration import configuration
from rnaexp.structure.pairs import reference
from rnaexp.structure.protocol import protocol_fields
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.assess import on_validation
from rnaexp.tasks.pairs.describe import describe
from rnaexp.tasks.pairs.explorer import explorer_of
from rnaexp.tasks.pairs.fitted import FittedEncoder
from rnaexp.tasks.pairs.measure import head_maps
from rnaexp.tasks.pairs.pictures import picture
from rnaexp.tasks.pairs.result import Part, Result
from rnaexp.track.packaged import CONFIGURATION, STANDING, VALIDATION_F1
from rnaexp.track.runs import RunHandle


def record(run: RunHandle, result: Result, store: Store, announce: Announce) -> None:
    """Parameters, headline metrics, tables and pictures of one task."""
    run.params(parameters(result))
    run.metrics({**tables.metrics(result), "peak_memory_mb": round(peak_memory_mb())})
    run.tags(_tags(result))
    run.describe(describe(result))
    protocol = {"model": result.encoder.spec.name, "protocol": parameters(result)["protocol"]}
    if result.validation is not None:
        with run.child("tune", kind="tune") as child:
            child.params({**protocol, "validation": result.validation.data.name})
            _record_search(child, result.validation, "validation", store)
            if result.tuned is not None:
                child.params({"layer": result.tuned.layer, "head": result.tuned.head})
                child.metrics(_only(tables.metrics(result), "validation_f1"))
            if isinstance(result.encoder, FittedEncoder):
                child.table(tables.probe_weights(result.encoder.probe), "probe.csv")
            if result.assessment is not None and result.assessment.retuning is not None:
                child.table(tables.winners(result.assessment.retuning), "head_stability.csv")
    with run.child("test", kind="test") as child:
        child.params({**protocol, "test": result.test.data.name})
        _record_search(child, result.test, "test", store)
        pictures = _test_pictures(result, store, announce)
        for name, drawn in pictures.items():
            child.figure(drawn, name)
        _record_test(child, result, store)
    _record_overview(run, result, pictures, store)


def parameters(result: Result) -> dict[str, object]:
    """What was run, resolved: under `mlflow run` a value that differs from its -P is logged as `resolved.<name>`."""
    tuned = result.tuned
    protocol = protocol_fields(result.test.scores.scoring, result.test.scores.read_out)
    return {
        "model": result.encoder.spec.name,
        **model_facts(result.encoder),
        "proof": tables.proof_of(result),
        "layer": tuned.layer if tuned else None,
        "head": tuned.head if tuned else None,
        **tables.probe_facts(result.encoder),
        "threshold": tuned.threshold if tuned else None,
        "dot_bracket_threshold": tuned.dot_bracket_threshold if tuned else None,
        "related": result.task.related,
        "alignment": result.task.alignment if tables.reads_alignments(result) else None,
        "long": result.task.long,
        "seed": result.task.loading.get("seed"),
        "protocol": protocol.pop("name"),
        **{f"protocol.{name}": value for name, value in protocol.items()},
        **(_data_parameters("validation", result.validation) if result.validation else {}),
        **_data_parameters("test", result.test),
    }


def _data_parameters(which: str, part: Part) -> dict[str, object]:
    facts = {"sha256": part.data.sha256, "evidence": part.data.evidence, "annotator": part.data.annotator}
    alignment = {f"alignment.{name}": value for name, value in tables.alignment_facts(part).items()}
    return {which: part.data.name, **{f"{which}.{name}": value for name, value in (facts | alignment).items()}}


def _record_overview(run: RunHandle, result: Result, pictures: Mapping[str, bytes], store: Store) -> None:
    """What is looked at first, in the model's own run, under names that sort: heads, RNAs, the median RNA's pairs."""
    _draw_heads(run, result.validation or result.test, "1_heads.png", store)
    for at, name in enumerate(("f1_distribution.png", "pairs/median.png"), start=2):
        if name in pictures:
            run.figure(pictures[name], f"{at}_{name.replace('/', '_')}")
    table = tables.per_rna(result)
    # MLflow compares runs by the second column unless another is chosen.
    run.shown_table(table[["rna", "f1", *table.columns.difference(["rna", "f1"], sort=False)]], "per_rna.json")


def _test_pictures(result: Result, store: Store, announce: Announce) -> dict[str, bytes]:
    """By name: F1 RNA by RNA, and the chosen head's maps of the worst, the median and the best RNA with its pairs."""
    table, shown = tables.per_rna(result), tables.shown_rnas(result)
    title = f"{result.encoder.spec.name} on {result.test.data.name}"
    found = {"f1_distribution.png": picture(store, "f1_distribution", table[["f1"]], title)}
    maps, by_id = head_maps(result, shown, store, announce), {rna.id: rna for rna in result.test.rnas}
    threshold = result.tuned.threshold if result.tuned else result.test.search.winner["threshold"]
    for place, id in zip(("worst", "median", "best"), shown, strict=False):
        f1 = table.loc[table["rna"] == id, "f1"].item()
        known = reference(by_id[id], result.test.scores.scoring)
        shown_as = f"{result.encoder.spec.name}, {id}: F1 {f1:.2f}"
        found[f"pairs/{place}.png"] = picture(store, "pair_map", maps[id], known, threshold, shown_as)
    return found


def _only(metrics: dict[str, float | None], what: str) -> dict[str, float | None]:
    return {name: value for name, value in metrics.items() if name.endswith(f".{what}")}


def _tags(result: Result) -> dict[str, object]:
    tags: dict[str, object] = {"rnaexp.group": result.encoder.spec.group}
    if result.related:
        tags["rnaexp.related"] = f"{result.task.related}: {', '.join(result.related)}"
    if result.coverage < 1:
        tags["rnaexp.coverage"] = f"{result.coverage:.3f}"
    if windowed := tables.windowed(result):
        tags["rnaexp.windows"] = windowed
    if not result.test.exact:
        tags["rnaexp.oracle"] = "lower bound: the set is too large to read deeper"
    if result.assessment is not None:
        tags["rnaexp.evidence"] = tables.evidence_text(result.assessment.evidence)
        if result.assessment.verdict is not None:
            tags["rnaexp.verdict"] = result.assessment.verdict.sentence
        if result.assessment.tags:
            tags["rnaexp.diagnosis"] = "; ".join(result.assessment.tags)
    return tags


def _record_search(run: RunHandle, part: Part, context: str, store: Store) -> None:
    run.data_set(
        part.data.name,
        sha256=part.data.sha256,
        source=part.data.urls[0] if part.data.urls else part.data.name,
        context=context,
        rows=len(part.rnas),
    )
    run.table(part.search.trials, "heads.csv")
    _draw_heads(run, part, f"{context}_heads.png", store)


def _draw_heads(run: RunHandle, part: Part, name: str, store: Store) -> None:
    """Every head's F1, where there are several to compare."""
    if len(part.search.trials) > 1:
        title = f"{part.scores.model} on {part.data.name}"
        run.figure(picture(store, "heat_map", part.search.trials, part.search.winner, title), name)


def _record_test(run: RunHandle, result: Result, store: Store) -> None:
    run.table(tables.per_rna(result), "per_rna.csv")
    title = f"{result.encoder.spec.name} on {result.test.data.name}"
    found = tables.metrics(result) | tables.details(result)
    run.metrics({name: value for name, value in found.items() if not name.endswith(".validation_f1")})
    if result.assessment is not None:
        run.table(result.assessment.breakdown, "breakdown.csv")
        if result.assessment.controls:
            controls, of_rnas = tables.of_controls(result.assessment.controls)
            run.table(controls, "controls.csv")
            run.table(of_rnas, "controls_per_rna.csv")
        run.figure(picture(store, "breakdown", result.assessment.breakdown, title), "breakdown.png")
        if (view := result.assessment.view) is not None:
            run.table(view.reliability, "reliability.csv")
            run.figure(picture(store, "reliability", view.reliability, title), "reliability.png")
    if (page := explorer_of(result, list(reversed(tables.shown_rnas(result))), store)) is not None:
        run.figure(page, "attention/explorer.html")
    if result.tuned is not None:
        run.text(json.dumps(asdict(result.tuned), indent=1), "tuned_head.json")
        if not result.task.scoring.molecule.brackets or result.encoder.spec.loader == IN_MEMORY:
            return  # it cannot be registered: it predicts no base pairs of RNAs, or could not be loaded again
        loading = {"name": result.task.model, **result.task.loading}
        whole = configuration(result.encoder.spec, result.tuned, loading, alignment=result.task.alignment)
        run.text(json.dumps(whole.to_json(), indent=1), CONFIGURATION)
        rivals = {} if result.assessment is None else result.assessment.controls
        if (compared := on_validation(result, store, rivals)) is not None:
            per_rna, against = compared
            run.table(per_rna, VALIDATION_F1)
            if against is not None:
                run.text(json.dumps(against.to_json(), indent=1), STANDING)


def peak_memory_mb() -> float:
    """Most memory this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10
