"""`rnaexp.evaluate`: several models, several tasks, one table; tracked in MLflow if wanted."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pandas as pd
import torch

from rnaexp.data.names import safe_name
from rnaexp.errors import InputError
from rnaexp.experiment.results import Results
from rnaexp.experiment.runner import Done, measure
from rnaexp.experiment.settings import Settings, settings
from rnaexp.experiment.tasks import MakeJob, Subject, chosen_tasks
from rnaexp.models.wrap import wrap
from rnaexp.progress import Announce, announce, silence
from rnaexp.tasks.context import Context, Progress, calling
from rnaexp.tasks.pairs.contrasts import add_ranks
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import EXPERIMENT


def evaluate(
    models: Any,
    tasks: str | Sequence[str] = ("pairs",),
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    track: bool = False,
    experiment: str = EXPERIMENT,
    progress: Progress | bool | None = None,
    **given: Any,
) -> Results:
    """Measure what models know: base pairs, families, fitness, zero-shot.

    `models`: a name (`rnaexp models list`), a folder, `hf:org/name`, what `rnaexp.wrap` gave, any object that it takes
    without a tokenizer; a list of these; or a table {name: one of these}. `tasks`: of `rnaexp.list_tasks()`.
    `options`: of each task that another package adds, its settings.
    `track`: keep each model's run in MLflow's `experiment`, as the command line does; inside an open
    `mlflow.start_run()` they are nested in that run. `progress`: True (a bar on stderr) or a function
    called as `progress(what, done, total)`; nothing is printed otherwise. The rest: `rnaexp.Settings`, which lists
    sets (`validation`, `test`, `families`, `assay`), `protocol`, `long`, `related`, `device`, `precision` and `seed`.

    The numbers are the command line's, to the bit: the same tuning on the validation set, the same frozen test.

    Raises: InputError (an unknown model, task, set or setting), UnavailableError (weights cannot be had).
    Source: arXiv 2505.09087 for the protocol of pairs and families.

    >>> import rnaexp
    >>> found = rnaexp.evaluate(["stems", "random"], test="builtin-ts")
    >>> list(found.frame.index)
    ['stems', 'random']
    >>> bool(found.frame.loc["stems", "structure.f1"] > found.frame.loc["random", "structure.f1"])
    True
    """
    wanted = settings(**given)
    chosen = chosen_tasks([tasks] if isinstance(tasks, str) else list(tasks), options or {})
    subjects = _subjects(models)
    context = Context(announce=_announcing(progress), seed=wanted.seed)
    done: dict[str, dict[str, Done]] = {name: {} for name in chosen}
    run_ids: dict[str, str | None] = {}
    for subject in subjects:
        with _run(subject, track=track, experiment=experiment) as run:
            _measure(subject, wanted, chosen, context, run, done)
        run_ids[subject.name] = None if run is None else run.run_id
    _rank(done)
    return Results(
        records={name: tuple(each.record for each in by_model.values()) for name, by_model in done.items()},
        headlines={subject.name: _headline(subject.name, done) for subject in subjects},
        run_ids=run_ids,
        notes=tuple(context.notes),
        rows={name: _joined(by_model) for name, by_model in done.items()},
    )


def _measure(
    subject: Subject,
    wanted: Settings,
    chosen: Mapping[str, MakeJob],
    context: Context,
    run: RunHandle | None,
    done: Mapping[str, dict[str, Done]],
) -> None:
    with torch.random.fork_rng(range(torch.cuda.device_count())):  # the caller's own draws go on as if we were not here
        for name, make in chosen.items():
            job = make(subject, wanted)
            if job is None:
                context.notes.append(f"{subject.name}: has no embeddings, so no overlap of families")
                continue
            found = measure(job, context, run, with_rows=True)
            context.notes.extend(_named(subject.name, [*found.notes, *found.record.get("tags", ())]))
            done[name][subject.name] = found


def _named(model: str, lines: Sequence[str]) -> list[str]:
    return [line if line.startswith(model) else f"{model}: {line}" for line in lines]


def _rank(done: Mapping[str, Mapping[str, Done]]) -> None:
    """Write ranks, over the RNAs that all scored, into the records of pairs and contacts."""
    for by_model in done.values():
        add_ranks([each.answer for each in by_model.values() if each.answer is not None])


def _headline(model: str, done: Mapping[str, Mapping[str, Done]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for by_model in done.values():
        found |= dict(by_model[model].metrics) if model in by_model else {}
    return found


def _joined(by_model: Mapping[str, Done]) -> pd.DataFrame:
    """Rows of all models, each with its model's name first."""
    frames = []
    for model, each in by_model.items():
        rows = pd.DataFrame() if each.rows is None else each.rows.copy()
        rows.insert(0, "model", model)
        frames.append(rows)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _run(subject: Subject, *, track: bool, experiment: str) -> AbstractContextManager[RunHandle | None]:
    return tracked_run(subject.name, experiment=experiment) if track else nullcontext()


def _announcing(progress: Progress | bool | None) -> Announce:
    """None or False: silent; True: a bar on a terminal, lines elsewhere, on stderr; else the caller's function."""
    if not progress:
        return silence
    return announce if progress is True else calling(progress)


def _subjects(models: Any) -> list[Subject]:
    """Names and encoders. Raises: InputError for two models of one name, or none."""
    if isinstance(models, Mapping):
        found = [_subject(model, str(name)) for name, model in models.items()]
    else:
        found = [_subject(model) for model in (models if isinstance(models, list | tuple) else [models])]
    names = [each.name for each in found]
    if twice := [name for name in names if names.count(name) > 1]:
        message = f"models: two are called {twice[0]!r}; name them: evaluate({{'one': ..., 'two': ...}})"
        raise InputError(message)
    if not found:
        message = "models: name at least one"
        raise InputError(message)
    return found


def _subject(model: Any, name: str = "") -> Subject:
    if isinstance(model, str):
        if name and name != model:
            message = f"models: {model!r} is run by its own name; {name!r} is for models in memory"
            raise InputError(message)
        return Subject(name=model)
    encoder = wrap(model, name=name)
    if safe_name(encoder.spec.name) == "":
        message = "models: a model in memory needs a name"
        raise InputError(message)
    return Subject(name=encoder.spec.name, encoder=encoder)
