"""A lab's own rows: RNAEXP_CATALOG names a TOML file that adds models or says where a known one comes from.

[models.my-rinalmo]
like = "rinalmo-micro"                  # its loader, letters and sizes
source = "hf:my-lab/my-rinalmo"         # or a URL, doi:..., gdrive:..., or a folder
revision = "40 hex digits"
settings = { num_blocks = 6, embed_dim = 320, num_heads = 20 }

[models.my-bert]                        # without `like`: a checkpoint that transformers opens as BERT or ESM
source = "hf:my-lab/my-bert"

[[models.rna-msm.sources]]              # several, tried in this order; fields of `Source`
address = "https://mirror.my-lab.org/RNA_MSM_pretrained.ckpt"
[[models.rna-msm.sources]]
address = "hf:multimolecule/rnamsm"
layout = "multimolecule"
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from rnaexp.errors import InputError
from rnaexp.models.source import Source
from rnaexp.models.spec import ModelSpec
from rnaexp.settings import RECORD, Word, wrong_field

VARIABLE = "RNAEXP_CATALOG"

# A loader is code: it is chosen by naming a row that has it, never as text.
_CLOSED = {"name", "loader", "output", "proof_state", "proof"}
_OPEN = {each.name for each in fields(ModelSpec)} - _CLOSED | {"source"}
_OF_A_SOURCE = {each.name for each in fields(Source)}
_PATTERNS = {"revision": "[0-9a-f]{40}", "sha256": "[0-9a-f]{64}", "source": ".+", "address": ".+"}
_NAME = r"[\w.+-]+"


def with_extra_rows(known: Mapping[str, ModelSpec]) -> Mapping[str, ModelSpec]:
    """The catalogue with the rows of RNAEXP_CATALOG, if it is set.

    Raises: InputError naming the file for what is not a row.
    """
    path = os.environ.get(VARIABLE)
    return {**known, **_rows(Path(path), known)} if path else known


def _rows(path: Path, known: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"no such file; {VARIABLE} names it"
        raise InputError(message, path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"not TOML: {error}"
        raise InputError(message, path=path) from error
    tables = held.get("models", {})
    if set(held) - {"models"} or not isinstance(tables, dict):
        message = "wanted tables [models.NAME] and nothing else"
        raise InputError(message, path=path)
    return {name: _row(name, table, known, path) for name, table in tables.items()}


def _row(name: str, table: Any, known: Mapping[str, ModelSpec], path: Path) -> ModelSpec:
    if not isinstance(table, dict) or (strange := sorted(set(table) - _OPEN - {"like"})):
        what = strange[0] if isinstance(table, dict) else "a value"
        message = f"[models.{name}]: {what}; it has like, {', '.join(sorted(_OPEN))}"
        raise InputError(message, path=path)
    if not re.fullmatch(_NAME, name):
        message = f"[models.{name!r}]: a name has letters, digits and . _ + - only"
        raise InputError(message, path=path)
    _refuse_wrong_kinds(f"[models.{name}]", table, _row_kinds(), path)
    facts = {key: value for key, value in table.items() if key not in ("like", "source", "sources")}
    like = table.get("like", name)
    if like not in known and like != name:
        message = f"[models.{name}]: like = {like!r}, which is no model of the catalogue"
        raise InputError(message, path=path)
    base = known.get(like) or _checkpoint(name)
    if like != name:
        base = replace(base, title=name)
    return replace(_from_there(base, name, table, path), name=name, **facts)


def _from_there(base: ModelSpec, name: str, table: Mapping[str, Any], path: Path) -> ModelSpec:
    """The row with its sources; what was pinned for another file says nothing of this one."""
    if "sources" in table:
        given = table["sources"]
        if not isinstance(given, list) or not given:
            message = f"[models.{name}]: sources: wanted tables [[models.{name}.sources]]"
            raise InputError(message, path=path)
        sources = tuple(_source(name, each, path) for each in given)
    elif "source" in table:
        pinned = {key: table[key] for key in ("revision", "sha256") if key in table}
        sources = (_source(name, {"address": table["source"], **pinned}, path),)
    elif "revision" in table and base.sources:
        return replace(base, sources=(replace(base.sources[0], revision=table["revision"]), *base.sources[1:]))
    else:
        return base
    return replace(base, sources=sources, revision=None, sha256=None, unavailable=None)


def _source(name: str, table: Any, path: Path) -> Source:
    """One source; a folder is meant from where the file stands."""
    if not isinstance(table, dict) or "address" not in table or (strange := sorted(set(table) - _OF_A_SOURCE)):
        what = f"no {strange[0]!r}" if isinstance(table, dict) and "address" in table else "an address"
        message = f"[[models.{name}.sources]]: wanted {what}; it has {', '.join(sorted(_OF_A_SOURCE))}"
        raise InputError(message, path=path)
    _refuse_wrong_kinds(f"[[models.{name}.sources]]", table, _source_kinds(), path)
    beside = tuple(_source(name, {"address": each}, path) for each in table.get("beside", ()))
    there = path.parent / table["address"]
    address = str(there.resolve()) if "://" not in table["address"] and there.exists() else table["address"]
    return Source(**{**table, "address": address, "beside": beside})


def _refuse_wrong_kinds(where: str, table: Mapping[str, Any], kinds: type[BaseModel], path: Path) -> None:
    """Each value has the type, the range and the words of the field it becomes; a commit is a commit."""
    for field, pattern in _PATTERNS.items():
        if field in table and not (isinstance(table[field], str) and re.fullmatch(pattern, table[field])):
            message = f"{where}: {field} = {table[field]!r}; wanted {pattern}"
            raise InputError(message, path=path)
    try:
        kinds.model_validate(table)
    except ValidationError as error:
        message = f"{where}: {wrong_field(error)}"
        raise InputError(message, path=path) from error


@cache
def _row_kinds() -> type[BaseModel]:
    """What a row may say: the open fields of `ModelSpec`, as they are declared there."""
    return _kinds(ModelSpec, _OPEN, like=Word, source=Word, sources=list[dict[str, Any]])


@cache
def _source_kinds() -> type[BaseModel]:
    return _kinds(Source, _OF_A_SOURCE, beside=list[Word])


def _kinds(declared: type, names: set[str], **other: Any) -> type[BaseModel]:
    hints = {**get_type_hints(declared, include_extras=True), **other}
    accepted: dict[str, Any] = {name: (hints[name], None) for name in {*names, *other}}
    made: type[BaseModel] = create_model(declared.__name__, __config__=RECORD, **accepted)
    return made


def _checkpoint(name: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=name,
        group="reference",
        loader="rnaexp.models.huggingface:load",
        proof_state="unproven",
        proof=f"added by {VARIABLE}",
    )
