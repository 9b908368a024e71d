"""What a model in training makes of hidden letters: the same ones at every probe."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import Encoder, LetterModel
from rnaexp.reading.distributed import shared_out
from rnaexp.rna import Rna

_HIDDEN = 0.15  # share of the letters of each test RNA that are hidden, always the same ones


def hidden_letters_loss(encoder: Encoder, rnas: Sequence[Rna]) -> float | None:
    """Mean negative log-probability (nats) of hidden letters, the same ones at every call; None without letters."""
    if not isinstance(encoder, LetterModel):
        return None
    model: LetterModel = encoder

    def losses(rna: Rna) -> list[float]:
        hidden = hidden_letters(rna)
        try:
            encoder.check(rna)
            table = model.predict_letters([rna], [hidden])[0]
        except (UnavailableError, InputError):
            return []
        return [-float(table[at, "ACGU".index(rna.sequence[at])]) for at in hidden]

    found = [loss for each in shared_out(losses, rnas) for loss in each]
    return float(np.mean(found)) if found else None


def composition_loss(known: Sequence[Rna], rnas: Sequence[Rna]) -> float:
    """The same of a model that knows how frequent each letter is in the `known` RNAs, and nothing else."""
    counts = Counter(letter for rna in known for letter in rna.sequence if letter != "N")
    of_letter = {letter: np.log(counts.total() / max(1, counts[letter])) for letter in "ACGU"}
    return float(np.mean([of_letter[letter] for rna in rnas for letter in _hidden(rna)]))


def _hidden(rna: Rna) -> Iterator[str]:
    return (rna.sequence[at] for at in hidden_letters(rna))


def hidden_letters(rna: Rna) -> list[int]:
    """Bases (from 0) of this RNA whose letters are hidden."""
    known = [at for at, letter in enumerate(rna.sequence) if letter != "N"]
    count = max(1, round(_HIDDEN * len(known)))
    return sorted(random.Random(rna.sequence).sample(known, min(count, len(known))))
