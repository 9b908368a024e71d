"""PDB and mmCIF: one protein per protein chain, its contacts measured in the coordinates of the first model.

The sequence is that of the whole chain (SEQRES, `_entity_poly_seq`), which is what a language model reads; residues
without coordinates are kept in it as unresolved. A residue stands where its C-beta is, a glycine where its C-alpha is;
one that lacks this atom counts as unresolved. A modified residue reads as the amino acid that it was made from (MSE as
M), X where there is none among the twenty.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float64

from rnaexp.data.coordinates import check_extent, check_pdb_lines, damage_named, is_mmcif
from rnaexp.data.text import Source
from rnaexp.rna import AMINO_ACIDS, Pair, Protein

CONTACT_ANGSTROM = 8.0
_NO_SEQUENCE = "chains without SEQRES or _entity_poly_seq, read as their residues with coordinates"
_UNRESOLVED = "chains with residues that lack coordinates: these are read, and no pair of them is scored"


@dataclass(frozen=True, slots=True)
class Note:
    """What was done with a chain, and with which."""

    what: str
    chain: str


@dataclass(frozen=True, slots=True)
class _Residue:
    chain: str
    number: int  # as the file numbers its residues
    place: int  # from 0 in the sequence of the chain; -1 where the file does not say
    name: str
    at: tuple[float, float, float] | None  # of the atom that stands for it


def read_proteins(source: Source) -> tuple[list[Protein], list[Note]]:
    """Every protein chain, and what became of the others; none where the file holds no protein.

    Raises: InputError naming file and chain.
    """
    sequences, residues, others = _mmcif(source) if is_mmcif(source) else _pdb(source)
    chains = dict.fromkeys(residue.chain for residue in residues)
    notes = [Note("chains of other molecules left out", _id(source, chain)) for chain in others if chain not in chains]
    found = []
    for chain in chains:
        own = [residue for residue in residues if residue.chain == chain]
        if chain in sequences:
            names = sequences[chain]
            places = _places(source, chain, names, own)
        else:
            names, places = _without_sequence(own)
            notes.append(Note(_NO_SEQUENCE, _id(source, chain)))
        positions = np.full((len(names), 3), np.nan)
        for place, residue in zip(places, own, strict=True):
            if residue.at is not None:
                positions[place] = residue.at
        protein = _protein(source, _id(source, chain), names, positions)
        if protein.unresolved:
            notes.append(Note(_UNRESOLVED, protein.id))
        found.append(protein)
    return found, notes


def contacts(positions: Float64[np.ndarray, "n 3"]) -> tuple[Pair, ...]:
    """Every pair i < j nearer than 8 angstrom; NaN is near to nothing."""
    from scipy.spatial.distance import cdist

    there = np.flatnonzero(~np.isnan(positions).any(1))
    near = np.triu(cdist(positions[there], positions[there]) < CONTACT_ANGSTROM, 1)
    return tuple((int(there[i]), int(there[j])) for i, j in np.argwhere(near))


def _protein(source: Source, name: str, names: Sequence[str], positions: Float64[np.ndarray, "n 3"]) -> Protein:
    letters = [_letter(one) for one in names]
    try:
        return Protein(
            id=name,
            sequence="".join(letters),
            pairs=contacts(positions),
            unresolved=tuple(int(at) for at in np.flatnonzero(np.isnan(positions).any(1))),
            letters_changed=sum(one not in _standard() for one in names),
        )
    except ValueError as error:
        raise source.error(str(error)) from error


def _id(source: Source, chain: str) -> str:
    return f"{source.stem}_{chain}" if chain.strip() else source.stem


@cache
def _letter(name: str) -> str:
    from biotite.structure.info import one_letter_code

    letter = one_letter_code(name) or "X"
    return letter if letter in AMINO_ACIDS else "X"


@cache
def _standard() -> frozenset[str]:
    from biotite.sequence import ProteinSequence

    return frozenset(ProteinSequence.convert_letter_1to3(letter) for letter in AMINO_ACIDS)


@cache
def _is_amino_acid(name: str) -> bool:
    from biotite.structure.info import link_type

    return "PEPTIDE" in (link_type(name) or "").upper()


def _mmcif(source: Source) -> tuple[dict[str, list[str]], list[_Residue], list[str]]:
    """Sequences by chain, residues with coordinates, and every chain's name; chains as their authors name them."""
    from biotite.structure.io import pdbx

    with damage_named(source), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns that have a stand-in
        block = pdbx.CIFFile.read(io.StringIO("\n".join(source.lines))).block
        polymers = _polymers(block)
        labels = [name for name in ("label_entity_id", "label_seq_id") if name in block["atom_site"]]
        atoms = pdbx.get_structure(block, model=1, altloc="occupancy", extra_fields=labels)
    if not polymers or len(labels) < 2:
        return {}, *_by_residue(source, atoms, [_is_amino_acid(str(name)) for name in atoms.res_name])
    entities = [str(entity) for entity in atoms.label_entity_id]
    sequences = {
        str(chain): polymers[entity]
        for chain, entity in zip(atoms.chain_id, entities, strict=True)
        if entity in polymers
    }
    return sequences, *_by_residue(source, atoms, [entity in polymers for entity in entities])


