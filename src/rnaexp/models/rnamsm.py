"""RNA-MSM: the authors' checkpoint in our MSA transformer, or one of ours of the same kind.

Source: Zhang et al. 2024, doi:10.1093/nar/gkad1031; code yikunpku/RNA-MSM (model.py's class, not msm/model.py's).
Proven on deterministic weights; that the published file holds the keys of that class is taken from its loader, the
file itself was not seen.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnaexp.errors import InputError
from rnaexp.models import weights as files
from rnaexp.models.fetch import weights_or_published
from rnaexp.models.msa_encoder import AlignmentLetters, MsaEncoder
from rnaexp.models.msa_transformer import MsaTransformer, MsaTransformerConfig
from rnaexp.models.spec import Encoder, ModelSpec

CHECKPOINT = "RNA_MSM_pretrained.ckpt"
OURS = "model.safetensors"  # as save_pretrained names it

# <cls> <pad> <eos> <unk> A G C U X N - <mask>; no <eos> is appended to a row.
LETTERS = AlignmentLetters(letters=(4, 6, 5, 7, 9, 10), first=0, pad=1, mask=11)

MAX_ROWS = 512  # rows the authors read at inference (their max_seqs_per_msa)

LEFTOVERS = ("contact_head.regression.*",)  # a regression fitted on contacts, not pre-training

_SIZES = {
    "embed_dim": "hidden_size",
    "num_attention_heads": "num_attention_heads",
    "num_layers": "num_hidden_layers",
    "max_seqlen": "max_position_embeddings",
    "max_tokens_per_msa": "tokens_per_chunk",
}
# Settings of the authors' code that change nothing at inference, or that their code fixes.
_WITHOUT_EFFECT = ("dropout", "attention_dropout", "activation_dropout", "ffn_embed_dim", "official")


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """The authors' checkpoint, a folder that `save_pretrained` wrote, or (with a seed) random weights.

    `config`: sizes under the authors' names (`embed_dim`, `num_attention_heads`, `num_layers`, `max_seqlen`), and
    `max_rows`, how many rows of an alignment are read (512). Without sizes the published ones hold.

    Raises: InputError (keys that do not fit, unknown settings), UnavailableError (no weights).
    """
    settings = dict(config or {})
    max_rows = settings.pop("max_rows", MAX_ROWS)
    if seed is not None:
        network = random_network(_sizes(settings), seed)
    else:
        network = trained(weights_or_published(spec, weights), settings)
    return MsaEncoder(
        network.to(device),
        spec=spec,
        letters=LETTERS,
        max_rows=min(max_rows, network.config.max_rows),
        fingerprint=files.fingerprint_of_network(network),
    )


def trained(weights: Path, settings: Mapping[str, Any]) -> MsaTransformer:
    """The network of the authors' checkpoint or of a folder that `save_pretrained` wrote."""
    path = files.only_file(weights, [CHECKPOINT, OURS])
    ours = path.suffix == ".safetensors"
    sizes = saved_sizes(path) if ours else _sizes({**_config_of(path), **settings})
    state = files.read_state(path, inside=None if ours else "state_dict")
    network = random_network(sizes, 0)
    files.load_strictly(network, _tied(state, path, ours=ours), allowed_leftovers=LEFTOVERS, path=path)
    return network


def _config_of(path: Path) -> dict[str, Any]:
    """What a config.json next to the authors' checkpoint says, under the authors' names."""
    file = path.with_name("config.json")
    held = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: value for name, value in held.items() if name not in ("model_type", "architectures")}


def _sizes(settings: Mapping[str, Any]) -> MsaTransformerConfig:
    """The authors' settings as ours."""
    known = [*_SIZES, "embed_positions_msa", *_WITHOUT_EFFECT]
    if unknown := sorted(set(settings) - set(known)):
        message = f"rna-msm: unknown setting {unknown[0]!r}; it has max_rows, {', '.join(known)}"
        raise InputError(message)
    named = {ours: int(settings[theirs]) for theirs, ours in _SIZES.items() if theirs in settings}
    width = named.get("hidden_size", 768)
    rows = "scalar" if settings.get("embed_positions_msa", True) else "none"
    return MsaTransformerConfig(**named, intermediate_size=4 * width, row_positions=rows)


def saved_sizes(path: Path) -> MsaTransformerConfig:
    """The configuration next to our own weights; raises InputError where there is none."""
    file = path.with_name("config.json")
    if not file.is_file():
        message = "no config.json next to it"
        raise InputError(message, path=path)
    held = json.loads(file.read_text())
    if held.get("model_type") != MsaTransformerConfig.model_type:
        message = f"model_type {held.get('model_type')!r}, expected {MsaTransformerConfig.model_type!r}"
        raise InputError(message, path=file)
    sizes: MsaTransformerConfig = MsaTransformerConfig.from_dict(held)
    return sizes


def _tied(state: Mapping[str, Tensor], path: Path, *, ours: bool) -> Mapping[str, Tensor]:
    """The letter table serves twice: safetensors hold it once, and two that differ would silently become one."""
    table, head = state.get("embed_tokens.weight"), state.get("lm_head.weight")
    if table is not None and head is not None and not torch.equal(table, head):
        message = "embed_tokens.weight and lm_head.weight differ, but are one table in this model"
        raise InputError(message, path=path)
    return {**state, "lm_head.weight": table} if ours and table is not None else state


def random_network(sizes: MsaTransformerConfig, seed: int) -> MsaTransformer:
    """Random weights by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MsaTransformer(sizes)
