"""A user's own file: bad records are told, all of them, and the good ones are read."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnaexp.data.formats import read_rnas
from rnaexp.data.own import read_own
from rnaexp.errors import InputError

FIVE = ">a\nGGGRAAACCC\n>b\nGG-GAAACC.C\n>empty\n>a\nGGGAAACCC\n>x one\nACGU\nAC9U\n"


def write(folder, text, name="my.fa"):
    (folder / name).write_text(text)
    return folder / name


def faults(own):
    return [(fault.path.name, fault.line, fault.name, fault.reason) for fault in own.faults]


def test_every_fault_is_told_and_the_good_records_are_read(tmp_path):
    own = read_own(write(tmp_path, FIVE))
    assert [(rna.id, rna.sequence, rna.letters_changed) for rna in own.rnas] == [
        ("a", "GGGNAAACCC", 1),
        ("b", "GGGAAACCC", 0),
        ("a.2", "GGGAAACCC", 0),
    ]
    assert faults(own) == [
        ("my.fa", 5, "empty", "empty sequence"),
        ("my.fa", 10, "x", "letter '9' at position 7: only A C G U T N are read; N may stand for it"),
    ]
    assert [own.places[id][1] for id in ("a", "b", "a.2")] == [1, 3, 6]
    assert own.records == 5
    assert own.changes == {"a": "read as N: R at 4", "b": "gaps removed: 1 after 2, 1 after 8"}
    assert own.notes == (
        "1 IUPAC codes of 1 RNAs were read as N",
        "2 gaps of 1 RNAs were removed; an alignment has the ending .a2m, .a3m or .sto",
        "1 names stood before: a is now a.2",
    )


def test_changes_are_named_by_their_places_in_the_sequence_that_is_read(tmp_path):
    own = read_own(write(tmp_path, ">a\n--gT-\nNr..Y\n>b\nACGT\n>c\nXA-C\n"), unknown="mask")
    assert [rna.sequence for rna in own.rnas] == ["GUNNN", "ACGU", "NAC"]
    assert own.changes == {
        "a": "read as N: R at 4, Y at 5; gaps removed: 2 before 1, 1 after 2, 2 after 4",
        "c": "read as N: X at 1; gaps removed: 1 after 2",
    }


def test_a_set_with_labels_stays_strict(tmp_path):
    path = write(tmp_path, FIVE)
    with pytest.raises(InputError, match=r"my.fa:6: .*a.*"):
        read_rnas(path)
    for letters in ("GGR", "G-G"):
        with pytest.raises(InputError, match=r"my.fa:2: a: letter"):
            read_rnas(write(tmp_path, f">a\n{letters}\n"))


@pytest.mark.parametrize(
    ("text", "found", "wrong"),
    [
        ("ACGU\n>a\nACGU\n", ["a"], [(1, "", "expected a header that starts with '>', found 'ACGU'")]),
        (">\nACGU\n>a\nACGU\n", ["a"], [(1, "", "a header without an id")]),
        (">k\n((..))\nACGU\n>a\nACGU\n", ["a"], [(2, "k", "a structure before any sequence")]),
        (">k\nACGU\n(..)\nACGU\n>a\nACGU\n", ["a"], [(4, "k", "text after the structure: 'ACGU'")]),
        (">k\nACGU\n(.)\n>a\nACGU\n", ["a"], [(3, "k", "structure has 3 symbols, the sequence 4 bases")]),
        (">k\nAC-GU\n(..).\n>a\nACGU\n", ["a"], [(2, "k", "letter '-' at position 3: a gap in an unaligned")]),
        (">k\n--\n>a\nACGU\n", ["a"], [(1, "k", "nothing but gaps")]),
        (">k\nA-\n-*\n>a\nACGU\n", ["a"], [(3, "k", "letter '*' at position 4: only A C G U T N are read")]),
        (">a\nA\n>a\nC\n>a.2\nG\n>a\nU\n", ["a", "a.3", "a.2", "a.4"], []),
    ],
)
def test_what_may_be_wrong_with_a_record(tmp_path, text, found, wrong):
    own = read_own(write(tmp_path, text))
    assert [rna.id for rna in own.rnas] == found
    told = faults(own)
    assert [(line, name) for _, line, name, _ in told] == [(line, name) for line, name, _ in wrong]
    assert all(reason.startswith(start) for (*_, reason), (_, _, start) in zip(told, wrong, strict=True))


def test_rows_of_a_table_and_files_of_a_folder_are_records_too(tmp_path):
    own = read_own(write(tmp_path, "id,sequence\na,ACGU\nb\nc,AXGU\nd,ACRU\n", "my.csv"))
    assert [(rna.id, rna.sequence) for rna in own.rnas] == [("a", "ACGU"), ("d", "ACNU")]
    assert own.changes == {"d": "read as N: R at 3"}
    assert [(line, name) for _, line, name, _ in faults(own)] == [(3, "b"), (4, "c")]
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, ">a\nACGU\n>b\nA!\n", "one.fa")
    write(folder, ">a\nGGGG\n", "two.fa")
    write(folder, "1 A 0\n2 C 9\n", "three.bpseq")
    write(folder, ">q\nACGU\n", "pair.fa")
    write(folder, ">q\nACGG\n>h\nACGU\n", "pair.a3m")
    write(folder, ">a\nACGU\n>h\nACGG\n", "zz.a3m")
    own = read_own(folder)
    assert [(rna.id, rna.sequence, rna.alignment is None) for rna in own.rnas] == [
        ("a", "ACGU", False),
        ("a.2", "GGGG", True),
    ]
    assert {name for name, *_ in faults(own)} == {"one.fa", "three.bpseq", "pair.a3m"}


def test_a_file_that_is_none_ends_with_an_error(tmp_path):
    for text, name in (("", "my.fa"), ("hello\n", "my.txt"), ("a,b\n1,2\n", "my.csv")):
        with pytest.raises(InputError, match=name):
            read_own(write(tmp_path, text, name))
    with pytest.raises(InputError, match="cannot be read"):
        read_own(tmp_path / "none.fa")


LETTERS = st.text("ACGUTNacgutn", min_size=1, max_size=12)
BAD = st.sampled_from(["", "AC!U", "A1", "--", "AC*"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(LETTERS.map(lambda s: (s, True)), BAD.map(lambda s: (s, False)))),
        min_size=1,
        max_size=9,
    )
)
def test_good_and_bad_records_add_up_and_no_two_have_one_name(tmp_path_factory, records):
    path = Path(tmp_path_factory.getbasetemp()) / "drawn.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, (letters, _) in records))
    own = read_own(path)
    good = [letters.upper().replace("T", "U") for _, (letters, fine) in records if fine]
    assert [rna.sequence for rna in own.rnas] == good
    assert len({rna.id for rna in own.rnas}) == len(good)
    bad = [(2 * at + 1, name) for at, (name, (_, fine)) in enumerate(records) if not fine]
    assert [name for _, _, name, _ in faults(own)] == [name for _, name in bad]
    assert own.records == len(records)
