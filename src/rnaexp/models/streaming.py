"""Read attention out of a running model, one layer at a time, so that no more than one layer's maps exist.

transformers lets a program register its own attention function. Ours runs the fused kernel unless the call brings a
`reading` that wants this layer. The reading travels with the call, never in a global: a server runs predictions in
threads.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.spec import Reader
from rnaexp.models.spread import Spread
from rnaexp.rna import Rna

IMPLEMENTATION = "rnaexp"  # the name of our function in transformers

Layers = Mapping[nn.Module, int]


def register() -> None:
    """Make our attention known to transformers; calling it again changes nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    AttentionInterface.register(IMPLEMENTATION, attend)
    # Without a mask function of the same name, padded batches get no mask at all and are silently wrong.
    AttentionMaskInterface.register(IMPLEMENTATION, ALL_MASK_ATTENTION_FUNCTIONS["eager"])


class Reading(Protocol):
    """What one forward pass is to give."""

    def wants(self, module: nn.Module) -> bool:
        """Whether this module's maps are read; the others run fused."""
        ...

    def read(self, module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """The probabilities [b h t t] to go on with; raises to end the pass."""
        ...


def probabilities(
    query: Float[Tensor, "*b t d"], key: Float[Tensor, "*b u d"], mask: Tensor | None, scaling: float
) -> Float[Tensor, "*b t u"]:
    """Attention after softmax, in float32; `mask` is added, so 0 keeps a key and a large negative number hides it."""
    # Scaling the query costs one pass over [t d]; scaling the scores would cost one over [t t].
    scores = (query if scaling == 1.0 else query * scaling) @ key.transpose(-1, -2)
    if mask is not None:
        scores += mask
    if scores.dtype == torch.float32 and scores.device.type == "cpu":
        # Row by row in place: the second buffer of one layer's maps is saved.
        return torch.softmax(scores, dim=-1, out=scores)
    return torch.softmax(scores, dim=-1, dtype=torch.float32)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    reading: Reading | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it; dropout is never applied, for nothing is trained through here."""
    if scaling is None:
        scaling = query.size(-1) ** -0.5
    if key.shape[1] != query.shape[1]:  # several heads of a decoder share keys and values
        shared = query.shape[1] // key.shape[1]
        key, value = (each.repeat_interleave(shared, 1) for each in (key, value))
    if reading is None or not reading.wants(module):
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=scaling)
    else:
        mixed = reading.read(module, query, key, attention_mask, scaling).to(value.dtype) @ value
    return mixed.transpose(1, 2).contiguous(), None


class EveryHead:
    """Hands each layer's maps, RNA by RNA in base coordinates, to a reader and lets them go."""

    def __init__(self, layers: Layers, spreads: Sequence[Spread], lengths: Sequence[int], reader: Reader) -> None:
        self.layers, self.spreads, self.lengths, self.reader = layers, spreads, lengths, reader
        self.seen: list[int] = []

    def wants(self, module: nn.Module) -> bool:
        """Every layer."""
        return True

    def read(self, module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """All heads of this layer."""
        layer = self.layers[module]
        maps = probabilities(query, key, mask, scaling)
        for rna, (spread, tokens) in enumerate(zip(self.spreads, self.lengths, strict=True)):
            self.reader(rna, layer, spread.maps(maps[rna, :, :tokens, :tokens]))
        self.seen.append(layer)
        return maps

    def check(self, model: str) -> None:
        """Raise UnavailableError unless each layer was read once, in order."""
        if self.seen != list(range(len(self.layers))):
            message = f"{model}: attention came from layers {self.seen}, not from each of its {len(self.layers)}"
            raise UnavailableError(message)


class _EnoughError(Exception):
    """The wanted head has been read; the rest of the pass is not needed."""


class OneHead:
    """Reads one head of one layer of a batch of RNAs with equally many tokens, then ends the pass."""

    def __init__(self, layers: Layers, spreads: Sequence[Spread], layer: int, head: int) -> None:
        self.layers, self.spreads, self.layer, self.head = layers, spreads, layer, head
        self.maps: list[Tensor] = []

    def wants(self, module: nn.Module) -> bool:
        """The one layer."""
        return self.layers[module] == self.layer

    def read(self, module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """Only this head's probabilities; nothing is mixed with them."""
        row = slice(self.head, self.head + 1)
        if mask is not None and mask.shape[1] > 1:  # a bias of its own for each head
            mask = mask[:, row]
        found = probabilities(query[:, row], key[:, row], mask, scaling)[:, 0]
        self.maps = [spread.maps(one) for spread, one in zip(self.spreads, found, strict=True)]
        raise _EnoughError

    def run(self, forward: Callable[[], object]) -> list[Tensor]:
        """The head's map of each RNA from a pass that carries this reading."""
        try:
            forward()
        except _EnoughError:
            if self.maps:
                return self.maps
            raise
        message = f"layer {self.layer} was not reached"
        raise UnavailableError(message)


class _Discovery:
    """Notes which modules call our function, in order, and how many heads each has."""

    def __init__(self) -> None:
        self.layers: dict[nn.Module, int] = {}
        self.heads: set[int] = set()

    def wants(self, module: nn.Module) -> bool:
        return True

    def read(self, module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        self.layers[module] = len(self.layers)
        self.heads.add(query.shape[1])
        return probabilities(query, key, mask, scaling)


def find_layers(body: Any, ids: Tensor, *, layers: int, heads: int, model: str) -> dict[nn.Module, int]:
    """Which modules attend, in order, proven by a short pass that must agree with the class's own attention.

    Not every class numbers its layers (ESM leaves `layer_idx` None), and not every class can be streamed.

    Raises: UnavailableError if the number of layers or heads differs, or the outputs do; InputError if the class's own
    code gives no finite numbers: then the weights are damaged, not the reading.
    """
    found = _Discovery()
    try:
        read, fused, own = _three_ways(body, ids, found)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        message = f"{model}: its attention cannot be streamed: {str(error).splitlines()[0]}"
        raise UnavailableError(message) from error
    if not bool(torch.isfinite(own).all()):
        message = f"{model}: these weights give no finite numbers on twelve bases, so they are damaged"
        raise InputError(message)
    if len(found.layers) != layers or found.heads != {heads}:
        message = (
            f"{model}: {len(found.layers)} layers with {sorted(found.heads)} heads can be read, not {layers} x {heads}"
        )
        raise UnavailableError(message)
    if not all(torch.allclose(hidden, own, atol=1e-3, rtol=1e-3) for hidden in (read, fused)):
        message = f"{model}: its attention is more than softmax(q k), so it cannot be read by streaming"
        raise UnavailableError(message)
    return found.layers


def _three_ways(body: Any, ids: Tensor, reading: Reading) -> list[Tensor]:
    """Last hidden states of a pass that is read, of a fused one, and of one through the class's own code."""
    with torch.inference_mode():
        ours = [body(ids, reading=reading).last_hidden_state, body(ids).last_hidden_state]
        switch(body, "eager")
        try:
            return [*ours, body(ids).last_hidden_state]
        finally:
            switch(body, IMPLEMENTATION)


def switch(body: Any, implementation: str) -> None:
    """transformers switches classes whose source it recognises; others read the same field of the configuration."""
    if body._can_set_attn_implementation():
        body.set_attn_implementation(implementation)
    else:
        body.config._attn_implementation = implementation


class _ClosedError(Exception):
    """The consumer of the iterator wants no more."""


class _ReadsAttention(Protocol):
    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None: ...


def layer_by_layer(encoder: _ReadsAttention, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
    """`read_attention` turned round: the model runs in a thread and waits until the next layer is requested.

    The model goes on only on request, so one layer's maps exist as long as the consumer drops a layer before asking
    for the next (a `for` loop holds its variable a moment longer). Leaving early ends the pass and the thread.
    """
    requests: queue.SimpleQueue[bool] = queue.SimpleQueue()
    given: queue.SimpleQueue[Tensor | BaseException | None] = queue.SimpleQueue()

    def wait(_rna: int, _layer: int, maps: Tensor) -> None:
        given.put(maps)
        if not requests.get():
            raise _ClosedError

    def run() -> None:
        try:
            encoder.read_attention([rna], wait)
            given.put(None)
        except _ClosedError:
            pass
        except BaseException as error:  # handed to the consumer, whole
            given.put(error)

    thread = threading.Thread(target=run, name=f"attention of {rna.id}", daemon=True)
    thread.start()
    try:
        while (taken := _take(given)) is not None:
            yield taken.pop()
            requests.put(True)
    finally:
        requests.put(False)
        thread.join()


def _take(given: "queue.SimpleQueue[Tensor | BaseException | None]") -> list[Tensor] | None:
    """A list of one, so that the generator itself holds no layer while it waits."""
    item = given.get()
    if isinstance(item, BaseException):
        raise item
    return None if item is None else [item]
