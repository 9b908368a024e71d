"""Clusters of relatives: RNAs at 80 % identity or more, or of one family, joined by single linkage."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from rnaexp.rna import Rna

WORD = 6
_BLOCK = 256

# At 80 % identity an RNA keeps about a quarter of its words (0.8^6). A short RNA scattered over a long one can also
# reach 80 % of its own length, by chance; it then shares fewer: in SPOT-RNA's sets relatives share 0.2 of its
# words and more, strangers under 0.19, and each word that the longer one has in excess adds one chance in 4^6.
_MIN_SHARE = 0.19
_CHANCE_FACTOR = 3


def cluster(rnas: Sequence[Rna], identity: float = 0.8) -> list[str]:
    """The cluster name of each RNA: equal names were joined. To compare two sets, call it with both together.

    RNAs of one `family`, of one known `cluster` (a clan), and of one sequence are joined; so are those identical in at
    least `identity` of the shorter one's bases (global alignment, free end gaps). Between two named families that must
    hold over the whole aligned stretch, gaps included: nine families must not become one by a chance hit of 30 bases.
    """
    group = Groups(len(rnas))
    join_equal(group, [rna.family for rna in rnas])
    join_equal(group, [rna.cluster for rna in rnas])
    join_equal(group, [rna.sequence for rna in rnas])
    distinct = _first_of_each_sequence(rnas)
    for i, j in _sharing_words([rnas[at].sequence for at in distinct]):
        a, b = distinct[i], distinct[j]
        if group.of(a) != group.of(b) and _are_related(rnas[a], rnas[b], identity):
            group.join(a, b)
    return [name_of(rnas[group.of(at)]) for at in range(len(rnas))]


def _are_related(a: Rna, b: Rna, identity: float) -> bool:
    from rnaexp.data.whole_alignment import identical_columns

    same, stretch = identical_columns(a.sequence, b.sequence)
    two_families = a.family is not None and b.family is not None
    return same >= identity * (stretch if two_families else min(len(a), len(b)))


def name_of(first: Rna) -> str:
    """Id and sequence of the first member: two sets that both hold a `seq1` do not share a cluster by accident."""
    return f"{first.id}~{hashlib.sha256(first.sequence.encode()).hexdigest()[:8]}"


def clustered(rnas: Sequence[Rna], identity: float = 0.8) -> tuple[Rna, ...]:
    """The RNAs with `cluster` set."""
    return tuple(replace(rna, cluster=name) for rna, name in zip(rnas, cluster(rnas, identity), strict=True))


def related(rnas: Sequence[Rna], others: Sequence[Rna], identity: float = 0.8) -> set[str]:
    """Ids of `rnas` that have a direct relative in `others`; theirs, which `cluster` joins, do not count."""
    both = [rna.sequence for rna in (*rnas, *others)]
    return {
        rnas[i].id
        for i, j in _sharing_words(both)
        if i < len(rnas) <= j and sequence_identity(both[i], both[j]) >= identity
    }


class Groups:
    """Union-find; a group's name is its lowest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def of(self, at: int) -> int:
        """The lowest member of this one's group."""
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at

    def join(self, a: int, b: int) -> None:
        """Make two groups one."""
        low, high = sorted((self.of(a), self.of(b)))
        self._parent[high] = low


def join_equal(group: Groups, keys: Sequence[str | None]) -> None:
    """Join the members of one key; None is equal to nothing."""
    first: dict[str, int] = {}
    for at, key in enumerate(keys):
        if key is not None:
            group.join(first.setdefault(key, at), at)


def _first_of_each_sequence(rnas: Sequence[Rna]) -> list[int]:
    first: dict[str, int] = {}
    for at, rna in enumerate(rnas):
        first.setdefault(rna.sequence, at)
    return list(first.values())


def _sharing_words(sequences: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of indices that share enough words of six bases to be worth aligning."""
    words = word_table(sequences)
    counts = words.sum(1)
    for start in range(0, len(sequences), _BLOCK):
        block = slice(start, start + _BLOCK)
        shorter = np.minimum(counts[block, None], counts[None, start:])
        excess = np.abs(counts[block, None] - counts[None, start:])
        enough = shorter * (_MIN_SHARE + _CHANCE_FACTOR * excess / 4**WORD)
        shared = words[block] @ words[start:].T
        for i, j in np.argwhere(shared >= np.maximum(2, enough)):
            if i < j:
                yield start + int(i), start + int(j)


def word_table(sequences: Sequence[str]) -> Float32[np.ndarray, "r w"]:
    """Which words of six bases each RNA contains (words with N left out)."""
    table = np.zeros((len(sequences), 4**WORD), np.float32)
    for row, sequence in zip(table, sequences, strict=True):
        found = {sequence[at : at + WORD] for at in range(len(sequence) - WORD + 1)}
        row[[int(word.translate(_DIGITS), 4) for word in found if "N" not in word]] = 1
    return table


_DIGITS = str.maketrans("ACGU", "0123")


def sequence_identity(a: str, b: str) -> float:
    """Identical columns over the shorter length, in a global alignment with free end gaps (+1 / -1 / -2 / -0.5).

    N is identical to nothing.
    """
    from rnaexp.data.whole_alignment import identical_columns

    return identical_columns(a, b)[0] / min(len(a), len(b))
