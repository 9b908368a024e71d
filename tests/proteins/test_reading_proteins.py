"""Proteins and their contacts from PDB and mmCIF, against a plain double loop over distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnaexp.data.protein_files import placed, read_proteins
from rnaexp.data.text import source
from rnaexp.errors import InputError
from rnaexp.rna import Protein
from rnaexp.structure.pairs import candidates
from rnaexp.structure.protocol import PROTOCOLS, Scoring

from .toy import THREE, Atom, File, chain, double_loop, random_sequence, residue

SEQUENCE = random_sequence(60, 1)


def read(text, name="toy.pdb"):
    return read_proteins(source(text.encode(), path=name))


def only(text, name="toy.pdb"):
    (found,), _ = read(text, name)
    return found


def both(file):
    """From PDB and from mmCIF, which must say the same."""
    one, other = only(file.pdb()), only(file.mmcif(), "toy.cif")
    assert one == other
    return one


def test_contacts_are_those_of_a_double_loop_over_distances():
    atoms, names = chain("A", SEQUENCE, 2)
    found = both(File({"A": names}, [atoms]))
    assert found.id == "toy_A"
    assert found.sequence == SEQUENCE
    assert "G" in SEQUENCE
    assert found.unresolved == ()
    assert found.pairs == double_loop(atoms, 60)
    assert 100 < len(found.pairs) < 400


def test_eight_angstrom_is_no_contact_and_a_little_less_is_one():
    for distance, near in ((8.0, ()), (7.999, ((0, 1),))):
        atoms = residue("A", 1, "ALA", (0, 0, 0), 1) + residue("A", 2, "ALA", (distance, 0, 0), 2)
        assert both(File({"A": ["ALA", "ALA"]}, [atoms])).pairs == near


def test_c_beta_counts_and_in_glycine_c_alpha():
    atoms = residue("A", 1, "ALA", (0, 0, 0), 1) + residue("A", 2, "GLY", (7.9, 0, 1.5), 2)
    atoms += residue("A", 3, "ALA", (0, 0, 9), 3)
    atoms[-1].at = (0, 0, 7.0)  # its C-beta points back: C-alphas of 1 and 3 are 9 apart, C-betas 5.5
    atoms.append(Atom("A", 2, "GLY", "CB", (50, 50, 50), 2))
    assert both(File({"A": ["ALA", "GLY", "ALA"]}, [sorted(atoms, key=lambda a: a.number)])).pairs == ((0, 1), (0, 2))


def test_residues_without_coordinates_stay_in_the_sequence_and_are_in_no_candidate_pair():
    lost = {0, 1, 20, 21, 22, 40, 59}
    atoms, names = chain("A", SEQUENCE, 3, lost=lost, first=101)
    found = both(File({"A": names}, [atoms]))
    assert found.sequence == SEQUENCE
    assert found.unresolved == tuple(sorted(lost))
    assert found.pairs == double_loop(atoms, 60)
    allowed = candidates(found, PROTOCOLS["contacts"])
    for i in range(60):
        for j in range(60):
            assert allowed[i, j] == (j - i >= 6 and i not in lost and j not in lost)


def test_a_residue_that_lacks_its_c_beta_counts_as_unresolved():
    atoms, names = chain("A", SEQUENCE, 4)
    at = next(place for place, letter in enumerate(SEQUENCE) if letter != "G")
    atoms = [atom for atom in atoms if (atom.place, atom.name) != (at + 1, "CB")]
    found = both(File({"A": names}, [atoms]))
    assert found.unresolved == (at,)
    assert found.pairs == double_loop(atoms, 60)


def test_modified_residues_read_as_their_amino_acid_and_what_has_none_as_x():
    names = ["MSE", "ALA", "SEP", "UNK", "SEC", "GLY"]
    atoms = [
        atom
        for at, name in enumerate(names)
        for atom in residue("A", at + 1, name, (4.0 * at, 0, 0), at + 1, hetero=name not in THREE.values())
    ]
    found = both(File({"A": names}, [atoms]))
    assert found.sequence == "MASXXG"
    assert found.letters_changed == 4
    assert found.unresolved == ()
    assert found.pairs == double_loop(atoms, 6)


def test_an_amino_acid_among_the_ligands_is_no_residue():
    atoms, names = chain("A", "ACDEFGH", 5)
    ligand = [Atom("A", 900, "GLU", name, (0, 0, 0), hetero=True) for name in ("CA", "CB")]
    water = [Atom("A", 901, "HOH", "O", (0, 0, 0), hetero=True)]
    assert both(File({"A": names}, [[*atoms, *ligand, *water]])) == both(File({"A": names}, [atoms]))
    without = only(File({"A": names}, [[*atoms, *ligand, *water]]).pdb(seqres=False))
    assert without.sequence == "ACDEFGH"


def test_of_several_models_the_first_is_read():
    first, names = chain("A", SEQUENCE, 6)
    second, _ = chain("A", SEQUENCE, 7)
    assert both(File({"A": names}, [first, second])).pairs == double_loop(first, 60) != double_loop(second, 60)


def test_of_alternate_places_the_one_with_most_occupancy_counts():
    atoms, names = chain("A", SEQUENCE, 8)
    at = next(place for place, letter in enumerate(SEQUENCE, start=1) if letter != "G")
    split = []
    for atom in atoms:
        if atom.place != at:
            split.append(atom)
            continue
        far = Atom(**{**vars(atom), "at": (500.0, 500.0, 500.0), "altloc": "A", "occupancy": 0.3})
        split += [far, Atom(**{**vars(atom), "altloc": "B", "occupancy": 0.7})]
    assert both(File({"A": names}, [split])).pairs == double_loop(atoms, 60)


def test_two_kinds_of_residue_at_one_place_are_one_residue():
    atoms, names = chain("A", "ACDEFGHIK", 9)
    second = [Atom("A", 4, "GLN", name, (90.0, 90.0, 90.0), 4, altloc="B", occupancy=0.4) for name in ("CA", "CB")]
    for atom in atoms:
        if atom.place == 4:
            atom.altloc, atom.occupancy = "A", 0.6
    at = max(place for place, atom in enumerate(atoms) if atom.place == 4) + 1
    found = both(File({"A": names}, [[*atoms[:at], *second, *atoms[at:]]]))
    assert found.sequence == "ACDEFGHIK"
    assert found.unresolved == ()
    assert found.pairs == double_loop(atoms, 9)


def test_insertion_codes_are_residues_of_their_own():
    names, atoms = ["ALA"] * 5, []
    for place, (number, insertion) in enumerate([(1, ""), (52, ""), (52, "A"), (52, "B"), (53, "")], start=1):
        atoms += residue("H", number, "ALA", (3.0 * place, 0, 0), place, insertion=insertion)
    found = both(File({"H": names}, [atoms]))
    assert found.sequence == "AAAAA"
    assert found.pairs == double_loop(atoms, 5)


def test_chains_of_other_molecules_are_left_out_and_named():
    protein, names = chain("A", SEQUENCE, 10)
    nucleic = [Atom("B", at, "DG", "C1'", (9.0 * at, 50, 0), at) for at in range(1, 6)]
    file = File({"A": names, "B": ["DG"] * 5}, [[*protein, *nucleic]], kinds={"B": "polydeoxyribonucleotide"})
    for text, name in ((file.pdb(), "toy.pdb"), (file.mmcif(), "toy.cif")):
        (found,), notes = read(text, name)
        assert found.id == "toy_A"
        assert [(note.what, note.chain) for note in notes] == [("chains of other molecules left out", "toy_B")]


def test_contacts_between_chains_are_none_of_either():
    one, names = chain("A", SEQUENCE, 11)
    other, others = chain("B", random_sequence(30, 12), 11)
    found, _ = read(File({"A": names, "B": others}, [[*one, *other]]).pdb())
    assert [protein.pairs for protein in found] == [double_loop(one, 60), double_loop(other, 30)]


def test_without_a_sequence_mmcif_still_counts_the_missing_residues_and_pdb_says_that_it_cannot():
    atoms, names = chain("A", SEQUENCE, 13, lost={10, 11})
    file = File({"A": names}, [atoms])
    (found,), notes = read(file.mmcif(sequences=False), "toy.cif")
    assert found.sequence == SEQUENCE[:10] + "XX" + SEQUENCE[12:]
    assert found.pairs == double_loop(atoms, 60)
    assert any("without SEQRES" in note.what for note in notes)
    (bare,), notes = read(file.pdb(seqres=False))
    assert bare.sequence == SEQUENCE[:10] + SEQUENCE[12:]
    assert any("without SEQRES" in note.what for note in notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("SEQRES   1 A", "SEQRES   1 A", 1).replace("HIS", "TRP", 1), "chain A"),
        (
            lambda text: text.replace("ATOM      3", "ATOM      3", 1)[:-200].replace("0.000", "x.000"),
            "columns 31 to 54",
        ),
        (lambda text: "data_x\n_cell.length_a 1\n", "no structure can be read"),
    ],
)
def test_a_damaged_file_is_named(change, said):
    atoms = [a for at in range(4) for a in residue("A", at + 1, "HIS", (5.0 * at, 0, 0), at + 1)]
    text = change(File({"A": ["HIS"] * 4}, [atoms]).pdb())
    with pytest.raises(InputError, match=said) as error:
        read(text, "broken.pdb")
    assert "broken.pdb" in str(error.value)


def test_atoms_beyond_any_structure_are_refused():
    atoms = residue("A", 1, "ALA", (0, 0, 0), 1) + residue("A", 2, "ALA", (9000, 0, 0), 2)
    with pytest.raises(InputError, match="protein atoms lie 9000 angstrom apart"):
        read(File({"A": ["ALA", "ALA"]}, [atoms]).pdb())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_missing_every_residue_is_placed_where_it_was(data):
    sequence = data.draw(st.lists(st.sampled_from(["ALA", "GLY", "SER"]), min_size=1, max_size=40))
    there = data.draw(st.lists(st.booleans(), min_size=len(sequence), max_size=len(sequence)))
    places = [at for at, known in enumerate(there) if known] or [0]
    start = data.draw(st.integers(-5, 400))
    found = placed([sequence[at] for at in places], [start + at for at in places], sequence)
    # Few residues of a repetitive sequence fit in more than one place: then the steps between them must be right.
    assert np.diff(found).tolist() == np.diff(places).tolist()
    assert [sequence[at] for at in found] == [sequence[at] for at in places]


def test_numbers_that_lie_do_not_move_a_residue_that_fits_nowhere_else():
    sequence = [THREE[letter] for letter in "ACDEFGHIKLMNPQRS"]
    assert placed(sequence[2:9], [5, 6, 7, 70, 71, 2, 3], sequence) == list(range(2, 9))
    assert placed(["ALA", "CYS"], [1, 2], ["CYS", "ALA"]) is None
    assert placed(["TRP"], [1], sequence) is None


def test_a_protein_cannot_be_built_wrong():
    for wrong, said in (
        ({"sequence": "MKB"}, "letter 'B'"),
        ({"sequence": "MKL", "unresolved": (3,)}, "unresolved"),
        ({"sequence": "MKL", "unresolved": (1, 0)}, "unresolved"),
        ({"sequence": "MKL", "pairs": ((0, 2),), "unresolved": (2,)}, "without coordinates"),
        ({"sequence": "MKL", "pairs": ((0, 3),)}, "outside"),
    ):
        with pytest.raises(ValueError, match=said):
            Protein(id="p", **wrong)


def test_proteins_and_base_pairs_never_meet():
    with pytest.raises(ValueError, match="a protein, under a scoring of base pairs"):
        candidates(Protein(id="p", sequence="ACG"), Scoring())
