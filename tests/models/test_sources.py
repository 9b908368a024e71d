"""Weights from every kind of source, under the names that the catalogue has for them, and what can go wrong."""

import json
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.models.conftest import write_bert
from tests.models.published_files import members_of, packed
from tests.web import Web

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import load, spec
from rnaexp.models.fetch import fetch_weights
from rnaexp.models.lock import FILE
from rnaexp.models.source import Source
from rnaexp.models.spec import ModelSpec

SPLICEBERT, UTRBERT, RNA_MSM = (
    "10.5281/zenodo.7995778",
    "10.6084/m9.figshare.22847354",
    "11A-S13qAb5wiBi1YLs3EOrnixSDq7Q0q",
)


@pytest.fixture
def web(tmp_path, monkeypatch):
    """This test's own web, cache and lock."""
    from huggingface_hub import close_session, constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    monkeypatch.delenv("RNAEXP_MIRROR", raising=False)
    with Web(tmp_path / "web") as running:
        for key, value in running.variables().items():
            monkeypatch.setenv(key, value)
        close_session()  # the hub's client keeps the proxy and certificates that it was made with
        yield running
    close_session()


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert"), list("NACGU"))


def row(*sources, name="toy"):
    return ModelSpec(name=name, title=name, group="reference", loader="none:none", sources=sources, licence="MIT")


def downloads(web):
    return [where for method, where in web.requests if method == "GET"]


# --- each kind


def test_a_record_with_an_archive_gives_the_folder_by_its_name_and_nothing_beside_it(web, bert, tmp_path, capsys):
    inside = members_of(bert, "models/SpliceBERT.1024nt/") | {
        "models/SpliceBERT.510nt/config.json": b"{}",
        "models/SpliceBERT.1024nt/run.py": b"print('never')",
    }
    web.records[SPLICEBERT] = {
        "data.tar.gz": packed(tmp_path / "data.tar.gz", {"x.txt": b"x"}),
        "models.tar.gz": packed(tmp_path / "models.tar.gz", inside),
    }
    encoder = load("splicebert", device="cpu")
    assert (encoder.layers, encoder.heads) == (3, 4)
    assert encoder.spec.provenance() == {
        "revision": None,
        "weights.source": f"doi:{SPLICEBERT}",
        "weights.layout": "authors",
        "weights.licence": "CC-BY-4.0",
    }
    held = json.loads(Path(FILE).read_text())["splicebert"]
    assert sorted(held["files"]) == sorted(path.name for path in bert.iterdir() if path.is_file())
    said = capsys.readouterr().err
    assert f"the copy at doi:{SPLICEBERT} is licensed CC-BY-4.0; its authors' weights: BSD-3-Clause" in said
    assert "written to models.lock" in said
    assert not any("data.tar.gz" in where for where in downloads(web))


def test_what_is_locked_and_kept_is_not_asked_for_again(web, bert, tmp_path):
    web.records[SPLICEBERT] = {"models.tar.gz": packed(tmp_path / "m.tar.gz", members_of(bert, "SpliceBERT.1024nt/"))}
    first = load("splicebert", device="cpu")
    web.requests.clear()
    assert load("splicebert", device="cpu").fingerprint == first.fingerprint
    assert web.requests == []


def test_a_figshare_article_gives_its_one_archive(web, tmp_path):
    words = ["".join((one, two, three)) for one in "ACGU" for two in "ACGU" for three in "ACGU"]
    folder = write_bert(tmp_path / "b", words)
    web.records[UTRBERT] = {"3-new-12w-0.zip": packed(tmp_path / "3.zip", members_of(folder, "3-new-12w-0/"))}
    encoder = load("3utrbert-3mer", device="cpu")
    assert (encoder.layers, encoder.spec.resolution) == (3, "k-mer")
    assert encoder.spec.source == f"doi:{UTRBERT}"


def test_a_drive_gives_a_file_behind_its_page(web, tmp_path):
    made = load("untrained:rna-msm", config={"embed_dim": 24, "num_attention_heads": 3, "num_layers": 2}, device="cpu")
    torch.save({"state_dict": made.network.state_dict()}, tmp_path / "any name.ckpt")
    web.drive[RNA_MSM] = tmp_path / "any name.ckpt"
    got = fetch_weights(spec("rna-msm"))
    assert got.path.name == "RNA_MSM_pretrained.ckpt"
    assert got.path.read_bytes() == (tmp_path / "any name.ckpt").read_bytes()
    assert (
        load("rna-msm", config={"embed_dim": 24, "num_attention_heads": 3, "num_layers": 2}, device="cpu").layers == 2
    )


