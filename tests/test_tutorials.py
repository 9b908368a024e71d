"""What the site shows is what is printed: commands of the tutorials and cells of the notebooks are run again."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Their figures come from weights that are trained on the spot: every digit may differ on another processor.
TRAINED = {"checkpoint", "steps", "own_checkpoint"}


def module(name):
    where = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    found = importlib.util.module_from_spec(where)
    where.loader.exec_module(found)
    return found


commands, notebooks = module("commands"), module("notebooks")
TUTORIALS = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem != "own_rnas" else [], id=path.stem)
    for path in sorted((ROOT / "docs" / "tutorials").glob("*.md"))
]


def compared(text, name):
    """Numbers of trained weights are left out, and blanks, rules and padding, which move with their widths."""
    return re.sub(r"[-+]?\d+(\.\d+)?|[\s━─]+", " ", text) if name in TRAINED else text


@pytest.mark.parametrize("path", TUTORIALS)
def test_a_tutorial_shows_what_its_commands_print(path, tmp_path):
    page = path.read_text(encoding="utf-8")
    shown = commands.commands_of(page)
    printed = commands.run_page(page, tmp_path)
    assert len(printed) == len(shown)
    for (command, output), now in zip(shown, printed, strict=True):
        assert compared(now, path.stem) == compared(output, path.stem), f"{command}: python docs/commands.py {path}"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One for all: a notebook reads what an earlier one has stored."""
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("name", ["own_rnas", "own_checkpoint", "study"])
def test_a_notebook_shows_what_its_cells_give(name, store, tmp_path, monkeypatch):
    for key in [key for key in os.environ if key.startswith("RNAEXP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("RNAEXP_STORE", str(store))
    path = notebooks.FOLDER / f"{name}.ipynb"
    kept = notebooks.read(path)
    now = notebooks.executed(path, tmp_path)
    assert len(notebooks.texts(kept)) == sum(cell.cell_type == "code" for cell in kept.cells)
    for before, after in zip(notebooks.texts(kept), notebooks.texts(now), strict=True):
        assert compared(after, name) == compared(before, name), f"python docs/notebooks.py {path}"
    pictures = [
        output for cell in now.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert bool(pictures) == (name != "own_checkpoint")


def test_an_output_that_has_changed_is_noticed(tmp_path):
    page = "```console\n$ printf 'one\\n'\nonce\n$ echo two \\\n    three; (exit 3); echo $?\n```\n"
    (first, shown), (second, _) = commands.commands_of(page)
    assert (first, shown) == ("printf 'one\\n'", "once")
    assert second.endswith("echo $?")
    assert commands.run_page(page, tmp_path) == ["one", "two three\n3"]
    assert "$ printf 'one\\n'\none\n$ echo" in commands.rewritten(page, ["one", "two three\n3"])
