"""Any BERT- or ESM-type checkpoint that transformers opens: a local folder, or a hub id at a pinned revision.

Code from the hub is never run. A checkpoint must fill the model key by key, and the model must prove that its
attention can be streamed; a class that cannot is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import weights as files
from rnaexp.models.encoder import position_limit
from rnaexp.models.fetch import weights_or_published
from rnaexp.models.layouts import folder_of
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.streaming import IMPLEMENTATION, register
from rnaexp.models.tokenizer import resolution_of, tokens_in
from rnaexp.models.tokens import Tokens, Vocabulary, Words
from rnaexp.models.whole_maps import encoder_of

# The masked-LM head: a checkpoint without one still gives attention and embeddings.
PREDICTION_HEADS = ("cls.predictions.*", "lm_head.*", "embed_out.*")
# Absent or unused without any effect on attention, embeddings or masked-LM logits; the last is lm_head.bias once more.
OTHER_HEADS = ("*pooler.dense.*", "cls.seq_relationship.*", "*contact_head.regression.*", "lm_head.decoder.bias")
# Computed from the configuration; old checkpoints carry them.
BUFFERS = ("*position_ids", "*rotary_embeddings.inv_freq", "*token_type_ids")


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """A checkpoint, of a file with what lies next to it; `config` overrides single settings of its config.json."""
    path = weights_or_published(spec, weights)
    folder = folder_of(path)
    if not (folder / "config.json").is_file():
        message = "no config.json here, so this is not a transformers checkpoint"
        raise InputError(message, path=folder)
    register()
    given = dict(config or {})
    around = {side: given.pop(side) for side in ("before", "after") if side in given}
    settings = _settings(folder, given)
    held = [path] if path.is_file() else _weight_files(folder)
    for file in held if seed is None else ():
        _verify_cached(file)
    network, can_predict = _open(path, settings) if seed is None else _random(settings, seed)
    causal, rows = is_decoder(settings), getattr(settings, "vocab_size", None)
    tokens = tokens_in(folder, model=spec.name, causal=causal, rows=rows, around=around)
    limit = position_limit(settings)
    return encoder_of(
        network.to(device),
        causal=causal,
        spec=described(spec, folder, settings, tokens, limit),
        tokens=tokens,
        fingerprint=files.fingerprint(
            files.fingerprint(*map(file_sha256, held))
            if seed is None
            else files.fingerprint_of_state(network.state_dict()),
            file_sha256(folder / "config.json"),
            json.dumps(dict(config or {}), sort_keys=True),
            tokens.fingerprint(),
        ),
        max_tokens=limit,
        can_predict=can_predict,
    )


def _settings(folder: Path, overrides: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    try:
        held = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        changes = {name: value for name, value in overrides.items() if held.get(name) != value}
        settings = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **changes)
    except (ValueError, OSError, KeyError) as error:
        message = f"{folder}: transformers cannot open it without running its code: {str(error).splitlines()[0]}"
        raise UnavailableError(message) from error
    if getattr(settings, "is_encoder_decoder", False) and not _is_encoder_alone(settings):
        message = f"{folder}: {settings.model_type} is an encoder with a decoder; give its encoder alone"
        raise UnavailableError(message)
    settings.use_cache = False  # nothing is generated here
    return settings


def _is_encoder_alone(settings: Any) -> bool:
    """Whether the checkpoint is the encoder of a model that has a decoder too, as T5's can be saved."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING

    if type(settings) not in MODEL_FOR_TEXT_ENCODING_MAPPING:
        return False
    return MODEL_FOR_TEXT_ENCODING_MAPPING[type(settings)].__name__ in (settings.architectures or ())


