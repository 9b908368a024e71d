"""Assays from users' tables and from the public files; errors name file and line."""

import gzip
import json

import pandas as pd
import pytest

from rnaexp.data.assay_sets import load_assay
from rnaexp.data.assay_tables import read_assay
from rnaexp.errors import InputError, UnavailableError

CSV = "id,sequence,score,wild_type,plate\na,ACGU,1.5,AAGU,1\nb,aagt,0,AAGT,2\nc,GAGU,-2e-1,AAGU,3\n"


def write(folder, text, name="mine.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_table_is_an_assay(tmp_path):
    found = read_assay(write(tmp_path, CSV))
    assert [(one.id, one.sequence, one.score) for one in found.variants] == [
        ("a", "ACGU", 1.5),
        ("b", "AAGU", 0.0),
        ("c", "GAGU", -0.2),
    ]
    assert found.wild_type == "AAGU"
    assert [one.id for one in found.mutants] == ["a", "c"], "the wild type's own score is 0 by definition"
    assert (found.name, found.direction) == ("mine.csv", "higher")


def test_every_format_gives_the_same(tmp_path):
    expected = read_assay(write(tmp_path, CSV))
    rows = [line.split(",") for line in CSV.strip().splitlines()]
    tsv = write(tmp_path, "\r\n".join("\t".join(row) for row in rows), "mine.tsv")
    objects = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    objects = [{"seq" if k == "sequence" else k: v for k, v in one.items()} for one in objects]
    lines = "\n".join(json.dumps({**one, "score": float(one["score"])}) for one in objects)
    zipped = tmp_path / "mine.jsonl.gz"
    zipped.write_bytes(gzip.compress(lines.encode()))
    for path in (tsv, zipped):
        found = read_assay(path)
        assert found.variants == expected.variants
        assert found.sha256 == expected.sha256
    lower = read_assay(tsv, direction="lower", wild_type="aagt")
    assert (lower.wild_type, lower.direction) == ("AAGU", "lower")
    assert lower.sha256 != expected.sha256


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "sequence,score\nACGU,1\nACXU,2\n", r"a.csv:3: variant 2: letter 'X' at position 3"),
        ("a.csv", "sequence,score\nACGU,1\n,2\n", r"a.csv:3: variant 2: empty sequence"),
        ("a.csv", "sequence,score\nACGU,high\n", r"a.csv:2: variant 1: score 'high' is not a number"),
        ("a.csv", "sequence,score\nACGU,inf\n", r"a.csv:2: .*not a finite number"),
        ("a.csv", "sequence,score\nACGU,1,2\n", r"a.csv:2: 3 cells, the header has 2"),
        ("a.csv", "sequence,fitness\nACGU,1\n", r"a.csv:2: no column score or DMS_score or scores.score; there are"),
        ("a.csv", "name,score\nACGU,1\n", r"a.csv:2: no column sequence or seq"),
        (
            "a.csv",
            "sequence,score\nACGU,1\nACGT,2\n",
            r"a.csv:3: variant 2: its sequence was already in line 2; average",
        ),
        ("a.csv", "sequence,score,wild_type\nACGU,1,AAAA\nACGA,2,AAAC\n", r"a.csv:3: a second wild type"),
        (
            "a.csv",
            "sequence,score,wild_type\nACGU,1,AA-A\n",
            r"a.csv:2: variant 1: wild type: letter '-' at position 3",
        ),
        ("a.csv", "sequence,score\n", r"a.csv: no variants"),
        ("a.csv", "", r"a.csv: is empty"),
        ("a.csv", "sequence,score\nACGU,1\nACGA,2\n", r"a.csv: 2 variants; a rank correlation needs at least 3"),
        ("a.xlsx", "sequence,score\nACGU,1\n", r"a.xlsx: not a table of variants: expected .csv, .tsv, .jsonl"),
        ("a.jsonl", '{"seq": "ACGU", "score": 1}\n{"seq": \n', r"a.jsonl:2: not JSON"),
        ("a.jsonl", "[1, 2]\n", r"a.jsonl:1: not a JSON object"),
        ("a.jsonl", '{"seq": "ACGU", "score": true}\n', r"a.jsonl:1: .*not a finite number"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path, name, text, complaint):
    with pytest.raises(InputError, match=complaint):
        read_assay(write(tmp_path, text, name))


def test_a_name_that_is_none_is_helped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no assay and no file is named 'dms_tRNA'; did you mean dms_trna"):
        load_assay("dms_tRNA")
    with pytest.raises(InputError, match="are for files"):
        load_assay("dms_trna", wild_type="ACGU")
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    with pytest.raises(UnavailableError, match="not in the mirror"):
        load_assay("dms_trna")


def test_a_sample_is_drawn_from_the_mutants_and_by_the_seed(tmp_path):
    rows = "".join(f"A{x}{y}{z},1\n" for x in "ACGU" for y in "ACGU" for z in "ACGU")
    whole = read_assay(write(tmp_path, "sequence,score\n" + rows), wild_type="AAAA")
    found = whole.sampled(10, 0)
    assert len(found.variants) == len(found.mutants) == 10
    assert set(found.variants) < set(whole.mutants)
    assert found.variants == tuple(one for one in whole.variants if one in set(found.variants)), "in the old order"
    assert whole.sampled(10, 1).variants != found.variants
    assert whole.sampled(10, 0) == found
    assert whole.sampled(0, 0) is whole


@pytest.mark.parametrize(("name", "mutants"), [("dms_trna", 4175), ("dms_f1u", 65536)])
def test_named_assays_are_those_that_other_code_read(derived, name, mutants):
    found = load_assay(name)
    table = pd.read_json(derived / f"{name}.jsonl.gz", lines=True)
    assert [one.id for one in found.variants] == table["id"].tolist()
    assert [one.sequence for one in found.variants] == table["seq"].tolist()
    assert [one.score for one in found.variants] == pytest.approx(table["score"].tolist())
    assert len(found.mutants) == mutants
    assert found.wild_type == (table["wild_type"].iloc[0] if name == "dms_trna" else None)
    assert found.substitutions_only
    assert found.caveats
