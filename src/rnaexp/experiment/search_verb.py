"""The verb `search`: the larger search, tracked, with the single head it must beat."""

import json as json_format
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rnaexp.errors import UnavailableError
from rnaexp.progress import announce, say
from rnaexp.reading.store import Store
from rnaexp.report.console import console
from rnaexp.stats.intervals import Interval
from rnaexp.structure.study import keep_study
from rnaexp.tasks.pairs.figures import search_progress
from rnaexp.tasks.pairs.larger import Larger, larger_search
from rnaexp.tasks.pairs.result import Task
from rnaexp.track.orphan import watch_parent
from rnaexp.track.runs import tracked_run
from rnaexp.track.store import EXPERIMENT, without_password
from rnaexp.track.words import RunWords


def search(task: Task, *, trials: int, storage: str, seed: int, words: RunWords, json: bool) -> None:
    """Search, track, print."""
    watch_parent()
    start = time.monotonic()
    name = words.run_name or f"{task.model} larger search"
    tags = {**words.tags, "rnaexp.search": "larger"}
    with tracked_run(name, tags=tags, experiment=words.experiment or EXPERIMENT) as run:
        store = Store()
        found = larger_search(task, store, announce, trials=trials, storage=storage or None, seed=seed)
        record = _record(found)
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
        sys.stdout.write(json_format.dumps(record) + "\n")
    else:
        _print(record, found)


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
    }


def _ends(found: Interval) -> str:
    """The interval, or how few clusters there are."""
    if found.low is None or found.high is None:
        return f"n/a ({found.clusters} clusters)"
    return f"[{found.low:+.3f}, {found.high:+.3f}]"


def _print(record: Mapping[str, Any], found: Larger) -> None:
    figures, out = record["figures"], console()
    which = ", ".join(f"{layer}.{head}" for layer, head in found.heads[: found.chosen.heads])
    names = {name: value for name, value in asdict(found.chosen).items() if name != "heads"}
    chosen_fields = ", ".join(f"{name} {value}" for name, value in names.items())
    lines = [
        f"{record['model']}: {len(found.trials)} configurations, "
        f"searched and chosen on parts of {record['validation']}",
        f"chosen: heads {which}; {chosen_fields}",
        "gain over the plain head on the part that chose: "
        f"{figures['gain_where_chosen']:+.3f} {_ends(found.gain.difference)}",
        f"{record['test']}: "
        + "single head {single_f1:.3f}, this configuration {f1:.3f}, difference {difference:+.3f} ".format(**figures)
        + f"{_ends(found.against.difference)}, sign-flip p {figures['p_sign_flip']:.3g}",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False)
