"""Log-probabilities of single letters from a head whose tokens are k-mers or words of several letters."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.errors import UnavailableError
from rnaexp.models.tokens import BASES, Tokens, Vocabulary, Words
from rnaexp.rna import Encoding, Rna


class LettersOfWords:
    """For each base of an RNA the four words that differ in it alone, at each token that covers it.

    Raises: UnavailableError where a token has no fixed place in the sequence (BPE), or such a word is no token.
    """

    def __init__(self, rna: Rna, encoding: Encoding, tokens: Tokens, model: str) -> None:
        if not isinstance(tokens, (Vocabulary, Words)):
            message = (
                f"{model} gives no probabilities of letters: its tokens have no fixed length, so another letter would "
                "cut the sequence anew"
            )
            raise UnavailableError(message)
        self.bases = len(rna)
        letters = BASES if "U" * tokens.k in tokens.ids else BASES.replace("U", "T")
        text = rna.sequence if "U" in letters else rna.sequence.replace("U", "T")
        at = [(token, span, base) for token, span in enumerate(encoding.spans) if span for base in range(*span)]
        words = [
            [text[span[0] : base] + letter + text[base + 1 : span[1]] for letter in letters] for _, span, base in at
        ]
        if missing := next((word for four in words for word in four if word not in tokens.ids), ""):
            message = f"{model} gives no probabilities of letters: {missing!r} is none of its tokens"
            raise UnavailableError(message)
        self.token = torch.tensor([token for token, _, _ in at])
        self.base = torch.tensor([base for _, _, base in at])
        self.words = torch.tensor([[tokens.ids[word] for word in four] for four in words])

    def of(self, logits: Float[Tensor, "t v"]) -> Float[Tensor, "n a"]:
        """Given the other letters of each token: one token's answer, or where several cover a base their mean log."""
        place: Any = self.token.to(logits.device)[:, None], self.words.to(logits.device)
        log_probabilities = torch.log_softmax(logits[place].float(), -1)
        total = torch.zeros(self.bases, len(BASES), device=logits.device)
        total.index_add_(0, self.base.to(logits.device), log_probabilities)
        covering = torch.bincount(self.base, minlength=self.bases).to(total)[:, None]
        return torch.log_softmax(total / covering, -1)
