"""Models whose network is built only when something must be read: what else is known of them is in the store."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch

from rnaexp.data.download import file_sha256
from rnaexp.errors import TooLongError, UnsuitableError
from rnaexp.models.loading import ready_to_load
from rnaexp.models.nano_catalog import SHIPPED
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.reading.derived import derived
from rnaexp.reading.store import Store
from rnaexp.rna import Rna

# Of an encoder; what one does not have it has not before it is built, either.
_OPTIONAL = ("longest", "word", "token_pairs", "device", "max_bases", "gives")
_QUICK = ("baselines", "files", "planted")  # loaders: their models cost nothing to build
_LIBRARIES = ("transformers", "tokenizers", "safetensors")
_MOST_FILES, _MOST_BYTES_BESIDE = 256, 2**24
_REFUSALS = {one.__name__: one for one in (TooLongError, UnsuitableError)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run needs of a model besides its outputs. `parameters`: how many numbers it has, None without any."""

    spec: ModelSpec
    layers: int
    heads: int
    fingerprint: str
    precision: str
    parameters: int | None
    optional: dict[str, Any]

    @classmethod
    def of(cls, encoder: Encoder) -> "Facts":
        """Of a model that is built."""
        there = {name: getattr(encoder, name) for name in _OPTIONAL if hasattr(encoder, name)}
        return cls(
            spec=encoder.spec,
            layers=encoder.layers,
            heads=encoder.heads,
            fingerprint=encoder.fingerprint,
            precision=precision_of(encoder),
            parameters=parameter_count(encoder),
            optional={name: str(value) if name == "device" else value for name, value in there.items()},
        )


class UnbuiltModel:
    """An encoder that knows its facts, and is built at the first question that they do not answer."""

    def __init__(self, facts: Facts, build: Callable[[], Encoder], store: Store) -> None:
        self.spec, self.layers, self.heads = facts.spec, facts.layers, facts.heads
        self.fingerprint, self.precision, self.parameter_count = facts.fingerprint, facts.precision, facts.parameters
        self._optional, self._build, self._store = facts.optional, build, store
        self._built: Encoder | None = None

    def built(self) -> Encoder:
        """The model itself."""
        if self._built is None:
            self._built = self._build()
        return self._built

    def check(self, rna: Rna) -> None:
        """As the model itself; what it refused before it refuses without being built."""
        if self._built is not None:
            self._built.check(rna)
            return
        alignment = None if rna.alignment is None else rna.alignment.sha256()
        of = [self.fingerprint, rna.id, rna.sequence, alignment]
        refused = derived(self._store, "refusal", of, lambda: _refusal(self.built(), rna))
        if refused is not None:
            raise _REFUSALS[refused[0]](refused[1])

    def __getattr__(self, name: str) -> Any:
        if self._built is None and name in _OPTIONAL:
            if name not in self._optional:
                raise AttributeError(name)
            value = self._optional[name]
            return torch.device(value) if name == "device" else value
        return getattr(self.built(), name)


def load_to_read(store: Store, **loading: Any) -> Encoder:
    """`models.load`, whose model is built when something of it must be read that the store does not have.

    Raises: InputError, UnavailableError.
    """
    ready = ready_to_load(**loading)
    package, _, loader = ready.loader.partition(":")[0].rpartition(".")
    ours = package == "rnaexp.models" and loader not in _QUICK
    files = _files(ready.weights) if ours else None  # what another package reads only it knows
    if files is None:
        return ready.load()
    made: list[Encoder] = []

    def facts() -> Facts:
        made.append(ready.load())
        return Facts.of(made[0])

    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    known = derived(store, "model", [repr(ready), files, libraries], facts)
    return made[0] if made else cast(Encoder, UnbuiltModel(known, ready.load, store))


def built(encoder: Encoder) -> Encoder:
    """The model itself, where it was not built yet."""
    return encoder.built() if isinstance(encoder, UnbuiltModel) else encoder


def parameter_count(encoder: Any) -> int | None:
    """How many numbers a model has, None without any."""
    if isinstance(encoder, UnbuiltModel):
        return encoder.parameter_count
    parameters = getattr(encoder, "parameters", None)
    count = sum(p.numel() for p in parameters()) if callable(parameters) else 0
    return count or None


def _refusal(encoder: Encoder, rna: Rna) -> tuple[str, str] | None:
    try:
        encoder.check(rna)
    except (TooLongError, UnsuitableError) as error:
        return type(error).__name__, str(error)
    return None


def _files(weights: Path | None) -> list[tuple[str, str]] | None:
    """Names and hashes of all files that a model may be built from; None where they are too many to look at.

    Next to one file of weights its sizes and letters may lie. Without weights, what ships with rnaexp is used.
    """
    folder = SHIPPED if weights is None else weights if weights.is_dir() else weights.parent
    beside = weights is not None and folder != weights
    there = list(islice(folder.iterdir() if beside else folder.rglob("*"), _MOST_FILES + 1))
    if len(there) > _MOST_FILES:
        return None
    small = [path for path in there if path.is_file() and not (beside and path.stat().st_size > _MOST_BYTES_BESIDE)]
    meant = set(small) if weights is None or not beside else {*small, weights}
    return [(str(path), file_sha256(path)) for path in sorted(meant)]
