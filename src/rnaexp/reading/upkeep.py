"""What a store holds, whether it is whole, and what of it nothing can use any more."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnaexp.data.atomic import write_atomically
from rnaexp.reading.derived import maker
from rnaexp.reading.entry import MOST, decode, read_label
from rnaexp.reading.store import DERIVED, RESULTS, SCRATCH, SET_ASIDE, TUNED, Store, key_of

_LEFT_AFTER = 3600.0  # seconds until a private file is one that a killed process left


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How much of a kind there is."""

    what: str
    files: int = 0
    bytes: int = 0


def holdings(root: Path) -> list[Holding]:
    """Of each of the store's folders, then of what `collect` would remove."""
    found = [_of(name, _files(root / name)) for name in (RESULTS, DERIVED, TUNED, SCRATCH, SET_ASIDE)]
    return [*found, _of("of no more use", [path for _, paths in _useless(root) for path in paths])]


def verify(store: Store) -> tuple[int, list[str]]:
    """Read every entry and every tuned head. How many there are, and the names of those not to be believed.

    Such an entry is set aside, to be made again; a tuned head stays where it is.
    """
    count, wrong = 0, list[str]()
    for folder in (RESULTS, DERIVED, SCRATCH):
        for path in _entries(store.root / folder):
            count += 1
            if decode(path.read_bytes(), path.name) is None:
                store.set_aside(path)
                wrong.append(str(path.relative_to(store.root)))
    for path in _entries(store.root / TUNED):
        count += 1
        if not _is_whole(path):
            wrong.append(str(path.relative_to(store.root)))
    return count, wrong


def merge(store: Store, others: Sequence[Path]) -> tuple[int, int, list[str]]:
    """Take over what other stores hold and this one does not. How much was new, how much was known, and what is not
    believed and stays where it is."""
    new, known, wrong = 0, 0, list[str]()
    for other in others:
        for folder in (RESULTS, DERIVED, TUNED):
            for path in _entries(other / folder):
                place = store.root / path.relative_to(other)
                if place.exists():
                    known += 1
                    continue
                held = path.read_bytes()
                if not (_is_whole(path) if folder == TUNED else decode(held, path.name) is not None):
                    wrong.append(str(path))
                else:
                    write_atomically(place, held)
                    new += 1
    return new, known, wrong


def collect(root: Path) -> list[Holding]:
    """Remove what was set aside, what killed processes left, and what other code derived: no answer needs them."""
    removed = []
    for what, paths in _useless(root):
        removed.append(_of(what, paths))
        for path in paths:
            path.unlink(missing_ok=True)  # another process may be quicker
    return removed


def _useless(root: Path) -> Iterator[tuple[str, list[Path]]]:
    yield "set aside", list(_files(root / SET_ASIDE))
    yield "left by killed processes", list(_left(root))
    yield "derived by other code", list(_of_other_code(root))


def _left(root: Path) -> Iterator[Path]:
    """Private files of writers that are gone, and what runs kept until their end and did not remove."""
    for folder in (RESULTS, DERIVED, TUNED, SCRATCH):
        for path in _files(root / folder):
            kept_for_good = folder != SCRATCH and not path.name.startswith(".")
            if not kept_for_good and time.time() - path.stat().st_mtime > _LEFT_AFTER:
                yield path


def _of_other_code(root: Path) -> Iterator[Path]:
    for path in _entries(root / DERIVED):
        with path.open("rb") as file:
            label = read_label(file.read(MOST))
        if label is None or label.maker != maker():
            yield path


def _is_whole(path: Path) -> bool:
    """Whether a tuned head is the one its name says."""
    try:
        return path.stem.endswith(key_of(json.loads(path.read_text()))[:12])
    except ValueError:
        return False


def _entries(folder: Path) -> Iterator[Path]:
    return (path for path in _files(folder) if not path.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _of(what: str, paths: Iterator[Path] | list[Path]) -> Holding:
    sizes = [path.stat().st_size for path in paths]
    return Holding(what=what, files=len(sizes), bytes=sum(sizes))
