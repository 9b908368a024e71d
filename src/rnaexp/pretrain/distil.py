"""Distillation: the pairs that a teacher finds in a whole alignment, taught to crops of few rows or of one.

No known structure takes part: the teacher is a model, and its pairs are its own.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor
from torch.nn import ModuleList

from rnaexp.errors import InputError
from rnaexp.models import rnamsm
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.nano_catalog import SHIPPED
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.crops import CropSampler
from rnaexp.pretrain.families import GAP, Aligned
from rnaexp.pretrain.masking import token_ids
from rnaexp.pretrain.recipe import Distillation, Recipe
from rnaexp.rna import Pair
from rnaexp.structure.kinds import largest_nested
from rnaexp.structure.pairs import average_product_correct, symmetrise
from rnaexp.structure.view import helices

_NONE, _NOT_COUNTED = 0, -1  # a base without partner attends to the special token before the row
_LEAST_APART = 4


class Taught(NamedTuple):
    """Token ids, and of each token the token of its partner: 0 where it has none, -1 where it does not count."""

    ids: Int[Tensor, "b s t"]
    partners: Int[Tensor, "b t"]


class Distiller:
    """Draws crops of the families in which the teacher finds pairs; who teaches is a matter of the batch's number.

    The first teacher is a model as it is, each further one the student as it was when a batch of `again` began:
    `copies` hold these, and are part of a saved state.
    """

    def __init__(
        self, recipe: Recipe, families: Sequence[Aligned], network: MsaTransformer, teacher: MsaTransformer | None
    ) -> None:
        assert teacher is not None
        self.chosen, self.crops, self.families = recipe.distillation, recipe.distillation_crops, families
        self.first = teacher
        self.copies = ModuleList(deepcopy(network).eval().requires_grad_(False) for _ in self.chosen.again)
        self.round, self.pairs, self.sampler = -1, list[Sequence[Pair]](), CropSampler(families, self.crops)

    def batch(self, seed: int, number: int) -> Taught:
        """Batch `number`, by seed, number and teacher alone."""
        # A loader asks for the next batch before this one is trained on.
        self._turn(sum(number >= first + 2 for first in self.chosen.again))
        codes, places = self.sampler.batch_with_columns(seed + _OTHER_DRAWS, number)
        partners = np.full((codes.shape[0], codes.shape[2]), _NOT_COUNTED, np.int64)
        for at, place in enumerate(places):
            partners[at, : len(place.columns)] = _partners(self.pairs[place.family], place.columns)
        padded = np.pad(partners, ((0, 0), (1, 0)), constant_values=_NOT_COUNTED)
        return Taught(token_ids(codes, LETTERS), torch.from_numpy(padded))

    def _turn(self, wanted: int) -> None:
        """Let the teacher of this round read every family; one where it finds too little teaches nothing."""
        if wanted == self.round:
            return
        teacher: Any = self.copies[wanted - 1] if wanted else self.first
        head = self.chosen.student if wanted else self.chosen.head
        threshold = self.chosen.again_threshold if wanted else self.chosen.threshold
        found = [(family, family_pairs(family, teacher, self.chosen, head, threshold)) for family in self.families]
        kept = [(family, pairs) for family, pairs in found if len(pairs) >= self.chosen.least * family.bases]
        if not kept:
            message = "distillation: the teacher finds no pairs in any family"
            raise ValueError(message)
        self.round, self.pairs = wanted, [pairs for _, pairs in kept]
        self.sampler = CropSampler([family for family, _ in kept], self.crops)


_OTHER_DRAWS = 7_000_003  # added to the seed: not the crops whose letters are hidden


def _partners(pairs: Sequence[Pair], columns: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
    """Token of each column's partner among these columns."""
    token = {int(column): at + 1 for at, column in enumerate(columns)}
    partners = np.full(len(columns), _NONE, np.int64)
    for i, j in pairs:
        if i in token and j in token:
            partners[token[i] - 1], partners[token[j] - 1] = token[j], token[i]
    return partners


@torch.inference_mode()
def family_pairs(
    family: Aligned, teacher: MsaTransformer, chosen: Distillation, head: tuple[int, int], threshold: float
) -> tuple[Pair, ...]:
    """Nested helices of the teacher's map of the family's most unlike rows, as columns of its alignment.

    Only columns where at least half of the rows (by weight) have a base are read.
    """
    columns = np.flatnonzero(family.weights @ (family.codes != GAP) >= family.neff / 2)[: chosen.columns]
    if len(columns) <= _LEAST_APART:
        return ()
    rows = np.argsort(-family.weights, kind="stable")[: chosen.rows]
    ids = token_ids(family.codes[rows][None][:, :, columns], LETTERS).to(teacher.device)
    maps = teacher.row_attention_head(ids, *head)[:, 1:, 1:].float().cpu()
    pairs = decoded(average_product_correct(symmetrise(maps))[0].numpy(), threshold)
    return tuple((int(columns[i]), int(columns[j])) for i, j in pairs)


def decoded(scores: Float[np.ndarray, "n n"], threshold: float) -> tuple[Pair, ...]:
    """Pairs at or above the threshold, each base's best one, the largest nested set of these, without lone pairs."""
    upper = np.triu(scores, _LEAST_APART)
    places = np.argwhere((upper >= threshold) & (upper > 0))
    order = np.argsort(-upper[places[:, 0], places[:, 1]], kind="stable")
    taken, pairs = set[int](), []
    for i, j in places[order].tolist():
        if i not in taken and j not in taken:
            taken |= {i, j}
            pairs.append((i, j))
    return helices(largest_nested(pairs, len(scores)))


def distillation_loss(network: MsaTransformer, batch: Taught, head: tuple[int, int]) -> Float[Tensor, ""]:
    """Mean negative log of the attention from each base to its partner, or to the special token, in nats."""
    maps = network.row_attention_head(batch.ids, *head)
    counted = batch.partners != _NOT_COUNTED
    right = maps.gather(2, batch.partners.clamp_min(0)[..., None])[..., 0][counted]
    return -(right + 1e-6).log().sum() / max(1, int(counted.sum()))


def teacher_of(name: str, near: Path) -> MsaTransformer:
    """A shipped model by its name, or a folder that `rnaexp pretrain` wrote, as seen from the recipe.

    Raises: InputError.
    """
    folder = SHIPPED / name if (SHIPPED / name).is_dir() else near / name
    if not folder.is_dir():
        message = f"distillation: no teacher {name!r}: neither a model that ships nor a folder"
        raise InputError(message)
    teacher: MsaTransformer = rnamsm.trained(folder, {}).eval().requires_grad_(False)
    return teacher
