"""Sets by name or path: load, list, describe, fetch, check."""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from rnaexp.data.catalog import CATALOG, SetSpec
from rnaexp.data.cited_catalog import CITED
from rnaexp.data.clusters import clustered
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.download import fetch_file
from rnaexp.data.folder import read_folder
from rnaexp.data.letters import Unknown
from rnaexp.data.readers import read_file
from rnaexp.errors import InputError
from rnaexp.plugins import SETS, loaded, plugged, refuse_taken

__all__ = ["DataSet", "SetSpec", "check", "describe", "fetch", "load_set", "set_names"]

_BY_NAME = {spec.name: spec for spec in (*CATALOG, *CITED)}


def set_names() -> list[str]:
    """All names `load_set` knows, in the catalog's order, then those that other packages add."""
    refuse_taken(SETS, _BY_NAME)
    return [*_BY_NAME, *plugged(SETS)]


def describe(name: str) -> SetSpec:
    """What is known of a named set without loading it.

    Raises: InputError for an unknown name, with the nearest known one.
    """
    if name in plugged(SETS):
        refuse_taken(SETS, _BY_NAME)
        added: SetSpec = loaded(SETS, name, SetSpec)
        return added
    if name not in _BY_NAME:
        near = get_close_matches(name.lower(), set_names(), n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(set_names())}"
        message = f"no set and no file or folder is named {name!r}; {advice}"
        raise InputError(message)
    return _BY_NAME[name]


def load_set(name_or_path: str | Path, *, unknown: Unknown = "reject") -> DataSet:
    """A named set, or any file or folder of RNAs. A name wins over a path; write ./name for the path.

    Raises: InputError (unknown name, malformed file), UnavailableError (a download or a user's copy is missing).
    """
    if str(name_or_path) in set_names():
        spec = describe(str(name_or_path))
        return _loader(spec)(spec)
    path = Path(name_or_path)
    if not path.exists():
        describe(str(name_or_path))
    return _load_path(path, unknown)


def _loader(spec: SetSpec) -> Callable[[SetSpec], DataSet]:
    module, function = spec.loader.split(":")
    found: Callable[[SetSpec], DataSet] = getattr(import_module(module), function)
    return found


def _load_path(path: Path, unknown: Unknown) -> DataSet:
    notes: tuple[str, ...] = ()
    if path.is_dir():
        content = read_folder(path, unknown=unknown)
        rnas = content.rnas
        if content.skipped:
            notes = ("skipped, of no format read here: " + ", ".join(file.name for file in content.skipped),)
    else:
        rnas = read_file(path, unknown=unknown)
    changed = sum(rna.letters_changed for rna in rnas)
    if changed:
        notes += (f"{changed} letters were replaced",)
    return DataSet(
        name=path.resolve().name, rnas=clustered(rnas), sha256=content_sha256(rnas), split="all", notes=notes
    )


def fetch(name: str) -> tuple[Path, ...]:
    """Bring a named set's files here, hashes checked; none for a set that needs no download.

    Raises: InputError, UnavailableError.
    """
    spec = describe(name)
    if spec.needs is not None or not spec.files:
        load_set(name)
    return tuple(fetch_file(file.url, file.sha256) for file in spec.files)


def check(name: str) -> tuple[Path, ...]:
    """Hash a named set's files again and read every RNA of it.

    Raises: UnavailableError for a file that is not the pinned one, InputError for one that does not read.
    """
    paths = fetch(name)
    load_set(name)
    return paths
