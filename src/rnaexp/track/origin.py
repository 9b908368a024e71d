"""What made a run: the command, the code's commit, the versions of everything; so that it can be made again."""

import getpass
import os
import platform
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from rnaexp.track.store import without_password

_PACKAGE = Path(__file__).parents[1]
# What changes results or where data come from; never a login.
_VARIABLES = ("RNAEXP_CATALOG", "RNAEXP_MODELS", "RNAEXP_MIRROR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def origin_tags(*, own: bool) -> dict[str, str]:
    """Who ran what; `mlflow run` has filled MLflow's own tags itself."""
    tags = {"rnaexp.version": version("rnaexp")}
    if own:
        tags |= {"mlflow.user": _user(), "mlflow.source.name": Path(sys.argv[0]).name, "mlflow.source.type": "LOCAL"}
        commit, dirty = checkout()
        if commit:
            tags |= {"mlflow.source.git.commit": commit, "rnaexp.source.dirty": str(dirty).lower()}
    return tags


def process_facts() -> dict[str, Any]:
    """The command, where it ran, and on what, in plain values."""
    commit, dirty = checkout()
    return {
        "command": without_password(shlex.join(["rnaexp", *sys.argv[1:]])),
        "directory": str(Path.cwd()),
        "rnaexp": version("rnaexp"),
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


@cache
def environment() -> str:
    """Every installed package in its version, a line each, as pip reads them."""
    found = {one.name.lower().replace("_", "-"): one.version for one in distributions() if one.name}
    return "".join(f"{name}=={number}\n" for name, number in sorted(found.items()))


@cache
def checkout() -> tuple[str | None, bool | None]:
    """The commit that rnaexp's code is of, and whether a file of it was changed since; None where it is no checkout."""
    if not any((above / ".git").exists() for above in _PACKAGE.parents):
        return None, None
    commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", ".")
    return (commit or None, None) if changed is None else (commit, bool(changed))


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_PACKAGE), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
