"""`rnaexp import`: result files into the tracking store, each once, all checked before any is taken."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rnaexp.data.markdown_text import markdown_text
from rnaexp.data.sets import load_set
from rnaexp.report.classes import published
from rnaexp.track.export import runs_in, runs_table
from rnaexp.track.result_file import read_result, refuse_other_data
from rnaexp.track.runs import tracked_run
from rnaexp.track.travel import bring_in, imported_already

PUBLISHED = "rnaexp.published"  # the tag that names one figure of the papers
METRICS = {"structure F1": "structure_f1", "overlap ratio, IoU": "overlap_iou"}
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


def import_published(experiment: str) -> None:
    """The figures that papers state, a run each of kind `published`, once; print a line a figure.

    Their metrics have names of their own, and nothing ranks or compares these runs: sets and protocols are others.
    Raises: UnavailableError.
    """
    kept = runs_in(experiment, "tags.`rnaexp.kind` = 'published'")
    here = {run.data.tags[PUBLISHED]: run.info.run_id for run in kept if PUBLISHED in run.data.tags}
    for stated in published().to_dict("records"):
        name, what = f"{stated['model']} (published)", str(stated["what"])
        key = f"{stated['model']}: {what} on {stated['set']}"
        if key in here:
            sys.stdout.write(f"{key}: is here as run {here[key]}\n")
            continue
        params = {"model": stated["model"], "group": stated["class"], "figure": what, "set": stated["set"]}
        tags = {
            PUBLISHED: key,
            "rnaexp.published.source": stated["source"],
            "rnaexp.published.as_stated": stated["note"],
        }
        with tracked_run(name, kind="published", params=params, tags=tags, experiment=experiment) as run:
            if stated["value"] == stated["value"]:
                run.metrics({f"published.{METRICS[what]}": stated["value"]})
            run.describe(
                f"**{markdown_text(str(stated['model']))}**: {markdown_text(what)} as stated in "
                f"{markdown_text(str(stated['source']))}, not measured here ({markdown_text(str(stated['note']))})."
            )
        sys.stdout.write(f"{key}: run {run.run_id}\n")


def _known(experiment: str) -> list[dict[str, str]]:
    """The parameters of the runs that they would be compared with."""
    runs = runs_table(experiment)
    params = runs[[column for column in runs.columns if column.startswith("params.")]]
    rows = params[runs["status"] == "FINISHED"].to_dict("records")
    return [
        {str(name).removeprefix("params."): value for name, value in row.items() if isinstance(value, str)}
        for row in rows
    ]
