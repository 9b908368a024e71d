"""Why a tracking store failed, in one sentence: its disk is full or cannot be written, its server is ill."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

_SYSTEM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES})
_SQLITE = {
    sqlite3.SQLITE_FULL: os.strerror(errno.ENOSPC),
    sqlite3.SQLITE_READONLY: "cannot be written",
    sqlite3.SQLITE_CANTOPEN: "cannot be written, nor its folder",
    sqlite3.SQLITE_IOERR: os.strerror(errno.EIO),
}
_PRIMARY = 0xFF  # of SQLite's extended codes
# MLflow wraps what requests and urllib3 raise, and keeps their words alone.
_SERVER = (
    (r"(Read|Connect)Timeout|timed out", "does not answer within {seconds} s"),
    (r"Connection refused", "refuses connections: is the server running?"),
    (r"(?i)Response body: '\s*<", "answers with a web page: is MLFLOW_TRACKING_URI right, or a login page in between?"),
    (r"too many (\d+) error responses", "answers with HTTP {0}"),
    (r"IncompleteRead|Connection aborted|Connection reset|RemoteDisconnected", "breaks off its answers"),
)


def disk_fault(error: BaseException, place: Path | None) -> str | None:
    """`PATH: reason` if the error, or one it came from, is a disk's of this machine; None if it is anything else's.

    `place`: what is named where the error names nothing.
    """
    for each in _with_causes(error):
        if isinstance(each, sqlite3.Error):
            reason = _SQLITE.get(getattr(each, "sqlite_errorcode", 0) & _PRIMARY)
            if reason is not None:
                return f"{place}: {reason}"
        if isinstance(each, OSError) and each.errno in _SYSTEM:
            # Of a copy the second name is the one that is written.
            return f"{each.filename2 or each.filename or place}: {os.strerror(each.errno)}"
    return None


def server_fault(text: str, seconds: str) -> str | None:
    """What is wrong with a server, from the words of MLflow's error; None where they say something else."""
    for pattern, words in _SERVER:
        if (found := re.search(pattern, text)) is not None:
            return words.format(*found.groups(), seconds=seconds)
    return None


def timed_out(error: BaseException) -> bool:
    """Whether a server did not answer in time: another try would wait as long."""
    return re.search(_SERVER[0][0], str(error)) is not None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
