"""Weights from where they are published: pinned, checked, and locked to what was first seen."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rnaexp.data.download import fetch_file, fetch_first_seen
from rnaexp.errors import UnavailableError
from rnaexp.models.lock import FILE, Locked, check, facts_of, lock, locked
from rnaexp.models.spec import ModelSpec

HUB = "hf:"
_TEXTS = ("config.json", "*.txt", "tokenizer*.json", "special_tokens_map.json")
# In this order: the first kind that is there is taken, so that nothing pickled is fetched beside safetensors.
_WEIGHTS = (("*.safetensors",), ("pytorch_model*.bin",), ("*.pt", "*.pth", "*.ckpt", "*.pkl"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file, or the folder of a hub repository's files, and the hub's commit."""

    path: Path
    revision: str | None


def fetch_weights(spec: ModelSpec) -> Fetched:
    """A model's published weights, checked against `models.lock`; the first fetch resolves them and writes it.

    Raises: UnavailableError: no source, no network, or not the bytes that were locked.
    """
    if spec.source is None:
        message = f"{spec.name}: {spec.unavailable or 'no published file is known; give --weights'}"
        raise UnavailableError(message)
    if Path(spec.source).exists():
        return Fetched(path=Path(spec.source), revision=spec.revision)
    held = locked(spec.name, spec.source)
    if spec.source.startswith(HUB):
        return _from_hub(spec, spec.source.removeprefix(HUB), held)
    return Fetched(path=_from_url(spec, spec.source, held), revision=spec.revision)


def is_cached(spec: ModelSpec) -> bool | None:
    """Whether the weights lie on this machine; None if only a fetch could tell."""
    if spec.source is None:
        return False
    held = locked(spec.name, spec.source)
    if held is None or not spec.source.startswith(HUB):
        return None
    from huggingface_hub import try_to_load_from_cache

    hub_id = spec.source.removeprefix(HUB)
    return all(isinstance(try_to_load_from_cache(hub_id, name, revision=held.revision), str) for name in held.files)


def _from_url(spec: ModelSpec, url: str, held: Locked | None) -> Path:
    if spec.sha256 is not None:
        return fetch_file(url, spec.sha256)
    if held is not None:
        (facts,) = held.files.values()
        return fetch_file(url, facts["sha256"])
    path = fetch_first_seen(url)
    _lock_and_say(spec, Locked(source=url, revision=spec.revision, files={path.name: facts_of(path)}))
    return path


def _from_hub(spec: ModelSpec, hub_id: str, held: Locked | None) -> Fetched:
    if held is not None and spec.revision not in (None, held.revision):
        message = f"{spec.name}: {FILE} holds revision {held.revision}, asked for is {spec.revision}"
        raise UnavailableError(message)
    revision, names = (
        _resolved(spec, hub_id) if held is None or held.revision is None else (held.revision, list(held.files))
    )
    paths = {name: _downloaded(spec, hub_id, name, revision) for name in names}
    if held is None:
        files = {name: facts_of(path) for name, path in paths.items()}
        _lock_and_say(spec, Locked(source=HUB + hub_id, revision=revision, files=files))
    else:
        check(spec.name, paths, held)
    first = next(iter(paths))
    return Fetched(path=paths[first].parents[first.count("/")], revision=revision)


def _resolved(spec: ModelSpec, hub_id: str) -> tuple[str, list[str]]:
    """The commit behind a hub id, and which of its files are wanted."""
    from huggingface_hub import HfApi

    with _hub_errors(spec, hub_id):
        found: Any = HfApi(endpoint=_endpoint()).model_info(hub_id, revision=spec.revision)
    names = [entry.rfilename for entry in found.siblings or ()]
    weights = next((some for kind in _WEIGHTS if (some := _matching(names, kind))), [])
    if not weights:
        message = f"{spec.name}: {HUB}{hub_id} holds no weights (safetensors, pytorch_model.bin, .pt, .pth, .ckpt)"
        raise UnavailableError(message)
    return str(found.sha), [*weights, *_matching(names, _TEXTS)]


def _matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    return sorted(name for name in names if any(fnmatchcase(name.rpartition("/")[2], each) for each in patterns))


def _downloaded(spec: ModelSpec, hub_id: str, name: str, revision: str) -> Path:
    from huggingface_hub import hf_hub_download

    with _hub_errors(spec, f"{hub_id}/{name}"), _quiet():
        return Path(hf_hub_download(hub_id, name, revision=revision, endpoint=_endpoint()))


def _endpoint() -> str | None:
    """Read when it is used: the library reads it once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


@contextmanager
def _hub_errors(spec: ModelSpec, what: str) -> Iterator[None]:
    """Whatever the hub's client raises, told in one line with what to do."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (HfHubHTTPError, HTTPError, OSError, ValueError, RuntimeError) as error:
        first = next(iter(str(error).strip().splitlines()), "")
        message = (
            f"{spec.name}: {HUB}{what} cannot be downloaded ({type(error).__name__}: {first}); fetch it once where "
            "there is a network (rnaexp models fetch), or give --weights"
        )
        raise UnavailableError(message) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars only where somebody watches."""
    from huggingface_hub import utils

    shown = not utils.are_progress_bars_disabled()
    if not sys.stderr.isatty():
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            utils.enable_progress_bars()


def _lock_and_say(spec: ModelSpec, held: Locked) -> None:
    lock(spec.name, held)
    sys.stderr.write(f"rnaexp: {spec.name}: {held.source}{_told(held.revision, held.files)}; written to {FILE}\n")


def _told(revision: str | None, files: Mapping[str, Mapping[str, Any]]) -> str:
    size = sum(facts["size"] for facts in files.values())
    at = f" at {revision}" if revision else ""
    only = next(iter(files.values()))
    of = f"sha256 {only['sha256']}" if len(files) == 1 else f"{len(files)} files"
    return f"{at}, {of}, {size / 1e6:.1f} MB"
