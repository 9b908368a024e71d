"""Decoders of four architectures: their own eager code against what is streamed, and likelihoods from left to right."""

import pytest
import torch
from tests.models.conftest import random_rna

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import load

# As RFamLlama's vocabulary is laid out: special tokens that its tokenizer does not put round a sequence by itself.
TOKENS = ["<|pad|>", "<|bos|>", "<|eos|>", "<|5|>", "<|3|>", *"ATCGN"]
AROUND = {"before": ["<|bos|>", "<|5|>"], "after": ["<|3|>", "<|eos|>"]}
SIZES = {"vocab_size": len(TOKENS), "num_hidden_layers": 3, "num_attention_heads": 4, "initializer_range": 0.3}
WIDE = {"hidden_size": 32, "intermediate_size": 48, "max_position_embeddings": 512}


def settings(kind):
    from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig, MistralConfig

    return {
        "llama": lambda: LlamaConfig(**SIZES, **WIDE, num_key_value_heads=2),
        "mistral": lambda: MistralConfig(**SIZES, **WIDE, num_key_value_heads=2),
        "gpt_neox": lambda: GPTNeoXConfig(**SIZES, **WIDE),
        "gpt2": lambda: GPT2Config(
            vocab_size=len(TOKENS), n_embd=32, n_layer=3, n_head=4, n_positions=512, initializer_range=0.3
        ),
    }[kind]()


def write_decoder(folder, kind="llama"):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(vocab={token: at for at, token in enumerate(TOKENS)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = {"pad_token": "<|pad|>", "bos_token": "<|bos|>", "eos_token": "<|eos|>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(settings(kind), attn_implementation="eager").eval()
    model.save_pretrained(folder)
    return model


@pytest.fixture(scope="module", params=["llama", "mistral", "gpt_neox", "gpt2"])
def pair(request, tmp_path_factory):
    """The model by its own code, and as it is read here."""
    folder = tmp_path_factory.mktemp(request.param)
    return write_decoder(folder, request.param), load(str(folder), config=AROUND, device="cpu")


@torch.inference_mode()
def test_maps_embeddings_and_letters_are_those_of_its_own_code(pair, read_all):
    model, encoder = pair
    rna = random_rna(20, seed=4)
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    out = model(ids, output_attentions=True)
    maps = torch.stack([layer[0][:, 2:-2, 2:-2] for layer in out.attentions])
    (ours,) = read_all(encoder, rna)
    assert ours.std() > 1e-2
    assert (ours - maps).abs().max() < 1e-5
    assert ours.triu(1).abs().max() == 0, "nothing is attended to that stands behind"
    assert (encoder.read_head(rna, 1, 3) - maps[1, 3]).abs().max() < 1e-5
    hidden = model.base_model(ids).last_hidden_state[0, 2:-2]
    assert (encoder.embed([rna])[0] - hidden).abs().max() < 1e-4
    letters = [TOKENS.index(letter) for letter in "ACGT"]
    told = torch.log_softmax(out.logits[0, 1:-3][:, letters], -1)  # each from the token before it
    assert (encoder.predict_letters([rna], [()])[0] - told).abs().max() < 1e-4


def test_a_batch_of_two_is_two_batches_of_one(pair, read_all):
    _, encoder = pair
    rnas = [random_rna(20, seed=4, name="a"), random_rna(11, seed=5, name="b")]
    for whole, alone in zip(read_all(encoder, *rnas), [read_all(encoder, rna)[0] for rna in rnas], strict=True):
        assert (whole - alone).abs().max() < 1e-5
    for whole, rna in zip(encoder.predict_letters(rnas, [(), ()]), rnas, strict=True):
        assert (whole - encoder.predict_letters([rna], [()])[0]).abs().max() < 1e-4


def test_a_changed_letter_changes_nothing_before_it(pair):
    _, encoder = pair
    rna = random_rna(20, seed=4)
    letters = list(rna.sequence)
    letters[12] = "A" if letters[12] != "A" else "C"
    other = type(rna)(id="other", sequence="".join(letters))
    one, two = (encoder.predict_letters([each], [()])[0] for each in (rna, other))
    assert (one[:13] - two[:13]).abs().max() < 1e-5
    assert (one[13:] - two[13:]).abs().max() > 1e-3


def test_nothing_is_hidden(pair):
    _, encoder = pair
    with pytest.raises(UnavailableError, match=r"hides no base; its likelihoods are those of --convention left-to"):
        encoder.predict_letters([random_rna(9)], [[2]])


def test_a_special_token_that_the_vocabulary_lacks_is_named(tmp_path):
    write_decoder(tmp_path)
    with pytest.raises(InputError, match=r"its vocabulary lacks the special token '\[CLS\]'"):
        load(str(tmp_path), config={"before": ["[CLS]"]}, device="cpu")


def test_without_a_token_before_it_the_first_base_is_any_of_the_four(tmp_path):
    write_decoder(tmp_path)
    encoder = load(str(tmp_path), config={"before": [], "after": []}, device="cpu")
    told = encoder.predict_letters([random_rna(9, seed=2)], [()])[0]
    assert torch.equal(told[0], torch.full((4,), 0.25).log())
    assert told[1:].std() > 0.1
