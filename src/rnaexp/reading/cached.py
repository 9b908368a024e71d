"""Results that are computed once: got from the store, or computed and put there, by one process or by several."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from rnaexp.reading.distributed import meet, shared_out
from rnaexp.reading.entry import Arrays
from rnaexp.reading.processes import processes, rank, shares
from rnaexp.reading.store import Store


def cached(store: Store, key: str, compute: Callable[[], Arrays]) -> Arrays:
    """What the store has under this key; else what `compute` gives, which is kept."""
    entry = store.get(key)
    if entry is None:
        entry = compute()
        store.put(key, entry)
    return entry


def fill(store: Store, keys: Mapping[int, str], compute: Callable[[int], Arrays], done: Callable[[int], None]) -> None:
    """Put each of these shards, by number, into the store; `done(at)` is called for one that was there already."""
    for at, key in keys.items():
        if store.get(key) is None:
            store.put(key, compute(at))
        else:
            done(at)


def cached_shards(
    store: Store, keys: Sequence[str], compute: Callable[[int], Arrays], done: Callable[[int], None]
) -> Iterator[Arrays]:
    """Each shard's entry, in order; what is missing is computed first, each of several processes its share.

    `compute(at)` makes a shard and tells its own progress; `done(at)` is called for one that was there already.

    Raises: RuntimeError if another process did not leave its shard in the store.
    """
    if shares():
        missing = [at for at, key in enumerate(keys) if store.get(key) is None]
        for at, made in zip(missing, shared_out(compute, missing), strict=True):
            store.put(keys[at], made)
    fill(store, {at: keys[at] for at in range(rank(), len(keys), processes())}, compute, done)
    meet()
    for at, key in enumerate(keys):
        entry = store.get(key)
        if entry is None:
            message = f"shard {at + 1} of {len(keys)} is not in the store; do all processes see {store.root}? Run again"
            raise RuntimeError(message)
        yield entry
