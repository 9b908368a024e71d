"""What a paired difference allows to be claimed, in one sentence that is the same wherever it is shown."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Shaped

from rnaexp.stats.intervals import FEWEST, Interval, cluster_interval


def too_few(clusters: int) -> str:
    """Why nothing is claimed; "" where there are clusters enough for an interval."""
    if clusters >= FEWEST:
        return ""
    return f"{clusters} {'family is' if clusters == 1 else 'families are'} too few for a claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A difference to `against` with its 95 % interval over clusters of relatives; no ends where they are too few."""

    against: str
    difference: float
    low: float | None
    high: float | None
    clusters: int

    @property
    def state(self) -> Literal["too few", "above", "below", "open"]:
        """Whether the whole interval is on one side of zero."""
        if self.low is None or self.high is None:
            return "too few"
        return "above" if self.low > 0 else "below" if self.high < 0 else "open"

    @property
    def ends(self) -> str:
        """`[+0.010, +0.080]`, or n/a."""
        return "n/a" if self.low is None or self.high is None else f"[{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def sentence(self) -> str:
        """`clearly above stems: +0.050 [+0.010, +0.080]`."""
        figures = f"{self.difference:+.3f} {self.ends}"
        if self.state == "too few":
            return f"{too_few(self.clusters)}: {figures} against {self.against}"
        words = {"above": "clearly above", "below": "clearly below", "open": "not clearly different from"}
        return f"{words[self.state]} {self.against}: {figures}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, the sentence among them."""
        return {**asdict(self), "state": self.state, "sentence": self.sentence}


def verdict(differences: Float[np.ndarray, "r"], clusters: Shaped[np.ndarray, "r"], *, against: str) -> Verdict | None:
    """Of differences RNA by RNA; None where there is no RNA that both have."""
    if not len(differences):
        return None
    return verdict_of(cluster_interval(differences, clusters, of="differences"), against=against)


def verdict_of(found: Interval, *, against: str) -> Verdict:
    """Of a mean difference with its interval."""
    return Verdict(against=against, difference=found.mean, low=found.low, high=found.high, clusters=found.clusters)