def test_a_shared_folder_gives_the_file_of_the_name_that_is_wanted(web, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"weights")
    (tmp_path / "other.pt").write_bytes(b"other")
    wanted, other = "1" * 33, "2" * 33
    web.drive |= {wanted: tmp_path / "w.pt", other: tmp_path / "other.pt"}
    web.drive_folders["F" * 33] = {"ERNIE-RNA_pretrain.pt": wanted, "another.pt": other}
    got = fetch_weights(row(Source(address=f"gdrive:folder/{'F' * 33}", file="ERNIE-RNA_pretrain.pt")))
    assert got.path.read_bytes() == b"weights"


def test_weights_and_tokenizer_of_two_repositories_lie_in_one_folder(web, tmp_path):
    for name, file in (("lab/w", "model.safetensors"), ("lab/t", "tokenizer.json")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / file).write_bytes(file.encode())
        (tmp_path / name / "config.json").write_text(json.dumps({"of": name}))
        web.hub[name] = tmp_path / name
    two = row(Source(address="hf:lab/w", beside=(Source(address="hf:lab/t"),)))
    got = fetch_weights(two)
    assert {path.name for path in got.path.iterdir() if not path.name.startswith(".")} == {
        "model.safetensors",
        "tokenizer.json",
        "config.json",
    }
    assert json.loads((got.path / "config.json").read_text()) == {"of": "lab/w"}, "what both have is the weights' own"
    web.requests.clear()
    assert fetch_weights(two).path == got.path
    assert web.requests == []


# --- in turn


def test_a_source_that_fails_falls_to_the_next_and_says_why(web, bert, capsys):
    web.down.add("zenodo.org")
    web.hub["lab/copy"] = bert
    got = fetch_weights(
        row(Source(address="doi:10.5281/zenodo.1", file="x"), Source(address="hf:lab/copy", licence="AGPL-3.0"))
    )
    assert got.source.address == "hf:lab/copy"
    said = capsys.readouterr().err
    assert "toy: doi:10.5281/zenodo.1/x: cannot be downloaded (the server answers 404); next: hf:lab/copy" in said
    assert "the copy at hf:lab/copy is licensed AGPL-3.0; its authors' weights: MIT" in said


def test_when_all_fail_each_reason_is_given_once_with_what_to_do(web):
    two = row(Source(address="https://zenodo.org/gone.pt"), Source(address="hf:no/body"))
    with pytest.raises(
        UnavailableError, match=r"gone\.pt: .*404.*hf:no/body cannot .*rnaexp models fetch toy.*models pack"
    ):
        fetch_weights(two)
    assert not Path(FILE).exists()


def test_a_source_can_be_chosen_by_kind_layout_or_address(web, bert, tmp_path):
    web.hub["lab/copy"] = bert
    (tmp_path / "w.pt").write_bytes(b"weights")
    web.links["https://github.com/w.pt"] = tmp_path / "w.pt"
    two = row(Source(address="https://github.com/w.pt"), Source(address="hf:lab/copy", layout="multimolecule"))
    for word in ("hub", "multimolecule", "hf:lab/copy"):
        assert fetch_weights(two, word).source.kind == "hub"
    with pytest.raises(InputError, match=r"--source 'drive' is none of its sources: https://github\.com/w\.pt \(url"):
        fetch_weights(two, "drive")


def test_after_the_lock_no_other_source_will_do(web, bert):
    web.hub |= {"lab/one": bert, "lab/two": bert}
    fetch_weights(row(Source(address="hf:lab/one")))
    with pytest.raises(UnavailableError, match=r"models\.lock holds it from hf:lab/one, now .* hf:lab/two; remove"):
        fetch_weights(row(Source(address="hf:lab/two")))


# --- what must be survived


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.parametrize("name", ["../evil.bin", "/evil.bin", "a/../../evil.bin", "a\\..\\evil.bin"])
def test_an_archive_that_leads_out_of_its_folder_is_refused_whole(web, tmp_path, kind, name):
    bad = packed(tmp_path / f"bad.{kind}", {"config.json": b"{}", "model.bin": b"w", name: b"evil"})
    web.records["10.5281/zenodo.1"] = {bad.name: bad}
    with pytest.raises(InputError, match=r"leads out of the folder, so nothing was unpacked"):
        fetch_weights(row(Source(address="doi:10.5281/zenodo.1", file=bad.name)))
    assert not any("evil" in path.name or path.name == "model.bin" for path in (tmp_path / "cache").rglob("*"))


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_an_archive_that_unpacks_to_far_more_than_it_is_is_not_opened(web, tmp_path, kind):
    bomb = packed(tmp_path / f"bomb.{kind}", {"config.json": b"{}", "model.bin": bytes(120_000_000)})
    web.records["10.5281/zenodo.1"] = {bomb.name: bomb}
    with pytest.raises(InputError, match=r"unpacks to more than 20 times its \d+ bytes"):
        fetch_weights(row(Source(address="doi:10.5281/zenodo.1", file=bomb.name)))
    assert not any(path.name == "model.bin" for path in (tmp_path / "cache").rglob("*"))


