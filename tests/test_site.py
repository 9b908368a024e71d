"""The documentation as a site: built without a warning, asking no other server, with every verb and public name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import rnaexp
from rnaexp.cli.app import app

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_of_the_project_is_on_it(site):
    nav = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= nav
    assert {"index", "contributing", "questions", "changelog"} <= nav


def test_nothing_is_asked_of_another_server(site):
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]+src=\"(https?:[^\"]+)|<link[^>]+rel=\"(?:stylesheet|preconnect)\"[^>]+href=\"(https?:[^\"]+)"
    )
    assert [
        (path.name, found.group()) for path in site.rglob("*.html") for found in loaded.finditer(path.read_text())
    ] == []


def test_every_verb_with_its_options_and_every_public_name_is_on_it(site):
    text = (site / "reference" / "command_line.html").read_text()
    for verb, command in typer.main.get_command(app).commands.items():
        assert f"rnaexp {verb}" in text
        assert [
            option for one in command.params for option in one.opts if option.startswith("--") and option not in text
        ] == []
    names = (site / "reference" / "python.html").read_text()
    assert [name for name in rnaexp.__all__ if f'.{name}"' not in names] == []
    assert "structure.f1_low" in (site / "reference" / "metrics.html").read_text()
    assert "contrasts" in (site / "reference" / "question_file.html").read_text()


def test_a_link_to_a_file_that_is_no_page_is_its_path(site):
    text = (site / "index.html").read_text()
    assert 'href="results.html"' in text
    assert '.md"' not in text
    examples = (site / "examples.html").read_text()
    assert "their source (<code>src/rnaexp/data/builtin/PROVENANCE.md</code>)" in examples
    assert 'href="tutorials/own_rnas.html"' in examples


def test_tutorials_and_notebooks_are_pages_with_their_pictures(site):
    for folder in ("tutorials", "notebooks"):
        sources = {path.stem for path in (ROOT / "docs" / folder).iterdir() if path.suffix in (".md", ".ipynb")}
        assert sources == {path.stem for path in (site / folder).glob("*.html")}
    for page in (site / "notebooks").glob("*.html"):
        pictures = re.findall(r'<img[^>]+src="([^":]+)"', page.read_text())
        assert pictures or page.stem == "own_checkpoint"
        assert [name for name in pictures if not (page.parent / name).exists()] == []
