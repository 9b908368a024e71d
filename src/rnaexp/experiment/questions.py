"""`rnaexp run FILE`: which task, or tasks, a question file asks for."""

from pathlib import Path

from rnaexp.experiment.classify_verbs import classify_question
from rnaexp.experiment.fitness_verbs import fitness_question
from rnaexp.experiment.question import places
from rnaexp.experiment.question_file import kind_of
from rnaexp.experiment.verbs import pairs_question


def run_question(path: Path, shard: str, *, csv: Path | None, json: bool) -> None:
    """All runs of a question, or one shard of them, in one table; what is done already is read from the store.

    A file that asks of base pairs and of families gets a table of each (the second as CSV_families.csv, and with
    `json` an object of each, a line each).
    """
    kind = kind_of(path)
    if kind == "fitness":
        fitness_question(path, places(shard), csv=csv, json=json)
        return
    try:
        if kind != "classification":
            pairs_question(path, shard, csv=csv, json=json)
    finally:  # runs that did not end are told when all others have
        if kind != "structure":
            beside = csv if csv is None or kind != "both" else csv.with_name(f"{csv.stem}_families{csv.suffix}")
            classify_question(path, places(shard), csv=beside, json=json)
