"""How a model is run, as words that a user chooses among; nothing here takes time to import."""

from dataclasses import dataclass
from typing import Literal, get_args

from rnaexp.errors import InputError

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
# How a score of two tokens becomes scores of the bases they cover; see `models.spread.Spread`.
TokenPairs = Literal["mean", "max", "share"]
TOKEN_PAIRS: tuple[str, ...] = get_args(TokenPairs)
# What becomes of an RNA that is too long: left out and counted, read in parts, or the end of the run.
Long = Literal["skip", "window", "error"]
LONG: tuple[str, ...] = get_args(Long)
LONG_HELP = (
    "RNAs longer than the model reads: left out and counted, read in overlapping parts (pairs further apart than a "
    "part have no score), or an error."
)
TOKEN_PAIRS_HELP = (
    "How a score of two k-mers, codons or BPE tokens becomes scores of their bases: mean over all tokens that cover "
    "them (attention to a token does not say which base is meant), max of these, or share: divided among a token's "
    "bases. Nothing where a token is a base."
)

# What is done to the alignments of a set; `data.alter.altered_set` does it.
How = Literal[
    "intact", "shuffled", "realigned", "depth-1", "depth-2", "depth-4", "depth-8", "depth-16", "depth-32", "depth-64"
]
# How likelihoods score a variant; see `fitness.conventions`.
Convention = Literal[
    "wild-type-marginal",
    "masked-marginal",
    "mutant-marginal",
    "mask-fill",
    "match-fill",
    "pseudo-likelihood",
    "left-to-right",
]
Direction = Literal["higher", "lower"]  # which measured scores are fitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Which structure is drawn. `pseudoknots`: crossing pairs as well. `fold`: ViennaRNA's, with the scores."""

    pseudoknots: bool = False
    fold: bool = False


PLAIN = Drawing()


def refuse_unknown(precision: str, token_pairs: str) -> None:
    """Raise InputError for a word that is neither."""
    for name, value, known in (("precision", precision, PRECISIONS), ("token-pairs", token_pairs, TOKEN_PAIRS)):
        if value not in known:
            message = f"--{name} {value!r}: must be {', '.join(known[:-1])} or {known[-1]}"
            raise InputError(message)


def refuse_unknown_device(device: str) -> None:
    """Raise InputError for a word that is no device; whether there is such a one torch knows."""
    if device not in ("auto", "cpu") and not device.startswith("cuda"):
        message = f"--device {device!r}: must be auto, cpu or cuda"
        raise InputError(message)


def long_policy(word: str) -> Long:
    """Raises: InputError if it is none."""
    if word not in LONG:
        message = f"--long {word!r}: must be {', '.join(LONG[:-1])} or {LONG[-1]}"
        raise InputError(message)
    return word  # type: ignore[return-value]
