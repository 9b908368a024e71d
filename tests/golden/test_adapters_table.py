"""The table of differences that the documentation shows: whole, within tolerance, and the same in both places."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.golden.layouts import LAYOUTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows():
    with (ROOT / "tracking/results/adapters.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_difference_is_within_tolerance(rows):
    assert len(rows) == 15
    for row in rows:
        limit = 5e-4 if row["model"] == "rna-km" else 1e-5
        assert float(row["attention"]) < limit, row
        assert float(row["embedding"]) < 1e-5, row
        assert row["logits"] == "" or float(row["logits"]) < 1e-5, row


def test_the_documentation_shows_these_rows(rows):
    shown = (ROOT / "docs/models.md").read_text()
    for row in rows:
        assert "| " + " | ".join(value or "-" for value in row.values()) + " |" in shown


@pytest.mark.golden
def test_every_model_fixture_has_a_row(rows):
    if (folder := os.environ.get("RNAEXP_GOLDEN")) is None:
        pytest.skip("RNAEXP_GOLDEN is not set: the authors' outputs are not here")
    held = {path.parent.name: json.loads(path.read_text()) for path in Path(folder).glob("*/fixture.json")}
    # Outputs of evaluation code are fixtures too; those are no model's.
    assert {row["fixture"] for row in rows} == {name for name, facts in held.items() if "checkpoint" in facts}


def test_the_documentation_shows_multimolecules_differences_and_only_letters_differ():
    with (ROOT / "tracking/results/multimolecule.csv").open() as file:
        rows = list(csv.DictReader(file))
    shown = (ROOT / "docs/models.md").read_text()
    assert len({row["model"] for row in rows}) == 16
    for row in rows:
        assert "| " + " | ".join(value or "-" for value in row.values()) + " |" in shown
        for what in ("attention", "embedding", "logits"):
            known = what == "logits" and row["model"] in ("rnabert", "utr-lm-mrl")
            assert row[what] == "" or (float(row[what]) < 1e-5) != known, row


def test_the_documentation_shows_multimolecules_layouts_and_only_letters_differ():
    with (ROOT / "tracking/results/multimolecule_layouts.csv").open() as file:
        rows = list(csv.DictReader(file))
    shown = (ROOT / "docs/sources.md").read_text()
    assert [row["layout"] for row in rows] == list(LAYOUTS)
    for row in rows:
        told = (row[column] or "-" for column in ("layout", "row", "attention", "embedding", "letters"))
        assert "| " + " | ".join(told) + " |" in shown
        for what in ("attention", "embedding", "letters"):
            known = what == "letters" and row["model_type"] in ("rnabert", "utrlm")
            assert row[what] == "" or (float(row[what]) < 1e-5) != known, row


def test_the_documentation_shows_every_source_of_the_catalogue():
    made = subprocess.run(
        [sys.executable, "tracking/models_table.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    shown = (ROOT / "docs/sources.md").read_text()
    assert all(table in shown for table in made.strip().split("\n\n"))
