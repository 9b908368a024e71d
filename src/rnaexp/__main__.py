"""The program: signals and errors become exit codes, each error one line that says what, where and what to do."""

import gc
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import typer

from rnaexp.cli.app import app
from rnaexp.errors import InputError, LeakageError, Terminated, UnavailableError

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
    # A thread that waits sleeps: spinning, OpenMP's default, took five times the processor time of small models' work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(50_000, 10, 10)  # large libraries are imported: a tenth of that time went into looking for cycles
    sys.exit(_run(sys.argv[1:]))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up that the first one started.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Terminated(signal.Signals(number).name)


def _run(arguments: list[str]) -> int:
    try:
        return int(app(arguments, standalone_mode=False) or 0)
    except typer.Exit as done:
        return done.exit_code
    except SystemExit as done:  # whoever read the output has read enough: `rnaexp models list | head`
        return int(done.code or 0)
    except BaseException as error:
        if "--debug" in arguments and not hasattr(error, "show"):
            raise
        return _report(error)


def _report(error: BaseException) -> int:
    usage: Any = getattr(error, "show", None)
    if usage is not None:
        usage()
        return 2
    code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1)
    text = " ".join(str(error).split()) or type(error).__name__
    if code == 1:
        text = f"{type(error).__name__}: {text}; this may be a fault of rnaexp, --debug before the verb shows where"
    sys.stderr.write(f"rnaexp: {text}\n")
    return code


if __name__ == "__main__":
    main()
