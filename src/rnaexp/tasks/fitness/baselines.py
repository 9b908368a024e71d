"""Scores of an assay's variants that need no language model; folding is kept in the store, the rest is instant."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from rnaexp.data.assays import Assay
from rnaexp.fitness.baselines import (
    CONSERVATION,
    DEFECT,
    GC,
    MUTATIONS,
    POTTS,
    RANDOM,
    VIENNARNA,
    conservation_score,
    gc_share,
    mutation_count,
    random_score,
)
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached, cached_shards
from rnaexp.reading.entry import Arrays
from rnaexp.reading.letters import Request
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Alignment

_SHARD = 4096  # sequences folded and written as one


def mutation_counts(assay: Assay) -> Int[np.ndarray, "v"] | None:
    """Distance of each mutant from the wild type; None where none is known."""
    if assay.wild_type is None:
        return None
    return np.array([mutation_count(assay.wild_type, variant.sequence) for variant in assay.mutants])


def baseline_scores(
    request: Request, mutations: Int[np.ndarray, "v"] | None, store: Store, announce: Announce, seed: int
) -> dict[str, Float[np.ndarray, "v"]]:
    """By name, higher is fitter: fewer mutations, more G and C, letters that homologs have, alone (`conservation`) and
    two by two (`potts`), a more stable fold, one that is more like the wild type's (`defect`), chance.

    `mutations` and `defect` need a wild type, `conservation` and `potts` its alignment.
    """
    assay = request.assay
    sequences = [variant.sequence for variant in assay.mutants]
    found = {}
    if mutations is not None:
        found[MUTATIONS] = -mutations.astype(float)
    found[GC] = np.array([gc_share(sequence) for sequence in sequences])
    if request.alignment is not None and assay.substitutions_only and not any("N" in one for one in sequences):
        found[CONSERVATION] = np.array([conservation_score(request.alignment, sequence) for sequence in sequences])
        found[POTTS] = _pair_scores(request.alignment, sequences, store)
    found[VIENNARNA] = -_energies(sequences, assay.name, store, announce)
    if assay.wild_type is not None and assay.substitutions_only:
        found[DEFECT] = -_defects(assay.wild_type, sequences, assay.name, store, announce)
    found[RANDOM] = np.array([random_score(sequence, seed) for sequence in sequences])
    return found


def _pair_scores(alignment: Alignment, sequences: Sequence[str], store: Store) -> Float[np.ndarray, "v"]:
    """Of the pair model of the alignment whose first row is the wild type."""

    def compute() -> Arrays:
        from rnaexp.fitness.potts import of_alignment, pair_scores

        return {"scores": pair_scores(of_alignment(alignment), alignment.rows[0], sequences)}

    key = key_of({"what": "pair model", "schema": 1, "alignment": alignment.rows, "sequences": list(sequences)})
    return cached(store, key, compute)["scores"]


def _energies(sequences: Sequence[str], name: str, store: Store, announce: Announce) -> Float[np.ndarray, "v"]:
    """Ensemble free energies in kcal/mol. The wild type's own, a constant, changes no rank and is not subtracted."""
    from rnaexp.models.folding import ensemble_energy

    return _folded("energies", {"what": "ensemble energies"}, ensemble_energy, sequences, name, store, announce)


def _defects(
    wild_type: str, sequences: Sequence[str], name: str, store: Store, announce: Announce
) -> Float[np.ndarray, "v"]:
    """How far each variant's ensemble is from the wild type's structure of minimum free energy."""
    from rnaexp.models.folding import ensemble_defect, structure_of

    structure = structure_of(wild_type)
    what = {"what": "ensemble defects", "structure": structure}
    return _folded("defects", what, partial(ensemble_defect, structure=structure), sequences, name, store, announce)


def _folded(
    called: str,
    what: Mapping[str, str],
    fold: Callable[[str], float],
    sequences: Sequence[str],
    name: str,
    store: Store,
    announce: Announce,
) -> Float[np.ndarray, "v"]:
    """One number of each sequence by ViennaRNA, shard by shard into the store."""
    from rnaexp.models.folding import VERSION

    parts = [sequences[start : start + _SHARD] for start in range(0, len(sequences), _SHARD)]
    keys = [key_of({**what, "schema": 1, "version": VERSION, "sequences": part}) for part in parts]
    with announce(f"viennarna on {name}, {called}", len(sequences)) as progress:

        def compute(at: int) -> Arrays:
            entry = {called: np.array([fold(sequence) for sequence in parts[at]])}
            progress(len(parts[at]))
            return entry

        entries = list(cached_shards(store, keys, compute, lambda at: progress(len(parts[at]))))
    return np.concatenate([entry[called] for entry in entries])
