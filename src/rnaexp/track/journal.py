"""Everything a run logs, on disk before it goes to MLflow: one folder per run tree.

`<outbox>/<uuid>/journal.jsonl` holds one operation a line, `files/` the artifacts they name. A line is written after
the file it names, so whatever stands in a journal is complete. While its run lives, a process holds a lock on it.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Self

from rnaexp.data.atomic import naming

Operation = dict[str, Any]


def begun(folder: Path) -> tuple[bool, int, str]:
    """Whether a waiting tree hangs under another's run, when it was begun (milliseconds, 0: unknown), its folder.

    So sorted, a tree comes after the one that it hangs under, whatever the clock did.
    """
    try:
        with (folder / "journal.jsonl").open(encoding="utf-8") as lines:
            header, start = json.loads(lines.readline()), json.loads(lines.readline())
    except (OSError, ValueError):
        return False, 0, folder.name
    return start.get("under") is not None, header.get("time", 0), folder.name


class Journal:
    """One run tree's operations, appended by the one process that holds the lock."""

    def __init__(self, folder: Path, lines: FileIO) -> None:
        self.folder, self._lines = folder, lines

    @classmethod
    def create(cls, outbox: Path, header: Mapping[str, Any]) -> Self:
        """A new, locked journal; the header says which store and experiment it is meant for."""
        folder = outbox.absolute() / uuid.uuid4().hex
        (folder / "files").mkdir(parents=True)
        lines = FileIO(folder / "journal.jsonl", "a+")
        fcntl.flock(lines, fcntl.LOCK_EX)
        journal = cls(folder, lines)
        journal.append({"op": "open", **header})
        return journal

    @classmethod
    def claim(cls, folder: Path) -> Self | None:
        """An existing journal, or None if its process still lives or it is gone."""
        try:
            lines = FileIO(folder / "journal.jsonl", "a+")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lines.close()
            return None
        return cls(folder, lines) if folder.exists() else None

    def append(self, operation: Operation) -> None:
        """Write one operation through to the disk.

        Raises: OSError, which names the file; then nothing of the operation is in it.
        """
        number, line = self._lines.fileno(), (json.dumps(operation) + "\n").encode()
        whole = os.fstat(number).st_size
        with naming(self.folder / "journal.jsonl"):
            try:
                while line:
                    line = line[self._lines.write(line) :]
                os.fsync(number)
            except OSError:
                os.ftruncate(number, whole)  # a line that follows must not go on from a torn one
                raise

    def operations(self) -> list[Operation]:
        """All of them in order; a last line torn by a power cut is cut off."""
        self._lines.seek(0)
        text = self._lines.readall()
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            self._lines.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def new_file(self, name: str) -> tuple[Path, str]:
        """Where to write an artifact of this file name, and what the operation calls it."""
        key = f"files/{uuid.uuid4().hex}/{name}"
        path = self.folder / key
        path.parent.mkdir()
        return path, key

    def close(self) -> None:
        """Let go of the lock; the folder stays for a later push."""
        self._lines.close()

    def remove(self) -> None:
        """Everything is in MLflow: delete the folder, then let go of the lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lines.close()
