"""Models that read from left to right: a letter is predicted from those before it, and nothing else.

Their maps are lower-triangular (a base attends to itself and to what stands before it); symmetrising makes whole maps
of them. They hide nothing: the likelihood of a sequence is the product of its letters', each given those before it.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnavailableError
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.sequence_encoder import SequenceEncoder
from rnaexp.models.tokens import BASES
from rnaexp.rna import Rna


class LeftToRight(SequenceEncoder):
    """Letters of a decoder."""

    causal = True

    @torch.inference_mode()
    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """Log-probabilities of A C G U at every base of each RNA, given that it is one of the four and all before it.

        Without a token before the sequence nothing is known of the first base: it is any of the four.

        Raises: UnavailableError where a base is to be hidden, or tokens are not single bases.
        """
        if any(masked):
            message = (
                f"{self.spec.name} reads from left to right and hides no base; its likelihoods are those of "
                "--convention left-to-right, or wild-type-marginal"
            )
            raise UnavailableError(message)
        letters = self._letter_ids()
        encodings = [self._encode(rna) for rna in rnas]
        logits = self.network(**self._batch(encodings)).logits[:, :, letters].float()
        found = []
        for encoding, rows in zip(encodings, logits, strict=True):
            first = next(at for at, span in enumerate(encoding.spans) if span is not None)
            before = torch.arange(first, first + encoding.bases, device=rows.device) - 1
            table = torch.log_softmax(rows[before.clamp(min=0)], -1)
            if first == 0:
                table[0] = -math.log(len(BASES))
            found.append(table)
        return found

    def _mask_id(self) -> int:
        message = f"{self.spec.name} reads from left to right and hides no base"
        raise UnavailableError(message)


class Decoder(LeftToRight, TransformerEncoder):
    """A transformers decoder whose attention streams (GPT-2, GPT-NeoX, Llama, Mistral and their like)."""


def is_causal(encoder: Any) -> bool:
    """Whether a model knows only what stands before a base."""
    return bool(getattr(encoder, "causal", False))
