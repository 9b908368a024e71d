"""The examples in the docstrings of the Python face run, and each public name has one."""

import doctest
import importlib

import pytest

import rnaexp


@pytest.mark.parametrize("name", rnaexp.__all__)
def test_the_example_of_each_public_name_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = getattr(rnaexp, name)
    module = importlib.import_module(shown.__module__)
    (example,) = [each for each in doctest.DocTestFinder().find(shown, name, module=module) if each.name == name]
    found = doctest.DocTestRunner().run(example)
    assert found.attempted > 0, "no example"
    assert found.failed == 0
