"""The structure that is drawn: maximum expected accuracy under the calibrated probabilities of pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int

from rnaexp.data.dot_bracket import BracketError, parse_dot_bracket
from rnaexp.rna import Pair, Rna
from rnaexp.structure.best_pairs import best_pairs, one_structure
from rnaexp.structure.calibrate import HAIRPIN, Drawable
from rnaexp.structure.pairs import canonical
from rnaexp.structure.probabilities import Calibration, StructureView

# Share of the log-likelihood ratios that become energies: the pairs of a helix score alike, so each is not evidence of
# its own. A quarter was as good as any on SPOT-RNA VL1 for lm-nano and msm-nano (benchmarks/views.py).
FOLD_WEIGHT = 0.25
_SINGLE = 1e-5  # relative: what a sum of single precision may be away; 20,000 random tables gave 1e-7 at most


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTable:
    """The pairs of one RNA that a structure may hold (places i * n + j), and their probabilities.

    No base's probabilities sum to more than 1.
    """

    bases: int
    places: Int[np.ndarray, "p"]
    probabilities: Float64[np.ndarray, "p"]

    def free(self) -> Float64[np.ndarray, "n"]:
        """Probability of each base to have no partner."""
        i, j = self.places // self.bases, self.places % self.bases
        unpaired: np.ndarray = np.maximum(0.0, 1 - _sums(i, j, self.probabilities, self.bases))
        return unpaired

    def at(self, pairs: Sequence[Pair]) -> list[float | None]:
        """Probabilities of these pairs; None of one that no structure may hold."""
        wanted = [i * self.bases + j for i, j in pairs]
        there = np.isin(self.places, wanted)
        known = dict(zip(self.places[there].tolist(), self.probabilities[there].tolist(), strict=True))
        return [known.get(place) for place in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A structure that can be drawn: canonical pairs, sorted, one partner a base, each with its confidence.

    `expected_precision`: the mean confidence, None without a pair. `expected_f1`: F1 if as many pairs are right as the
    confidences say, and as many are there as the probabilities say.
    """

    pairs: tuple[Pair, ...]
    confidences: tuple[float, ...]
    expected_precision: float | None
    expected_f1: float


def pair_table(found: Drawable, calibration: Calibration) -> PairTable:
    """Calibrated; where a base's pairs sum to more than 1, each is divided by the larger sum of its two bases."""
    n, probabilities = found.bases, calibration(found.scores, found.bases)
    i, j = found.places // n, found.places % n
    sums = _sums(i, j, probabilities, n)
    largest = np.maximum(1.0, np.maximum(sums[i], sums[j]))
    return PairTable(bases=n, places=found.places, probabilities=probabilities / largest)


def _sums(i: np.ndarray, j: np.ndarray, probabilities: np.ndarray, bases: int) -> np.ndarray:
    sums: np.ndarray = np.bincount(i, probabilities, bases) + np.bincount(j, probabilities, bases)
    return sums


def folded_table(rna: Rna, found: Drawable, calibration: Calibration) -> PairTable:
    """Pair probabilities of ViennaRNA with the scores as soft constraints.

    A pair's pseudo-energy is -kT log(P(score | pair) / P(score | no pair)), as for probing data in Cordero et al. 2012,
    doi:10.1021/bi3008802, times `FOLD_WEIGHT`.
    """
    from rnaexp.models.folding import constrained_probabilities  # ViennaRNA

    energies = np.zeros((len(rna), len(rna)))
    ratios = calibration.log_likelihood_ratio(found.scores, found.bases)
    energies.ravel()[found.places] = -FOLD_WEIGHT * ratios
    return whole_table(rna, constrained_probabilities(rna, energies))


def whole_table(rna: Rna, probabilities: np.ndarray) -> PairTable:
    """Of probabilities [n n] as they are."""
    places = np.flatnonzero(np.triu(canonical(rna.sequence), HAIRPIN + 1) & (probabilities > 0))
    return PairTable(bases=len(rna), places=places, probabilities=probabilities.ravel()[places].astype(np.float64))


def nested(table: PairTable, sequence: str, gamma: float) -> tuple[Pair, ...]:
    """The nested structure with the largest sum of 2 gamma p over its pairs and of their p over its free bases.

    By ViennaRNA. Source: Do, Woods and Batzoglou 2006, doi:10.1093/bioinformatics/btl246.
    """
    return nested_each(table, sequence, (gamma,))[0]


