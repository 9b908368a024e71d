"""Weights from a hub: the real client against a hub's real layout on the loopback address, and what can go wrong."""

import hashlib
import json
import shutil
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.models.conftest import write_bert
from tests.models.hub_server import COMMIT, Hub

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import load, names, spec
from rnaexp.models.aido_rna import ADAPTER
from rnaexp.models.lock import FILE
from rnaexp.rna import Rna

NAME, REPOSITORY = "aido-rna-650m", "genbio-ai/AIDO.RNA-650M"
SIZES = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 32}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder as its authors lay it out, with sizes that a test can afford."""
    folder = tmp_path_factory.mktemp("aido")
    network = load(f"untrained:{NAME}", config=SIZES, device="cpu", seed=4).network
    tensors = {ADAPTER.named(key): tensor for key, tensor in network.state_dict().items()}
    save_file(tensors | {"cls.predictions.bias": torch.zeros(16)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "rnabert", **SIZES}))
    (folder / "pytorch_model.bin").write_bytes(b"pickled, and not wanted where safetensors are")
    (folder / "README.md").write_text("not wanted")
    return folder


@pytest.fixture
def hub(published, tmp_path, monkeypatch):
    """A hub with a copy of that folder; the cache and the lock are this test's own."""
    from huggingface_hub import constants

    shutil.copytree(published, tmp_path / "served")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with Hub({REPOSITORY: tmp_path / "served"}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def asked(hub):
    return [path.rpartition("/")[2] for method, path, _ in hub.requests if method == "GET" and "/resolve/" in path]


def cached(tmp_path, name):
    (path,) = (tmp_path / "cache").rglob(name)
    return path


def test_the_first_load_resolves_the_commit_says_so_and_locks_every_file(hub, tmp_path, capsys):
    encoder = load(NAME, device="cpu")
    assert (encoder.layers, encoder.spec.revision) == (2, COMMIT)
    held = json.loads((tmp_path / FILE).read_text())[NAME]
    served = {path.name: path.read_bytes() for path in (tmp_path / "served").iterdir()}
    assert set(held["files"]) == {"model.safetensors", "config.json"}
    for name, facts in held["files"].items():
        assert facts == {"size": len(served[name]), "sha256": hashlib.sha256(served[name]).hexdigest()}
    assert f"{NAME}: hf:{REPOSITORY} at {COMMIT}, 2 files" in capsys.readouterr().err
    assert sorted(asked(hub)) == ["config.json", "model.safetensors"]


def test_a_second_load_asks_the_hub_for_nothing(hub):
    first = load(NAME, device="cpu")
    hub.requests.clear()
    assert load(NAME, device="cpu").fingerprint == first.fingerprint
    assert hub.requests == []


@pytest.mark.fault
def test_a_flipped_byte_in_the_cache_is_refused_by_name(hub, tmp_path):
    load(NAME, device="cpu")
    path = cached(tmp_path, "model.safetensors").resolve()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UnavailableError, match=r"model\.safetensors: refused, \d+ bytes that are not the"):
        load(NAME, device="cpu")


@pytest.mark.fault
def test_a_hub_that_changes_a_locked_commit_is_refused(hub, tmp_path):
    load(NAME, device="cpu")
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "served" / "config.json").write_text(json.dumps({"model_type": "rnabert", **SIZES, "x": 1}))
    with pytest.raises(UnavailableError, match=r"config\.json: refused"):
        load(NAME, device="cpu")


@pytest.mark.fault
def test_a_file_that_the_hub_lacks_is_named(hub):
    hub.missing.add("model.safetensors")
    with pytest.raises(UnavailableError, match=rf"{NAME}: hf:{REPOSITORY}/model\.safetensors cannot be down"):
        load(NAME, device="cpu")


@pytest.mark.fault
def test_a_repository_that_is_not_there_says_what_to_do(hub):
    with pytest.raises(UnavailableError, match=r"hf:nobody/nothing cannot be downloaded .* give --weights"):
        load("hf:nobody/nothing", device="cpu")


