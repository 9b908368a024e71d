"""One predict job as one HTML file: opens offline, runs no script, and what came from data is text in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnaexp.report.drawing import CONFIDENCE_COLOURS, confidence_colour, draw_structure
from rnaexp.rna import Pair
from rnaexp.structure.predict import Prediction

MOST_DRAWN = 100  # RNAs: a page of thousands of drawings opens in no browser
_CALLS_A_BASE = 2  # of the map: more could not be told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One RNA of the page, in words and drawings; "" where nothing is known, or it is not drawn."""

    id: str
    bases: int
    calls: int
    sequence: str
    dot_bracket: str
    pairs: tuple[tuple[int, int, str, str], ...]
    expected_f1: str
    expected_precision: str
    drawing: str
    map: str
    changed: str


def sheet(found: Prediction, *, drawn: bool, changed: str = "") -> Sheet:
    """What the page says of a prediction; `changed`: what reading changed in the sequence."""
    rna, view = found.rna, found.view
    confidences = None if view is None else view.confidences
    shown = zip(found.shown, confidences or [None] * len(found.shown), strict=True)
    return Sheet(
        id=rna.id,
        bases=len(rna),
        calls=len(found.pairs),
        sequence=rna.sequence,
        dot_bracket=found.dot_bracket,
        pairs=tuple((i + 1, j + 1, rna.sequence[i] + rna.sequence[j], _number(one)) for (i, j), one in shown),
        expected_f1=_number(None if view is None else view.expected_f1),
        expected_precision=_number(None if view is None else view.expected_precision),
        drawing=draw_structure(rna, found.shown, "", confidences) if drawn else "",
        map=_map(len(rna), found) if drawn else "",
        changed=changed,
    )


def prediction_page(sheets: Sequence[Sheet], *, title: str, made: str, **words: str) -> str:
    """The whole file. `made`: by what.

    `words`: `worth` of such structures, and `known` in a few words; `decoder`; `colour`: what it tells, "" for nothing.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("rnaexp.report"), autoescape=True, undefined=StrictUndefined)
    steps = len(CONFIDENCE_COLOURS)
    return environment.get_template("prediction.html").render(
        title=title,
        made=made,
        **words,
        key=[(colour, f"{at / steps:.1f} to {(at + 1) / steps:.1f}") for at, colour in enumerate(CONFIDENCE_COLOURS)],
        rnas=sheets,
        undrawn=sum(not one.drawing for one in sheets),
        most=MOST_DRAWN,
    )


def _map(bases: int, found: Prediction) -> str:
    """A square of bases by bases; no text, so nothing to escape."""
    confidences = [None] * len(found.shown) if found.view is None else found.view.confidences
    calls = found.pairs[: _CALLS_A_BASE * bases]
    squares = [_square((j, i), "#444", 1 - 0.85 * at / len(calls)) for at, (i, j) in enumerate(calls)]
    for pair, one in zip(found.shown, confidences, strict=True):
        squares.append(_square(pair, "#c22" if one is None else confidence_colour(one), 1))
    edge, grid = f'width="{bases}" height="{bases}"', bases / 200
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {bases} {bases}" role="img" aria-label="map of pairs">'
        f'<rect {edge} fill="#fafafa" stroke="#999" stroke-width="{grid:.2f}"/>'
        f'<path d="M0 0L{bases} {bases}" stroke="#bbb" stroke-width="{grid:.2f}"/>{"".join(squares)}</svg>'
    )


def _square(pair: Pair, colour: str, opacity: float) -> str:
    """Row `pair[0]`, column `pair[1]`."""
    row, column = pair
    return f'<rect x="{column}" y="{row}" width="1" height="1" fill="{colour}" opacity="{opacity:.2f}"/>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
