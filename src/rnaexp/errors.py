"""Errors a caller can act on; the command line turns each into one line and an exit code."""

from pathlib import Path


class InputError(ValueError):
    """The user's data is malformed: exit 65. Says what, in which file and line, and what to do."""

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        self.message, self.path, self.line = message, path, line
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + message)


class UnavailableError(RuntimeError):
    """Something outside this program cannot be had (weights, a download, a server): exit 69."""


class TooLongError(ValueError):
    """An RNA has more bases than the model reads; the RNA is skipped and counted, never cut."""


class UnsuitableError(ValueError):
    """A model cannot read this RNA at all (no alignment, a letter it does not know); skipped and counted."""


class ScoreError(ValueError):
    """A map holds no usable scores (not finite, or all zero where a correction divides by its total)."""


class LeakageError(ValueError):
    """A test set, or a cluster of it, was used for tuning."""


REFUSED = (InputError, LeakageError, UnavailableError)  # errors that name their cause: one job ends, others go on


class Terminated(BaseException):
    """SIGTERM or Ctrl-C arrived: exit 143. A BaseException, so that no library swallows it."""
