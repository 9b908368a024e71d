"""Results that travel: a run and its steps as a file of JSON lines, with a version and a hash of all of it.

First line: format, version, the run's id, what made it and its recipe. Then a line a run, the model's own first: kind,
name, times, parameters, metrics, tags, data sets with their hashes, and its CSV tables (per RNA, per head). Last line:
the SHA-256 of the lines before.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError
from rnaexp.settings import RECORD, Digest, Place, Word, read_as
from rnaexp.structure.protocol import ReadOut, Scoring, protocol_fields

FORMAT: Literal["rnaexp-result"] = "rnaexp-result"
VERSION: Literal[1] = 1
_FIELDS = {"min_separation": int, "symmetrise": bool, "apc": bool, "grid": float}  # of a protocol that are no words
_HASHED = ("validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultData:
    """A data set of a run; `sha256`: of its content."""

    __pydantic_config__ = RECORD

    name: Word
    sha256: Digest
    source: str
    context: Word
    rows: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRun:
    """A run; times in milliseconds since 1970; `tables`: the text of each CSV artifact by its name."""

    __pydantic_config__ = RECORD

    kind: Literal["parent", "question", "tune", "test", "classify", "fitness", "task"]
    name: Word
    started: int
    ended: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    data: tuple[ResultData, ...]
    tables: Mapping[Annotated[str, Field(pattern=r"^[\w-][\w.-]*\.csv$")], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the runs are of. `recipe`: as `rnaexp reproduce` reads it, None for a run without one."""

    __pydantic_config__ = RECORD

    format: Literal["rnaexp-result"]
    version: Literal[1]
    run_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    rnaexp: Word
    recipe: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """A whole file: the first of `runs` is the model's own, or a question's; the others are its steps."""

    header: Header
    runs: tuple[ResultRun, ...]

    @property
    def sha256(self) -> str:
        """As it stands in the file's last line."""
        return hashlib.sha256(self._lines().encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        write_atomically(path, (self._lines() + json.dumps({"sha256": self.sha256}) + "\n").encode())

    def _lines(self) -> str:
        values = [asdict(self.header), *(asdict(run) for run in self.runs)]
        return "".join(json.dumps(one, sort_keys=True) + "\n" for one in values)


def read_result(path: Path) -> ResultFile:
    """Raises: InputError naming the file, the line and the field for what is no result file, or was altered."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read as text: {error}"
        raise InputError(message, path=path) from error
    values = [_object(line, at, path) for at, line in enumerate(lines, start=1)]
    if len(values) < 3 or values[0].get("format") != FORMAT:
        message = "not a result file: rnaexp export RUN writes one"
        raise InputError(message, path=path)
    if values[0].get("version") != VERSION:
        message = f"a result file of version {values[0].get('version')!r}; this rnaexp reads {VERSION}"
        raise InputError(message, path=path)
    text = "".join(line + "\n" for line in lines[:-1])
    if values[-1].get("sha256") != hashlib.sha256(text.encode()).hexdigest():
        message = "its lines do not have the SHA-256 of its last line: it was altered or cut short"
        raise InputError(message, path=path)
    runs = [_read(ResultRun, one, at, path) for at, one in enumerate(values[1:-1], start=2)]
    found = ResultFile(header=_read(Header, values[0], 1, path), runs=tuple(runs))
    _refuse_strange(found, path)
    return found


def _object(line: str, at: int, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        message = f"no JSON: {error}"
        raise InputError(message, path=path, line=at) from error
    if not isinstance(found, dict):
        message = "a line that is no JSON object"
        raise InputError(message, path=path, line=at)
    return found


def _read(kind: Any, values: Mapping[str, Any], at: int, path: Path) -> Any:
    try:
        return read_as(kind, values, "not a line of a result file")
    except InputError as error:
        raise InputError(str(error), path=path, line=at) from error


def _refuse_strange(found: ResultFile, path: Path) -> None:
    """A first run that is a step, steps that are none, or a protocol whose fields are not those of its name here."""
    first, *steps = found.runs
    if first.kind not in ("parent", "question") or any(one.kind in ("parent", "question") for one in steps):
        message = "its first run is a step, or a later one is none"
        raise InputError(message, path=path)
    given = {name.removeprefix("protocol."): v for name, v in first.params.items() if name.startswith("protocol.")}
    if not given:
        return
    try:
        here = _protocol_name(given)
    except (TypeError, ValueError, KeyError) as error:
        message = f"protocol {first.params.get('protocol')!r}: not one of this rnaexp ({error})"
        raise InputError(message, path=path) from error
    if here != first.params.get("protocol"):
        message = f"protocol {first.params.get('protocol')!r}: with these fields this rnaexp calls it {here!r}"
        raise InputError(message, path=path)


def _protocol_name(given: Mapping[str, str]) -> str:
    values = {name: _value(name, text) for name, text in given.items()}
    known = Scoring.__dataclass_fields__
    judged = Scoring(**{name: value for name, value in values.items() if name in known})
    read_out = ReadOut(**{name: value for name, value in values.items() if name not in known})
    return str(protocol_fields(judged, read_out)["name"])


def _value(name: str, text: str) -> Any:
    kind = _FIELDS.get(name, str)
    return {"True": True, "False": False}[text] if kind is bool else kind(text)


def refuse_other_data(found: ResultFile, path: Path, known: Sequence[Mapping[str, str]]) -> None:
    """Raises: InputError where a set of the same name had other content in a run whose parameters are known."""
    mine = found.runs[0].params
    for theirs in known:
        for one in _HASHED:
            for other in _HASHED:
                name, here = mine.get(f"{one}.sha256"), theirs.get(f"{other}.sha256")
                if name and here and mine.get(one) == theirs.get(other) and name != here:
                    message = (
                        f"{one} set {mine[one]}: sha256 {name[:8]}, and {here[:8]} in the runs that it would be "
                        "compared with: another set under the same name"
                    )
                    raise InputError(message, path=path)
