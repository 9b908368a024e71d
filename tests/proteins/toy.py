"""Structure files of made-up proteins, written line by line: what is read from them is known without reading them."""

import re
from dataclasses import dataclass, field

import numpy as np

THREE = dict(
    zip(
        "ACDEFGHIKLMNPQRSTVWY",
        re.findall("...", "ALACYSASPGLUPHEGLYHISILELYSLEUMETASNPROGLNARGSERTHRVALTRPTYR"),
        strict=True,
    )
)


@dataclass
class Atom:
    chain: str
    number: int
    residue: str
    name: str
    at: tuple
    place: int = 0  # in the whole sequence, from 1; 0: not of a polymer
    insertion: str = ""
    altloc: str = ""
    occupancy: float = 1.0
    hetero: bool = False


@dataclass
class File:
    """`sequences`: of each chain its residues' names; `models`: the atoms of each, a TER after each chain's polymer."""

    sequences: dict
    models: list
    kinds: dict = field(default_factory=dict)  # of chains that are no polypeptide

    def pdb(self, seqres=True):
        lines = ["HEADER    TOY"]
        for chain, names in self.sequences.items() if seqres else ():
            for at in range(0, len(names), 13):
                words = " ".join(f"{name:>3}" for name in names[at : at + 13])
                lines.append(f"SEQRES {at // 13 + 1:>3} {chain} {len(names):>4}  {words}")
        for number, atoms in enumerate(self.models, start=1):
            lines += [f"MODEL     {number:>4}"] if len(self.models) > 1 else []
            lines += list(_pdb_atoms(atoms))
            lines += ["ENDMDL"] if len(self.models) > 1 else []
        return "\n".join([*lines, "END", ""])

    def mmcif(self, sequences=True):
        lines = ["data_toy"]
        if sequences:
            lines += ["loop_", "_entity_poly.entity_id", "_entity_poly.type"]
            lines += [f"{chain} '{self.kinds.get(chain, 'polypeptide(L)')}'" for chain in self.sequences]
            lines += ["loop_", *(f"_entity_poly_seq.{name}" for name in ("entity_id", "num", "mon_id"))]
            for chain, names in self.sequences.items():
                lines += [f"{chain} {at} {name}" for at, name in enumerate(names, start=1)]
        columns = "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id label_entity_id "
        columns += "label_seq_id pdbx_PDB_ins_code Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv auth_seq_id "
        columns += "auth_comp_id auth_asym_id auth_atom_id pdbx_PDB_model_num"
        lines += ["loop_", *(f"_atom_site.{name}" for name in columns.split())]
        for number, atoms in enumerate(self.models, start=1):
            for serial, atom in enumerate(atoms, start=1):
                x, y, z = (f"{value:.3f}" for value in atom.at)
                lines.append(
                    f"{'HETATM' if atom.hetero else 'ATOM'} {serial} C {atom.name} {atom.altloc or '.'} {atom.residue} "
                    f"{atom.chain.lower()}{atom.place or 'x'} {atom.chain if atom.place else 'ligand'} "
                    f"{atom.place or '.'} {atom.insertion or '?'} {x} {y} {z} {atom.occupancy} 1.0 {atom.number} "
                    f"{atom.residue} {atom.chain} {atom.name} {number}"
                )
        return "\n".join([*lines, "#", ""])


def _pdb_atoms(atoms):
    ended = set()
    for serial, atom in enumerate(atoms, start=1):
        if not atom.place and atom.chain not in ended:
            ended.add(atom.chain)
            yield f"TER   {serial:>5}      {atom.residue:>3} {atom.chain}"
        x, y, z = (f"{value:8.3f}" for value in atom.at)
        yield (
            f"{'HETATM' if atom.hetero else 'ATOM  '}{serial:>5}  {atom.name:<3}{atom.altloc:1}{atom.residue:>3} "
            f"{atom.chain}{atom.number:>4}{atom.insertion:1}   {x}{y}{z}{atom.occupancy:6.2f}  1.00           C"
        )


def residue(chain, number, name, at, place, **more):
    """C-alpha where the residue is told to be, C-beta 1.5 angstrom above it (none in glycine)."""
    x, y, z = at
    found = [Atom(chain, number, name, "CA", (x, y, z), place, **more)]
    return found if name == "GLY" else [*found, Atom(chain, number, name, "CB", (x, y, z + 1.5), place, **more)]


def positions(count, seed, crowding=11.0):
    """Random places in a box in which each has a few neighbours, to three decimals as files have them."""
    side = crowding * count ** (1 / 3) / 1.6
    return np.random.default_rng(seed).uniform(0, side, (count, 3)).round(3)


def chain(name, sequence, seed, *, lost=(), first=1, crowding=11.0):
    """All atoms of one chain but for the `lost` residues (from 0), and its residues' names."""
    names, places = [THREE[letter] for letter in sequence], positions(len(sequence), seed, crowding)
    atoms = []
    for at, one in enumerate(names):
        if at not in lost:
            atoms += residue(name, first + at, one, tuple(places[at]), at + 1)
    return atoms, names


def representative(atoms, place):
    """Where the residue at a place (from 1) stands: its C-beta, or C-alpha of glycine."""
    wanted = next((a.at for a in atoms if a.place == place and a.name == ("CA" if a.residue == "GLY" else "CB")), None)
    return None if wanted is None else np.array(wanted)


def double_loop(atoms, length, limit=8.0):
    """Every pair nearer than the limit, by the plainest means."""
    where = [representative(atoms, place) for place in range(1, length + 1)]
    return tuple(
        (i, j)
        for i in range(length)
        for j in range(i + 1, length)
        if where[i] is not None and where[j] is not None and float(np.sqrt(((where[i] - where[j]) ** 2).sum())) < limit
    )


def random_sequence(length, seed):
    return "".join(np.random.default_rng(seed).choice(list("ACDEFGHIKLMNPQRSTVWY"), length))
