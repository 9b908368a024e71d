"""RNAs from plain values: what a server is given is checked as a file would be."""

import pytest

from rnaexp.data.values import rna_of
from rnaexp.errors import InputError


def test_letters_are_read_as_in_a_file_and_a_missing_id_is_filled_in():
    rna = rna_of(" acgT\n", None, "", default_id="rna7")
    assert (rna.id, rna.sequence, rna.alignment) == ("rna7", "ACGU", None)
    assert rna_of("ACGU", "../<b>", default_id="x").id == "../<b>"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (">a\nACGU\n>b\nAC-U\n", ("ACGU", "AC-U")),
        (">a\nacgt\n>b\nac-u\n", ("ACGU", "AC-U")),  # rows of one length: the case of letters means nothing
        (">a\nACGU\n>b\nACggg-U\n", ("ACGU", "AC-U")),  # A3M: small letters are insertions
    ],
)
def test_an_alignment_is_aligned_fasta_or_a3m(text, rows):
    assert rna_of("ACGU", "a", text, default_id="x").alignment.rows == rows


@pytest.mark.fault
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("",), "x: empty sequence"),
        ((" \n",), "x: empty sequence"),
        ((None,), "x: sequence must be text"),
        ((5,), "x: sequence must be text"),
        (("ACXU",), "x: letter 'X' at position 3"),
        (("AC-U",), "gap in an unaligned sequence"),
        (("ACGU", 5), "id 5: must be text"),
        (("ACGU", "a\nb"), "must be one non-empty line"),
        (("ACGU", "a", ["ACGU"]), "a: alignment must be"),
        (("ACGU", "a", ">a\nACGU\n>b\nACG\n"), "alignment of a:3: row b: 3 columns"),
        (("ACGU", "a", ">a\nACGG\n"), "row 0 of its alignment is another sequence"),
        (("ACGU", "a", "nothing aligned"), "alignment of a:1: expected a header"),
        (("ACGU", "a", "\n"), "alignment of a: is empty"),
    ],
)
def test_what_is_no_rna_is_refused_with_the_reason(values, said):
    with pytest.raises(InputError, match=said):
        rna_of(*values, default_id="x")
