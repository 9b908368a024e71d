"""Every format, every kind of damage: an InputError that names file and line, never a silent subset."""

import gzip
import zipfile

import pytest
import toy_helix

from rnaexp.data.formats import read_rnas
from rnaexp.data.spot_rna import read_zip
from rnaexp.errors import InputError

STO = "# STOCKHOLM 1.0\n"
CSV = "id,sequence,base_pairs,len\n"

# name of the case: (file name, content, line, words of the message)
MALFORMED = {
    "fasta: digit": ("a.fa", ">x\nACGU\nAC1U\n", 3, "x: letter '1' at position 7"),
    "fasta: IUPAC letter": ("a.fa", ">x\nACRU\n", 2, "letter 'R' at position 3"),
    "fasta: modified base P": ("a.fa", ">x\nACPU\n", 2, "letter 'P'"),
    "fasta: X": ("a.fa", ">ok\nACGU\n>x\nACXU\n", 4, "letter 'X'"),
    "fasta: stop star": ("a.fa", ">x\nACGU*\n", 2, "letter '*' at position 5"),
    "fasta: gap dash": ("a.fa", ">x\nAC-U\n", 2, "a gap in an unaligned sequence"),
    "fasta: gap dot": ("a.fa", ">x\nAC.U\n", 2, "a gap in an unaligned sequence"),
    "fasta: not ASCII": ("a.fa", ">x\nACßU\n", 2, "letter 'ß' at position 3"),
    "fasta: no header": ("a.fa", "ACGU\n", 1, "expected a header"),
    "fasta: header without id": ("a.fa", ">x\nACGU\n> \nACGU\n", 3, "without an id"),
    "fasta: empty record in the middle": ("a.fa", ">x\n>y\nACGU\n", 1, "x: empty sequence"),
    "fasta: empty last record": ("a.fa", ">x\nACGU\n>y\n", 3, "y: empty sequence"),
    "fasta: duplicate id": ("a.fa", ">x 1\nACGU\n>x 2\nACGU\n", 3, "already used in line 1"),
    "fasta: not UTF-8": ("a.fa", b">x\nAC\xffGU\n", 2, "not UTF-8"),
    "fasta: zero byte": ("a.fa", b">x\nAC\x00GU\n", 2, "binary"),
    "dot-bracket: never closed": ("a.dbn", ">x\nACGU\n((.)\n", 3, "'(' at position 1 is never closed"),
    "dot-bracket: closes nothing": ("a.dbn", ">x\nACGU\n.))(\n", 3, "')' at position 2 closes nothing"),
    "dot-bracket: too short": ("a.dbn", ">x\nACGUA\n(..)\n", 3, "4 symbols, the sequence 5"),
    "dot-bracket: too long": ("a.dbn", ">x\nACGU\n(...)\n", 3, "5 symbols, the sequence 4"),
    "dot-bracket: before the sequence": ("a.dbn", ">x\n(..)\nACGU\n", 2, "before any sequence"),
    "dot-bracket: sequence goes on after it": ("a.dbn", ">x\nACGU\n(..)\nACGU\n", 4, "text after the structure"),
    "stockholm: no header": ("a.sto", "x ACGU\n//\n", 1, "# STOCKHOLM"),
    "stockholm: cut off before //": ("a.sto", STO + "x ACGU\n", 3, "// is missing"),
    "stockholm: next begins before //": ("a.sto", STO + "x ACGU\n" + STO, 3, "not closed"),
    "stockholm: ragged rows": ("a.sto", STO + "x ACGU\ny ACG\n//\n", 3, "row y: 3 columns"),
    "stockholm: row given twice": ("a.sto", STO + "x ACGU\ny ACGU\ny ACGU\n//\n", 4, "row y: given twice"),
    "stockholm: row without letters": ("a.sto", STO + "x ACGU\ny\n//\n", 3, "1 fields"),
    "stockholm: no rows": ("a.sto", STO + "\n//\n", 3, "without rows"),
    "stockholm: unbalanced consensus": ("a.sto", STO + "x ACGU\n#=GC SS_cons <<.>\n//\n", 3, "never closed"),
    "stockholm: consensus of another width": ("a.sto", STO + "x ACGU\n#=GC SS_cons <>\n//\n", 3, "2 symbols"),
    "stockholm: odd letter in a homolog": ("a.sto", STO + "x ACGU\ny AC5U\n//\n", 3, "y: letter '5'"),
    "stockholm: odd letter in the first row": ("a.sto", STO + "x ACRU\ny ACGU\n//\n", 2, "x: letter 'R'"),
    "a2m: ragged rows": ("a.a2m", ">x\nACGU\n>y\nACGUA\n", 3, "row y: 5 columns"),
    "a2m: only gaps in the first row": ("a.a2m", ">x\n----\n>y\nACGU\n", 1, "x: empty sequence"),
    "a2m: odd letter": ("a.a2m", ">x\nACGU\n>y\nAC?U\n", 3, "letter '?'"),
    "a3m: ragged match columns": ("a.a3m", ">x\nACGU\n>y\nACgGUA\n", 3, "row y: 5 columns"),
    "ct: rows missing": ("a.ct", "3 x\n1 A 0 2 0 1\n2 C 1 3 0 2\n", 1, "announces 3 bases, 2 follow"),
    "ct: header no number": ("a.ct", "x y\n1 A 0 2 0 1\n", 1, "'x', not a whole number"),
    "ct: short row": ("a.ct", "2 x\n1 A 0 2 0 1\n2 C 1\n", 3, "found 3"),
    "ct: partner disagrees": ("a.ct", "2 x\n1 A 0 2 2 1\n2 U 1 0 0 2\n", 2, "base 2 pairs with 0"),
    "ct: position skipped": ("a.ct", "2 x\n1 A 0 2 0 1\n3 U 1 0 0 2\n", 3, "position 3 where 2"),
    "bpseq: partner disagrees": ("a.bpseq", "1 A 3\n2 C 0\n3 U 2\n", 1, "base 3 pairs with 2"),
    "bpseq: pairs with itself": ("a.bpseq", "1 A 0\n2 C 2\n", 2, "cannot pair with itself"),
    "bpseq: partner outside": ("a.bpseq", "1 A 9\n2 C 0\n", 1, "outside 1..2"),
    "bpseq: negative partner": ("a.bpseq", "1 A -2\n2 C 0\n", 1, "outside 1..2"),
    "bpseq: not a number": ("a.bpseq", "1 A 0\n2 C one\n", 2, "'one', not a whole number"),
    "bpseq: fraction": ("a.bpseq", "1 A 0\n2 C 1.0\n", 2, "not a whole number"),
    "bpseq: cut row": ("a.bpseq", "1 A 0\n2 C\n", 2, "2 fields"),
    "bpseq: line missing": ("a.bpseq", "1 A 0\n3 C 0\n", 2, "missing or doubled"),
    "bpseq: two letters": ("a.bpseq", "1 A 0\n2 CG 0\n", 2, "not one letter"),
    "bpseq: gap": ("a.bpseq", "1 A 0\n2 - 0\n", 2, "letter '-'"),
    "csv: column missing": ("a.csv", "name,sequence\nx,ACGU\n", 1, "expected columns id"),
    "csv: field missing": ("a.csv", CSV + 'x,ACGU,"[]"\n', 2, "3 fields"),
    "csv: pairs no JSON": ("a.csv", CSV + 'x,ACGU,"[[1, 4]",4\n', 2, "no JSON list"),
    "csv: pairs in fractions": ("a.csv", CSV + 'x,ACGU,"[[1, 4.0]]",4\n', 2, "no list of [i, j]"),
    "csv: pair outside": ("a.csv", CSV + 'x,ACGU,"[[0, 4]]",4\n', 2, "position 0 is outside"),
    "csv: pair with itself": ("a.csv", CSV + 'x,ACGU,"[[2, 2]]",4\n', 2, "cannot pair with itself"),
    "csv: other length": ("a.csv", CSV + 'x,ACGU,"[]",5\n', 2, "len is 5"),
    "csv: duplicate id": ("a.csv", CSV + 'x,ACGU,"[]",4\nx,ACGU,"[]",4\n', 3, "already used in line 2"),
    "csv: open quote": ("a.csv", CSV + 'x,ACGU,"[],4\n', 3, "not a CSV row"),
    "csv: empty id": ("a.csv", CSV + ',ACGU,"[]",4\n', 2, "non-empty"),
    "csv: no rows": ("a.csv", CSV, 1, "no row"),
    "pdb: cut coordinates": (
        "a.pdb",
        "HEADER    X\nATOM      1  N9    G A   1      -1.289   4.5\n",
        2,
        "columns 31 to 54",
    ),
    "spot: labels without a sequence": ("a.txt", "# x L = 4\ni j\n1 4\n", 1, "no sequence"),
}


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.fault
@pytest.mark.parametrize("case", MALFORMED, ids=str)
def test_damage_is_named_with_file_and_line(case, tmp_path):
    name, content, line, words = MALFORMED[case]
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as raised:
        read_rnas(path)
    assert (raised.value.path, raised.value.line) == (path, line)
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert words in str(raised.value)


