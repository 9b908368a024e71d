"""One predicted structure as an SVG drawing: ViennaRNA's layout, our own lines, no script, nothing from elsewhere."""

import math
from collections.abc import Sequence
from html import escape

import RNA

from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.rna import Pair, Rna
from rnaexp.structure.kinds import largest_nested

_MARGIN, _TITLE = 20.0, 30.0
_BACKBONE = 'fill="none" stroke="#999" stroke-width="1.5"'
_NESTED, _CROSSING = 'stroke-width="2"', 'stroke-width="1.5" stroke-dasharray="4 3"'
_UNKNOWN = "#c22"  # the colour of a pair whose confidence is not known
# Of confidences from 0 to 1, dark is sure: five steps of viridis, which colour-blind readers can tell apart.
CONFIDENCE_COLOURS = ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154")
_LETTER = 'font-family="sans-serif" font-size="11" text-anchor="middle" dominant-baseline="central"'
_NUMBER_EVERY = 10

Point = tuple[float, float]


def draw_structure(rna: Rna, pairs: Sequence[Pair], caption: str, confidences: Sequence[float] | None = None) -> str:
    """The SVG text. A largest nested set of the pairs is laid out; those that cross it are dashed lines.

    `pairs`: one partner a base, sorted. `confidences`: theirs, each the colour of its line and of its two bases.
    """
    sure = {} if confidences is None else dict(zip(pairs, confidences, strict=True))
    by_base = {base: one for pair, one in sure.items() for base in pair}
    nested = largest_nested(pairs, len(rna))
    points, crossing = _layout(len(rna), nested), set(pairs) - set(nested)
    left, top = (min(point[axis] for point in points) - _MARGIN for axis in (0, 1))
    width, height = (max(point[axis] for point in points) + _MARGIN - low for axis, low in ((0, left), (1, top)))
    title = f"{rna.id}: {caption}" if caption else rna.id
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{left:.1f} {top - _TITLE:.1f} {max(width, 300):.1f} {height + _TITLE:.1f}">',
        f"<title>{_text(title)}</title>",
        f'<rect x="{left:.1f}" y="{top - _TITLE:.1f}" width="100%" height="100%" fill="white"/>',
        f'<text x="{left + 5:.1f}" y="{top - 12:.1f}" font-family="sans-serif" font-size="12">{_text(title)}</text>',
        f'<polyline {_BACKBONE} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>',
        *(_line(points, pair, _CROSSING if pair in crossing else _NESTED, sure.get(pair)) for pair in pairs),
        *(_base(rna.sequence[at], at, point, by_base.get(at)) for at, point in enumerate(points)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layout(bases: int, nested: Sequence[Pair]) -> list[Point]:
    """A point for each base. ViennaRNA crashes on what is not nested or not balanced, so it sees nothing else."""
    if bases == 1:  # one base has no direction: NaN
        return [(0.0, 0.0)]
    points = RNA.naview_xy_coordinates(to_dot_bracket(bases, nested))
    found = [(float(points[at].X), float(points[at].Y)) for at in range(bases)]
    if not all(math.isfinite(x + y) for x, y in found):
        message = f"ViennaRNA found no layout for {bases} bases"
        raise RuntimeError(message)
    return found


def confidence_colour(confidence: float) -> str:
    """Of the fifth that it lies in."""
    return CONFIDENCE_COLOURS[min(int(confidence * len(CONFIDENCE_COLOURS)), len(CONFIDENCE_COLOURS) - 1)]


def _line(points: Sequence[Point], pair: Pair, style: str, confidence: float | None) -> str:
    (x1, y1), (x2, y2) = points[pair[0]], points[pair[1]]
    colour = _UNKNOWN if confidence is None else confidence_colour(confidence)
    return f'<line stroke="{colour}" {style} x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _base(letter: str, at: int, point: Point, confidence: float | None) -> str:
    """A letter over its point; every tenth base tells its position."""
    x, y = point
    sure = "" if confidence is None else f", pair of confidence {confidence:.2f}"
    hover = f"<title>{letter}{at + 1}{sure}</title>"
    weight = ' font-weight="bold"' if (at + 1) % _NUMBER_EVERY == 0 else ""
    edge = "" if confidence is None else f' stroke="{confidence_colour(confidence)}" stroke-width="1.5"'
    disc = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="white"{edge}/>'
    return f'<g>{hover}{disc}<text {_LETTER}{weight} x="{x:.1f}" y="{y:.1f}">{letter}</text></g>'


def _text(text: str) -> str:
    """Escaped, and without the control characters that no XML may hold."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
