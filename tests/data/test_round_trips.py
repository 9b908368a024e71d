"""Properties: what is written reads back; whatever bytes come, only InputError leaves."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rnaexp.data.dot_bracket import parse_dot_bracket, to_dot_bracket
from rnaexp.data.formats import read_rnas
from rnaexp.data.letters import normalise
from rnaexp.data.pair_tables import write_bpseq
from rnaexp.errors import InputError
from rnaexp.rna import LETTERS, Rna

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def matchings(draw, most=40):
    """A length and pairs in which each base has one partner at most: nested or crossing as it comes."""
    length = draw(st.integers(1, most))
    bases = draw(st.permutations(range(length)))
    count = draw(st.integers(0, length // 2))
    pairs = [tuple(sorted(bases[2 * at : 2 * at + 2])) for at in range(count)]
    return length, tuple(sorted(pairs))


@given(matchings())
def test_dot_bracket_round_trip(known):
    length, pairs = known
    structure = to_dot_bracket(length, pairs)
    assert len(structure) == length
    assert parse_dot_bracket(structure) == pairs


def test_dot_bracket_of_a_nested_structure_uses_round_brackets_only():
    assert to_dot_bracket(9, [(0, 8), (1, 4), (5, 7)]) == "((..)(.))"
    assert to_dot_bracket(6, [(0, 3), (1, 5), (2, 4)]) == "([[)]]"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("pairs", "words"), [([(0, 3), (0, 4)], "two partners"), ([(0, 9)], "outside"), ([(3, 3)], "i < j")]
)
def test_dot_bracket_refuses_what_it_cannot_show(pairs, words):
    with pytest.raises(ValueError, match=words):
        to_dot_bracket(6, pairs)


def test_dot_bracket_says_when_its_kinds_run_out():
    crossing = [(at, at + 40) for at in range(40)]
    with pytest.raises(ValueError, match="30 kinds"):
        to_dot_bracket(80, crossing)


@FAST
@given(matchings(), st.data())
def test_bpseq_round_trip(tmp_path, known, data):
    length, pairs = known
    rna = Rna(id="x", sequence=data.draw(st.text(LETTERS, min_size=length, max_size=length)), pairs=pairs)
    write_bpseq(tmp_path / "x.bpseq", rna)
    assert read_rnas(tmp_path / "x.bpseq") == [rna]


@FAST
@given(matchings(), st.data())
def test_fasta_with_structure_round_trip(tmp_path, known, data):
    length, pairs = known
    rna = Rna(id="x", sequence=data.draw(st.text(LETTERS, min_size=length, max_size=length)), pairs=pairs)
    (tmp_path / "x.fa").write_text(f">x\n{rna.sequence}\n{to_dot_bracket(length, pairs)}\n")
    assert read_rnas(tmp_path / "x.fa") == [rna]


def test_bpseq_refuses_a_base_with_two_partners(tmp_path):
    with pytest.raises(ValueError, match="base 0 has two partners"):
        write_bpseq(tmp_path / "x", Rna(id="x", sequence="ACGU", pairs=((0, 2), (0, 3))))
    assert not (tmp_path / "x").exists()


@given(st.text("ACGUTNacgutn", min_size=1))
def test_known_letters_are_never_counted_as_changed(text):
    assert normalise(text, name="x") == (text.upper().replace("T", "U"), 0)


@given(st.text("ACGUTNRYKMXP5*acgutnx", min_size=1))
def test_masking_keeps_the_length_and_counts_exactly(text):
    sequence, changed = normalise(text, name="x", unknown="mask")
    assert len(sequence) == len(text)
    assert set(sequence) <= set(LETTERS)
    assert changed == sum(letter.upper() not in "ACGUTN" for letter in text)


ENDINGS = [".fa", ".sto", ".a2m", ".a3m", ".ct", ".bpseq", ".csv", ".txt", ".cif", ".pdb", ".fa.gz", ""]
SEEDS = [
    b">x\nACGU\n(..)\n>y\nGGCC\n",
    b"# STOCKHOLM 1.0\n#=GF ID t\nx AC-GU\ny ACGGU\n#=GC SS_cons <...>\n//\n",
    b"3 ENERGY = -1 x\n1 G 0 2 3 1\n2 A 1 3 0 2\n3 C 2 0 1 3\n",
    b"1 G 3\n2 A 0\n3 C 1\n",
    b'id,sequence,base_pairs,len\nx,GAC,"[[1, 3]]",3\n',
    b"# x L = 3\ni\tj\n1\t3\n",
    b"data_x\nloop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.Cartn_x\nATOM 1 2.0\n",
    b"ATOM      1  N9    G A   1      -1.289   4.551   0.000  1.00  0.00           N\n",
]


def read_bytes(content: bytes, ending: str) -> None:
    handle, name = tempfile.mkstemp(suffix=ending)
    os.write(handle, content)
    os.close(handle)
    try:
        rnas = read_rnas(name)
    except InputError as error:
        rnas, named = [], name in str(error)
    else:
        named = True
    finally:
        Path(name).unlink()
    assert named
    assert all(set(rna.sequence) <= set(LETTERS) for rna in rnas)


@pytest.mark.fault
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(ENDINGS))
def test_random_bytes_raise_nothing_but_input_errors(content, ending):
    read_bytes(content, ending)


@pytest.mark.fault
@settings(max_examples=600, deadline=None)
@given(st.data())
def test_damaged_files_raise_nothing_but_input_errors(data):
    content = data.draw(st.sampled_from(SEEDS))
    at = data.draw(st.integers(0, len(content)))
    cut = data.draw(st.integers(0, 4))
    damaged = content[:at] + data.draw(st.binary(max_size=3)) + content[at + cut :]
    assume(damaged != content)
    read_bytes(damaged, data.draw(st.sampled_from(ENDINGS)))
