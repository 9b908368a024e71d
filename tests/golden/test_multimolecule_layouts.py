"""Checkpoints in multimolecule's layout: written by it, read here, and its own code's outputs beside ours."""

import json
import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.golden.layouts import LAYOUTS, WRONG_LETTERS, compared, opened, write

from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import Rna

pytestmark = pytest.mark.xdist_group("multimolecule")  # five seconds of import, once
TOLERANCE = 1e-5
SMALL = [name for name in LAYOUTS if name not in ("utrbert-5mer", "utrbert-6mer", "dnabert-6mer")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each layout's folder and model, made once."""
    held = {}

    def of(name):
        if name not in held:
            folder = tmp_path_factory.mktemp(name.replace(".", "-"))
            held[name] = folder, write(LAYOUTS[name], folder)
        return held[name]

    return of


def worst(one, other):
    assert one.shape == other.shape
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_checkpoint_of_its_layout_gives_what_its_own_code_gives(name, made):
    layout, (folder, model) = LAYOUTS[name], made(name)
    for row in {"", layout.row}:  # as a folder, and as the weights of the row it belongs to
        encoder = opened(folder, row)
        found = compared(layout, model, encoder, folder)
        assert set(found) >= {"embedding"}
        for what, (ours, theirs) in found.items():
            assert theirs.std() > 1e-3, what
            least, most = WRONG_LETTERS.get(layout.kind, (0, TOLERANCE)) if what == "letters" else (0, TOLERANCE)
            assert least <= worst(ours, theirs) < most, (row, what)


def altered(folder, tmp_path, change):
    """A copy with its tensors changed."""
    shutil.copytree(folder, tmp_path / "altered")
    path = tmp_path / "altered" / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    return tmp_path / "altered"


@pytest.mark.fault
@pytest.mark.parametrize("name", SMALL)
def test_a_renamed_key_is_named(name, made, tmp_path):
    def rename(state):
        key = next(key for key in sorted(state) if ".0." in key and key.endswith("weight"))
        state[key.replace("weight", "weigth")] = state.pop(key)

    with pytest.raises(InputError, match=r"missing: .*weight.*unexpected: .*weigth"):
        opened(altered(made(name)[0], tmp_path, rename))


@pytest.mark.fault
@pytest.mark.parametrize("name", SMALL)
def test_two_swapped_lines_of_vocab_txt_are_other_letters(name, made, tmp_path):
    layout, (folder, model) = LAYOUTS[name], made(name)
    if not (folder / "vocab.txt").exists():
        return  # BPE: the tokenizer's own file decides
    shutil.copytree(folder, tmp_path / "f")
    tokens = (tmp_path / "f" / "vocab.txt").read_text().split()
    # Words of two letters that both stand in the RNA, the second no mirror of the first.
    words = [token for token in tokens if set(token) <= set("ACGUT") and len(token) == len(tokens[6])]
    sequence = "GCGGAUUUAGCUCAGUUGGGAGAGCGCC".replace("U", "T" if any("T" in word for word in words) else "U")
    one, two = (tokens.index(sequence[at : at + len(words[0])]) for at in (0, 1))
    tokens[one], tokens[two] = tokens[two], tokens[one]
    (tmp_path / "f" / "vocab.txt").write_text("\n".join(tokens))
    encoder = opened(tmp_path / "f")
    ours, theirs = compared(layout, model, encoder, folder)["embedding"]
    if layout.kind in ("ernierna", "rnamsm"):
        assert worst(ours, theirs) > 1e-2
    else:  # the oracle is fed the swapped ids too; the right ones give something else
        right = compared(layout, model, opened(folder), folder)["embedding"][1]
        assert worst(theirs, right) > 1e-2


@pytest.mark.fault
@pytest.mark.parametrize("name", ["rnafm", "ernierna", "splicebert", "rinalmo-micro", "utrlm-mrl"])
def test_a_strip_that_is_off_by_one_does_not_pass(name, made):
    layout, (folder, model) = LAYOUTS[name], made(name)
    ours, theirs = compared(layout, model, opened(folder), folder)["attention"]
    assert worst(ours[..., 1:, 1:], theirs[..., :-1, :-1]) > 1e-2


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("rnafm", "embed_norm", False),
        ("ernierna", "pairwise_alpha", 0.5),
        ("rinalmo-micro", "learnable_beta", False),
        ("rnamsm", "attention_type", "flash"),
        ("splicebert", "position_embedding_type", "rotary"),
        ("hyenadna", "hyena_order", 3),
    ],
)
def test_a_setting_that_asks_for_another_network_is_refused_by_name(name, setting, value, made, tmp_path):
    shutil.copytree(made(name)[0], tmp_path / "f")
    path = tmp_path / "f" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), setting: value}))
    with pytest.raises(InputError, match=f"{setting} = {value!r}; only .* is read"):
        opened(tmp_path / "f")


@pytest.mark.parametrize("name", ["rnafm", "splicebert", "rinalmo-micro", "ernierna"])
def test_without_its_letter_head_there_are_maps_and_embeddings_and_no_letters(name, made, tmp_path):
    folder = altered(
        made(name)[0], tmp_path, lambda state: [state.pop(key) for key in list(state) if key.startswith("lm_head")]
    )
    encoder, whole = opened(folder), opened(made(name)[0])
    rna = Rna(id="r", sequence="GGGAAACUCGAUUGC")
    assert torch.equal(encoder.embed([rna])[0], whole.embed([rna])[0])
    with pytest.raises(UnavailableError, match="no masked-LM head"):
        encoder.predict_letters([rna], [[3]])


def test_n_is_fed_only_where_the_authors_own_vocabulary_has_it(made):
    rna = Rna(id="r", sequence="GGGAANACUCGAUUGC")
    for name in ("rnafm", "splicebert", "rinalmo-micro", "ernierna"):
        assert opened(made(name)[0]).embed([rna])[0].shape[0] == 16
    for name in ("utrlm-mrl", "rnabert", "rnaernie"):
        with pytest.raises(ValueError, match="does not know 'N' at position 6"):
            opened(made(name)[0]).embed([rna])


def test_reading_them_imports_nothing_of_multimolecule():
    import subprocess

    code = "import sys, rnaexp.models.multimolecule; print('multimolecule' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
