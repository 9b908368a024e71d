"""A hub repository's weights and texts at one commit, through the hub's own client and cache."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rnaexp.data.download import watched
from rnaexp.errors import UnavailableError
from rnaexp.models.source import Source

TEXTS = ("config.json", "*.txt", "tokenizer*.json", "special_tokens_map.json", "vocab.json", "added_tokens.json")
# In this order: the first kind that is there is taken, so that nothing pickled is fetched where there are safetensors.
_WEIGHTS = (("*.safetensors",), ("pytorch_model*.bin",), ("*.pt", "*.pth", "*.ckpt", "*.pkl"))


def resolve(source: Source, *, weights: bool = True) -> tuple[str, list[str]]:
    """The commit behind a hub id, and which of its files are wanted: weights and texts, or texts alone.

    Raises: UnavailableError: no answer, or no weights there.
    """
    from huggingface_hub import HfApi

    with _hub_errors(source.address):
        found: Any = HfApi(endpoint=_endpoint()).model_info(source.hub_id, revision=source.revision)
    names = [entry.rfilename for entry in found.siblings or ()]
    if source.file is not None:
        names = [name for name in names if fnmatchcase(name, source.file) or _matching([name], TEXTS)]
    held = next((some for kind in _WEIGHTS if (some := _matching(names, kind))), [])
    if weights and not held:
        message = f"{source.address} holds no weights (safetensors, pytorch_model.bin, .pt, .pth, .ckpt)"
        raise UnavailableError(message)
    return str(found.sha), [*(held if weights else ()), *_matching(names, TEXTS)]


def download(source: Source, names: Sequence[str], revision: str) -> dict[str, Path]:
    """Each file's path in the hub's cache."""
    from huggingface_hub import hf_hub_download

    paths: dict[str, Path] = {}
    for name in names:
        with _hub_errors(f"{source.address}/{name}"), _quiet():
            paths[name] = Path(hf_hub_download(source.hub_id, name, revision=revision, endpoint=_endpoint()))
    return paths


def cached(source: Source, names: Iterable[str], revision: str | None) -> bool:
    """Whether all of these files lie in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(source.hub_id, name, revision=revision), str) for name in names)


def _matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    return sorted(name for name in names if any(fnmatchcase(name.rpartition("/")[2], each) for each in patterns))


def _endpoint() -> str | None:
    """Read when it is used: the library reads it once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


@contextmanager
def _hub_errors(what: str) -> Iterator[None]:
    """Whatever the hub's client raises, in one line."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    try:
        yield
    except GatedRepoError as error:
        message = f"{what} is gated: ask its owners for access on its page, then `hf auth login`"
        raise UnavailableError(message) from error
    except (HfHubHTTPError, HTTPError, OSError, ValueError, RuntimeError) as error:
        first = next(iter(str(error).strip().splitlines()), "")
        message = f"{what} cannot be downloaded ({type(error).__name__}: {first})"
        raise UnavailableError(message) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars only where somebody watches."""
    from huggingface_hub import utils

    shown = not utils.are_progress_bars_disabled()
    if not watched():
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            utils.enable_progress_bars()
