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
    finished, shown = 0, time.monotonic()

    def step(done: int) -> None:
        nonlocal finished, shown
        finished += done
        if done and (finished >= count or time.monotonic() >= shown + _SECONDS):
            shown = time.monotonic()
            sys.stderr.write(f"{what}: {finished} of {count} {unit}\n")

    return step
