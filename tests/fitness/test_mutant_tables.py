"""Tables of mutations as people have them; the oracle is the sequence with its letter put in by hand."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rnaexp.data.assay_tables import read_assay
from rnaexp.data.mutants import MutantError, mutated, parse_mutant
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError

WILD = "GGACUUCGGUCC"


def write(folder, text, name="dms.csv"):
    (folder / name).write_text(text)
    return folder / name


def told(path, **how):
    """The assay, its faults as text and its notes."""
    faults, notes = [], []

    def keep(found, said):
        faults.extend(f"{fault.line}: {fault.name}: {fault.reason}" for fault in found)
        notes.extend(said)

    return read_assay(path, report=keep, **how), faults, notes


def sequences(assay):
    return [variant.sequence for variant in assay.variants]


def put(*changes):
    letters = list(WILD)
    for at, letter in changes:
        letters[at] = letter
    return "".join(letters)


EXPECTED = [put((0, "A")), put((0, "A"), (2, "C")), put((11, "G")), WILD]


@pytest.mark.parametrize(
    "cells",
    [
        ("G1A", "G1A:A3C", "C12G", "WT"),
        ("G0A", "G0A:A2C", "C11G", "_wt"),
        ("G1A", '"G1A,A3C"', "c12g", ""),
        ("n.1G>A", "n.[1G>A;3A>C]", "n.12C>G", "n.="),
        ("seq:n.1G>A", "seq:n.[1G>A;3A>C]", "c.12C>G", "_wt"),
        ("r.1g>a", "1G>A 3A>C", "C12G", "wt"),
    ],
)
@pytest.mark.parametrize("wild_type", [WILD, WILD.replace("U", "t"), "wild.fa"])
def test_every_way_to_write_a_mutant_gives_the_same_sequences(tmp_path, monkeypatch, cells, wild_type):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, f">w\n{WILD}\n", "wild.fa")
    table = "mutant,score\n" + "".join(f"{cell},{at}\n" for at, cell in enumerate(cells))
    found, faults, notes = told(write(tmp_path, table), wild_type=wild_type)
    assert sequences(found) == EXPECTED
    assert found.wild_type == WILD
    assert [variant.score for variant in found.variants] == [0, 1, 2, 3]
    assert faults == []
    assert notes == [f"mutations are numbered from {0 if '0' in cells[0] else 1}"]


def test_what_mavedb_serves_is_read_as_it_is(tmp_path):
    head = "accession,hgvs_nt,hgvs_splice,hgvs_pro,score,sd\n"
    rows = "#1,n.1G>A,NA,NA,0.5,0.1\n#2,n.[1G>A;3A>C],NA,NA,-1,0.1\n#3,n.12C>G,NA,NA,0,NA\n"
    rows += "#4,n.2del,NA,NA,1,NA\n#5,n.3A>G,NA,NA,NA,NA\n"
    remarks = "# Accession: tmp\n# Downloaded: today\n"
    for text in (head + rows, remarks + head + rows, head.replace(",score,", ",scores.score,") + rows):
        found, faults, notes = told(write(tmp_path, text), wild_type=WILD)
        assert sequences(found) == EXPECTED[:3]
        assert [variant.id for variant in found.variants] == ["#1", "#2", "#3"]
        assert [fault.partition(": ")[2] for fault in faults] == ["#4: '2del' is no substitution such as A1G or n.1A>G"]
        assert notes[0] == "1 of 5 rows have no score and are left out"


def test_a_wrong_letter_names_row_position_and_both_letters(tmp_path):
    table = "mutant,score\nG1A,1\nC3A,2\nA3C,3\nG2U,4\nC12G;U13A,5\nG2U:A2C,6\nA3X,7\nhello,8\n"
    path = write(tmp_path, table)
    found, faults, _ = told(path, wild_type=WILD)
    assert sequences(found) == [put((0, "A")), put((2, "C")), put((1, "U"))]
    assert faults == [
        "3: C3A: the wild type has A at position 3, not C",
        "6: C12G;U13A: U13A: position 13 is outside 1..12",
        "7: G2U:A2C: position 2 is changed 2 times",
        "8: A3X: letter 'X' in 'A3X'; only A C G U T N are read",
        "9: hello: 'hello' is no substitution such as A1G or n.1A>G",
    ]
    with pytest.raises(InputError, match=r"dms.csv:3: C3A: the wild type has A at position 3, not C"):
        read_assay(path, wild_type=WILD)


def test_a_numbering_that_cannot_be_told_is_refused_with_the_option(tmp_path):
    both = write(tmp_path, "mutant,score\nG1A,1\nG1C,2\nG1U,3\n")
    with pytest.raises(InputError, match=r"fit both .*say --offset 0 or --offset 1"):
        told(both, wild_type=WILD)
    for first, at in ((0, 1), (1, 0)):
        found, *_ = told(both, wild_type=WILD, layout=TableLayout(first=first))
        assert sequences(found) == [put((at, letter)) for letter in "ACU"]
    shifted = write(tmp_path, "mutant,score\nG26A,1\nA28C,2\nC37G,3\n")
    with pytest.raises(
        InputError, match=r"not those of the wild type \(0 of 3 if it is 0, .*line 2, .*G26A: position 26"
    ):
        told(shifted, wild_type=WILD)
    found, *_ = told(shifted, wild_type=WILD, layout=TableLayout(first=26))
    assert sequences(found) == [put((0, "A")), put((2, "C")), put((11, "G"))]


def test_columns_are_named_by_option_and_a_missing_one_is_told(tmp_path):
    path = write(
        tmp_path,
        "change\tfitness\twhole\nG1A\t1\tAGACUUCGGUCC\nA3C\t2\tGGCCUUCGGTCC\nC12G\t3\tGGACUUCGGUCG\n",
        "dms.tsv",
    )
    by_mutant, *_ = told(path, wild_type=WILD, layout=TableLayout(score_column="fitness", mutant_column="change"))
    by_sequence, *_ = told(path, layout=TableLayout(score_column="fitness", sequence_column="whole"))
    assert sequences(by_mutant) == sequences(by_sequence)
    assert (by_mutant.wild_type, by_sequence.wild_type) == (WILD, None)
    with pytest.raises(
        InputError, match=r"dms.tsv:2: no column score or .*there are change, fitness, whole; --score-column"
    ):
        told(path)
    with pytest.raises(InputError, match=r"no column sequence or .* --mutant-column names it"):
        told(path, layout=TableLayout(score_column="fitness"))
    with pytest.raises(InputError, match=r"no column nothing; there are"):
        told(path, layout=TableLayout(score_column="nothing"))
    with pytest.raises(InputError, match="only mutations and no sequences: say of what, by --wild-type"):
        told(path, layout=TableLayout(score_column="fitness", mutant_column="change"))


def test_the_wild_type_is_what_mutants_leave_of_sequences(tmp_path):
    rows = [("G1A", EXPECTED[0]), ('"G1A,A3C"', EXPECTED[1]), ("C12G", EXPECTED[2])]
    table = "mutant,DMS_score,sequence\n" + "".join(f"{name},1,{sequence}\n" for name, sequence in rows)
    found, faults, notes = told(write(tmp_path, table))
    assert (found.wild_type, faults) == (WILD, [])
    assert notes == ["wild type of 12 bases from sequences and mutants, numbered from 1"]
    odd = table + f"U5A,1,{put((4, 'A'), (5, 'A'))}\nU6G,1,{put((5, 'A'))}\n"
    found, faults, _ = told(write(tmp_path, odd))
    assert found.wild_type == WILD
    assert faults == [
        "5: U5A: without its mutations it is not the wild type of the other rows",
        "6: U6G: the sequence has A at position 6, not G",
    ]
    library = "mutant,DMS_score,sequence\n" + "".join(
        f"N1{a}:N5{b},1,{put((0, a), (4, b))}\n" for a, b in ("AC", "CG", "UA")
    )
    found, faults, notes = told(write(tmp_path, library))
    assert (found.wild_type, faults) == (None, [])
    assert notes == ["the wild type has N at 2 positions: none is known"]
    names, _, notes = told(write(tmp_path, "mutant,score,sequence\nx,1,ACGU\ny,2,ACGA\nz,3,ACGC\n"))
    assert (names.wild_type, notes) == (None, [])


def test_a_file_with_two_rnas_or_with_none_is_no_wild_type(tmp_path):
    path = write(tmp_path, "mutant,score\nG1A,1\n")
    with pytest.raises(InputError, match="2 RNAs; the wild type is one"):
        told(path, wild_type=str(write(tmp_path, ">a\nACGU\n>b\nACGU\n", "two.fa")))
    with pytest.raises(InputError, match=r"letter '.' at position .*no file has this name"):
        told(path, wild_type="none.fa")


def test_the_table_of_formats_is_what_reading_them_gives():
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, "tracking/assay_formats.py"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert made in (root / "docs" / "fitness.md").read_text()


SITES = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 3)), min_size=1, max_size=3)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("ACGU", min_size=3, max_size=30), st.sampled_from((0, 1)), st.lists(SITES, min_size=4, max_size=6))
def test_letters_tell_the_numbering_or_it_is_refused(tmp_path_factory, wild, first, variants):
    """Whatever numbering a table was written in, its sequences come back, or both numberings explain it."""
    rows = []
    for variant in variants:
        changes = {}
        for site, step in variant:
            at = site % len(wild)
            changes[at] = "ACGU"[("ACGU".index(wild[at]) + step) % 4]
        name = ":".join(f"{wild[at]}{at + first}{letter}" for at, letter in changes.items())
        rows.append((name, "".join(changes.get(at, letter) for at, letter in enumerate(wild))))
    rows = [(name, sequence) for sequence, name in {sequence: name for name, sequence in rows}.items()]
    assume(len(rows) >= 3)
    path = Path(tmp_path_factory.getbasetemp()) / "drawn.csv"
    path.write_text("mutant,score\n" + "".join(f"{name},1\n" for name, _ in rows))
    other = 1 - first
    one = [(int("".join(filter(str.isdigit, part))), part[0]) for name, _ in rows for part in name.split(":")]
    explained = all(0 <= at - other < len(wild) and wild[at - other] == letter for at, letter in one)
    if explained:
        with pytest.raises(InputError, match="--offset"):
            told(path, wild_type=wild)
    else:
        found, faults, notes = told(path, wild_type=wild)
        assert (sequences(found), faults) == ([sequence for _, sequence in rows], [])
        assert notes == [f"mutations are numbered from {first}"]


def test_a_mutant_without_a_letter_of_the_wild_type_is_never_applied():
    for text in ("A2C", "A0C", "G13A", "G-1A"):
        with pytest.raises(MutantError):
            mutated(WILD, parse_mutant(text), 1)


@pytest.mark.parametrize(
    "name",
    ["Pitt_2010_ribozyme", "Tome_2014_GFP_aptamer", "Kobori_2015_ribozyme_tw", "Rachapun_2022_L2_R1_R2_ribozyme"],
)
def test_nabench_tables_are_read_as_they_are(mirror, tmp_path, name):
    """RNAGym's have the same columns. The oracle is the table's own `sequence` and its metadata."""
    import pandas as pd

    folder = next((mirror / "raw.githubusercontent.com/mrzzmrzz/NABench").iterdir())
    table = pd.read_csv(folder / "data" / f"{name}.csv")
    construct = pd.read_csv(folder / "metadata.csv").set_index("DMS_ID").loc[name, "RAW_CONSTRUCT_SEQ"]
    found, faults, notes = told(folder / "data" / f"{name}.csv")
    kept = table.drop_duplicates("sequence")
    assert sequences(found) == [sequence.replace("T", "U") for sequence in kept["sequence"]]
    assert [variant.score for variant in found.variants] == kept["DMS_score"].tolist()
    assert len(faults) == len(table) - len(kept)
    library = table["mutant"].str.contains("N").any()
    assert found.wild_type == (None if library else construct.upper().replace("T", "U"))
    assert notes[0].startswith("the wild type has N" if library else "wild type of")
    if library:
        return
    by_mutant, _, _ = told(folder / "data" / f"{name}.csv", wild_type=construct, layout=TableLayout(sequence_column=""))
    assert sequences(by_mutant) == sequences(found)
