"""A local store in one file and back: the comparison and the champion's predictions are the same to the byte."""

import io
import tarfile

import pytest

from ..command import inside as rnaexp
from ..planted_sets import write_sets


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "one"
    folder.mkdir()
    write_sets(folder)
    words = ("--validation", "validation.fa", "--test", "test.fa", "--families", "none")
    done = rnaexp("run", "--model", "planted", *words, "--register", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "champion is version 1" in done.stderr
    return folder


def seen(folder, fasta):
    """What the store says of itself, and what its champion predicts."""
    compared = rnaexp("compare", "--json", cwd=folder)
    assert compared.returncode == 0, compared.stderr
    done = rnaexp("predict", "--model", "models:/planted@champion", fasta, "--out", "found", cwd=folder)
    assert done.returncode == 0, done.stderr
    history = rnaexp("history", "planted", "--json", cwd=folder).stdout
    return compared.stdout, history, {path.name: path.read_bytes() for path in (folder / "found").iterdir()}


@pytest.mark.parametrize("results", [(), ("--results",)])
def test_a_store_comes_back_elsewhere_to_the_byte(place, tmp_path, results):
    archive, two = tmp_path / "all.tar", tmp_path / "two"
    two.mkdir()
    done = rnaexp("backup", archive, *results, cwd=place)
    assert done.returncode == 0, done.stderr
    before = seen(place, place / "test.fa")
    done = rnaexp("restore", archive, cwd=two)
    assert done.returncode == 0, done.stderr
    assert (two / ".rnaexp").exists() == bool(results)
    hidden = place.with_name("gone")
    place.rename(hidden)  # nothing of it is read any more
    try:
        again = seen(two, hidden / "test.fa")
    finally:
        hidden.rename(place)
    assert again == before
    for words, code in ((("restore", archive), 69), (("backup", archive), 65)):
        assert rnaexp(*words, cwd=two).returncode == code, "nothing is overwritten"


@pytest.mark.fault
def test_what_is_no_backup_is_refused_and_leaves_nothing(tmp_path):
    bad, outside = tmp_path / "bad.tar", tmp_path / "outside.tar"
    bad.write_text("no tar")
    with tarfile.open(outside, "w") as tar:
        member = tarfile.TarInfo("../escaped.txt")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"no"))
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    (tmp_path / "place").mkdir()
    for name in ("bad.tar", "outside.tar", "empty.tar"):
        done = rnaexp("restore", tmp_path / name, cwd=tmp_path / "place")
        assert (done.returncode, name in done.stderr) == (65, True), done.stderr
    assert list((tmp_path / "place").iterdir()) == []
    assert not (tmp_path / "escaped.txt").exists()
