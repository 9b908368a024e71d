"""Checkpoints in multimolecule's layout: written by it, read here, and its own code's outputs beside ours."""

import inspect
import json
import re
import shutil
from fnmatch import fnmatchcase

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.golden.layouts import (
    BPE,
    LAYOUTS,
    RNA,
    WRONG_LETTERS,
    change_config,
    config_of,
    difference,
    opened,
    ours,
    theirs,
    write,
)

from rnaexp.errors import InputError, UnavailableError, UnsuitableError
from rnaexp.experiment.model_verbs import convert_to
from rnaexp.models import layouts, load, multimolecule_layouts, multimolecule_msa, spec
from rnaexp.models.msa_encoder import MsaEncoder
from rnaexp.models.spread import Spread
from rnaexp.rna import Rna

TOLERANCE = 1e-5
EVERY = list(LAYOUTS)
LETTERED = [name for name, layout in LAYOUTS.items() if layout.kind not in BPE]  # vocab.txt, not a tokenizer.json
ATTENDING = [name for name in EVERY if name != "hyenadna"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each layout's checkpoint and its own outputs, made once."""
    held = {}

    def of(name):
        if name not in held:
            written = write(LAYOUTS[name], tmp_path_factory.mktemp(re.sub(r"\W", "-", name)))
            held[name] = written, theirs(written)
        return held[name]

    return of


@pytest.fixture
def copied(made, tmp_path):
    """A copy of a layout's folder, to be altered."""

    def copy(name):
        return shutil.copytree(made(name)[0].folder, tmp_path / "copy")

    return copy


def assert_equal(found, expected, kind=""):
    assert set(found) == set(expected)
    for what, value in expected.items():
        assert value.std() > 1e-3, what
        least, most = WRONG_LETTERS.get(kind, (0, TOLERANCE)) if what == "letters" else (0, TOLERANCE)
        assert least <= difference(found[what], value) < most, what


@pytest.mark.parametrize("name", EVERY)
def test_a_checkpoint_of_its_layout_gives_what_its_own_code_gives(name, made):
    written, expected = made(name)
    assert_equal(ours(opened(written.folder)), expected, written.layout.kind)
    if row := written.layout.row:  # as the weights of the row it belongs to: by folder, and by file
        assert_equal(ours(opened(written.folder, row)), expected, written.layout.kind)
        by_file = opened(written.folder / "model.safetensors", row)
        assert_equal(ours(by_file), expected, written.layout.kind)


HEAD = {"layer_norm_eps": 1e-2}
OTHERWISE = {  # each setting that a network honours, away from what it is elsewhere
    "rnafm": {"layer_norm_eps": 1e-2, "token_dropout": True, "embed_norm": False, "tie_word_embeddings": False},
    "mrnafm": {"embed_norm": True, "lm_head": HEAD, "max_position_embeddings": 100},
    "rnamsm": {
        "layer_norm_eps": 1e-2,
        "embed_positions_msa": False,
        "max_position_embeddings": 100,
        "max_tokens_per_msa": 20,
    },
    "ernierna": {
        "layer_norm_eps": 1e-2,
        "pairwise_alpha": 0.3,
        "num_attention_heads": 6,
        "tie_word_embeddings": False,
    },
    "rinalmo-micro": {
        "layer_norm_eps": 1e-2,
        "token_dropout": False,
        "intermediate_size": 50,
        "learnable_beta": False,
    },
    "splicebert": {"layer_norm_eps": 1e-2, "hidden_act": "relu", "tie_word_embeddings": False},
    "splicebert.510": {"lm_head": {**HEAD, "transform_act": "relu"}, "max_position_embeddings": 100},
    "utrlm-te_el": {"layer_norm_eps": 1e-2, "token_dropout": False, "emb_layer_norm_before": True},
    "calm": {"layer_norm_eps": 1e-2, "token_dropout": True, "emb_layer_norm_before": True, "num_attention_heads": 2},
    "rnaernie": {"layer_norm_eps": 1e-2, "hidden_act": "gelu"},
    "dnabert2": {"layer_norm_eps": 1e-2, "lm_head": HEAD, "num_attention_heads": 4},
    "dnaberts": {"layer_norm_eps": 1e-2, "num_attention_heads": 6},
    "hyenadna": {"activation_freq": 2, "filter_emb_dim": 7, "filter_order": 8, "tie_word_embeddings": True},
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_each_setting_that_changes_the_computation_is_honoured(name, tmp_path):
    layout = LAYOUTS[name].but(**OTHERWISE[name])
    written = write(layout, tmp_path)
    expected = theirs(written)
    if layout.kind == "utrlm":  # its letters are its authors' only by another epsilon of the head; see WRONG_LETTERS
        expected.pop("letters")
    found = ours(opened(tmp_path))
    assert_equal({what: found[what] for what in expected}, expected)


@pytest.mark.parametrize("kind", sorted({layout.kind for layout in LAYOUTS.values()}))
def test_each_setting_of_its_classes_is_honoured_or_fixed_or_known_to_change_nothing(kind):
    if kind == layouts.MSA:
        known = {*multimolecule_msa.SETTINGS, *multimolecule_msa.FIXED, *multimolecule_msa.INERT}
    else:
        layout = multimolecule_layouts.LAYOUTS[kind]
        known = {*layout.stated, *layout.fixed, *layout.optional, *layout.inert}
    taken = set(inspect.signature(config_of(kind).__init__).parameters) - {"self", "kwargs"}
    unknown = {name for name in taken - known if not any(fnmatchcase(name, one) for one in multimolecule_layouts.INERT)}
    assert unknown == set()


def test_the_types_that_are_recognised_are_those_that_are_read():
    assert set(layouts.MULTIMOLECULE) == {*multimolecule_layouts.LAYOUTS, layouts.MSA}


# --- config.json as published: names and values that were read on the hub, sizes and letters aside

PUBLISHED = {
    # multimolecule/rnafm, transformers 4.41.2: `codon` although its words are letters.
    "rnafm": {"codon": True, "emb_layer_norm_before": True, "layer_norm_eps": 1e-12},
    # multimolecule/rnamsm, transformers 4.41.2: "standard" although its layers are axial.
    "rnamsm": {"layer_type": "standard", "layer_norm_eps": 1e-12},
    # multimolecule/rinalmo at 9d75aba5 (4.44.0).
    "rinalmo-giga": {"emb_layer_norm_before": True, "layer_norm_eps": 1e-12},
    # multimolecule/ernierna.ss (4.44.0).
    "ernierna": {"type_vocab_size": 2, "layer_norm_eps": 1e-12},
    # multimolecule/utrbert-6mer (4.44.0): what its authors' configuration left in it.
    "utrbert-3mer": {
        "eos_token_ids": 0,
        "num_rnn_layer": 1,
        "output_past": True,
        "rnn": "lstm",
        "rnn_dropout": 0.0,
        "rnn_hidden": 768,
        "split": 10,
        "bos_token_id": 0,
    },
}
_OLD_HEAD = {"act": None, "bias": True, "dropout": 0.0, "hidden_size": 24, "layer_norm_eps": 1e-12}
_OLD_HEAD |= {"output_name": None, "transform": "nonlinear", "transform_act": "gelu"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_published_config_files_say_is_read(name, tmp_path):
    """Their epsilon and head, written by its own class; then the words that only older releases wrote."""
    stated = {key: value for key, value in PUBLISHED[name].items() if key == "layer_norm_eps"}
    width = LAYOUTS[name].settings.get("hidden_size", 24)
    written = write(LAYOUTS[name].but(**stated, lm_head={**_OLD_HEAD, "hidden_size": width}), tmp_path)
    change_config(tmp_path, **PUBLISHED[name], torch_dtype="float32", transformers_version="4.44.0", head=_OLD_HEAD)
    held = json.loads((tmp_path / "config.json").read_text())
    held.pop("tie_word_embeddings")  # transformers 4 leaves out what is its default
    held.pop("embed_norm", None)  # called emb_layer_norm_before then
    (tmp_path / "config.json").write_text(json.dumps(held))
    encoder = opened(tmp_path, LAYOUTS[name].row)
    assert_equal(ours(encoder), theirs(written))
    if name == "rnafm":
        assert encoder.spec.resolution == "base"


@pytest.mark.parametrize("name", ["rnafm", "rnamsm", "rinalmo-micro", "ernierna", "splicebert", "calm"])
def test_files_of_releases_before_0_0_9_have_the_type_where_later_ones_have_model(name, copied, made):
    folder, kind = copied(name), LAYOUTS[name].kind

    def older(state):
        for key in list(state):
            name = re.sub(r"^model\.", f"{kind}.", key)
            state[name.replace("proj.dense1", "proj.0").replace("proj.dense2", "proj.2")] = state.pop(key)

    alter(folder, older)
    assert_equal(ours(opened(folder)), made(name)[1])


@pytest.mark.parametrize("name", ["rnafm", "splicebert", "rinalmo-micro", "ernierna", "dnabert2"])
def test_a_body_saved_alone_gives_maps_and_embeddings_and_no_letters(name, made, tmp_path):
    written, expected = made(name)
    for file in written.folder.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    written.model.base_model.save_pretrained(tmp_path)
    encoder = opened(tmp_path)
    expected = {what: value for what, value in expected.items() if what != "letters"}
    assert_equal(ours(encoder), expected)
    if encoder.tokens.base_ids() is not None:
        with pytest.raises(UnavailableError, match="no masked-LM head"):
            encoder.predict_letters([RNA], [[3]])


@pytest.mark.parametrize("name", ["rnabert", "rinalmo-micro"])
def test_a_head_that_was_tied_away_gives_no_letters(name, tmp_path):
    """The authors' has a table of its own; tied to the embeddings it is gone, and with it their letters."""
    written = write(LAYOUTS[name].but(tie_word_embeddings=True), tmp_path)
    encoder, expected = opened(tmp_path), theirs(written)
    assert_equal(ours(encoder), {what: value for what, value in expected.items() if what != "letters"})
    with pytest.raises(UnavailableError, match="no masked-LM head"):
        encoder.predict_letters([RNA], [[3]])


# --- what must not pass


def alter(folder, change):
    path = folder / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)


@pytest.mark.fault
@pytest.mark.parametrize("name", EVERY)
def test_a_renamed_key_is_named(name, copied):
    folder = copied(name)

    def rename(state):
        key = next(key for key in sorted(state) if ".0." in key and key.endswith("weight"))
        state[key.replace("weight", "weigth")] = state.pop(key)

    alter(folder, rename)
    with pytest.raises(InputError, match=r"missing: .*weight.*unexpected: .*weigth"):
        opened(folder)


@pytest.mark.fault
@pytest.mark.parametrize("name", LETTERED)
def test_two_swapped_lines_of_vocab_txt_are_seen(name, copied, made):
    folder, (written, expected) = copied(name), made(name)
    tokens = (folder / "vocab.txt").read_text().split("\n")
    letters = RNA.sequence.replace("U", "T") if written.layout.dna else RNA.sequence
    one, two = (tokens.index(letters[at : at + written.layout.k]) for at in (3, 6))
    tokens[one], tokens[two] = tokens[two], tokens[one]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    found = ours(opened(folder))
    for what in set(found) - {"letters"}:
        assert difference(found[what], expected[what]) > 1e-2, what
    assert opened(folder).fingerprint != opened(written.folder).fingerprint, "a stored result would be found"


@pytest.mark.fault
@pytest.mark.parametrize("name", ATTENDING)
def test_a_strip_that_is_off_by_one_is_seen(name, made, monkeypatch):
    written, expected = made(name)
    honest = Spread.of

    def shifted(encoding, rule="mean"):
        spans = encoding.spans
        moved = (*spans[1:], None) if spans[0] is None or spans[-1] is None else (None, *spans[:-1])
        spread = honest(encoding, rule)
        if spread.window is not None:
            start = spread.window.start - 1 if spread.window.start else 1
            return Spread(slice(start, start + encoding.bases), None)
        return honest(type(encoding)(ids=encoding.ids, spans=moved, bases=encoding.bases), rule)

    encoder = opened(written.folder)
    monkeypatch.setattr(Spread, "of", shifted)
    monkeypatch.setattr(MsaEncoder, "_bases", lambda self, maps, tokens: maps[..., : tokens - 1, : tokens - 1])
    found = ours(encoder)["attention"]
    size = found.shape[-1]
    assert difference(found, expected["attention"][..., :size, :size]) > 1e-2


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("rnafm", "position_embedding_type", "rotary"),
        ("rnafm", "hidden_act", "relu"),
        ("rnafm", "is_decoder", True),
        ("ernierna", "position_embedding_type", "absolute"),
        ("rinalmo-micro", "add_cross_attention", True),
        ("rnamsm", "hidden_act", "relu"),
        ("rnamsm", "tie_word_embeddings", False),
        ("splicebert", "position_embedding_type", "relative_key"),
        ("dnabert2", "position_embedding_type", "absolute"),
        ("hyenadna", "hyena_order", 3),
        ("hyenadna", "layer_norm_eps", 1e-3),
    ],
)
def test_a_setting_that_asks_for_another_network_is_refused_by_name(name, setting, value, copied):
    folder = copied(name)
    change_config(folder, **{setting: value})
    with pytest.raises(InputError, match=rf"config\.json: {setting} = {value!r}; only .* is read"):
        opened(folder)