# Damage of a whole file has no line.
WHOLE = {
    "empty": ("a.fa", b"", "is empty"),
    "blank": ("a.fa", b" \n\n", "is empty"),
    "only a byte order mark": ("a.fa", b"\xef\xbb\xbf", "is empty"),
    "cut gzip": ("a.fa.gz", gzip.compress(b">x\nACGU\n" * 50)[:-9], "damaged gzip"),
    "gzip with a flipped byte": ("a.fa.gz", gzip.compress(b">x\nACGU\n")[:-6] + b"\0\1\2\3\4\5", "damaged gzip"),
    "no known format": ("a.txt", b"hello world\n", "FASTA, Stockholm"),
    "mmCIF without atoms": ("a.cif", b"data_x\n_entry.id x\n", "no structure can be read"),
    "mmCIF cut inside its table": ("a.cif", b"data_x\nloop_\n_atom_site.id\n_atom_site.x\n1 2 3\n", "no structure"),
    "PDB with a slipped digit": (
        "a.pdb",
        toy_helix.as_pdb(toy_helix.helix()).replace("   1.875", "99991.87", 1).encode(),
        "angstrom apart",
    ),
    "PDB without RNA": (
        "a.pdb",
        b"ATOM      1  CA  GLY A   1       1.000   1.000   1.000  1.00  0.00           C\n",
        "no RNA chain (found chains A",
    ),
}


