"""A question: models, sets and protocols whose runs answer it, read from a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rnaexp import models
from rnaexp.choices import How, refuse_unknown
from rnaexp.classify.controls import CONTROLS
from rnaexp.classify.protocol import embedding_protocol
from rnaexp.data.suites import members
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError
from rnaexp.experiment.question_file import (
    ProtocolWords,
    QuestionWords,
    SetsWords,
    read_words,
)
from rnaexp.fitness.baselines import BASELINES
from rnaexp.structure.protocol import ReadOut, scoring, squash_of
from rnaexp.tasks.contacts.settings import completed
from rnaexp.tasks.families.settings import ClassifyTask, has_embedding
from rnaexp.tasks.families.stored import Shelf
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.pairs.settings import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a file asks, task by task.

    `pairs`: every model on every pair of sets under every protocol; models of alignments on every alteration of these.
    In the file's order, models slowest, so that shards share the work of loading evenly. `contrasts` are declared
    before anything is run: model against model, paired by RNA, Holm over all of them. `families`: every model and
    control on every set; `choices`: models whose protocol choices are compared. `fitness`: every model on every assay.
    """

    name: str
    title: str
    note: str
    pairs: tuple[Task, ...] = ()
    contrasts: tuple[dict[str, str], ...] = ()
    families: tuple[ClassifyTask, ...] = ()
    choices: tuple[str, ...] = ()
    fitness: tuple[FitnessTask, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the file, in the order in which they are run."""
        wanted = {"pairs": self.pairs, "families": self.families, "fitness": self.fitness}
        return tuple(task for task, some in wanted.items() if some)


def read_question(path: Path) -> Question:
    """Raises: InputError naming the file, each wrong key and where it stands."""
    words = read_words(path)
    _refuse_wrong_names(words, path)
    try:
        return Question(
            name=path.stem,
            title=words.title or path.stem,
            note=words.note,
            pairs=tuple(_pairs(words)) if "pairs" in words.tasks else (),
            contrasts=tuple(contrast.model_dump() for contrast in words.contrasts),
            families=tuple(_families(words, path)),
            choices=tuple(words.choices),
            fitness=tuple(_fitness(words)),
        )
    except ValueError as error:
        raise InputError(str(error), path=path) from error


def places(shard: str) -> tuple[int, int]:
    """The first task of the shard, and the step to its next."""
    if not shard:
        return 0, 1
    try:
        first, count = (int(part) for part in shard.split("/"))
        if not 1 <= first <= count:
            raise ValueError
    except ValueError as error:
        message = f"--shard {shard!r}: write i/n with 1 <= i <= n"
        raise InputError(message) from error
    return first - 1, count


def _pairs(words: QuestionWords) -> Iterator[Task]:
    for model in _models_of(words, "pairs"):
        for sets, protocol in product(words.sets, words.protocols):
            for alignment in _alterations(model, words.alignments):
                yield _pairs_task(words, model, sets, protocol, alignment)


def _models_of(words: QuestionWords, task: str) -> list[str]:
    """The models of a task: all of them, and in a file with several tasks those that can do it."""
    named = [*words.models, *(words.controls if task == "families" else ())]
    if len(words.tasks) == 1:
        return named
    can = {"pairs": _has_pairs, "families": has_embedding, "fitness": _has_fitness}[task]
    return [model for model in named if can(model)]


def _has_pairs(model: str) -> bool:
    return model not in CONTROLS and (model not in BASELINES or model in models.names())


def _has_fitness(model: str) -> bool:
    return model in BASELINES or (model not in CONTROLS and models.spec(model).output == "attention")


def _alterations(model: str, wanted: list[How]) -> list[How]:
    """Alterations that suit a model: one sequence has no alignment to alter, and covariation needs two rows."""
    about = models.spec(model)
    if about.reads != "alignment":
        return ["intact"]
    return [how for how in wanted if about.min_rows == 1 or how != "depth-1"]


def _pairs_task(words: QuestionWords, model: str, sets: SetsWords, protocol: ProtocolWords, alignment: How) -> Task:
    usual = {"score_scale": "raw", "token_pairs": "mean", "squash": squash_of(protocol.name), "related": words.related}
    fields = usual | protocol.overrides()
    score_scale, token_pairs, squash, related = (fields.pop(name) for name in usual)
    ReadOut(score_scale=score_scale, token_pairs=token_pairs, squash=squash)  # refuses what does not exist
    refuse_unknown(words.precision, token_pairs)
    judged = scoring(protocol.name, **fields)
    wanted = Task(
        model=model,
        validation=sets.validation,
        test=sets.test,
        scoring=judged,
        score_scale=score_scale,
        squash=squash,
        alignment=alignment,
        related=related,
        families=words.families if isinstance(words.families, str) else "",
        long=words.long,
        loading={"name": model, **_loading(words, model), "token_pairs": token_pairs},
    )
    return completed(wanted)


def _loading(words: QuestionWords, model: str) -> dict[str, Any]:
    """How a model is loaded. What has no weights has no precision; the others are all run in the same."""
    weightless = (
        model in CONTROLS or model in BASELINES or models.spec(model.removeprefix(models.SHUFFLED)).group == "baseline"
    )
    return {"device": words.device, "seed": words.seed, "precision": "fp32" if weightless else words.precision}


def _families(words: QuestionWords, path: Path) -> Iterator[ClassifyTask]:
    if not isinstance(words.families, list):
        return
    tasks = [
        ClassifyTask(
            model=model,
            families=sets.name,
            protocol=embedding_protocol(sets.protocol, **sets.overrides()),
            loading=_loading(words, model),
            long=words.long,
        )
        for sets, model in product(words.families, _models_of(words, "families"))
    ]
    yield from tasks
    for each in words.embeddings:
        yield from Shelf(families=each.set, folder=each.folder).tasks(path, tasks)


def _fitness(words: QuestionWords) -> Iterator[FitnessTask]:
    reported = set()
    assays = [
        (about, member)
        for about in words.assays
        for member in members(about.name, sheet=about.sheet, categories=about.category)
    ]
    for (about, member), model in product(assays, _models_of(words, "fitness") if words.assays else ()):
        layout = {name: getattr(about, name) for name in ("score_column", "mutant_column", "sequence_column")}
        yield FitnessTask(
            model=model,
            assay=member.assay,
            suite=member.suite,
            category=member.category,
            convention=about.convention or "",
            sample=about.sample,
            seed=words.seed,
            alignment=about.alignment,
            wild_type=about.wild_type,
            direction=about.direction,
            layout=TableLayout(**layout, first=about.offset),
            long=words.long,
            silent=member.assay in reported,  # the first task that reads a table lists its bad rows
            loading=_loading(words, model),
        )
        reported.add(member.assay)


def _refuse_wrong_names(words: QuestionWords, path: Path) -> None:
    """A word that names nothing would test nothing."""
    faults = [f"choices: {name!r} is not among the models" for name in words.choices if name not in words.models]
    sets = [each.name for each in words.families] if isinstance(words.families, list) else []
    strange = [each.set for each in words.embeddings if each.set not in sets]
    faults += [f"embeddings: {name!r} is none of the sets with families: {', '.join(sets)}" for name in strange]
    for at, contrast in enumerate(words.contrasts, start=1):
        named = (("model", contrast.model, words.models), ("against", contrast.against, words.models))
        altered = (
            ("alignment", contrast.alignment, words.alignments),
            ("against_alignment", contrast.against_alignment, words.alignments),
        )
        faults += [
            f"contrasts, entry {at}, {field}: {value!r} is none of {', '.join(known)}"
            for field, value, known in (*named, *altered)
            if value not in known
        ]
    if faults:
        raise InputError("; ".join(faults), path=path)
