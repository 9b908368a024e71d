"""Progress on stderr: a bar on a terminal, plain lines elsewhere; stdout is for results."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

_SECONDS = 30.0  # between two lines of one piece of work

Step = Callable[[int], None]  # so many more are done


class Announce(Protocol):
    """Opens one piece of work: what, of how many (RNAs, or another unit); gives a function to call after each part."""

    def __call__(self, what: str, count: int, unit: str = ...) -> AbstractContextManager[Step]:
        """A bar, lines, or nothing."""
        ...


def say(line: str) -> None:
    """One line that is not a result, on stderr."""
    sys.stderr.write(f"rnaexp: {line}\n")


@contextmanager
def announce(what: str, count: int, unit: str = "RNAs") -> Iterator[Step]:
    """Show how many of the RNAs, or of another unit, are done."""
    if sys.stderr.isatty():
        with _bar(what, count) as step:
            yield step
    else:
        yield _lines(what, count, unit)


@contextmanager
def silence(what: str, count: int, unit: str = "") -> Iterator[Step]:
    """Show nothing: for all but the first of several processes."""
    yield lambda done: None


@contextmanager
def _bar(what: str, count: int) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=count)
        yield lambda done: bar.advance(task, done)


def _lines(what: str, count: int, unit: str) -> Step:
    """A line every 30 s, and one when all is done: a log stays short, whatever is quick."""
    finished, first, start = 0, 0, time.monotonic()
    shown = start

    def step(done: int) -> None:
        nonlocal finished, first, start, shown
        finished += done
        now = time.monotonic()
        if finished == done:  # what was there already took no time
            first, start = done, now
        if done and (finished >= count or now >= shown + _SECONDS):
            shown = now
            left = "" if finished in (first, count) else _left((count - finished) * (now - start) / (finished - first))
            sys.stderr.write(f"{what}: {finished} of {count} {unit}{left}\n")

    return step


def _left(seconds: float) -> str:
    """About how long the rest takes."""
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    return f", about {seconds / 60:.0f} min left" if seconds < 5400 else f", about {seconds / 3600:.1f} h left"
