"""A question file's words, checked by pydantic: which key, where, and what was expected there."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnaexp.choices import Convention, Direction, How, Long, Precision
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.errors import InputError
from rnaexp.structure.protocol import ReadOut, Scoring

_OF_PROTOCOLS = sorted({"name", "related", *(field.name for kind in (Scoring, ReadOut) for field in fields(kind))})
_OF_FAMILIES = sorted({"name", "protocol", *(field.name for field in fields(EmbeddingProtocol))})
_EXPECTED = {
    "too_short": "must have at least one entry",
    "list_type": "must be a list",
    "string_type": "must be a word",
    "int_type": "must be a whole number",
    "model_type": "must be a table",
    "dict_type": "must be a table",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Open(BaseModel):
    """With fields of a protocol, which are checked by name here and by value where the protocol is made."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    def overrides(self) -> dict[str, Any]:
        """What was written, less the name and the protocol."""
        written = self.model_dump(exclude_unset=True)
        return {field: value for field, value in written.items() if field not in ("name", "protocol")}


class SetsWords(_Strict):
    """A set to tune on and one to test on; without a word, the built-in ones."""

    validation: str = "builtin-vl"
    test: str = "builtin-ts"


class ProtocolWords(_Open):
    """A ready-made protocol and what is overridden of it: any field of `Scoring` or `ReadOut`, and `related`."""

    name: str = "paper"
    related: Literal["drop", "keep"] | None = None
    min_separation: int | None = None


class ContrastWords(_Strict):
    """One model against another, each on its alignments as they are or altered."""

    model: str
    against: str
    alignment: How = "intact"
    against_alignment: How = "intact"


class FamiliesWords(_Open):
    """A set with families, the name of a ready-made protocol, and any field of `EmbeddingProtocol`."""

    name: str
    protocol: str = "paper"


class EmbeddingsWords(_Strict):
    """A folder with a file of vectors for each model, for a set of the question."""

    set: str
    folder: str


class AssayWords(_Strict):
    """An assay by name, or a table and how it is laid out; or a suite of assays, or a folder of tables with a sheet."""

    name: str
    sheet: str = ""
    category: list[str] = []
    convention: Convention | None = None
    sample: Annotated[int, Field(ge=0)] = 0
    alignment: str = ""
    wild_type: str = ""
    direction: Direction | None = None
    score_column: str = ""
    mutant_column: str = ""
    sequence_column: str = ""
    offset: int | None = None


class QuestionWords(_Strict):
    """The whole file; only `models` has no default.

    Its tasks: base pairs (`sets`, or none of the others), families (`families` as a list), fitness (`assays`), of
    several of these, or of another package's task (`task`).
    """

    models: Annotated[list[str], Field(min_length=1)]
    title: str = ""
    note: str = ""
    device: str = "auto"
    precision: Precision = "fp32"
    long: Long = "skip"
    seed: int = 0

    sets: Annotated[list[SetsWords], Field(min_length=1)] = [SetsWords()]
    protocols: Annotated[list[ProtocolWords], Field(min_length=1)] = [ProtocolWords()]
    alignments: Annotated[list[How], Field(min_length=1)] = ["intact"]
    related: Literal["drop", "keep"] = "drop"
    contrasts: list[ContrastWords] = []

    families: str | Annotated[list[FamiliesWords], Field(min_length=1)] = ""
    controls: list[str] = []
    choices: list[str] = []
    embeddings: list[EmbeddingsWords] = []

    assays: list[AssayWords] = []

    task: str = ""
    settings: dict[str, Any] = {}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the file, in the order in which they are run."""
        if self.task:
            return (self.task,)
        families, fitness = isinstance(self.families, list), bool(self.assays)
        pairs = "sets" in self.model_fields_set or not (families or fitness)
        wanted = (("pairs", pairs), ("families", families), ("fitness", fitness))
        return tuple(name for name, here in wanted if here)


# Which keys belong to which task; all others belong to every one.
_KEYS = {
    "pairs": {"sets", "protocols", "alignments", "related", "contrasts"},
    "families": {"controls", "choices", "embeddings"},
    "fitness": {"assays"},
    "task": {"task", "settings"},
}


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
        words = QuestionWords.model_validate(read_toml(path))
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors(include_url=False) if not _of_other_branch(fault)]
    else:
        faults = [*_unknown_fields("protocols", words.protocols, _OF_PROTOCOLS), *_misplaced(words)]
        if isinstance(words.families, list):
            faults += _unknown_fields("families", words.families, _OF_FAMILIES)
        if not faults:
            return words
    raise InputError("; ".join(dict.fromkeys(faults)), path=path)


def _unknown_fields(key: str, entries: Sequence[_Open], known: Sequence[str]) -> list[str]:
    return [
        _unknown(f"{key}, entry {at}, {name}", known)
        for at, entry in enumerate(entries, start=1)
        for name in sorted(set(entry.model_extra or ()) - set(known))
    ]


def _misplaced(words: QuestionWords) -> list[str]:
    """A key of a task that is not in the file would be dropped silently."""
    wanted = {"task"} if words.task else set(words.tasks)
    return [
        f"{key}: belongs to {task}, and this file has {', '.join(words.tasks)} only"
        for task, keys in _KEYS.items()
        for key in sorted(keys & words.model_fields_set)
        if task not in wanted
    ]


def _fault(fault: Mapping[str, Any]) -> str:
    """`sets, entry 2, test: ...`, counted from 1."""
    where = [part for part in fault["loc"] if not _is_branch(part)]
    place = ", ".join(f"entry {part + 1}" if isinstance(part, int) else part for part in where)
    kind, value = fault["type"], fault["input"]
    if kind == "missing":
        return f"{place}: is missing" + (" (a list of names: models = ['lm-nano'])" if place == "models" else "")
    if kind == "extra_forbidden":
        return _unknown(place, sorted(_model_of(where).model_fields))
    expected = f"must be {fault['ctx']['expected']}" if kind == "literal_error" else _EXPECTED.get(kind, fault["msg"])
    return f"{place}: {expected}, not {value!r}"


def _of_other_branch(fault: Mapping[str, Any]) -> bool:
    """`families` is a word or a list: of what was written only one of the two is meant."""
    return fault["loc"][1:2] == ("str",) and isinstance(fault["input"], list)


def _is_branch(part: int | str) -> bool:
    """Whether it names a branch of a union and not a place in the file."""
    return isinstance(part, str) and (part == "str" or part.startswith("list["))


def _model_of(where: Sequence[int | str]) -> type[BaseModel]:
    entries: dict[str, type[BaseModel]] = {
        "sets": SetsWords,
        "contrasts": ContrastWords,
        "embeddings": EmbeddingsWords,
        "assays": AssayWords,
    }
    return entries.get(str(where[0]) if where[1:] else "", QuestionWords)


def _unknown(place: str, known: Sequence[str]) -> str:
    return f"{place}: unknown field; known: {', '.join(known)}"
