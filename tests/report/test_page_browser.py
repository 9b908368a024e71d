"""The page in a real browser without a network: it draws, asks nobody, complains of nothing, and names stay text."""

import asyncio
import json
from html import unescape

import plotly.graph_objects
import pytest

from rnaexp.report import page_figures
from rnaexp.report.answers import title_of
from rnaexp.report.leaderboards import compared
from rnaexp.report.page import page as whole_page
from tests.browser import needs_chromium, page

from .conftest import IDS, SCRIPT
from .many import MODELS, many

FOREIGN = """<!DOCTYPE html><html><body><script>console.error("a complaint")</script>
<img src="http://127.0.0.1:9/picture.png"></body></html>"""


async def seen(path, profile, *questions):
    async with page(path.as_uri(), profile) as opened:
        answers = [await opened.until(question) for question in questions]
        return answers, [url for url in opened.seen.requests if not url.startswith("data:")], opened.seen.complaints


def test_every_figure_is_one_that_plotly_knows(here):
    comparison = compared("rnaexp")
    board = comparison.leaderboards[0]
    found = [page_figures.forest(board), page_figures.tradeoff(board), page_figures.rna_map(board)]
    found += [page_figures.sizes(board, "f1", "F1"), *page_figures.breakdowns(board), *page_figures.head_maps(board)]
    for figure in found:
        plotly.graph_objects.Figure(json.loads(json.dumps(figure, allow_nan=False)))
    assert len(found) == 4 + 3 + 8, "a picture for each breakdown but evidence, and for each model with several heads"
    (chosen,) = [trace for trace in found[-1]["data"] if trace["type"] == "scatter"]
    assert (chosen["x"], chosen["y"]) == (["2"], ["1"]), "the cross stands on the chosen head"


def test_pictures_show_the_figures_of_the_runs(here):
    board = compared("rnaexp").leaderboards[0]
    points = {}
    for trace in page_figures.forest(board)["data"][:-1]:
        points |= dict(zip(trace["y"], trace["x"], strict=True))
    assert points["rna-fm"] == pytest.approx(board.rows.set_index("label").loc["rna-fm", "f1"])
    (trade,) = page_figures.tradeoff(board)["data"]
    assert (trade["x"], trade["text"], trade["error_x"]["arrayminus"]) == ([0.4], ["rna-fm"], pytest.approx([0.1]))
    sizes = page_figures.sizes(board, "f1", "F1")
    assert sizes["layout"]["xaxis"]["type"] == "log"
    assert {x for trace in sizes["data"] for x in trace["x"]} == {1e6, 5e5, 2e9}
    rnas = page_figures.rna_map(board)["data"][0]
    at = rnas["x"].index("rna-fm"), rnas["y"].index("NA")
    table = board.column("test", "per_rna.csv")["rna-fm"].set_index("rna")
    assert rnas["z"][at[1]][at[0]] == table.loc["NA", "f1"]


def test_the_page_holds_plotly_once_and_markup_in_names_only_as_text(here):
    html = whole_page(compared("rnaexp"), made=SCRIPT)
    assert html.count("plotly.js v") == 1
    assert html.count("<script") == 3, "the figures, plotly, and what draws them"
    assert "document.title='owned'" not in html, "quotes are escaped in text, and < in the figures' data"
    assert "default-src 'none'; script-src 'sha256-" in unescape(html)


@needs_chromium
def test_offline_the_page_draws_everything_asks_nobody_and_complains_of_nothing(here, tmp_path):
    comparison = compared("rnaexp")
    path = tmp_path / "report.html"
    path.write_text(whole_page(comparison, made="now"))
    questions = [
        "document.documentElement.dataset.drawn",
        "String([...document.querySelectorAll('.plot')].every(place => place.querySelector('.main-svg')))",
        "document.title",
        "JSON.stringify([...document.querySelectorAll('td, .plot text')].map(one => one.textContent))",
        "String(document.querySelectorAll('img, [data-title^=Share]').length)",
    ]
    answers, requests, complaints = asyncio.run(seen(path, tmp_path / "profile", *questions))
    assert int(answers[0]) >= len(comparison.leaderboards)
    assert answers[1:3] == ["true", f"{title_of(comparison)} | rnaexp"]
    assert {SCRIPT, *IDS} <= set(json.loads(answers[3])), "each RNA's id is shown as it is"
    assert answers[4] == "0", "no picture of anybody's, no button that sends the chart away"
    assert requests == [path.as_uri()]
    assert complaints == []


_SHAPE = """JSON.stringify({
  wide: document.documentElement.scrollWidth - innerWidth,
  plots: Math.max(...[...document.querySelectorAll('.plot')].map(one => one.layout.width)),
  named: [...document.querySelectorAll('.plot')[0].querySelectorAll('.ytick text')].map(one => one.textContent),
  across: [...document.querySelectorAll('.xtick text')].filter(one => one.textContent.startsWith('baseline')).length,
  gap: document.querySelector('.plot .legend').getBoundingClientRect().top
    - document.querySelector('.plot .bg, .plot .plotbg').getBoundingClientRect().bottom,
  open: document.querySelectorAll('details[open]').length,
})"""


async def shapes(path, profile):
    """Of the page on a screen of 390 pixels and, as printed, on paper of 718."""
    async with page(path.as_uri(), profile, width=390) as opened:
        size = {"height": 900, "deviceScaleFactor": 1, "mobile": False}
        await opened.send("Emulation.setDeviceMetricsOverride", width=390, **size)
        await opened.send("Page.reload")
        await opened.until("document.documentElement.dataset.drawn > 3")
        screen = json.loads(await opened.value(_SHAPE))
        await opened.send("Emulation.setDeviceMetricsOverride", width=718, **size)
        await opened.send("Emulation.setEmulatedMedia", media="print")
        await opened.value("dispatchEvent(new Event('beforeprint'))")
        await opened.until("[...document.querySelectorAll('.plot')].every(one => one._fullLayout.width <= 680)")
        return screen, json.loads(await opened.value(_SHAPE))


@needs_chromium
def test_sixty_models_fit_a_phone_and_a_printed_page_each_with_its_name(tmp_path):
    comparison, path = many(), tmp_path / "report.html"
    path.write_text(whole_page(comparison, made="now"))
    screen, paper = asyncio.run(shapes(path, tmp_path / "profile"))
    labels = list(comparison.leaderboards[0].rows["label"])
    assert len(labels) == MODELS
    for shape in (screen, paper):
        assert shape["wide"] <= 0, "the page itself is never scrolled to the side"
        assert sorted(shape["named"]) == sorted(labels)
        assert shape["across"] == sum(label.startswith("baseline") for label in labels)
        assert 0 < shape["gap"] < 80, "the legend stands at the picture"
    assert paper["plots"] <= 680
    assert paper["open"] - screen["open"] == 2, "contents and help are opened, forty maps of heads are not"


@needs_chromium
def test_the_browser_test_would_notice_a_request_and_a_complaint(tmp_path):
    path = tmp_path / "foreign.html"
    path.write_text(FOREIGN)
    _, requests, complaints = asyncio.run(seen(path, tmp_path / "profile"))
    assert "http://127.0.0.1:9/picture.png" in requests
    assert "a complaint" in complaints
