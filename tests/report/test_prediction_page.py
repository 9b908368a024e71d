"""The page of a predict job: says what its files say, opens without a network, and what came from data is text."""

import asyncio
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from rnaexp.data.own import read_own
from rnaexp.experiment.predict import predict
from rnaexp.models import load
from rnaexp.report.drawing import CONFIDENCE_COLOURS, confidence_colour, draw_structure
from rnaexp.rna import Rna

from ..browser import needs_chromium, page
from ..structure.test_predict import VIEW, tuned

EVIL = "<script>alert(1)</script>&<b>"
LETTERS = "GGGAAAGGCUAUUUUAGCCAAAAAGCCC"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    (folder / "my.fa").write_text(f">one\n{LETTERS}\n>{EVIL}\nGGGGAAAACCCC\n>single\nG\n>odd\nAAAAAAGGGGARA-ACCCC\n")
    encoder = load("lm-nano", device="cpu")
    own = read_own(folder / "my.fa")
    predict(own, folder / "out", lambda: (tuned(view=VIEW), encoder), formats=[], html=folder / "page.html")
    return folder


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.tags, self.inside = [], set(), False

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.inside = tag == "td" or (self.inside and tag == "a")
        self.cells += [""] if tag == "td" else []

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"


def test_the_page_says_what_the_files_say(written):
    text = (written / "page.html").read_text()
    cells = _Cells()
    cells.feed(text)
    told = [line.split(",") for line in (written / "out" / "rnas.csv").read_text().splitlines()[1:]]
    assert [one[0] for one in told] == ["one", EVIL, "single", "odd"]
    assert [one[-1] for one in told] == ["", "", "", "read as N: R at 12; gaps removed: 1 after 13"]
    assert text.count("Changed in reading: ") == text.count("Changed in reading: read as N: R at 12; gaps removed") == 1
    assert text.count("(validation F1 0.31, a control&#39;s unknown)") == 4
    drawn = [line.split(",") for line in (written / "out" / "structures.csv").read_text().splitlines()[1:]]
    assert drawn
    said = [cell.strip() for cell in cells.cells]
    rows = {tuple(said[at : at + 3]): said[at + 3] for at in range(len(said) - 3)}
    for rna, i, j, bases, confidence in drawn:
        assert rna in {"one", EVIL, "odd"}
        assert float(rows[i, j, bases]) == pytest.approx(float(confidence), abs=0.0051)
    assert "this head&#39;s structures had F1 0.31" in text


@pytest.mark.fault
def test_what_came_from_data_is_text_and_nothing_is_loaded(written):
    text = (written / "page.html").read_text()
    cells = _Cells()
    cells.feed(text)
    assert not cells.tags & {"script", "b", "img", "iframe"}
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=\"(?!#|data:)", text)


def test_colours_are_those_of_the_confidences():
    rna = Rna(id="a", sequence="GGGGAAAACCCC")
    tree = ElementTree.fromstring(draw_structure(rna, [(0, 11), (1, 10)], "", [0.95, 0.1]))
    lines = tree.findall("{http://www.w3.org/2000/svg}line")
    assert [line.get("stroke") for line in lines] == [CONFIDENCE_COLOURS[-1], CONFIDENCE_COLOURS[0]]
    assert [confidence_colour(one) for one in (0.0, 0.2, 0.999, 1.0)] == [CONFIDENCE_COLOURS[at] for at in (0, 1, 4, 4)]


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_it_asks_nobody_complains_of_nothing_and_fits(written, tmp_path, width):
    async def seen():
        path = written / "page.html"
        async with page(path.as_uri(), tmp_path / "profile", width=width) as opened:
            found = await opened.value("String(document.querySelectorAll('figure svg').length)")
            wide = await opened.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            return found, wide, opened.seen.requests, opened.seen.complaints

    found, wide, requests, complaints = asyncio.run(seen())
    assert found == "8", "a drawing and a map of each RNA"
    assert wide <= 0
    assert requests == [(written / "page.html").as_uri()]
    assert complaints == []
