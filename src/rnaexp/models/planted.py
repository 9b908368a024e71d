"""A toy encoder whose answer is known: one head holds the pairs, and every step of the method is needed to see them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.errors import InputError
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.rna import Pair, Rna

ALGORITHM = 1  # raise it when the maps change: it is part of the fingerprint
COMPLEMENTS = {"A": "U", "C": "G", "G": "C", "U": "A", "N": "N"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedConfig:
    """Where the answer stands and what hides it; the shares are parts of a row's attention, the rest is noise.

    `answer`: "pairs" takes `rna.pairs` and falls back to `stems` where there are none; "stems" always uses the
    sequence alone (two RNAs of one sequence then get one map, which a store keyed by sequence relies on).
    `hub`: index of the base that draws attention from everywhere; None: the first base that the answer leaves
    unpaired. `strip`: special tokens cut at the two ends; anything but (1, 1) is a planted fault.
    """

    layers: int = 3
    heads: int = 4
    layer: int = 1
    head: int = 2
    width: int = 16
    pair_share: float = 0.35
    hub_share: float = 0.45
    special_share: float = 0.1
    noise: float = 0.5
    hub: int | None = None
    answer: Literal["pairs", "stems"] = "pairs"
    strip: tuple[int, int] = (1, 1)
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.layer < self.layers and 0 <= self.head < self.heads):
            message = f"planted: head ({self.layer}, {self.head}) outside {self.layers} layers x {self.heads} heads"
            raise ValueError(message)
        if self.pair_share + self.hub_share + self.special_share > 1 or self.answer not in ("pairs", "stems"):
            message = f"planted: shares above 1, or answer {self.answer!r} is neither 'pairs' nor 'stems'"
            raise ValueError(message)


def stems(sequence: str, min_stem: int = 4, min_loop: int = 3) -> tuple[Pair, ...]:
    """Pairs of the longest Watson-Crick stems, one partner per base: what "planted" means without a reference.

    Outermost pairs are tried by stem length, then by (i, j); a stem that meets a base already taken is left out whole.
    """
    n = len(sequence)
    starts = [(i, j) for i in range(n) for j in range(i + min_loop + 1, n) if _complementary(sequence, i, j)]
    lengths = {at: _stem_length(sequence, *at, min_loop) for at in starts}
    taken: dict[int, int] = {}
    for (i, j), length in sorted(lengths.items(), key=lambda item: (-item[1], item[0])):
        bases = [*range(i, i + length), *range(j - length + 1, j + 1)]
        if length >= min_stem and not any(base in taken for base in bases):
            taken |= {i + k: j - k for k in range(length)} | {j - k: i + k for k in range(length)}
    return tuple(sorted((i, j) for i, j in taken.items() if i < j))


def _complementary(sequence: str, i: int, j: int) -> bool:
    return sequence[i] != "N" and COMPLEMENTS[sequence[i]] == sequence[j]


def _stem_length(sequence: str, i: int, j: int, min_loop: int) -> int:
    length = 0
    while j - i > min_loop + 2 * length and _complementary(sequence, i + length, j - length):
        length += 1
    return length


class Planted(nn.Module):
    """In one head each 3' base attends to its 5' partner, and in all heads one hub base draws from everywhere.

    The pairs stand only in the lower triangle, so that candidates i < j show nothing until the map is symmetrised;
    the hub outranks them until the average product correction; maps carry a first and a last special token, so that
    cutting one too many shifts everything by a base.
    """

    device_marker: Tensor

    def __init__(self, spec: ModelSpec, config: PlantedConfig) -> None:
        super().__init__()
        self.spec = replace(spec, layers=config.layers, heads=config.heads, width=config.width)
        self.config = config
        self.layers, self.heads = config.layers, config.heads
        self.fingerprint = hashlib.sha256(
            f"planted {ALGORITHM} {json.dumps(asdict(config), sort_keys=True)} {np.__version__}".encode()
        ).hexdigest()
        self.register_buffer("device_marker", torch.zeros(0))

    def check(self, rna: Rna) -> None:
        """Accept every RNA."""

    def answer(self, rna: Rna) -> tuple[Pair, ...]:
        """The pairs that are planted for this RNA."""
        return rna.pairs if self.config.answer == "pairs" and rna.pairs is not None else stems(rna.sequence)

    def hub(self, rna: Rna) -> int:
        """The base that draws attention from everywhere."""
        if self.config.hub is not None:
            return min(self.config.hub, len(rna) - 1)
        paired = {base for pair in self.answer(rna) for base in pair}
        return next((base for base in range(len(rna)) if base not in paired), 0)

    def raw_layer(self, rna: Rna, layer: int) -> Float[Tensor, "h t t"]:
        """One layer's maps with both special tokens still in; every row sums to 1."""
        config, tokens = self.config, len(rna) + 2
        planted = np.zeros((config.heads, tokens, tokens))
        planted[:, :, 0] = config.special_share
        planted[:, :, self.hub(rna) + 1] += config.hub_share
        if layer == config.layer:
            planted[config.head] += _planted_shares(self.answer(rna), tokens, config.pair_share)
        noise = np.exp(_rng(config.seed, layer, rna.sequence).normal(0, config.noise, planted.shape))
        noise *= (1 - planted.sum(-1, keepdims=True)) / noise.sum(-1, keepdims=True)
        return torch.from_numpy((planted + noise).astype(np.float32)).to(self.device_marker.device)

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's maps in turn, special tokens cut."""
        for layer in range(self.layers):
            yield self._strip(self.raw_layer(rna, layer))

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand each layer's maps to the reader."""
        for layer in range(self.layers):
            for index, rna in enumerate(rnas):
                reader(index, layer, self._strip(self.raw_layer(rna, layer)))

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One head's map."""
        return self._strip(self.raw_layer(rna, layer))[head]

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """A fixed random vector for each letter, averaged with its neighbours'."""
        table = _rng(self.config.seed, -1, "").normal(size=(5, self.config.width))
        return [self._embed(rna.sequence, table) for rna in rnas]

    embed_tokens = embed  # it has no special tokens to embed

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """0.85 for the complement of a visible planted partner, 0.05 for the rest; 0.25 each where there is none."""
        partner = {base: other for i, j in self.answer(rna) for base, other in ((i, j), (j, i))}
        rows = [_letter_odds(rna.sequence, partner.get(base), masked) for base in masked]
        return torch.tensor(rows, dtype=torch.float32, device=self.device_marker.device).log()

    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> list[Float[Tensor, "n a"]]:
        """The same at every base, with the given bases hidden."""
        found = []
        for rna, bases in zip(rnas, masked, strict=True):
            partner = {base: other for i, j in self.answer(rna) for base, other in ((i, j), (j, i))}
            found.append([_letter_odds(rna.sequence, partner.get(base), bases) for base in range(len(rna))])
        return [torch.tensor(rows, dtype=torch.float32, device=self.device_marker.device).log() for rows in found]

    def _embed(self, sequence: str, table: np.ndarray) -> Tensor:
        vectors = np.pad(table[["ACGUN".index(letter) for letter in sequence]], ((1, 1), (0, 0)), mode="edge")
        smooth = (vectors[:-2] + vectors[1:-1] + vectors[2:]) / 3
        return torch.from_numpy(smooth.astype(np.float32)).to(self.device_marker.device)

    def _strip(self, raw: Tensor) -> Tensor:
        first, last = self.config.strip
        return raw[:, first : raw.shape[1] - last, first : raw.shape[2] - last]


