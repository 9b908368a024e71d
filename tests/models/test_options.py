"""Precision and the rule for token pairs: what changes, what does not, and that stored results know of it."""

import pytest
import torch
from pydantic import ValidationError
from tests.models.families import SIZED, opened

from rnaexp.errors import InputError
from rnaexp.models import load
from rnaexp.models.options import precision_of
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.loading import Loading
from rnaexp.settings import wrong_setting
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import ATTENTION, ReadOut, Scoring, protocol_fields
from rnaexp.structure.reading import Reading
from rnaexp.tasks.pairs.measure import read_out_of
from rnaexp.tasks.pairs.settings import AppliedSettings, PairsSettings


def tiny(name, **how):
    return opened(name, None, **how)


def key(encoder, rna):
    return key_of_entry(encoder, rna, Reading(read_out=read_out_of(encoder), scoring=Scoring()))


@pytest.mark.parametrize("name", SIZED)
def test_half_precision_is_near_softmaxed_in_full_and_another_result(name, read_all, make_rna):
    rna = make_rna(33)
    whole, half = tiny(name), tiny(name, precision="bf16")
    assert (precision_of(whole), precision_of(half)) == ("fp32", "bf16")
    (exact,), (near,) = read_all(whole, rna), read_all(half, rna)
    assert near.dtype == torch.float32
    assert not torch.equal(near, exact)
    torch.testing.assert_close(near, exact, atol=0.02, rtol=0.1)
    assert not torch.equal(near, near.bfloat16().float()), "probabilities were rounded to eight bits"
    torch.testing.assert_close(half.read_head(rna, 1, 2), near[1, 2], atol=1e-3, rtol=1e-2)
    embedding = half.embed([rna])[0]
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, whole.embed([rna])[0], atol=0.2, rtol=0.2)
    assert half.fingerprint != whole.fingerprint
    assert key(half, rna) != key(whole, rna)


def test_the_alignment_model_has_precisions_too(make_rna):
    rna = make_rna(30)
    whole, half = load("msm-nano", device="cpu"), load("msm-nano", device="cpu", precision="fp16")
    for exact, near in zip(whole.attention(rna), half.attention(rna), strict=True):
        torch.testing.assert_close(near.float(), exact, atol=0.02, rtol=0.1)
    assert precision_of(half) == "fp16"
    assert half.fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"precision": "int8"}, "--precision 'int8': must be fp32, bf16 or fp16"),
        ({"token_pairs": "sum"}, "--token-pairs 'sum': must be mean, max or share"),
        ({"precision": "bf16"}, "viennarna has no weights, so --precision bf16 means nothing"),
    ],
)
def test_what_cannot_be_is_refused_by_name(how, complaint):
    with pytest.raises(InputError, match=complaint):
        load("viennarna", **how)


def test_the_rule_reaches_maps_protocol_and_key(read_all, make_rna):
    rna = make_rna(20)
    mean, loudest = tiny("dnabert-4mer"), tiny("dnabert-4mer", token_pairs="max")
    assert mean.fingerprint == loudest.fingerprint, "the same weights"
    assert (read_all(loudest, rna)[0] >= read_all(mean, rna)[0] - 1e-7).all()
    assert not torch.allclose(read_all(loudest, rna)[0], read_all(mean, rna)[0])
    torch.testing.assert_close(loudest.read_head(rna, 1, 2), read_all(loudest, rna)[0][1, 2], atol=1e-6, rtol=1e-5)
    assert read_out_of(loudest) == ReadOut(token_pairs="max")
    assert protocol_fields(Scoring(), read_out_of(loudest))["name"] == "paper:token_pairs=max"
    assert key(loudest, rna) != key(mean, rna)


def test_where_a_token_is_a_base_there_is_nothing_to_choose(make_rna):
    plain, asked = tiny("rna-fm"), tiny("rna-fm", token_pairs="share")
    assert read_out_of(asked) == read_out_of(plain) == ATTENTION
    assert key(asked, make_rna(20)) == key(plain, make_rna(20))


def test_a_tuned_head_is_applied_to_scores_made_as_those_it_was_tuned_on():
    tuned = TunedHead(
        model="dnabert-4mer",
        weights="w",
        layer=0,
        head=0,
        threshold=0.1,
        validation_f1=None,
        tuned_on="",
        tuned_on_sha256="",
        sequences=(),
        clusters=(),
        read_out=ReadOut(token_pairs="max"),
        scoring=Scoring(),
    )
    asked = AppliedSettings(test="builtin-ts").task("dnabert-4mer", Loading(), tuned)
    assert asked.loading["token_pairs"] == "max"
    assert TunedHead.from_json(tuned.to_json()) == tuned
    older = tuned.to_json()
    del older["read_out"]["token_pairs"]
    assert TunedHead.from_json(older).read_out == ReadOut(), "heads of before the choice are the mean's"


def test_a_policy_that_is_none_is_refused():
    with pytest.raises(ValidationError) as caught:
        PairsSettings(long="cut")
    assert wrong_setting(caught.value, PairsSettings) == "long 'cut': must be skip or window or error"
