"""Every head's map of an RNA as one HTML file to click through: opens offline, loads nothing, holds names as text.

Maps are rounded to 8 bits for show, on a scale of square roots. What is counted on the page (precision, recall, F1) and
the scores of pairs that could be called are the exact ones.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rnaexp.errors import TooLongError
from rnaexp.models.spec import Encoder
from rnaexp.reading.derived import derived
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.structure.atlas import COLUMNS, Places, attended
from rnaexp.structure.heads import RnaScores, TunedHead
from rnaexp.structure.reading import Reading, Table, scores_from
from rnaexp.structure.strong import strong_counts
from rnaexp.tasks.pairs.result import Result

MOST_BYTES = 2_500_000  # of one RNA's packed maps
_MOST_CELLS = 3_000_000  # of one RNA's maps; beyond, a cell stands for the largest of several pairs
_SHOWN = 4  # times the number of reference pairs: how far a threshold can be lowered
_LEAST = 64
_TEMPLATES = Path(__file__).parent / "templates"


class Attended(NamedTuple):
    """What each head attends to on one RNA."""

    shares: np.ndarray  # [l*h c], `atlas.COLUMNS`
    strong: np.ndarray  # [l*h c], `strong.COUNTS`

    @classmethod
    def of(cls, maps: torch.Tensor, places: Places) -> "Attended":
        """Of one layer."""
        return cls(attended(maps, places), strong_counts(maps, places))

    @classmethod
    def joined(cls, layers: Iterable["Attended"]) -> "Attended":
        """Of all layers, one after the other."""
        return cls(*(np.concatenate(each) for each in zip(*layers, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """An RNA, its maps for show, each head's best pairs, and what it attends to.

    `whole`: every candidate under the frozen head.
    """

    rna: Rna
    maps: np.ndarray  # [l h m m], 0..255
    largest: np.ndarray  # [l h]: the value of 255
    block: int  # bases a cell
    attended: Attended
    scores: RnaScores
    whole: RnaScores | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A model on the page: how its maps were read, and its tuned head if it has one."""

    model: str
    found: Sequence[Explored]
    reading: Reading
    frozen: TunedHead | None = None


def explored(encoder: Encoder, rna: Rna, reading: Reading, frozen: TunedHead | None = None) -> Explored:
    """One pass of the model over one RNA; no more than one layer's exact maps are held.

    Raises: ScoreError for a map without usable scores; TooLongError or UnsuitableError, as `encoder.check`.
    """
    encoder.check(rna)
    table, block = Table(rna, reading), _block(len(rna), encoder.layers * encoder.heads)
    whole = None if frozen is None else Table(rna, replace(reading, depth=float("inf")))
    maps, largest, found, places = [], [], list[Attended](), Places.of(rna)
    for layer, exact in enumerate(encoder.attention(rna)):
        table.add(layer, exact)
        found.append(Attended.of(exact, places))
        if whole is not None and frozen is not None and frozen.layer == layer:
            whole.add(layer, exact[frozen.head : frozen.head + 1])
        shown, top = _for_show(exact, block)
        maps.append(shown)
        largest.append(top)
    return Explored(
        rna=rna,
        maps=np.stack(maps),
        largest=np.stack(largest),
        block=block,
        attended=Attended.joined(found),
        scores=scores_from(rna, table.entry(), reading.scoring, reading.read_out),
        whole=None if whole is None else scores_from(rna, whole.entry(), reading.scoring, reading.read_out),
    )


def attended_to(encoder: Encoder, rna: Rna) -> Attended:
    """What each head attends to, layer by layer and nothing else. Raises: as `explored`."""
    encoder.check(rna)
    places = Places.of(rna)
    return Attended.joined(Attended.of(maps, places) for maps in encoder.attention(rna))


