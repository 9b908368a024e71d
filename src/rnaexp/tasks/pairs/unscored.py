"""Why an RNA has no score, in one line."""

from collections.abc import Sequence

from rnaexp.data.dataset import DataSet
from rnaexp.errors import InputError
from rnaexp.reading.read import Skipped
from rnaexp.rna import Rna
from rnaexp.structure.pairs import reference
from rnaexp.structure.protocol import Scoring


def why_not(rna: Rna, scoring: Scoring) -> str | None:
    """Why nothing can be scored on this RNA, whatever the model; None if it can."""
    if rna.pairs is None:
        return "its reference pairs are not known"
    if not rna.pairs:
        return "no reference pairs"
    return None if len(reference(rna, scoring)) else "none of its reference pairs is a candidate under this protocol"


def nothing_scored(data: DataSet, scoring: Scoring, skipped: Sequence[Skipped]) -> InputError:
    """Of a whole set."""
    return InputError(f"{data.name}: no {scoring.molecule.item} can be scored; {_first_reason(skipped)}")


def _first_reason(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "the set is empty"
    return f"{skipped[0].id}: {skipped[0].reason.removeprefix(skipped[0].id + ': ')}"
