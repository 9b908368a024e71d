"""Pictures of a fitness run: predicted against measured, and the agreement by number of mutations."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rnaexp.tasks.fitness.measure import Fitness

_MOST_POINTS = 5000  # more are a cloud, and a page of megabytes


def _shown(result: Fitness) -> np.ndarray:
    """Places of the variants that are drawn: all that have a score, or a seeded sample."""
    known = np.flatnonzero(np.isfinite(result.scores))
    if len(known) <= _MOST_POINTS:
        return known
    return np.sort(np.random.default_rng(result.task.seed).choice(known, _MOST_POINTS, replace=False))


def _title(result: Fitness) -> str:
    value = result.judged.agreement.value
    text = "no correlation" if value is None else f"Spearman {value:.3f}"
    return f"{result.judged.name} on {result.assay.name}, {result.convention}: {text}"


def _axes(result: Fitness) -> tuple[str, str]:
    unit = "score" if result.encoder is None else "log-likelihood (nats)"
    turned = "" if result.assay.direction == "higher" else ", sign turned: higher is fitter"
    return f"{unit}, {result.convention}", f"measured{turned}"


def fitness_figure(result: Fitness) -> Figure:
    """Predicted against measured; where a wild type is known, coloured by mutations with a bar for each number."""
    table, places = result.judged.table, _shown(result)
    panels = 1 if table is None else 2
    figure = Figure(figsize=(5.6 * panels, 4.4), layout="constrained")
    drawn = np.atleast_1d(np.array(figure.subplots(1, panels)))
    counts = None if result.mutations is None else result.mutations[places]
    points = drawn[0].scatter(result.scores[places], result.measured[places], s=6, c=counts, linewidths=0, alpha=0.6)
    x, y = _axes(result)
    drawn[0].set(xlabel=x, ylabel=y)
    if table is not None:
        figure.colorbar(points, ax=drawn[0], label="mutations")
        drawn[1].bar(table["mutations"], table["spearman"].fillna(0), color="tab:grey")
        for bar in table.itertuples():
            drawn[1].annotate(f"{bar.variants}", (bar.mutations, -0.98), ha="center", va="bottom", fontsize=7)
        drawn[1].axhline(0, color="black", lw=0.8)
        drawn[1].set(
            xlabel="mutations (variants in each bar)", ylabel="Spearman", ylim=(-1, 1), xticks=table["mutations"]
        )
    figure.suptitle(_title(result), fontsize=10)
    return figure


def fitness_page(result: Fitness) -> Any:
    """The same as a page that answers to the mouse: each point's id, measured and predicted score, mutations."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    table, places = result.judged.table, _shown(result)
    figure = make_subplots(rows=1, cols=1 if table is None else 2)
    x, y = _axes(result)
    variants = result.assay.mutants
    counts = None if result.mutations is None else result.mutations[places]
    marks: dict[str, Any] = {"size": 4, "opacity": 0.6}
    if counts is not None:
        marks |= {"color": counts, "colorscale": "Viridis", "colorbar": {"title": "mutations", "x": 0.45}}
    figure.add_trace(
        go.Scattergl(
            x=result.scores[places],
            y=result.measured[places],
            mode="markers",
            marker=marks,
            text=[_text(variants[at].id) for at in places],
            showlegend=False,
        ),
        row=1,
        col=1,
    )
    figure.update_xaxes(title=x, row=1, col=1)
    figure.update_yaxes(title=y, row=1, col=1)
    if table is not None:
        labels = [f"{count} variants" for count in table["variants"]]
        bars = go.Bar(x=table["mutations"], y=table["spearman"], text=labels, showlegend=False)
        figure.add_trace(bars, row=1, col=2)
        figure.update_xaxes(title="mutations", row=1, col=2)
        figure.update_yaxes(title="Spearman", range=[-1, 1], row=1, col=2)
    figure.update_layout(title=_text(_title(result)), template="plotly_white")
    return figure


def _text(words: str) -> str:
    """Plotly reads tags in texts; a name is data."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
