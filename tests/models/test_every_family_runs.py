"""`rnaexp run` on the built-in set, to the end, for each family that loads, at sizes a test can afford."""

import json
import re

import pytest
from tests.command import answer, inside
from tests.models.test_published import TINY

ALWAYS = ("ernie-rna",)


def sizes(name):
    """One layer of one head: scores are what takes time here."""
    return {key: 1 if re.search("layer|block|head", key) else value for key, value in TINY[name].items()}


@pytest.mark.parametrize(
    "name", [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in TINY if name != "calm"]
)
def test_a_tiny_instance_is_tuned_and_tested_to_the_end(name, tmp_path):
    (tmp_path / "sizes.json").write_text(json.dumps(sizes(name)))
    told = answer(
        inside("run", "--model", f"untrained:{name}", "--config", tmp_path / "sizes.json", "--json", cwd=tmp_path)
    )
    assert told["model"] == f"untrained:{name}"
    found = told["structure"]
    assert 0 <= found["f1"] <= found["oracle_f1"] <= 1
    assert found["rnas"] == 37


@pytest.mark.slow
def test_a_codon_model_skips_what_is_not_whole_codons_and_says_so(tmp_path):
    (tmp_path / "sizes.json").write_text(json.dumps(sizes("calm")))
    done = inside("run", "--model", "untrained:calm", "--config", tmp_path / "sizes.json", "--json", cwd=tmp_path)
    assert "reads whole words of 3 letters" in done.stderr
