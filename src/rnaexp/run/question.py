"""A question as a file: models, sets and protocols whose runs answer it."""

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.run.task import Task
from rnaexp.structure.protocol import scoring

_FIELDS = {"title", "note", "models", "sets", "protocols", "related", "families", "device", "seed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Every model on every pair of sets under every protocol."""

    name: str
    title: str
    note: str
    models: tuple[str, ...]
    sets: tuple[dict[str, str], ...]  # {validation, test}
    protocols: tuple[dict[str, Any], ...]  # {name, and any field of Scoring as override}
    related: str
    families: str
    device: str
    seed: int

    def tasks(self) -> list[Task]:
        """In the file's order, models slowest, so that shards share the work of loading evenly."""
        return [
            Task(
                model=model,
                validation=sets["validation"],
                test=sets["test"],
                scoring=scoring(**protocol),
                related="keep" if self.related == "keep" else "drop",
                families=self.families,
                loading={"name": model, "device": self.device, "seed": self.seed},
            )
            for model, sets, protocol in product(self.models, self.sets, self.protocols)
        ]


def read_question(path: Path) -> Question:
    """Raises: InputError naming the file and what is wrong in it."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        message = f"cannot be read as TOML: {error}"
        raise InputError(message, path=path) from error
    if unknown := sorted(set(values) - _FIELDS):
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
            related=str(values.get("related", "drop")),
            families=str(values.get("families", "")),
            device=str(values.get("device", "auto")),
            seed=int(values.get("seed", 0)),
        )
        question.tasks()
    except (KeyError, TypeError, ValueError) as error:
        message = f"not a question: {type(error).__name__} {error}"
        raise InputError(message, path=path) from error
    return question


def _refuse_wrong_kinds(values: dict[str, Any], path: Path) -> None:
    """Words where a list is meant, and choices that do not exist, would run something else than was asked."""
    models = values.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(model, str) for model in models):
        message = "models: must be a list of names"
    elif values.get("related", "drop") not in ("drop", "keep"):
        message = f"related {values['related']!r}: must be drop or keep"
    elif any(set(sets) != {"validation", "test"} for sets in values.get("sets", [])):
        message = "sets: each has a validation and a test, and nothing else"
    elif any(not isinstance(p.get("min_separation", 1), int) for p in values.get("protocols", [])):
        message = "min_separation: must be a whole number"
    else:
        return
    raise InputError(message, path=path)
