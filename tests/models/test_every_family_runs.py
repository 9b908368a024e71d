"""`rnaexp run` on the built-in set, to the end, for each family that loads, at sizes a test can afford."""

import json
import re

import pytest
from tests.command import answer, inside
from tests.models.families import ALIGNED, EVERY, FOLDERS, SIZED, UNATTENDED

ALWAYS = ("ernie-rna",)
SOMETIMES = [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in (*EVERY, *ALIGNED)]


def asked(name, folder):
    """The words after --model for one layer of one head: scores are what takes time here."""
    if name in FOLDERS:
        (folder / "weights").mkdir()
        FOLDERS[name](folder / "weights", layers=1, heads=1)
        return name, "--weights", folder / "weights"
    sizes = {**SIZED, **ALIGNED, **UNATTENDED}[name]
    small = {key: 1 if re.search("layer|block|head", key) else value for key, value in sizes.items()}
    (folder / "sizes.json").write_text(json.dumps(small))
    return f"untrained:{name}", "--config", folder / "sizes.json"


@pytest.mark.parametrize("name", SOMETIMES)
def test_a_tiny_instance_is_tuned_and_tested_to_the_end(name, tmp_path):
    words = asked(name, tmp_path)
    done = inside("run", "--model", *words, "--json", cwd=tmp_path)
    told = answer(done)
    assert told["model"] == words[0]
    found = told["structure"]
    assert 0 <= found["f1"] <= found["oracle_f1"] <= 1
    skipped = len(re.findall("reads whole words of 3 letters", done.stderr))
    assert (found["rnas"] == 37) == (not skipped)
    if name == "calm":
        assert 0 < found["rnas"] < 37, "RNAs of whole codons only"


def test_a_model_without_attention_is_classified_and_says_why_it_has_no_structure(tmp_path):
    words = asked("hyenadna-tiny", tmp_path)
    done = inside("run", "--model", *words, "--json", cwd=tmp_path)
    assert done.returncode == 69
    assert "has no attention map of pairs to read; rnaexp embed and rnaexp classify use its embeddings" in done.stderr
    told = answer(inside("classify", "--model", *words, "--set", "builtin", "--json", cwd=tmp_path))
    assert told["classify"]["rnas"] == 67
    assert 0 < told["classify"]["overlap_ratio"] < 1