@pytest.mark.fault
def test_links_in_an_archive_are_never_made(web, tmp_path):
    with tarfile.open(tmp_path / "l.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("model.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    web.records["10.5281/zenodo.1"] = {"l.tar.gz": tmp_path / "l.tar.gz"}
    with pytest.raises(InputError, match="holds no weights"):
        fetch_weights(row(Source(address="doi:10.5281/zenodo.1", file="*.tar.gz")))


@pytest.mark.fault
@pytest.mark.parametrize("half", [True, False])
def test_a_damaged_archive_is_named(web, tmp_path, half):
    whole = packed(tmp_path / "m.tar.gz", {"model.bin": bytes(range(256)) * 400})
    whole.write_bytes(whole.read_bytes()[:-200] if half else b"no archive at all")
    web.records["10.5281/zenodo.1"] = {"m.tar.gz": whole}
    with pytest.raises(InputError, match=r"m\.tar\.gz: .*(damaged|ends inside)"):
        fetch_weights(row(Source(address="doi:10.5281/zenodo.1", file="m.tar.gz")))


@pytest.mark.fault
def test_a_web_page_in_place_of_a_file_is_refused(web, tmp_path):
    (tmp_path / "page.html").write_text("<!DOCTYPE html><html>quota exceeded</html>")
    web.links["https://github.com/w.pt"] = tmp_path / "page.html"
    with pytest.raises(UnavailableError, match=r"w\.pt: download failed \(a web page came in place of the file"):
        fetch_weights(row(Source(address="https://github.com/w.pt")))
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*w.pt*"))


@pytest.mark.fault
def test_a_drive_over_its_quota_and_a_file_that_is_gone_say_so(web, tmp_path):
    web.pages.add(RNA_MSM)
    with pytest.raises(UnavailableError, match=r"gdrive:11A.*Too many users have viewed"):
        fetch_weights(row(Source(address=f"gdrive:{RNA_MSM}", file="w.ckpt")))
    web.pages.clear()
    (tmp_path / "page.ckpt").write_text("<html>sign in</html>")
    web.drive[RNA_MSM] = tmp_path / "page.ckpt"
    with pytest.raises(UnavailableError, match="web page came in place"):
        fetch_weights(row(Source(address=f"gdrive:{RNA_MSM}", file="w.ckpt")))
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*") if path.is_file())


@pytest.mark.fault
@pytest.mark.parametrize("address", ["doi:10.5281/zenodo.1", "https://github.com/w.pt"])
def test_half_a_file_is_never_kept_and_the_next_try_gets_it_whole(web, tmp_path, address):
    (tmp_path / "w.pt").write_bytes(bytes(range(256)) * 1000)
    web.records["10.5281/zenodo.1"] = {"w.pt": tmp_path / "w.pt"}
    web.links["https://github.com/w.pt"] = tmp_path / "w.pt"
    web.cut.add("w.pt")
    with pytest.raises(UnavailableError, match="cannot be downloaded"):
        fetch_weights(row(Source(address=address, file="w.pt")))
    assert fetch_weights(row(Source(address=address, file="w.pt"))).path.stat().st_size == 256_000


@pytest.mark.fault
def test_other_bytes_than_the_record_lists_are_refused(web, tmp_path, monkeypatch):
    (tmp_path / "w.pt").write_bytes(b"weights")
    web.records["10.5281/zenodo.1"] = {"w.pt": tmp_path / "w.pt"}
    import hashlib

    real = hashlib.md5
    monkeypatch.setattr("tests.web.hashlib.md5", lambda data=b"", **how: real(b"other" if data else data, **how))
    with pytest.raises(UnavailableError, match=r"MD5|hash"):
        fetch_weights(row(Source(address="doi:10.5281/zenodo.1", file="w.pt")))


@pytest.mark.fault
def test_a_record_without_the_file_lists_what_it_holds(web, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"weights")
    web.records["10.5281/zenodo.15980875"] = {"a.zip": tmp_path / "w.pt", "b.zip": tmp_path / "w.pt"}
    with pytest.raises(
        UnavailableError, match=r"resm-150m: .*wanted one file '\*150M\*'; the record holds a\.zip, b\.zip"
    ):
        fetch_weights(spec("resm-150m"))


@pytest.mark.fault
def test_what_was_locked_and_has_changed_where_it_is_published_is_refused(web, tmp_path):
    import shutil

    (tmp_path / "w.pt").write_bytes(b"weights")
    web.records["10.5281/zenodo.1"] = {"w.pt": tmp_path / "w.pt"}
    one = row(Source(address="doi:10.5281/zenodo.1", file="w.pt"))
    fetch_weights(one)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "w.pt").write_bytes(b"changed")
    with pytest.raises(UnavailableError, match=r"toy: .*w\.pt: refused, 7 bytes that are not the 7 with sha256"):
        fetch_weights(one)


