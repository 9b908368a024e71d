"""Loaders of the sets that papers cite by name: CHANRG, bpRNA-new and CASP-RNA from the hub, RNAGym's 2D tables.

Files, columns and splits are those that the authors' cards and scripts name; nobody here has seen the hub's files or
RNAGym's archive. Letters other than bases read as N, rows that repeat another word for word are left out, a name of
two RNAs gets `.2`: all of it counted in the set's notes.
"""

import json
import lzma
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rnaexp.data.catalog import SetSpec
from rnaexp.data.clusters import clustered
from rnaexp.data.dataset import DataSet, Evidence
from rnaexp.data.download import cache_folder, file_sha256
from rnaexp.data.kept import kept_files, kept_folder, key_of
from rnaexp.data.names import distinct, renamed_note
from rnaexp.data.public_csv import Row, loose_rows
from rnaexp.data.public_sets import as_dataset, only_file
from rnaexp.data.text import Source, read_source
from rnaexp.errors import InputError
from rnaexp.rna import Rna

# As CHANRG's card lists them; one file holds the last four.
SPLITS = ("Train", "Validation", "Test", "GenF", "GenC", "GenA")
_SPLIT_OF = {f"chanrg-{split.lower()}": split for split in SPLITS}
# RNAGym's table of structures, and which sources of its ids `source:id` are in which set.
TABLE = "rnagym_2d.parquet"
_SOURCES: dict[str, Evidence] = {"pseudobase": "published", "pdb": "3d"}
_SOURCES_OF = {"rnagym-2d": tuple(_SOURCES), "rnagym-pdb": ("pdb",)}
_WRONG = {"rnagym-pseudobase": ("PKB373",)}  # its structure has 101 symbols, its sequence 103 bases
_MOST_BYTES = 2_000_000_000  # of that table


@dataclass(frozen=True, slots=True)
class _Cells:
    """A row of a table, whole."""

    row: Row
    by_name: dict[str, str]


def load_chanrg(spec: SetSpec) -> DataSet:
    """One split; the RNAs of one clan, else of one family, are one cluster."""
    path, wanted = only_file(spec), _SPLIT_OF[spec.name]
    source, rows = _table(path, ("family", "clan", "split"))
    for each in rows:
        if each.by_name["split"] not in SPLITS:
            message = f"{each.row.name}: split {each.by_name['split']!r}; known are {', '.join(SPLITS)}"
            raise source.error(message, each.row.line)
    rows = [each for each in rows if each.by_name["split"] == wanted]
    if not rows:
        message = f"no RNA of split {wanted}"
        raise source.error(message)
    cluster_of = {
        each.row.line: each.by_name["clan"].strip() or each.by_name["family"].strip() or None for each in rows
    }
    return _loaded(spec, path, source, rows, lambda rna, each: replace(rna, cluster=cluster_of[each.row.line]))


def load_table(spec: SetSpec) -> DataSet:
    """A table that is one set, but for the rows that are known to be wrong."""
    path = only_file(spec)
    source, rows = _table(path)
    right = [each for each in rows if each.row.name not in _WRONG.get(spec.name, ())]
    return _loaded(spec, path, source, right, lambda rna, _: rna)


def load_rnagym(spec: SetSpec) -> DataSet:
    """The rows of RNAGym's table that come from a set's sources; other sources are counted in the notes."""
    path, wanted = _taken_out(only_file(spec), TABLE), _SOURCES_OF[spec.name]
    source, rows = _table(path)
    origins = [_origin(source, each) for each in rows]
    found = _loaded(
        spec,
        path,
        source,
        [each for each, origin in zip(rows, origins, strict=True) if origin in wanted],
        lambda rna, _: rna,
    )
    left_out = Counter(origin for origin in origins if origin not in wanted)
    notes = [f"{count} structures of {origin} left out" for origin, count in left_out.items()]
    lost = {each.row.name: _unresolved(source, each) for each in rows}
    unresolved = {rna.id: lost[rna.id] for rna in found.rnas if lost.get(rna.id)}
    if unresolved:
        total = sum(map(len, unresolved.values()))
        notes.append(f"{total} bases of {len(unresolved)} RNAs without coordinates: scored here, left out by RNAGym")
    return replace(
        found,
        evidence_of={rna.id: _SOURCES[rna.id.partition(":")[0]] for rna in found.rnas},
        unresolved=unresolved,
        notes=(*found.notes, *notes),
    )


