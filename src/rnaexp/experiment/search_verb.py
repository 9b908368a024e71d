"""The verb `search`: the larger search, tracked, with the single head it must beat."""

import json as json_format
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from rnaexp.data.markdown_text import markdown_text
from rnaexp.errors import UnavailableError
from rnaexp.models.spec import IN_MEMORY
from rnaexp.progress import announce, say
from rnaexp.reading.store import Store
from rnaexp.report.console import console
from rnaexp.stats.verdict import verdict_of
from rnaexp.structure.configuration import configuration
from rnaexp.structure.protocol import protocol_fields
from rnaexp.structure.study import keep_study
from rnaexp.tasks.pairs.assess import free_controls, on_validation
from rnaexp.tasks.pairs.figures import search_progress
from rnaexp.tasks.pairs.larger import Larger, larger_search
from rnaexp.tasks.pairs.result import Task
from rnaexp.track.orphan import watch_parent
from rnaexp.track.packaged import CONFIGURATION, STANDING, VALIDATION_F1
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import EXPERIMENT, without_password
from rnaexp.track.words import RunWords


def search(task: Task, *, trials: int, storage: str, seed: int, words: RunWords, json: bool) -> None:
    """Search, track, print."""
    watch_parent()
    start = time.monotonic()
    name = words.run_name or f"{task.model} larger search"
    tags = {**words.tags, "rnaexp.search": "larger"}
    store = Store()
    with tracked_run(name, kind="search", tags=tags, experiment=words.experiment or EXPERIMENT) as run:
        found = larger_search(task, store, announce, trials=trials, storage=storage or None, seed=seed)
        record = _record(found)
        run.tags({"rnaexp.verdict": record["verdict"]["sentence"]})
        run.describe(f"{markdown_text(_chosen(found))}\n\n{markdown_text(_tested(record))}")
        _keep_configuration(run, found, task, store)
        run.params(_parameters(found, task, trials, seed))
        run.metrics({f"search.{name}": value for name, value in record["figures"].items()})
        run.metrics({"seconds": round(time.monotonic() - start, 1)})
        run.table(found.trials, "configurations.csv")
        run.table(found.evaluation.per_rna, "per_rna.csv")
        run.figure(search_progress(found.trials, f"{task.model}, larger search on {task.validation}"), "search.png")
        for name, figure in found.pictures.items():
            run.figure(figure, name)
    _keep_studies(found, storage or f"sqlite:///{store.root}/studies.db", shared=bool(storage))
    if json:
        sys.stdout.write(json_format.dumps(record | {"run_id": run.run_id}) + "\n")
    else:
        _print(record, found, run.run_id)


def _keep_configuration(run: RunHandle, found: Larger, task: Task, store: Store) -> None:
    """What `rnaexp register` makes a version of, with how it stands to the controls on the validation set."""
    result, base = found.result, found.single.encoder
    assert result.tuned is not None
    if base.spec.loader == IN_MEMORY:
        return
    loading = {"name": task.model, **task.loading}
    whole = configuration(base.spec, result.tuned, loading, alignment=task.alignment)
    whole = replace(whole, searched=found.searched)
    run.text(json_format.dumps(whole.to_json(), indent=1), CONFIGURATION)
    if (compared := on_validation(result, store, free_controls(result, store))) is not None:
        per_rna, against = compared
        run.table(per_rna, VALIDATION_F1)
        if against is not None:
            run.text(json_format.dumps(against.to_json(), indent=1), STANDING)


def _keep_studies(found: Larger, url: str, *, shared: bool) -> None:
    """For `optuna-dashboard`; the search of a shared storage is there already. A failure costs no result."""
    try:
        for study in found.studies[1:] if shared else found.studies:
            keep_study(study, url)
    except UnavailableError as error:
        say(str(error))
        return
    say(f"Optuna studies: optuna-dashboard {without_password(url)}")


def _parameters(found: Larger, task: Task, trials: int, seed: int) -> dict[str, object]:
    return {
        "model": task.model,
        "validation": task.validation,
        "test": task.test,
        "protocol": protocol_fields(task.scoring, found.single.test.scores.read_out)["name"],
        "related": task.related,
        "protocol.min_separation": task.scoring.min_separation,
        "trials": trials,
        "seed": seed,
        "fingerprint": found.single.encoder.fingerprint,
        "threshold": found.threshold,
        **{f"chosen.{name}": value for name, value in asdict(found.chosen).items()},
        "chosen.which_heads": " ".join(f"{layer}.{head}" for layer, head in found.heads[: found.chosen.heads]),
    }


def _record(found: Larger) -> dict[str, Any]:
    single = found.single.evaluation
    assert single is not None
    gain, against = found.gain.difference, found.against.difference
    return {
        "model": found.single.task.model,
        "validation": found.single.task.validation,
        "test": found.single.task.test,
        "chosen": {**asdict(found.chosen), "threshold": found.threshold, "which_heads": found.heads},
        "figures": {
            "single_f1": single.f1.mean,
            "f1": found.evaluation.f1.mean,
            "f1_low": found.evaluation.f1.low,
            "f1_high": found.evaluation.f1.high,
            "gain_where_chosen": gain.mean,
            "gain_where_chosen_low": gain.low,
            "gain_where_chosen_high": gain.high,
            "difference": against.mean,
            "difference_low": against.low,
            "difference_high": against.high,
            "p_sign_flip": found.against.p_sign_flip,
            "configurations": float(len(found.trials)),
        },
        "verdict": verdict_of(against, against="its single head").to_json(),
    }


def _chosen(found: Larger) -> str:
    """Which heads, and how their scores are combined."""
    which = ", ".join(f"{layer}.{head}" for layer, head in found.heads[: found.chosen.heads])
    fields = ", ".join(f"{name} {value}" for name, value in asdict(found.chosen).items() if name != "heads")
    return f"chosen: heads {which}; {fields}"


def _tested(record: Mapping[str, Any]) -> str:
    """What it is worth on the test set, and how sure that is."""
    figures = "single head {single_f1:.3f}, this configuration {f1:.3f}".format(**record["figures"])
    return f"{record['test']}: {figures}, {record['verdict']['sentence']}"


def _print(record: Mapping[str, Any], found: Larger, run_id: str | None) -> None:
    out, gain = console(), verdict_of(found.gain.difference, against="the plain head")
    lines = [
        f"{record['model']}: {len(found.trials)} configurations, "
        f"searched and chosen on parts of {record['validation']}",
        _chosen(found),
        f"on the part that chose: {gain.sentence}",
        f"{_tested(record)}, sign-flip p {record['figures']['p_sign_flip']:.3g}",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False)
    if run_id is not None:
        out.print(f"MLflow run {run_id}: rnaexp register {run_id}", markup=False, highlight=False)
