"""A model that is in memory already: a transformers network with its tokenizer, or any object that gives maps."""

import copy
import tempfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from torch import nn

from rnaexp.errors import InputError
from rnaexp.models import catalog, huggingface, rnamsm
from rnaexp.models.encoder import position_limit
from rnaexp.models.msa_encoder import AlignmentLetters, MsaEncoder
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.own_object import ObjectEncoder
from rnaexp.models.spec import IN_MEMORY, Encoder, ModelSpec
from rnaexp.models.streaming import IMPLEMENTATION, register
from rnaexp.models.tokenizer import tokens_of
from rnaexp.models.tokens import Vocabulary
from rnaexp.models.weights import fingerprint, fingerprint_of_network, fingerprint_of_state, settings_text
from rnaexp.models.whole_maps import encoder_of

_SPECIAL = ("before", "after", "pad", "mask")


def wrap(model: Any, tokenizer: Any = None, *, name: str = "") -> Encoder:
    """A model in memory as an encoder that `rnaexp.evaluate` and every other function reads.

    `model`: a transformers network (BERT-, ESM- or decoder-type), an MSA transformer of ours, or any object with
    `attention(rna)`, `embed(rnas)` or `predict_letters(rnas, masked)` as `rnaexp.models.spec.Encoder` describes them;
    an encoder is returned as it is.
    `tokenizer`: of a network, its transformers tokenizer, or a table of letters as
    `{"A": 5, "C": 6, "G": 7, "U": 8, "before": [2], "after": [3], "pad": 0, "mask": 4}`; an MSA transformer needs none.
    `name`: what tables and MLflow call it; by default the name of its class.

    The weights are shared, not copied, and the network itself (training mode, attention implementation, hooks of the
    caller) is left as it is. A later training step changes what the encoder reads, so wrap again after training: the
    fingerprint under which results are stored is taken here.

    Raises: InputError (no tokenizer, a name that the catalogue has), UnavailableError (its attention cannot be read).

    >>> import rnaexp
    >>> from transformers import BertConfig, BertForMaskedLM
    >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    >>> letters = {"A": 5, "C": 6, "G": 7, "U": 8, "before": [2], "after": [3], "pad": 0, "mask": 4}
    >>> encoder = rnaexp.wrap(BertForMaskedLM(config), letters, name="mine")
    >>> [maps.shape for maps in encoder.attention(rnaexp.Rna(id="one", sequence="GGGAAACCC"))]
    [torch.Size([2, 9, 9])]
    """
    if hasattr(model, "read_attention") and hasattr(model, "fingerprint") and hasattr(model, "spec"):
        found: Encoder = model
        return found
    chosen = name or type(model).__name__
    if chosen in catalog.names():
        message = f"name {chosen!r}: a model of the catalogue is called so; choose another with name="
        raise InputError(message)
    if isinstance(model, MsaTransformer):
        return _of_alignments(model, tokenizer or rnamsm.LETTERS, chosen)
    if isinstance(model, nn.Module) and hasattr(model, "config") and hasattr(model, "base_model"):
        return _network(model, tokenizer, chosen)
    return ObjectEncoder(model, name=chosen)


def _network(network: nn.Module, tokenizer: Any, name: str) -> Encoder:
    if tokenizer is None:
        message = f"{name}: a network alone does not say how letters become ids; give its tokenizer as well"
        raise InputError(message)
    register()
    shared = _sharing_weights(network)
    settings: Any = shared.config
    limit = position_limit(settings)
    spec = ModelSpec(name=name, title=f"{name}, in memory", group="reference", loader=IN_MEMORY)
    with tempfile.TemporaryDirectory() as folder:
        tokens = (
            _letters(tokenizer, name) if isinstance(tokenizer, Mapping) else _saved(tokenizer, settings, folder, name)
        )
        spec = huggingface.described(spec, Path(folder), settings, tokens, limit)
    is_decoder = huggingface.is_decoder(settings)
    return encoder_of(
        shared,
        causal=is_decoder,
        spec=spec,
        tokens=tokens,
        fingerprint=fingerprint(
            fingerprint_of_state(network.state_dict()), settings_text(settings), tokens.fingerprint()
        ),
        max_tokens=limit,
        can_predict=is_decoder or bool(huggingface.own_head(shared)),
    )


def _of_alignments(network: MsaTransformer, letters: AlignmentLetters, name: str) -> Encoder:
    """It reads one row where its configuration says so, as that of a checkpoint of `rnaexp pretrain` does."""
    reads: Any = getattr(network.config, "rnaexp_reads", "alignment")
    rows = 1 if reads == "sequence" else min(rnamsm.MAX_ROWS, network.config.max_rows)
    spec = ModelSpec(name=name, title=f"{name}, in memory", group="reference", loader=IN_MEMORY, reads=reads)
    known = fingerprint_of_network(network)
    return MsaEncoder(_copied(network), spec=spec, letters=letters, max_rows=rows, fingerprint=known)


def refuse(entry: ModelSpec, **_: object) -> Encoder:
    """Raises: InputError, for what was in memory cannot be loaded again."""
    message = f"{entry.name} was in memory only: save it with save_pretrained() and give the folder"
    raise InputError(message)


def _sharing_weights(network: nn.Module) -> Any:
    """A copy set to our attention."""
    shared = _copied(network)
    shared.config.use_cache = False
    if shared._can_set_attn_implementation():
        shared.set_attn_implementation(IMPLEMENTATION)
    else:
        shared.config._attn_implementation = IMPLEMENTATION
    return shared


def _copied(network: nn.Module) -> Any:
    """Its modules copied round the same tensors, in evaluation."""
    tensors: dict[int, Any] = {id(each): each for each in chain(network.parameters(), network.buffers())}
    shared: Any = copy.deepcopy(network, tensors)
    for module in shared.modules():  # hooks are the caller's: they would see our passes as steps of the training
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return shared.eval()


def _saved(tokenizer: Any, settings: Any, folder: str, name: str) -> Any:
    """Its own files, read as those of a checkpoint folder are: one way from letters to ids."""
    tokenizer.save_pretrained(folder)
    settings.save_pretrained(folder)
    return tokens_of(Path(folder), model=name)


def _letters(table: Mapping[str, Any], name: str) -> Vocabulary:
    ids = {letter: int(at) for letter, at in table.items() if letter not in _SPECIAL}
    try:
        return Vocabulary(
            model=name,
            ids=ids,
            before=tuple(table.get("before", ())),
            after=tuple(table.get("after", ())),
            pad=int(table.get("pad", 0)),
            mask=table.get("mask"),
        )
    except ValueError as error:
        raise InputError(str(error)) from error
