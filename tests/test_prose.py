"""What a person reads is plain English in the terms of the field: no words that only we understand."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A word that a stranger stumbles over, and what to write instead.
PRIVATE = {
    r"told(?! apart)|asked|ask(?:s|ing)? of": "a setting or record says, a message names, a question compares",
    r"said(?! to have)": "recorded, printed, named",
    r"beside": "next to, with, compared with, as well as",
    r"boards?": "leaderboard, table",
    r"kin": "relatives",
    r"twins?": "untrained control",
    r"sides of (?:a|the) (?:split|comparison)|other side was": "split, model compared with",
    r"a row with a reason|rows with a reason": "listed with the reason why it cannot be run",
    r"gone on with|is gone on": "continued, resumed",
    r"the short way": "running only the layers that are needed",
    r"(?-i:OR)(?= \[| of| is|,|\.| [<>=0-9])": "overlap ratio",
}
# Where such a word is the right one.
RIGHT = (
    r"--beside",  # the option of `rnaexp classify`
    r"fitness\.beside",  # a metric's name
)
WORDS = re.compile("|".join(rf"\b(?:{word})\b" for word in PRIVATE), re.IGNORECASE)
EXCEPT = re.compile("|".join(RIGHT))
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md"), *(ROOT / "docs").glob("**/*.ipynb"))
    if path.name != "mutations.md" and not {"build", "site", "node_modules"} & set(path.parts)
)
MODULES = sorted((ROOT / "src").rglob("*.py"))


def prose_of_page(path: Path) -> Iterator[tuple[str, str]]:
    """Paragraphs, without code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`\n]*`|\]\([^)]*\)", "``", text)
    for number, line in enumerate(text.splitlines(), 1):
        yield f"{path.relative_to(ROOT)}: paragraph line {number}", line


def prose_of_module(path: Path) -> Iterator[tuple[str, str]]:
    """Docstrings, comments, help and messages: whatever is a text of several words."""
    source = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield f"{where}:{node.lineno}", re.sub(r"`[^`\n]*`", "``", node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield f"{where}:{token.start[0]}", re.sub(r"`[^`\n]*`", "``", token.string)


def private(pieces: Iterator[tuple[str, str]]) -> list[str]:
    return [
        f"{where}: {found.group()!r} in {text[max(0, found.start() - 40) : found.end() + 40]!r}"
        for where, text in pieces
        for found in WORDS.finditer(text)
        if not EXCEPT.search(text[max(0, found.start() - 30) : found.end() + 30])
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_has_a_private_word(path):
    assert private(prose_of_page(path)) == []


def test_no_docstring_comment_help_or_message_has_a_private_word():
    assert [line for path in MODULES for line in private(prose_of_module(path))] == []


@pytest.mark.parametrize(
    "text",
    [
        "what the model was told",
        "Beside it stands the control",
        "its untrained twin",
        "the OR of 0.4",
        "one checkpoint that can be gone on with",
    ],
)
def test_the_list_bites(text):
    assert private(iter([("here", text)]))


@pytest.mark.parametrize("text", ["families are told apart", "A or B", "the leaderboard", "a kind of pair", "insides"])
def test_plain_words_are_let_through(text):
    assert private(iter([("here", text)])) == []
