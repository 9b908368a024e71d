"""How alike two models' layers are on the same RNAs: debiased CKA of every layer with every layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnaexp.classify.cka import cka_table
from rnaexp.classify.embed import batches
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.progress import Announce
from rnaexp.reading.embeddings import TOKENS
from rnaexp.reading.read import unreadable
from rnaexp.rna import Rna

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_RNAS = 1000  # CKA's kernel has their square of entries


def compare_layers(one: Encoder, two: Encoder, rnas: Sequence[Rna], announce: Announce) -> pd.DataFrame:
    """CKA of pooled embeddings: rows are the first model's layers, columns the second's.

    Layer 0 is what goes into the first layer; a model that shows only its last layer has that one row or column. Of
    more than 1,000 RNAs that both read, 1,000 evenly spaced ones are taken.
    Raises: InputError if both read fewer than four.
    """
    shared = [rna for rna in rnas if not (unreadable(one, rna) or unreadable(two, rna))]
    if len(shared) < 4:
        message = f"{one.spec.name} and {two.spec.name} both read {len(shared)} of these RNAs; at least four are needed"
        raise InputError(message)
    shared = [shared[at] for at in np.unique(np.linspace(0, len(shared) - 1, _MOST_RNAS).astype(int))]
    layers = [_layers(encoder, shared, announce) for encoder in (one, two)]
    table = cka_table(layers[0], layers[1])
    return pd.DataFrame(table, index=_names(one, layers[0]), columns=_names(two, layers[1])).rename_axis(one.spec.name)


def _layers(encoder: Encoder, rnas: Sequence[Rna], announce: Announce) -> list[np.ndarray]:
    """Each layer's pooled vectors [r d]."""
    embed: Any = getattr(encoder, "embed_layers", None) or _last_layer(encoder)
    pooled: dict[int, np.ndarray] = {}
    with announce(f"{encoder.spec.name}, all layers", len(rnas)) as progress:
        for batch in batches([len(rna) for rna in rnas], TOKENS):
            for at, states in zip(batch, embed([rnas[at] for at in batch]), strict=True):
                pooled[at] = states.float().mean(1).cpu().numpy()
            progress(len(batch))
    return list(np.stack([pooled[at] for at in range(len(rnas))], axis=1))


def _last_layer(encoder: Encoder) -> Any:
    return lambda rnas: [bases[None] for bases in encoder.embed(rnas)]


def _names(encoder: Encoder, layers: Sequence[np.ndarray]) -> list[str]:
    return ["last"] if len(layers) == 1 else [str(at) for at in range(len(layers))]


def cka_figure(table: pd.DataFrame, one: str, two: str, rnas: str) -> "Figure":
    """The table as a heat map, its values written in."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 + 0.5 * table.shape[1], 1.8 + 0.42 * table.shape[0]), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(table.to_numpy(), cmap="magma", vmin=0, vmax=1, origin="lower")
    axes.set_xticks(range(table.shape[1]), [str(name) for name in table.columns])
    axes.set_yticks(range(table.shape[0]), [str(name) for name in table.index])
    axes.set(xlabel=f"layer of {two}", ylabel=f"layer of {one}")
    axes.set_title(f"debiased CKA on {rnas}", fontsize=9)
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if np.isfinite(value):
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color="w" if value < 0.6 else "k"
            )
    figure.colorbar(image)
    return figure
