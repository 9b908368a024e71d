"""The questions that come with the package, `rnaexp questions list|show`: the files of `experiments/`, by name."""

import json as json_format
import sys
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.experiment.question_file import read_words

BUILTIN = "builtin"  # what a bare `rnaexp run` asks: it needs no download
_FOLDER = Path(__file__).parents[1] / "questions"


def shipped() -> dict[str, Path]:
    """Each question's file, by its name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}


def question_file(name: Path) -> Path:
    """The file itself, or that of a question which ships under this name.

    Raises: InputError if it is neither.
    """
    if name.exists() or name.suffix or len(name.parts) > 1:
        return name  # its reader says what is wrong with it
    return _shipped(str(name))


def show(name: str) -> None:
    """Print its file, which may be saved and changed. Raises: InputError."""
    sys.stdout.write(_shipped(name).read_text(encoding="utf-8"))


def list_all(*, json: bool) -> None:
    """Name, title and number of models of each."""
    found = list[dict[str, Any]]()
    for name, path in shipped().items():
        words = read_words(path)
        found.append({"name": name, "title": words.title, "models": len(words.models), "file": str(path)})
    if json:
        sys.stdout.write(json_format.dumps({"questions": found}) + "\n")
        return
    width = max(len(one["name"]) for one in found)
    sys.stdout.write("".join(f"{one['name']:{width}}  {one['models']:3} models  {one['title']}\n" for one in found))


def _shipped(name: str) -> Path:
    known = shipped()
    if name not in known:
        message = f"no question {name!r}, and no such file; rnaexp questions list: {', '.join(known)}"
        raise InputError(message)
    return known[name]
