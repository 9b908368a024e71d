"""A configuration of a larger search as a model with one map: it is tuned, tested and served like any head."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from rnaexp.models.one_map import OneMap
from rnaexp.models.spec import Encoder
from rnaexp.rna import Rna
from rnaexp.structure.choice import Choice, Searched
from rnaexp.structure.decode import one_partner
from rnaexp.structure.heads import RnaScores
from rnaexp.structure.pairs import candidates, pair_scores, reference
from rnaexp.structure.protocol import ReadOut, Scoring

# Of a pair that the configuration never calls, below every threshold: finite, as all scores must be.
NEVER = -1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One RNA with its kept maps, the best head's first."""

    rna: Rna
    maps: Float32[np.ndarray, "k n n"]


def kept_maps(encoder: Encoder, rna: Rna, heads: Sequence[tuple[int, int]]) -> Float32[np.ndarray, "k n n"]:
    """These heads' maps, in their order; later layers are not run."""
    last, maps = max(layer for layer, _ in heads), dict[tuple[int, int], np.ndarray]()
    with torch.inference_mode():
        for layer, some in enumerate(encoder.attention(rna)):
            maps |= {(layer, head): some[head].float().cpu().numpy() for at, head in heads if at == layer}
            if layer == last:
                break
    return np.stack([maps[head] for head in heads])


def configured(kept: Kept, chosen: Choice, scoring: Scoring) -> RnaScores:
    """Every call the configuration can make, best first, judged under `scoring`."""
    rna = kept.rna
    limited = Scoring(min_separation=max(chosen.min_separation, scoring.min_separation), pairs=chosen.pairs)
    allowed = candidates(rna, limited) & candidates(rna, scoring)
    scores = _scores(kept, chosen, allowed)
    places = np.flatnonzero(allowed)
    order = np.argsort(-scores, kind="stable")
    made = RnaScores(
        id=rna.id,
        sequence_sha256="",
        cluster=rna.cluster or rna.id,
        bases=len(rna),
        candidates=int(candidates(rna, scoring).sum()),
        reference=reference(rna, scoring),
        scores=scores[order][None],
        indices=places[order][None],
        complete=True,
        match=scoring.match,
    )
    greedy = "greedy" in (chosen.decoder, scoring.decoder)
    return one_partner(made, 0) if greedy else made


def _scores(kept: Kept, chosen: Choice, allowed: np.ndarray) -> Float32[np.ndarray, "p"]:
    read_out = ReadOut(symmetrise=chosen.symmetrise, apc=chosen.apc)
    every = pair_scores(torch.from_numpy(kept.maps[: chosen.heads]).double(), read_out).numpy()[:, allowed]
    if chosen.standardise and every.size:
        spread = every.std(1, keepdims=True)
        every = (every - every.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
    mean: np.ndarray = every.mean(0).astype(np.float32)
    return mean


class SearchedEncoder(OneMap):
    """The score of each pair, `NEVER` for what is not called."""

    def __init__(self, base: Encoder, found: Searched) -> None:
        self.base, self.found = base, found
        self.spec = replace(base.spec, output="pair-scores", layers=1, heads=1)
        self.device = getattr(base, "device", "cpu")
        made = json.dumps({"base": base.fingerprint, "searched": asdict(found)}, sort_keys=True)
        self.fingerprint = hashlib.sha256(made.encode()).hexdigest()

    def check(self, rna: Rna) -> None:
        """As the model itself."""
        self.base.check(rna)

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The map, above the diagonal; layers after the last that counts are not run."""
        kept = Kept(rna=replace(rna, pairs=()), maps=kept_maps(self.base, rna, self.found.heads))
        limits = Scoring(min_separation=self.found.min_separation, pairs=self.found.pairs)
        made = configured(kept, self.found.choice, limits)
        scores = np.full(len(rna) ** 2, NEVER, np.float32)
        scores[made.indices[0]] = made.scores[0]
        return torch.from_numpy(scores.reshape(len(rna), len(rna)))

    def nothing_else(self) -> str:
        """The search changes no embedding and no likelihood."""
        return f"what was searched of {self.spec.name} holds pair scores only; ask the model itself"
