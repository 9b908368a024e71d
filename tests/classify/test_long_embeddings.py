"""RNAs longer than a model reads, in `embed` and `classify`: left out and counted, read in windows, or an end."""

import json

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from rnaexp import models
from rnaexp.errors import InputError
from rnaexp.reading import embeddings as embedding
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.structure.windows import Windows, averaged_rows
from tests.classify.test_classification_job import write_families
from tests.command import answer, inside, runs

SIZES = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16, "max_position_embeddings": 42}
READS = 40  # bases: two special tokens stand round them
MODEL = ("--model", "untrained:splicebert", "--config", "small.json")


def random_rna(bases, name):
    return Rna(id=name, sequence="".join(np.random.default_rng(bases).choice(list("ACGU"), bases)))


SHORT, EXACT, LONG = random_rna(25, "short"), random_rna(READS, "exact"), random_rna(95, "long")


@pytest.fixture(scope="module")
def encoder():
    return models.load("untrained:splicebert", config=SIZES, device="cpu", seed=1)


def by_loops(encoder, rna, starts):
    """Each base's mean over the windows that hold it, one base at a time."""
    held = [[] for _ in range(len(rna))]
    for first in starts:
        part = Rna(id="part", sequence=rna.sequence[first : first + READS])
        for at, vector in enumerate(encoder.embed([part])[0].numpy()):
            held[first + at].append(vector)
    assert all(held)
    return np.stack([np.mean(vectors, 0) for vectors in held])


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_long_rna_is_pooled_over_all_bases_each_the_mean_of_its_windows(encoder, pooling, tmp_path):
    rnas = [LONG, SHORT, EXACT, random_rna(41, "one more")]
    vectors, reasons = embed_all(encoder, rnas, Store(tmp_path), pooling=pooling, long="window")
    assert reasons == ["", "", "", ""]
    pool = np.mean if pooling == "mean" else np.max
    starts = [(0, 20, 40, 55), (0,), (0,), (0, 1)]
    for vector, rna, firsts in zip(vectors, rnas, starts, strict=True):
        assert vector == pytest.approx(pool(by_loops(encoder, rna, firsts), axis=0), abs=1e-5)


def test_the_overlap_is_a_mean_and_one_window_over_all_is_the_rna_as_it_is():
    windows = Windows.over(6, 4)
    assert windows.starts == (0, 2)
    rows = [torch.full((4, 2), 1.0), torch.full((4, 2), 3.0)]
    assert averaged_rows(rows, windows)[:, 0].tolist() == [1, 1, 2, 2, 3, 3]
    whole = torch.rand(5, 3)
    assert torch.equal(averaged_rows([whole], Windows(bases=5, length=5, starts=(0,))), whole)


def test_without_a_word_it_is_left_out_with_its_reason_and_error_ends_it(encoder, tmp_path):
    vectors, reasons = embed_all(encoder, [SHORT, LONG], Store(tmp_path))
    assert len(vectors) == 1
    assert reasons == ["", "97 tokens; untrained:splicebert reads at most 42"]
    with pytest.raises(InputError, match=r"long: 97 tokens; .* --long skip leaves such RNAs out"):
        embed_all(encoder, [SHORT, LONG], Store(tmp_path / "other"), long="error")


def test_only_what_is_cut_is_stored_under_another_name(encoder):
    def key(rnas, long):
        return embedding._key(encoder, rnas, "mean", 8192, long)

    assert key([SHORT, EXACT], "window") == key([SHORT, EXACT], "skip") == key([SHORT, EXACT], "error")
    assert key([SHORT, LONG], "window") != key([SHORT, LONG], "skip")


