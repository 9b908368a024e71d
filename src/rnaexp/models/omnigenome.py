"""MP-RNA and OmniGenome: ESM with rotary positions under a name of their own, on letters.

Source: config.json of yangheng/OmniGenome-52M at 3162e559 (model_type omnigenome, every other setting ESM's); its
README: "part of the codes are adapted from ESM2". Their class lies on the hub only and was read by nobody here, so what
it calls its body is taken from the file, and the vocabulary from the file next to it.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import EsmForMaskedLM

from rnaexp.errors import InputError
from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.tokens import Vocabulary

_BODY = "embeddings.word_embeddings.weight"
_SPECIAL = ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>")


def _letters(ids: Mapping[str, int], model: str) -> Vocabulary:
    """A sequence stands between <cls> and <eos>, as ESM's tokenizer puts it."""
    return Vocabulary(
        model=model,
        ids={token: at for token, at in ids.items() if token in tuple("ACGTUN")},
        before=(ids["<cls>"],),
        after=(ids["<eos>"],),
        pad=ids["<pad>"],
        mask=ids["<mask>"],
    )


def _vocabulary(folder: Path, model: str) -> Vocabulary:
    """The table that lies next to the weights: its order is the file's, not ours.

    Raises: InputError if it is not there or lacks a letter.
    """
    path = folder / "vocab.txt"
    if not path.is_file():
        message = "no vocab.txt next to the weights: which id a letter has is not known without it"
        raise InputError(message, path=folder)
    ids = {token: at for at, token in enumerate(path.read_text(encoding="utf-8").split()) if token}
    thymine = "U" if "U" in ids else "T"
    if missing := [token for token in (*_SPECIAL[:3], "<mask>", *"ACG", thymine) if token not in ids]:
        message = f"lacks {', '.join(missing)}"
        raise InputError(message, path=path)
    return _letters(ids, model)


def _esm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What stands before the body's tensors becomes ESM's own word for it."""
    bodies = [key.removesuffix(_BODY) for key in state if key.endswith(_BODY)]
    if len(bodies) != 1:
        return dict(state)  # refused by its keys
    return {f"esm.{key.removeprefix(bodies[0])}" if key.startswith(bodies[0]) else key: state[key] for key in state}


def _measured(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the shapes tell: letters and inner width."""
    sizes = {"vocab_size": f"esm.{_BODY}", "intermediate_size": "esm.encoder.layer.0.intermediate.dense.weight"}
    return {ours: state[key].shape[0] for ours, key in sizes.items() if key in state}


def _without_contacts(network: Any) -> None:
    """No contact head is read here; the angles of the positions are computed, whether the file holds them or not."""
    network.esm.contact_head = None
    network.esm.rotary_embeddings._non_persistent_buffers_set.add("inv_freq")


_NATURAL = {token: at for at, token in enumerate((*_SPECIAL, *"ACGUN"))}

ADAPTER = Adapter(
    network=EsmForMaskedLM,
    tokens=_letters(_NATURAL, "omnigenome"),  # of random weights: there, the order of ids means nothing
    tokens_from=_vocabulary,
    checkpoints=FOLDER,
    sizes={name: name for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    settings={
        name: name
        for name in (
            "vocab_size",
            "intermediate_size",
            "layer_norm_eps",
            "token_dropout",
            "pad_token_id",
            "mask_token_id",
            "tie_word_embeddings",
        )
    },
    expected={"position_embedding_type": "rotary", "emb_layer_norm_before": False, "hidden_act": "gelu"},
    completed=lambda values: {
        "vocab_size": len(_NATURAL),
        "intermediate_size": 4 * values["hidden_size"],
        "layer_norm_eps": 1e-5,
        "token_dropout": True,
        "pad_token_id": _NATURAL["<pad>"],
        "mask_token_id": _NATURAL["<mask>"],
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": False,
        **values,
    },
    limited=False,
    prepared=_esm_names,
    measured=_measured,
    changed=_without_contacts,
    copies=(("esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight"),),
    # Positions that rotary attention does not read, heads of other tasks, and what is computed.
    leftovers=(
        "esm.embeddings.position_embeddings.weight",
        "esm.embeddings.position_ids",
        "esm.contact_head.regression.*",
        "*rotary_embeddings.inv_freq",
        "classifier.*",
        "lm_head.decoder.bias",
    ),
)

load = partial(load_adapted, ADAPTER)  # a folder as the hub has it: config.json, vocab.txt, model.safetensors
