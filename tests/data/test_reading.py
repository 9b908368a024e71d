"""What each format means, on small files whose content is known by eye."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
import toy_helix

from rnaexp.data.formats import read_rnas
from rnaexp.data.names import safe_name
from rnaexp.data.stockholm import read_families
from rnaexp.data.text import read_source
from rnaexp.errors import InputError


def read(folder: Path, name: str, content: str | bytes, **policy):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rnas(path, **policy)


def test_fasta_ids_are_first_words_and_t_reads_as_u(tmp_path):
    first, second = read(tmp_path, "a.fa", ">x some words\nacgt\nACGU\n\n>y|1\nNNAC\n")
    assert (first.id, first.sequence, first.pairs, first.letters_changed) == ("x", "ACGUACGU", None, 0)
    assert (second.id, second.sequence) == ("y|1", "NNAC")


def test_line_endings_byte_order_mark_and_gzip_change_nothing(tmp_path):
    plain = ">x\nACGU\n(..)\n>y\nGGCC\n"
    unix = read(tmp_path, "a.fa", plain)
    assert read(tmp_path, "b.fa", b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()) == unix
    assert read(tmp_path, "c.fa", plain.replace("\n", "\r")) == unix
    assert read(tmp_path, "d.fa.gz", gzip.compress(plain.encode())) == unix


def test_a_structure_line_gives_pairs_pseudoknots_included(tmp_path):
    (rna,) = read(tmp_path, "a.fa", ">x\nGGGAAACCCUUU\n((([[[)))]]]  ( -1.20)\n")
    assert rna.pairs == ((0, 8), (1, 7), (2, 6), (3, 11), (4, 10), (5, 9))
    (rna,) = read(tmp_path, "b.fa", ">x\nGGAACC\nGGAACC\n((A.B{\n}.b))a\n")
    assert rna.pairs == ((0, 10), (1, 9), (2, 11), (4, 8), (5, 6))


def test_unpaired_structure_is_known_to_have_no_pairs(tmp_path):
    assert read(tmp_path, "a.fa", ">x\nACGU\n....\n")[0].pairs == ()


def test_masking_counts_each_letter_and_leaves_t_out(tmp_path):
    (rna,) = read(tmp_path, "a.fa", ">x\nTRXp5*\n", unknown="mask")
    assert (rna.sequence, rna.letters_changed) == ("UNNNNN", 5)


def test_masking_never_hides_a_gap(tmp_path):
    with pytest.raises(ValueError, match="a gap in an unaligned sequence"):
        read(tmp_path, "a.fa", ">x\nAC-RU\n", unknown="mask")


def test_a2m_columns_where_the_first_row_has_a_gap_are_cut(tmp_path):
    (rna,) = read(tmp_path, "a.a2m", ">x\nA-cG.U\n>y z\n-GTRaN\n>gone\n-A--C-\n")
    assert (rna.id, rna.sequence, rna.pairs) == ("x", "ACGU", None)
    assert rna.alignment.rows == ("ACGU", "-UNN")
    assert rna.alignment.names == ("x", "y")


def test_wrapped_aligned_rows_of_dots_are_gaps_not_structure(tmp_path):
    (rna,) = read(tmp_path, "a.a2m", ">x\nACG\nUAC\n>y\nACG\n...\n")
    assert rna.alignment.rows == ("ACGUAC", "ACG---")


def test_a3m_lower_case_of_homologs_is_dropped(tmp_path):
    (rna,) = read(tmp_path, "a.a3m", ">x\nAC-GU\n>y\nAcgCAGuU\n>z\n-gC.--U\n")
    assert rna.sequence == "ACGU"
    assert rna.alignment.rows == ("ACGU", "ACGU", "-C-U")


def test_stockholm_gives_the_first_row_with_its_projected_consensus(tmp_path):
    text = (
        "# STOCKHOLM 1.0\n#=GF ID toy\n#=GF AC RF9\n#=GF SS Published; PMID:1\n\n"
        "x/1-5 G.AA\ny/1-6 GCAA\n#=GC SS_cons <<..\n#=GC SS_cons2 AA..\n\n"
        "x/1-5 ACC\ny/1-6 AGC\n#=GC SS_cons .>>\n//\n"
    )
    (rna,) = read(tmp_path, "a.sto", text)
    assert (rna.id, rna.sequence, rna.family) == ("x/1-5", "GAAACC", "toy")
    assert rna.pairs == ((0, 5),)
    assert rna.alignment.rows == ("GAAACC", "GAAAGC")
    assert rna.alignment.structure_aware is True
    (family,) = read_families(read_source(tmp_path / "a.sto"))
    assert family.member(1).pairs == ((0, 6), (1, 5))
    assert family.member(1).alignment.rows == ("GCAAAGC", "G-AAACC")
    assert family.evidence == "published"


def test_author_names_in_another_encoding_do_not_spoil_a_stockholm_file(tmp_path):
    (rna,) = read(tmp_path, "a.sto", b"# STOCKHOLM 1.0\n#=GF AU L\xf3pez M\nx ACGU\n//\n")
    assert rna.sequence == "ACGU"


def test_ct_takes_its_name_from_the_header_energy_aside(tmp_path):
    body = "1 G 0 2 3 1\n2 A 1 3 0 2\n3 C 2 0 1 3\n"
    first, second = read(tmp_path, "a.ct", f"3 ENERGY = -1.2 one\n{body}\n3\tdG=-3 two\tSPOT-RNA output\n\n{body}")
    assert (first.id, first.sequence, first.pairs) == ("one", "GAC", ((0, 2),))
    assert second.id == "two"
    assert read(tmp_path, "b.ct", f"3\n{body}")[0].id == "b"


def test_bpseq_takes_its_name_from_the_file(tmp_path):
    (rna,) = read(tmp_path, "my.bpseq", "#2DRB_1\n1 g 3\n2 T 0\n3 C 1\n")
    assert (rna.id, rna.sequence, rna.pairs) == ("my", "GUC", ((0, 2),))


def test_csv_pairs_count_from_one_and_bases_may_have_two_partners(tmp_path):
    text = 'id,sequence,structure,base_pairs,len\nx,GGACC,(...),"[[1, 5], [1, 4]]",5\ny,GGACC,(...),,5\n'
    first, second = read(tmp_path, "a.csv", text)
    assert first.pairs == ((0, 3), (0, 4))
    assert second.pairs == ((0, 4),)


def test_parquet_is_read_as_the_same_table_in_csv(tmp_path):
    """As hub data sets have it: dot-brackets or lists of pairs, a family, cells that are missing."""
    table = pd.DataFrame(
        {
            "id": ["x", "y", "z"],
            "sequence": ["GGACC", "GGACC", "GGAAACC"],
            "secondary_structure": ["(...)", None, "((...))"],
            "base_pairs": [[[1, 5], [1, 4]], None, None],
            "family": ["RF00001", "RF00001", None],
            "remark": ["two\nlines", "", "a, b"],
        }
    )
    table.to_parquet(tmp_path / "a.parquet")
    first, second, third = read_rnas(tmp_path / "a.parquet")
    assert [rna.pairs for rna in (first, second, third)] == [((0, 3), (0, 4)), None, ((0, 6), (1, 5))]
    assert [rna.family for rna in (first, second, third)] == ["RF00001", "RF00001", None]
    again = table.assign(base_pairs=["[[1, 5], [1, 4]]", None, None], remark="")
    assert read(tmp_path, "a.csv", again.to_csv(index=False)) == [first, second, third]
    bad = table.assign(secondary_structure=["(...)", "((", "((...))"])
    bad.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"b\.parquet:3: y: "):
        read_rnas(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:400])
    with pytest.raises(InputError, match=r"c\.parquet: is a damaged Parquet file"):
        read_rnas(tmp_path / "c.parquet")


@pytest.mark.parametrize(("name", "content"), [("a", ">x\nACGU\n"), ("a.txt", "#c\n1 A 2\n2 U 1\n")])
def test_a_file_without_a_known_ending_is_known_by_its_content(name, content, tmp_path):
    assert len(read(tmp_path, name, content)) == 1


def test_labels_find_their_sequence_in_the_folder_beside_them(tmp_path):
    for folder, content in (("TS1_labels", "# x L = 4\ni j\n1 4\n1 3\n"), ("TS1_sequences", ">x\nPCTU\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text(content)
    (rna,) = read_rnas(tmp_path / "TS1_labels")
    assert (rna.sequence, rna.pairs, rna.letters_changed) == ("UCUU", ((0, 2), (0, 3)), 1)


@pytest.mark.parametrize("write", [toy_helix.as_mmcif, toy_helix.as_pdb])
def test_base_pairs_are_found_in_coordinates(write, tmp_path):
    name = "toy.cif" if write is toy_helix.as_mmcif else "toy.pdb"
    (rna,) = read(tmp_path, name, write(toy_helix.helix()))
    assert (rna.id, rna.sequence, rna.pairs) == ("toy_A", toy_helix.SEQUENCE, toy_helix.PAIRS)


def test_a_modified_residue_reads_as_its_parent_and_is_counted(tmp_path):
    (rna,) = read(tmp_path, "toy.cif", toy_helix.as_mmcif(toy_helix.helix(), rename={6: "5MC"}))
    assert (rna.sequence, rna.letters_changed) == (toy_helix.SEQUENCE, 1)


def test_an_alignment_beside_a_structure_joins_it(tmp_path):
    (tmp_path / "toy_A.a2m").write_text(">anything\nGG-C\n>h\nGACC\n")
    (tmp_path / "toy_A.bpseq").write_text("1 G 3\n2 G 0\n3 C 1\n")
    (tmp_path / "z.fa").write_text(">z\nACGU\n")
    (tmp_path / "readme.md").write_text("nothing to read\n")
    first, second = read_rnas(tmp_path)
    assert (first.id, first.pairs, first.alignment.rows) == ("toy_A", ((0, 2),), ("GGC", "GAC"))
    assert (second.id, second.alignment) == ("z", None)


def test_an_alignment_of_another_sequence_does_not_join(tmp_path):
    (tmp_path / "x.a2m").write_text(">x\nACGA\n")
    (tmp_path / "x.fa").write_text(">x\nACGU\n")
    with pytest.raises(ValueError, match=r"x\.a2m: its first row is not the sequence of x"):
        read_rnas(tmp_path)


@pytest.mark.fault
@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", ".hidden", "a\\b", "<script>", "a b", "é" * 300])
def test_an_id_never_leads_out_of_a_folder(name, tmp_path):
    path = tmp_path / safe_name(name)
    path.write_text("x")
    assert path.parent == tmp_path
    assert path.resolve().parent == tmp_path.resolve()


def test_two_ids_never_share_a_file_name():
    names = ["a/b", "a%2Fb", "a.b", "a%2Eb", "A", "a", "x" * 500, "x" * 501, "~", "%7E"]
    assert len({safe_name(name) for name in names}) == len(names)