def nested_each(table: PairTable, sequence: str, gammas: Sequence[float]) -> list[tuple[Pair, ...]]:
    """The same for several gammas.

    ViennaRNA chooses between structures that are equally good, of the pairs of all of these: to write down every pair
    for it takes longer than the decoding.
    """
    import RNA

    n, free = table.bases, table.free()
    i, j = table.places // n, table.places % n
    # As ViennaRNA holds them: what is a tie in double precision need be none there.
    probabilities, alone = (one.astype(np.float32).astype(np.float64) for one in (table.probabilities, free))
    worth = np.flatnonzero(2 * max(gammas) * probabilities > alone[i] + alone[j])  # others are better left open
    if not len(worth):
        return [()] * len(gammas)
    worth = worth[np.argsort(table.places[worth])]
    places, held = table.places[worth], probabilities[worth]
    best = worth[np.any([best_pairs(places, 2 * gamma * held, alone) for gamma in gammas], axis=0)]
    kept = zip((i[best] + 1).tolist(), (j[best] + 1).tolist(), table.probabilities[best].tolist(), strict=True)
    listed = [RNA.ep(*each, RNA.PLIST_TYPE_BASEPAIR) for each in kept]
    listed += [RNA.ep(at, at, one, RNA.PLIST_TYPE_UNPAIRED) for at, one in enumerate(free.tolist(), 1)]
    vector = RNA.ElemProbVector(listed)  # a list is turned into one at each call, which takes longer than the decoding
    given = dict(zip(table.places[best].tolist(), probabilities[best].tolist(), strict=True))
    structures = []
    for gamma in gammas:
        traced, largest = RNA.MEA_from_plist(vector, sequence, gamma)
        pairs = _pairs_worth(traced, largest, given, alone, gamma)
        if pairs is None:
            found = one_structure(places, 2 * gamma * held, alone)
            pairs = tuple(divmod(place, n) for place in found.tolist())
        structures.append(pairs)
    return structures


def _pairs_worth(
    traced: str, largest: float, given: Mapping[int, float], free: Float64[np.ndarray, "n"], gamma: float
) -> tuple[Pair, ...] | None:
    """The pairs that ViennaRNA traced; None unless their sum is the largest, as it says.

    Of structures that are equally good in single precision ViennaRNA 2.8 may trace halves of two: brackets are left
    open, or close a pair that it was never given.
    """
    try:
        pairs = parse_dot_bracket(traced)
    except BracketError:
        return None
    n = len(free)
    whole = free.sum() + sum(2 * gamma * given.get(i * n + j, -np.inf) - free[i] - free[j] for i, j in pairs)
    return pairs if whole > largest - _SINGLE * max(1.0, largest) else None


def crossing(table: PairTable, sequence: str, gamma: float, first: Sequence[Pair]) -> tuple[Pair, ...]:
    """A second nested structure, of the bases that the first leaves free: each of its pairs crosses one of the first.

    A pseudoknotted structure as nested ones, each by expected accuracy: IPknot, doi:10.1093/bioinformatics/btr215, of
    which this is the plain form, one after the other.
    """
    open_ = np.ones(table.bases, bool)
    open_[[base for pair in first for base in pair]] = False
    kept = open_[table.places // table.bases] & open_[table.places % table.bases]
    return nested(replace(table, probabilities=np.where(kept, table.probabilities, 0.0)), sequence, gamma)


def helices(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Those that stand on another pair, sorted: a pair alone is hardly ever real."""
    held = set(pairs)
    return tuple(sorted((i, j) for i, j in held if {(i + 1, j - 1), (i - 1, j + 1)} & held))


def view_of(rna: Rna, table: PairTable, how: StructureView, *, pseudoknots: bool = False) -> View:
    """Decode: nested helices; with `pseudoknots` by a second pass over the bases that are free after the first."""
    first = nested(table, rna.sequence, how.gamma)
    pairs = helices(first)
    if pseudoknots:
        pairs = tuple(sorted((*pairs, *helices(crossing(table, rna.sequence, how.gamma, first)))))
    confidences = how.confidence(np.array(table.at(pairs), np.float64))
    right = float(confidences.sum())
    return View(
        pairs=pairs,
        confidences=tuple(confidences.tolist()),
        expected_precision=right / len(pairs) if pairs else None,
        expected_f1=2 * right / (len(pairs) + max(right, float(table.probabilities.sum()))) if pairs else 0.0,
    )
