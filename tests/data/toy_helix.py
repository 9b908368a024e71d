"""A synthetic structure: four stacked G-C pairs in ideal geometry, closed by four C far away.

Base coordinates in their reference frame: Olson et al. 2001, doi:10.1006/jmbi.2001.4987; the partner of a Watson-Crick
pair is the base with y negated.
"""

import math

_G = (
    "N9 -1.289 4.551 C8 0.023 4.962 N7 0.870 3.969 C5 0.071 2.833 C6 0.424 1.460 O6 1.554 0.955 "
    "N1 -0.700 0.641 C2 -1.999 1.087 N2 -2.949 0.139 N3 -2.342 2.364 C4 -1.265 3.177"
)
_C = (
    "N1 -1.285 4.542 C2 -1.472 3.158 O2 -2.628 2.709 N3 -0.391 2.344 C4 0.837 2.868 N4 1.875 2.027 "
    "C5 1.056 4.275 C6 -0.023 5.068"
)
SEQUENCE = "GGGGCCCCCCCC"
PAIRS = ((0, 11), (1, 10), (2, 9), (3, 8))

Atom = tuple[str, str, int, float, float, float]


def _base(text):
    words = text.split()
    return [(words[at], float(words[at + 1]), float(words[at + 2])) for at in range(0, len(words), 3)]


def _residue(name, number, step, *, flipped=False, away=0.0):
    turn = math.radians(33 * step)
    for atom, x, y in _base(_G if name == "G" else _C):
        up = -y if flipped else y
        yield (
            atom,
            name,
            number,
            x * math.cos(turn) - up * math.sin(turn) + away,
            x * math.sin(turn) + up * math.cos(turn),
            2.8 * step,
        )


def helix() -> list[Atom]:
    atoms: list[Atom] = []
    for step in range(4):
        atoms += _residue("G", step + 1, step)
    for step in range(4):
        atoms += _residue("C", step + 5, step, away=60.0 + 20 * step)
    for step in range(4):
        atoms += _residue("C", step + 9, 3 - step, flipped=True)
    return atoms


_FIELDS = (
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy"),
    *("B_iso_or_equiv", "pdbx_formal_charge", "auth_seq_id", "auth_comp_id", "auth_asym_id", "auth_atom_id"),
    "pdbx_PDB_model_num",
)


def as_mmcif(atoms, rename=None) -> str:
    rename = rename or {}
    lines = ["data_toy", "loop_", *(f"_atom_site.{field}" for field in _FIELDS)]
    for number, (atom, base, residue, x, y, z) in enumerate(atoms, 1):
        name = rename.get(residue, base)
        lines.append(
            f"ATOM {number} {atom[0]} {atom} . {name} A 1 {residue} ? {x:.3f} {y:.3f} {z:.3f} 1.0 0.0 ? "
            f"{residue} {name} A {atom} 1"
        )
    return "\n".join([*lines, "#", ""])


def as_pdb(atoms, rename=None) -> str:
    rename = rename or {}
    return "".join(
        f"ATOM  {number:5d}  {atom:<3s} {rename.get(residue, base):>3s} A{residue:4d}    {x:8.3f}{y:8.3f}{z:8.3f}"
        f"  1.00  0.00           {atom[0]}\n"
        for number, (atom, base, residue, x, y, z) in enumerate(atoms, 1)
    )
