"""Pictures of a classification run: both similarity densities, a map of the embeddings, families against families."""

import colorsys
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from matplotlib.figure import Figure

from rnaexp.classify.measure import Measured
from rnaexp.classify.overlap import coarse, iou
from rnaexp.rna import Rna
from rnaexp.tasks.families.measure import Classified
from rnaexp.track.artifacts import figure_bytes

_MOST_POINTS = 5000  # RNAs on a map: more are a cloud, and take minutes
_MOST_NAMES = 40  # families named in a legend or on an axis


def pictures(result: Classified) -> dict[str, bytes]:
    """All of a run's, by the names of their files."""
    drawn: dict[str, Any] = {"similarity_densities.png": similarity_densities(result)}
    if result.vectors is not None:
        places = shown(result)
        points = neighbour_map(result.vectors[places], result.task.protocol.seed)
        drawn["embeddings.png"] = map_figure(result, places, points)
        drawn["embeddings.html"] = map_page(result, places, points)
        drawn["families.png"] = family_heat_map(result)
    return {name: figure_bytes(figure, name) for name, figure in drawn.items()}


def similarity_densities(result: Classified) -> Figure:
    """Both classes' histograms with their shared area shaded: of all pairs, and of length-matched ones."""
    parts = [("all pairs", result.every)]
    if result.matched is not None:
        parts.append((f"length-matched pairs ({result.matched.kept:.0%} of the homologous weight)", result.matched))
    figure = Figure(figsize=(5.4 * len(parts), 4), layout="constrained")
    for axes, (what, measured) in zip(np.atleast_1d(np.array(figure.subplots(1, len(parts)))), parts, strict=True):
        _draw_densities(axes, measured, result.task.protocol.bins)
        null = measured.null.get("histogram")
        shuffled = f", shuffled labels {null.mean:.3f}" if null is not None else ""
        area = measured.overlaps["histogram"]
        axes.set_title(f"{what}\nshared area {area:.3f} (IoU {iou(area):.3f}){shuffled}", fontsize=10)
    figure.suptitle(f"{result.task.model} on {result.data.name}: {_size(result)}")
    return figure


def _draw_densities(axes: Any, measured: Measured, bins: int) -> None:
    densities = measured.densities
    edges = np.linspace(densities.low, densities.high, bins + 1)
    own, other = (coarse(mass, bins) for mass in (densities.homologous, densities.non_homologous))
    axes.stairs(other, edges, color="tab:blue", label="other families")
    axes.stairs(own, edges, color="tab:red", label="same family")
    axes.stairs(np.minimum(own, other), edges, fill=True, color="tab:purple", alpha=0.35, label="shared area")
    axes.set(xlabel="cosine similarity", ylabel="share of the pairs' weight", xlim=(densities.low, densities.high))
    axes.legend(fontsize=8)


def _size(result: Classified) -> str:
    return f"{len(result.rnas)} RNAs, {len(result.layout.names)} families"


def shown(result: Classified) -> np.ndarray:
    """Places, in layout order, of the RNAs that are drawn: all, or a seeded sample."""
    count = len(result.rnas)
    if count <= _MOST_POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(result.task.protocol.seed).choice(count, _MOST_POINTS, replace=False))


def neighbour_map(vectors: Float32[np.ndarray, "r d"], seed: int) -> Float[np.ndarray, "r 2"]:
    """Two coordinates by t-SNE in cosine distance; neighbours mean something, distances between clumps do not.

    Source: van der Maaten and Hinton 2008; openTSNE, Policar et al. 2024, doi:10.18637/jss.v109.i03.
    """
    from openTSNE import TSNE

    perplexity = min(30.0, max(2.0, (len(vectors) - 1) / 3.5))
    flat = np.linalg.matrix_rank(vectors - vectors.mean(0)) < 2  # a ruler's, say: there are no two axes to start from
    made = TSNE(
        perplexity=perplexity,
        metric="cosine",
        initialization="random" if flat else "pca",
        random_state=seed,
        n_jobs=1,
        n_iter=500,
    ).fit(vectors.astype(np.float64))
    return np.asarray(made, np.float64)