@pytest.mark.parametrize(("setting", "value"), [("transform", "linear"), ("bias", False), ("act", "softmax")])
@pytest.mark.parametrize("name", ["splicebert", "rnamsm"])
def test_another_letter_head_is_refused_by_name(name, setting, value, copied):
    folder = copied(name)
    change_config(folder, lm_head={setting: value})
    with pytest.raises(InputError, match=rf"lm_head\.{setting} = {value!r}; only .* is read"):
        opened(folder)


@pytest.mark.parametrize("name", ["rnafm", "rnamsm"])
def test_a_size_that_config_json_does_not_say_is_named(name, copied):
    folder = copied(name)
    change_config(folder, layer_norm_eps=None)
    with pytest.raises(InputError, match=r"config\.json: does not say layer_norm_eps"):
        opened(folder)


@pytest.mark.fault
@pytest.mark.parametrize("name", ["rnafm", "rnamsm"])
def test_a_vocabulary_of_another_table_is_refused(name, copied):
    folder = copied(name)
    tokens = (folder / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(tokens + "\nextra")
    with pytest.raises(InputError, match=r"vocab\.txt: holds 29 tokens, but config\.json says 28"):
        opened(folder)
    (folder / "vocab.txt").write_text("extra\n" + tokens.rpartition("\n")[0])
    with pytest.raises(InputError, match=r"vocab\.txt: <pad> is in line 1 from 0, but config\.json says 0"):
        opened(folder)


@pytest.mark.parametrize(("name", "row"), [("rnafm", "rinalmo-micro"), ("splicebert", "rna-fm"), ("rnamsm", "calm")])
def test_weights_of_another_model_are_not_taken_for_the_rows(name, row, made):
    with pytest.raises(InputError, match=rf"these are weights of another model than {row}"):
        opened(made(name)[0].folder, row)


def test_another_authors_model_of_the_same_type_is_not_taken_for_its(tmp_path):
    """AIDO.RNA calls itself rnabert."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "rnabert", "hidden_size": 24}))
    assert layouts.multimolecule_layout(tmp_path) is None


def test_its_aido_rna_is_refused_with_the_reason(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "aido.rna", "null_token_id": 5}))
    with pytest.raises(UnavailableError, match=r"feeds U by a row .* --model aido-rna-650m"):
        opened(tmp_path)


# --- what a folder without a row says of itself


@pytest.mark.parametrize(
    ("name", "bases", "resolution"),
    [
        ("rnafm", 1022, "base"),
        ("mrnafm", 3 * 1022, "codon"),
        ("rnamsm", 1023, "base"),
        ("rinalmo-micro", 1022, "base"),
        ("ernierna", 1024, "base"),
        ("splicebert.510", 510, "base"),
        ("utrbert-4mer", 513, "k-mer"),
        ("calm", 3 * 1024, "codon"),
        ("rnabert", 440, "base"),
        ("dnabert2", None, "bpe"),
        ("hyenadna", 65, "base"),
    ],
)
def test_a_folder_says_how_many_bases_it_reads_and_of_what_kind(name, bases, resolution, made):
    encoder = opened(made(name)[0].folder)
    assert (encoder.spec.max_bases, encoder.spec.resolution) == (bases, resolution)
    assert (encoder.spec.layers, encoder.spec.width) == (2, 24)


def test_a_folder_of_rna_msm_reads_alignments_before_and_after_it_is_opened(made):
    folder = made("rnamsm")[0].folder
    assert spec(str(folder)).reads == opened(folder).spec.reads == "alignment"


@pytest.mark.parametrize("name", ["rnafm", "ernierna", "rnamsm", "hyenadna"])
def test_its_untrained_control_has_its_sizes_and_letters_and_random_weights(name, made):
    folder = made(name)[0].folder
    trained, control = opened(folder), opened(f"untrained:{folder}", seed=3)
    assert control.layers == trained.layers
    assert control.fingerprint == opened(f"untrained:{folder}", seed=3).fingerprint != trained.fingerprint
    one, other = ours(control)["embedding"], ours(trained)["embedding"]
    assert one.shape == other.shape
    assert difference(one, other) > 1e-2


@pytest.mark.parametrize("name", ["rnafm", "rnamsm", "ernierna", "calm", "dnabert2", "hyenadna"])
def test_a_copy_of_its_weights_stays_in_its_layout_and_gives_the_same(name, made, tmp_path):
    """What `rnaexp models convert` and a registered model keep; here out of a pickled file with its texts beside it."""
    written, expected = made(name)
    for file in written.folder.iterdir():
        shutil.copy(file, tmp_path)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    loading = {"name": written.layout.row, "weights": tmp_path / "pytorch_model.bin", "device": "cpu"}
    again = convert_to(load(**loading), loading, tmp_path / "out")
    assert_equal(ours(again), expected)


def test_n_is_fed_only_where_the_authors_own_vocabulary_has_it(made):
    rna = Rna(id="r", sequence="GGGAANACUCGAUUGC")
    for name in ("rnafm", "splicebert", "rinalmo-micro", "ernierna"):
        assert opened(made(name)[0].folder).embed([rna])[0].shape[0] == 16
    for name in ("utrlm-mrl", "rnabert", "rnaernie", "utrbert-3mer", "dnabert-3mer"):
        with pytest.raises(UnsuitableError, match="does not know 'N' at position 6"):
            opened(made(name)[0].folder).embed([rna])


def test_ernie_rna_is_fed_n_as_its_authors_feed_it(made):
    written, _ = made("ernierna")
    unknown = written.tokenizer.get_vocab()["<unk>"]
    assert opened(written.folder).tokens.encode(Rna(id="r", sequence="GNC")).ids[2] == unknown


def test_a_padded_batch_equals_batches_of_one(made):
    rnas = [Rna(id="a", sequence=RNA.sequence[:21]), RNA]
    for name in ("rnafm", "rinalmo-micro", "ernierna", "dnabert2", "calm", "splicebert"):
        encoder = opened(made(name)[0].folder)
        for rna, together in zip(rnas, encoder.embed(rnas), strict=True):
            torch.testing.assert_close(together, encoder.embed([rna])[0], atol=1e-5, rtol=1e-4)
