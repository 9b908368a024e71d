"""A checkpoint that a training has written: its step, and its weights as the loaders read them.

Hugging Face's `checkpoint-N` is a folder. Lightning's `.ckpt` and a loop's `.pt` hold the tensors under an entry, their
names behind those of the modules around the network, and neither letters nor sizes: those are another folder's.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from rnaexp.errors import InputError
from rnaexp.models import weights as files
from rnaexp.models.catalog import names
from rnaexp.models.loading import load
from rnaexp.models.spec import Encoder

_ENTRIES = ("state_dict", "model_state_dict", "model", "module", "network")
_STEPS = ("global_step", "step")
_BESIDE = ("config.json", "*.txt", "*.model", "tokenizer*.json", "special_tokens_map.json")
_NAMED = re.compile(r"(?:step[=_-]?|checkpoint-)(\d+)", re.IGNORECASE)


def load_checkpoint(path: Path, *, like: str = "", **how: Any) -> tuple[int, Encoder]:
    """The step, and the model as it was then.

    `like`: what says its letters and sizes where the checkpoint does not: a model's name, or a folder with config.json
    and a tokenizer. `how`: as of `models.load`.

    Raises: InputError for a damaged checkpoint, one of another model, or one without a step; UnavailableError.
    """
    held = None if path.is_dir() else files.read_checkpoint(path)
    step = _step(path, held)
    if path.is_dir() and not like:
        return step, load(str(path), **how)
    with tempfile.TemporaryDirectory() as folder:
        lies_in = _assembled(path, held, None if like in names() else Path(like), Path(folder))
        try:
            return step, load(like or str(lies_in), weights=lies_in, **how)
        except InputError as error:  # of our copy: the user knows the checkpoint
            raise InputError(error.message, path=path) from error


def named_step(path: Path) -> int | None:
    """The step that the checkpoint's name says: `checkpoint-500`, `epoch=0-step=500.ckpt`, `model_500.pt`."""
    found = _NAMED.findall(path.name) or re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else None


def _step(path: Path, held: Any) -> int:
    inside = [held[name] for name in _STEPS if isinstance(held, Mapping) and isinstance(held.get(name), int)]
    step = inside[0] if inside else named_step(path)
    if step is None:
        message = "no training step in its name, nor under global_step or step in it"
        raise InputError(message, path=path)
    return step


def _assembled(path: Path, held: Any, beside: Path | None, into: Path) -> Path:
    """Weights, configuration and tokenizer in one folder; for a model of the catalogue the bare file."""
    if beside is None:
        if path.is_dir() or _tensors(held, path) is held:
            return path
        file = into / "model.pt"
        torch.save(_tensors(held, path), file)
        return file
    for folder in (beside, path):  # what the checkpoint says itself counts
        for file in (found for pattern in _BESIDE for found in folder.glob(pattern) if folder.is_dir()):
            shutil.copyfile(file, into / file.name)
    if path.is_dir():
        for file in (found for found in path.iterdir() if not (into / found.name).exists()):
            (into / file.name).symlink_to(file.resolve())
    else:
        apart = {name: tensor.detach().clone().contiguous() for name, tensor in _tensors(held, path).items()}
        save_file(apart, into / "model.safetensors", {"format": "pt"})
    return into


def _tensors(held: Any, path: Path) -> Mapping[str, Tensor]:
    """By the names that they have inside the network.

    Raises: InputError.
    """
    entry = next((name for name in _ENTRIES if isinstance(held, Mapping) and isinstance(held.get(name), Mapping)), None)
    state = held if entry is None else held[entry]
    files.named_tensors(state, path)  # refuses what is none
    while state and all("." in name for name in state) and len({name.partition(".")[0] for name in state}) == 1:
        state = {name.partition(".")[2]: tensor for name, tensor in state.items()}
    found: Mapping[str, Tensor] = state
    return found
