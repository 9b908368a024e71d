"""The verb `explore`: every head's attention to some RNAs of the user's, as one HTML file and as a table."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from rnaexp import models
from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError, ScoreError, TooLongError, UnsuitableError
from rnaexp.models.in_training import load_checkpoint
from rnaexp.models.spec import Encoder, refuse_without_attention
from rnaexp.progress import announce, say
from rnaexp.reading.loading import Loading
from rnaexp.rna import Rna
from rnaexp.structure.atlas import heads_atlas
from rnaexp.structure.configuration import head_for
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import Scoring
from rnaexp.structure.reading import Reading
from rnaexp.structure.strong import strong_shares
from rnaexp.tasks.pairs.explorer import Attended, Explored, Shown, attended_to, explored, explorer_page
from rnaexp.tasks.pairs.figures import atlas_figure
from rnaexp.tasks.pairs.find_head import look_for_head
from rnaexp.tasks.pairs.measure import read_out_of
from rnaexp.track.artifacts import DOTS_AN_INCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is written. `most`: RNAs on the page; `beside`: another model, or a checkpoint of this one, or "".

    `atlas`: a CSV file of what each head attends to in all RNAs, its picture next to it; None: none.
    """

    out: Path
    most: int
    tuned: str = ""
    beside: str = ""
    atlas: Path | None = None


def explore(model: str, rnas: Sequence[Rna], wanted: Wanted, loading: Loading) -> None:
    """Write the page: its first view is the tuned head at its threshold, or, without one, the best head of the RNA.

    Raises: InputError if no RNA can be shown, UnavailableError.
    """
    known = look_for_head(model, wanted.tuned)
    encoder = models.load(**loading.of(model, known.tuned.read_out.token_pairs if known else "mean"))
    frozen = _fitting(encoder, known.tuned if known else None, named=bool(wanted.tuned))
    pages = [_shown(encoder, rnas[: wanted.most], frozen)]
    if wanted.beside:
        other = _beside(wanted.beside, model, loading)
        head = look_for_head(wanted.beside) if wanted.beside in models.names() else None
        pages.append(_shown(other, rnas[: wanted.most], _fitting(other, head.tuned if head else None, named=False)))
        pages = _named(_of_both(*pages), wanted.beside)
    if not all(page.found for page in pages):
        message = f"none of the {len(rnas)} RNAs can be shown"
        raise InputError(message)
    html = explorer_page(pages).encode()
    write_atomically(wanted.out, html)
    count = len(pages[0].found)
    sys.stdout.write(f"{count} RNAs, {encoder.layers * encoder.heads} heads, {len(html) / 1e6:.1f} MB: {wanted.out}\n")
    if wanted.atlas is not None:
        _write_atlas(wanted.atlas, encoder, rnas, pages[0].found)


def _shown(encoder: Encoder, rnas: Sequence[Rna], frozen: TunedHead | None) -> Shown:
    """The RNAs that the model can read; what it cannot is named."""
    if frozen is None:
        reading = Reading(read_out=read_out_of(encoder), scoring=Scoring())
    else:
        reading = Reading(read_out=frozen.read_out, scoring=frozen.scoring)
    found = list[Explored]()
    with announce(f"{encoder.spec.name}, every head", len(rnas)) as progress:
        for rna in rnas:
            try:
                found.append(explored(encoder, rna, reading, frozen))
            except (ScoreError, TooLongError, UnsuitableError) as error:
                say(f"{rna.id}: left out: {error}")
            progress(1)
    return Shown(model=encoder.spec.name, found=found, reading=reading, frozen=frozen)


def _beside(name: str, model: str, loading: Loading) -> Encoder:
    """Another model, or a checkpoint file of this one's training.

    Raises: InputError, UnavailableError.
    """
    how = {key: value for key, value in loading.of(name).items() if key not in ("name", "weights", "config")}
    if Path(name).is_file():
        return load_checkpoint(Path(name), like=model, **how)[1]
    refuse_without_attention(models.spec(name))
    return models.load(name, **how)


def _of_both(one: Shown, other: Shown) -> list[Shown]:
    """Both with the RNAs that both can read."""
    common = {each.rna.id for each in one.found} & {each.rna.id for each in other.found}
    return [replace(page, found=[each for each in page.found if each.rna.id in common]) for page in (one, other)]


def _named(pages: list[Shown], beside: str) -> list[Shown]:
    """Two training steps of one model are told apart by the checkpoint's name."""
    if pages[0].model != pages[1].model:
        return pages
    return [pages[0], replace(pages[1], model=f"{pages[1].model}, {Path(beside).name}")]


def _write_atlas(path: Path, encoder: Encoder, rnas: Sequence[Rna], shown: Sequence[Explored]) -> None:
    """Over all RNAs; those on the page are not read again."""
    there = {each.rna.id: each.attended for each in shown}
    rows = list[Attended]()
    for rna in rnas:
        try:
            rows.append(there[rna.id] if rna.id in there else attended_to(encoder, rna))
        except (ScoreError, TooLongError, UnsuitableError) as error:
            say(f"{rna.id}: left out: {error}")
    table = heads_atlas([each.shares for each in rows], encoder.heads)
    table = pd.concat([table, strong_shares([each.strong for each in rows])], axis=1)
    write_atomically(path, table.to_csv(index=False, float_format="%.5g").encode())
    figure = atlas_figure(table, f"{encoder.spec.name}: what heads attend to, {len(rows)} RNAs")
    figure.savefig(path.with_suffix(".png"), dpi=DOTS_AN_INCH)
    sys.stdout.write(f"{len(table)} heads, {len(rows)} RNAs: {path} and {path.with_suffix('.png').name}\n")


def _fitting(encoder: Encoder, tuned: TunedHead | None, *, named: bool) -> TunedHead | None:
    """The head, if it is one of these very weights; a default head of other weights is left out."""
    if tuned is None:
        return None
    try:
        return head_for(encoder, tuned)
    except InputError as error:
        if named:
            raise
        say(f"no tuned head is shown: {error}")
        return None
