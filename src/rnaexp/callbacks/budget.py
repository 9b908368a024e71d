"""What a probe may cost: how many RNAs it reads is settled before it starts, so that nothing is ever cut short."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from rnaexp.data.dataset import DataSet
from rnaexp.errors import InputError
from rnaexp.rna import Rna
from rnaexp.tasks.pairs.sets import Sets

LEAST = 5  # RNAs of either set, below which a probe would say too little
_MARGIN = 1.25  # by which a probe may take longer than the last one did for as many bases


@dataclass(slots=True)
class Account:
    """Seconds of training and of probes. `share`: of the training's seconds, all probes together; 0: no limit.

    `most`: seconds of one probe; 0: no limit. A probe takes `fixed` seconds and `rate` for each base that it reads, as
    the last one did; the first one finds that out on the fewest RNAs.
    """

    share: float = 0.0
    most: float = 0.0
    clock: Callable[[], float] = time.monotonic
    spent: float = 0.0
    probes: int = 0
    fixed: float = 0.0
    rate: float | None = None
    _began: float | None = field(default=None, init=False)
    _since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            message = f"share={self.share}: of the training's time, from 0 (no limit) to below 1"
            raise InputError(message)
        if self.most < 0:
            message = f"max_seconds={self.most}: at least 0 (no limit)"
            raise InputError(message)

    def begin(self) -> None:
        """From now on there is training; only the first call counts."""
        self._began = self.clock() if self._began is None else self._began

    @property
    def seconds(self) -> float:
        """Of the probes, the one that is running included."""
        return self.spent + (0.0 if self._since is None else self.clock() - self._since)

    @property
    def trained(self) -> float:
        """Seconds of training so far, without the probes."""
        return 0.0 if self._began is None else self.clock() - self._began - self.seconds

    @property
    def used(self) -> float:
        """The probes' seconds as a share of the training's; infinite before there is any training."""
        return self.seconds / self.trained if self.trained > 0 else float("inf")

    @property
    def limited(self) -> bool:
        """Whether there is a budget."""
        return self.share > 0 or self.most > 0

    def allowed(self) -> float:
        """Seconds that a probe may take now."""
        limits = [self.most] if self.most else []
        limits += [self.share * self.trained - self.seconds] if self.share else []
        return min(limits, default=float("inf"))

    def level(self, bases: Sequence[int]) -> int | None:
        """The first of these numbers of bases (falling) that may be read now; None if not even the last one may.

        Before a probe has shown what one costs it is the last.
        """
        if not self.limited:
            return 0
        if self.rate is None:
            return len(bases) - 1
        allowed = self.allowed()
        fitting = [at for at, count in enumerate(bases) if _MARGIN * (self.fixed + self.rate * count) <= allowed]
        return min(fitting, default=None)

    @contextmanager
    def probing(self) -> Iterator[None]:
        """What happens in it is a probe's."""
        self.begin()
        self._since = self.clock()
        try:
            yield
        finally:
            self.spent, self._since = self.seconds, None

    def __str__(self) -> str:
        of = f", {100 * self.used:.1f} % of {self.trained:.0f} s of training" if self.trained > 0 else ""
        return f"{self.probes} probes took {self.spent:.1f} s{of}"


def levels_of(sets: Sets) -> list[Sets]:
    """The sets whole, then a half, a quarter and so on of both, as long as `LEAST` RNAs with pairs are in each.

    Each part holds the next smaller one and, as far as it can, RNAs of every cluster, so that neighbours in a curve
    differ in few RNAs.
    """
    validation, test, related = sets
    assert validation is not None, "a probe tunes"
    orders = [_spread(validation.rnas, set(related)), _spread(test.rnas, set())]
    found, part = [sets], 2
    while all(-(-len(order) // part) >= LEAST for order in orders):
        halves = [_first(data, order, part) for data, order in zip((validation, test), orders, strict=True)]
        found.append((halves[0], halves[1], ()))
        part *= 2
    return found


def bases_of(sets: Sets) -> int:
    """How many bases a probe of them reads."""
    return sum(len(rna) for data in sets[:2] if data is not None for rna in data.rnas if rna.pairs)


def _spread(rnas: Sequence[Rna], without: set[str]) -> list[Rna]:
    """Those with pairs: one of every cluster, then a second one of every cluster, and so on."""
    drawn = sorted((rna for rna in rnas if rna.pairs and rna.id not in without), key=_drawn)
    rounds: list[tuple[int, Rna]] = []
    seen = Counter[str | None]()
    for rna in drawn:
        rounds.append((seen[rna.cluster], rna))
        seen[rna.cluster] += 1
    return [rna for _, rna in sorted(rounds, key=lambda each: each[0])]


def _drawn(rna: Rna) -> str:
    return hashlib.sha256(rna.sequence.encode()).hexdigest()


def _first(data: DataSet, order: Sequence[Rna], part: int) -> DataSet:
    kept = {rna.id for rna in order[: -(-len(order) // part)]}
    return replace(data, rnas=tuple(rna for rna in data.rnas if rna.id in kept))
