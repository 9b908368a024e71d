"""`rnaexp run` with --long, --precision and --token-pairs: what is computed, told, logged and shown."""

import json

import pytest

from tests.command import answer, inside, runs
from tests.planted_sets import write_set

SMALL = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16, "max_position_embeddings": 62}
STEM = "GGGGCCCCGG"


@pytest.fixture
def folder(tmp_path):
    write_set(tmp_path / "vl.fa", 1, 3, "vl")
    write_set(tmp_path / "ts.fa", 2, 2, "ts")
    # 80 bases: one pair of stems within 60 bases, one pair of bases further apart than any window.
    sequence = "G" + "A" * 5 + STEM + "AAAA" + "CCGGGGCCCC" + "A" * 49 + "C"
    pairs = "(" + "." * 5 + "(" * 10 + "...." + ")" * 10 + "." * 49 + ")"
    with (tmp_path / "ts.fa").open("a") as file:
        file.write(f">far\n{sequence}\n{pairs}\n")
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    return tmp_path


def run(folder, *more, model="untrained:splicebert", config="small.json"):
    sets = ("--validation", "vl.fa", "--test", "ts.fa", "--families", "none")
    return inside("run", "--model", model, "--config", config, *sets, *more, cwd=folder)


def test_windows_and_precision_are_told_logged_and_kept_apart(folder):
    plain = answer(run(folder, "--json"))
    assert "far" in [one["rna"] for one in plain["skipped"]]
    assert (plain["long"], plain["precision"], plain["windowed"]) == ("skip", "fp32", "")
    done = run(folder, "--long", "window", "--precision", "bf16", "--json")
    told = answer(done)
    assert (told["long"], told["precision"]) == ("window", "bf16")
    assert "far" not in [one["rna"] for one in told["skipped"]]
    assert "1 of 11 reference pairs are too far apart and count as missed" in told["windowed"]
    assert told["windowed"] in done.stderr
    assert told["structure"]["coverage"] == 1.0
    logged = {run_id: parameters for _, kind, _, run_id, parameters, _ in runs(folder) if kind == "parent"}
    assert logged[told["run_id"]].items() >= {"long": "window", "precision": "bf16"}.items()
    assert logged[told["run_id"]]["fingerprint"] != logged[plain["run_id"]]["fingerprint"]


@pytest.mark.fault
def test_error_ends_the_run_and_names_the_rna(folder):
    done = run(folder, "--long", "error")
    assert done.returncode == 65
    assert "far: 82 tokens; untrained:splicebert reads at most 62; --long skip leaves such RNAs out" in done.stderr


@pytest.mark.slow
def test_a_rule_for_token_pairs_is_part_of_the_protocol_and_the_name_tells_the_resolution(folder):
    (folder / "kmer.json").write_text(json.dumps({**SMALL, "max_position_embeddings": 100}))
    how = {"model": "untrained:dnabert-4mer", "config": "kmer.json"}
    mean = answer(run(folder, "--json", **how))
    loudest = answer(run(folder, "--token-pairs", "max", "--json", **how))
    assert (mean["resolution"], mean["proof"]) == ("k-mer", "equal to multimolecule")
    assert mean["protocol"]["token_pairs"] == "mean"
    assert loudest["protocol"]["name"] == "paper:token_pairs=max"
    assert loudest["structure"]["threshold"] != mean["structure"]["threshold"]
    shown = run(folder, **how)
    assert "[k-mer]" in shown.stdout
