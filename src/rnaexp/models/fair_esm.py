"""Models written on Facebook's ESM code, in transformers' ESM: RNA-FM, ESM-2, RESM, UTR-LM, CaLM.

All of them name their parameters alike, but for what they put before each name; they differ in letters, positions and
in what else their files hold. Sources: Chen et al. 2022, doi:10.1101/2022.08.06.503062 (RNA-FM); Lin et al. 2023,
doi:10.1126/science.ade2574 (ESM-2); Zhang et al. 2025, doi:10.1101/2025.08.09.669469 (RESM); Chu et al. 2024,
doi:10.1038/s42256-024-00823-9 (UTR-LM); Outeiral and Deane 2024, doi:10.1038/s42256-024-00791-0 (CaLM).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from torch import Tensor
from transformers import EsmForMaskedLM

from rnaexp.errors import InputError
from rnaexp.models.adapter import OURS, Adapter, Settings, load_adapted
from rnaexp.models.tokens import Vocabulary, Words
from rnaexp.rna import Protein

_NAMES = (
    (r"^esm\.embeddings\.word_embeddings\.", "embed_tokens."),
    (r"^esm\.embeddings\.position_embeddings\.", "embed_positions."),
    (r"^esm\.embeddings\.layer_norm\.", "emb_layer_norm_before."),
    (r"^esm\.encoder\.emb_layer_norm_after\.", "emb_layer_norm_after."),
    # One buffer here, one a layer in the file, all computed alike.
    (r"^esm\.rotary_embeddings\.", "layers.0.self_attn.rot_emb."),
    (r"^esm\.encoder\.layer\.", "layers."),
    (r"\.attention\.self\.query\.", ".self_attn.q_proj."),
    (r"\.attention\.self\.key\.", ".self_attn.k_proj."),
    (r"\.attention\.self\.value\.", ".self_attn.v_proj."),
    (r"\.attention\.output\.dense\.", ".self_attn.out_proj."),
    (r"\.attention\.LayerNorm\.", ".self_attn_layer_norm."),
    (r"\.intermediate\.dense\.", ".fc1."),
    (r"\.output\.dense\.", ".fc2."),
    (r"(\d)\.LayerNorm\.", r"\1.final_layer_norm."),
    (r"^lm_head\.decoder\.", "lm_head."),
)
# A regression fitted on contacts, and what is computed.
_LEFTOVERS = ("contact_head.regression.*", "*.rot_emb.inv_freq")
_PREFIXES = re.compile(r"^(module\.|encoder\.sentence_encoder\.|encoder\.encoder\.|encoder\.(?=lm_head\.))")
_PROTEIN = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without what a wrapper or fairseq put before them."""
    return {_PREFIXES.sub("", key): tensor for key, tensor in state.items()}


def _rna_fm_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As the authors' loader leaves it: the table's row of <mask> is zero, and the head reads the same table."""
    bare = _bare(state)
    for name in ("embed_tokens.weight", "lm_head.weight"):
        if name in bare:
            bare[name] = bare[name].clone()
            bare[name][_RNA_FM_TOKENS.mask] = 0
    return bare


def _calm_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """CaLM turns neighbouring coordinates of a head by one angle, ESM the first half by the angles of the second.

    Sorting each head's coordinates, even ones first, makes the one the other: scores are sums over coordinates.
    Source: oxpig/CaLM calm/multihead_attention.py (rotary_embedding_torch, whose angles its file holds).
    """
    bare = _bare(state)
    angles = [bare.pop(key) for key in list(bare) if key.endswith(".rope.freqs")]
    if not angles:
        message = "CaLM's file holds the angles of its positions (layers.*.self_attn.rope.freqs); this one does not"
        raise InputError(message)
    half = len(angles[0])
    bare["layers.0.self_attn.rot_emb.inv_freq"] = angles[0]
    for key in [key for key in bare if ".q_proj." in key or ".k_proj." in key]:
        tensor = bare[key]
        bare[key] = tensor.view(-1, half, 2, *tensor.shape[1:]).transpose(1, 2).reshape(tensor.shape)
    return bare


def _measured(state: Mapping[str, Tensor]) -> Settings:
    """What the shapes tell: letters, inner width, positions."""
    sizes = {
        "vocab_size": ("embed_tokens.weight", 0),
        "intermediate_size": ("layers.0.fc1.weight", 0),
        "max_position_embeddings": ("embed_positions.weight", 0),
    }
    return {ours: state[key].shape[axis] for ours, (key, axis) in sizes.items() if key in state}


def _without_contacts(network: Any) -> None:
    """transformers' contact head is not read here, and most of these files have none."""
    network.esm.contact_head = None


