"""`rnaexp store`: what a folder of results holds, whether it is whole, and what is removed of it."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from rnaexp import models
from rnaexp.data.own import read_own
from rnaexp.errors import UnavailableError
from rnaexp.experiment import embed_verb
from rnaexp.reading import embeddings, read, upkeep
from rnaexp.reading.derived import derived
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.tasks.families.settings import EmbedSettings

ENTRY = {"scores": np.arange(12.0)}


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "store")
    for key in ("ab", "cd"):
        made.put(key, ENTRY)
    derived(made, "a sum", [1, 2], lambda: 3)
    made.put_tuned("m", {"layer": 1})
    return made


def run(store, *words):
    environment = os.environ | {"RNAEXP_STORE": str(store.root)}
    command = (sys.executable, "-m", "rnaexp", "store", *words)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_whole_store_is_whole_and_nothing_of_it_is_removed(store):
    before = sorted(store.root.rglob("*"))
    assert upkeep.verify(store) == (4, [])
    assert all(one.files == 0 for one in upkeep.collect(store.root))
    assert sorted(store.root.rglob("*")) == before


@pytest.mark.fault
def test_what_is_damaged_is_named_set_aside_and_removed_by_gc(store):
    (store.root / "results" / "ab" / "ab").write_bytes((store.root / "results" / "cd" / "cd").read_bytes())
    tuned = next((store.root / "tuned").rglob("*.json"))
    tuned.write_text(tuned.read_text().replace("1", "2"))
    found = run(store, "verify")
    assert found.returncode == 65
    assert "results/ab/ab" in found.stdout
    assert tuned.name in found.stdout
    assert tuned.exists(), "a tuned head is the user's: it is named, and left where it is"
    assert store.get("ab") is None
    held = {one["what"]: one["files"] for one in json.loads(run(store, "info", "--json").stdout)["holds"]}
    assert held == {"results": 1, "derived": 1, "tuned": 1, "scratch": 0, "corrupt": 1, "of no more use": 1}
    assert "set aside" in run(store, "gc").stdout
    assert not list((store.root / "corrupt").iterdir())
    assert (store.get("cd")["scores"] == ENTRY["scores"]).all()


def test_gc_removes_what_other_code_derived_and_what_killed_processes_left(store):
    store.derived.put("ef", ENTRY, maker="other")
    left, new = (store.root / "results" / "ab" / name for name in (".ab.1.old", ".ab.1.new"))
    for path in (left, new):
        path.write_bytes(b"half")
    os.utime(left, (time.time() - 7200,) * 2)
    removed = {one.what: one.files for one in upkeep.collect(store.root)}
    assert removed == {"set aside": 0, "left by killed processes": 1, "derived by other code": 1}
    assert store.derived.get("ef") is None
    assert new.exists(), "another process may be writing it"
    assert derived(store, "a sum", [1, 2], lambda: 4) == 3, "what this code derived is there"


def test_without_a_store_none_is_made(tmp_path):
    found = run(Store(tmp_path / "there"), "info")
    assert found.returncode == 0
    environment = os.environ | {"RNAEXP_STORE": str(tmp_path / "none")}
    command = (sys.executable, "-m", "rnaexp", "store", "gc")
    missing = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert missing.returncode == 69
    assert not (tmp_path / "none").exists()


def test_stores_are_brought_together_and_what_is_damaged_stays_out(store, tmp_path):
    other = Store(tmp_path / "other")
    other.put("cd", ENTRY)
    other.put("gh", {"x": np.arange(3)})
    other.put_tuned("n", {"layer": 2})
    assert json.loads(run(store, "merge", str(other.root), "--json").stdout) == {"new": 2, "known": 1, "wrong": []}
    assert (store.get("gh")["x"] == np.arange(3)).all()
    assert store.newest_tuned("n") == {"layer": 2}


@pytest.mark.fault
def test_an_entry_under_another_key_is_not_taken_over(store, tmp_path):
    other = Store(tmp_path / "other")
    other.put("ij", ENTRY)
    (other.root / "results" / "ij" / "ij").rename(other.root / "results" / "ij" / "kl")
    found = run(store, "merge", str(other.root))
    assert found.returncode == 65
    assert "ij/kl: damaged, or of another key or format; left out" in found.stdout
    assert not store.has("kl")
    missing = run(store, "merge", str(tmp_path / "nowhere"))
    assert missing.returncode == 69
    assert "no store" in missing.stderr


def test_two_shards_of_an_embedding_and_their_stores_give_the_whole_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(embeddings, "SHARD", 3)
    monkeypatch.setattr(embed_verb, "SHARD", 3)
    text = "".join(f">r{at}\n{'GGGACUUCGGUCCCAU'[: 9 + at % 7]}\n" for at in range(11))
    (tmp_path / "own.fa").write_text(text)
    own = read_own(tmp_path / "own.fa")

    def embedded(store, shard=""):
        monkeypatch.setenv("RNAEXP_STORE", str(tmp_path / store))
        out = tmp_path / f"{store}.parquet"
        embed_verb.embed(own, out, {"name": "lm-nano"}, EmbedSettings(shard=shard), seed=0)
        return out

    whole = pd.read_parquet(embedded("whole"))
    for at in (1, 2):
        assert not embedded(f"shard{at}", f"{at}/2").exists()
    assert "shard 2 of 2: 2 of 4 parts of own.fa are in" in capsys.readouterr().out
    with pytest.raises(UnavailableError, match="part 2 and 1 more of 4 are not in the store"):
        embedded("shard1", "merge")
    assert upkeep.merge(Store(tmp_path / "shard1"), [tmp_path / "shard2"]) == (2, 0, [])
    monkeypatch.setattr(embeddings, "_embed", lambda *_: pytest.fail("it was computed again"))
    both = pd.read_parquet(embedded("shard1", "merge"))
    for name in whole:
        assert all(np.array_equal(a, b) for a, b in zip(whole[name], both[name], strict=True)), name


def test_the_scores_of_two_shards_are_those_of_one_machine(tmp_path, monkeypatch):
    """Pairs and likelihoods are kept RNA by RNA and shard by shard under what made them, wherever that was."""
    encoder = models.load("random")
    rnas = [Rna(id=f"r{at}", sequence="GGGGAAAACCCC" * 3 + "ACGU"[at], pairs=((0, 11),)) for at in range(4)]
    reading = Reading(read_out=ATTENTION, scoring=Scoring())
    whole, _ = read_set(encoder, rnas, reading, Store(tmp_path / "whole"), data=("s", "h"))
    for at in range(2):
        read_set(encoder, rnas[at::2], reading, Store(tmp_path / f"{at}"), data=("s", "h"))
    upkeep.merge(Store(tmp_path / "0"), [tmp_path / "1"])
    monkeypatch.setattr(read, "built", lambda encoder: pytest.fail("the model ran again"))
    both, _ = read_set(encoder, rnas, reading, Store(tmp_path / "0"), data=("s", "h"))
    assert both.content == whole.content


@pytest.mark.parametrize("rnas", [0, 1, 1024, 1025, 5000])
def test_the_rnas_of_a_share_are_counted(rnas):
    parts = [list(range(rnas))[start : start + embeddings.SHARD] for start in range(0, rnas, embeddings.SHARD)]
    for of in (1, 2, 3):
        for first in range(of):
            assert embed_verb._in_share(rnas, first, of) == sum(len(part) for part in parts[first::of])
