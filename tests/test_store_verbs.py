"""`rnaexp store`: what a folder of results holds, whether it is whole, and what is removed of it."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from rnaexp.reading import upkeep
from rnaexp.reading.derived import derived
from rnaexp.reading.store import Store

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
