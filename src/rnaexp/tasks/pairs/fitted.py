"""The fitted row next to the single head: a probe on all maps of a model, fitted on the validation set alone."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.models.fitted import fitted_spec
from rnaexp.models.one_map import OneMap
from rnaexp.models.spec import Encoder, Reader
from rnaexp.progress import Announce
from rnaexp.reading.cached import cached
from rnaexp.reading.entry import Arrays
from rnaexp.reading.read import unreadable
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Rna
from rnaexp.structure.pairs import candidates, pair_scores, reference
from rnaexp.structure.probe import NEGATIVES, Probe, Sampled, fit_probe, sampled_pairs, weighted_scores
from rnaexp.structure.protocol import ATTENTION, Scoring

_SCHEMA = 1


class FittedEncoder(OneMap):
    """The log-odds of each pair."""

    def __init__(self, base: Encoder, probe: Probe) -> None:
        self.base, self.probe, self.spec = base, probe, fitted_spec(base.spec)
        self.device = getattr(base, "device", "cpu")
        weights = {"weights": probe.weights.tolist(), "intercept": probe.intercept}
        self.fingerprint = key_of({"base": base.fingerprint, **weights})
        self._used = [layer for layer in range(base.layers) if probe.weights[layer].any()]

    def check(self, rna: Rna) -> None:
        """As the model itself."""
        self.base.check(rna)

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand over one map an RNA."""
        if len(rnas) == 1:  # layers after the last that counts are not run
            reader(0, 0, self.read_head(rnas[0], 0, 0)[None])
            return
        sums: dict[int, Tensor] = {}

        def add(index: int, layer: int, maps: Tensor) -> None:
            if layer in self._used:
                sums[index] = self._weighted(layer, maps) + sums.get(index, 0)

        self.base.read_attention(rnas, add)
        for index, rna in enumerate(rnas):
            reader(index, 0, self._log_odds(sums.get(index), len(rna))[None])

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The map."""
        total, last = None, max(self._used, default=-1)
        for at, maps in enumerate(self.base.attention(rna)):
            if at > last:
                break
            if at in self._used:
                total = self._weighted(at, maps) + (0 if total is None else total)
            if at == last:
                break
        return self._log_odds(total, len(rna))

    def _weighted(self, layer: int, maps: Tensor) -> Float[Tensor, "n n"]:
        return weighted_scores(maps, self.probe.weights[layer], ATTENTION)

    def _log_odds(self, total: Tensor | None, n: int) -> Float[Tensor, "n n"]:
        scores = torch.zeros(n, n) if total is None else total
        return (scores + self.probe.intercept).float()

    def nothing_else(self) -> str:
        """The probe changes no embedding and no likelihood."""
        return f"{self.spec.name} holds pair scores only; ask {self.base.spec.name}"


def fitted(encoder: Encoder, rnas: Sequence[Rna], scoring: Scoring, store: Store, announce: Announce) -> FittedEncoder:
    """The model with its heads weighted by a probe fitted on these RNAs; from the store where that was done before.

    Raises: ValueError where there is nothing to fit.
    """
    usable = [rna for rna in rnas if len(reference(rna, scoring)) and not unreadable(encoder, rna)]

    def fit() -> Arrays:
        with announce(f"{encoder.spec.name}, all heads", len(usable)) as progress:
            sampled = []
            for at, rna in enumerate(usable):
                sampled.append(_sampled(encoder, rna, scoring, at))
                progress(1)
        probe = fit_probe(sampled, layers=encoder.layers, heads=encoder.heads)
        return {"weights": probe.weights, "intercept": np.array(probe.intercept), "strength": np.array(probe.strength)}

    held = cached(store, _key(encoder, usable, scoring), fit)
    probe = Probe(weights=held["weights"], intercept=float(held["intercept"]), strength=float(held["strength"]))
    return FittedEncoder(encoder, probe)


def _key(encoder: Encoder, rnas: Sequence[Rna], scoring: Scoring) -> str:
    read = [
        (rna.sequence, rna.alignment.sha256() if rna.alignment else None, sorted(rna.pairs or ()), rna.cluster)
        for rna in rnas
    ]
    return key_of(
        {
            "probe": _SCHEMA,
            "encoder": encoder.fingerprint,
            "negatives": NEGATIVES,
            "candidates": [scoring.min_separation, scoring.pairs],
            "rnas": read,
        }
    )


def _sampled(encoder: Encoder, rna: Rna, scoring: Scoring, number: int) -> Sampled:
    places, paired, counts = sampled_pairs(
        candidates(rna, scoring), reference(rna, scoring), np.random.default_rng(number)
    )
    where, layers = torch.from_numpy(places), []
    with torch.inference_mode():
        for maps in encoder.attention(rna):
            scores = pair_scores(maps.double(), ATTENTION).flatten(1)
            layers.append(scores[:, where.to(scores.device)].float().cpu().numpy())
    return Sampled(scores=np.concatenate(layers).T, paired=paired, counts=counts, cluster=rna.cluster or rna.id)
