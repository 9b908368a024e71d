"""Scores of a set of RNAs: what the store has is taken from it, only the rest is run."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnaexp.choices import Long
from rnaexp.errors import InputError, ScoreError, TooLongError, UnsuitableError
from rnaexp.models.spec import Encoder
from rnaexp.reading.also import Also
from rnaexp.reading.entry import Arrays
from rnaexp.reading.keys import key_of_entry
from rnaexp.reading.processes import processes
from rnaexp.reading.store import Store
from rnaexp.reading.unbuilt import UnbuiltModel, built
from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.reading import Reading, scores_from
from rnaexp.structure.windows import windows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An RNA without scores, and why. `failed`: the model ran, and its output was unusable."""

    id: str
    reason: str
    failed: bool = False


NOT_THERE = "{}: no result after the model ran; another process may have failed. Run again to resume"
Progress = Callable[[int], None]  # called with the number of RNAs just finished


def read_set(
    encoder: Encoder,
    rnas: Sequence[Rna],
    reading: Reading,
    store: Store,
    *,
    data: tuple[str, str],
    progress: Progress | None = None,
    whole: tuple[int, int] | None = None,
) -> tuple[HeadScores, list[Skipped]]:
    """Scores of all RNAs; only those not yet in the store are run. `data`: name and sha256 of the set.

    `whole`: a (layer, head) whose every candidate is stored as well, from the same maps, for whoever asks for it next.
    Every RNA comes back either scored or skipped with its reason.

    Raises: InputError for an RNA that is too long, if the reading says so.
    """
    keys = {rna.id: key_of_entry(encoder, rna, reading) for rna in rnas}
    entries = {rna.id: store.get(keys[rna.id]) for rna in rnas}
    suitable, skipped = suitable_of(encoder, rnas, reading.long, {id for id, entry in entries.items() if entry})
    missing = [rna for rna in suitable if entries[rna.id] is None]
    if progress is not None:
        progress(len(rnas) - len(missing))
    also = Also.of(encoder, suitable, reading, whole, store)
    if run_missing(encoder, suitable, missing, reading, store, keys, progress, also):
        entries |= {rna.id: store.get(keys[rna.id]) for rna in missing}
    tables = []
    for rna in suitable:
        entry = entries[rna.id]
        if entry is None:
            raise RuntimeError(NOT_THERE.format(rna.id))
        if "failed" in entry:
            skipped.append(Skipped(id=rna.id, reason=str(entry["failed"]), failed=True))
        else:
            tables.append(scores_from(rna, entry, reading.scoring, reading.read_out))
    return head_scores(encoder, reading, tables, data), skipped


def run_missing(
    encoder: Encoder,
    suitable: Sequence[Rna],
    missing: Sequence[Rna],
    reading: Reading,
    store: Store,
    keys: dict[str, str],
    progress: Progress | None,
    also: Also | None = None,
) -> bool:
    """Put what is missing into the store, and what is also wanted where that says; whether the model ran."""
    # Several processes must agree on who reads what, so each is given the whole list and passes over what is there.
    pending = suitable if processes() > 1 else missing
    if not pending:
        return False
    from rnaexp.reading.maps import Reader

    if processes() > 1:  # Lightning brings transformers and Matplotlib with it
        from rnaexp.reading.several import predict_together as run
    else:
        from rnaexp.reading.maps import predict as run
    run(Reader(built(encoder), reading, store, keys, progress, also), pending)
    return True


def read_one(encoder: Encoder, rna: Rna, reading: Reading, store: Store) -> Arrays:
    """One RNA's entry as the model gives it now; it is not kept. Raises: ScoreError for unusable maps."""
    from rnaexp.reading.maps import Reader

    [(_, (entry, _))] = Reader(built(encoder), reading, store, {}, None).read([rna])
    if "failed" in entry:
        raise ScoreError(str(entry["failed"]))
    return entry


def suitable_of(
    encoder: Encoder, rnas: Sequence[Rna], long: Long, read: Collection[str]
) -> tuple[list[Rna], list[Skipped]]:
    """`read`: ids of RNAs whose results are there: an unbuilt model could read them, unless its row is another now."""
    suitable, skipped = [], []
    most = encoder.spec.max_bases
    for rna in rnas:
        known = isinstance(encoder, UnbuiltModel) and rna.id in read and (most is None or len(rna) <= most)
        if reason := "" if known else unreadable(encoder, rna, long):
            skipped.append(Skipped(id=rna.id, reason=reason))
        else:
            suitable.append(rna)
    return suitable, skipped


def unreadable(encoder: Encoder, rna: Rna, long: Long = "skip") -> str:
    """Why the model cannot read this RNA, or one of the windows that `long` cuts it into; "" if it can.

    Raises: InputError if it is too long and `long` is `error`.
    """
    windows = windows_of(encoder, rna, long)
    try:
        for part in [rna] if windows is None else windows.parts(rna):
            encoder.check(part)
    except TooLongError as error:
        if long == "error":
            message = f"{error}; --long skip leaves such RNAs out, --long window reads them in parts"
            raise InputError(message) from error
        return str(error)
    except UnsuitableError as error:
        return str(error)
    return ""


def read_alone(encoder: Encoder, rnas: Sequence[Rna], name: str) -> str:
    """What to say of RNAs of the set `name` that a model of alignments read without one; "" if there are none."""
    alone = sum(rna.alignment is None for rna in rnas)
    if encoder.spec.reads != "alignment" or not alone:
        return ""
    file = name if Path(name).is_file() else "FASTA"
    made = f"{Path(file).stem}-aligned"
    return (
        f"{alone} of {len(rnas)} RNAs of {name} have no alignment and were read alone, at depth 1; to align homologs "
        f"to them: rnaexp msa {file} --database SEQUENCES --out {made}, then give the folder {made} in the file's place"
    )


def head_scores(encoder: Encoder, reading: Reading, tables: Sequence[RnaScores], data: tuple[str, str]) -> HeadScores:
    """Of one set (its name and sha256), all heads' or that of the reading."""
    one = None if reading.head is None else reading.head[0] * encoder.heads + reading.head[1]
    return HeadScores(
        model=encoder.spec.name,
        weights=encoder.fingerprint,
        data=data[0],
        data_sha256=data[1],
        read_out=reading.read_out,
        scoring=reading.scoring,
        heads_per_layer=encoder.heads,
        heads=tuple(range(encoder.layers * encoder.heads)) if one is None else (one,),
        rnas=tuple(tables),
    )
