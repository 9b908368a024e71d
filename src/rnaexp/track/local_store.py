"""A SQLite store as a file: whether it was moved away from its artifacts, and which MLflow made its tables."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rnaexp.errors import UnavailableError

# Where MLflow writes addresses of artifacts in full.
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_OURS, _FOLDERS = "mlartifacts", ("mlartifacts", "mlruns")  # next to the database


def refuse_moved_or_older(file: Path) -> None:
    """Raises: UnavailableError for a store whose artifacts would go elsewhere, or whose tables MLflow would change."""
    if (earlier := moved_from(file)) is not None:
        message = (
            f"{file}: this store was moved or copied from {earlier}, and its artifacts are still looked for there; "
            "rnaexp relocate makes it this folder's"
        )
        raise UnavailableError(message)
    state = tables_of(file)
    if state == "older":
        message = (
            f"{file}: made by an older MLflow than {version('mlflow')}, which would change its tables for good, so "
            "that the older one cannot read them; rnaexp upgrade copies the file first"
        )
        raise UnavailableError(message)
    if state == "newer":
        message = f"{file}: made by a newer MLflow than {version('mlflow')}; use that one, or another store"
        raise UnavailableError(message)


def moved_from(file: Path) -> Path | None:
    """The folder that addresses of artifacts name, where that is not the store's own; None where all is well."""
    here = file.resolve().parent
    for location in _locations(file):
        path = Path(unquote(urlsplit(location).path)) if location.startswith("file:") else Path(location)
        at = next((at for at, part in reversed([*enumerate(path.parts)]) if part in _FOLDERS), None)
        if at is None or not path.is_absolute():
            continue
        root, rest = Path(*path.parts[:at]), Path(*path.parts[at:])
        if root.resolve() == here:
            continue
        if (here / rest).exists() or (rest.parts[0] == _OURS and not (root / file.name).exists()):
            return root
    return None


def _locations(file: Path) -> list[str]:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        try:
            rows = database.execute("SELECT artifact_location FROM experiments").fetchall()
        except sqlite3.DatabaseError:  # no store, or damaged: MLflow says which
            return []
    return [str(row[0]) for row in rows if row[0]]


def relocate(file: Path, earlier: Path | None = None) -> tuple[Path, int]:
    """Write this store's own folder into every address of artifacts; the folder before, and how many changed.

    `earlier`: the folder before, where it cannot be seen from the addresses.
    Raises: UnavailableError where nothing points elsewhere, or there is no such store.
    """
    if not file.is_file():
        message = f"{file}: no store here"
        raise UnavailableError(message)
    before = earlier or moved_from(file)
    if before is None:
        message = f"{file}: its artifacts are in its own folder; --from names another one that addresses begin with"
        raise UnavailableError(message)
    here, changed = file.resolve().parent, 0
    with closing(sqlite3.connect(file)) as database, database:
        for table, column in _columns(database):
            for old, new in ((f"{before.as_uri()}/", f"{here.as_uri()}/"), (f"{before}/", f"{here}/")):
                # Not LIKE, to which _ and % in a path are more than letters.
                done = database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, len(old), old),
                )
                changed += done.rowcount
    return before, changed


def _columns(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Those of `_PLACES` that this version of the tables has."""
    for table, column in _PLACES:
        if column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
            yield table, column


def tables_of(file: Path) -> str:
    """current, older, newer, or unknown (no store, or damaged)."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        try:
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError:
            return "unknown"
    if found is None:
        return "unknown"
    revisions = _revisions()
    if found[0] not in revisions.known:
        return "newer" if revisions.known else "unknown"
    return "current" if found[0] == revisions.head else "older"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revisions:
    known: frozenset[str]
    head: str


@cache
def _revisions() -> _Revisions:
    """Of the tables that the installed MLflow knows: read from its migrations, which it runs unasked when it opens."""
    spec = find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    known, replaced = set[str](), set[str]()
    for path in (Path(spec.origin).parent / "store" / "db_migrations" / "versions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        known |= set(re.findall(r"^revision(?:: str)? = [\"'](\w+)[\"']", text, re.M))
        replaced |= set(re.findall(r"^down_revision(?:: [^=]*)? = [\"'](\w+)[\"']", text, re.M))
    heads = known - replaced
    return _Revisions(known=frozenset(known), head=next(iter(heads)) if len(heads) == 1 else "")


def copy_before_upgrade(file: Path) -> Path:
    """A copy of the store by SQLite's own backup, next to it, under a name that no earlier copy has."""
    name = f"{file.name}.before-mlflow-{version('mlflow')}"
    taken = sum(1 for _ in file.parent.glob(f"{name}*"))
    copy = file.with_name(f"{name}-{taken + 1}" if taken else name)
    copy_database(file, copy)
    return copy


def copy_database(file: Path, copy: Path) -> None:
    """Whole, by SQLite's own backup, whoever writes into it meanwhile."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
