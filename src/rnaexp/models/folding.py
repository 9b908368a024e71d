"""Base-pair probabilities of ViennaRNA, for one sequence and for an alignment."""

import numpy as np
import RNA
from jaxtyping import Float32, Float64

from rnaexp.errors import ScoreError, UnsuitableError
from rnaexp.models.rows import select_rows
from rnaexp.rna import Alignment, Rna

VERSION = str(RNA.__version__)


def fold_probabilities(rna: Rna) -> Float32[np.ndarray, "n n"]:
    """Probability of each pair in the thermodynamic ensemble of the sequence, default energies at 37 C.

    N pairs with nothing, as in RNAfold. Source: McCaskill 1990, doi:10.1002/bip.360290621.
    """
    return _pair_probabilities(rna, rna.sequence)


def alignment_probabilities(rna: Rna, max_rows: int) -> Float32[np.ndarray, "n n"]:
    """Probability of each pair in the consensus ensemble of the alignment's rows, as RNAalifold -p computes it.

    Its columns are the RNA's own bases. Of a deeper alignment `select_rows` keeps `max_rows`: the cost grows with
    rows x bases^3. Source: Bernhart et al. 2008, doi:10.1186/1471-2105-9-474.
    """
    alignment = require_alignment(rna)
    return _pair_probabilities(rna, [alignment.rows[at] for at in select_rows(alignment, max_rows)])


def mean_probabilities(rna: Rna, max_rows: int) -> Float32[np.ndarray, "n n"]:
    """Mean over the first `max_rows` rows of each row's own pair probabilities: homologs, and no covariation.

    Each row is folded alone, without its gaps, and its probabilities are put back into the RNA's columns; a row without
    a base there adds 0. What a row has inserted is not part of the alignment, so it is not folded either.
    """
    rows = require_alignment(rna).rows[:max_rows]
    total = np.zeros((len(rna), len(rna)), np.float64)
    for row in rows:
        columns = np.array([at for at, letter in enumerate(row) if letter != "-"])
        if len(columns):
            total[np.ix_(columns, columns)] += _pair_probabilities(rna, row.replace("-", ""))
    return (total / len(rows)).astype(np.float32)


def constrained_probabilities(rna: Rna, energies: Float64[np.ndarray, "n n"]) -> Float32[np.ndarray, "n n"]:
    """As `fold_probabilities`, with a pseudo-energy in kT (37 C) for each pair i < j, added to those of its loops."""
    ensemble = RNA.fold_compound(rna.sequence)
    padded = np.zeros((len(rna) + 1, len(rna) + 1))
    padded[1:, 1:] = energies * RNA.exp_param().kT / 1000  # ViennaRNA counts from 1, in kcal/mol
    ensemble.sc_set_bp(padded.tolist())
    return _probabilities_of(rna, ensemble)


def ensemble_energy(sequence: str) -> float:
    """Free energy of the sequence's thermodynamic ensemble in kcal/mol, default energies at 37 C; lower folds better.

    Source: McCaskill 1990, doi:10.1002/bip.360290621.
    """
    ensemble = RNA.fold_compound(sequence)
    ensemble.exp_params_rescale(ensemble.mfe()[1])
    return float(ensemble.pf()[1])


def structure_of(sequence: str) -> str:
    """The structure of minimum free energy, as dot-bracket."""
    return str(RNA.fold_compound(sequence).mfe()[0])


def ensemble_defect(sequence: str, structure: str) -> float:
    """Share of the bases that are expected not to pair, or to be unpaired, as in the structure; 0 to 1.

    Source: Zadeh et al. 2011, doi:10.1002/jcc.21633.
    """
    ensemble = RNA.fold_compound(sequence)
    ensemble.exp_params_rescale(ensemble.mfe()[1])
    ensemble.pf()
    return float(ensemble.ensemble_defect(structure))


def require_alignment(rna: Rna) -> Alignment:
    """Raise UnsuitableError where there is no alignment; one of a single row is folded as that row."""
    if rna.alignment is None:
        message = f"{rna.id}: has no alignment, and only alignments are read here"
        raise UnsuitableError(message)
    return rna.alignment


def _pair_probabilities(rna: Rna, rows: str | list[str]) -> Float32[np.ndarray, "n n"]:
    return _probabilities_of(rna, RNA.fold_compound(rows))


def _probabilities_of(rna: Rna, ensemble: RNA.fold_compound) -> Float32[np.ndarray, "n n"]:
    # As RNAfold -p does: Boltzmann factors are scaled by the minimum free energy, or long RNAs overflow.
    ensemble.exp_params_rescale(ensemble.mfe()[1])
    ensemble.pf()
    upper = np.array(ensemble.bpp(), dtype=np.float64)[1:, 1:]
    if not np.isfinite(upper).all():
        message = f"{rna.id}: ViennaRNA's partition function is not finite"
        raise ScoreError(message)
    return (upper + upper.T).astype(np.float32)
