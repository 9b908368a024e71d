"""Homologs by nhmmer: planted relatives are found and aligned, strangers, copies and fragments are not."""

import random

import pytest
from tests.command import inside

from rnaexp.data.homologs import Database, Search
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError
from rnaexp.rna import Rna


def letters(bases, seed):
    return "".join(random.Random(seed).choices("ACGU", k=bases))


def mutated(sequence, rate, seed):
    """Substitutions at random places, never a letter by itself."""
    dice = random.Random(seed)
    return "".join(
        dice.choice([other for other in "ACGU" if other != base]) if dice.random() < rate else base for base in sequence
    )


@pytest.fixture(scope="module")
def query():
    return Rna(id="query", sequence=letters(120, 0))


@pytest.fixture(scope="module")
def found(query):
    flank = [letters(60, seed) for seed in (100, 101)]
    deleted = mutated(query.sequence, 0.18, 7)
    known = [
        Rna(id="relative", sequence=flank[0] + mutated(query.sequence, 0.2, 1) + flank[1]),
        Rna(id="copy", sequence=query.sequence),
        Rna(id="deletion", sequence=deleted[:50] + deleted[56:]),
        Rna(id="fragment", sequence=mutated(query.sequence[:40], 0.15, 3)),
        *(Rna(id=f"stranger{seed}", sequence=letters(300, seed)) for seed in range(20, 40)),
    ]
    return Database(known).homologs(query, Search())


def test_the_rna_itself_is_the_first_row_whole(found, query):
    assert (found.names[0], found.rows[0]) == ("query", query.sequence)


def test_relatives_are_found_and_strangers_copies_and_fragments_left_out(found):
    assert {name.rpartition("/")[0] for name in found.names[1:]} == {"relative", "deletion"}
    assert found.structure_aware is False


def test_a_relative_without_gaps_stands_base_under_base(found, query):
    row = next(row for name, row in zip(found.names, found.rows, strict=True) if name.startswith("relative"))
    true = mutated(query.sequence, 0.2, 1)
    aligned = [at for at, letter in enumerate(row) if letter != "-"]
    assert len(aligned) > 100
    assert all(row[at] == true[at] for at in aligned)


def test_deleted_bases_are_gaps_in_the_rnas_own_columns(found):
    row = next(row for name, row in zip(found.names, found.rows, strict=True) if name.startswith("deletion"))
    assert row.strip("-").count("-") == 6
    assert 44 <= row.strip("-").index("-") + row.index(row.strip("-")[0]) <= 56


def test_no_row_repeats_another(found):
    for at, one in enumerate(found.rows):
        for other in found.rows[at + 1 :]:
            both = [(a, b) for a, b in zip(one, other, strict=True) if "-" not in (a, b)]
            assert sum(a == b for a, b in both) < 0.9 * len(both)


@pytest.mark.fault
def test_an_rna_without_homologs_stands_alone_and_is_named(tmp_path):
    (tmp_path / "q.fa").write_text(f">../odd id\n{letters(80, 1)}\n")
    (tmp_path / "db.fa").write_text(f">a\n{letters(300, 2)}\n")
    done = inside("msa", "q.fa", "--database", "db.fa", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 RNAs without homologs, depth 1: ../odd" in done.stderr
    (file,) = (tmp_path / "out").glob("*.a2m")
    assert file.read_text().startswith(">../odd depth=1 neff=1.00 tool=pyhmmer-")
    assert "no homologs" in (tmp_path / "out" / "msa.csv").read_text()


def test_what_is_written_is_read_back_as_the_rnas_alignment(tmp_path, query):
    from rnaexp.data.formats import read_rnas

    (tmp_path / "q.fa").write_text(f">query\n{query.sequence}\n")
    relatives = "".join(f">r{seed}\n{mutated(query.sequence, 0.2, seed)}\n" for seed in range(1, 7))
    (tmp_path / "db.fa").write_text(relatives)
    done = inside("msa", "q.fa", "--database", "db.fa", "--out", "out", "--max-rows", 4, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (rna,) = read_rnas(tmp_path / "out" / "query.a2m")
    assert (rna.id, rna.sequence, rna.alignment.depth) == ("query", query.sequence, 4)


@pytest.mark.fault
def test_a_value_that_is_not_allowed_is_exit_2(tmp_path):
    (tmp_path / "q.fa").write_text(">q\nACGU\n")
    done = inside("msa", "q.fa", "--database", "q.fa", "--identity", 0, cwd=tmp_path)
    assert done.returncode == 2
    with pytest.raises(ValueError, match="rounds from 1"):
        Search(rounds=0)


def test_input_that_is_no_fasta_is_named(tmp_path):
    (tmp_path / "q.fa").write_text("no header\n")
    done = inside("msa", "q.fa", "--database", "q.fa", cwd=tmp_path)
    assert done.returncode == 65
    assert "q.fa:1" in done.stderr


def test_what_it_writes_for_rnas_with_pairs_is_a_set_to_test_on(query, tmp_path):
    pairs = "(" * 20 + "." * 80 + ")" * 20
    (tmp_path / "q.dbn").write_text(f">query\n{query.sequence}\n{pairs}\n>alone\n{letters(50, 9)}\n{'.' * 50}\n")
    (tmp_path / "db.fa").write_text(f">relative\n{mutated(query.sequence, 0.2, 1)}\n")
    assert inside("msa", "q.dbn", "--database", "db.fa", "--out", "out", cwd=tmp_path).returncode == 0
    found = load_set(tmp_path / "out")
    assert [(rna.id, len(rna.pairs), rna.alignment.depth) for rna in found.rnas] == [("alone", 0, 1), ("query", 20, 2)]
    assert found.notes == ("skipped, of no format read here: msa.csv",)


def test_an_alignment_of_another_sequence_or_a_second_one_is_refused(query, tmp_path):
    (tmp_path / "q.dbn").write_text(f">query\n{query.sequence}\n{'.' * 120}\n")
    (tmp_path / "other.a2m").write_text(f">query\n{query.sequence[:-1]}A\n")
    if query.sequence.endswith("A"):
        (tmp_path / "other.a2m").write_text(f">query\n{query.sequence[:-1]}C\n")
    with pytest.raises(InputError, match=r"other\.a2m: its first row is not the sequence of query"):
        load_set(tmp_path)
    for name in ("other.a2m", "third.a2m"):
        (tmp_path / name).write_text(f">query\n{query.sequence}\n")
    with pytest.raises(InputError, match=r"id 'query' already stands in"):
        load_set(tmp_path)
