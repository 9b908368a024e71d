"""A tuned head with what loads its model: all that must be known to apply it anywhere, and no weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rnaexp import models
from rnaexp.choices import How, Precision
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder, ModelSpec, Resolution
from rnaexp.settings import RECORD, Digest, Free, Line, Place, Word, read_as
from rnaexp.structure.choice import Searched
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import PROTOCOLS

SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What is registered and served.

    `model`: what `models.load` takes. `own_weights`: it was tuned on weights that its user gave, which no catalogue
    knows. `alignment`: what was done to the alignments it was tuned on. `packaged`: the fingerprint of the copy of the
    weights that is registered with it, None without one. `searched`: what `tuned` is the one head of, where it is no
    head of the model itself. Facts of the model that nobody has read are None.
    """

    __pydantic_config__ = RECORD

    model: Word
    tuned: TunedHead
    seed: Place
    settings: Free | None
    own_weights: bool
    alignment: How
    precision: Precision
    revision: Word | None
    source: Word | None
    source_sha256: Digest | None
    alphabet: Word | None
    resolution: Resolution
    licence: Line | None
    packaged: Word | None = None
    searched: Searched | None = None
    schema: Literal[1] = SCHEMA

    def load(self, *, weights: Path | None = None, device: str = "auto") -> Encoder:
        """The model, by its name or (`weights`) from a file or folder; never other weights than it was tuned on.

        Raises: InputError (other weights), UnavailableError (they cannot be had).
        """
        if self.own_weights and weights is None:
            message = (
                f"{self.tuned.model}: this head was tuned on weights that its user gave, and none are registered with "
                "it; give them with --weights (in Python: model_config={'weights': PATH})"
            )
            raise InputError(message)
        encoder = models.load(self.model, weights=weights, config=self.settings, device=device, **self._how())
        return refuse_other_weights(self._as_tuned(encoder), self.tuned)

    def _as_tuned(self, encoder: Encoder) -> Encoder:
        if self.searched is None:
            return encoder
        from rnaexp.structure.searched import SearchedEncoder  # torch: what only names a head goes without

        return SearchedEncoder(encoder, self.searched)

    def load_either(self, folder: Path | None, *, weights: str, device: str) -> Encoder:
        """From weights that were given; else from the registered copy in `folder`; else by name."""
        if folder is not None and not weights:
            return self.load_packaged(folder, device=device)
        return self.load(weights=Path(weights) if weights else None, device=device)

    def load_packaged(self, folder: Path, *, device: str = "auto") -> Encoder:
        """The model from the copy of its weights that was registered with it.

        Raises: InputError if the copy was altered.
        """
        # A folder's name may be gone from this machine; what was copied from it is a folder of the same kind.
        name = str(folder) if Path(self.model).is_absolute() else self.model
        encoder = models.load(name, weights=folder, device=device, **self._how())
        if encoder.fingerprint != self.packaged:
            message = f"these are not the weights that were registered with {self.tuned.model}"
            raise InputError(message, path=folder)
        return self._as_tuned(encoder)

    def _how(self) -> dict[str, Any]:
        token_pairs = (self.searched or self.tuned.read_out).token_pairs
        return {"seed": self.seed, "precision": self.precision, "token_pairs": token_pairs}

    @property
    def label(self) -> str:
        """LAYER.HEAD, or the heads of a searched configuration."""
        return f"{self.tuned.layer}.{self.tuned.head}" if self.searched is None else self.searched.label

    @property
    def follows_the_paper(self) -> bool:
        """Whether scores were made and judged as the paper says."""
        made = self.tuned.read_out
        plain = self.searched is None and self.tuned.scoring == PROTOCOLS["paper"]
        return plain and (made.score_scale, made.squash) == ("raw", "none")

    def sha256(self) -> str:
        """Hash of everything in it."""
        return hash_of(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Plain values, as logged and registered; of a plain head the same as before there were searched ones."""
        values = asdict(self)
        if self.searched is None:
            del values["searched"]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Configuration":
        """Raises: InputError if another version wrote it, or naming a field that is not what it must be."""
        if values.get("schema") != SCHEMA:
            message = f"a configuration of schema {values.get('schema')!r}; this rnaexp reads {SCHEMA}"
            raise InputError(message)
        return read_as(cls, values, "not a configuration")


def hash_of(values: Any) -> str:
    """sha256 of plain values, in any order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def head_for(encoder: Encoder, head: TunedHead) -> TunedHead:
    """The head, if it was tuned on the weights of this encoder; one that was not tuned at all takes them as they are.

    Raises: InputError.
    """
    if not head.weights:
        return replace(head, weights=encoder.fingerprint)
    refuse_other_weights(encoder, head)
    return head


def refuse_other_weights(encoder: Encoder, tuned: TunedHead) -> Encoder:
    """The encoder, if it is the one the head was tuned on, and has that head.

    Raises: InputError.
    """
    for name, place, there in (("layer", tuned.layer, encoder.layers), ("head", tuned.head, encoder.heads)):
        if place >= there:
            message = f"{name} {place}: {tuned.model} has {name}s 0 to {there - 1}"
            raise InputError(message)
    if encoder.fingerprint != tuned.weights:
        message = (
            f"this head was tuned on other weights of {tuned.model} than these, or at another --precision; run `rnaexp "
            "run` with them first"
        )
        raise InputError(message)
    return encoder


def configuration(spec: ModelSpec, tuned: TunedHead, loading: Mapping[str, Any], *, alignment: How) -> Configuration:
    """Of a model as it was loaded (`loading`: the arguments of `models.load`) and the head tuned on it."""
    return Configuration(
        model=models.lasting_name(loading["name"]),
        tuned=tuned,
        seed=int(loading.get("seed") or 0),
        settings=loading.get("config"),
        own_weights=loading.get("weights") is not None,
        alignment=alignment,
        precision=loading.get("precision") or "fp32",
        revision=spec.revision,
        source=spec.source,
        source_sha256=spec.sha256,
        alphabet=spec.alphabet,
        resolution=spec.resolution,
        licence=spec.licence,
    )
