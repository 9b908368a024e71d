"""Every adapter of a published model against its authors' code, through the public loader."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from rnaexp.errors import InputError, UnsuitableError
from rnaexp.models.spread import Spread
from rnaexp.rna import Rna

pytestmark = pytest.mark.golden

# Catalogue name and fixture; RNA-km's authors keep their maps in half precision.
CASES = {
    "rna-fm": "rnafm",
    "resm-150m": "resm",
    "utr-lm-mrl": "utrlm",
    "rinalmo-giga": "rinalmo",
    "aido-rna-650m": "aidorna",
    "aido-rna-1.6b": "aidorna_rmsnorm",
    "ernie-rna": "ernierna",
    "lucaone": "lucaone",
    "rna-km": "rnakm",
    "splicebert": "splicebert",
}
TOLERANCE = {"rna-km": 5e-4}
INPUTS = ["short", "long"]


@pytest.fixture(scope="module", params=CASES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def made(name, golden):
    return golden(CASES[name])


@pytest.fixture(scope="module")
def encoder(name, made, load_golden):
    return load_golden(name, made)


def rna(made, which):
    return Rna(id=which, sequence=made.sequence(which).replace("X", "N"))


def maps(made, which):
    """ERNIE-RNA's authors export scores before softmax; what is mixed by is kept beside them."""
    key = f"attn_prob_{which}"
    return made.array(key if key in made.expected else f"attn_{which}").float()


def difference(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).abs().max())


@pytest.mark.parametrize("which", INPUTS)
def test_ids_and_attention_equal_the_authors(name, made, encoder, maps_of, which):
    assert list(encoder.tokens.encode(rna(made, which)).ids) == made.array(f"ids_{which}").flatten().tolist()
    expected, tolerance = maps(made, which), TOLERANCE.get(name, 1e-5)
    assert expected.std() > 1e-4, "flat maps would agree whatever the fault"
    assert difference(maps_of(encoder, rna(made, which)), expected) < tolerance
    assert difference(encoder.read_head(rna(made, which), 2, 3), expected[2, 3]) < tolerance


@pytest.mark.parametrize("which", INPUTS)
def test_embedding_and_logits_equal_the_authors(made, encoder, which):
    assert difference(encoder.embed([rna(made, which)])[0], made.array(f"emb_{which}")) < 1e-5
    if f"logits_{which}" in made.expected:
        assert difference(encoder.logits(rna(made, which)), made.array(f"logits_{which}")) < 1e-5
    else:
        assert not encoder.can_predict, "logits that nothing proves"


def test_a_padded_batch_equals_the_authors_unpadded(name, made, encoder):
    found = [[], []]
    rnas = [rna(made, which) for which in INPUTS]
    encoder.read_attention(rnas, lambda index, _layer, layer: found[index].append(layer.clone()))
    for which, layers, embedding in zip(INPUTS, found, encoder.embed(rnas), strict=True):
        assert difference(torch.stack(layers), maps(made, which)) < TOLERANCE.get(name, 1e-5)
        assert difference(embedding, made.array(f"emb_{which}")) < 1e-5


@pytest.mark.fault
def test_two_swapped_letters_would_be_seen(name, made, encoder, maps_of, monkeypatch):
    ids = dict(encoder.tokens.ids)
    thymine = "U" if "U" in ids else "T"
    swapped = ids | {thymine: ids["C"], "C": ids[thymine]}
    monkeypatch.setattr(encoder, "tokens", replace(encoder.tokens, ids=swapped))
    seen = difference(maps_of(encoder, rna(made, "short")), maps(made, "short"))
    assert seen > 2 * TOLERANCE.get(name, 1e-5)


@pytest.mark.fault
def test_a_strip_off_by_one_would_be_seen(name, made, encoder, maps_of, monkeypatch):
    honest = Spread.of

    def shifted(encoding, *_):
        window = honest(encoding).window
        return Spread(slice(window.start - 1, window.stop - 1) if window.start else slice(1, window.stop), None)

    monkeypatch.setattr(Spread, "of", shifted)
    found = maps_of(encoder, rna(made, "short"))
    expected = maps(made, "short")[..., : found.shape[-2], : found.shape[-1]]
    assert difference(found, expected) > 2 * TOLERANCE.get(name, 1e-5)


def files_of(made):
    return [p for p in made.weights.rglob("*") if p.suffix in {".pt", ".pth", ".ckpt", ".pkl", ".safetensors", ".bin"}]


def renamed(tensors):
    """The first layer's query under another name."""
    for key in list(tensors):
        if "0" in key and ("query" in key or "q_proj" in key or "Wqkv" in key):
            tensors[key + "x"] = tensors.pop(key)
            return key
    raise AssertionError


@pytest.mark.fault
def test_a_renamed_key_is_refused_and_named(name, made, load_golden, tmp_path):
    (path,) = files_of(made)
    target = tmp_path / path.name
    if path.suffix == ".safetensors":
        held = load_file(path)
        tensors = held
    else:
        held = torch.load(path, map_location="cpu", weights_only=False)  # made here
        tensors = held.get("model", held.get("state_dict", held))
    key = renamed(tensors)
    save_file(held, target) if path.suffix == ".safetensors" else torch.save(held, target)
    for beside in made.weights.glob("*.*"):
        if beside != path:
            (tmp_path / beside.name).write_bytes(beside.read_bytes())
    with pytest.raises(InputError, match=r"weights do not fit.*(x|query)") as refused:
        load_golden(name, replace(made, weights=tmp_path))
    assert key.rpartition(".")[0].rpartition(".")[2] in str(refused.value)


def test_a_letter_the_authors_do_not_know_is_refused_by_name(golden, load_golden):
    encoder = load_golden("utr-lm-mrl", golden("utrlm"))
    with pytest.raises(UnsuitableError, match="odd: utr-lm-mrl does not know 'N' at position 2"):
        encoder.check(Rna(id="odd", sequence="ANC"))