@pytest.mark.fault
@pytest.mark.parametrize("case", WHOLE, ids=str)
def test_a_file_that_is_wrong_as_a_whole_is_named(case, tmp_path):
    name, content, words = WHOLE[case]
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as raised:
        read_rnas(path)
    assert raised.value.path == path
    assert words in str(raised.value)


@pytest.mark.fault
def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_rnas(tmp_path / "none.fa")


@pytest.mark.fault
def test_a_folder_with_nothing_readable_is_refused(tmp_path):
    write(tmp_path, "notes.md", "# nothing\n")
    with pytest.raises(InputError, match="no file of a format read here"):
        read_rnas(tmp_path)


@pytest.mark.fault
def test_two_files_of_a_folder_cannot_hold_one_id(tmp_path):
    write(tmp_path, "a.fa", ">x\nACGU\n")
    write(tmp_path, "b.fa", ">x\nACGU\n")
    with pytest.raises(InputError, match=r"b\.fa: id 'x' already stands in a\.fa"):
        read_rnas(tmp_path)


@pytest.mark.fault
def test_one_bad_file_spoils_the_folder_instead_of_being_left_out(tmp_path):
    write(tmp_path, "a.fa", ">x\nACGU\n")
    write(tmp_path, "b.ct", "2 y\n1 A 0 2 0 1\n")
    with pytest.raises(InputError, match=r"b\.ct:1"):
        read_rnas(tmp_path)


def spot_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


SPOT = {"PDB/VL1_sequences/x": ">x\nACGU\n", "PDB/VL1_labels/x": "# x\t L = 4\ni\tj\t\n1\t4\n"}
BAD_ZIPS = {
    "slip upwards": ({**SPOT, "../../evil": "x"}, "leads out of the folder"),
    "slip to the root": ({**SPOT, "/etc/evil": "x"}, "leads out of the folder"),
    "label without sequence": ({**SPOT, "PDB/VL1_labels/y": "# y L = 4\n"}, "y: a label file without a sequence"),
    "labels of another RNA": ({**SPOT, "PDB/VL1_labels/x": "# y L = 4\n1 4\n"}, "labels of y"),
    "labels of another length": ({**SPOT, "PDB/VL1_labels/x": "# x L = 5\n1 5\n"}, "with 5 bases"),
    "pair outside": ({**SPOT, "PDB/VL1_labels/x": "# x L = 4\n1 5\n"}, "VL1_labels/x:2: pair (1, 5)"),
    "pair with itself": ({**SPOT, "PDB/VL1_labels/x": "# x L = 4\n2 2\n"}, "cannot pair with itself"),
    "cut row": ({**SPOT, "PDB/VL1_labels/x": "# x L = 4\n2\n"}, "found 1 fields"),
    "split not there": ({"PDB/TS1_labels/x": "# x L = 4\n"}, "no VL1_labels"),
}


@pytest.mark.fault
@pytest.mark.parametrize("case", BAD_ZIPS, ids=str)
def test_a_bad_zip_is_refused_by_member(case, tmp_path):
    members, words = BAD_ZIPS[case]
    with pytest.raises(InputError) as raised:
        read_zip(spot_zip(tmp_path / "a.zip", members), "VL1")
    assert words in str(raised.value)
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.fault
def test_a_zip_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="no readable zip"):
        read_zip(write(tmp_path, "a.zip", b"PK\x03\x04 cut"), "VL1")