def map_figure(result: Classified, places: np.ndarray, points: Float[np.ndarray, "p 2"]) -> Figure:
    """The map as a picture, a colour for each family."""
    figure = Figure(figsize=(7.5, 6), layout="constrained")
    axes = figure.subplots()
    families = np.array([str(result.rnas[at].family) for at in places])
    for name, colour in _colours(families.tolist()).items():
        mine = points[families == name]
        axes.scatter(mine[:, 0], mine[:, 1], s=12, color=colour, label=name, linewidths=0)
    axes.set(title=f"t-SNE of {result.task.model} on {result.data.name}: {_size(result)}", xticks=[], yticks=[])
    if len(np.unique(families)) <= _MOST_NAMES:
        figure.legend(loc="outside right upper", fontsize=8, markerscale=2)
    return figure


def map_page(result: Classified, places: np.ndarray, points: Float[np.ndarray, "p 2"]) -> Any:
    """The map as a page that answers to the mouse: id, family, clan and length of each point."""
    import plotly.graph_objects as go

    rnas = [result.rnas[at] for at in places]
    families = np.array([str(rna.family) for rna in rnas])
    few, colours = len(set(families)) <= _MOST_NAMES, _colours(families.tolist())
    figure = go.Figure()
    for name in sorted(set(families)) if few else [""]:
        mine = np.flatnonzero(families == name) if few else np.arange(len(rnas))
        figure.add_scattergl(
            x=points[mine, 0],
            y=points[mine, 1],
            mode="markers",
            name=_text(name),
            marker={"size": 5, "color": [colours[families[at]] for at in mine]},
            text=[_text(_hover(rnas[at])) for at in mine],
            hoverinfo="text",
        )
    title = _text(f"t-SNE of {result.task.model} on {result.data.name}: {_size(result)}")
    figure.update_layout(title=title, showlegend=few, template="plotly_white", xaxis_visible=False, yaxis_visible=False)
    return figure


def _hover(rna: Rna) -> str:
    return f"{rna.id}; {rna.family}; clan {rna.cluster}; {len(rna)} bases"


def family_heat_map(result: Classified) -> Figure:
    """Mean cosine of every two families, like ones next to each other; a family that is known is bright only on the
    diagonal."""
    assert result.means is not None
    order = _like_beside_like(result.means)
    means = result.means[np.ix_(order, order)]
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    low, high = np.nanquantile(means, [0.01, 0.999])
    image = axes.imshow(means, cmap="viridis", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
    axes.set_title(f"{result.task.model} on {result.data.name}: mean cosine of families", fontsize=10)
    names = [result.layout.names[at] for at in order]
    if len(names) <= _MOST_NAMES:
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes.set_yticks(range(len(names)), names, fontsize=7)
    else:
        axes.set(xlabel=f"{len(names)} families", ylabel=f"{len(names)} families")
    figure.colorbar(image, label="mean cosine (diagonal: within the family)")
    return figure


def _like_beside_like(means: np.ndarray) -> np.ndarray:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - means, 0, None)
    np.fill_diagonal(distance, 0)
    return np.asarray(leaves_list(linkage(squareform(distance, checks=False), "average")))


def _colours(names: Sequence[str]) -> dict[str, str]:
    """Distinct colours for a few families; for many, one that a family keeps whatever others are shown."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    distinct = sorted(set(names))
    if len(distinct) <= 20:
        palette = colormaps["tab10" if len(distinct) <= 10 else "tab20"]
        return {name: to_hex(palette(at)) for at, name in enumerate(distinct)}
    return {name: _hashed_colour(name) for name in distinct}


def _hashed_colour(name: str) -> str:
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    hue, saturation, value = (
        (number % 997) / 997,
        0.55 + 0.075 * (number // 997 % 7),
        0.6 + 0.075 * (number // 7919 % 5),
    )
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _text(text: str) -> str:
    """Plotly reads a little HTML in its texts; names are data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
