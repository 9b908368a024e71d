"""A question as a file: models, sets and protocols whose runs answer it."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from rnaexp.data.alter import How
from rnaexp.errors import InputError
from rnaexp.experiment.question_file import QuestionWords, read_words
from rnaexp.models import spec
from rnaexp.models.choices import Long, refuse_unknown
from rnaexp.structure.protocol import ReadOut, scoring, squash_of
from rnaexp.tasks.pairs.settings import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Every model on every pair of sets under every protocol; models of alignments on every alteration of these.

    `contrasts` are declared before anything is run: model against model, paired by RNA, Holm over all of them.
    """

    name: str
    title: str
    note: str
    models: tuple[str, ...]
    sets: tuple[dict[str, str], ...]  # {validation, test}
    protocols: tuple[dict[str, Any], ...]  # {name; as override: any field of Scoring or ReadOut, related}
    alignments: tuple[How, ...]
    related: Literal["drop", "keep"]
    contrasts: tuple[dict[str, str], ...]
    families: str  # a set to classify beside each run; empty: none
    device: str
    precision: str
    long: Long
    seed: int

    def tasks(self) -> list[Task]:
        """In the file's order, models slowest, so that shards share the work of loading evenly."""
        return [
            self._task(model, sets, protocol, alignment)
            for model in self.models
            for sets, protocol in product(self.sets, self.protocols)
            for alignment in self._alterations(model)
        ]

    def _alterations(self, model: str) -> tuple[How, ...]:
        """What can be asked of a model: one sequence has no alignment to alter, and covariation needs two rows."""
        about = spec(model)
        if about.reads != "alignment":
            return ("intact",)
        return tuple(how for how in self.alignments if about.min_rows == 1 or how != "depth-1")

    def _task(self, model: str, sets: dict[str, str], protocol: dict[str, Any], alignment: How) -> Task:
        usual = {"score_scale": "raw", "token_pairs": "mean", "squash": squash_of(protocol["name"])}
        fields = usual | {"related": self.related} | protocol
        score_scale, token_pairs, squash, related = (fields.pop(name) for name in (*usual, "related"))
        ReadOut(score_scale=score_scale, token_pairs=token_pairs, squash=squash)  # refuses what does not exist
        refuse_unknown(self.precision, token_pairs)
        judged = scoring(**fields)
        # What has no weights has no precision; the others are all run in the same.
        precision = "fp32" if spec(model).group == "baseline" else self.precision
        how = {"device": self.device, "seed": self.seed, "precision": precision, "token_pairs": token_pairs}
        return Task(
            model=model,
            validation=sets["validation"],
            test=sets["test"],
            scoring=judged,
            score_scale=score_scale,
            squash=squash,
            alignment=alignment,
            related=related,
            families="" if judged.of_proteins else self.families,
            long=self.long,
            loading={"name": model, **how},
        )


def read_question(path: Path) -> Question:
    """Raises: InputError naming the file, each wrong key and where it stands."""
    words = read_words(path)
    _refuse_wrong_contrasts(words, path)
    try:
        question = Question(
            name=path.stem,
            title=words.title or path.stem,
            note=words.note,
            models=tuple(words.models),
            sets=tuple(sets.model_dump() for sets in words.sets),
            protocols=tuple(protocol.fields() for protocol in words.protocols),
            alignments=tuple(words.alignments),
            related=words.related,
            contrasts=tuple(contrast.model_dump() for contrast in words.contrasts),
            families=words.families,
            device=words.device,
            precision=words.precision,
            long=words.long,
            seed=words.seed,
        )
        question.tasks()
    except ValueError as error:
        raise InputError(str(error), path=path) from error
    return question


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


def _refuse_wrong_contrasts(words: QuestionWords, path: Path) -> None:
    """A word that names nothing would test nothing."""
    for at, contrast in enumerate(words.contrasts, start=1):
        named = (("model", contrast.model, words.models), ("against", contrast.against, words.models))
        altered = (
            ("alignment", contrast.alignment, words.alignments),
            ("against_alignment", contrast.against_alignment, words.alignments),
        )
        for field, value, known in (*named, *altered):
            if value not in known:
                message = f"contrasts, entry {at}, {field}: {value!r} is none of {', '.join(known)}"
                raise InputError(message, path=path)
