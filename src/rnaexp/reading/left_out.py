"""Records that were left out: all of them in one list, on screen and in a file; the others are done."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnaexp.data.atomic import write_atomically
from rnaexp.data.csv_text import neutral_rows
from rnaexp.data.letters import Unknown
from rnaexp.data.own import Fault, OwnRnas, read_own
from rnaexp.errors import InputError
from rnaexp.progress import say
from rnaexp.reading.processes import is_first_process

if TYPE_CHECKING:  # it takes seconds to import, and a bad file is refused before that
    from rnaexp.reading.read import Skipped

_SHOWN = 20  # faults on the screen; the file has all


def read_reported(path: Path, listed: Path, *, unknown: Unknown = "ambiguous", strict: bool = False) -> OwnRnas:
    """The user's RNAs; what is wrong with the others is shown, and written to `listed` if that ends the matter.

    Raises: InputError if no record can be read or, if `strict`, if any cannot.
    """
    own = read_own(path, unknown=unknown)
    if not is_first_process():
        return own
    for note in own.notes:
        say(f"{path.name}: {note}")
    show(own.faults)
    if own.faults and (strict or not own.rnas):
        write_faults(own.faults, listed)
        refuse(own, own.faults, listed, strict=strict)
    return own


def show(faults: Sequence[Fault]) -> None:
    """One line each."""
    for fault in faults[:_SHOWN]:
        say(f"left out: {fault}")
    if len(faults) > _SHOWN:
        say(f"left out: {len(faults) - _SHOWN} more")


def left_out(own: OwnRnas, skipped: "Iterable[Skipped]") -> list[Fault]:
    """The records that could not be read, then the RNAs that the model did not read, with their places."""
    by_model = [(one.id, *own.places[one.id], one.reason.removeprefix(f"{one.id}: ")) for one in skipped]
    return [
        *own.faults,
        *(Fault(path=path, line=line, name=name, reason=reason) for name, path, line, reason in by_model),
    ]


def write_faults(faults: Sequence[Fault], path: Path) -> None:
    """A CSV file: file, line, rna, reason."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "line", "rna", "reason"])
    rows = [[str(one.path), "" if one.line is None else one.line, one.name, one.reason] for one in faults]
    writer.writerows(neutral_rows(rows))
    write_atomically(path, text.getvalue().encode())


def refuse(own: OwnRnas, left: Sequence[Fault], listed: Path, *, strict: bool) -> None:
    """Raises: InputError if all of `own` is left out or, if `strict`, if any of it is."""
    if len(left) == own.records:
        message = f"{own.name}: none of {own.records} records could be done; {listed} says why"
        raise InputError(message)
    if strict and left:
        message = f"{own.name}: --strict, and {len(left)} of {own.records} records are left out; {listed} says why"
        raise InputError(message)


def list_left_out(folder: Path, skipped: Sequence[Mapping[str, Any]], *, strict: bool) -> None:
    """RNAs without a usable file in another tool's folder, into `skipped.csv`. Raises: InputError if `strict`."""
    faults = [
        Fault(path=folder, line=None, name=one["rna"], reason=one["reason"].removeprefix(f"{one['rna']}: "))
        for one in skipped
    ]
    listed = Path("skipped.csv")
    write_faults(faults, listed)
    summary = f"{len(faults)} RNAs are left out; {listed} says why"
    if strict:
        message = f"--strict, and {summary}"
        raise InputError(message)
    say(summary)


def report_rows(name: str, faults: Sequence[Fault], notes: Sequence[str], *, strict: bool, silent: bool) -> None:
    """Rows of a table that are left out, shown and in `skipped.csv`, or not again. Raises: InputError if `strict`."""
    if silent:
        return
    for note in notes:
        say(f"{name}: {note}")
    show(faults)
    if not faults:
        return
    listed = Path("skipped.csv")
    write_faults(faults, listed)
    summary = f"{len(faults)} rows are left out; {listed} says why"
    if strict:
        message = f"{name}: --strict, and {summary}"
        raise InputError(message)
    say(f"{name}: {summary}")
