"""What a task is given to work with: the store of results, progress, a seed, and the lines to print at the end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from rnaexp.progress import Announce
from rnaexp.reading.store import Store

Progress = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`announce`: opens one piece of work. `notes`: lines that belong with the numbers."""

    announce: Announce
    store: Store = field(default_factory=Store)
    notes: list[str] = field(default_factory=list)
    seed: int = 0


def calling(progress: Progress) -> Announce:
    """Pieces of work announced to the caller's own function."""

    def announce(what: str, count: int, unit: str = "") -> AbstractContextManager[Callable[[int], None]]:
        return _reporting(progress, what, count)

    return announce


@contextmanager
def _reporting(progress: Progress, what: str, count: int) -> Iterator[Callable[[int], None]]:
    done = 0
    progress(what, 0, count)

    def step(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done, count)

    yield step
