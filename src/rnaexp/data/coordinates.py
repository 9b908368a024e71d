"""PDB and mmCIF: one RNA per RNA chain, its base pairs found in the coordinates by biotite (DSSR's criteria).

Only residues with coordinates are bases of the RNA; pairs between chains are left out. A modified residue reads as its
parent base and is counted as a changed letter.
"""

import io
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rnaexp.data.letters import Unknown
from rnaexp.data.records import letters_at, rna_at
from rnaexp.data.text import Source
from rnaexp.rna import LETTERS, Pair, Rna

_LOG = logging.getLogger(__name__)
# biotite lays a grid over the atoms: one slipped digit would ask for terabytes. A ribosome measures about 300.
_MAX_EXTENT_ANGSTROM = 1500.0
_COORDINATE_COLUMNS = (slice(30, 38), slice(38, 46), slice(46, 54))


@dataclass(frozen=True, slots=True)
class _Residue:
    chain: str
    name: str
    letter: str


def read_coordinates(source: Source, unknown: Unknown = "reject") -> list[Rna]:
    """Every RNA chain of the first model; chains of other molecules are logged, not read."""
    atoms = _rna_atoms(source)
    residues, starts = _residues(atoms)
    pairs = _base_pairs(source, atoms, starts)
    chains = list(dict.fromkeys(residue.chain for residue in residues))
    return [_chain(source, chain, residues, pairs, unknown) for chain in chains]


def _chain(source: Source, chain: str, residues: list[_Residue], pairs: list[Pair], unknown: Unknown) -> Rna:
    own = [at for at, residue in enumerate(residues) if residue.chain == chain]
    position = {at: place for place, at in enumerate(own)}
    name = f"{source.stem}_{chain}" if chain else source.stem
    text = "".join(residues[at].letter for at in own)
    sequence, masked = letters_at(source, name, text, 1, unknown)
    within = sorted((position[i], position[j]) for i, j in pairs if i in position and j in position)
    modified = sum(residues[at].name not in LETTERS and residues[at].letter in LETTERS for at in own)
    return rna_at(source, 1, name=name, sequence=sequence, pairs=within, letters_changed=modified + masked)


def _rna_atoms(source: Source) -> Any:
    from biotite.structure.info import link_type

    atoms = _structure(source)
    kind = {name: (link_type(name) or "").upper() for name in set(atoms.res_name)}
    is_rna = [kind[name].startswith("RNA") or name in LETTERS for name in atoms.res_name]
    found = atoms[is_rna]
    check_extent(source, found, "RNA atoms")
    others = sorted(set(atoms.chain_id) - set(found.chain_id))
    if not len(found):
        message = (
            f"no RNA chain (found chains {', '.join(others) or 'none'} of other molecules; proteins are read under "
            "--protocol contacts)"
        )
        raise source.error(message)
    if others:
        _LOG.info("%s: chains without RNA left out: %s", source.path, ", ".join(others))
    return found


def check_extent(source: Source, atoms: Any, what: str) -> None:
    """Raises: InputError for atoms further apart than any structure is wide."""
    extent = float((atoms.coord.max(0) - atoms.coord.min(0)).max()) if len(atoms) else 0.0
    if not extent <= _MAX_EXTENT_ANGSTROM:
        message = f"{what} lie {extent:.0f} angstrom apart (at most {_MAX_EXTENT_ANGSTROM:.0f}): a damaged coordinate"
        raise source.error(message)


def _structure(source: Source) -> Any:
    """Atoms of the first model."""
    from biotite.structure.io import pdb, pdbx

    text = io.StringIO("\n".join(source.lines))
    if is_mmcif(source):
        with damage_named(source):
            return pdbx.get_structure(pdbx.CIFFile.read(text), model=1)
    check_pdb_lines(source)
    with damage_named(source):
        return pdb.PDBFile.read(text).get_structure(1)


def is_mmcif(source: Source) -> bool:
    """Whether it is mmCIF; PDB otherwise."""
    # "" for a file of control characters, which str.strip takes for white space
    first = next((line for line in source.lines if line.strip()), "")
    return first.startswith(("data_", "#", "loop_", "_"))


@contextmanager
def damage_named(source: Source) -> Iterator[None]:
    """Whatever biotite raises on a damaged file, as an InputError that names the file."""
    import biotite
    from biotite.structure import BadStructureError

    # What biotite raises on a damaged file is not documented; these were seen under fuzzing.
    damaged = (
        biotite.InvalidFileError,
        biotite.DeserializationError,
        BadStructureError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    )
    try:
        yield
    except damaged as error:
        message = f"no structure can be read from it ({type(error).__name__}: {error})"
        raise source.error(message) from error


def check_pdb_lines(source: Source) -> None:
    """Raises: InputError naming the line, which biotite does not say."""
    for number, line in source.numbered():
        if not line.startswith(("ATOM  ", "HETATM")):
            continue
        try:
            finite = all(math.isfinite(float(line[columns])) for columns in _COORDINATE_COLUMNS)
        except ValueError:
            finite = False
        if not finite:
            message = "an atom without three coordinates in columns 31 to 54"
            raise source.error(message, number)


def _residues(atoms: Any) -> tuple[list[_Residue], list[int]]:
    from biotite.structure import get_residue_starts

    starts = [int(at) for at in get_residue_starts(atoms)]
    return [_residue(str(atoms.chain_id[at]), str(atoms.res_name[at])) for at in starts], starts


def _residue(chain: str, name: str) -> _Residue:
    from biotite.structure.info import one_letter_code

    letter = name if name in LETTERS else (one_letter_code(name) or "X")
    return _Residue(chain, name, letter)


def _base_pairs(source: Source, atoms: Any, starts: list[int]) -> list[Pair]:
    from biotite.structure import BadStructureError, base_pairs

    at_residue = {start: at for at, start in enumerate(starts)}
    try:
        found = base_pairs(atoms)
    except (BadStructureError, ValueError, LookupError) as error:
        message = f"no base pairs can be found in it ({type(error).__name__}: {error})"
        raise source.error(message) from error
    return list(_ordered(found, at_residue))


def _ordered(found: Any, at_residue: dict[int, int]) -> Iterator[Pair]:
    for first, second in found:
        i, j = sorted((at_residue[int(first)], at_residue[int(second)]))
        yield i, j