def _table(path: Path, columns: Sequence[str] = ()) -> tuple[Source, list[_Cells]]:
    """Every row. Raises: InputError for a column that is missing, or a row without its structure."""
    source = read_source(path)
    rows = [_Cells(row, row.fields(source)) for row in loose_rows(source)]
    for name in ("secondary_structure", *columns):
        if name not in rows[0].by_name:
            message = f"no column {name}; there are {', '.join(rows[0].by_name)}"
            raise source.error(message, 1)
    for each in rows:
        if not each.by_name["secondary_structure"]:
            message = f"{each.row.name}: no structure"
            raise source.error(message, each.row.line)
    return source, rows


def _loaded(
    spec: SetSpec, path: Path, source: Source, rows: Sequence[_Cells], finish: Callable[[Rna, _Cells], Rna]
) -> DataSet:
    """The set of these rows; RNAs that `finish` gives no cluster are clustered by identity."""
    kept = {(each.row.name, each.by_name["sequence"], each.by_name["secondary_structure"]): each for each in rows}
    once = list(kept.values())
    names, renamed = distinct([each.row.name for each in once])
    rnas = [
        replace(finish(each.row.rna(source, "mask"), each), id=name) for each, name in zip(once, names, strict=True)
    ]
    if not rnas:
        message = f"no RNA of {spec.name}"
        raise InputError(message, path=path)
    notes = []
    if again := len(rows) - len(once):
        notes.append(f"{again} rows that repeat another were left out")
    if renamed:
        notes.append(renamed_note(renamed))
    if changed := [rna.letters_changed for rna in rnas if rna.letters_changed]:
        notes.append(f"{sum(changed)} letters of {len(changed)} RNAs were read as N")
    if copies := len(rnas) - len({rna.sequence for rna in rnas}):
        notes.append(f"{copies} RNAs have the sequence of another")
    if any(rna.cluster is None for rna in rnas):
        rnas = list(clustered(rnas))
    found = as_dataset(spec, rnas, path)
    return replace(found, notes=(*found.notes, *notes))


def _origin(source: Source, each: _Cells) -> str:
    origin, colon, _ = each.row.name.partition(":")
    if not colon:
        message = f"{each.row.name}: an id of RNAGym's table is source:id"
        raise source.error(message, each.row.line)
    return origin


def _unresolved(source: Source, each: _Cells) -> tuple[int, ...]:
    """Bases (from 0) that the column `resolved`, one truth a base, says no to."""
    if not (text := each.by_name.get("resolved")):
        return ()
    try:
        known = json.loads(text)
    except ValueError:
        known = None
    if not isinstance(known, list) or len(known) != len(each.by_name["sequence"]):
        message = f"{each.row.name}: resolved is no list of one truth a base"
        raise source.error(message, each.row.line)
    return tuple(at for at, one in enumerate(known) if not one)


def _taken_out(archive: Path, name: str) -> Path:
    """A file of a tar archive, written once; the archive may hold gigabytes of other files."""
    place = cache_folder() / "archives" / key_of(file_sha256(archive), name)
    return kept_files(kept_folder(place, lambda made: _take_out(archive, name, made)))[name]


def _take_out(archive: Path, name: str, folder: Path) -> None:
    """Raises: InputError for what is no such archive, or holds not one file of this name."""
    found = 0
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                if not member.isfile() or PurePosixPath(member.name).name != name:
                    continue
                found += 1
                inside = packed.extractfile(member)
                if inside is None or found > 1 or member.size > _MOST_BYTES:
                    break
                with (folder / name).open("wb") as out:
                    shutil.copyfileobj(inside, out)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        message = f"is no readable tar archive ({error})"
        raise InputError(message, path=archive) from error
    if found != 1 or not (folder / name).is_file():
        message = f"wanted one file {name} of at most {_MOST_BYTES} bytes in it, found {found}"
        raise InputError(message, path=archive)
