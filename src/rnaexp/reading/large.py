"""Sets too large to hold: outlines of all heads, one head's bands, one head's lists; one RNA in memory at a time.

Outlines stay in the store. Bands and lists are some thousand numbers an RNA: they lie in its scratch until a run has
ended, and who misses one reads it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnaexp.models.spec import Encoder
from rnaexp.reading.also import Also
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.processes import processes
from rnaexp.reading.read import NOT_THERE, Progress, Skipped, read_one, run_missing, suitable_of
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.bands import Band, band_of, stored_band
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.outlines import Counts, unpacked
from rnaexp.structure.pairs import reference
from rnaexp.structure.reading import Reading, known_pairs, scorable, scores_from, sequence_sha256
from rnaexp.structure.windows import windows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """Of the RNAs of a set that could be read, with their numbers of reference pairs, one after the other."""

    store: Store
    keys: tuple[str, ...]
    references: tuple[int, ...]

    def __iter__(self) -> Iterator[tuple[Counts, int]]:
        for key, references in zip(self.keys, self.references, strict=True):
            entry = self.store.get(key)
            if entry is None:
                raise RuntimeError(NOT_THERE.format("an outline"))
            yield unpacked(entry), references


def read_outlines(
    encoder: Encoder,
    rnas: Sequence[Rna],
    reading: Reading,
    store: Store,
    *,
    progress: Progress,
    head: tuple[int, int] | None = None,
) -> tuple[Outlines, list[Rna], list[Skipped]]:
    """Outlines, the RNAs that have one, and why the others have none. `head`: its lists are made on the way.

    Raises: InputError for an RNA that is too long, if the reading says so.
    """
    keys = {rna.id: key_of_entry(encoder, rna, reading) for rna in rnas}
    there = {rna.id for rna in rnas if store.get(keys[rna.id]) is not None}
    suitable, skipped = suitable_of(encoder, rnas, reading.long, there)
    missing = [rna for rna in suitable if rna.id not in there]
    progress(len(rnas) - len(missing))
    also = Also.of(encoder, suitable, reading, head, store.scratch)
    run_missing(encoder, suitable, missing, reading, store, keys, progress, also)
    read = []
    for rna in suitable:
        entry = store.get(keys[rna.id])
        if entry is None:
            raise RuntimeError(NOT_THERE.format(rna.id))
        if "failed" in entry:
            skipped.append(Skipped(id=rna.id, reason=str(entry["failed"]), failed=True))
        else:
            read.append(rna)
    references = tuple(len(reference(rna, reading.scoring)) for rna in read)
    return Outlines(store=store, keys=tuple(keys[rna.id] for rna in read), references=references), read, skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """One head's bands or lists of some RNAs, by place; each is made when it is first looked at.

    `lists`: keys of the complete lists that bands are part of, where some may be there already.
    """

    encoder: Encoder
    reading: Reading
    store: Store
    rnas: tuple[Rna, ...]
    keys: tuple[str, ...]
    lists: tuple[str, ...] = ()

    @classmethod
    def of(cls, encoder: Encoder, rnas: Sequence[Rna], reading: Reading, store: Store) -> "Entries":
        """Nothing is read yet."""
        keys = tuple(key_of_entry(encoder, rna, reading) for rna in rnas)
        whole = replace(reading, band=None)
        lists = () if reading.band is None else tuple(key_of_entry(encoder, rna, whole) for rna in rnas)
        return cls(encoder=encoder, reading=reading, store=store, rnas=tuple(rnas), keys=keys, lists=lists)

    def read(self, progress: Progress) -> None:
        """All that are missing, each of several processes its share."""
        scratch = self.store.scratch
        missing = [rna for place, rna in enumerate(self.rnas) if self._there(place) is None]
        progress(len(self.rnas) - len(missing))
        keys = {rna.id: key for rna, key in zip(self.rnas, self.keys, strict=True)}
        run_missing(self.encoder, self.rnas, missing, self.reading, scratch, keys, progress)

    def at(self, place: int) -> dict[str, np.ndarray]:
        """One RNA's. Raises: ScoreError if its map is not what it was."""
        key, scratch = self.keys[place], self.store.scratch
        entry = self._there(place)
        if entry is None:
            entry = self.store.get(key)  # of older versions, which kept lists for good
        if entry is None:
            entry = read_one(self.encoder, self.rnas[place], self.reading, scratch)
            scratch.put(key, entry)
        return entry

    def _there(self, place: int) -> dict[str, np.ndarray] | None:
        """Of the scratch, a band as part of its list as well."""
        scratch = self.store.scratch
        entry = scratch.get(self.keys[place])
        if entry is not None or self.reading.band is None:
            return entry
        whole = scratch.get(self.lists[place])
        if whole is None:
            return None
        rna, scoring = self.rnas[place], self.reading.scoring
        return band_of(whole["scores"][0], known_pairs(rna, scoring)[whole["indices"][0]], self.reading.band)

    def bands(self) -> Iterator[tuple[Band, int]]:
        """Each RNA's, with its number of reference pairs."""
        for place, rna in enumerate(self.rnas):
            yield stored_band(self.at(place)), len(reference(rna, self.reading.scoring))

    def remove(self) -> None:
        """They are not needed any more."""
        scratch = self.store.scratch
        for key in self.keys:
            scratch.remove(key)


