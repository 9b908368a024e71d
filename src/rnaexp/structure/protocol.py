"""Every choice the papers leave open, as a named field: how scores are made, and how they are judged."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from rnaexp.settings import RECORD
from rnaexp.structure.molecules import PROTEIN, RNA, Molecule

SCORE_SCALES = ("raw", "z-score", "top")
TOKEN_PAIRS = ("mean", "max", "share")
SQUASHES = ("none", "sigmoid")
CANONICAL = frozenset({"AU", "UA", "GC", "CG", "GU", "UG"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut:
    """How a map becomes pair scores. Belongs to the model: baselines give scores that are taken as they are.

    `score_scale`: what a threshold means. `raw`: a score; `z-score`: standard deviations above the mean of the map's
    candidates (softmax attention shrinks as 1 / n, so that one raw threshold is a length confound); `top`: the best
    c x n pairs of an RNA of n bases are called, the score being -rank / n and the threshold -c.
    `token_pairs`: how a score of two tokens becomes scores of the bases they cover, for models whose tokens are not
    single bases (`models.spread.Spread` does it, while the maps stream). `mean`, the default: over all pairs of tokens
    that cover the two bases, because attention to a k-mer does not say which of its bases is meant, and a mean neither
    favours the best of several overlapping k-mers (`max`) nor punishes the bases of long tokens (`share`).
    `squash`: `sigmoid` puts every score between 0 and 1 and keeps their order, so that a grid of thresholds holds them.
    """

    __pydantic_config__ = RECORD

    symmetrise: bool = True
    apc: bool = True
    score_scale: Literal["raw", "z-score", "top"] = "raw"
    token_pairs: Literal["mean", "max", "share"] = "mean"
    squash: Literal["none", "sigmoid"] = "none"

    def __post_init__(self) -> None:
        if self.squash not in SQUASHES:
            message = f"squash {self.squash!r}: must be one of {', '.join(SQUASHES)}"
            raise ValueError(message)
        if self.squash == "sigmoid" and self.score_scale == "top":
            message = "squash 'sigmoid': a rank is no score; choose score_scale raw or z-score"
            raise ValueError(message)
        if self.token_pairs not in TOKEN_PAIRS:
            message = f"token_pairs {self.token_pairs!r}: must be one of {', '.join(TOKEN_PAIRS)}"
            raise ValueError(message)
        if self.score_scale not in SCORE_SCALES:
            message = f"score_scale {self.score_scale!r}: must be one of {', '.join(SCORE_SCALES)}"
            raise ValueError(message)


ATTENTION = ReadOut()
PAIR_SCORES = ReadOut(symmetrise=False, apc=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How called pairs are judged; models are only comparable under equal scoring.

    `min_separation`: smallest j - i of a candidate, in the calls and in the reference alike.
    `pairs`: `canonical` keeps AU, GC and GU only, in the calls and in the reference. `contacts`: not base pairs but
    residues of a protein in contact, another task: no score of the one is ever compared with one of the other.
    `decoder`: `greedy` gives each base one partner, by falling score, ties by (i, j); it is nested in the threshold.
    `match`: `relaxed` lets a call be off by one on one side, each reference pair being found once.
    `averaging`: the statistic that tuning maximises; the headline is the mean over RNAs, pooled F1 is reported as well.
    `grid`: step of the thresholds from 0 to 1 that tuning tries; 0: every threshold, solved exactly.
    `head`: `oracle` also reports the best head of the *test* set, each at its own threshold of the validation set, as
    released code does; it is never the headline.
    """

    __pydantic_config__ = RECORD

    min_separation: Annotated[int, Field(ge=1)] = 1
    pairs: Literal["all", "canonical", "contacts"] = "all"
    decoder: Literal["none", "greedy"] = "none"
    match: Literal["exact", "relaxed"] = "exact"
    averaging: Literal["per-rna", "pooled"] = "per-rna"
    grid: float = 0.0
    head: Literal["validation", "oracle"] = "validation"

    def __post_init__(self) -> None:
        if self.min_separation < 1:
            message = f"min_separation {self.min_separation}: must be at least 1"
            raise ValueError(message)
        if not (self.grid == 0 or (0 < self.grid <= 1 and abs(1 / self.grid - round(1 / self.grid)) < 1e-6)):
            message = f"grid {self.grid}: a step that divides 1, such as 0.001, or 0 for exact thresholds"
            raise ValueError(message)
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                message = f"{name} {getattr(self, name)!r}: must be one of {', '.join(allowed)}"
                raise ValueError(message)

    @property
    def molecule(self) -> Molecule:
        """What is judged: base pairs of RNAs, or contacts of proteins."""
        return PROTEIN if self.pairs == "contacts" else RNA


