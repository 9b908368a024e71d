"""From a published checkpoint to a network: what the file calls its parameters and sizes, and nothing left over."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import weights as files
from rnaexp.models.encoder import TransformerEncoder, position_limit
from rnaexp.models.fetch import weights_or_published
from rnaexp.models.layouts import folder_of
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.streaming import IMPLEMENTATION, register
from rnaexp.models.tokens import Tokens, Vocabulary, Words

# As save_pretrained names them, with config.json next to them; a large model is cut into several files.
OURS = "model*.safetensors"
FOLDER = (OURS, "pytorch_model*.bin")

Settings = dict[str, Any]


def _unchanged(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return dict(state)


def _nothing(_: Mapping[str, Tensor]) -> Settings:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """All that is particular to one published model's files.

    `network`: a transformers class. `checkpoints`: file names, as shell patterns. `sizes` and `settings`: our name of
    each setting and the authors'; a size must be given, a setting may. `tokens_from`: the tokenizer that lies in the
    weights' folder, where the file decides the ids. `expected`: settings of the file's config.json that the network
    cannot have otherwise. `names`: (pattern, replacement), applied one
    after another, from the network's parameter names to the file's. `inside`: under which entry the file holds its
    tensors. `prepared`: the file's tensors as `names` expects them. `measured`: settings that the tensors' own shapes
    tell. `held`: settings that the file holds besides its tensors. `completed`: these settings with what the authors'
    code hard-codes. `limited`: whether the network's positions end. `changed`: what the network has not, or has, that
    transformers' class has. `copies`: pairs of the file's keys that are one tensor where the configuration ties them;
    the second is checked and let go. `leftovers`: keys of the file (shell patterns) that serve other tasks or are
    computed. `computed`: keys (shell patterns) that a file may lack because the network computes them. `optional`:
    those of the letter head, where a file may lack all of it. `encoder`: what the network is wrapped in.
    """

    network: Any
    tokens: Vocabulary | Words | None
    checkpoints: tuple[str, ...]
    sizes: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    tokens_from: Callable[[Path, str], Tokens] | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    completed: Callable[[Settings], Settings] = field(default=dict)
    limited: bool = True
    names: tuple[tuple[str, str], ...] = ()
    inside: str | None = None
    prepared: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = _unchanged
    measured: Callable[[Mapping[str, Tensor]], Settings] = _nothing
    held: Callable[[Any], Mapping[str, Any]] = field(default=lambda _: {})
    changed: Callable[[nn.Module], None] = field(default=lambda _: None)
    copies: tuple[tuple[str, str], ...] = ()
    leftovers: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    optional: str = ""
    can_predict: bool = True
    encoder: Callable[..., Encoder] = TransformerEncoder

    def named(self, key: str) -> str:
        """What the published file calls a parameter of the network."""
        for pattern, replacement in self.names:
            key = re.sub(pattern, replacement, key)
        return key

    def build(self, settings: Mapping[str, Any], seed: int = 0) -> nn.Module:
        """The network with random weights."""
        register()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            config = self.network.config_class(**settings)
            network: nn.Module = self.network._from_config(config, attn_implementation=IMPLEMENTATION)
        self.changed(network)
        return network


def load_adapted(
    adapter: Adapter,
    spec: ModelSpec,
    *,
    weights: Path | None,
    config: Mapping[str, Any] | None,
    device: str,
    seed: int | None,
) -> Encoder:
    """The published file, a user's own, a folder that `rnaexp models convert` wrote, or (with a seed) random weights.

    Sizes come from the caller's `config` (the authors' names or ours), else from the file, else from the catalogue.

    Raises: InputError (keys or sizes that do not fit), UnavailableError (no weights).
    """
    if seed is None:
        paths = _files(adapter, weights_or_published(spec, weights), spec)
        network, settings, has_head = _trained(adapter, spec, paths, config)
        weights_print = files.fingerprint(*map(file_sha256, paths))
        tokens = _tokens(adapter, spec, paths[0].parent)
    else:
        settings, has_head = adapter.completed(_settings(adapter, spec, config or {})), True
        network = adapter.build(settings, seed)
        weights_print = files.fingerprint_of_state(network.state_dict())
        tokens = _tokens(adapter, spec, weights)
    held: Any = network.config
    heads = held.num_attention_heads if spec.has_attention else None
    return adapter.encoder(
        network.to(device),
        spec=replace(spec, layers=held.num_hidden_layers, heads=heads, width=held.hidden_size),
        tokens=tokens,
        fingerprint=files.fingerprint(weights_print, json.dumps(settings, sort_keys=True), tokens.fingerprint()),
        max_tokens=position_limit(held) if adapter.limited else None,
        can_predict=adapter.can_predict and has_head,
    )


def _tokens(adapter: Adapter, spec: ModelSpec, folder: Path | None) -> Tokens:
    """The adapter's, or those next to the weights; random weights of a model without any take the published ones."""
    if adapter.tokens_from is not None and (folder is not None or adapter.tokens is None):
        return adapter.tokens_from(folder_of(weights_or_published(spec, folder)), spec.name)
    assert adapter.tokens is not None
    return replace(adapter.tokens, model=spec.name)


