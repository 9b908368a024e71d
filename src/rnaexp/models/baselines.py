"""What no language model knows, behind the encoders' interface: one layer of one head of pair scores per RNA."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.controls import (
    alignment_stem_scores,
    canonical_scores,
    distance_scores,
    gtest_scores,
    stem_scores,
)
from rnaexp.models.covariation import covariation_scores, require_covariation
from rnaexp.models.folding import (
    VERSION,
    alignment_probabilities,
    fold_probabilities,
    mean_probabilities,
    require_alignment,
)
from rnaexp.models.kernel import alignment_kernel_scores, kernel_scores, shipped
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.rna import Rna

Score = Callable[..., np.ndarray]


def random_scores(rna: Rna, seed: int) -> np.ndarray:
    """Uniform scores in [0, 1), the same for (i, j) and (j, i), that depend on the sequence and the seed alone."""
    digest = hashlib.sha256(f"{seed} {rna.sequence}".encode()).digest()
    upper = np.triu(np.random.default_rng(list(digest)).random((len(rna), len(rna)), dtype=np.float32))
    return upper + np.triu(upper, 1).T


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A baseline's arithmetic, what decides whether it can read an RNA, and its settings.

    `version` is raised when its scores change: with the library's version it is part of the fingerprint. `fitted`: the
    name of its fitted numbers, which are part of it as well.
    """

    score: Score
    version: int
    library: str
    require: Callable[[Rna], object] | None = None
    settings: tuple[tuple[str, int], ...] = ()
    fitted: str | None = None


_NUMPY = f"numpy {np.__version__}"

METHODS = {
    "viennarna": Method(score=fold_probabilities, version=1, library=f"ViennaRNA {VERSION}"),
    "alifold": Method(
        score=alignment_probabilities,
        version=1,
        library=f"ViennaRNA {VERSION}",
        require=require_alignment,
        settings=(("max_rows", 1000),),
    ),
    "viennarna-mean": Method(
        score=mean_probabilities,
        version=1,
        library=f"ViennaRNA {VERSION}",
        require=require_alignment,
        settings=(("max_rows", 24),),
    ),
    "kernel-alignment": Method(
        score=alignment_kernel_scores,
        version=1,
        library=_NUMPY,
        require=require_alignment,
        fitted="kernel-alignment",
    ),
    "kernel": Method(score=kernel_scores, version=1, library=_NUMPY, fitted="kernel"),
    "covariation": Method(score=covariation_scores, version=1, library=_NUMPY, require=require_covariation),
    "gtest": Method(score=gtest_scores, version=1, library=_NUMPY, require=require_covariation),
    "stems-alignment": Method(score=alignment_stem_scores, version=1, library=_NUMPY, require=require_alignment),
    "stems": Method(score=stem_scores, version=1, library=_NUMPY),
    "canonical": Method(score=canonical_scores, version=1, library=_NUMPY),
    "distance": Method(score=distance_scores, version=1, library=_NUMPY),
    "random": Method(score=random_scores, version=1, library=_NUMPY, settings=(("seed", 0),)),
}


class Baseline(nn.Module):
    """A baseline as an encoder: its scores are taken as they are, nothing of it is tuned but the threshold."""

    def __init__(self, spec: ModelSpec, method: Method, settings: Mapping[str, int]) -> None:
        super().__init__()
        self.spec, self.layers, self.heads = spec, 1, 1
        self._require = method.require
        self._score = partial(method.score, **settings)
        recipe: list[object] = [spec.name, method.version, method.library, dict(settings)]
        recipe += [] if method.fitted is None else [asdict(shipped(method.fitted))]
        self.fingerprint = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    def check(self, rna: Rna) -> None:
        """Raise UnsuitableError if this baseline needs an alignment that the RNA does not have."""
        if self._require is not None:
            self._require(rna)

    def read_head(self, rna: Rna, layer: int = 0, head: int = 0) -> Float[Tensor, "n n"]:
        """Return the pair scores; there is no other head than (0, 0)."""
        if (layer, head) != (0, 0):
            message = f"{self.spec.name}: there is no head ({layer}, {head}); it has only (0, 0)"
            raise ValueError(message)
        return torch.from_numpy(np.ascontiguousarray(self._score(rna)))

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """One layer of one head."""
        yield self.read_head(rna)[None]

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand each RNA's scores to the reader as layer 0."""
        for index, rna in enumerate(rnas):
            reader(index, 0, self.read_head(rna)[None])

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Refuse: a baseline has no embedding."""
        self._refuse("embedding")

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Refuse: a baseline predicts no letters."""
        self._refuse("letter probabilities")

    def _refuse(self, what: str) -> NoReturn:
        message = f"{self.spec.name} is a baseline for pairs: it has no {what}; choose a language model"
        raise UnavailableError(message)


def load(
    spec: ModelSpec,
    *,
    weights: Path | None = None,
    config: Mapping[str, object] | None = None,
    device: str = "cpu",
    seed: int | None = None,
) -> Baseline:
    """Build the baseline of this name; it computes on the CPU, whatever the device.

    `config` may hold `max_rows` of alifold and viennarna-mean, or random's `seed` (also given as `seed`).

    Raises: InputError for a name that is no baseline, for weights (there are none) and for an unknown setting.
    """
    if spec.name not in METHODS:
        message = f"{spec.name} is no baseline; there are {', '.join(METHODS)}"
        raise InputError(message)
    if weights is not None:
        message = f"{spec.name} has no weights to load: {weights}"
        raise InputError(message)
    method = METHODS[spec.name]
    settings = dict(method.settings)
    chosen = dict(config or {}) | ({} if seed is None or "seed" not in settings else {"seed": seed})
    for name, value in chosen.items():
        if name not in settings or not isinstance(value, int):
            message = f"{spec.name}: setting {name}={value!r}; it has {', '.join(settings) or 'none'} (whole numbers)"
            raise InputError(message)
        settings[name] = value
    return Baseline(spec, method, settings)
