"""What a larger search chooses among, and what it chose, as names and numbers: no torch is needed to read them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from rnaexp.settings import RECORD, Place
from rnaexp.structure.protocol import Scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One point of the search. The reference is never touched: calls may be limited, what is to be found may not.

    `heads`: the mean of so many of the best heads' scores, standardised over each map's candidates first if wanted.
    """

    heads: int = 1
    symmetrise: bool = True
    apc: bool = True
    standardise: bool = False
    min_separation: int = 1
    pairs: Literal["all", "canonical"] = "all"
    decoder: Literal["none", "greedy"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Heads, the best first, and how one score of a pair is made of them: `Choice`, in full.

    `min_separation` and `pairs` limit the calls; those of the protocol under which it was searched are in them.
    """

    __pydantic_config__ = RECORD

    heads: tuple[tuple[Place, Place], ...]
    symmetrise: bool
    apc: bool
    standardise: bool
    min_separation: Annotated[int, Field(ge=1)]
    pairs: Literal["all", "canonical"]
    decoder: Literal["none", "greedy"]
    token_pairs: Literal["mean", "max", "share"] = "mean"

    @property
    def label(self) -> str:
        """Its heads: `2.1 3.0`."""
        return " ".join(f"{layer}.{head}" for layer, head in self.heads)

    @property
    def choice(self) -> Choice:
        """As the search has it."""
        fields = asdict(self)
        return Choice(heads=len(self.heads), **{name: fields[name] for name in Choice.__slots__ if name != "heads"})


def searched(chosen: Choice, heads: Sequence[tuple[int, int]], scoring: Scoring, token_pairs: Any) -> Searched:
    """What was chosen under a protocol, whose own limits on pairs become part of it."""
    fields = {name: getattr(chosen, name) for name in Choice.__slots__ if name != "heads"}
    canonical = "canonical" in (chosen.pairs, scoring.pairs)
    limits = {
        "min_separation": max(chosen.min_separation, scoring.min_separation),
        "pairs": "canonical" if canonical else "all",
    }
    return Searched(heads=tuple(heads[: chosen.heads]), token_pairs=token_pairs, **(fields | limits))
