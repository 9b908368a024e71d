"""Several tuned heads as one model, behind the encoders' interface: the mean of their calibrated probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.data.sets import load_set
from rnaexp.errors import InputError, TooLongError, UnavailableError, UnsuitableError
from rnaexp.models.one_map import OneMap
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.progress import announce, say
from rnaexp.reading.store import Store, key_of
from rnaexp.rna import Rna
from rnaexp.structure.calibrate import drawable
from rnaexp.structure.heads import TunedHead, untuned_head
from rnaexp.structure.predict import reading_of
from rnaexp.structure.probabilities import OF_PROBABILITIES
from rnaexp.structure.protocol import PAIR_SCORES, PROTOCOLS
from rnaexp.structure.reading import Table, scores_from, sequence_sha256
from rnaexp.structure.shipped_heads import CENTROID
from rnaexp.structure.view import pair_table
from rnaexp.structure.worth import measured_on
from rnaexp.tasks.pairs.measure import reading_for, tune
from rnaexp.tasks.pairs.tuned import Load
from rnaexp.tasks.pairs.views import with_view

_SCORING = PROTOCOLS["paper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A tuned head with calibrated probabilities, and its model."""

    tuned: TunedHead
    encoder: Encoder

    def __post_init__(self) -> None:
        if self.tuned.view is None:
            message = (
                f"{self.tuned.model}: this head was tuned before probabilities were calibrated, which an ensemble "
                "averages; tune it again (rnaexp run, or predict --tune)"
            )
            raise InputError(message)

    @property
    def name(self) -> str:
        """Model and head."""
        return f"{self.tuned.model}:{self.tuned.layer}.{self.tuned.head}"

    def probabilities(self, rna: Rna) -> Float[np.ndarray, "n n"]:
        """Of the pairs that a structure may hold, 0 of all others; above the diagonal."""
        tuned, n = self.tuned, len(rna)
        assert tuned.view is not None
        table = Table(rna, reading_of(tuned))
        table.add(tuned.layer, self.encoder.read_head(rna, tuned.layer, tuned.head)[None])
        found = drawable(rna, scores_from(rna, table.entry(), tuned.scoring, tuned.read_out))
        pairs = pair_table(found, tuned.view.calibration)
        whole = np.zeros(n * n)
        whole[pairs.places] = pairs.probabilities
        return whole.reshape(n, n)


class Ensemble(OneMap):
    """The mean of the members' probabilities."""

    device = "cpu"

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        names = [member.name for member in self.members]
        specs = [member.encoder.spec for member in self.members]
        self.fingerprint = key_of(
            {"mean": [(member.encoder.fingerprint, member.tuned.to_json()) for member in self.members]}
        )
        known = [longest for member in self.members if (longest := getattr(member.encoder, "longest", None))]
        self.longest = min(known, default=None)
        limits = [spec.max_bases for spec in specs if spec.max_bases is not None]
        self.spec = ModelSpec(
            name=f"mean({','.join(names)})",
            title=f"Mean of the pair probabilities of {' and '.join(names)}",
            group="baseline",
            loader=f"{__name__}:Ensemble",
            reads="alignment" if any(spec.reads == "alignment" for spec in specs) else "sequence",
            output="pair-scores",
            layers=1,
            heads=1,
            max_bases=min(limits, default=None),
        )

    def check(self, rna: Rna) -> None:
        """Raises: TooLongError or UnsuitableError naming the first member that cannot read the RNA."""
        for member in self.members:
            try:
                member.encoder.check(rna)
            except (TooLongError, UnsuitableError) as error:
                why = str(error)
                message = why if member.tuned.model in why else f"{why} ({member.tuned.model})"
                raise type(error)(message) from error

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """The mean, on both sides of the diagonal."""
        total: np.ndarray = np.sum([member.probabilities(rna) for member in self.members], axis=0)
        return torch.from_numpy((total + total.T) / len(self.members)).float()

    def nothing_else(self) -> str:
        """A mean of probabilities has no embedding, and predicts no letters."""
        return f"{self.spec.name} holds pair probabilities only"


def ensemble(loads: Sequence[Load]) -> Load:
    """The heads as one: tuned, calibrated and judged as a model's, on the set that all of them were tuned on.

    Raises (when it is loaded): InputError for fewer than two heads, or one without probabilities; what loading raises.
    """
    if len(loads) < 2:
        message = "an ensemble takes two models or more"
        raise InputError(message)

    def load() -> tuple[TunedHead, Encoder]:
        members = [Member(tuned=tuned, encoder=encoder) for tuned, encoder in (load() for load in loads)]
        whole = Ensemble(members)
        return _calibrated(whole), whole

    return load


def _calibrated(whole: Ensemble) -> TunedHead:
    """On the common set; where there is none, or it cannot be had, the mean as it is, and a line that F1 is unknown."""
    names = {measured_on(member.tuned) for member in whole.members if member.tuned.tuned_on}
    names = names or {measured_on(member.tuned) for member in whole.members}
    why = "they were tuned on different sets" if len(names) > 1 else ""
    if not why:
        (name,) = names
        try:
            return tuned_on(whole, name, Store())
        except (InputError, UnavailableError) as error:
            why = f"{name} cannot be read again ({error})"
    say(f"{whole.spec.name}: confidences are mean probabilities, not calibrated, and F1 is unknown: {why}")
    gammas = [member.tuned.view.gamma for member in whole.members if member.tuned.view is not None]
    view = replace(OF_PROBABILITIES, gamma=float(np.exp(np.log(gammas).mean())))
    head = untuned_head(whole.spec.name, threshold=CENTROID, scoring=_SCORING, weights=whole.fingerprint)
    return replace(head, view=view)


def tuned_on(whole: Ensemble, name: str, store: Store) -> TunedHead:
    """Threshold, gamma and confidences of the mean on those RNAs of the set that every tuned member was tuned on.

    Raises: InputError if the set is another than theirs, or has none; UnavailableError.
    """
    data, tuned = load_set(name), [member.tuned for member in whole.members if member.tuned.tuned_on]
    if any(head.tuned_on_sha256 != data.sha256 for head in tuned):
        message = "it is not the set any more that the heads were tuned on"
        raise InputError(message)
    rnas = [rna for rna in data.rnas if all(sequence_sha256(rna) in head.sequences for head in tuned)]
    reading = reading_for(whole, PAIR_SCORES, _SCORING)
    part, head = tune(whole, data, rnas, reading, store, announce)
    found = with_view(whole, part, head, store, announce, fold=True)
    say(
        f"{whole.spec.name}: mean of {len(whole.members)} models' probabilities, calibrated on {len(head.sequences)} "
        f"RNAs of {name}; threshold of calls {head.threshold:.4g}"
    )
    return found
