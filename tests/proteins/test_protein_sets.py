"""Sets of proteins: what is refused, what is left out, who is kin, and that a cut never parts kin."""

import numpy as np
import pytest

from rnaexp.data.protein_relatives import are_related, clustered_proteins
from rnaexp.data.proteins import in_two_parts, load_proteins
from rnaexp.errors import InputError
from rnaexp.rna import AMINO_ACIDS, Protein

from .toy import File, chain, random_sequence


def mutated(sequence, share, seed):
    """So many of its letters replaced by others, at random places."""
    generator, letters = np.random.default_rng(seed), list(sequence)
    for at in generator.choice(len(letters), int(len(letters) * share), replace=False):
        letters[at] = generator.choice([one for one in AMINO_ACIDS if one != letters[at]])
    return "".join(letters)


def write(folder, name, sequence, seed, **more):
    atoms, names = chain("A", sequence, seed, **more)
    (folder / name).write_text(File({"A": names}, [atoms]).pdb())


def proteins(*sequences):
    return [Protein(id=f"p{at}", sequence=sequence) for at, sequence in enumerate(sequences)]


def test_kin_are_joined_and_strangers_are_not():
    one, other = random_sequence(150, 1), random_sequence(150, 2)
    family = [one, mutated(one, 0.5, 3), mutated(one, 0.4, 4)[20:140], "MK" + one[:100]]
    found = clustered_proteins(proteins(*family, other, random_sequence(300, 5)))
    clusters = [protein.cluster for protein in found]
    assert len(set(clusters[:4])) == 1
    assert len(set(clusters)) == 3


def test_kin_is_30_percent_of_the_shorter_and_ten_residues():
    one = random_sequence(100, 6)
    assert are_related(one, mutated(one, 0.6, 7))
    assert not are_related(one, random_sequence(100, 8))
    assert are_related(one[30:55], one)  # a quarter of the longer one, all of the shorter
    assert not are_related("WWWWW", "AAAA" + "WWWWW")
    assert are_related("ACDEFGHIKL", "WWW" + "ACDEFGHIKL" + "YYY")
    assert not are_related("X" * 30, "X" * 30)


def test_strangers_are_seldom_joined():
    found = clustered_proteins(proteins(*[random_sequence(120, seed) for seed in range(20, 50)]))
    assert len({protein.cluster for protein in found}) >= 29


def test_a_cut_never_parts_kin_and_does_not_depend_on_names(tmp_path):
    for at in range(4):
        family = random_sequence(80, 100 + at)
        write(tmp_path, f"{at}a.pdb", family, at)
        write(tmp_path, f"{9 - at}b.pdb", mutated(family, 0.3, at), 10 + at)
    data = load_proteins(str(tmp_path))
    clustered = clustered_proteins(data.rnas)
    validation, test = in_two_parts(type(data)(**{**fields(data), "rnas": clustered}))
    assert len(validation) == len(test) == 4
    assert not {p.cluster for p in validation.rnas} & {p.cluster for p in test.rnas}
    assert not {p.id for p in validation.rnas} & {p.id for p in test.rnas}
    assert (validation.name, test.name) == (f"{data.name}-validation", f"{data.name}-test")
    assert validation.sha256 != test.sha256 != data.sha256

    renamed = tuple(
        Protein(id="z" + p.id[::-1], sequence=p.sequence, pairs=p.pairs, cluster=p.cluster) for p in clustered
    )
    again, _ = in_two_parts(type(data)(**{**fields(data), "rnas": renamed[::-1]}))
    assert {p.sequence for p in again.rnas} == {p.sequence for p in validation.rnas}


def fields(data):
    return {name: getattr(data, name) for name in data.__slots__}


def test_a_set_of_one_family_cannot_be_cut(tmp_path):
    one = random_sequence(80, 1)
    write(tmp_path, "a.pdb", one, 1)
    write(tmp_path, "b.pdb", mutated(one, 0.2, 2), 2)
    data = load_proteins(str(tmp_path))
    whole = type(data)(**{**fields(data), "rnas": clustered_proteins(data.rnas)})
    with pytest.raises(InputError, match=r"one cluster of relatives.*--validation"):
        in_two_parts(whole)


def test_of_equal_sequences_the_best_resolved_chain_is_kept(tmp_path):
    sequence = random_sequence(50, 3)
    write(tmp_path, "a.pdb", sequence, 3, lost={1, 2, 3})
    write(tmp_path, "b.pdb", sequence, 3, lost={1})
    write(tmp_path, "c.pdb", sequence, 3, lost={4})
    (tmp_path / "notes.txt").write_text("mine\n")
    data = load_proteins(str(tmp_path))
    assert [protein.id for protein in data.rnas] == ["b_A"]
    assert (data.evidence, data.split) == ("3d", "all")
    told = " | ".join(data.notes)
    assert "2 further chains of one sequence left out" in told
    assert "a_A, c_A" in told
    assert "1 files of another format left out: notes.txt" in told
    assert "3 chains with residues that lack coordinates" in told


def test_what_is_unresolved_is_part_of_a_sets_identity(tmp_path):
    sequence, hashes = random_sequence(12, 4), set()
    for at, lost in enumerate(({5}, {6}, set())):
        folder = tmp_path / str(at)
        folder.mkdir()
        atoms, names = chain("A", sequence, 4, lost=lost)
        for atom in atoms:
            atom.at = (20.0 * atom.place, 0, 0)  # no contacts at all: the same pairs in all three
        (folder / "a.pdb").write_text(File({"A": names}, [atoms]).pdb())
        hashes.add(load_proteins(str(folder)).sha256)
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spot-rna-ts1", "spot-rna-ts1 is a set of RNAs"),
        ("builtin-ts", "builtin-ts is a set of RNAs"),
        ("no_such", "no file or folder is named 'no_such'"),
        ("my.fasta", r"my.fasta: neither PDB nor mmCIF"),
        ("twice", r"chain 'x_A' already stands in x.cif"),
        ("nucleic", "nucleic: no protein chain in it"),
        ("empty", "empty: no protein chain in it"),
    ],
)
def test_what_is_no_set_of_proteins_is_refused_by_name(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    for folder in ("twice", "nucleic", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "my.fasta").write_text(">a\nMKL\n")
    atoms, names = chain("A", random_sequence(20, 1), 1)
    (tmp_path / "twice" / "x.pdb").write_text(File({"A": names}, [atoms]).pdb())
    (tmp_path / "twice" / "x.cif").write_text(File({"A": names}, [atoms]).mmcif())
    for atom in atoms:
        atom.residue = "DA"
    (tmp_path / "nucleic" / "x.pdb").write_text(File({"A": ["DA"] * 20}, [atoms]).pdb())
    with pytest.raises(InputError, match=said):
        load_proteins(name)
