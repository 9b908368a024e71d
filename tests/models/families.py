"""Every family that loads, as a tiny instance with random weights through the public loader."""

import json
from itertools import product

import torch
from safetensors.torch import save_file
from tests.models.conftest import write_bpe, write_esm

from rnaexp.models import load
from rnaexp.models.mosaic_bert import ADAPTER as MOSAIC
from rnaexp.models.ribospan import ADAPTER as RIBOSPAN

# With sizes under its authors' names that a test can afford: two layers of three heads, 24 wide.
SIZED = {
    "rna-fm": {"encoder_layers": 2, "encoder_embed_dim": 24, "encoder_attention_heads": 3},
    "esm2-650m": {"encoder_layers": 2, "encoder_embed_dim": 24, "encoder_attention_heads": 3},
    "resm-150m": {"num_layers": 2, "embed_dim": 24, "num_attention_heads": 3},
    "utr-lm-mrl": {"num_layers": 2, "embed_dim": 24, "attention_heads": 3},
    "calm": {"num_layers": 2, "embed_dim": 24, "attention_heads": 3},
    "rinalmo-micro": {"num_blocks": 2, "embed_dim": 24, "num_heads": 3},
    "aido-rna-1.6b": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 32},
    "ernie-rna": {"encoder_layers": 2, "encoder_embed_dim": 24, "encoder_attention_heads": 3},
    "rna-km": {"n_layer": 2, "d_model": 24, "n_head": 3},
    "rnabert": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "mp-rna": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "omnigenome-52m": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 32},
    "lucaone": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "nt-v2-250m": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "rnaernie": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "splicebert": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "dnabert-4mer": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
    "3utrbert-3mer": {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3},
}
# What reads alignments, and what has no attention.
ALIGNED = {"rna-msm": {"embed_dim": 24, "num_attention_heads": 3, "num_layers": 2}}
UNATTENDED = {"hyenadna-tiny": {"d_model": 24, "n_layer": 2, "filter_order": 16}}


def write_mosaic_bert(folder, *, layers, heads, seed=1):
    """As the hub names it, packed projections and all, beside a BPE tokenizer."""
    letters = write_bpe(folder)
    sizes = {"hidden_size": 24, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": 32}
    network = MOSAIC.build({**sizes, "vocab_size": letters, "initializer_range": 0.3}, seed=seed)
    state = {MOSAIC.named(key): tensor for key, tensor in network.state_dict().items()}
    for layer in range(layers):
        for kind in ("weight", "bias"):
            names = [f"bert.encoder.layer.{layer}.attention.self.{part}.{kind}" for part in ("query", "key", "value")]
            state[names[0].replace("query", "Wqkv")] = torch.cat([state.pop(name) for name in names])
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({**sizes, "vocab_size": letters, "model_type": "bert"}))


def write_esm_letters(folder, *, layers, heads):
    """PlantRNA-FM: opened by transformers as ESM, on letters."""
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": 24}
    write_esm(folder, list("ACGUN"), max_position_embeddings=600, **sizes)


def write_esm_words(folder, *, layers, heads):
    """The Nucleotide Transformer of version 1: ESM with positions that are learnt, on neighbouring 6-mers."""
    words = [*map("".join, product("ATCG", repeat=6)), *"ATCGN"]
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": 24}
    write_esm(folder, words, positions="absolute", max_position_embeddings=600, **sizes)


def write_ribospan(folder, *, layers, heads, seed=4):
    """AIDO.RNA's network under its own names, the letters' ids in the file beside it."""
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": 24, "intermediate_size": 32}
    network = RIBOSPAN.build(RIBOSPAN.completed({**sizes, "initializer_range": 0.3}), seed=seed)
    torch.nn.init.normal_(network.head.bias)
    state = {RIBOSPAN.named(key): tensor for key, tensor in network.state_dict().items()}
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"]
    torch.save({key.replace("bert.", "ribospan.", 1): t for key, t in state.items()}, folder / "pytorch_model.bin")
    told = {**sizes, "model_type": "ribospan", "hidden_act": "swiglu", "normalization_type": "LayerNorm"}
    (folder / "config.json").write_text(json.dumps(told))
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[BOS]", "[EOS]", *"GCTAN"]
    (folder / "vocab.txt").write_text("\n".join([*tokens, *(f"[UNUSED{at}]" for at in range(4))]))
    return network


def write_uni_rna(folder, *, layers, heads, seed=2):
    """transformers' ESM as its package sets it up, saved by its upload script."""
    from transformers import EsmConfig, EsmForMaskedLM

    config = EsmConfig(
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_size=24,
        intermediate_size=72,
        vocab_size=10,
        pad_token_id=0,
        mask_token_id=4,
        position_embedding_type="rotary",
        emb_layer_norm_before=True,
        token_dropout=True,
        layer_norm_eps=1e-5,
        initializer_range=0.3,
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    network = EsmForMaskedLM(config).eval()
    save_file({key: tensor.contiguous() for key, tensor in network.state_dict().items()}, folder / "model.safetensors")
    told = {**config.to_dict(), "model_type": "unirna", "architectures": ["UniRNAForMaskedLM"]}
    (folder / "config.json").write_text(json.dumps(told))
    tokens = ["<pad>", "<eos>", "N", "<cls>", "<mask>", "A", "U", "C", "G", "<null>"]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    return network


# What only opens as a folder: how to write one.
FOLDERS = {
    "dnabert-2": write_mosaic_bert,
    "birna-bert": write_mosaic_bert,
    "birna-bert-nuc": write_mosaic_bert,
    "plantrna-fm": write_esm_letters,
    "nt-500m-human-ref": write_esm_words,
    "ribospan-1k-15": write_ribospan,
    "uni-rna": write_uni_rna,
}
EVERY = (*SIZED, *FOLDERS)


def opened(name, folder, **how):
    """A tiny instance; `folder` is an empty one."""
    if name in SIZED:
        return load(f"untrained:{name}", config=SIZED[name], device="cpu", seed=3, **how)
    FOLDERS[name](folder, layers=2, heads=3)
    return load(name, weights=folder, device="cpu", **how)
