from dataclasses import replace

import pytest

from rnaexp import models
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.maps import Reader
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.protocol import ATTENTION, PAIR_SCORES, Scoring
from rnaexp.structure.reading import Reading

RNA = Rna(id="a", sequence="GGGGAAAACCCCAUAU" * 4, pairs=((0, 11), (1, 10)))
READING = Reading(read_out=ATTENTION, scoring=Scoring())


def aligned(rna, *rows):
    return replace(rna, alignment=Alignment(names=("a", *map(str, range(len(rows)))), rows=(rna.sequence, *rows)))


@pytest.fixture(scope="module")
def encoder():
    return models.load("random")


@pytest.mark.fault
@pytest.mark.parametrize(
    ("rna", "reading"),
    [
        (replace(RNA, sequence=RNA.sequence[:-1] + "G"), READING),
        (aligned(RNA), READING),
        (RNA, replace(READING, read_out=PAIR_SCORES)),
        (RNA, replace(READING, scoring=Scoring(min_separation=4))),
        (RNA, replace(READING, scoring=Scoring(pairs="canonical"))),
        (RNA, replace(READING, scoring=Scoring(decoder="greedy"))),
        (RNA, replace(READING, least=65)),
        (RNA, replace(READING, head=(0, 0))),
    ],
)
def test_a_result_made_under_other_conditions_is_not_found(encoder, rna, reading):
    assert key_of_entry(encoder, rna, reading) != key_of_entry(encoder, RNA, READING)


@pytest.mark.fault
def test_other_weights_and_other_homologs_make_other_results(encoder):
    other = models.load("random", seed=1)
    assert key_of_entry(other, RNA, READING) != key_of_entry(encoder, RNA, READING)
    rows = ("-" * len(RNA.sequence), "A" * len(RNA.sequence))
    assert key_of_entry(encoder, aligned(RNA, rows[0]), READING) != key_of_entry(
        encoder, aligned(RNA, rows[1]), READING
    )


def test_names_and_what_only_judges_the_scores_do_not_matter(encoder):
    same = replace(RNA, id="b", family="tRNA", cluster="c", pairs=((2, 9), (3, 8)))
    assert key_of_entry(encoder, same, READING) == key_of_entry(encoder, RNA, READING)
    pooled = replace(READING, scoring=Scoring(averaging="pooled"))
    assert key_of_entry(encoder, RNA, pooled) == key_of_entry(encoder, RNA, READING)


def test_order_does_not_matter_and_every_rna_comes_back(encoder, tmp_path):
    rnas = [replace(RNA, id=str(at), sequence=RNA.sequence + "ACGU"[at]) for at in range(4)]
    store = Store(tmp_path)
    first, _ = read_set(encoder, rnas, READING, store, data=("s", "h"))
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    again, skipped = read_set(encoder, rnas[::-1], READING, store, data=("s", "h"))
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before
    assert [rna.id for rna in again.rnas] == ["3", "2", "1", "0"]
    assert [rna.id for rna in first.rnas] == ["0", "1", "2", "3"]
    assert skipped == []


@pytest.mark.fault
def test_a_damaged_result_is_made_again_and_counted(encoder, tmp_path):
    store = Store(tmp_path)
    clean, _ = read_set(encoder, [RNA], READING, store, data=("s", "h"))
    entry = next(p for p in (tmp_path / "results").rglob("*") if p.is_file())
    data = bytearray(entry.read_bytes())
    data[-100] ^= 1
    entry.write_bytes(bytes(data))
    again, _ = read_set(encoder, [RNA], READING, store, data=("s", "h"))
    assert len(store.corrupt) == 1
    assert (again.rnas[0].scores == clean.rnas[0].scores).all()


@pytest.mark.fault
def test_a_batch_that_another_process_has_finished_is_passed_over(encoder, tmp_path, monkeypatch):
    store = Store(tmp_path)
    read_set(encoder, [RNA], READING, store, data=("s", "h"))

    def refuse(*_):
        raise AssertionError("the model was called")

    monkeypatch.setattr(encoder, "read_attention", refuse)
    assert Reader(encoder, READING, store, {"a": key_of_entry(encoder, RNA, READING)}, None).predict_step([RNA]) == 1
