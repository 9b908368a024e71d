"""The published rows: all of them there, each fact of a kind that can be true, each loading path a real one."""

import re
from dataclasses import replace

import pytest
import torch
from tests.models.families import ALIGNED, EVERY, UNATTENDED, opened

from rnaexp.data.letters import normalise
from rnaexp.errors import UnavailableError
from rnaexp.models import load, names, spec
from rnaexp.models.spread import Spread
from rnaexp.rna import Rna

WANTED = [
    "rna-fm",
    "rnabert",
    "rna-msm",
    "rna-km",
    "rnaernie",
    "ernie-rna",
    "rinalmo-micro",
    "rinalmo-mega",
    "rinalmo-giga",
    "aido-rna-1m",
    "aido-rna-25m",
    "aido-rna-300m",
    "aido-rna-650m",
    "aido-rna-1.6b",
    "mp-rna",
    "omnigenome-52m",
    "omnigenome-186m",
    "resm-150m",
    "resm-650m",
    "birna-bert",
    "birna-bert-nuc",
    "protrna",
    "uni-rna-l8",
    "uni-rna-l12",
    "uni-rna",
    "structrfm",
    "ribospan-1k-15",
    "ribospan-1k-40",
    "mrna-fm",
    "rfamllama-small",
    "rfamllama-base",
    "rfamllama-large",
    "splicebert",
    "splicebert-510",
    "splicebert-human-510",
    "utr-lm-mrl",
    "utr-lm-te-el",
    "3utrbert-3mer",
    "3utrbert-4mer",
    "3utrbert-5mer",
    "3utrbert-6mer",
    "calm",
    "plantrna-fm",
    "lucaone",
    "evo-1-8k",
    "evo-1-131k",
    "evo-2-7b",
    "dnabert-3mer",
    "dnabert-4mer",
    "dnabert-5mer",
    "dnabert-6mer",
    "dnabert-2",
    "nt-500m-human-ref",
    "nt-v2-50m",
    "nt-v2-100m",
    "nt-v2-250m",
    "nt-v2-500m",
    "hyenadna-tiny",
    "hyenadna-small",
    "hyenadna-medium",
    "hyenadna-large",
    "esm2-8m",
    "esm2-35m",
    "esm2-150m",
    "esm2-650m",
    "esm2-3b",
    "esm2-15b",
]


@pytest.fixture(scope="module", params=EVERY)
def tiny(request, tmp_path_factory):
    return opened(request.param, tmp_path_factory.mktemp(request.param))


def test_every_loader_of_a_row_that_loads_has_a_tiny_instance():
    never = {"protrna", "evo-1-8k", "evo-1-131k", "evo-2-7b"}  # no weights that this program opens
    loaders = {spec(name).loader for name in WANTED if name not in never}
    assert loaders == {spec(name).loader for name in (*EVERY, *ALIGNED, *UNATTENDED)}


def test_every_row_of_the_comparison_is_there_exactly_once():
    assert [name for name in WANTED if name not in names()] == []
    assert len(set(names())) == len(names())


@pytest.mark.parametrize("name", WANTED)
def test_a_row_says_how_it_is_proven_or_why_it_is_not_and_how_to_get_it(name):
    entry = spec(name)
    assert entry.proof_state in ("golden", "equal to multimolecule", "unproven")
    assert entry.proof
    assert entry.source or entry.unavailable, "neither where the weights are nor why they cannot be had"
    assert entry.revision is None or re.fullmatch("[0-9a-f]{40}", entry.revision)
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)


@pytest.mark.parametrize("name", [name for name in WANTED if spec(name).unavailable])
def test_what_cannot_be_fetched_says_what_to_do(name):
    with pytest.raises(UnavailableError, match=r"rnaexp score --(maps|pairs) DIR"):
        load(name)


def test_a_tiny_instance_of_each_family_has_the_sizes_it_was_given(tiny):
    assert (tiny.layers, tiny.heads, tiny.spec.width) == (2, 3, 24)


def test_each_layer_is_a_probability_per_base_where_a_token_is_a_base(tiny, read_all, make_rna):
    rna = make_rna(33)
    (maps,) = read_all(tiny, rna)
    assert maps.shape == (2, 3, 33, 33)
    assert torch.isfinite(maps).all()
    if tiny.spec.resolution == "base":
        outside = len(tiny.tokens.before) + len(tiny.tokens.after)
        assert (maps.sum(-1) < 1 + 1e-5).all()
        assert ((maps.sum(-1) - 1).abs() < 1e-5).all() == (outside == 0)


def test_one_head_and_every_layer_in_turn_equal_the_whole(tiny, read_all, make_rna):
    rna = make_rna(33, seed=5)
    (maps,) = read_all(tiny, rna)
    torch.testing.assert_close(torch.stack([layer.clone() for layer in tiny.attention(rna)]), maps)
    for layer, head in ((0, 2), (1, 0)):
        torch.testing.assert_close(tiny.read_head(rna, layer, head), maps[layer, head], atol=1e-6, rtol=1e-5)


