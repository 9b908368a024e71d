"""Base pairs of a user's own RNAs by a tuned head."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rnaexp import models
from rnaexp.data.atomic import write_atomically
from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.data.formats import read_rnas
from rnaexp.data.letters import Unknown
from rnaexp.errors import InputError
from rnaexp.report.progress import announce
from rnaexp.rna import Rna
from rnaexp.run.read import Skipped, read_set
from rnaexp.store import Store
from rnaexp.structure.decode import calls, one_partner
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.reading import Reading
from rnaexp.structure.windows import Long

_AT_ONCE = 256  # RNAs between two looks at the disk: their maps of one head are all that is held


def predict(
    fasta: Path, out: Path, tuned: TunedHead, *, loading: Mapping[str, Any], unknown: Unknown, long: Long = "skip"
) -> None:
    """Write `pairs.csv` (every call: the result) and `structures.dbn` (a lossy view: one partner a base).

    The view's decoder takes pairs by falling score as long as both bases are free; its threshold was tuned through it.

    An RNA longer than the model reads is left out, or (`long` = window) read in parts: see `structure.windows`.

    Raises: InputError if the head was tuned on other weights than those given.
    """
    rnas = read_rnas(fasta, unknown=unknown)
    encoder = models.load(**loading)
    if encoder.fingerprint != tuned.weights:
        message = (
            f"this head was tuned on other weights of {tuned.model} than these, or at another --precision; run `rnaexp "
            "run` with them first"
        )
        raise InputError(message)
    reading = Reading(
        read_out=tuned.read_out,
        scoring=tuned.scoring,
        depth=float("inf"),
        head=(tuned.layer, tuned.head),
        long=long,
    )
    pairs, brackets, skipped = list[tuple[str, int, int, str, float]](), list[str](), list[Skipped]()
    store = Store()
    for first in range(0, len(rnas), _AT_ONCE):
        some = rnas[first : first + _AT_ONCE]
        with announce(f"{encoder.spec.name} on {fasta.name}", len(some)) as progress:
            scores, left_out = read_set(encoder, some, reading, store, data=(fasta.name, ""), progress=progress)
        skipped += left_out
        by_id = {rna.id: rna for rna in some}
        for one in scores.rnas:
            pairs.extend(_pairs(by_id[one.id], one, tuned.threshold))
            brackets.append(_bracket(by_id[one.id], one, tuned))
    columns = ["rna", "i", "j", "bases", "score"]
    table = pd.DataFrame(pairs, columns=columns)
    write_atomically(out / "pairs.csv", table.to_csv(index=False).encode())
    write_atomically(out / "structures.dbn", "".join(brackets).encode())
    left = pd.DataFrame([(s.id, s.reason) for s in skipped], columns=["rna", "reason"])
    write_atomically(out / "skipped.csv", left.to_csv(index=False).encode())
    sys.stdout.write(
        f"{len(rnas) - len(skipped)} RNAs, {len(table)} pairs: {out / 'pairs.csv'}, {out / 'structures.dbn'}"
        f"; {len(skipped)} skipped: {out / 'skipped.csv'}\n"
    )


def _pairs(rna: Rna, scores: RnaScores, threshold: float) -> Iterator[tuple[str, int, int, str, float]]:
    """Every call, from 1, best first."""
    for (i, j), score in zip(calls(scores, 0, threshold), scores.scores[0], strict=False):
        yield rna.id, i + 1, j + 1, rna.sequence[i] + rna.sequence[j], float(score)


def _bracket(rna: Rna, scores: RnaScores, tuned: TunedHead) -> str:
    threshold = tuned.threshold if tuned.dot_bracket_threshold is None else tuned.dot_bracket_threshold
    pairs = calls(one_partner(scores, 0), 0, threshold)
    # In the header, behind the id: the file stays plain FASTA with dot-brackets, a set that can be tested on.
    made = f"{tuned.model} layer={tuned.layer} head={tuned.head} decoder=greedy threshold={threshold:.6g}"
    return f">{rna.id} {made}\n{rna.sequence}\n{to_dot_bracket(len(rna), sorted(pairs))}\n"
