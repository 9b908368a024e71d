"""The comparison as one HTML file: opens offline, loads nothing, and what came from data is text in it.

Every script in it is named by its hash in a Content-Security-Policy; the policy allows no connection at all. So even a
name that escaping missed could neither run nor call home.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html import unescape
from typing import Any

from rnaexp.report import page_figures as figures
from rnaexp.report.answers import answer, title_of
from rnaexp.report.leaderboards import Comparison, Leaderboard
from rnaexp.report.sections import (
    about,
    diagnosis_table,
    leaderboard_table,
    of_contrasts,
    of_tasks,
    stability_table,
)
from rnaexp.report.table import filled
from rnaexp.track.artifacts import PLOTLY_CLOSED

# Pictures are as wide as there is room; where that is too narrow to read one, it scrolls. They follow the light or dark
# scheme, and are drawn light for the printer, 680 pixels wide: a page of A4 or Letter has no room for more.
_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const options = OPTIONS;
const room = document.querySelector("main").clientWidth;
const dark = matchMedia("(prefers-color-scheme: dark)");
const grid = (colour) => ({"xaxis.gridcolor": colour, "yaxis.gridcolor": colour});
const colours = (light) => light
  ? {paper_bgcolor: "white", plot_bgcolor: "#f6f6f6", "font.color": "#222", ...grid("#ddd")}
  : {paper_bgcolor: "#16191d", plot_bgcolor: "#22272e", "font.color": "#ddd", ...grid("#454d57")};
const widths = [];
const paint = (light, most = Infinity) => {
  document.querySelectorAll(".plot").forEach((place, at) => {
    Plotly.relayout(place, {...colours(light), width: Math.min(widths[at], most)});
  });
};
for (const place of document.querySelectorAll(".plot")) {
  const figure = figures[Number(place.dataset.figure)];
  figure.layout.width = Math.max(Math.min(figure.layout.width, room), figure.layout.meta.least);
  widths.push(figure.layout.width);
  Plotly.newPlot(place, figure.data, figure.layout, options);
}
if (dark.matches) paint(false);
dark.addEventListener("change", () => paint(!dark.matches));
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not(.many)")) part.open = true;
  paint(true, 680);
});
addEventListener("afterprint", () => paint(!dark.matches));
document.documentElement.dataset.drawn = String(document.querySelectorAll(".plot .main-svg").length);
""".replace("OPTIONS", json.dumps({"displaylogo": False, **PLOTLY_CLOSED}))


def page(comparison: Comparison, *, made: str) -> str:
    """The whole file; `made`: when and by what, shown at its head."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    drawn: list[figures.Figure] = []
    environment = Environment(loader=PackageLoader("rnaexp.report"), autoescape=True, undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    plotly = plotly_js()
    return environment.get_template("page.html").render(
        title=title_of(comparison),
        about=about(comparison),
        made=made,
        leaderboards=[_leaderboard(leaderboard, comparison, drawn) for leaderboard in comparison.leaderboards],
        tasks=[replace(section, table=filled(section.table)) for section in of_tasks(comparison)],
        tradeoffs=_places([figures.tradeoff(leaderboard) for leaderboard in comparison.leaderboards], drawn),
        sizes=_places([_sizes(leaderboard, what) for what in _SIZES for leaderboard in comparison.leaderboards], drawn),
        contrasts=list(of_contrasts(comparison)),
        captions=[unescape(figure["layout"]["title"]["text"]) for figure in drawn],
        figures=[_without_title(figure) for figure in drawn],
        plotly=plotly,
        draw=_DRAW,
        scripts=" ".join(f"'sha256-{_hash(script)}'" for script in (plotly, _DRAW)),
    )


_SIZES = {"f1": "F1", "overlap_ratio": "overlap ratio (area)"}


_FEW = 12  # models whose maps of heads are shown at once


def _without_title(figure: figures.Figure) -> figures.Figure:
    """The title is text of the page, where Plotly's buttons do not lie over it."""
    layout = {name: value for name, value in figure["layout"].items() if name != "title"}
    return figure | {"layout": layout | {"margin": layout["margin"] | {"t": 30}}}


def _sizes(leaderboard: Leaderboard, what: str) -> figures.Figure | None:
    return figures.sizes(leaderboard, what, _SIZES[what])


def _leaderboard(leaderboard: Leaderboard, comparison: Comparison, drawn: list[figures.Figure]) -> dict[str, Any]:
    return {
        "title": leaderboard.title,
        "answer": answer(leaderboard, comparison.standing),
        "caption": _caption(leaderboard),
        "leaderboard": filled(leaderboard_table(leaderboard, comparison.published)),
        "diagnosis": diagnosis_table(leaderboard),
        "forest": _places([figures.forest(leaderboard)], drawn),
        "stability": stability_table(leaderboard),
        "breakdowns": _places(figures.breakdowns(leaderboard), drawn),
        "few": len(leaderboard.rows) <= _FEW,
        "heads": _places(figures.head_maps(leaderboard), drawn),
        "rnas": _places([figures.rna_map(leaderboard)], drawn),
    }


def _caption(leaderboard: Leaderboard) -> str:
    first = leaderboard.rows.iloc[0]
    parts = [f"labels {first['evidence']}"] if isinstance(first["evidence"], str) else []
    if first["clusters"] == first["clusters"]:
        parts.append(f"{first['clusters']:.0f} clusters of relatives")
    if first["f1_ceiling"] == first["f1_ceiling"]:
        parts.append(f"best F1 that the protocol allows {first['f1_ceiling']:.2f}")
    ranked = leaderboard.rows["ranked_rnas"].max()
    if ranked == ranked:
        parts.append(f"ranks over the {ranked:.0f} RNAs that every row scored")
    return "; ".join(parts)


def _places(found: Sequence[figures.Figure | None], drawn: list[figures.Figure]) -> list[int]:
    """Keep the figures, and say where each one stands."""
    kept = [figure for figure in found if figure is not None]
    drawn += kept
    return list(range(len(drawn) - len(kept), len(drawn)))


@cache
def plotly_js() -> str:
    """Plotly's script, as its package brings it."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
