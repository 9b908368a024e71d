"""Every fixture once more by its file alone, config.json and the tokenizer beside it: the authors' outputs again."""

import json
import shutil

import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.spread import to_bases
from rnaexp.rna import Alignment, Protein, Rna

pytestmark = pytest.mark.golden

CASES = {
    "rnabert": "rnabert",
    "rnafm": "rna-fm",
    "rnamsm": "rna-msm",
    "rnakm": "rna-km",
    "ernierna": "ernie-rna",
    "rinalmo": "rinalmo-giga",
    "aidorna": "aido-rna-650m",
    "aidorna_rmsnorm": "aido-rna-1.6b",
    "resm": "resm-150m",
    "splicebert": "splicebert",
    "utrlm": "utr-lm-mrl",
    "utrbert": "3utrbert-3mer",
    "lucaone": "lucaone",
    "dnabert": "dnabert-3mer",
    "esm2": "esm2-8m",
}
WEIGHTS = {".pt", ".pth", ".ckpt", ".pkl", ".safetensors", ".bin"}
# RNA-km's authors keep their maps in half precision.
TOLERANCE = {"rnakm": 5e-4}


@pytest.fixture(scope="module", params=CASES)
def case(request, golden, tmp_path_factory):
    """The fixture, its weights' file alone in a folder with what its authors put beside it, and a config.json."""
    made, folder = golden(request.param), tmp_path_factory.mktemp("bare")
    (weights,) = [path for path in made.weights.rglob("*") if path.suffix in WEIGHTS]
    for path in weights.parent.iterdir():
        shutil.copy(path, folder)
    if not (folder / "config.json").exists():
        (folder / "config.json").write_text(json.dumps(made.facts["config"]))
    return request.param, made, folder / weights.name


def rna_of(fixture, made):
    """One input as a user would give it, and the name its outputs are stored under."""
    if fixture == "rnamsm":
        rows = tuple(made.facts["inputs"]["alignment"])
        alignment = Alignment(names=tuple(f"row {at}" for at in range(len(rows))), rows=rows)
        return Rna(id="msa", sequence=rows[0], alignment=alignment)
    if fixture == "esm2":
        return Protein(id="short", sequence=made.facts["inputs"]["short"])
    return Rna(id="short", sequence=made.sequence("short").replace("X", "N"))


def stored(made, kind, which):
    """RNABERT's authors pad without a mask, and run unpadded too; ERNIE-RNA's keep the softmax of what they export."""
    keys = (f"{kind}_{which}_nopad", f"{kind}_prob_{which}", f"{kind}_{which}")
    return made.array(next(key for key in keys if key in made.expected)).float()


def test_the_file_alone_gives_the_authors_outputs(case):
    fixture, made, weights = case
    encoder, rna = load(CASES[fixture], weights=weights, device="cpu"), rna_of(fixture, made)
    maps, attention = [], stored(made, "attn", rna.id)
    encoder.read_attention([rna], lambda _rna, _layer, layer: maps.append(layer.clone()))
    embedding = stored(made, "emb", rna.id)
    if encoder.spec.resolution == "k-mer":  # stored token by token, without the special ones
        encoding = encoder.tokens.encode(rna)
        attention = to_bases(torch.nn.functional.pad(attention, (1, 1, 1, 1)), encoding)
        inner = [at for at, span in enumerate(encoding.spans) if span is not None]
        covers = torch.tensor([[float(span[0] <= base < span[1]) for span in (encoding.spans[at] for at in inner)]
                               for base in range(len(rna))])  # fmt: skip
        embedding = covers / covers.sum(1, keepdim=True) @ embedding
    assert (torch.stack(maps) - attention).abs().max() < TOLERANCE.get(fixture, 1e-5)
    assert (encoder.embed([rna])[0] - embedding).abs().max() < 1e-5


def test_the_folder_gives_the_same_fingerprint(case):
    """What was stored for one is found for the other."""
    fixture, _, weights = case
    by_file, by_folder = (load(CASES[fixture], weights=path, device="cpu") for path in (weights, weights.parent))
    assert by_file.fingerprint == by_folder.fingerprint


@pytest.mark.fault
def test_sizes_of_another_model_in_config_json_are_seen(case):
    fixture, _, weights = case
    path = weights.with_name("config.json")
    before, held = path.read_text(), json.loads(path.read_text())
    name = next((name for name in ("hidden_size", "embed_dim", "encoder_embed_dim", "multiple") if name in held), None)
    if name is None or fixture in ("rnafm", "ernierna", "esm2"):
        return  # hard-coded, or in the file itself
    path.write_text(json.dumps({**held, name: 2 * held[name]}))
    try:
        with pytest.raises(InputError, match=r"do not fit|cannot be loaded"):
            load(CASES[fixture], weights=weights, device="cpu")
    finally:
        path.write_text(before)