def _polymers(block: Any) -> dict[str, list[str]]:
    """The residues' names of every protein, by entity; of two at one place the first."""
    if "entity_poly" not in block or "entity_poly_seq" not in block:
        return {}
    of_entities, kinds = (block["entity_poly"][name].as_array(str) for name in ("entity_id", "type"))
    found: dict[str, dict[int, str]] = {
        str(entity): {} for entity, kind in zip(of_entities, kinds, strict=True) if "polypeptide" in kind
    }
    table = block["entity_poly_seq"]
    columns = [table[name].as_array(kind) for name, kind in (("entity_id", str), ("num", int), ("mon_id", str))]
    for entity, number, name in zip(*columns, strict=True):
        if str(entity) in found:
            found[str(entity)].setdefault(int(number), str(name))
    for entity, names in found.items():
        if sorted(names) != list(range(1, len(names) + 1)):
            message = f"_entity_poly_seq of entity {entity} does not count 1, 2, 3, ..."
            raise ValueError(message)
    return {entity: [names[at] for at in sorted(names)] for entity, names in found.items()}


def _pdb(source: Source) -> tuple[dict[str, list[str]], list[_Residue], list[str]]:
    from biotite.structure.io import pdb

    check_pdb_lines(source)
    with damage_named(source):
        file = pdb.PDBFile.read(io.StringIO("\n".join(_without_ligands(source.lines))))
        atoms = file.get_structure(1, altloc="occupancy" if _has_altlocs(source) else "first")
    sequences: dict[str, list[str]] = {}
    for line in source.lines:
        if line.startswith("SEQRES"):
            sequences.setdefault(line[11:12].strip(), []).extend(line[19:70].split())
    named = {chain: set(names) for chain, names in sequences.items() if any(map(_is_amino_acid, names))}
    chosen = [
        _is_amino_acid(str(name)) or str(name) in named.get(str(chain), ())
        for chain, name in zip(atoms.chain_id, atoms.res_name, strict=True)
    ]
    residues, chains = _by_residue(source, atoms, chosen)
    return {chain: sequences[chain] for chain in named}, residues, chains


def _has_altlocs(source: Source) -> bool:
    return any(line.startswith(("ATOM  ", "HETATM")) and line[16:17].strip() for line in source.lines)


def _without_ligands(lines: Sequence[str]) -> Iterator[str]:
    """Without the HETATM lines behind their chain's TER: an amino acid among the ligands is no residue."""
    ended: set[str] = set()
    last = " "
    for line in lines:
        if line.startswith("MODEL"):
            ended.clear()
        elif line.startswith("TER"):
            ended.add(last)
        elif line.startswith(("ATOM  ", "HETATM")):
            last = line[21:22]
            if line.startswith("HETATM") and last in ended:
                continue
        yield line


