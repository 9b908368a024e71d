"""Predictions and embeddings of one's own RNAs from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnaexp import models
from rnaexp.choices import Drawing, long_policy
from rnaexp.data.formats import read_rnas
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.models.wrap import wrap
from rnaexp.progress import silence
from rnaexp.reading.embeddings import embed_all
from rnaexp.reading.loading import Loading
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.predict import prediction, reading_of, record_of, refuse_drawing
from rnaexp.tasks.pairs import tuned as heads
from rnaexp.tasks.pairs.settings import HeadSettings

Rnas = str | Path | Rna | Sequence[Rna | str]


def predict(
    model: str | Sequence[str],
    rnas: Rnas,
    *,
    tuned: str = "",
    long: str = "skip",
    device: str = "auto",
    pseudoknots: bool = False,
    fold: bool = False,
) -> pd.DataFrame:
    """Base pairs of one's own RNAs by the model's tuned head, as `rnaexp predict` and a served model answer.

    `model`: a name, a checkpoint folder, or a registered head `models:/NAME@ALIAS`; a list of them is an ensemble,
    whose structures are drawn from the mean of their pair probabilities. `rnas`: a file or folder, an `Rna`, a
    sequence, or a list of either. `tuned`: a head's JSON file or MLflow run, or "shipped"; else your newest, else the
    shipped one.
    `pseudoknots`: the structure may hold crossing pairs. `fold`: it is ViennaRNA's, the scores as soft constraints.
    Columns: id, sequence, pairs (the protocol's calls, 1-based, best first, each with bases, score and probability),
    structure (the pairs of the dot_bracket, each with its confidence), dot_bracket, decoder, expected_f1,
    expected_precision, validation_f1, validation, control, control_f1, depth, skipped ("" or why this RNA has no
    answer).

    Raises: InputError, UnavailableError (no tuned head; the message names the command that makes one).

    >>> import rnaexp
    >>> rnaexp.predict("viennarna", "GGGGGAAAACCCCC").loc[0, "dot_bracket"]
    '(((((....)))))'
    """
    names = [model] if isinstance(model, str) else list(model) if isinstance(model, Sequence) else [model]
    if not all(isinstance(name, str) for name in names):
        message = (
            "predict reads a tuned head, which is kept for a model's name or folder: save the model "
            "(save_pretrained), then predict with the folder; embed takes a model in memory"
        )
        raise InputError(message)
    loads = [heads.either(name, HeadSettings(tuned=tuned), Loading(device=device)) for name in names]
    if isinstance(model, str):
        (load,) = loads
    else:
        from rnaexp.tasks.pairs.ensemble import ensemble

        load = ensemble(loads)
    given, (head, encoder) = as_rnas(rnas), load()
    drawing = Drawing(pseudoknots=pseudoknots, fold=fold)
    refuse_drawing(head, drawing)
    scores, skipped = read_set(encoder, given, reading_of(head, long_policy(long)), Store(), data=("python", ""))
    scored = {one.id: one for one in scores.rnas}
    why = {one.id: one.reason for one in skipped}
    rows = []
    for rna in given:
        found: dict[str, Any] = {"id": rna.id}
        if rna.id in scored:
            found = record_of(prediction(rna, scored[rna.id], head, drawing), head, drawing)
        rows.append({"id": rna.id, "sequence": rna.sequence, **found, "skipped": why.get(rna.id, "")})
    return pd.DataFrame(rows)


def embed(
    model: str | Encoder | Any, rnas: Rnas, *, pooling: str = "mean", long: str = "skip", device: str = "auto"
) -> pd.DataFrame:
    """One vector an RNA (its id is the index): last-layer embeddings pooled over bases; NaN where it cannot be read.

    `model`: a name, a folder, or what `rnaexp.wrap` takes or gave. `pooling`: mean, max or the like, as of
    `rnaexp embed`. Why an RNA has no vector stands in `frame.attrs["skipped"]`.

    Raises: InputError if none can be read, UnavailableError.

    >>> import rnaexp
    >>> rnaexp.embed("lm-nano", ["GGGAAACCC", "GGGAAAUCCC"], device="cpu").shape
    (2, 64)
    """
    from rnaexp.tasks.families.settings import protocol

    given = as_rnas(rnas)
    encoder = models.load(model, device=device) if isinstance(model, str) else wrap(model)
    with silence("embeddings", len(given)) as progress:
        vectors, reasons = embed_all(
            encoder,
            given,
            Store(),
            pooling=protocol(pooling=pooling).pooling,
            long=long_policy(long),
            progress=progress,
        )
    whole = np.full((len(given), vectors.shape[1]), np.nan, np.float32)
    whole[[at for at, reason in enumerate(reasons) if not reason]] = vectors
    found = pd.DataFrame(whole, index=pd.Index([rna.id for rna in given], name="rna"))
    found.attrs["skipped"] = {rna.id: reason for rna, reason in zip(given, reasons, strict=True) if reason}
    return found


def as_rnas(rnas: Rnas) -> list[Rna]:
    """RNAs from a file, a folder, a sequence, or a list. Raises: InputError."""
    if isinstance(rnas, Rna):
        return [rnas]
    if isinstance(rnas, Path) or (isinstance(rnas, str) and Path(rnas).exists()):
        return read_rnas(rnas)
    if isinstance(rnas, str):
        return [_from_letters(rnas, 1)]
    found = [each if isinstance(each, Rna) else _from_letters(each, at) for at, each in enumerate(rnas, 1)]
    ids = [rna.id for rna in found]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        message = f"two RNAs are called {twice!r}: give each an id of its own"
        raise InputError(message)
    if not found:
        message = "no RNAs: the list is empty"
        raise InputError(message)
    return found


def _from_letters(letters: str, number: int) -> Rna:
    try:
        return Rna(id=f"rna{number}", sequence=letters.strip().upper().replace("T", "U"))
    except ValueError as error:
        message = f"{error}: neither a file nor a sequence"
        raise InputError(message) from error
