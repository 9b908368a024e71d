"""Any MSA transformer as an encoder of RNAs with alignments, read in base coordinates of row 0."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from rnaexp.errors import TooLongError
from rnaexp.models import weights as files
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rows import select_rows
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.rna import Alignment, Rna

TOKENS_PER_BATCH = 2**16  # of padded alignments; a larger batch is run in parts
BASES = "ACGU"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentLetters:
    """Token ids: of A C G U N and the gap, in this order, of the one special token before each row, pad and mask."""

    letters: tuple[int, int, int, int, int, int]
    first: int
    pad: int
    mask: int

    def encode(self, alignment: Alignment, rows: Sequence[int]) -> Int[Tensor, "s t"]:
        """The chosen rows, each behind its special token."""
        table = np.array(self.letters, dtype=np.int64)
        ids = np.pad(table[alignment.codes()[list(rows)]], ((0, 0), (1, 0)), constant_values=self.first)
        return torch.from_numpy(ids)


class MsaEncoder(nn.Module):
    """An RNA is read with its alignment, or alone as an alignment of one row.

    Of an alignment deeper than `max_rows`, `select_rows` chooses the rows.
    """

    def __init__(
        self, network: MsaTransformer, *, spec: ModelSpec, letters: AlignmentLetters, max_rows: int, fingerprint: str
    ) -> None:
        super().__init__()
        config = network.config
        if not 1 <= max_rows <= config.max_rows:
            message = f"{spec.name}: max_rows {max_rows}; it has positions for 1..{config.max_rows}"
            raise ValueError(message)
        self.network, self.letters, self.max_rows = network.eval(), letters, max_rows
        self.layers, self.heads = int(config.num_hidden_layers), int(config.num_attention_heads)
        self.max_bases = int(config.max_position_embeddings) - 1
        self.spec = replace(
            spec, layers=self.layers, heads=self.heads, width=int(config.hidden_size), max_bases=self.max_bases
        )
        self.fingerprint = files.fingerprint(fingerprint, repr(sorted(asdict(letters).items())), f"rows {max_rows}")
        self.eval()

    @property
    def longest(self) -> int:
        """Most bases it has positions for."""
        return self.max_bases

    def check(self, rna: Rna) -> None:
        """Raise TooLongError if the model has fewer positions than the RNA has bases."""
        if len(rna) > self.max_bases:
            message = f"{rna.id}: {len(rna)} bases; {self.spec.name} reads at most {self.max_bases}"
            raise TooLongError(message)

    def encode(self, rna: Rna) -> Int[Tensor, "s t"]:
        """Token ids of the RNA's alignment, row 0 the RNA itself."""
        self.check(rna)
        alignment = rna.alignment or Alignment(names=(rna.id,), rows=(rna.sequence,))
        return self.letters.encode(alignment, select_rows(alignment, self.max_rows))

    @torch.inference_mode()
    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand each layer's row attention of each RNA to the reader; too large a batch runs in parts."""
        for part in self._parts([self.encode(rna) for rna in rnas]):
            for layer, maps in enumerate(self.network.row_attention(self._padded(list(part.values())))):
                for at, (index, ids) in enumerate(part.items()):
                    reader(index, layer, self._bases(maps[at], ids.shape[1]))

    @torch.inference_mode()
    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One head's map; of its layer no other head is computed, and later layers do not run."""
        if not (0 <= layer < self.layers and 0 <= head < self.heads):
            message = (
                f"{self.spec.name} has layers 0..{self.layers - 1} of heads 0..{self.heads - 1}: no {layer}.{head}"
            )
            raise ValueError(message)
        ids = self.encode(rna)
        return self._bases(self.network.row_attention_head(self._padded([ids]), layer, head)[0], ids.shape[1])

    @torch.inference_mode()
    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's row attention in turn; a layer is computed when it is read."""
        ids = self.encode(rna)
        for maps in self.network.row_attention(self._padded([ids])):
            yield self._bases(maps[0], ids.shape[1])

    @torch.inference_mode()
    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Last-layer embedding of each base of row 0, after the final norm."""
        return [rows[1:] for rows in self.embed_tokens(rnas)]

    @torch.inference_mode()
    def embed_tokens(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "t d"]]:
        """Last-layer embedding of each token of row 0, the special one before it included."""
        found: list[Tensor] = []
        for part in self._parts([self.encode(rna) for rna in rnas]):
            hidden = self.network(self._padded(list(part.values())), keep_rows=1).last_hidden_state
            found += [hidden[at, 0, : ids.shape[1]].float() for at, ids in enumerate(part.values())]
        return found

    @torch.inference_mode()
    def logits(self, rna: Rna, masked: Sequence[int] = ()) -> Float[Tensor, "n v"]:
        """What the model predicts at each base of row 0 over its whole vocabulary, the `masked` ones hidden there."""
        ids = self.encode(rna)
        ids[0, [base + 1 for base in masked]] = self.letters.mask
        logits: Tensor = self.network(self._padded([ids]), keep_rows=1).logits
        return logits[0, 0, 1:]

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Log-probabilities of A C G U at each masked base of row 0, given that it is one of the four."""
        if any(not 0 <= base < len(rna) for base in masked):
            message = f"{rna.id}: masked bases outside 0..{len(rna) - 1}"
            raise ValueError(message)
        letters = list(self.letters.letters[: len(BASES)])
        return torch.log_softmax(self.logits(rna, masked)[list(masked)][:, letters].float(), -1)

    @torch.inference_mode()
    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """Log-probabilities of A C G U at every base of each row 0, its `masked` bases hidden there."""
        letters, encoded, found = list(self.letters.letters[: len(BASES)]), [], list[Tensor]()
        for rna, bases in zip(rnas, masked, strict=True):
            if any(not 0 <= base < len(rna) for base in bases):
                message = f"{rna.id}: masked bases outside 0..{len(rna) - 1}"
                raise ValueError(message)
            encoded.append(self.encode(rna))
            encoded[-1][0, [base + 1 for base in bases]] = self.letters.mask
        for part in self._parts(encoded):
            logits = self.network(self._padded(list(part.values())), keep_rows=1).logits[:, 0, :, letters].float()
            found += [torch.log_softmax(logits[at, 1 : ids.shape[1]], -1) for at, ids in enumerate(part.values())]
        return found

    def _bases(self, maps: Float[Tensor, "*h t t"], tokens: int) -> Float[Tensor, "*h n n"]:
        """Without the special token before the row (rows are not renormalised) and without padding."""
        return maps[..., 1:tokens, 1:tokens]

    def _parts(self, encoded: Sequence[Tensor]) -> Iterator[dict[int, Tensor]]:
        """Neighbours that fit into one padded batch, by their index; an alignment above the limit runs alone."""
        part: dict[int, Tensor] = {}
        for index, ids in enumerate(encoded):
            together = [*part.values(), ids]
            padded = len(together) * max(len(x) for x in together) * max(x.shape[1] for x in together)
            if part and padded > TOKENS_PER_BATCH:
                yield part
                part = {}
            part[index] = ids
        yield part

    def _padded(self, encoded: Sequence[Tensor]) -> Int[Tensor, "b s t"]:
        """One batch on the model's device, padded by rows below and by columns on the right."""
        if self.network.training:
            message = f"{self.spec.name} is in training mode, so dropout is on; call eval()"
            raise RuntimeError(message)
        rows, tokens = (max(ids.shape[axis] for ids in encoded) for axis in (0, 1))
        batch = torch.full((len(encoded), rows, tokens), self.letters.pad)
        for at, ids in enumerate(encoded):
            batch[at, : len(ids), : ids.shape[1]] = ids
        return batch.to(next(self.network.parameters()).device)
