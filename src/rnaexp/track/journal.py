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
from pathlib import Path
from typing import IO, Any, Self

Operation = dict[str, Any]


def begun(folder: Path) -> tuple[int, str]:
    """When a waiting tree was begun, in milliseconds, and its folder's name; 0 for one that does not say."""
    try:
        with (folder / "journal.jsonl").open(encoding="utf-8") as lines:
            header = json.loads(lines.readline())
    except (OSError, ValueError):
        return 0, folder.name
    return header.get("time", 0), folder.name


class Journal:
    """One run tree's operations, appended by the one process that holds the lock."""

    def __init__(self, folder: Path, lines: IO[str]) -> None:
        self.folder, self._lines = folder, lines

    @classmethod
    def create(cls, outbox: Path, header: Mapping[str, Any]) -> Self:
        """A new, locked journal; the header says which store and experiment it is meant for."""
        folder = outbox.absolute() / uuid.uuid4().hex
        (folder / "files").mkdir(parents=True)
        lines = (folder / "journal.jsonl").open("a+", encoding="utf-8")
        fcntl.flock(lines, fcntl.LOCK_EX)
        journal = cls(folder, lines)
        journal.append({"op": "open", **header})
        return journal

    @classmethod
    def claim(cls, folder: Path) -> Self | None:
        """An existing journal, or None if its process still lives or it is gone."""
        try:
            lines = (folder / "journal.jsonl").open("a+", encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lines.close()
            return None
        return cls(folder, lines) if folder.exists() else None

    def append(self, operation: Operation) -> None:
        """Write one operation through to the disk."""
        self._lines.write(json.dumps(operation) + "\n")
        self._lines.flush()
        os.fsync(self._lines.fileno())

    def operations(self) -> list[Operation]:
        """All of them in order; a last line torn by a power cut is cut off."""
        self._lines.seek(0)
        text = self._lines.read()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._lines.truncate(len(whole.encode()))
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
