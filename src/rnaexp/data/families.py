"""Sets of RNAs with family labels, several members a family: what the classification task reads."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rnaexp.data.dataset import content_sha256
from rnaexp.data.nonredundant import chance_order, unlike
from rnaexp.data.readers import ending, read_file, recognise
from rnaexp.data.rfam import read_seed, seed_path
from rnaexp.data.rfam_split import accession, clan
from rnaexp.data.sets import load_set, set_names
from rnaexp.data.stockholm import Family, read_families, read_stockholm
from rnaexp.data.text import read_source, stem
from rnaexp.errors import InputError
from rnaexp.rna import Rna

RFAM_SEED, RFAM_500 = "rfam-seed", "rfam-500"
NAMED_FAMILIES = (RFAM_SEED, RFAM_500, "archiveii", "builtin")
_SAMPLE, _SAMPLE_MEMBERS = 500, 5  # families of rfam-500, and the fewest members each must have left


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySet:
    """RNAs of two families or more, at least two each; `family` and `cluster` (the clan) of every RNA are known.

    `left_out` counts, by reason, the RNAs and families of the source that are not here.
    """

    name: str
    rnas: tuple[Rna, ...]
    sha256: str
    left_out: Mapping[str, int]

    @property
    def families(self) -> tuple[str, ...]:
        """Each RNA's family."""
        return tuple(str(rna.family) for rna in self.rnas)

    @property
    def clans(self) -> tuple[str, ...]:
        """Each RNA's clan; a family without one is its own."""
        return tuple(str(rna.cluster) for rna in self.rnas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which members stand for a family: not longer than `max_bases`, unlike one another, at most `members`."""

    identity: float = 0.9
    members: int = 10
    max_bases: int = 440
    seed: int = 0
    alignments: bool = False  # give each RNA its family's alignment, where there is one
    without: frozenset[str] = frozenset()  # families that are left out, after all else
    without_name: str = ""  # the model that was trained on them
    whole: bool = False  # nothing is left out but families of one RNA: copies, unknown letters and long RNAs stay


def load_families(name_or_path: str, selection: Selection) -> FamilySet:
    """A set by name (rfam-seed, rfam-500, archiveii, builtin), or any file or folder of families.

    A Stockholm file holds one family a block, every row a member; of a folder, each file is a family named by it.
    RNAs with unknown letters, longer ones, and copies of an earlier sequence are left out, then families with fewer
    than two members. `rfam-500` is those 500 families of rfam-seed with at least 5 members left whose accessions
    have the least sha256.

    Raises: InputError, UnavailableError.
    """
    families = _by_family(name_or_path, selection.alignments)
    left_out: Counter[str] = Counter()
    if selection.whole and name_or_path != RFAM_500:
        chosen = {name: rnas for name, rnas in families.items() if len(rnas) > 1}
        left_out["families of one RNA"] = len(families) - len(chosen)
    else:
        chosen = _chosen(name_or_path, families, selection, left_out)
    if seen := [name for name in chosen if name in selection.without]:
        left_out[f"families that {selection.without_name} was trained on"] += len(seen)
        chosen = {name: rnas for name, rnas in chosen.items() if name not in selection.without}
    if len(chosen) < 2:
        message = f"{name_or_path}: {len(chosen)} families with two members or more; at least two are needed"
        raise InputError(message)
    rnas = tuple(rna for name in sorted(chosen) for rna in chosen[name])
    apart = f" unseen by {selection.without_name}" if seen else ""
    return FamilySet(name=Path(name_or_path).name + apart, rnas=rnas, sha256=_sha256(rnas), left_out=dict(left_out))


def _chosen(
    name_or_path: str, families: Mapping[str, list[Rna]], selection: Selection, left_out: "Counter[str]"
) -> dict[str, list[Rna]]:
    """Each family's members that stand for it, where enough of them are left."""
    suitable = {name: _suitable(rnas, selection, left_out) for name, rnas in sorted(families.items())}
    _drop_copies(suitable, left_out)
    least = _SAMPLE_MEMBERS if name_or_path == RFAM_500 else 2
    chosen: dict[str, list[Rna]] = {}
    for name in sorted(suitable, key=_rank if name_or_path == RFAM_500 else str):
        if name_or_path == RFAM_500 and len(chosen) == _SAMPLE:
            break
        some = suitable[name]
        if len(some) >= least:
            # Of a family that is left out later, only whether it has enough members is counted.
            enough = min(least, selection.members) if name in selection.without else selection.members
            kept = unlike(some, identity=selection.identity, at_most=enough)
            if len(kept) >= least:
                chosen[name] = kept
                continue
        left_out[f"families with fewer than {least} such members"] += 1
    return chosen


def family_set_names() -> list[str]:
    """Named sets that carry family labels."""
    return [RFAM_SEED, RFAM_500, "archiveii", "builtin", "wang-rfam", "wang-archiveii"]


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _sha256(rnas: tuple[Rna, ...]) -> str:
    labels = "\n".join(f"{rna.id}\t{rna.family}\t{rna.cluster}" for rna in rnas)
    return hashlib.sha256(f"{content_sha256(rnas)}\n{labels}".encode()).hexdigest()


def _by_family(name_or_path: str, alignments: bool) -> dict[str, list[Rna]]:
    if name_or_path in (RFAM_SEED, RFAM_500):
        return _members(iter(read_seed(seed_path())), alignments)
    path = Path(name_or_path)
    if name_or_path not in set_names() and path.exists():
        return _of_folder(path) if path.is_dir() else _of_file(path, alignments)
    families: dict[str, list[Rna]] = {}
    for rna in load_set(name_or_path).rnas:
        if rna.family is None:
            message = f"{name_or_path}: {rna.id} has no family; sets with families: {', '.join(family_set_names())}"
            raise InputError(message)
        bare = rna if alignments else replace(rna, alignment=None)
        families.setdefault(rna.family, []).append(replace(bare, cluster=rna.cluster or rna.family))
    return families


def _of_file(path: Path, alignments: bool) -> dict[str, list[Rna]]:
    source = read_source(path)
    if ending(path) not in (".sto", ".stk", ".stockholm") and recognise(source) is not read_stockholm:
        message = "names no families: give a Stockholm file (a block is a family) or a folder with one file a family"
        raise InputError(message, path=path)
    return _members(read_families(source, "mask"), alignments)


def _of_folder(path: Path) -> dict[str, list[Rna]]:
    """Each file a family; the rows of an alignment are members, as the sequences of a FASTA file are."""
    families: dict[str, list[Rna]] = {}
    for file in sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")):
        name = stem(file)
        if ending(file) in (".sto", ".stk", ".stockholm"):
            rnas = [rna for group in _of_file(file, alignments=False).values() for rna in group]
        else:
            rnas = read_file(file, unknown="mask")
        named = [replace(rna, id=f"{name}:{rna.id}", family=name, cluster=name, alignment=None) for rna in rnas]
        families.setdefault(name, []).extend(named)
    return families


def _members(families: Iterator[Family], alignments: bool) -> dict[str, list[Rna]]:
    found: dict[str, list[Rna]] = {}
    for family in families:
        name = accession(family)
        for at, (row_name, row) in enumerate(zip(family.names, family.rows, strict=True)):
            sequence = row.replace("-", "")
            if sequence:
                alignment = family.member(at).alignment if alignments else None
                rna = Rna(id=f"{name}:{row_name}", sequence=sequence, alignment=alignment)
                found.setdefault(name, []).append(replace(rna, family=name, cluster=clan(family)))
    return found


def _suitable(rnas: list[Rna], selection: Selection, left_out: "Counter[str]") -> list[Rna]:
    kept = []
    for rna in rnas:
        if "N" in rna.sequence:
            left_out["RNAs with unknown letters"] += 1
        elif len(rna) > selection.max_bases:
            left_out[f"RNAs with more than {selection.max_bases} bases"] += 1
        else:
            kept.append(rna)
    return chance_order(kept, selection.seed)


def _drop_copies(families: dict[str, list[Rna]], left_out: "Counter[str]") -> None:
    """Equal sequences once, in the first family by name: a copy is no second observation."""
    seen: set[str] = set()
    for name, rnas in families.items():
        first = {rna.sequence: rna for rna in reversed(rnas) if rna.sequence not in seen}
        kept = [rna for rna in rnas if first.get(rna.sequence) is rna]
        left_out["exact copies"] += len(rnas) - len(kept)
        seen |= set(first)
        families[name] = kept