def _adapter(
    tokens: Vocabulary | Words,
    letters: int,
    *,
    checkpoints: tuple[str, ...],
    sizes: tuple[str, str, str],
    positions: str = "rotary",
    token_dropout: bool = True,
    leftovers: tuple[str, ...] = (),
    **others: Any,
) -> Adapter:
    """`sizes`: the authors' words for layers, width and heads. `others`: fields of the adapter."""
    hard_coded = {
        "vocab_size": letters,
        "token_dropout": token_dropout,
        "position_embedding_type": positions,
        "emb_layer_norm_before": positions == "absolute",
        "pad_token_id": tokens.pad,
        "mask_token_id": tokens.mask,
        "layer_norm_eps": 1e-5,
    }
    return Adapter(
        network=EsmForMaskedLM,
        tokens=tokens,
        checkpoints=(*checkpoints, OURS),
        sizes=dict(zip(("num_hidden_layers", "hidden_size", "num_attention_heads"), sizes, strict=True)),
        settings={
            "intermediate_size": "encoder_ffn_embed_dim",
            "token_dropout": "token_dropout",
            "max_position_embeddings": "max_position_embeddings",
        },
        completed=lambda values: {**hard_coded, "intermediate_size": 4 * values["hidden_size"], **values},
        limited=positions == "absolute",
        names=_NAMES,
        measured=_measured,
        changed=_without_contacts,
        leftovers=(*_LEFTOVERS, *leftovers),
        **{"prepared": _bare, **others},
    )


_RNA_FM_TOKENS = Vocabulary(
    model="rna-fm",
    ids={"A": 4, "C": 5, "G": 6, "U": 7, "N": 18},
    before=(0,),
    after=(2,),
    pad=1,
    mask=24,
)
RNA_FM = _adapter(
    _RNA_FM_TOKENS,
    25,
    checkpoints=("RNA-FM_pretrained.pth",),
    sizes=("encoder_layers", "encoder_embed_dim", "encoder_attention_heads"),
    positions="absolute",
    inside="model",
    prepared=_rna_fm_state,
    held=lambda file: vars(file["args"]) if "args" in file else {},
)

# Their letters of proteins: read as such in a protein; in an RNA, A C G U N stand for amino acids and mean nothing.
_ESM2_TOKENS = Vocabulary(
    model="esm2",
    ids={letter: _PROTEIN.index(letter) for letter in "ACGUN"},
    before=(0,),
    after=(2,),
    pad=1,
    mask=_PROTEIN.index("<mask>"),
    amino_acids={letter: _PROTEIN.index(letter) for letter in Protein.letters},
)
ESM2 = _adapter(
    _ESM2_TOKENS,
    len(_PROTEIN),
    checkpoints=("esm2_*_UR50D.pt",),
    sizes=("encoder_layers", "encoder_embed_dim", "encoder_attention_heads"),
    inside="model",
    held=lambda file: vars(file["cfg"]["model"]) if "cfg" in file else {},
)

# Bases become amino acids: A K, U D, C N, G Y; an unknown base is X.
RESM = _adapter(
    replace(
        _ESM2_TOKENS,
        model="resm",
        ids={base: _PROTEIN.index(acid) for base, acid in zip("AUCGN", "KDNYX", strict=True)},
        amino_acids={},
    ),
    len(_PROTEIN),
    checkpoints=("RESM-*.ckpt",),
    sizes=("num_layers", "embed_dim", "num_attention_heads"),
    token_dropout=False,
    inside="state_dict",
)

UTR_LM = _adapter(
    Vocabulary(model="utr-lm", ids={"A": 3, "G": 4, "C": 5, "T": 6}, before=(7,), after=(1,), pad=0, mask=8),
    10,
    checkpoints=("ESM2*.pkl",),
    sizes=("num_layers", "embed_dim", "attention_heads"),
    leftovers=("supervised_linear.*", "structure_linear.*"),  # fitted on energies and predicted structures
)

_CODONS = ["".join(codon) for codon in product("AUCG", repeat=3)]
CALM = _adapter(
    Words(
        model="calm",
        ids={codon: 4 + at for at, codon in enumerate(_CODONS)},
        k=3,
        before=(0,),
        after=(2,),
        pad=1,
        mask=4 + len(_CODONS),
    ),
    5 + len(_CODONS),
    checkpoints=("calm_weights*.safetensors", "calm_weights*.pt"),
    sizes=("num_layers", "embed_dim", "attention_heads"),
    token_dropout=False,  # calm/pretrained.py does not set it
    prepared=_calm_state,
)


load_rna_fm = partial(load_adapted, RNA_FM)  # sizes stand in its file
load_esm2 = partial(load_adapted, ESM2)  # sizes stand in its file
load_resm = partial(load_adapted, RESM)  # `config`: num_layers, embed_dim, num_attention_heads
load_utr_lm = partial(load_adapted, UTR_LM)  # `config`: num_layers, embed_dim, attention_heads
# Its tensors as a plain state, in any file that torch.load(weights_only=True) or safetensors opens.
load_calm = partial(load_adapted, CALM)