def test_windows_of_an_alignment_are_cut_with_it(tmp_path):
    encoder = models.load(
        "untrained:rna-msm", config={"embed_dim": 16, "num_attention_heads": 2, "num_layers": 1, "max_seqlen": 32}
    )
    rows = (LONG.sequence[:50], LONG.sequence[:49] + "A")
    rna = Rna(id="a", sequence=rows[0], alignment=Alignment(names=("a", "b"), rows=rows))
    vectors, reasons = embed_all(encoder, [rna], Store(tmp_path), long="window")
    windows = Windows.over(50, encoder.longest)
    parts = [encoder.embed([part])[0] for part in windows.parts(rna)]
    assert reasons == [""]
    assert len(parts) > 1
    assert vectors[0] == pytest.approx(averaged_rows(parts, windows).mean(0).numpy(), abs=1e-5)


def test_embed_says_how_many_were_cut_and_into_how_many(encoder, tmp_path):
    (tmp_path / "small.json").write_text(json.dumps(SIZES))
    (tmp_path / "mine.fasta").write_text("".join(f">{rna.id}\n{rna.sequence}\n" for rna in (SHORT, LONG, EXACT)))
    words = ("embed", "mine.fasta", *MODEL, "--seed", 1)
    done = inside(*words, "-o", "skip.parquet", cwd=tmp_path)
    assert "2 embeddings: skip.parquet; 1 RNAs skipped: skipped.csv\n" in done.stdout
    done = inside(*words, "--long", "window", "-o", "window.parquet", cwd=tmp_path)
    assert "3 embeddings: window.parquet; 0 RNAs skipped" in done.stdout
    assert "1 RNAs longer than the model reads in windows (column windows)" in done.stdout
    skip, window = (parquet.read_table(tmp_path / f"{name}.parquet").to_pydict() for name in ("skip", "window"))
    assert (skip["windows"], window["windows"]) == ([1, 0, 1], [1, 4, 1])
    assert skip["embedding"][1] is None
    assert skip["embedding"][2] == window["embedding"][2]
    assert window["embedding"][1] == pytest.approx(by_loops(encoder, LONG, (0, 20, 40, 55)).mean(0), abs=1e-5)
    done = inside(*words, "--long", "error", "-o", "error.parquet", cwd=tmp_path)
    assert done.returncode == 65
    assert not (tmp_path / "error.parquet").exists()
    assert inside(*words, "--long", "cut", cwd=tmp_path).returncode == 2


def test_classify_reads_long_rnas_too_and_tells_logs_and_lists_them(tmp_path):
    write_families(tmp_path / "families")  # 50 to 53 bases: all longer than 40
    (tmp_path / "small.json").write_text(json.dumps(SIZES))
    words = ("classify", *MODEL, "--set", "families", "--identity", 1.0)
    done = inside(*words, cwd=tmp_path)
    assert done.returncode == 65
    assert "can read none of 42 RNAs" in done.stderr
    done = inside(*words, "--long", "window", "--json", cwd=tmp_path)
    told = answer(done)
    assert (told["long"], len(told["windowed"]), told["classify"]["rnas"]) == ("window", 42, 42)
    assert "42 RNAs of families were read in windows (fam" in done.stderr
    (parameters,) = [kept for _, kind, _, _, kept, _ in runs(tmp_path) if kind == "classify"]
    assert parameters["classify.long"] == "window"
    (listed,) = (
        (tmp_path / "mlruns").rglob("rnas.csv") if (tmp_path / "mlruns").exists() else tmp_path.rglob("rnas.csv")
    )
    assert listed.read_text().count(",read in windows,") == 42
    assert inside(*words, "--long", "error", cwd=tmp_path).returncode == 65


def test_a_question_about_classification_takes_the_policy(tmp_path):
    write_families(tmp_path / "families", families=3, members=4)
    (tmp_path / "question.toml").write_text(
        'models = ["3-mer"]\nlong = "window"\nfamilies = [{ name = "families", identity = 1.0 }]\n'
    )
    assert inside("run", "question.toml", "--json", cwd=tmp_path).returncode == 0
    text = (tmp_path / "question.toml").read_text()
    (tmp_path / "question.toml").write_text(text.replace('"window"', '"cut"'))
    done = inside("run", "question.toml", cwd=tmp_path)
    assert done.returncode == 65
    assert "long: must be 'skip', 'window' or 'error', not 'cut'" in done.stderr
