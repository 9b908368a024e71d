"""Scores of an assay's variants that need no language model; folding is kept in the store, the rest is instant."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from rnaexp.data.assays import Assay
from rnaexp.fitness.baselines import (
    CONSERVATION,
    GC,
    MUTATIONS,
    RANDOM,
    VIENNARNA,
    conservation_score,
    gc_share,
    mutation_count,
    random_score,
)
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached_shards
from rnaexp.reading.entry import Arrays
from rnaexp.reading.likelihoods import Request
from rnaexp.reading.store import Store, key_of

_SHARD = 4096  # sequences folded and written as one


def mutation_counts(assay: Assay) -> Int[np.ndarray, "v"] | None:
    """Distance of each mutant from the wild type; None where none is known."""
    if assay.wild_type is None:
        return None
    return np.array([mutation_count(assay.wild_type, variant.sequence) for variant in assay.mutants])


def baseline_scores(
    request: Request, mutations: Int[np.ndarray, "v"] | None, store: Store, announce: Announce, seed: int
) -> dict[str, Float[np.ndarray, "v"]]:
    """By name, higher is fitter: fewer mutations, more G and C, letters that homologs have, a more stable fold, chance.

    `mutations` needs a wild type, `conservation` its alignment; folding compares with nothing but the other variants.
    """
    assay = request.assay
    sequences = [variant.sequence for variant in assay.mutants]
    found = {}
    if mutations is not None:
        found[MUTATIONS] = -mutations.astype(float)
    found[GC] = np.array([gc_share(sequence) for sequence in sequences])
    if request.alignment is not None and assay.substitutions_only and not any("N" in one for one in sequences):
        found[CONSERVATION] = np.array([conservation_score(request.alignment, sequence) for sequence in sequences])
    found[VIENNARNA] = -_energies(sequences, assay.name, store, announce)
    found[RANDOM] = np.array([random_score(sequence, seed) for sequence in sequences])
    return found


def _energies(sequences: Sequence[str], name: str, store: Store, announce: Announce) -> Float[np.ndarray, "v"]:
    """Ensemble free energies in kcal/mol. The wild type's own, a constant, changes no rank and is not subtracted."""
    from rnaexp.models.folding import VERSION, ensemble_energy

    parts = [sequences[start : start + _SHARD] for start in range(0, len(sequences), _SHARD)]
    what = {"what": "ensemble energies", "schema": 1, "version": VERSION}
    with announce(f"viennarna on {name}", len(sequences)) as progress:

        def compute(at: int) -> Arrays:
            entry = {"energies": np.array([ensemble_energy(sequence) for sequence in parts[at]])}
            progress(len(parts[at]))
            return entry

        keys = [key_of({**what, "sequences": part}) for part in parts]
        entries = list(cached_shards(store, keys, compute, lambda at: progress(len(parts[at]))))
    return np.concatenate([entry["energies"] for entry in entries])
