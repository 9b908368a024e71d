"""Runs the commands of the tutorials: blocks of `console` on a page are what a shell prints, and are checked to be so.

    python docs/commands.py docs/tutorials/own_rnas.md      # run a page again and write what its commands print now

A line that begins with `$ ` is a command (one with `> ` goes on with it), and what follows is its output. A page runs
from top to bottom in one shell, in a folder that holds the files of `examples/`.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH = 100  # columns of the tables
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_PORT = "5001"
_END = "-- end of a command --"
# What differs from run to run: ids, times, and progress that a library draws.
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "0123456789abcdef0123456789abcdef"),
    (re.compile(r"about \d+ to \d+ s"), "about 1 to 2 s"),
)
_NOISE = re.compile(r"^(Writing model shards|Loading weights|\d{4}/\d\d/\d\d .*(INFO|WARNING)).*\n", re.MULTILINE)


def commands_of(page: str) -> list[tuple[str, str]]:
    """Each command of a page with the output that the page shows."""
    return [each for block in _BLOCK.findall(page) for each in _split(block)]


def _split(block: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    found = []
    for part in parts[1:]:
        lines = part.splitlines()
        last = 0
        while lines[last].endswith("\\") or (lines[last + 1 : last + 2] and lines[last + 1].startswith("> ")):
            last += 1
        found.append(("\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :]).strip()))
    return found


def run_page(page: str, folder: Path) -> list[str]:
    """What each command of the page prints, in an environment without settings of its user's."""
    for one in (ROOT / "examples").iterdir():
        if one.is_file():
            shutil.copy(one, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    commands = [re.sub(r"^> ", "", command, flags=re.MULTILINE) for command, _ in commands_of(page)]
    script = "".join(f"{command.replace(_PORT, port)}\necho '{_END}'\n" for command in commands)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RNAEXP_", "MLFLOW_"))}
    added = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "PORT": port}
    added["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=kept | added,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [as_shown(each, folder, port) for each in done.stdout.split(f"{_END}\n")[:-1]]


def as_shown(output: str, folder: Path, port: str) -> str:
    """Without what differs from one run to the next, and without blanks at the ends of lines."""
    text = output.replace(str(folder.resolve()), "/home/me/rnas").replace(port, _PORT).replace("\r", "\n")
    text = _NOISE.sub("", text)
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def rewritten(page: str, outputs: list[str]) -> str:
    """The page with these outputs."""
    left = iter(outputs)

    def block(found: re.Match[str]) -> str:
        parts = (
            f"$ {command}\n{f'{output}{chr(10)}' if (output := next(left)) else ''}"
            for command, _ in _split(found.group(1))
        )
        return "```console\n" + "".join(parts) + "```"

    return _BLOCK.sub(block, page)


def main() -> None:
    """Write what the commands of these pages print now."""
    import tempfile

    for name in sys.argv[1:]:
        path = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            text = path.read_text(encoding="utf-8")
            path.write_text(rewritten(text, run_page(text, Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
