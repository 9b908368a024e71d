"""`rnaexp run FILE`: which task, or tasks, a question file asks for."""

from pathlib import Path

from rnaexp.run.classify_verbs import asks_for_classification, classify_question
from rnaexp.run.fitness_verbs import asks_for_fitness, fitness_question
from rnaexp.run.question import asks_for_pairs, places
from rnaexp.run.verbs import pairs_question


def run_question(path: Path, shard: str, *, csv: Path | None, json: bool) -> None:
    """All runs of a question, or one shard of them, in one table; what is done already is read from the store.

    A file that asks of base pairs and of families gets a table of each (the second as CSV_families.csv, and with
    `json` an object of each, a line each).
    """
    if asks_for_fitness(path):
        fitness_question(path, places(shard), csv=csv, json=json)
        return
    families, pairs = asks_for_classification(path), asks_for_pairs(path)
    try:
        if pairs or not families:
            pairs_question(path, shard, csv=csv, json=json)
    finally:  # runs that did not end are told when all others have
        if families:
            beside = csv if csv is None or not pairs else csv.with_name(f"{csv.stem}_families{csv.suffix}")
            classify_question(path, places(shard), csv=beside, json=json)
