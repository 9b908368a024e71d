"""The examples in the docstrings of the Python face run."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["rnaexp.models.wrap", "rnaexp.experiment.listing", "rnaexp.experiment.evaluate"])
def test_examples_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
