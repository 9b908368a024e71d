"""A question as a file: models, sets and protocols whose runs answer it."""

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from rnaexp.data.alter import HOWS, How
from rnaexp.errors import InputError
from rnaexp.models import spec
from rnaexp.models.options import refuse_unknown
from rnaexp.run.task import Task
from rnaexp.structure.protocol import ReadOut, scoring, squash_of
from rnaexp.structure.windows import LONG, Long

_FIELDS = {"title", "note", "models", "sets", "protocols", "alignments", "related", "contrasts"}
_FIELDS |= {"families", "device", "seed", "long", "precision"}
# Of the other half of a file whose `families` are a list of sets to classify; `run.classify_verbs` reads them.
_OF_FAMILIES = {"choices", "controls", "embeddings"}
_CONTRAST = {"model", "against", "alignment", "against_alignment"}


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
    """Raises: InputError naming the file and what is wrong in it."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        message = f"cannot be read as TOML: {error}"
        raise InputError(message, path=path) from error
    both = isinstance(values.get("families"), list)
    if unknown := sorted(set(values) - _FIELDS - (_OF_FAMILIES if both else set())):
        message = f"unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}"
        raise InputError(message, path=path)
    _refuse_wrong_kinds(values, path)
    try:
        question = Question(
            name=path.stem,
            title=str(values.get("title", path.stem)),
            note=str(values.get("note", "")),
            models=tuple(values["models"]),
            sets=tuple({"validation": sets["validation"], "test": sets["test"]} for sets in values["sets"]),
            protocols=tuple(values.get("protocols", [{"name": "paper"}])),
            alignments=tuple(values.get("alignments", ["intact"])),
            related=values.get("related", "drop"),
            contrasts=tuple(values.get("contrasts", [])),
            families="" if both else str(values.get("families", "")),
            device=str(values.get("device", "auto")),
            precision=str(values.get("precision", "fp32")),
            long=values.get("long", "skip"),
            seed=int(values.get("seed", 0)),
        )
        question.tasks()
    except (KeyError, TypeError, ValueError) as error:
        message = f"not a question: {type(error).__name__} {error}"
        raise InputError(message, path=path) from error
    return question


def asks_for_pairs(path: Path) -> bool:
    """Whether a question file names sets to tune and test on."""
    try:
        return "sets" in tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return False


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


def _refuse_wrong_kinds(values: dict[str, Any], path: Path) -> None:
    """Words where a list is meant, and choices that do not exist, would run something else than was asked."""
    models = values.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(model, str) for model in models):
        message = "models: must be a list of names"
    elif wrong := [each for each in _every_related(values) if each not in ("drop", "keep")]:
        message = f"related {wrong[0]!r}: must be drop or keep"
    elif not isinstance(values.get("alignments", []), list) or not set(values.get("alignments", [])) <= set(HOWS):
        message = f"alignments {values['alignments']!r}: must be of {', '.join(HOWS)}"
    elif values.get("long", "skip") not in LONG:
        message = f"long {values['long']!r}: must be {', '.join(LONG[:-1])} or {LONG[-1]}"
    elif unknown := _wrong_contrast(values):
        message = unknown
    elif any(set(sets) != {"validation", "test"} for sets in values.get("sets", [])):
        message = "sets: each has a validation and a test, and nothing else"
    elif any(not isinstance(p.get("min_separation", 1), int) for p in values.get("protocols", [])):
        message = "min_separation: must be a whole number"
    else:
        return
    raise InputError(message, path=path)


def _every_related(values: dict[str, Any]) -> list[Any]:
    return [part["related"] for part in (values, *values.get("protocols", [])) if "related" in part]


def _wrong_contrast(values: dict[str, Any]) -> str | None:
    """What is wrong with the declared contrasts, if anything: a word that names nothing would test nothing."""
    for contrast in values.get("contrasts", []):
        if unknown := sorted(set(contrast) - _CONTRAST):
            return f"contrasts: unknown field {unknown[0]!r}; known: {', '.join(sorted(_CONTRAST))}"
        for field in ("model", "against"):
            if contrast.get(field) not in values["models"]:
                return f"contrasts: {field} {contrast.get(field)!r} is none of the models"
        for field in ("alignment", "against_alignment"):
            if contrast.get(field, "intact") not in values.get("alignments", ["intact"]):
                return f"contrasts: {field} {contrast[field]!r} is none of the alignments"
    return None