def explorer_page(shown: Sequence[Shown]) -> str:
    """The file: a grid of all heads; one head's map, threshold, counts and arcs, next to another's; one RNA after
    another, one model after another. Of several models each must have read the same RNAs."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    script = (_TEMPLATES / "explorer.js").read_text(encoding="utf-8")
    return environment.get_template("explorer.html").render(
        title=" and ".join(each.model for each in shown),
        facts={"atlas": COLUMNS, "models": [_facts_of_model(each) for each in shown]},
        script=script,
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _facts_of_model(shown: Shown) -> dict[str, Any]:
    read_out, frozen = shown.reading.read_out, shown.frozen
    return {
        "model": shown.model,
        "view": 2 if read_out.apc else 1 if read_out.symmetrise else 0,
        "frozen": None
        if frozen is None
        else {n: getattr(frozen, n) for n in ("layer", "head", "threshold", "tuned_on")},
        "rnas": [_facts_of(one, frozen) for one in shown.found],
    }


def explorer_of(result: Result, ids: Sequence[str], store: Store) -> bytes | None:
    """The page of a run's RNAs, made once; None for a model of one map, or where the model reads none of them whole."""
    encoder, scores = result.encoder, result.test.scores
    if encoder.spec.output != "attention" or encoder.layers * encoder.heads == 1:
        return None
    by_id = {rna.id: rna for rna in result.test.rnas}
    reading, name = Reading(read_out=scores.read_out, scoring=scores.scoring), encoder.spec.name

    def page() -> bytes:
        found = []
        for rna in (by_id[id] for id in ids):
            with suppress(TooLongError):  # it was read in windows
                found.append(explored(encoder, rna, reading, result.tuned))
        return (
            explorer_page([Shown(model=name, found=found, reading=reading, frozen=result.tuned)]).encode()
            if found
            else b""
        )

    read = [(each.id, each.content) for each in scores.rnas if each.id in ids]
    parts = [name, scores.weights, reading.read_out, reading.scoring, list(ids), read, result.tuned]
    return derived(store, "explorer", parts, page) or None


def _facts_of(one: Explored, frozen: TunedHead | None) -> dict[str, Any]:
    known, levels = one.rna.pairs is not None, 256
    packed = _packed(one.maps)
    while len(packed) > MOST_BYTES and levels > 16:
        levels //= 2
        packed = _packed(one.maps // (256 // levels) * (256 // levels))
    layers, heads = one.largest.shape
    rows = [_list(one, row, frozen, heads) for row in range(layers * heads)]
    return {
        "id": one.rna.id,
        "sequence": one.rna.sequence,
        "layers": layers,
        "heads": heads,
        "block": one.block,
        "cells": one.maps.shape[-1],
        "levels": levels,
        "maps": packed,
        "largest": [float(value) for value in one.largest.ravel()],
        "references": one.scores.reference.tolist() if known else None,
        "kept": [len(scores) for scores, _, _ in rows],
        "scores": _packed(np.concatenate([scores for scores, _, _ in rows]).astype("<f4")),
        "pairs": _packed(np.concatenate([pairs for _, pairs, _ in rows]).astype("<u4")),
        "hits": _packed(np.concatenate([hits for _, _, hits in rows]).astype(np.uint8)),
        "atlas": [[None if value != value else round(float(value), 4) for value in row] for row in one.attended.shares],
        "best": [_best(one.scores, row) for row in range(layers * heads)] if known and one.scores.references else None,
    }


def _list(one: Explored, row: int, frozen: TunedHead | None, heads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, pairs and hits of a head, best first; of the frozen one at least all that it calls."""
    scores, place, least = one.scores, row, 0
    if one.whole is not None and frozen is not None and row == frozen.layer * heads + frozen.head:
        scores, place = one.whole, 0
        least = int((scores.scores[0].astype(np.float64) >= frozen.threshold).sum())
    there = int((scores.indices[place] >= 0).sum())
    kept = min(there, max(_LEAST, _SHOWN * scores.references, least))
    return scores.scores[place, :kept], scores.indices[place, :kept], scores.hits[place, :kept]


def _best(scores: RnaScores, row: int) -> float:
    """The head's best F1 on this RNA; a lower bound for heads so weak that it lies beyond their kept pairs."""
    values, right = scores.scores[row], np.cumsum(scores.hits[row])
    ends = np.flatnonzero(np.r_[values[1:] != values[:-1], True] & (scores.indices[row] >= 0))
    if not len(ends):
        return 0.0
    return float((2 * right[ends] / (ends + 1 + scores.references)).max())


def _block(bases: int, heads: int) -> int:
    return max(1, int(np.ceil(bases * np.sqrt(heads / _MOST_CELLS))))


def _for_show(exact: torch.Tensor, block: int) -> tuple[np.ndarray, np.ndarray]:
    """A layer's maps in 256 steps of the square root, and each head's largest value."""
    maps = exact.detach().float()
    if block > 1:
        maps = torch.nn.functional.max_pool2d(maps[None], block, ceil_mode=True)[0]
    values = maps.cpu().numpy()
    top = np.maximum(values.max((1, 2)), np.finfo(np.float32).tiny)
    steps: np.ndarray = np.rint(255 * np.sqrt(np.clip(values / top[:, None, None], 0, 1)))
    return steps.astype(np.uint8), top


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode()
