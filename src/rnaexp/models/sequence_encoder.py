"""Any network that turns one RNA's tokens into hidden states, read in base coordinates; attention is `encoder`'s."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.errors import TooLongError, UnavailableError
from rnaexp.models.letters import LettersOfWords
from rnaexp.models.spec import ModelSpec
from rnaexp.models.spread import Spread
from rnaexp.models.tokens import Tokens, Vocabulary, Words
from rnaexp.rna import Encoding, Rna


class SequenceEncoder(nn.Module):
    """Embeddings and letter logits of a network with `layers` layers.

    `max_tokens` counts special tokens; None means that nothing in the model limits the length.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: ModelSpec,
        tokens: Tokens,
        fingerprint: str,
        max_tokens: int | None,
        can_predict: bool = True,
    ) -> None:
        super().__init__()
        self.network, self.spec, self.tokens = network.eval(), spec, tokens
        self.fingerprint, self.max_tokens, self.can_predict = fingerprint, max_tokens, can_predict
        config: Any = network.config
        self.layers = int(config.num_hidden_layers)
        self.eval()

    def _body(self) -> Any:
        return self.network.base_model

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def longest(self) -> int | None:
        """Most bases that surely fit, in whole words where a model reads words; None: no limit is known."""
        limits = [] if self.spec.max_bases is None else [self.spec.max_bases]
        if self.max_tokens is not None:
            outside = sum(span is None for span in self.tokens.encode(Rna(id="probe", sequence="GGGAAACCCUUU")).spans)
            room = self.max_tokens - outside
            limits.append(room + self.tokens.k - 1 if isinstance(self.tokens, Vocabulary) else room)
        return min(limits) // self.word * self.word if limits else None

    @property
    def word(self) -> int:
        """Bases of a token where tokens are neighbouring words, else 1: a part of an RNA begins with a whole one."""
        return self.tokens.k if isinstance(self.tokens, Words) else 1

    def check(self, rna: Rna) -> None:
        """Raise TooLongError or UnsuitableError if this model cannot read the RNA."""
        self._encode(rna)

    def _encode(self, rna: Rna) -> Encoding:
        if self.spec.max_bases is not None and len(rna) > self.spec.max_bases:
            message = f"{rna.id}: {len(rna)} bases; {self.spec.name} reads at most {self.spec.max_bases}"
            raise TooLongError(message)
        encoding = self.tokens.encode(rna)
        if self.max_tokens is not None and len(encoding.ids) > self.max_tokens:
            message = f"{rna.id}: {len(encoding.ids)} tokens; {self.spec.name} reads at most {self.max_tokens}"
            raise TooLongError(message)
        return encoding

    def _batch(self, encodings: Sequence[Encoding]) -> dict[str, Tensor | None]:
        """Ids padded on the right, and a mask only where there is padding: the fused kernel is faster without."""
        if self.training:
            message = f"{self.spec.name} is in training mode, so dropout is on; call eval()"
            raise RuntimeError(message)
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = torch.full((len(encodings), longest), self.tokens.pad)
        mask = torch.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = torch.tensor(encoding.ids)
            mask[row, : len(encoding.ids)] = 1
        padded = not bool(mask.all())
        return {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device) if padded else None}

    @torch.inference_mode()
    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Last-layer embedding of each base."""
        encodings = [self._encode(rna) for rna in rnas]
        rows = self._last_layer(encodings)
        return [Spread.of(encoding).rows(each) for each, encoding in zip(rows, encodings, strict=True)]

    @torch.inference_mode()
    def embed_tokens(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "t d"]]:
        """Last-layer embedding of each token, special ones included."""
        return self._last_layer([self._encode(rna) for rna in rnas])

    def _last_layer(self, encodings: Sequence[Encoding]) -> list[Float[Tensor, "t d"]]:
        hidden = self._body()(**self._batch(encodings)).last_hidden_state
        return [rows[: len(encoding.ids)].float() for rows, encoding in zip(hidden, encodings, strict=True)]

    @torch.inference_mode()
    def embed_layers(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "l n d"]]:
        """Embedding of each base below the first layer (index 0) and after each layer."""
        encodings = [self._encode(rna) for rna in rnas]
        states = self._body()(**self._batch(encodings), output_hidden_states=True).hidden_states
        if len(states) != self.layers + 1:
            message = f"{self.spec.name}: {len(states)} hidden states from {self.layers} layers"
            raise RuntimeError(message)
        return [
            torch.stack([Spread.of(encoding).rows(state[at, : len(encoding.ids)].float()) for state in states])
            for at, encoding in enumerate(encodings)
        ]

    @torch.inference_mode()
    def logits(self, rna: Rna, masked: Sequence[int] = ()) -> Float[Tensor, "n v"]:
        """What the masked-LM head says at each base over the whole vocabulary, the `masked` bases hidden."""
        self._letter_ids()
        encoding = self._hidden(rna, masked)
        return Spread.of(encoding).rows(self.network(**self._batch([encoding])).logits[0])

    def _hidden(self, rna: Rna, masked: Sequence[int]) -> Encoding:
        """The RNA's tokens, each one that covers a masked base hidden."""
        if outside := [base for base in masked if not 0 <= base < len(rna)]:
            message = f"{rna.id}: masked base {outside[0]} outside 0..{len(rna) - 1}"
            raise ValueError(message)
        encoding = self._encode(rna)
        ids = list(encoding.ids)
        for token, span in enumerate(encoding.spans):
            if span is not None and any(span[0] <= base < span[1] for base in masked):
                ids[token] = self._mask_id()
        return replace(encoding, ids=tuple(ids))

    @torch.inference_mode()
    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """Log-probabilities of A C G U at every base of each RNA, its `masked` bases hidden; one batch."""
        if not self.can_predict:
            self._letter_ids()
        encodings = [self._hidden(rna, bases) for rna, bases in zip(rnas, masked, strict=True)]
        letters = self.tokens.base_ids()
        if letters is None:
            named = {rna: LettersOfWords(rna, self._encode(rna), self.tokens, self.spec.name) for rna in set(rnas)}
            logits = self.network(**self._batch(encodings)).logits
            return [named[rna].of(rows) for rna, rows in zip(rnas, logits, strict=True)]
        logits = self.network(**self._batch(encodings)).logits[:, :, list(letters)].float()
        return [
            torch.log_softmax(Spread.of(encoding).rows(rows[: len(encoding.ids)]), -1)
            for rows, encoding in zip(logits, encodings, strict=True)
        ]

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Log-probabilities of A C G U at each masked base, given that it is one of the four."""
        logits = self.logits(rna, masked)[list(masked)]
        return torch.log_softmax(logits[:, self._letter_ids()].float(), dim=-1)

    def _letter_ids(self) -> list[int]:
        letters = self.tokens.base_ids()
        if not self.can_predict or letters is None:
            why = "its tokens are not single bases" if letters is None else "its checkpoint has no masked-LM head"
            message = f"{self.spec.name} gives no probabilities of letters: {why}"
            raise UnavailableError(message)
        return list(letters)

    def _mask_id(self) -> int:
        if self.tokens.mask is None:
            message = f"{self.spec.name} cannot hide a base: it has no mask token"
            raise UnavailableError(message)
        return self.tokens.mask