def is_decoder(settings: Any) -> bool:
    """Whether its attention looks only backwards: by its class, or because its configuration says so."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    causal_only = type(settings) in MODEL_FOR_CAUSAL_LM_MAPPING and type(settings) not in MODEL_FOR_MASKED_LM_MAPPING
    return causal_only or bool(getattr(settings, "is_decoder", False))


def _class_for(settings: Any) -> Any:
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForTextEncoding
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

    if _is_encoder_alone(settings):
        return AutoModelForTextEncoding
    if is_decoder(settings):
        return AutoModelForCausalLM
    return AutoModelForMaskedLM if type(settings) in MODEL_FOR_MASKED_LM_MAPPING else AutoModel


def _open(path: Path, settings: Any) -> tuple[nn.Module, bool]:
    """The model with each of its weights from the file or folder, and whether its masked-LM head is among them."""
    opener, state = _class_for(settings), files.read_state(path) if path.is_file() else None
    try:
        if state is not None:  # the class that chooses by a folder's config.json wants the folder
            opener = opener._model_mapping[type(settings)]
        with _no_progress_bar():
            network, report = opener.from_pretrained(
                path if state is None else None,
                config=settings,
                state_dict=state,
                attn_implementation=IMPLEMENTATION,
                dtype=torch.float32,
                output_loading_info=True,
                local_files_only=True,
                trust_remote_code=False,
            )
    except (ValueError, OSError, KeyError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        message = f"its weights cannot be loaded: {' '.join(str(error).split())[:300]}"
        raise InputError(message, path=path) from error
    # A decoder may have no head but the table of its letters.
    tied = is_decoder(settings) and not own_head(network)
    return network, _check_keys(report, own_head(network), path) or tied


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """transformers draws one for each file it opens, on standard error, terminal or not."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def own_head(network: nn.Module) -> set[str]:
    """Parameters of the language-model head that are not tied to the embeddings: what is added to the body."""
    inside = f"{network.base_model_prefix}."
    if network.base_model is network:
        return set()
    return {
        name for name, _ in network.named_parameters() if not (name.startswith(inside) or _named(name, OTHER_HEADS))
    }


def _check_keys(report: Mapping[str, Any], own_head: set[str], path: Path) -> bool:
    """Refuse keys that are missing or left over, other than the named ones; False if the masked-LM head is absent."""
    missing, unexpected = set(report["missing_keys"]), set(report["unexpected_keys"])
    # A head of which a part is there, or stands under another name, is a damaged head, not an absent one.
    absent = own_head <= missing and not any(_named(key, PREDICTION_HEADS) for key in unexpected)
    harmless = OTHER_HEADS + BUFFERS + ((*PREDICTION_HEADS, *own_head) if absent or not own_head else ())
    faults = {
        "missing": sorted(key for key in missing if not _named(key, harmless)),
        "unexpected": sorted(key for key in unexpected if not _named(key, harmless)),
        "wrong shape": sorted(str(entry) for entry in report.get("mismatched_keys", ())),
    }
    if any(faults.values()):
        files.refuse_keys(faults, path=path)
    return bool(own_head) and not absent


def _named(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _random(settings: Any, seed: int) -> tuple[nn.Module, bool]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = _class_for(settings).from_config(settings, attn_implementation=IMPLEMENTATION)
    return network, bool(own_head(network)) or is_decoder(settings)


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def _verify_cached(path: Path) -> None:
    """The hub's cache names a large file after its sha256, so damage to it can be seen."""
    if re.fullmatch("[0-9a-f]{64}", path.resolve().name):
        files.verify(path, path.resolve().name)


def described(spec: ModelSpec, folder: Path, settings: Any, tokens: Tokens, limit: int | None) -> ModelSpec:
    """The entry with what the checkpoint says of itself."""
    special = len(tokens.before) + len(tokens.after) if isinstance(tokens, (Vocabulary, Words)) else 0
    room = None if limit is None else limit - special
    return replace(
        spec,
        layers=settings.num_hidden_layers,
        heads=getattr(settings, "num_attention_heads", None),
        width=settings.hidden_size,
        max_bases=_bases(tokens, room),
        resolution=resolution_of(tokens),
        revision=spec.revision or (folder.name if re.fullmatch("[0-9a-f]{40}", folder.name) else None),
    )


def _bases(tokens: Tokens, room: int | None) -> int | None:
    """How many bases so many tokens can hold at most."""
    if room is None or not isinstance(tokens, (Vocabulary, Words)):
        return None
    return room * tokens.k if isinstance(tokens, Words) else room + tokens.k - 1
