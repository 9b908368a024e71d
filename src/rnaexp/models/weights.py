"""Weights from disk: verified, unpickled safely, and put into a module without one key left over."""

import argparse
import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from errno import EINVAL
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rnaexp.data.download import file_sha256
from rnaexp.errors import InputError
from rnaexp.models.plain_pickle import is_plain_pickle, read_plain_pickle

State = Mapping[str, Tensor]


def verify(path: Path, sha256: str) -> None:
    """Refuse a file that is not the published one: one flipped byte loads without a murmur.

    Raises: InputError naming the file.
    """
    if not path.is_file():
        message = "no such file"
        raise InputError(message, path=path)
    if (found := file_sha256(path)) != sha256:
        message = (
            f"altered or truncated: {path.stat().st_size} bytes with sha256 {found}, expected {sha256}; "
            "delete it and fetch it again"
        )
        raise InputError(message, path=path)


def read_checkpoint(path: Path) -> Any:
    """What a checkpoint holds, on the CPU. Pickled code is refused; argparse.Namespace, which is data, is not."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if is_plain_pickle(path):
            return read_plain_pickle(path)
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        first = str(error).strip().splitlines()[0]
        message = f"not a plain set of weights, so it was not opened: {first}"
        raise InputError(message, path=path) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno != EINVAL:  # torch seeks before the start of a file that was cut
            raise
        message = f"damaged or not a checkpoint: {error}"
        raise InputError(message, path=path) from error


def read_state(path: Path, *, inside: str | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name; `inside` is the entry that holds them in the authors' layout."""
    return named_tensors(read_checkpoint(path), path, inside=inside)


def read_parts(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The tensors of one checkpoint that was cut into several files.

    Raises: InputError if two of them hold the same name.
    """
    state: dict[str, Tensor] = {}
    for path in paths:
        part = read_state(path)
        if twice := sorted(state.keys() & part.keys()):
            message = f"{twice[0]} stands in another part of this checkpoint, too"
            raise InputError(message, path=path)
        state |= part
    return state


def named_tensors(held: Any, path: Path, *, inside: str | None = None) -> dict[str, Tensor]:
    """The tensors by name in what a checkpoint holds.

    Raises: InputError.
    """
    state = held.get(inside) if inside is not None and isinstance(held, Mapping) else held
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        message = "holds no tensors by name" + (f" under {inside!r}" if inside else "")
        raise InputError(message, path=path)
    return dict(state)


def drop_copy(state: dict[str, Tensor], kept: str, copy: str, *, path: Path) -> None:
    """Let go of a second name of one tensor; two that differ would silently become one.

    Raises: InputError.
    """
    if kept in state and copy in state and not torch.equal(state[kept], state.pop(copy)):
        message = f"{kept} and {copy} differ, but are one table in this model"
        raise InputError(message, path=path)


def share(module: nn.Module, state: dict[str, Tensor], named: Callable[[str], str] = str, *, path: Path) -> None:
    """Give the file a tensor under all names it has in the module; safetensors hold a tied tensor once.

    Raises: InputError if a file holds it twice and not equal.
    """
    first: dict[tuple[int, torch.Size], str] = {}
    for own, tensor in module.state_dict().items():
        name = named(own)
        other = first.setdefault((tensor.data_ptr(), tensor.shape), name)
        if other != name and other in state and name in state and not torch.equal(state[other], state[name]):
            message = f"{other} and {name} differ, but are one table in this model"
            raise InputError(message, path=path)
        if other in state or name in state:
            state[name] = state[other] = state[other] if other in state else state[name]


def only_file(path: Path, names: Sequence[str]) -> Path:
    """The weights file itself: `path`, or the first of `names` in the folder `path`."""
    found = [path] if path.is_file() else [path / name for name in names if (path / name).is_file()]
    if not found:
        message = f"no weights here; expected {' or '.join(names)}"
        raise InputError(message, path=path)
    return found[0]


def load_strictly(
    module: nn.Module,
    state: State,
    *,
    named: Callable[[str], str] = str,
    allowed_leftovers: Iterable[str] = (),
    path: Path | str | None = None,
) -> None:
    """Load every parameter by name.

    `named` turns a parameter's name into the file's; `allowed_leftovers` names the file's keys (shell patterns) that
    may stay unused.

    Raises: InputError naming each missing, unexpected or wrongly shaped key as the file calls it.
    """
    own = module.state_dict()
    wanted = {named(key): tensor for key, tensor in own.items()}
    allowed = tuple(allowed_leftovers)
    faults = {
        "missing": sorted(wanted.keys() - state.keys()),
        "unexpected": sorted(
            key for key in state.keys() - wanted.keys() if not any(fnmatchcase(key, name) for name in allowed)
        ),
        "wrong shape": sorted(
            f"{key} {tuple(state[key].shape)}, expected {tuple(wanted[key].shape)}"
            for key in wanted.keys() & state.keys()
            if state[key].shape != wanted[key].shape
        ),
    }
    if any(faults.values()):
        refuse_keys(faults, path=path)
    module.load_state_dict({key: state[named(key)] for key in own})


def refuse_keys(faults: Mapping[str, Sequence[str]], *, path: Path | str | None) -> None:
    """Raise InputError naming the keys of each fault, the first eight in full."""
    problems = [
        f"{fault}: {', '.join(keys[:8])}" + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")
        for fault, keys in faults.items()
        if keys
    ]
    raise InputError("weights do not fit the model; " + "; ".join(problems), path=path)


def save(network: Any, folder: Path) -> None:
    """A network's tensors and configuration under its own names, which `save_pretrained` does not always keep."""
    folder.mkdir(parents=True, exist_ok=True)
    held: dict[int, str] = {}
    for name, tensor in network.state_dict().items():
        held.setdefault(tensor.data_ptr(), name)  # a tied tensor is held once
    own = network.state_dict()
    save_file({name: own[name].contiguous() for name in held.values()}, folder / "model.safetensors", {"format": "pt"})
    network.config.save_pretrained(folder)


def fingerprint(*parts: str) -> str:
    """One hash of several."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


# What transformers 5.23.0 says of every network, whatever its kind. What a later release adds to that is not hashed.
_OF_EVERY_NETWORK: Mapping[str, Any] = {
    "architectures": None,
    "chunk_size_feed_forward": 0,
    "dtype": None,
    "id2label": {0: "LABEL_0", 1: "LABEL_1"},
    "is_encoder_decoder": False,
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "model_type": "",
    "output_attentions": False,
    "output_hidden_states": False,
    "problem_type": None,
    "return_dict": True,
}
_ALWAYS = {"transformers_version": "5.23.0", "_name_or_path": ""}  # nor the folder that it was read from


def settings_text(config: Any) -> str:
    """A transformers configuration as it is hashed: as 5.23.0 wrote it, so that no release changes a fingerprint."""
    from transformers import PreTrainedConfig

    common = PreTrainedConfig().to_dict()
    held = {
        name: value
        for name, value in config.to_dict().items()
        if name in _OF_EVERY_NETWORK or name not in common or value != common[name]
    }
    return json.dumps({**_OF_EVERY_NETWORK, **held, **_ALWAYS}, sort_keys=True)


def fingerprint_of_network(network: Any) -> str:
    """Hash of a transformers network's tensors and settings."""
    return fingerprint(fingerprint_of_state(network.state_dict()), settings_text(network.config))


def fingerprint_of_state(state: State) -> str:
    """Hash of the tensors themselves, for weights that no file holds."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
