"""Tiny checkpoints with random weights, written in the layouts that transformers reads."""

import random
from itertools import product

import pytest
import torch

from rnaexp.rna import Rna

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "initializer_range": 0.25,  # sharp attention: flat maps would agree whatever the fault
}
SPECIAL = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "esm": ["<cls>", "<pad>", "<eos>", "<unk>", "<mask>"],
}


@pytest.fixture(autouse=True, scope="package")
def _one_thread():
    """Matrices of 24 columns are slower on many cores than on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_rna(bases, seed=0, name="rna"):
    return Rna(id=name, sequence="".join(random.Random(seed).choices("ACGU", k=bases)))


def write_bert(folder, tokens, *, head=True, seed=1, **sizes):
    from transformers import BertConfig, BertForMaskedLM, BertModel

    config = BertConfig(vocab_size=5 + len(tokens), **{"max_position_embeddings": 66, **SIZES, **sizes})
    torch.manual_seed(seed)
    (BertForMaskedLM if head else BertModel)(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(SPECIAL["bert"] + tokens))
    return folder


def write_esm(folder, tokens, *, seed=1, positions="rotary", **sizes):
    from transformers import EsmConfig, EsmForMaskedLM

    settings = {"max_position_embeddings": 68, "token_dropout": True, **SIZES, **sizes}
    config = EsmConfig(
        vocab_size=5 + len(tokens),
        position_embedding_type=positions,
        pad_token_id=1,
        mask_token_id=4,
        **settings,
    )
    torch.manual_seed(seed)
    EsmForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(SPECIAL["esm"] + tokens))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "EsmTokenizer"}')
    return folder


@pytest.fixture(scope="package")
def bert_folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert"), list("NACGU"))


@pytest.fixture(scope="package")
def dna_folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("dna"), list("NACGT"))


@pytest.fixture(scope="package")
def headless_folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("headless"), list("ACGU"), head=False)


@pytest.fixture(scope="package")
def esm_folder(tmp_path_factory):
    return write_esm(tmp_path_factory.mktemp("esm"), list("ACGUN"))


@pytest.fixture(scope="package")
def kmer_folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("kmer"), ["".join(k) for k in product("ACGT", repeat=3)])


BPE = ["A", "C", "G", "T", "AC", "GG", "GGG"]


def write_bpe(folder):
    """A tokenizer of A, C, G, T, AC, GG and GGG, joined greedily; returns the number of its tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: at for at, token in enumerate(SPECIAL["bert"] + BPE)}
    merges = [("A", "C"), ("G", "G"), ("GG", "G")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]", "cls_token": "[CLS]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, sep_token="[SEP]", **names).save_pretrained(folder)
    return len(vocabulary)


@pytest.fixture(scope="package")
def bpe_folder(tmp_path_factory):
    """A BERT on BPE tokens."""
    folder = write_bert(tmp_path_factory.mktemp("bpe"), BPE)
    write_bpe(folder)
    return folder


@pytest.fixture
def read_all():
    """All maps of an RNA as one array [l h n n], copied out of the stream."""

    def read(encoder, *rnas):
        layers = [[] for _ in rnas]
        encoder.read_attention(rnas, lambda rna, _, maps: layers[rna].append(maps.clone()))
        return [torch.stack(maps) for maps in layers]

    return read


@pytest.fixture
def make_rna():
    return random_rna