@pytest.mark.fault
def test_a_flipped_byte_in_what_was_unpacked_is_refused(web, bert, tmp_path):
    web.records["10.5281/zenodo.1"] = {"m.zip": packed(tmp_path / "m.zip", members_of(bert))}
    one = row(Source(address="doi:10.5281/zenodo.1", file="m.zip"))
    path = next(fetch_weights(one).path.glob("*.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UnavailableError, match=r"model\.safetensors: refused, it is not what was written there first"):
        fetch_weights(one)


@pytest.mark.fault
def test_a_plain_link_without_encryption_needs_a_known_hash(web, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"weights")
    web.links["http://old.example.org/w.pt"] = tmp_path / "w.pt"
    with pytest.raises(UnavailableError, match="only a file whose sha256 is known is downloaded without encryption"):
        fetch_weights(row(Source(address="http://old.example.org/w.pt")))
    import hashlib

    known = hashlib.sha256(b"weights").hexdigest()
    assert (
        fetch_weights(row(Source(address="http://old.example.org/w.pt", sha256=known))).path.read_bytes() == b"weights"
    )


# --- bundles


def test_a_bundle_serves_a_machine_without_a_network(web, bert, tmp_path, monkeypatch):
    from rnaexp.experiment.model_verbs import pack

    web.records[SPLICEBERT] = {"models.tar.gz": packed(tmp_path / "m.tar.gz", members_of(bert, "SpliceBERT.1024nt/"))}
    pack(["splicebert"], tmp_path / "bundle", json=False)
    there = load("splicebert", device="cpu")
    monkeypatch.chdir(tmp_path / "web")  # another project: no lock, no cache, no network
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    web.down |= {"doi.org", "zenodo.org", "huggingface.co"}
    monkeypatch.setenv("RNAEXP_MODELS", str(tmp_path / "bundle"))
    web.requests.clear()
    found = load("splicebert", device="cpu")
    assert (found.fingerprint, found.spec.provenance()) == (there.fingerprint, there.spec.provenance())
    assert web.requests == []
    assert not Path(FILE).exists()


@pytest.mark.fault
def test_a_bundle_that_is_altered_or_not_there_is_refused(web, bert, tmp_path, monkeypatch):
    from rnaexp.experiment.model_verbs import pack

    web.hub["lab/one"] = bert
    pack(["hf:lab/one"], tmp_path / "bundle", json=True)
    monkeypatch.setenv("RNAEXP_MODELS", str(tmp_path / "bundle"))
    assert load("hf:lab/one", device="cpu").layers == 3
    (settings,) = (tmp_path / "bundle").rglob("config.json")
    settings.write_text(settings.read_text() + " ")
    with pytest.raises(UnavailableError, match=r"config\.json: refused, \d+ bytes .* of .*bundle/models\.lock"):
        load("hf:lab/one", device="cpu")
    monkeypatch.setenv("RNAEXP_MODELS", str(tmp_path / "gone"))
    with pytest.raises(UnavailableError, match=r"RNAEXP_MODELS names .*gone, which is not there"):
        load("hf:lab/one", device="cpu")


# --- pickles


def test_calms_plain_pickle_opens_as_tensors(tmp_path):
    import pickle

    from rnaexp.models.weights import read_state

    state = {"a": torch.arange(6.0).view(2, 3), "b": torch.nn.Parameter(torch.ones(2))}
    for protocol in (2, 4, 5):
        (tmp_path / "w.pkl").write_bytes(pickle.dumps(state, protocol=protocol))
        read = read_state(tmp_path / "w.pkl")
        assert all(torch.equal(read[key], state[key]) for key in state)
    save_file({"a": state["a"]}, tmp_path / "w.safetensors")
    assert torch.equal(read_state(tmp_path / "w.safetensors")["a"], state["a"])


class _Evil:
    def __reduce__(self):
        return (Path("pwned").touch, ())


@pytest.mark.fault
@pytest.mark.parametrize("held", [_Evil(), {"a": _Evil()}, {"a": print}, {"a": torch.nn.Linear(1, 1)}])
def test_a_pickle_that_names_anything_else_is_refused(tmp_path, monkeypatch, held):
    import pickle

    from rnaexp.models.weights import read_checkpoint

    monkeypatch.chdir(tmp_path)
    Path("w.pkl").write_bytes(pickle.dumps(held))
    with pytest.raises(InputError, match=r"w\.pkl: not a plain set of weights.* and only tensors are opened"):
        read_checkpoint(Path("w.pkl"))
    assert not Path("pwned").exists()
