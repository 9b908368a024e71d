"""Every choice that the overlap ratio depends on and the papers leave open, as named fields."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Pooling = Literal["mean", "max"]
Reduction = Literal["fft-magnitude", "fft-resample", "fft-crop", "none", "pca", "random-projection"]
Estimator = Literal["histogram", "kde", "ks", "kde-200"]
Unit = Literal["area", "iou"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingProtocol:
    """From the last layer's embedding of each base to one overlap ratio; the defaults are the headline protocol.

    `pooling`: over the bases. `centring`: mean subtracts the set's mean vector before reducing. `axes`: permuted
    shuffles the embedding's axes (seeded) first: they have no order, so a Fourier reduction that depends on it
    measures nothing. `reduction`: `fft-crop` pools nothing: it transforms the first `dimensions` numbers of the
    embedding read row by row, as released code does. `special_tokens`: kept leaves the model's own tokens in.
    `constant`: whether a Fourier reduction keeps the zero frequency, which dominates the cosine.
    `estimator`: the headline one; all are reported. `bins`: of the histogram, over the observed range. `unit`: in which
    the headline is shown, shared area A or intersection over union J = A / (2 - A); both are reported.
    `pairs`: all, or `drawn-N`, N of each class drawn `repetitions` times, reported with all pairs. `negatives` of the
    drawn: of two distinct families, or per-sequence, the families of two sequences, which may be one.
    `selection`: all takes a set's RNAs as they are. Of unlike ones (`identity`, `members`, `max_bases`) an RNA at or
    above this identity to a chosen one of its family is left out, at most so many stand for a family, none is longer
    (so that every model reads the same RNAs). `alignments`: what a model of alignments is given: none (the RNA alone: a
    family's own alignment names the family) or own. `unseen_by`: families this model was trained on are left out; auto:
    those of the model itself, where they are listed, unless all RNAs are selected; none: no family. `below_identity`:
    homologs less alike than this are also measured apart, on sampled pairs; 0: they are not.
    """

    pooling: Pooling = "mean"
    reduction: Reduction = "fft-magnitude"
    dimensions: int = 128
    constant: Literal["keep", "drop"] = "keep"
    centring: Literal["none", "mean"] = "none"
    axes: Literal["natural", "permuted"] = "natural"
    estimator: Estimator = "histogram"
    bins: int = 100
    special_tokens: Literal["cut", "kept"] = "cut"
    unit: Unit = "area"
    pairs: str = "all"
    negatives: Literal["distinct", "per-sequence"] = "distinct"
    repetitions: int = 1
    selection: Literal["unlike", "all"] = "unlike"
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
        if self.pairs != "all" and not re.fullmatch(r"drawn-[1-9]\d*", self.pairs):
            message = f"pairs {self.pairs!r}: must be all or drawn-N, such as drawn-100000"
            raise ValueError(message)
        if self.reduction == "fft-crop" and self.pooling != "mean":
            message = f"pooling {self.pooling!r}: fft-crop pools nothing"
            raise ValueError(message)
        for name, least in {"dimensions": 2, "bins": 2, "members": 2, "max_bases": 1, "repetitions": 1}.items():
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

    @property
    def pooled_as(self) -> str:
        """How a base's numbers become one vector: a pooling, or `crop-N`, the first N numbers read row by row."""
        return f"crop-{self.dimensions}" if self.reduction == "fft-crop" else self.pooling

    @property
    def drawn(self) -> int:
        """Pairs of each class to draw; 0: all pairs are counted."""
        return 0 if self.pairs == "all" else int(self.pairs.removeprefix("drawn-"))

    @property
    def name(self) -> str:
        """Of the ready-made protocol that it is nearest to."""
        mine = asdict(self)
        return max(PROTOCOLS, key=lambda name: sum(mine[key] == it for key, it in asdict(PROTOCOLS[name]).items()))

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
    "special_tokens": ("cut", "kept"),
    "unit": get_args(Unit),
    "negatives": ("distinct", "per-sequence"),
    "selection": ("unlike", "all"),
}

# `paper`: arXiv 2505.09087 as far as its text says, the rest as in docs/classification.md; `authors`: the evaluation
# code that follows it, heqin-zhu/structRFM at cf3a343, tasks/zeroshot (on ArchiveII its negatives are per-sequence).
PROTOCOLS = {
    "paper": EmbeddingProtocol(),
    "authors": EmbeddingProtocol(
        reduction="fft-crop",
        special_tokens="kept",
        estimator="kde-200",
        unit="iou",
        pairs="drawn-100000",
        repetitions=3,
        selection="all",
    ),
}


def embedding_protocol(name: str, **overrides: Any) -> EmbeddingProtocol:
    """A ready-made protocol with some fields overridden; None leaves a field as it is.

    Raises: ValueError.
    """
    if name not in PROTOCOLS:
        message = f"protocol {name!r}: must be one of {', '.join(PROTOCOLS)}"
        raise ValueError(message)
    return replace(PROTOCOLS[name], **{field: value for field, value in overrides.items() if value is not None})
