"""The program: signals and errors become exit codes, each error one line that says what, where and what to do."""

import errno
import gc
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import typer

from rnaexp.cli.app import app
from rnaexp.errors import InputError, LeakageError, Terminated, UnavailableError
from rnaexp.track.outbox import unwritten

_EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (Terminated, 143),
    (KeyboardInterrupt, 143),
    (InputError, 65),
    (LeakageError, 65),
    (UnavailableError, 69),
    (OSError, 74),
)


def main() -> NoReturn:
    """Run a verb; every error is one line on stderr and an exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    # A thread that waits sleeps: spinning, OpenMP's default, took five times the processor time of small models' work,
    # OpenBLAS's another 12 s of the built-in question's 94.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")  # 2^4 cycles, the least that it takes
    gc.set_threshold(50_000, 10, 10)  # large libraries are imported: a tenth of that time went into looking for cycles
    sys.exit(_run(sys.argv[1:]))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up that the first one started.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Terminated(signal.Signals(number).name)


def _run(arguments: list[str]) -> int:
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
        sys.stdout.flush()  # a full disk under it is an error like any other
        return code or (74 if unwritten() else 0)
    except typer.Exit as done:
        return done.exit_code
    except SystemExit as done:  # whoever read the output has read enough: `rnaexp models list | head`
        return int(done.code or 0)
    except BaseException as error:
        if "--debug" in arguments and not hasattr(error, "show"):
            raise
        return _report(error)


def _words(error: BaseException) -> str:
    if isinstance(error, (Terminated, KeyboardInterrupt)):
        return f"stopped by {error or 'SIGINT'}; what was computed is kept, the same command goes on from there"
    if isinstance(error, OSError) and error.strerror:
        # All files of ours are named (`data/atomic.py`).
        name = error.filename or ("standard output or a temporary file" if error.errno == errno.ENOSPC else "")
        return f"{name}: {error.strerror}".removeprefix(": ")
    return " ".join(str(error).split())


def _let_go_of_stdout() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python itself tries once more when it ends


def _report(error: BaseException) -> int:
    usage: Any = getattr(error, "show", None)
    if usage is not None:
        usage()
        return 2
    code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1)
    text = _words(error) or type(error).__name__
    if code == 1:
        text = f"{type(error).__name__}: {text}; this may be a fault of rnaexp, --debug before the verb shows where"
    sys.stderr.write(f"rnaexp: {text}\n")
    if isinstance(error, OSError):
        _let_go_of_stdout()
    return code


if __name__ == "__main__":
    main()