def _by_residue(source: Source, atoms: Any, chosen: Sequence[bool]) -> tuple[list[_Residue], list[str]]:
    """The residues of the chosen atoms, and every chain's name."""
    from biotite.structure import get_residue_starts

    chains = list(dict.fromkeys(map(str, atoms.chain_id)))
    atoms = atoms[np.array(chosen, bool)]
    if not len(atoms):
        return [], chains
    check_extent(source, atoms, "protein atoms")
    # Two kinds of residue at one place (microheterogeneity) are one residue, which reads as the first of them.
    places = list(zip(atoms.chain_id, atoms.res_id, atoms.ins_code, strict=True))
    starts = [int(at) for at in get_residue_starts(atoms) if at == 0 or places[at] != places[at - 1]]
    return [_residue(atoms[first:end]) for first, end in zip(starts, [*starts[1:], len(atoms)], strict=True)], chains


def _residue(atoms: Any) -> _Residue:
    name = str(atoms.res_name[0])
    at = atoms.coord[(atoms.atom_name == ("CA" if _letter(name) == "G" else "CB")) & (atoms.res_name == name)]
    place = str(atoms.label_seq_id[0]) if "label_seq_id" in atoms.get_annotation_categories() else ""
    return _Residue(
        chain=str(atoms.chain_id[0]),
        number=int(atoms.res_id[0]),
        place=int(place) - 1 if place.isdigit() else -1,
        name=name,
        at=tuple(float(x) for x in at[0]) if len(at) else None,  # type: ignore[arg-type]
    )


def _without_sequence(residues: Sequence[_Residue]) -> tuple[list[str], list[int]]:
    """The residues' names and places, with an unknown residue (X) for each that mmCIF's own count leaves out."""
    if any(residue.place < 0 for residue in residues):
        return [residue.name for residue in residues], list(range(len(residues)))
    places = [residue.place - residues[0].place for residue in residues]
    names = ["UNK"] * (max(places) + 1)
    for place, residue in zip(places, residues, strict=True):
        names[place] = residue.name
    return names, places


def _places(source: Source, chain: str, names: Sequence[str], residues: Sequence[_Residue]) -> list[int]:
    """Where each residue with coordinates stands in the whole sequence of its chain."""
    if all(residue.place >= 0 for residue in residues):
        places: list[int] | None = [residue.place for residue in residues]
        if max(places or []) >= len(names):
            message = f"chain {chain}: a residue at place {max(places or []) + 1} of a sequence of {len(names)}"
            raise source.error(message)
        return places or []
    places = placed([residue.name for residue in residues], [residue.number for residue in residues], names)
    if places is None:
        message = (
            f"chain {chain}: its {len(residues)} residues with coordinates are no part of its sequence of {len(names)} "
            "(SEQRES): the order or a name differs"
        )
        raise source.error(message)
    return places


def placed(found: Sequence[str], numbers: Sequence[int], sequence: Sequence[str]) -> list[int] | None:
    """Places in `sequence`, ascending, of the residues `found` in it; None if it does not hold them in this order.

    Of several ways the one with the fewest steps that differ from the step of the residues' numbers, and the first.
    """
    names, here = np.array(sequence), np.arange(len(sequence))
    cost = np.where(names == found[0], 0.0, np.inf)
    came = []
    for at in range(1, len(found)):
        # A residue behind an insertion code has the number of the one before it.
        before = here - max(1, numbers[at] - numbers[at - 1])
        carried = np.where(before >= 0, cost[np.maximum(before, 0)], np.inf)
        least = np.append(np.inf, np.minimum.accumulate(cost)[:-1])  # of all places before this one, and where it is
        first = np.append(0, np.maximum.accumulate(np.where(cost < least, here, 0))[:-1])
        came.append(np.where(carried <= 1 + least, before, first))
        cost = np.where(names == found[at], np.minimum(carried, 1 + least), np.inf)
    if not np.isfinite(cost).any():
        return None
    places = [int(cost.argmin())]
    for step in reversed(came):
        places.append(int(step[places[-1]]))
    return places[::-1]
