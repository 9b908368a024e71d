"""`rnaexp import`: result files into the tracking store, each once, all checked before any is taken."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.sets import load_set
from rnaexp.track.export import runs_table
from rnaexp.track.result_file import read_result, refuse_other_data
from rnaexp.track.travel import bring_in, imported_already

_BUILTIN = ("builtin-vl", "builtin-ts")  # every installation has them


def import_files(paths: Sequence[Path], experiment: str) -> None:
    """Print a line a file.

    Raises: InputError for a file that is altered, or whose sets or protocol are others than those of its names here;
    UnavailableError.
    """
    files = [(path, read_result(path)) for path in paths]
    known = [*_known(experiment), *({"test": name, "test.sha256": load_set(name).sha256} for name in _BUILTIN)]
    for path, found in files:
        refuse_other_data(found, path, known)
        known.append(dict(found.runs[0].params))
    here = imported_already(experiment)
    for path, found in files:
        if (run := here.get(found.sha256)) is not None:
            sys.stdout.write(f"{path}: is here as run {run}\n")
            continue
        here[found.sha256] = str(bring_in(found, experiment))
        sys.stdout.write(f"{path}: run {here[found.sha256]}\n")


def _known(experiment: str) -> list[dict[str, str]]:
    """The parameters of the runs that they would be compared with."""
    runs = runs_table(experiment)
    params = runs[[column for column in runs.columns if column.startswith("params.")]]
    rows = params[runs["status"] == "FINISHED"].to_dict("records")
    return [
        {str(name).removeprefix("params."): value for name, value in row.items() if isinstance(value, str)}
        for row in rows
    ]
