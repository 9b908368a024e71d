"""Checkpoints as they appear in the folder of a training: each is given out once, and only when it is whole."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rnaexp.errors import InputError
from rnaexp.models.in_training import named_step

_OLD = 600.0  # seconds: files that nobody has touched for so long are not being written
_FILES = (".ckpt", ".pt", ".pth")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_INDEX = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What lies there now. `state`: name, size and time of each of its files. `lacks`: what is not there yet, or ""."""

    path: Path
    state: tuple[tuple[str, int, int], ...]
    lacks: str = ""

    @property
    def age(self) -> float:
        """Seconds since the newest of its files was written."""
        return time.time() - max((at for _, _, at in self.state), default=0) / 1e9


def look(folder: Path) -> list[Checkpoint]:
    """Every checkpoint by step: folders `checkpoint-N`, files .ckpt, .pt, .pth.

    Raises: InputError if the folder is none.
    """
    if not folder.is_dir():
        message = "no such folder of checkpoints"
        raise InputError(message, path=folder)
    found = [_seen(path) for path in folder.iterdir() if _is_checkpoint(path)]
    return sorted(found, key=lambda each: (named_step(each.path) or 0, each.path.name))


def arrivals(
    folder: Path,
    *,
    every: float,
    once: bool = False,
    idle: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Checkpoint]:
    """Each checkpoint when it is whole: nothing lacks, and its files were the same at two looks `every` seconds apart.

    One that changes afterwards is given out again. `once`: what is there at two looks, then no more. `idle`: the end
    comes after so many seconds without a new one; 0: never.

    Raises: InputError as `look`.
    """
    before: Mapping[Path, Checkpoint] = {}
    given: dict[Path, Checkpoint] = {}
    quiet, looks = time.monotonic(), 0
    while True:
        now = {each.path: each for each in look(folder)}
        looks += 1
        ready = [
            each
            for path, each in now.items()
            if not each.lacks and given.get(path) != each and (before.get(path) == each or each.age > _OLD)
        ]
        for each in ready:
            given[each.path] = each
            yield each
            quiet = time.monotonic()
        before = now
        if once and (looks == 2 or all(given.get(path) == each or each.lacks for path, each in now.items())):
            return
        if idle and time.monotonic() - quiet > idle:
            return
        sleep(every)


def _is_checkpoint(path: Path) -> bool:
    if path.name.startswith((".", "tmp-")):
        return False
    return path.name.startswith("checkpoint-") if path.is_dir() else path.suffix in _FILES


def _seen(path: Path) -> Checkpoint:
    files = [path] if path.is_file() else [each for each in path.iterdir() if each.is_file()]
    state = []
    for file in sorted(files):
        try:
            about = file.stat()
        except FileNotFoundError:  # trainings delete old checkpoints
            continue
        state.append((file.name, about.st_size, about.st_mtime_ns))
    return Checkpoint(path=path, state=tuple(state), lacks=_lacks(path) if path.is_dir() else "")


def _lacks(folder: Path) -> str:
    """A folder's first missing file; of weights in several parts, the index comes last and names all of them."""
    if not (folder / "config.json").is_file():
        return "config.json is missing"
    weights = [file.name for pattern in _WEIGHTS for file in folder.glob(pattern)]
    index = next((folder / name for name in _INDEX if (folder / name).is_file()), None)
    if index is None:
        parts = [name for name in weights if "-of-" in name]
        return "" if weights and not parts else "the index of its parts is missing" if parts else "weights are missing"
    try:
        named = set(json.loads(index.read_text())["weight_map"].values())
    except (ValueError, KeyError, OSError, AttributeError):
        return f"{index.name} is not whole"
    absent = sorted(named - set(weights))
    return f"{absent[0]} is missing" if absent else ""
