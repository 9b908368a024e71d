"""Every choice that the overlap ratio depends on and the papers leave open, as named fields."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Pooling = Literal["mean", "max"]
Reduction = Literal["fft-magnitude", "fft-resample", "none", "pca", "random-projection"]
Estimator = Literal["histogram", "kde", "ks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingProtocol:
    """From the last layer's embedding of each base to one overlap ratio; the defaults are the headline protocol.

    `pooling`: over the bases. `centring`: mean subtracts the set's mean vector before reducing. `axes`: permuted
    shuffles the embedding's axes (seeded) first: they have no order, so a Fourier reduction that depends on it
    measures nothing. `constant`: whether a Fourier reduction keeps the zero frequency, which dominates the cosine.
    `estimator`: the headline one; all are reported. `bins`: of the histogram, over the observed range.
    `identity`, `members`, `max_bases`: an RNA at or above this identity to a chosen one of its family is left out, at
    most so many RNAs a family, none longer (so that every model reads the same RNAs). `alignments`: what a model of
    alignments is given: none (the RNA alone: a family's own alignment names the family) or own. `unseen_by`: families
    this model was trained on are left out; auto: those of the model itself, where they are listed; none: no family.
    `below_identity`: homologs less alike than this are also measured apart, on sampled pairs; 0: they are not.
    """

    pooling: Pooling = "mean"
    reduction: Reduction = "fft-magnitude"
    dimensions: int = 128
    constant: Literal["keep", "drop"] = "keep"
    centring: Literal["none", "mean"] = "none"
    axes: Literal["natural", "permuted"] = "natural"
    estimator: Estimator = "histogram"
    bins: int = 100
    identity: float = 0.9
    members: int = 10
    max_bases: int = 440
    alignments: Literal["none", "own"] = "none"
    unseen_by: str = "auto"
    below_identity: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                message = f"{name} {getattr(self, name)!r}: must be one of {', '.join(allowed)}"
                raise ValueError(message)
        for name, least in {"dimensions": 2, "bins": 2, "members": 2, "max_bases": 1}.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                message = f"{name} {value!r}: must be a whole number, at least {least}"
                raise ValueError(message)
        if not 0 <= self.below_identity <= 1:
            message = f"below_identity {self.below_identity}: must be from 0 (not measured apart) to 1"
            raise ValueError(message)
        if not 0 < self.identity <= 1:
            message = f"identity {self.identity}: must be above 0 and at most 1 (1: only exact copies are left out)"
            raise ValueError(message)

    def fields(self) -> dict[str, Any]:
        """Every field by name, for records."""
        return asdict(self)


_CHOICES: dict[str, tuple[str, ...]] = {
    "pooling": get_args(Pooling),
    "reduction": get_args(Reduction),
    "estimator": get_args(Estimator),
    "constant": ("keep", "drop"),
    "centring": ("none", "mean"),
    "axes": ("natural", "permuted"),
    "alignments": ("none", "own"),
}
