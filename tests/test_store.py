import hashlib
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from rnaexp.reading.store import Store, key_of, write_atomically

ENTRY = {"scores": np.arange(12.0).reshape(3, 4), "complete": np.array(True)}


def same(one, other):
    return one is not None and one.keys() == other.keys() and all((one[k] == other[k]).all() for k in one)


def test_what_is_put_comes_back(tmp_path):
    store = Store(tmp_path)
    assert store.get("ab") is None
    store.put("ab", ENTRY)
    assert same(store.get("ab"), ENTRY)


def test_no_entry_is_ever_pickled(tmp_path):
    with pytest.raises(ValueError, match="words: arrays of objects"):
        Store(tmp_path).put("ab", {"words": np.array(["a", None], dtype=object)})


def test_the_key_does_not_depend_on_order_but_on_every_part():
    parts = {"a": 1, "b": [2, 3], "c": None}
    assert key_of(parts) == key_of(dict(reversed(parts.items())))
    for name in parts:
        assert key_of(parts | {name: "changed"}) != key_of(parts)


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_entry_is_set_aside_counted_and_made_again(tmp_path, damage):
    store = Store(tmp_path)
    store.put("ab", ENTRY)
    path = tmp_path / "results" / "ab" / "ab"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes({"flip": bytes(data), "truncate": bytes(data[:-20]), "empty": b""}[damage])
    assert store.get("ab") is None
    assert store.corrupt == ["ab"]
    assert len(list((tmp_path / "corrupt").iterdir())) == 1
    store.put("ab", ENTRY)
    assert same(store.get("ab"), ENTRY)


def as_of_format_1(path):
    """The same entry as older versions wrote it: the hash of its arrays, and they."""
    payload = path.read_bytes().split(b"\n", 1)[1]
    path.write_bytes(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)


@pytest.mark.fault
def test_an_entry_copied_under_another_key_is_not_believed(tmp_path):
    store = Store(tmp_path)
    store.put("ab", ENTRY)
    (tmp_path / "results" / "ab" / "abc").write_bytes((tmp_path / "results" / "ab" / "ab").read_bytes())
    assert store.get("abc") is None
    assert store.corrupt == ["abc"]
    assert same(store.get("ab"), ENTRY)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b"rnaexp 2", b"rnaexp 3", "ab"),
        (b"rnaexp", b"other!", "ab"),
        (b" -\n", b" +\n", "ab"),
        (b" ab ", b" abc ", "abc"),  # a copy whose label was changed with its name
    ],
)
def test_an_entry_of_a_foreign_format_key_or_maker_is_set_aside(tmp_path, old, new, key):
    store = Store(tmp_path)
    store.put("ab", ENTRY)
    path = tmp_path / "results" / "ab" / "ab"
    written = path.read_bytes()
    assert old in written
    path.with_name(key).write_bytes(written.replace(old, new, 1))
    assert store.get(key) is None
    assert store.corrupt == [key]


def test_an_entry_of_format_1_is_read_and_kept_in_format_2(tmp_path):
    store = Store(tmp_path)
    store.put("ab", ENTRY)
    path = tmp_path / "results" / "ab" / "ab"
    written = path.read_bytes()
    as_of_format_1(path)
    assert path.read_bytes() != written
    assert same(store.get("ab"), ENTRY)
    assert path.read_bytes() == written
    assert store.corrupt == []
    as_of_format_1(path)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert store.get("ab") is None


@pytest.mark.fault
def test_a_full_disk_leaves_no_half_entry(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.put("ab", ENTRY)
    before = sorted(p for p in tmp_path.rglob("*") if p.is_file())

    write = Path.write_bytes

    def full(path, data):
        write(path, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("cd", ENTRY)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == before
    assert store.get("cd") is None


@pytest.mark.fault
def test_a_nearly_full_disk_is_refused_before_any_work(tmp_path, monkeypatch):
    real = os.statvfs(tmp_path)
    nearly = os.statvfs_result((real.f_bsize, 4096, real.f_blocks, 10, 10, *tuple(real)[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: nearly)
    with pytest.raises(OSError, match="RNAEXP_STORE"):
        Store(tmp_path)


def _write_many(folder):
    store = Store(folder)
    for at in range(25):
        store.put(key_of({"at": at}), {"scores": np.full(1000, at)})


@pytest.mark.fault
def test_eight_processes_on_one_store_leave_every_entry_whole(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_many, args=(tmp_path,)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = Store(tmp_path)
    for at in range(25):
        assert (store.get(key_of({"at": at}))["scores"] == at).all()
    assert store.corrupt == []
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.fault
def test_a_models_name_is_never_a_path(tmp_path):
    store = Store(tmp_path / "inner")
    path = store.put_tuned("../../<script>", {"layer": 1})
    assert (tmp_path / "inner").resolve() in path.resolve().parents
    assert store.newest_tuned("../../<script>") == {"layer": 1}
    assert store.newest_tuned("other") is None


def test_the_newest_tuned_head_wins(tmp_path):
    store = Store(tmp_path)
    for layer in (3, 1, 2):
        store.put_tuned("m", {"layer": layer})
    assert store.newest_tuned("m") == {"layer": 2}


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
