"""The README: short, its table made from the results, its links alive."""

import re
from pathlib import Path

import pytest
from tracking import faults_table, fine_tune_table, markdown, readme_table, trade_off_series, trade_off_table

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_its_table_is_the_one_of_the_results():
    text = (ROOT / "README.md").read_text()
    assert readme_table.with_table(text) == text, "run: python tracking/readme_table.py"


def test_the_tables_of_the_results_page_are_those_of_the_results():
    text = markdown.PAGE.read_text()
    assert markdown.with_tables(text) == text, "run: python tracking/markdown.py"


def test_the_tables_of_the_classification_page_are_those_of_the_results():
    text = markdown.CLASSIFICATION_PAGE.read_text()
    assert markdown.with_classification(text) == text, "run: python tracking/markdown.py"


def test_the_tables_of_pairs_from_letters_are_those_of_the_results():
    text = markdown.LETTERS_PAGE.read_text()
    assert markdown.with_letters(text) == text, "run: python tracking/markdown.py"


def test_the_table_of_faults_is_that_of_the_results():
    text = faults_table.PAGE.read_text()
    assert faults_table.with_table(text) == text, "run: python tracking/faults_table.py"


def test_the_table_of_the_trade_off_is_that_of_the_results():
    text = trade_off_table.PAGE.read_text()
    assert trade_off_table.with_table(text) == text, "run: python tracking/trade_off_table.py"


def test_the_tables_of_data_size_balance_and_labels_are_those_of_the_results():
    text = trade_off_series.PAGE.read_text()
    assert trade_off_series.with_tables(text) == text, "run: python -m tracking.trade_off_series"


def test_the_table_of_fine_tuning_is_that_of_the_results():
    text = fine_tune_table.PAGE.read_text()
    assert fine_tune_table.with_table(text) == text, "run: python tracking/fine_tune_table.py"


def test_it_is_read_in_a_minute():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, target