class Lists:
    """Entries with a memory for the last one, as its scores, indices and hits are looked at one after the other."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self._last: tuple[int, RnaScores] | None = None

    def at(self, place: int) -> RnaScores:
        """One RNA's, held until another's is wanted."""
        last = self._last
        if last is None or last[0] != place:
            reading = self.entries.reading
            rna, entry = self.entries.rnas[place], self.entries.at(place)
            last = self._last = place, scores_from(rna, entry, reading.scoring, reading.read_out)
        return last[1]


class ListedScores(RnaScores):
    """An RNA's every candidate under one head, which is looked up wherever it is looked at, and not held."""

    def __init__(self, lists: Lists, place: int, known: dict[str, Any]) -> None:
        for name, value in {**known, "_lists": lists, "_place": place}.items():
            object.__setattr__(self, name, value)

    @property
    def scores(self) -> np.ndarray:
        """As `RnaScores`."""
        return self._held().scores

    @property
    def indices(self) -> np.ndarray:
        """As `RnaScores`."""
        return self._held().indices

    @property
    def hits(self) -> np.ndarray:
        """As `RnaScores`."""
        return self._held().hits

    @property
    def content(self) -> str:
        """What decides it all: its key stands for what is in the lists."""
        lists, place = self.__dict__["_lists"], self.__dict__["_place"]
        known = [self.id, self.sequence_sha256, self.cluster, self.match, self.reference.tolist()]
        return repr((lists.entries.keys[place], known))

    def _held(self) -> RnaScores:
        held: RnaScores = self.__dict__["_lists"].at(self.__dict__["_place"])
        return held


def listed(encoder: Encoder, rnas: Sequence[Rna], reading: Reading, store: Store) -> tuple[ListedScores, ...]:
    """One head's complete lists. Several processes make them at once, each its share; one makes each where needed."""
    entries = Entries.of(encoder, rnas, reading, store)
    if processes() > 1:
        entries.read(lambda done: None)
    lists = Lists(entries)
    return tuple(ListedScores(lists, place, _known(encoder, rna, reading)) for place, rna in enumerate(rnas))


def without_lists(encoder: Encoder, rna: Rna, reading: Reading) -> RnaScores:
    """What is known of an RNA before anything is read, under all heads."""
    nothing = (encoder.layers * encoder.heads, 0)
    known = {**_known(encoder, rna, reading), "complete": False}
    return RnaScores(**known, scores=np.zeros(nothing, np.float32), indices=np.zeros(nothing, np.int32))


def let_go(scores: HeadScores | None) -> None:
    """A run has ended: its lists are not kept. Who still looks at one has it read again."""
    found = {id(one.__dict__["_lists"]): one.__dict__["_lists"] for one in _listed(scores)}
    for lists in found.values():
        lists.entries.remove()


def _listed(scores: HeadScores | None) -> list[ListedScores]:
    return [] if scores is None else [one for one in scores.rnas if isinstance(one, ListedScores)]


def _known(encoder: Encoder, rna: Rna, reading: Reading) -> dict[str, Any]:
    windows = windows_of(encoder, rna, reading.long)
    return {
        "id": rna.id,
        "sequence_sha256": sequence_sha256(rna),
        "cluster": rna.cluster or rna.id,
        "bases": len(rna),
        "candidates": int(scorable(rna, reading.scoring, windows).sum()),
        "reference": reference(rna, reading.scoring),
        "complete": True,
        "match": reading.scoring.match,
        "read": True,
    }