def _rng(seed: int, layer: int, sequence: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {layer} {sequence}".encode()).digest()
    return np.random.default_rng(list(digest))


def _planted_shares(pairs: Sequence[Pair], tokens: int, share: float) -> np.ndarray:
    """Give `share` of each 3' base's row, in equal parts, to its 5' partners; base 0 is token 1."""
    shares = np.zeros((tokens, tokens))
    for i, j in pairs:
        shares[j + 1, i + 1] = 1
    shares *= share / np.maximum(1, shares.sum(1, keepdims=True))
    return shares


def _letter_odds(sequence: str, partner: int | None, masked: Sequence[int]) -> list[float]:
    if partner is None or partner in masked or sequence[partner] == "N":
        return [0.25] * 4
    return [0.85 if COMPLEMENTS[sequence[partner]] == letter else 0.05 for letter in "ACGU"]


def load(
    spec: ModelSpec,
    *,
    weights: Path | None = None,
    config: Mapping[str, object] | None = None,
    device: str = "cpu",
    seed: int | None = None,
) -> Planted:
    """Build the toy; `config` holds fields of `PlantedConfig`, `seed` overrides its seed.

    Raises: InputError for weights (it has none) or an unknown field.
    """
    if weights is not None:
        message = f"planted has no weights to load: {weights}"
        raise InputError(message)
    chosen = dict(config or {}) | ({} if seed is None else {"seed": seed})
    if unknown := sorted(set(chosen) - set(PlantedConfig.__slots__)):
        message = f"planted: unknown setting {unknown[0]!r}; it has {', '.join(PlantedConfig.__slots__)}"
        raise InputError(message)
    if isinstance(strip := chosen.get("strip"), list):
        chosen["strip"] = tuple(strip)
    return Planted(spec, PlantedConfig(**chosen)).to(device)  # type: ignore[arg-type]
