"""Clusters of kin: RNAs at 80 % identity or more, or of one family, joined by single linkage."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int

from rnaexp.rna import LETTERS, Rna

WORD = 6
# At 80 % identity an RNA keeps about a quarter of its words (0.8^6). Below this share, a short RNA scattered over a
# long one can reach 80 % of its own length by chance: in SPOT-RNA's sets such pairs share at most 0.18, kin 0.20 up.
_MIN_SHARED_WORDS = 0.2


def cluster(rnas: Sequence[Rna], identity: float = 0.8) -> list[str]:
    """The cluster name of each RNA: equal names were joined. To compare two sets, call it with both together.

    RNAs of one `family`, of one known `cluster` (a clan), and of one sequence are joined; so are those identical in at
    least `identity` of the shorter one's bases (global alignment, free end gaps).
    """
    group = _Groups(len(rnas))
    _join_equal(group, [rna.family for rna in rnas])
    _join_equal(group, [rna.cluster for rna in rnas])
    _join_equal(group, [rna.sequence for rna in rnas])
    distinct = _first_of_each_sequence(rnas)
    for i, j in _sharing_words([rnas[at].sequence for at in distinct]):
        a, b = distinct[i], distinct[j]
        if group.of(a) != group.of(b) and sequence_identity(rnas[a].sequence, rnas[b].sequence) >= identity:
            group.join(a, b)
    return [_name(rnas[group.of(at)]) for at in range(len(rnas))]


def _name(first: Rna) -> str:
    """Id and sequence of the first member: two sets that both hold a `seq1` do not share a cluster by accident."""
    return f"{first.id}~{hashlib.sha256(first.sequence.encode()).hexdigest()[:8]}"


def clustered(rnas: Sequence[Rna], identity: float = 0.8) -> tuple[Rna, ...]:
    """The RNAs with `cluster` set."""
    return tuple(replace(rna, cluster=name) for rna, name in zip(rnas, cluster(rnas, identity), strict=True))


def related(rnas: Sequence[Rna], others: Sequence[Rna], identity: float = 0.8) -> set[str]:
    """Ids of `rnas` that have a direct relative in `others`; kin of kin, which `cluster` joins, do not count."""
    both = [rna.sequence for rna in (*rnas, *others)]
    return {
        rnas[i].id
        for i, j in _sharing_words(both)
        if i < len(rnas) <= j and sequence_identity(both[i], both[j]) >= identity
    }


class _Groups:
    """Union-find; a group's name is its lowest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def of(self, at: int) -> int:
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at

    def join(self, a: int, b: int) -> None:
        low, high = sorted((self.of(a), self.of(b)))
        self._parent[high] = low


def _join_equal(group: _Groups, keys: Sequence[str | None]) -> None:
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
    words = _word_table(sequences)
    counts = np.asarray(words.sum(1)).ravel()
    for at in range(len(sequences) - 1):
        shared = _shared_with_later(words, at)
        shorter = np.minimum(counts[at], counts[at + 1 :])
        for later in np.flatnonzero(shared >= np.maximum(2, _MIN_SHARED_WORDS * shorter)):
            yield at, at + 1 + int(later)


def _shared_with_later(words: Any, at: int) -> Int[np.ndarray, " r"]:
    return np.asarray((words[at + 1 :] @ words[at].T).todense()).ravel()


def _word_table(sequences: Sequence[str]) -> Any:
    """Sparse table, an RNA a row: which words of six bases it contains (words with N left out)."""
    from scipy.sparse import csr_matrix

    rows, columns = [], []
    for at, sequence in enumerate(sequences):
        found = {sequence[i : i + WORD] for i in range(len(sequence) - WORD + 1)}
        codes = [int(word.translate(_DIGITS), 4) for word in found if "N" not in word]
        rows += [at] * len(codes)
        columns += codes
    return csr_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(len(sequences), 4**WORD))


_DIGITS = str.maketrans("ACGU", "0123")


def sequence_identity(a: str, b: str) -> float:
    """Identical columns over the shorter length, in a global alignment with free end gaps (+1 / -1 / -2 / -0.5).

    N is identical to nothing.
    """
    from biotite.sequence import GeneralSequence, LetterAlphabet
    from biotite.sequence.align import SubstitutionMatrix, align_optimal

    alphabet = LetterAlphabet(LETTERS)
    # biotite counts in whole numbers: every score of the line above is doubled.
    matrix = SubstitutionMatrix(alphabet, alphabet, _scores())
    first, second = GeneralSequence(alphabet, a), GeneralSequence(alphabet, b)
    found = align_optimal(first, second, matrix, gap_penalty=(-4, -1), terminal_penalty=False, max_number=1)[0]
    columns = found.trace[(found.trace >= 0).all(1)]
    same = sum(a[i] == b[j] != "N" for i, j in columns)
    return same / min(len(a), len(b))


def _scores() -> Int[np.ndarray, "5 5"]:
    return np.where(np.eye(len(LETTERS), dtype=bool), 2, -2).astype(np.int32)
