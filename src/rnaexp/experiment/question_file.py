"""A question file's words, checked by pydantic: which key, where, and what was expected there."""

import tomllib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnaexp.data.alter import How
from rnaexp.errors import InputError
from rnaexp.models.choices import Long, Precision
from rnaexp.structure.protocol import ReadOut, Scoring

Kind = Literal["structure", "classification", "fitness", "both", "task"]
# Of the half of a file of kind `both` that asks of families; `run.classify_verbs` reads them.
_OF_FAMILIES = ("families", "choices", "controls", "embeddings")
_OF_PROTOCOLS = sorted({"name", "related", *(field.name for kind in (Scoring, ReadOut) for field in fields(kind))})
_SAID = {"too_short": "must have at least one entry", "list_type": "must be a list", "string_type": "must be a word"}
_SAID |= {"int_type": "must be a whole number", "model_type": "must be a table"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SetsWords(_Strict):
    """A set to tune on and one to test on; without a word, the built-in ones."""

    validation: str = "builtin-vl"
    test: str = "builtin-ts"


class ProtocolWords(BaseModel):
    """A ready-made protocol and what is overridden of it: any field of `Scoring` or `ReadOut`, and `related`."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str = "paper"
    related: Literal["drop", "keep"] | None = None
    min_separation: int | None = None

    def fields(self) -> dict[str, Any]:
        """What was written."""
        return {"name": self.name} | self.model_dump(exclude_unset=True)


class ContrastWords(_Strict):
    """One model against another, each on its alignments as they are or altered."""

    model: str
    against: str
    alignment: How = "intact"
    against_alignment: How = "intact"


class QuestionWords(_Strict):
    """The whole file; only `models` has no default."""

    models: Annotated[list[str], Field(min_length=1)]
    title: str = ""
    note: str = ""
    sets: Annotated[list[SetsWords], Field(min_length=1)] = [SetsWords()]
    protocols: Annotated[list[ProtocolWords], Field(min_length=1)] = [ProtocolWords()]
    alignments: Annotated[list[How], Field(min_length=1)] = ["intact"]
    related: Literal["drop", "keep"] = "drop"
    contrasts: list[ContrastWords] = []
    families: str = ""
    device: str = "auto"
    precision: Precision = "fp32"
    long: Long = "skip"
    seed: int = 0


class TaskWords(_Strict):
    """A question of a task that another package adds: `settings` are the task's own."""

    task: str
    models: Annotated[list[str], Field(min_length=1)]
    title: str = ""
    note: str = ""
    settings: dict[str, Any] = {}
    device: str = "auto"
    seed: int = 0


def kind_of(path: Path) -> Kind:
    """What a question is about: another package's task, sets with families, assays, structures, or both of these.

    Raises: InputError for a file that is no TOML.
    """
    values = read_toml(path)
    if "task" in values:
        return "task"
    if isinstance(values.get("families"), list):
        return "both" if "sets" in values else "classification"
    return "fitness" if "assays" in values else "structure"


def read_toml(path: Path) -> dict[str, Any]:
    """Raises: InputError naming the file and what its reader says, with the line."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InputError(message, path=path) from error
    except ValueError as error:
        message = f"cannot be read as TOML: {error}"
        raise InputError(message, path=path) from error


def read_words(path: Path) -> QuestionWords:
    """Raises: InputError naming the file, each wrong key, where it stands, and what is wrong with it."""
    try:
        words = QuestionWords.model_validate(_of_pairs(read_toml(path)))
    except ValidationError as error:
        faults = [_told(fault["loc"], fault) for fault in error.errors(include_url=False)]
    else:
        faults = [
            _unknown(f"protocols, entry {at}, {name}", _OF_PROTOCOLS)
            for at, protocol in enumerate(words.protocols, start=1)
            for name in sorted(set(protocol.model_extra or ()) - set(_OF_PROTOCOLS))
        ]
        if not faults:
            return words
    raise InputError("; ".join(dict.fromkeys(faults)), path=path)


def read_task_words(path: Path) -> TaskWords:
    """Raises: InputError as `read_words`."""
    try:
        return TaskWords.model_validate(read_toml(path))
    except ValidationError as error:
        faults = [_told(fault["loc"], fault, TaskWords) for fault in error.errors(include_url=False)]
        raise InputError("; ".join(dict.fromkeys(faults)), path=path) from error


def _of_pairs(values: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(values.get("families"), list):
        return values
    return {name: value for name, value in values.items() if name not in _OF_FAMILIES}


def _told(where: Sequence[int | str], fault: Any, whole: type[BaseModel] = QuestionWords) -> str:
    """`sets, entry 2, test: ...`, counted from 1."""
    place = ", ".join(f"entry {part + 1}" if isinstance(part, int) else part for part in where)
    kind, value = fault["type"], fault["input"]
    if kind == "missing":
        return f"{place}: is missing" + (" (a list of names: models = ['lm-nano'])" if place == "models" else "")
    if kind == "extra_forbidden":
        parts: dict[str, type[BaseModel]] = {"sets": SetsWords, "contrasts": ContrastWords}
        within = parts.get(str(where[0]) if where[1:] else "", whole)
        return _unknown(place, sorted(within.model_fields))
    said = f"must be {fault['ctx']['expected']}" if kind == "literal_error" else _SAID.get(kind, fault["msg"])
    return f"{place}: {said}, not {value!r}"


def _unknown(place: str, known: Sequence[str]) -> str:
    return f"{place}: unknown field; known: {', '.join(known)}"
