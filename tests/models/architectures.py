"""Tiny checkpoints of every architecture that people train on sequences, with random weights, as a folder each."""

import json
from pathlib import Path

import torch

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TOKENS = (*SPECIAL, *"ACGUN")
LAYERS, HEADS, WIDTH = 3, 4, 32
_SIZES = {
    "vocab_size": len(TOKENS),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}
_ENDS = {"bos_token_id": 2, "eos_token_id": 3}

# Name: configuration class, model class, sizes under the names that this configuration gives them.
ARCHITECTURES = {
    "bert": ("BertConfig", "BertForMaskedLM", _SIZES),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", _SIZES | _ENDS),
    "distilbert": (
        "DistilBertConfig",
        "DistilBertForMaskedLM",
        {
            "vocab_size": len(TOKENS),
            "n_layers": LAYERS,
            "n_heads": HEADS,
            "dim": WIDTH,
            "hidden_dim": 48,
            "max_position_embeddings": 128,
            "initializer_range": 0.3,
        },
    ),
    "electra": ("ElectraConfig", "ElectraForMaskedLM", _SIZES | {"embedding_size": 16}),
    "albert": ("AlbertConfig", "AlbertForMaskedLM", _SIZES | _ENDS | {"embedding_size": 16}),
    "roformer": ("RoFormerConfig", "RoFormerForMaskedLM", _SIZES),
    "esm": ("EsmConfig", "EsmForMaskedLM", _SIZES | {"mask_token_id": 4, "position_embedding_type": "rotary"}),
    "deberta-v2": (
        "DebertaV2Config",
        "DebertaV2ForMaskedLM",
        _SIZES | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    ),
    "modernbert": (
        "ModernBertConfig",
        "ModernBertForMaskedLM",
        _SIZES | {"cls_token_id": 2, "sep_token_id": 3} | _ENDS,
    ),
    "big_bird": ("BigBirdConfig", "BigBirdForMaskedLM", _SIZES | _ENDS),
    "longformer": ("LongformerConfig", "LongformerForMaskedLM", _SIZES | _ENDS | {"attention_window": [8] * LAYERS}),
    "funnel": (
        "FunnelConfig",
        "FunnelForMaskedLM",
        {
            "vocab_size": len(TOKENS),
            "block_sizes": [1, 1, 1],
            "num_decoder_layers": 1,
            "d_model": WIDTH,
            "n_head": HEADS,
            "d_head": 8,
            "d_inner": 48,
            "initializer_std": 0.3,
        },
    ),
    "gpt2": (
        "GPT2Config",
        "GPT2LMHeadModel",
        {
            "vocab_size": len(TOKENS),
            "n_embd": WIDTH,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "n_positions": 128,
            "initializer_range": 0.3,
        }
        | _ENDS,
    ),
    "gpt_neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM", _SIZES | _ENDS),
    "llama": ("LlamaConfig", "LlamaForCausalLM", _SIZES | _ENDS | {"num_key_value_heads": 2}),
    "mistral": ("MistralConfig", "MistralForCausalLM", _SIZES | _ENDS | {"num_key_value_heads": 2}),
    "t5-encoder": (
        "T5Config",
        "T5EncoderModel",
        {"vocab_size": len(TOKENS), "d_model": WIDTH, "d_kv": 8, "d_ff": 48, "num_layers": LAYERS, "num_heads": HEADS},
    ),
    "mamba": (
        "MambaConfig",
        "MambaForCausalLM",
        {"vocab_size": len(TOKENS), "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 4} | _ENDS,
    ),
}
DECODERS = ("gpt2", "gpt_neox", "llama", "mistral", "mamba")


def write_network(folder: Path, name: str):
    """The weights and config.json; the network as transformers has it."""
    import transformers

    config, model, sizes = ARCHITECTURES[name]
    torch.manual_seed(len(name))
    network = getattr(transformers, model)(getattr(transformers, config)(**sizes)).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # weights of norms and biases too, that no two places are alike
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.save_pretrained(folder)
    return network


def write_vocabulary(folder: Path) -> None:
    """One token a line, and nothing else."""
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")


def write_tokenizer(folder: Path, name: str) -> None:
    """A tokenizer.json of single letters that puts [CLS] and [SEP] round a sequence, a decoder's [CLS] alone."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({token: at for at, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A" if name in DECODERS else "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    told = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
