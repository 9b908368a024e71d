"""The review's data record: files made in its layout are read; whatever a pickle could do besides is refused."""

import os
import pickle
import pickletools

import numpy as np
import pytest

from rnaexp.data.families import Selection, load_families
from rnaexp.data.plain_arrays import as_list, as_table, read_plain_pickle
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError, UnavailableError

from .files import contacts, write, write_record

NAMES = ("wang-vl40", "wang-ts70", "wang-casp14", "wang-casp15", "wang-rfam", "wang-archiveii")


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_WANG_DATA", str(tmp_path))
    return write_record(tmp_path / "deep" / "inside")


def test_every_named_set_is_read_from_a_users_folder(record):
    sizes = [len(load_set(name)) for name in NAMES]
    assert sizes == [6, 7, 3, 3, 20, 20]
    validation = load_set("wang-vl40")
    raw = pickle.loads((record / "VL_40_key_seq_contact_idx.pkl").read_bytes())
    for rna, (name, sequence, matrix, _) in zip(validation.rnas, raw, strict=True):
        assert (rna.id, rna.sequence) == (name, sequence)
        assert set(rna.pairs) == {(int(i), int(j)) for i, j in zip(*np.nonzero(matrix), strict=True) if i < j}
    assert "6 RNAs, 40 are stated" in " ".join(validation.notes)
    assert any("nobody here has seen" in note for note in validation.notes)


def test_families_are_what_released_code_takes_for_them(record):
    found = load_families("wang-rfam", Selection(whole=True))
    assert sorted(set(found.families)) == [f"RF{family:05d}" for family in range(5)]
    assert {rna.sequence for rna in load_set("wang-archiveii").rnas} == {rna.sequence for rna in found.rnas}
    assert set(load_families("wang-archiveii", Selection(whole=True)).families) == {f"fam{n}" for n in range(5)}


def test_the_whole_set_keeps_what_a_selection_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_WANG_DATA", str(tmp_path))
    same, long = "ACGU" * 10, "ACGU" * 200
    items = [(0, "RF1_a", same), (1, "RF1_b", same), (2, "RF1_a", "ACGN" * 10), (3, "RF2_a", long), (4, "RF2_b", same)]
    write(tmp_path / "random_sample_max10_n24607_rf4170.pkl", [*items, (5, "RF3_a", same)])
    found = load_families("wang-rfam", Selection(whole=True))
    assert [rna.id for rna in found.rnas] == ["RF1_a", "RF1_b", "RF1_a#2", "RF2_a", "RF2_b"]
    assert found.left_out == {"families of one RNA": 1}