@pytest.fixture(scope="module")
def written_out():
    """Attention written out a row at a time, every map kept: what streaming must agree with."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    kept = []

    def attend(module, query, key, value, attention_mask, scaling=None, **_):
        rows = []
        for row in range(query.shape[2]):
            scores = (query[:, :, row : row + 1] * key).sum(-1) * scaling
            if attention_mask is not None:
                scores = scores + attention_mask[:, :, row if attention_mask.shape[2] > 1 else 0]
            weights = scores.exp()
            rows.append(weights / weights.sum(-1, keepdim=True))
        maps = torch.stack(rows, 2)
        kept.append(maps)
        return (maps @ value).transpose(1, 2), maps

    AttentionInterface.register("written-out", attend)
    AttentionMaskInterface.register("written-out", ALL_MASK_ATTENTION_FUNCTIONS["eager"])
    return kept


def test_what_is_streamed_is_attention_written_out(tiny, written_out, read_all, make_rna):
    rna = make_rna(30, seed=6)
    encoding, body = tiny.tokens.encode(rna), tiny._body()
    (maps,), embedding = read_all(tiny, rna), tiny.embed([rna])[0]
    written_out.clear()
    body.set_attn_implementation("written-out")
    try:
        with torch.inference_mode():
            hidden = body(torch.tensor([encoding.ids])).last_hidden_state[0]
    finally:
        body.set_attn_implementation("rnaexp")
    spread = Spread.of(encoding)
    torch.testing.assert_close(maps, spread.maps(torch.cat(written_out)), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(embedding, spread.rows(hidden), atol=1e-5, rtol=1e-4)


def test_the_states_are_what_goes_into_each_layer_and_the_embedding_at_last(tiny, make_rna):
    rnas = [make_rna(30, seed=4), make_rna(18, seed=8)]
    layers = next(module for module in tiny._body().modules() if isinstance(module, torch.nn.ModuleList))
    goes_in = []
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: goes_in.append(inputs[0].clone())) for layer in layers]
    every = tiny.embed_layers(rnas)
    for hook in hooks:
        hook.remove()
    assert len(goes_in) == 2
    for at, (rna, states, embedding) in enumerate(zip(rnas, every, tiny.embed(rnas), strict=True)):
        assert states.shape == (3, *embedding.shape)
        torch.testing.assert_close(states[-1], embedding, atol=1e-6, rtol=1e-5)
        encoding = tiny.tokens.encode(rna)
        for layer, rows in enumerate(goes_in):
            expected = Spread.of(encoding).rows(rows[at, : len(encoding.ids)])
            torch.testing.assert_close(states[layer], expected, atol=1e-6, rtol=1e-5)


def test_a_batch_of_three_equals_three_batches_of_one(tiny, read_all, make_rna):
    rnas = [make_rna(bases, seed=bases, name=f"rna{bases}") for bases in (12, 30, 21)]
    together = read_all(tiny, *rnas)
    for rna, maps, embedding in zip(rnas, together, tiny.embed(rnas), strict=True):
        torch.testing.assert_close(maps, read_all(tiny, rna)[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(embedding, tiny.embed([rna])[0], atol=1e-5, rtol=1e-4)


def test_masked_letters_get_probabilities_or_a_reason(tiny, make_rna):
    rna = make_rna(30)
    if tiny.spec.resolution != "base" or not tiny.can_predict:
        with pytest.raises(UnavailableError, match="no probabilities of letters"):
            tiny.log_probabilities(rna, [3])
        return
    found = tiny.log_probabilities(rna, [3, 7])
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2))


def test_letters_of_a_batch_and_a_hidden_base_is_hidden_from_every_token(tiny, make_rna):
    """K-mers too: what is said of a hidden base must not depend on the letter there."""
    rna, short = make_rna(30), make_rna(24, seed=3, name="short")
    if not tiny.can_predict or (tiny.tokens.base_ids() is None and not hasattr(tiny.tokens, "ids")):
        with pytest.raises(UnavailableError, match="no probabilities of letters"):
            tiny.predict_letters([rna], [[3]])
        return
    for name, table in tiny.network.named_parameters():
        if name == "head.table" and not table.any():  # untrained, a table of its own is zero: every letter is as likely
            torch.nn.init.normal_(table)
    variants = [replace(rna, sequence=rna.sequence[:7] + letter + rna.sequence[8:]) for letter in "ACGU"]
    alone = [tiny.predict_letters([one], [[7]])[0] for one in variants]
    for said in alone:
        assert said.shape == (30, 4)
        torch.testing.assert_close(said.exp().sum(-1), torch.ones(30))
        assert torch.equal(said[7], alone[0][7])
    open_letters = [tiny.predict_letters([one], [()])[0][7] for one in variants]
    assert not all(torch.equal(said, open_letters[0]) for said in open_letters), "visible, it is seen"
    together = tiny.predict_letters([short, *variants], [[2], [7], [7], [7], [7]])
    torch.testing.assert_close(together[0], tiny.predict_letters([short], [[2]])[0], atol=1e-5, rtol=1e-4)
    for said, single in zip(together[1:], alone, strict=True):
        torch.testing.assert_close(said, single, atol=1e-5, rtol=1e-4)
    if tiny.tokens.base_ids() is not None:
        torch.testing.assert_close(alone[0][[7]], tiny.log_probabilities(variants[0], [7]))


def test_a_size_left_out_is_asked_for_by_its_authors_name():
    with pytest.raises(UnavailableError, match="encoder_attention_heads is not known; give all of encoder_layers"):
        load("untrained:esm2-8m")
    with pytest.raises(UnavailableError, match="num_heads is not known"):
        load("untrained:rinalmo-micro", config={"num_blocks": 2, "embed_dim": 24})


def test_t_and_u_and_lower_case_are_one_sequence(tiny):
    forms = ("GGGAAACCCUUUGGGAAA", "GGGAAACCCTTTGGGAAA", "gggaaacccuuugggaaa")
    ids = {tiny.tokens.encode(Rna(id="x", sequence=normalise(form, name="x")[0])).ids for form in forms}
    assert len(ids) == 1