@pytest.mark.fault
def test_an_interrupted_download_goes_on_where_it_broke(hub, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    half = (tmp_path / "served" / "model.safetensors").stat().st_size // 2
    hub.cut.add("model.safetensors")
    try:
        load(NAME, device="cpu")
    except UnavailableError:
        load(NAME, device="cpu")
    starts = [start for _, path, start in hub.requests if path.endswith("model.safetensors") and start]
    assert len(starts) == 1
    assert 0 < int(starts[0].removeprefix("bytes=").removesuffix("-")) <= half


@pytest.mark.fault
def test_offline_what_is_locked_and_cached_loads_and_the_rest_says_why_not(hub, monkeypatch):
    from huggingface_hub import constants

    load(NAME, device="cpu")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert load(NAME, device="cpu").layers == 2
    with pytest.raises(UnavailableError, match=r"aido-rna-1\.6b: .*[Oo]ffline.*fetch it once where there is a network"):
        load("aido-rna-1.6b", device="cpu")
    assert hub.requests == []


@pytest.mark.fault
def test_another_revision_than_the_locked_one_is_refused(hub, tmp_path, monkeypatch):
    load(NAME, device="cpu")
    (tmp_path / "extra.toml").write_text(f'[models.{NAME}]\nrevision = "{"ab" * 20}"\n')
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    with pytest.raises(UnavailableError, match=f"holds revision {COMMIT}, not abab"):
        load(NAME, device="cpu")


@pytest.mark.fault
def test_another_source_than_the_locked_one_is_refused(hub, tmp_path, monkeypatch):
    load(NAME, device="cpu")
    (tmp_path / "extra.toml").write_text(f'[models.{NAME}]\nsource = "hf:else/where"\n')
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    with pytest.raises(UnavailableError, match=rf"holds it from hf:{REPOSITORY}, now it would come from hf:else/where"):
        load(NAME, device="cpu")


@pytest.mark.fault
def test_a_damaged_lock_is_not_taken_for_an_empty_one(hub, tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(InputError, match=r"models\.lock: not a lock of models"):
        load(NAME, device="cpu")


def test_a_lab_adds_its_own_model_by_a_file(hub, tmp_path, monkeypatch):
    hub.repositories["lab/own"] = tmp_path / "served"
    (tmp_path / "extra.toml").write_text('[models.our-aido]\nlike = "aido-rna-1m"\nsource = "hf:lab/own"\n')
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    assert "our-aido" in names()
    encoder = load("our-aido", device="cpu")
    assert (encoder.layers, encoder.spec.source, encoder.spec.title) == (2, "hf:lab/own", "our-aido")
    assert spec("untrained:our-aido").source is None


def test_sizes_and_a_folder_may_come_from_the_file(tmp_path, monkeypatch):
    source = load("untrained:rinalmo-micro", config={"num_blocks": 1, "embed_dim": 8, "num_heads": 2}, device="cpu")
    from rnaexp.models.weights import save

    save(source.network, tmp_path / "mine")
    (tmp_path / "extra.toml").write_text('[models.mine]\nlike = "rinalmo-micro"\nsource = "mine"\nmax_bases = 50\n')
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    encoder = load("mine", device="cpu")
    assert (encoder.layers, encoder.heads, encoder.spec.max_bases) == (1, 2, 50)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[models.x]\nloader = 'os:system'\n", r"\[models\.x\]: loader"),
        ("[models.x]\nlike = 'nothing'\n", "like = 'nothing', which is no model"),
        ("[models.x]\nrevision = 'main'\n", "revision = 'main'; wanted"),
        ("[models.x]\nlayers = 'six'\n", "layers 'six': input should be a valid integer"),
        ("[models.x]\nlayers = 0\n", "layers 0: input should be greater than"),
        ("[models.x]\nlayers = true\n", "layers True: "),
        ("[models.x]\nmax_bases = 1.5\n", r"max_bases 1\.5: "),
        ("[models.x]\nreads = 'proteins'\n", "reads 'proteins': input should be 'sequence' or 'alignment'"),
        ("[models.x]\ngroup = 'best'\n", "group 'best': "),
        ("[models.x]\nresolution = 3\n", "resolution 3: "),
        ("[models.x]\nhas_attention = 'no'\n", "has_attention 'no': input should be a valid boolean"),
        ("[models.x]\ntitle = 5\n", "title 5: input should be a valid string"),
        ("[models.x]\nsettings = 'big'\n", "settings 'big': "),
        ("[models.x]\nsettings = { eps = nan }\n", "settings: numbers must be finite"),
        ("[models.x]\nsettings = { deep = [{ eps = -inf }] }\n", "settings: numbers must be finite"),
        ("[models.x]\nstructure_seen = 'some'\n", "structure_seen 'some': "),
        ("[models.x]\nlike = 5\n", "like 5: input should be a valid string"),
        ("[models.x]\nsources = ['a']\n", r"sources\.0 'a': "),
        ("[[models.x.sources]]\naddress = 'a'\nlayout = 'mine'\n", "layout 'mine': "),
        ("[[models.x.sources]]\naddress = 'a'\nbeside = 'b'\n", "beside 'b': "),
        ("[[models.x.sources]]\naddress = 'a'\nlicence = 3\n", "licence 3: "),
        ("[models.'../x']\nlike = 'lm-nano'\n", r"'\.\./x'.*letters, digits"),
        ("[other]\n", "wanted tables"),
        ("[models", "not TOML"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_file(tmp_path, monkeypatch, text, complaint):
    (tmp_path / "extra.toml").write_text(text)
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    with pytest.raises(InputError, match=rf"extra\.toml: .*{complaint}"):
        names()


@pytest.mark.fault
@pytest.mark.parametrize("name", ["mine", "untrained:mine"])
def test_a_row_like_a_model_that_ships_needs_a_source(tmp_path, monkeypatch, name):
    (tmp_path / "extra.toml").write_text('[models.mine]\nlike = "lm-nano"\n')
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    with pytest.raises(InputError, match="mine: no weights ship under that name; give its row a source"):
        load(name, device="cpu")


def test_contributings_own_text_adds_a_bert_by_one_entry(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    entry = textwrap.dedent(text.partition("```toml\n")[2].partition("```")[0])
    (tmp_path / "extra.toml").write_text(entry)
    write_bert(tmp_path / "my-bert", list("NACGU"))
    monkeypatch.setenv("RNAEXP_CATALOG", str(tmp_path / "extra.toml"))
    encoder = load("my-bert", device="cpu")
    assert (encoder.layers, encoder.heads, encoder.spec.trained_on) == (3, 4, "the lab's transcripts")
    assert next(iter(encoder.attention(Rna(id="r", sequence="GGGAAACCC")))).shape == (4, 9, 9)