def test_the_record_itself_is_read_by_its_doi_and_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("RNAEXP_WANG_DATA", raising=False)
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    monkeypatch.setattr("rnaexp.data.wang.cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(UnavailableError, match="RNAEXP_WANG_DATA"):
        load_set("wang-ts70")
    write_record(tmp_path / "doi.org" / "10.5281" / "zenodo.14430869")
    first = load_set("wang-ts70")
    kept = next((tmp_path / "cache").rglob("TS_70*.pkl"))
    assert load_set("wang-ts70").sha256 == first.sha256
    kept.write_bytes(kept.read_bytes() + b".")
    with pytest.raises(UnavailableError, match="refused"):
        load_set("wang-ts70")


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol_and_kind_come_back_as_they_were(tmp_path, protocol):
    rng = np.random.default_rng(0)
    tables = [
        rng.normal(size=(3, 4)).astype(np.float32),
        np.asfortranarray(rng.normal(size=(4, 3))),
        rng.integers(0, 9, (2, 2)).astype(">i4"),
        rng.random((2, 3)) > 0.5,
        rng.normal(size=(2, 2)).astype(np.float16),
    ]
    found = read_plain_pickle(write(tmp_path / "a.pkl", (tables, np.float64(2.5), [np.int32(3)], None), protocol))
    for table, back in zip(tables, found[0], strict=True):
        np.testing.assert_array_equal(as_table(back), table)
    assert found[1:] == (2.5, [3], None)
    words = [np.array(["ab", "c"]), np.array(["x", ["y"]], dtype=object)]
    lists = [as_list(each) for each in read_plain_pickle(write(tmp_path / "b.pkl", words, protocol))]
    assert lists == [["ab", "c"], ["x", ["y"]]]
    assert as_table([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]


class Runs:
    def __init__(self, function, *words):
        self.made = (function, words)

    def __reduce__(self):
        return self.made


def hostile():
    """(what, bytes): each would run, load or alter something under pickle.load."""
    yield "a command", pickle.dumps(Runs(os.system, "touch pwned"))
    yield "a command in a list of arrays", pickle.dumps([np.zeros(2), Runs(os.system, "touch pwned")])
    yield "builtins", pickle.dumps(Runs(eval, "1 + 1"))
    yield "getattr", pickle.dumps(Runs(getattr, "x", "upper"))
    yield "a class", pickle.dumps(np.random.default_rng(0))
    yield "a memory map", b"\x80\x04cnumpy\nmemmap\n(V/etc/passwd\ntR."
    yield "numpy's own loader", b"\x80\x04cnumpy\nload\n(V/etc/passwd\ntR."
    yield "a name inside numpy", b"\x80\x04cnumpy.core.multiarray\nfromfile\n(V/etc/passwd\ntR."
    yield "a dotted name", b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93."
    yield "a function is altered", b"\x80\x04cnumpy\ndtype\n}\x8c\x05_make\x8c\x01xsb."
    yield "an extension", b"\x80\x04\x82\x01."
    yield "a persistent id", b"\x80\x04Pabc\n."
    yield "cut off", pickle.dumps([np.zeros(9)])[:-9]
    yield "no pickle", b"PK\x03\x04 nothing"


@pytest.mark.parametrize(("what", "data"), list(hostile()), ids=[what for what, _ in hostile()])
def test_a_hostile_pickle_is_refused_before_anything_runs(what, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "h.pkl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"h\.pkl"):
        read_plain_pickle(path)
    assert [each.name for each in tmp_path.iterdir()] == ["h.pkl"]


def _array(shape, kind, data):
    """A pickle that describes an array as numpy does, whatever fits or not."""
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n" + shape + b"cnumpy\ndtype\n(V" + kind + b"\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntbI00\nC"
    )
    return b"\x80\x04" + empty + bytes([len(data)]) + data + b"tb."


@pytest.mark.parametrize(
    ("shape", "kind", "data"),
    [
        (b"(I9\nI9\nt", b"f8", b"\0" * 16),  # more elements than bytes
        (b"(I-1\nt", b"f8", b"\0" * 8),
        (b"(Vx\nt", b"f8", b"\0" * 8),
        (b"(I1\nt", b"O8", b"\0" * 8),  # bytes that would be read as pointers
        (b"(I1\nt", b"V8", b"\0" * 8),
        (b"(I1\nt", b"f8,f8", b"\0" * 16),
        (b"(I1\nt", b"M8", b"\0" * 8),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(shape, kind, data, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(_array(shape, kind, data))
    with pytest.raises((InputError, ValueError)):
        as_table(read_plain_pickle(path))
    sound = tmp_path / "b.pkl"
    sound.write_bytes(_array(b"(I1\nI1\nt", b"f8", np.float64(2.0).tobytes()))
    assert as_table(read_plain_pickle(sound)).tolist() == [[2.0]]
    assert pickletools.genops(sound.read_bytes())


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (("a", "ACGU"), "2 parts"),
        (("a", "ACGU", contacts(3, []), 0), "shape"),
        (("a", "ACGU", contacts(4, []) + 2, 0), "other than 0 and 1"),
        (("a", "ACGU", {"x": 1}, 0), "a list was expected"),
        (("a", "AC-U", contacts(4, []), 0), "position 3"),
        ((3, "ACGU", contacts(4, []), 0), "must be words"),
        (("a", "ACGU", [[0, 1], [1]], 0), "unequal"),
        ("ACGU", "a list was expected"),
    ],
)
def test_another_layout_is_named_with_file_and_item(item, said, tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_WANG_DATA", str(tmp_path))
    write(tmp_path / "VL_40_key_seq_contact_idx.pkl", [("ok", "ACGU", contacts(4, [(0, 3)]), 0), item])
    with pytest.raises(InputError, match=r"VL_40.*item 1") as error:
        load_set("wang-vl40")
    assert said in str(error.value)
