"""What scoring variants costs: passes through the model and processor time, next to a loop over variant and site.

The loop is what a user writes: for each variant and each mutated site, hide the site, run the model, read two letters;
one sequence a pass, for each of the four fills of a masked marginal anew. README.md next to this file says what each
column means.
"""

import itertools
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer

from rnaexp import models
from rnaexp.choices import Convention
from rnaexp.data.assays import Assay, Variant
from rnaexp.fitness.conventions import mutated_sites
from rnaexp.progress import silence
from rnaexp.reading.letters import Request
from rnaexp.reading.likelihoods import model_scores
from rnaexp.reading.store import Store
from rnaexp.rna import Rna

FILLS: tuple[Convention, ...] = ("masked-marginal", "mutant-marginal", "mask-fill", "match-fill")
LETTERS = "ACGU"
TIMED = 60  # variants of which the loop is timed; its time is linear in their number


class Counted:
    """A model that counts the sequences it is shown."""

    def __init__(self, model: Any) -> None:
        self.model, self.spec, self.fingerprint, self.passes = model, model.spec, model.fingerprint, 0

    def check(self, rna: Rna) -> None:
        """As the model."""
        self.model.check(rna)

    def predict_letters(self, rnas: Any, masked: Any) -> Any:
        """As the model."""
        self.passes += len(rnas)
        return self.model.predict_letters(rnas, masked)


def doubles(bases: int, count: int) -> Assay:
    """Random double mutants of a random RNA: few contexts in common."""
    rng = np.random.default_rng(0)
    wild = "".join(rng.choice(list(LETTERS), bases))
    found = dict[str, None]()
    while len(found) < count:
        letters = list(wild)
        for site in rng.choice(bases, 2, replace=False):
            letters[site] = rng.choice([letter for letter in LETTERS if letter != wild[site]])
        found["".join(letters)] = None
    return as_assay("doubles", wild, list(found))


def combinations(bases: int, sites: int) -> Assay:
    """All letters at some sites: most contexts are shared."""
    rng = np.random.default_rng(1)
    wild = "".join(rng.choice(list(LETTERS), bases))
    places = np.sort(rng.choice(bases, sites, replace=False))
    found = []
    for letters in itertools.product(LETTERS, repeat=sites):
        own = list(wild)
        for place, letter in zip(places, letters, strict=True):
            own[place] = letter
        found.append("".join(own))
    return as_assay("all combinations", wild, [one for one in found if one != wild])


def as_assay(name: str, wild: str, sequences: list[str]) -> Assay:
    """With scores that nobody looks at."""
    variants = [Variant(id=f"v{at}", sequence=one, score=float(at)) for at, one in enumerate(sequences)]
    return Assay(name=name, variants=tuple(variants), wild_type=wild)


def ours(model: Any, assay: Assay, fills: tuple[Convention, ...]) -> tuple[int, float, dict[str, np.ndarray]]:
    """Passes, processor seconds and scores of these fills on one new store."""
    counted, scores = Counted(model), {}
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        for fill in fills:
            request = Request(assay=assay, convention=fill)
            scores[fill] = model_scores(counted, request, Store(Path(folder)), silence).scores
        return counted.passes, time.process_time() - begun, scores


def loop(model: Any, assay: Assay, fill: Convention) -> tuple[int, float, np.ndarray]:
    """Passes for all variants, processor seconds for all (of the timed ones, scaled), scores of the timed ones."""
    wild, passes, scores = assay.wild_type or "", 0, []
    mutants = [variant.sequence for variant in assay.mutants]

    def say(sequence: str, hidden: tuple[int, ...], at: int) -> torch.Tensor:
        nonlocal passes
        passes += 1
        return model.predict_letters([Rna(id="x", sequence=sequence)], [hidden])[0][at]

    begun = time.process_time()
    for one in mutants[:TIMED]:
        total, sites = 0.0, mutated_sites(wild, one)
        for at in sites:
            new, old = LETTERS.index(one[at]), LETTERS.index(wild[at])
            if fill == "mask-fill":
                said = say(wild, sites, at)
            elif fill == "masked-marginal":
                said = say(wild, (at,), at)
            else:
                said = say(one, (at,), at)
            before = say(wild, (at,), at) if fill == "match-fill" else said
            total += float(said[new] - before[old])
        scores.append(total)
    share = len(mutants) / min(TIMED, len(mutants))
    return round(passes * share), (time.process_time() - begun) * share, np.array(scores)


def main(
    csv: Annotated[Path | None, typer.Option(help="Write the table here.")] = None,
    quick: Annotated[bool, typer.Option(help="Few variants: shows that it runs.")] = False,
) -> None:
    """Print the table, and stop if a score of ours is not the loop's."""
    torch.set_num_threads(1)
    model = models.load("lm-nano", device="cpu")
    assays = [doubles(72, 60 if quick else 2000), combinations(72, 2 if quick else 5)]
    rows = []
    for assay in assays:
        mutants = len(assay.mutants)
        by_loop = {fill: loop(model, assay, fill) for fill in FILLS}
        found = {fill: ours(model, assay, (fill,)) for fill in FILLS} | {"all four": ours(model, assay, FILLS)}
        for fill, (passes, seconds, scores) in found.items():
            parts = FILLS if fill == "all four" else (fill,)
            for part in parts:
                expected = by_loop[part][2]
                np.testing.assert_allclose(scores[part][: len(expected)], expected, atol=1e-3)
            naive = [sum(by_loop[part][at] for part in parts) for at in (0, 1)]
            rows.append(
                {
                    "library": assay.name,
                    "variants": mutants,
                    "fill": fill,
                    "passes": passes,
                    "loop_passes": naive[0],
                    "passes_ratio": round(passes / naive[0], 4),
                    "seconds": round(seconds, 2),
                    "loop_seconds": round(naive[1], 2),
                    "seconds_ratio": round(seconds / naive[1], 4),
                    "over_mutant_marginal": round(passes / found["mutant-marginal"][0], 3),
                }
            )
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if csv is not None:
        table.to_csv(csv, index=False)


if __name__ == "__main__":
    typer.run(main)
