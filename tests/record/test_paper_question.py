"""The paper's question on files made in the record's layout, and other tools' vectors as rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnaexp.classify.embed import unit
from rnaexp.classify.protocol import embedding_protocol
from rnaexp.data.sets import load_set
from rnaexp.data.stored_vectors import read_vectors
from rnaexp.errors import InputError
from rnaexp.experiment.question import read_question
from rnaexp.rna import Rna
from rnaexp.tasks.families import tracking as record_classification
from tests.command import answer, inside

from .files import write, write_embeddings, write_record

QUESTION = Path(__file__).parents[2] / "experiments" / "paper.toml"


@pytest.fixture
def record(tmp_path, monkeypatch):
    folder = write_record(tmp_path / "record")
    monkeypatch.setenv("RNAEXP_WANG_DATA", str(folder))
    for name, place in (("wang-rfam", "task2_rfam"), ("wang-archiveii", "task3_archivell")):
        keys = [rna.id for rna in load_set(name).rnas]
        for tool in ("one",):
            rows = np.random.default_rng(len(tool)).normal(size=(len(keys), 16)).astype(np.float32)
            write_embeddings(folder / place / "embs" / tool / "embs.pkl", keys, rows)
    return folder


def small(tmp_path):
    """The question as it ships, of one model, one test set and one folder of vectors, and with fewer pairs drawn."""
    text = QUESTION.read_text()
    text = text.replace('models = ["rnabert", "untrained:rnabert", "lm-nano", "msm-nano"]', 'models = ["lm-nano"]')
    text = text.replace('controls = ["3-mer", "6-mer", "length"]', "controls = []")
    text = text.replace('protocol = "authors"', 'protocol = "authors"\npairs = "drawn-500"')
    text = text.replace('folder = "task3_archivell/embs"', 'folder = "nowhere"')
    parts = text.split("[[sets]]")
    path = tmp_path / "paper.toml"
    path.write_text(parts[0] + "[[sets]]" + parts[1] + "[[protocols]]" + parts[3].partition("[[protocols]]")[2])
    return path


def test_the_question_asks_for_both_tables_under_the_released_protocol(record):
    question = read_question(QUESTION)
    assert {(task.validation, task.test) for task in question.pairs} == {
        ("wang-vl40", test) for test in ("wang-ts70", "wang-casp14", "wang-casp15")
    }
    assert {(task.scoring.head, task.squash, task.related) for task in question.pairs} == {
        ("oracle", "sigmoid", "keep")
    }
    asked = {(task.model, task.families): task for task in question.families}
    assert asked["rnabert", "wang-archiveii"].protocol == embedding_protocol("authors", negatives="per-sequence")
    assert asked["stored:one", "wang-rfam"].protocol == embedding_protocol("authors", reduction="none")
    assert len(asked) == 2 * (4 + 3 + 1)


def test_it_runs_to_both_tables_with_the_papers_columns(record, tmp_path, monkeypatch):
    monkeypatch.setattr(record_classification, "_record_pictures", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "250")
    done = inside("run", small(tmp_path), "--csv", tmp_path / "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    pairs = pd.read_csv(tmp_path / "out.csv")
    assert set(pairs["test"]) == {"wang-ts70"}
    for name in ("head_oracle_f1", "head_validated_f1"):
        assert pairs[name].between(0, 1).all()
    assert (pairs["head_oracle_f1"] >= pairs["head_validated_f1"] - 1e-9).all()
    families = pd.read_csv(tmp_path / "out_families.csv")
    drawn = families[families["pairs"].eq("drawn-500")].set_index(["model", "set"])
    assert set(drawn.index) == {("lm-nano", "wang-rfam"), ("lm-nano", "wang-archiveii"), ("stored:one", "wang-rfam")}
    wanted = ["drawn_overlap_iou", "drawn_overlap_iou_sd", "drawn_delta_mean", "drawn_delta_median"]
    assert drawn[[*wanted, "drawn_f1", "drawn_f1_sd", "drawn_mcc"]].notna().all(axis=None)
    assert (drawn["repetitions"] == 3).all()
    assert (drawn.loc[(slice(None), "wang-archiveii"), "same_family"] > 0).all()
    assert (drawn.loc[(slice(None), "wang-rfam"), "same_family"] == 0).all()
    for words in ("F1, oracle head", "F1, validated head", "Drawn pairs", "delta of medians", "±"):
        assert words in done.stdout


def files_of(folder, keys, rows):
    """The same vectors in each layout."""
    np.savez(folder / "v.npz", keys=np.array(keys), vectors=rows)
    pd.DataFrame({"id": keys, "vector": list(rows)}).to_parquet(folder / "v.parquet")
    return [write_embeddings(folder / "v.pkl", keys, rows), folder / "v.npz", folder / "v.parquet"]


def test_vectors_of_every_layout_are_read_alike(tmp_path):
    rows = np.random.default_rng(1).normal(size=(4, 12)).astype(np.float32)
    rows[3] = 0
    rnas = [Rna(id=name, sequence="ACGU") for name in ("c", "a", "lost", "zero")]
    for path in files_of(tmp_path, ["a", "b", "c", "zero"], rows):
        vectors, reasons = read_vectors(path).of(rnas)
        np.testing.assert_array_equal(vectors, rows[[2, 0]])
        assert reasons == ["", "", f"not in {path.name}", "its vector is not finite or all zero"]
    skipped = pd.DataFrame({"id": ["a", "b"], "vector": [[1.0], None], "skipped": ["", "too long"]})
    skipped.to_parquet(tmp_path / "s.parquet")
    _, reasons = read_vectors(tmp_path / "s.parquet").of([Rna(id=name, sequence="A") for name in "ab"])
    assert reasons == ["", "too long"]


def test_a_file_of_vectors_is_a_full_row(record, tmp_path, monkeypatch):
    monkeypatch.setattr(record_classification, "_record_pictures", lambda *_: None)
    rnas = load_set("wang-rfam").rnas
    rows = np.random.default_rng(1).normal(size=(len(rnas), 12)).astype(np.float32)
    path = write_embeddings(tmp_path / "v.pkl", [rna.id for rna in rnas][1:], rows[1:])
    words = ("score", "--name", "tool", "--embeddings", path, "--set", "wang-rfam", "--json", "--protocol", "authors")
    told = answer(inside(*words, cwd=tmp_path))
    assert (told["model"], told["set"], told["protocol"]["reduction"]) == ("tool", "wang-rfam", "none")
    assert told["skipped"] == [{"rna": rnas[0].id, "reason": "not in v.pkl"}]
    assert told["classify"]["coverage"] == pytest.approx(19 / 20)
    assert told["drawn"]["repetitions"] == 3
    # The means that 300,000 draws come near to: over pairs of a family with three or more, over those of two families.
    found = unit(rows[1:]).astype(float)
    cosines, names = found @ found.T, np.array([rna.family for rna in rnas[1:]])
    own = [cosines[np.ix_(names == f, names == f)][~np.eye((names == f).sum(), dtype=bool)].mean() for f in set(names)]
    others = [cosines[np.ix_(names == f, names == g)].mean() for f in set(names) for g in set(names) if f != g]
    assert told["drawn"]["mean"]["delta_mean"] == pytest.approx(np.mean(own) - np.mean(others), abs=0.005)
    area = told["pairs"]["all"]["kde-200"]
    assert told["pairs"]["all"]["overlap_iou"] == pytest.approx(area / (2 - area))


def test_what_is_no_file_of_vectors_is_said_in_one_line(record, tmp_path):
    bad = {
        "a.pkl": write(tmp_path / "a.pkl", ["no dictionary"]),
        "b.pkl": write(tmp_path / "b.pkl", {"keys": ["x"], "labels": [0]}),
        "c.pkl": write(tmp_path / "c.pkl", {"keys": ["x", "y"], "seq_repr": np.zeros((1, 3))}),
        "d.txt": tmp_path / "d.txt",
        "e.npz": tmp_path / "e.npz",
    }
    bad["e.npz"].write_bytes(b"PK no zip")
    for path in bad.values():
        with pytest.raises(InputError, match=path.name.replace(".", r"\.")):
            read_vectors(path)
    stranger = write_embeddings(tmp_path / "s.pkl", ["nobody"], np.ones((1, 3)))
    done = inside("score", "--name", "t", "--embeddings", stranger, "--set", "wang-rfam", cwd=tmp_path)
    assert done.returncode == 65
    assert "nobody" in done.stderr
    for words, code in (
        (("--name", "rnabert", "--set", "wang-rfam"), 65),
        (("--name", "t"), 65),
        (("--name", "t", "--set", "wang-rfam", "--test", "x"), 2),
    ):
        assert inside("score", "--embeddings", stranger, *words, cwd=tmp_path).returncode == code
    assert inside("score", "--name", "t", cwd=tmp_path).returncode == 2
