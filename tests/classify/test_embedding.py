"""`rnaexp embed`: killed as often as one likes, the file ends as if nothing had happened."""

import os
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as parquet
import pytest

from rnaexp import models
from rnaexp.classify.embed import reduce
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.errors import Terminated
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.store import Store
from tests.command import entries, environment, inside, rnaexp, start

RNAS = 90


def write_rnas(path, rnas=RNAS, seed=0):
    rng = np.random.default_rng(seed)
    lines = [f">r{at}\n{''.join(rng.choice(list('ACGU'), int(rng.integers(20, 90))))}\n" for at in range(rnas)]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def fasta(tmp_path, monkeypatch):
    monkeypatch.setattr("rnaexp.reading.embeddings.SHARD", 16)
    monkeypatch.setattr("rnaexp.experiment.embed_verb.SHARD", 16)
    return write_rnas(tmp_path / "mine.fasta")


def test_each_rna_gets_its_mean_and_its_reduced_vector_in_the_files_order(fasta, tmp_path):
    done = inside("embed", fasta, "--model", "planted", "-o", "out.parquet", "--tokens", "300", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "90 embeddings: out.parquet; 0 RNAs skipped" in done.stdout
    table = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    assert table["id"] == [f"r{at}" for at in range(RNAS)]
    encoder = models.load("planted")
    from rnaexp.data.formats import read_rnas

    for at, rna in enumerate(read_rnas(fasta)):
        (bases,) = encoder.embed([rna])
        mean = bases.numpy().mean(0)
        assert table["length"][at] == len(rna)
        assert table["embedding"][at] == pytest.approx(mean, abs=1e-6)
        assert table["vector"][at] == pytest.approx(reduce(mean[None], EmbeddingProtocol())[0], abs=1e-5)


def test_an_rna_that_cannot_be_read_keeps_its_row_and_its_reason(tmp_path):
    from rnaexp.models.planted import Planted

    fasta = write_rnas(tmp_path / "mine.fasta", rnas=5)

    def check(self, rna):
        if rna.id == "r2":
            from rnaexp.errors import TooLongError

            message = "r2: 9 bases; planted reads at most 3"
            raise TooLongError(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Planted, "check", check)
        done = inside("embed", fasta, "--model", "planted", cwd=tmp_path)
    assert "4 embeddings: embeddings.parquet; 1 RNAs skipped" in done.stdout
    table = parquet.read_table(tmp_path / "embeddings.parquet").to_pydict()
    assert table["skipped"] == ["", "", "9 bases; planted reads at most 3", "", ""]
    assert table["vector"][2] is None
    assert table["embedding"][2] is None
    assert len(table["vector"][3]) == 128


@pytest.mark.fault
def test_stopped_twice_the_file_ends_equal_to_an_undisturbed_one(fasta, tmp_path, monkeypatch):
    from rnaexp.models.planted import Planted

    inside("embed", fasta, "--model", "planted", "-o", "whole.parquet", cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"  # with a store of its own
    elsewhere.mkdir()
    embed, calls = Planted.embed, []

    def stopping(self, rnas):
        calls.append(len(rnas))
        if len(calls) in (7, 23):
            raise Terminated
        return embed(self, rnas)

    monkeypatch.setattr(Planted, "embed", stopping)
    words = ("embed", fasta, "--model", "planted", "-o", "stopped.parquet")
    assert inside(*words, cwd=elsewhere).returncode == 143
    assert not (elsewhere / "stopped.parquet").exists()
    kept = entries(elsewhere / ".rnaexp")
    assert inside(*words, cwd=elsewhere).returncode == 143
    assert len(entries(elsewhere / ".rnaexp")) > len(kept), "the second run went on where the first was stopped"
    assert inside(*words, cwd=elsewhere).returncode == 0
    assert kept.items() <= entries(elsewhere / ".rnaexp").items(), "what was done is not done again"
    assert (elsewhere / "stopped.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list(elsewhere.glob(".stopped*")), "nothing half-written is left"
    calls.clear()
    assert inside(*words, cwd=elsewhere).returncode == 0
    assert calls == [], "all is known: the model is not asked again"


@pytest.mark.parametrize("word", ["pca", "none", "dct"])
def test_a_reduction_that_needs_the_whole_set_is_refused(tmp_path, word):
    fasta = write_rnas(tmp_path / "mine.fasta", rnas=2)
    done = inside("embed", fasta, "--model", "planted", "--reduction", word, cwd=tmp_path)
    assert done.returncode == 2
    assert f"'--reduction': Value error, '{word}' is not one of 'fft-magnitude'" in done.stderr


def test_a_batch_of_many_equals_batches_of_one(fasta, tmp_path):
    from rnaexp.data.formats import read_rnas

    rnas, encoder = read_rnas(fasta)[:12], models.load("planted")
    together, reasons = embed_all(encoder, rnas, Store(tmp_path / "a"))
    alone = np.concatenate([embed_all(encoder, [rna], Store(tmp_path / "b"))[0] for rna in rnas])
    assert reasons == [""] * 12
    assert together == pytest.approx(alone, abs=1e-6)


@pytest.mark.slow
@pytest.mark.fault
def test_killed_twice_by_the_system_it_ends_equal_too(tmp_path):
    fasta = write_rnas(tmp_path / "many.fasta", rnas=30_000)
    assert rnaexp("embed", fasta, "--model", "planted", "-o", "whole.parquet", cwd=tmp_path).returncode == 0
    store = tmp_path / "killed"
    words = ("embed", fasta, "--model", "planted", "-o", "killed.parquet")
    for shards in (2, 9):
        process = start(*words, cwd=tmp_path, RNAEXP_STORE=store)
        while len(entries(store)) < shards:
            time.sleep(0.01)
        process.kill()
        process.wait()
        process.communicate()
    before = entries(store)
    assert 9 <= len(before) < 30
    assert rnaexp(*words, cwd=tmp_path, RNAEXP_STORE=store).returncode == 0
    after = entries(store)
    assert {name: after[name] for name in before} == before, "no shard that was done is computed again"
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.slow
def test_two_processes_of_torchrun_write_what_one_does(tmp_path):
    fasta = write_rnas(tmp_path / "many.fasta", rnas=3000)
    assert rnaexp("embed", fasta, "--model", "planted", "-o", "one.parquet", cwd=tmp_path).returncode == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rnaexp"]
    for words, out in (
        (["embed", str(fasta), "--model", "planted", "-o", "two.parquet"], "two.parquet"),
        (["classify", "--model", "planted", "--set", "builtin", "--json"], None),
    ):
        done = subprocess.run(
            [*torchrun, *words],
            cwd=tmp_path,
            env=environment(RNAEXP_STORE=tmp_path / "two") | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        if out:
            assert (tmp_path / out).read_bytes() == (tmp_path / "one.parquet").read_bytes()
    alone = rnaexp("classify", "--model", "planted", "--set", "builtin", "--json", cwd=tmp_path)
    import json

    both, single = (json.loads(each.stdout.strip().splitlines()[-1])["pairs"]["all"] for each in (done, alone))
    assert both["histogram"] == pytest.approx(single["histogram"], abs=1e-6)
    assert both["histogram_low"] == pytest.approx(single["histogram_low"], abs=1e-4)
