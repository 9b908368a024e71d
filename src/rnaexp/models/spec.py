"""What is known of a model without loading it, and what a loaded model must be able to do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field

from rnaexp.errors import UnavailableError
from rnaexp.models.source import Source
from rnaexp.rna import Rna
from rnaexp.settings import Free

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Group = Literal["diverse-ncrna", "specific-rna", "unified", "dna", "protein", "reference", "baseline"]
Count = Annotated[int, Field(ge=1)]
Resolution = Literal["base", "k-mer", "codon", "bpe"]  # what a token covers

IN_MEMORY = "rnaexp.models.wrap:refuse"  # the loader of a model that only this process has

# Called as reader(index of the RNA in the batch, layer, maps [h n n]); it must not keep the maps.
# What it raises ends the forward pass at once and reaches the caller unchanged.
Reader = Callable[[int, int, "Tensor"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One catalogue entry. A fact that nobody here has read from a file is None, never invented."""

    name: str
    title: str
    group: Group
    loader: str  # "module:function", imported when the model is loaded
    reads: Literal["sequence", "alignment"] = "sequence"
    min_rows: Count = 1  # fewest rows of an alignment from which it can tell anything
    output: Literal["attention", "pair-scores"] = "attention"  # pair scores are taken as they are
    layers: Count | None = None
    heads: Count | None = None
    width: Count | None = None
    parameters: str | None = None  # as its authors state them
    max_bases: Count | None = None
    resolution: Resolution = "base"
    has_attention: bool = True  # whether there is a bidirectional map to read
    why_no_attention: str = ""  # of a checkpoint of the user's own
    alphabet: str | None = None
    settings: Free | None = None  # what counts where the file says nothing; `config` of load() overrides both
    sources: tuple[Source, ...] = ()  # where its weights can be had, in the order they are tried; loaded: the one used
    sha256: str | None = None  # of the one file of weights, where it is known
    revision: str | None = None  # of what was loaded
    licence: str | None = None  # of the authors' weights; each source says its own
    trained_on: str | None = None
    trained_families: str | None = None  # "rfam": every family; else a file of accessions, named inside the package
    structure_seen: Literal["none", "prior", "predicted", "experimental"] | None = None
    proof_state: Literal["golden", "equal to multimolecule", "unproven", "by construction"] | None = None
    proof: str | None = None  # what shows that the adapter computes what the authors' code does, or why nothing
    citation: str | None = None
    unavailable: str | None = None  # why the weights cannot be had, and what to do

    @property
    def source(self) -> str | None:
        """Address of the first source; of a loaded model, of the one it came from."""
        return self.sources[0].address if self.sources else None

    def provenance(self) -> dict[str, str | None]:
        """Where a loaded model's weights came from, as it is logged with every run."""
        used = self.sources[0] if self.sources else None
        return {
            "revision": self.revision,
            "weights.source": used.address if used else None,
            "weights.layout": used.layout if used else None,
            "weights.licence": (used.licence if used else None) or self.licence,
        }


def as_one_map(base: ModelSpec, prefix: str, title: str) -> ModelSpec:
    """The entry of a model whose one map of pair scores is made of all that another gives; nothing proves it yet."""
    return replace(
        base,
        name=prefix + base.name,
        title=f"{base.title}, {title}",
        output="pair-scores",
        layers=1,
        heads=1,
        proof_state=None,
        proof=None,
    )


class Encoder(Protocol):
    """A loaded model. Everything it returns is in base coordinates: special tokens cut, tokens spread over bases."""

    spec: ModelSpec
    layers: int
    heads: int
    fingerprint: str  # hash of weights, configuration and tokenizer: part of the key of every stored result

    def check(self, rna: Rna) -> None:
        """Raise TooLongError or UnsuitableError if this model cannot read the RNA."""
        ...

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Run the RNAs as one batch and hand each layer's maps, after softmax, to the reader; keep none."""
        ...

    def read_head(self, rna: Rna, layer: int, head: int) -> 'Float[Tensor, "n n"]':
        """One head's map: layers before it run fused, layers after it do not run."""
        ...

    def attention(self, rna: Rna) -> 'Iterator[Float[Tensor, "h n n"]]':
        """Each layer's maps in turn, at most one layer in memory."""
        ...

    def embed(self, rnas: Sequence[Rna]) -> 'list[Float[Tensor, "n d"]]':
        """Last-layer embedding of each base; a batch of n equals n batches of one."""
        ...

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> 'Float[Tensor, "m a"]':
        """Log-probabilities of A C G U at each masked base, all of them masked at once."""
        ...


def refuse_without_attention(spec: ModelSpec) -> None:
    """Raise UnavailableError where there is no map of pairs to read, saying what to do instead."""
    if spec.has_attention:
        return
    if spec.unavailable is not None:
        message = f"{spec.name}: {spec.unavailable}"
        raise UnavailableError(message)
    why = f" ({spec.why_no_attention})" if spec.why_no_attention else ""
    message = (
        f"{spec.name} has no attention map of pairs to read{why}; rnaexp embed and rnaexp classify use its embeddings, "
        "and pair scores that you get from it in another way are scored by rnaexp score --pairs DIR"
    )
    raise UnavailableError(message)


@runtime_checkable
class LetterModel(Protocol):
    """What an encoder with a language-model head also does."""

    def predict_letters(self, rnas: Sequence[Rna], masked: Sequence[Sequence[int]]) -> 'list[Float[Tensor, "n a"]]':
        """Log-probabilities of A C G U at every base of each RNA, its `masked` bases hidden; one batch.

        Given that the base is one of the four. A batch of n equals n batches of one.

        Raises: UnavailableError for a model without such probabilities.
        """
        ...


@runtime_checkable
class TokenModel(Protocol):
    """An encoder that also shows its special tokens."""

    spec: ModelSpec

    def embed_tokens(self, rnas: Sequence[Rna]) -> 'list[Float[Tensor, "t d"]]':
        """Last-layer embedding of each of the model's own tokens, special ones included; padding is cut."""
        ...
