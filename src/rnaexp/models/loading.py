"""From a name to a model that is ready to read."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from rnaexp.choices import refuse_unknown
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.catalog import UNTRAINED, spec
from rnaexp.models.fetch import fetch_weights
from rnaexp.models.layouts import multimolecule_layout
from rnaexp.models.letter_map_rows import letter_map
from rnaexp.models.letter_maps import through_letters
from rnaexp.models.memory import refuse_too_large
from rnaexp.models.options import with_options
from rnaexp.models.spec import Encoder, ModelSpec


def load(
    name: str,
    *,
    weights: Path | None = None,
    config: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
    token_pairs: str = "mean",
) -> Encoder:
    """A model ready to read.

    `weights`: file or folder in the authors' or the transformers layout, instead of the published one. `config`: sizes
    that such a file does not carry. `device`: auto takes a GPU where there is one. `seed`: of `untrained:<model>` and
    of the baselines; trained models have none. `precision`: fp32, bf16 or fp16, of weights and
    activations. `token_pairs`: how a score of two tokens becomes scores of their bases (`spread.Spread`).

    Raises: InputError (unknown name, damaged or unfitting weights), UnavailableError.

    >>> import rnaexp
    >>> encoder = rnaexp.load("stems")
    >>> encoder.layers, encoder.heads, encoder.read_head(rnaexp.Rna(id="one", sequence="GGGAAACCC"), 0, 0).shape
    (1, 1, torch.Size([9, 9]))
    """
    options: dict[str, Any] = {"device": device, "seed": seed, "precision": precision, "token_pairs": token_pairs}
    return ready_to_load(name, weights=weights, config=config, **options).load()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyToLoad:
    """A model whose weights are there, if it has any: what is left is to build it.

    `weights`: file or folder, None for those that come with the package, for random ones and for baselines. `config`:
    what the row and the caller say. `seed`: None where nothing is random.
    """

    entry: ModelSpec
    loader: str
    weights: Path | None
    config: Mapping[str, Any] | None
    device: str
    seed: int | None
    precision: str
    token_pairs: str
    through_letters: str | None = None  # the prefix of how its letters are read

    def load(self) -> Encoder:
        """Raises: InputError (damaged or unfitting weights), UnavailableError."""
        build = _function(self.loader)
        built = build(self.entry, weights=self.weights, config=self.config, device=self.device, seed=self.seed)
        encoder = with_options(built, precision=self.precision, token_pairs=self.token_pairs)
        return encoder if self.through_letters is None else through_letters(self.through_letters, encoder)


def ready_to_load(
    name: str,
    *,
    weights: Path | None = None,
    config: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
    token_pairs: str = "mean",
) -> ReadyToLoad:
    """What `load` does before it builds the model: weights are fetched, what cannot be is refused."""
    _refuse_absent_device(device)
    refuse_unknown(precision, token_pairs)
    entry = spec(name)
    if prefix := letter_map(name):
        options: dict[str, Any] = {"device": device, "seed": seed, "precision": precision, "token_pairs": token_pairs}
        base = ready_to_load(name.removeprefix(prefix), weights=weights, config=config, **options)
        return replace(base, through_letters=prefix)
    if entry.unavailable is not None and weights is None:
        message = f"{name}: {entry.unavailable}"
        raise UnavailableError(message)
    if weights is not None and not Path(weights).exists():
        message = "no such file or folder"
        raise InputError(message, path=weights)
    if not name.startswith(UNTRAINED) and weights is None:
        refuse_too_large(entry, device_of(device))
    given = dict(config or {})
    row = {key: value for key, value in (entry.settings or {}).items() if key not in given}
    entry = replace(entry, settings=row or None)  # what the caller says is no longer the row's
    has_seed = name.startswith(UNTRAINED) or (entry.group == "baseline" and "seed" not in given)
    fetched = fetch_weights(entry) if weights is None and entry.sources else None
    if fetched is not None:
        found = fetched.source
        entry = replace(entry, sources=(found,), revision=fetched.revision, sha256=found.sha256 or entry.sha256)
        weights = fetched.path
    converted = weights is not None and multimolecule_layout(Path(weights))
    return ReadyToLoad(
        entry=entry,
        loader="rnaexp.models.multimolecule:load" if converted else entry.loader,
        weights=None if weights is None else Path(weights),
        config={**row, **given} or None,
        device=device_of(device),
        seed=seed if has_seed else None,
        precision=precision,
        token_pairs=token_pairs,
    )


def _function(name: str) -> Callable[..., Encoder]:
    module, function = name.split(":")
    return cast(Callable[..., Encoder], getattr(importlib.import_module(module), function))


def _refuse_absent_device(device: str) -> None:
    known = device in ("auto", "cpu") or device.startswith("cuda")
    if not known or (device.startswith("cuda") and not torch.cuda.is_available()):
        message = f"device {device!r}: must be auto, cpu or cuda, and torch sees {torch.cuda.device_count()} GPUs here"
        raise InputError(message)


def device_of(name: str) -> str:
    """`auto`: the accelerator that is there, else the CPU."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