_ALLOWED = {
    "pairs": ("all", "canonical", "contacts"),
    "decoder": ("none", "greedy"),
    "match": ("exact", "relaxed"),
    "averaging": ("per-rna", "pooled"),
    "head": ("validation", "oracle"),
}

# `paper`: arXiv 2505.09087 as far as it says; `strict`: what a referee of a structure paper would ask for; `contacts`:
# of proteins, the separation from which Rao et al. 2021, doi:10.1101/2020.12.15.422761, and CASP count them;
# `authors`: the evaluation code that follows arXiv 2505.09087, heqin-zhu/structRFM at cf3a343, tasks/zeroshot. That it
# is the paper's own is inferred from its content.
PROTOCOLS = {
    "paper": Scoring(),
    "strict": Scoring(min_separation=4, pairs="canonical", decoder="greedy"),
    "contacts": Scoring(min_separation=6, pairs="contacts"),
    "authors": Scoring(averaging="pooled", grid=0.001, head="oracle"),
}
_SQUASHED = frozenset({"authors"})


def scoring(name: str, **overrides: Any) -> Scoring:
    """A ready-made protocol with some fields overridden; an override of None leaves the field as it is."""
    if name not in PROTOCOLS:
        message = f"protocol {name!r}: must be one of {', '.join(PROTOCOLS)}"
        raise ValueError(message)
    ready = PROTOCOLS[name]
    chosen = replace(ready, **{key: value for key, value in overrides.items() if value is not None})
    if chosen.molecule != ready.molecule:
        message = (
            f"pairs {chosen.pairs!r}: base pairs of RNAs and contacts of proteins (protocol contacts) are two tasks"
        )
        raise ValueError(message)
    return chosen


def squash_of(name: str) -> Literal["none", "sigmoid"]:
    """What the ready-made protocol of this name does to scores before they are judged."""
    return "sigmoid" if name in _SQUASHED else "none"


def protocol_name(chosen: Scoring) -> str:
    """`paper`, or `paper:min_separation=4` with the fields that differ from the nearest ready-made protocol."""
    differences = {
        name: [f"{f.name}={getattr(chosen, f.name)}" for f in fields(Scoring) if _differs(chosen, ready, f.name)]
        for name, ready in PROTOCOLS.items()
        if ready.molecule == chosen.molecule
    }
    name = min(differences, key=lambda n: len(differences[n]))
    return name if not differences[name] else f"{name}:{','.join(differences[name])}"


def _differs(one: Scoring, other: Scoring, field: str) -> bool:
    return bool(getattr(one, field) != getattr(other, field))


def protocol_fields(chosen: Scoring, read_out: ReadOut) -> dict[str, Any]:
    """Both halves flat, as logged with every run."""
    name = protocol_name(chosen)
    usual_squash = squash_of(name.partition(":")[0])
    for field, usual in (("score_scale", "raw"), ("token_pairs", "mean"), ("squash", usual_squash)):
        if (value := getattr(read_out, field)) != usual:
            name += f"{',' if ':' in name else ':'}{field}={value}"
    return {"name": name, **asdict(chosen), **asdict(read_out)}
