"""What the tasks of one evaluation share: store, progress, and what is to be said of them at the end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from rnaexp.report import progress as shown
from rnaexp.run.task import Announce
from rnaexp.store import Store

Progress = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`announce`: opens one piece of work. `notes`: lines that belong beside the numbers."""

    announce: Announce
    store: Store = field(default_factory=Store)
    notes: list[str] = field(default_factory=list)


def announcing(progress: Progress | bool | None) -> Announce:
    """None or False: silent; True: a bar on a terminal, lines elsewhere, on stderr; else the caller's function."""
    if not progress:
        return shown.silence
    if progress is True:
        return shown.announce

    def announce(what: str, count: int) -> AbstractContextManager[Callable[[int], None]]:
        return _told(progress, what, count)

    return announce


@contextmanager
def _told(progress: Progress, what: str, count: int) -> Iterator[Callable[[int], None]]:
    done = 0
    progress(what, 0, count)

    def step(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done, count)

    yield step