def _files(adapter: Adapter, weights: Path, spec: ModelSpec) -> list[Path]:
    """The file, or a folder's: one, or all parts of one checkpoint."""
    if weights.is_file():
        return [weights]
    patterns = tuple(dict.fromkeys((*adapter.checkpoints, OURS)))
    for pattern in patterns:
        found = sorted(path for path in weights.rglob(pattern) if path.is_file())
        if len(found) > 1 and pattern not in FOLDER:
            message = f"{len(found)} files {pattern} here; give the one to load"
            raise InputError(message, path=weights)
        if found:
            return found
    message = f"no weights of {spec.name} here; expected {' or '.join(patterns)}"
    raise InputError(message, path=weights)


def _trained(
    adapter: Adapter, spec: ModelSpec, paths: list[Path], config: Mapping[str, Any] | None
) -> tuple[nn.Module, Settings, bool]:
    """The network, its settings, and whether its letter head is in the file."""
    path = paths[0]
    config_file = path.with_name("config.json")
    values = json.loads(config_file.read_text(encoding="utf-8")) if config_file.is_file() else {}
    if values.get("model_type") == adapter.network.config_class.model_type and fnmatchcase(path.name, OURS):
        return _converted(adapter, paths, values)
    held = files.read_checkpoint(path) if len(paths) == 1 else files.read_parts(paths)
    state = adapter.prepared(files.named_tensors(held, path, inside=adapter.inside))
    row = spec.settings or {}
    overrides = {key: value for key, value in (config or {}).items() if key not in row}
    values = {**row, **values, **adapter.held(held), **overrides}
    for name, expected in adapter.expected.items():
        if values.get(name, expected) != expected:
            message = f"{name} = {values[name]!r}; only {expected!r} is read"
            raise InputError(message, path=path)
    settings = adapter.completed({**_settings(adapter, spec, values), **adapter.measured(state)})
    network = adapter.build(settings)
    held_config: Any = network.config
    if held_config.tie_word_embeddings:
        for kept, copy in adapter.copies:
            files.drop_copy(state, kept, copy, path=path)
    # Looked up before tied tensors get all their names, one of which is the head's.
    has_head = not adapter.optional or any(fnmatchcase(name, adapter.optional) for name in state)
    files.share(network, state, adapter.named, path=path)
    _fill(network, state, adapter.named, (*adapter.computed, *(() if has_head else (adapter.optional,))))
    files.load_strictly(network, state, named=adapter.named, allowed_leftovers=adapter.leftovers, path=path)
    return network, settings, has_head


def _fill(network: nn.Module, state: dict[str, Tensor], named: Callable[[str], str], patterns: tuple[str, ...]) -> None:
    """Give the file the network's own tensors of these names, where it has none."""
    for key, tensor in network.state_dict().items():
        name = named(key)
        if name not in state and any(fnmatchcase(name, pattern) for pattern in patterns):
            state[name] = tensor


def _converted(adapter: Adapter, paths: list[Path], values: Settings) -> tuple[nn.Module, Settings, bool]:
    """Our own layout: the network's names, every setting in config.json."""
    network = adapter.build(values)
    state = files.read_parts(paths)
    files.share(network, state, str, path=paths[0])
    files.load_strictly(network, state, path=paths[0])
    return network, values, True


def _settings(adapter: Adapter, spec: ModelSpec, values: Mapping[str, Any]) -> Settings:
    """Our settings from those under the authors' names or ours; all sizes must be known.

    Raises: UnavailableError naming the size that nobody states.
    """
    published = {
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "hidden_size": spec.width,
    }
    settings: Settings = {}
    for ours, theirs in {**adapter.sizes, **adapter.settings}.items():
        value = values.get(theirs, values.get(ours))
        # A size given in part would mix two models: heads of one, layers of another.
        if value is None and not any(name in values for pair in adapter.sizes.items() for name in pair):
            value = published.get(ours)
        if value is None and ours in adapter.sizes:
            message = f"{spec.name}: {theirs} is not known; give all of {', '.join(adapter.sizes.values())} in --config"
            raise UnavailableError(message)
        if value is not None:
            settings[ours] = value
    return settings
