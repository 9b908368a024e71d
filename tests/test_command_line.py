import subprocess
import sys

import pytest

from rnaexp.data.formats import read_rnas

from .command import answer, environment, runs
from .command import inside as rnaexp
from .planted_sets import write_sets


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("work")
    write_sets(place)
    return place


RUN = ("run", "--model", "planted", "--validation", "validation.fa", "--test", "test.fa")


def test_help_loads_nothing_that_takes_time():
    code = (
        "import sys, rnaexp.__main__\n"
        "assert not {'torch', 'mlflow', 'lightning', 'transformers', 'optuna', 'pandas', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())


def test_one_run_prints_one_object_and_is_found_in_mlflow_and_by_predict(folder):
    found = answer(rnaexp(*RUN, "--json", cwd=folder))
    assert found["model"] == "planted"
    structure = found["structure"]
    wanted = {"f1", "f1_low", "f1_high", "precision", "recall", "mcc", "pooled_f1", "oracle_f1", "validation_f1"}
    assert wanted | {"layer", "head", "threshold", "rnas", "skipped"} <= structure.keys()
    assert structure["f1"] == 1.0
    assert (structure["layer"], structure["head"]) == (1, 2)
    assert found["protocol"].items() >= {"name": "paper", "min_separation": 1, "apc": True}.items()
    tracked = runs(folder)
    assert {(name, kind, status) for name, kind, status, *_ in tracked} == {
        ("planted · test.fa · paper", "parent", "FINISHED"),
        ("tune", "tune", "FINISHED"),
        ("test", "test", "FINISHED"),
    }
    parent = next(run for run in tracked if run[1] == "parent")
    assert parent[3] == found["run_id"]
    assert parent[5]["structure.f1"] == 1.0
    assert parent[4].items() >= {"model": "planted", "validation": "validation.fa", "layer": "1"}.items()

    (folder / "mine.fa").write_text(">../<b>mine\nAAAGGCGCGCAAAAAGCGCGCCUUU\n")
    done = rnaexp("predict", "--model", "planted", "mine.fa", cwd=folder)
    assert done.returncode == 0, done.stderr
    pairs = (folder / "predictions" / "pairs.csv").read_text().splitlines()
    assert pairs[0] == "rna,i,j,bases,score,probability"
    brackets = (folder / "predictions" / "structures.dbn").read_text().splitlines()
    assert brackets[0].startswith(">../<b>mine planted layer=1 head=2 decoder=mea gamma=")
    assert brackets[1:] == ["AAAGGCGCGCAAAAAGCGCGCCUUU", "((((((((((.....))))))))))"]
    assert [len(rna.pairs) for rna in read_rnas(folder / "predictions" / "structures.dbn")] == [10]
    assert {tuple(map(int, line.split(",")[1:3])) for line in pairs[1:]} == {(at, 26 - at) for at in range(1, 11)}

    by_run = rnaexp(
        "structure", "--model", "planted", "--test", "test.fa", "--tuned", found["run_id"], "--json", cwd=folder
    )
    assert answer(by_run)["structure"]["f1"] == 1.0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "--model", "planted", "--test", "no_such_file.fa"), 65, "no_such_file.fa"),
        (("run", "--model", "plantde"), 65, "planted"),
        (("run", "--model", "planted", "--protocol", "loose"), 2, "'paper', 'strict'"),
        (("run", "--test", "test.fa"), 2, "--test goes with --model"),
        (("run", "--modle", "planted"), 2, "--modle"),
        (("predict", "--model", "random", "test.fa"), 69, "rnaexp run --model random"),
        (("run", "--model", "planted", "--validation", "test.fa", "--test", "broken.fa"), 65, "broken.fa:4"),
        (("run", "question.toml"), 65, "question.toml"),
        (("run", "good.toml", "--shard", "3/2"), 65, "--shard"),
        (("score", "--name", "x", "--test", "test.fa"), 65, "--pairs"),
        (("run", "--model", "rna-msm", "--validation", "validation.fa", "--test", "test.fa"), 69, "--weights"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(folder, words, code, said):
    (folder / "broken.fa").write_text(">a\nACGUACGU\n>b\nACGXACGU\n")
    (folder / "question.toml").write_text("models = ['planted']\nsetz = 1\n")
    (folder / "good.toml").write_text(
        "models = ['planted']\n[[sets]]\nvalidation = 'validation.fa'\ntest = 'test.fa'\n"
    )
    done = rnaexp(*words, cwd=folder)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if code != 2:
        assert done.stderr.strip().splitlines()[-1].startswith("rnaexp: ")


def test_a_question_runs_every_model_and_its_shards_divide_it(folder):
    (folder / "two.toml").write_text(
        "title = 'Two'\nmodels = ['planted', 'random', 'viennarna']\n"
        "[[sets]]\nvalidation = 'validation.fa'\ntest = 'test.fa'\n"
    )
    every = answer(rnaexp("run", "two.toml", "--json", cwd=folder))
    assert [run["model"] for run in every["runs"]] == ["planted", "random", "viennarna"]
    shards = [answer(rnaexp("run", "two.toml", "--shard", f"{at}/2", "--json", cwd=folder)) for at in (1, 2)]
    assert [[run["model"] for run in shard["runs"]] for shard in shards] == [["planted", "viennarna"], ["random"]]
    assert shards[0]["runs"][0]["structure"] == every["runs"][0]["structure"]
    table = rnaexp("compare", "--csv", "runs.csv", cwd=folder)
    assert table.returncode == 0, table.stderr
    assert {"planted", "random", "viennarna"} <= set(table.stdout.split())
    assert len((folder / "runs.csv").read_text().splitlines()) > 5


def test_listings_say_what_is_known_and_what_is_not(folder):
    models = answer(rnaexp("models", "--json", cwd=folder))["models"]
    assert {"rnabert", "rna-msm", "viennarna"} <= {model["name"] for model in models}
    assert next(model for model in models if model["name"] == "rna-msm")["sha256"] is None
    sets = answer(rnaexp("data", "list", "--json", cwd=folder))["sets"]
    assert {"spot-rna-vl1", "builtin-ts"} <= {one["name"] for one in sets}
    shown = answer(rnaexp("data", "show", "test.fa", "--json", cwd=folder))
    assert (shown["rnas"], shown["with_pairs"]) == (6, 6)
    assert rnaexp("doctor", cwd=folder).returncode == 0


def test_another_tools_maps_and_pairs_become_rows(folder):
    import numpy as np

    from rnaexp.data.pair_tables import write_bpseq
    from rnaexp.models import load

    for kind in ("maps", "pairs"):
        (folder / kind).mkdir(exist_ok=True)
    toy = load("planted")
    for rna in (*read_rnas(folder / "validation.fa"), *read_rnas(folder / "test.fa")):
        stacked = np.concatenate([maps.numpy() for maps in toy.attention(rna)])
        np.save(folder / "maps" / f"{rna.id}_att.npy", stacked)
        write_bpseq(folder / "pairs" / f"{rna.id}.bpseq", rna)
    by_maps = answer(
        rnaexp(
            "score",
            "--maps",
            "maps",
            "--suffix",
            "_att",
            "--heads-per-layer",
            4,
            "--name",
            "other",
            "--validation",
            "validation.fa",
            "--test",
            "test.fa",
            "--json",
            cwd=folder,
        )
    )
    assert (by_maps["structure"]["layer"], by_maps["structure"]["head"]) == (1, 2)
    assert by_maps["structure"]["f1"] == 1.0
    by_pairs = answer(
        rnaexp("score", "--pairs", "pairs", "--name", "perfect", "--test", "test.fa", "--json", cwd=folder)
    )
    assert by_pairs["structure"]["f1"] == 1.0
    assert by_pairs["validation"] is None


def test_each_rnas_file_is_its_own_even_among_equal_sequences(folder):
    (folder / "equal.fa").write_text("".join(f">{id}\nGGGGAAAACCCC\n((((....))))\n" for id in ("full", "none")))
    (folder / "equal").mkdir()
    (folder / "equal" / "full.dbn").write_text(">full\nGGGGAAAACCCC\n((((....))))\n")
    (folder / "equal" / "none.dbn").write_text(">none\nGGGGAAAACCCC\n............\n")
    words = ("score", "--pairs", "equal", "--name", "half", "--test", "equal.fa")
    assert answer(rnaexp(*words, "--json", cwd=folder))["structure"]["f1"] == 0.5
    (folder / "equal" / "none.dbn").write_text(">none\nGGGGAAAACCCG\n............\n")
    mixed_up = rnaexp(*words, "--strict", cwd=folder)
    assert mixed_up.returncode == 65
    assert "not that of none" in (folder / "skipped.csv").read_text()


def test_pair_scores_may_stand_in_either_triangle_and_be_negative(folder):
    import numpy as np

    (folder / "lower.fa").write_text(">a\nGGGGAAAACCCC\n((((....))))\n")
    scores = np.tril(np.full((12, 12), -9.0), -1)
    for i, j in ((0, 11), (1, 10), (2, 9), (3, 8)):
        scores[j, i] = -1.0
    (folder / "lower").mkdir()
    np.save(folder / "lower" / "a.npy", scores)
    found = rnaexp("score", "--pairs", "lower", "--name", "logs", "--test", "lower.fa", "--json", cwd=folder)
    assert answer(found)["structure"]["oracle_f1"] == 1.0


def test_an_rna_none_of_whose_pairs_is_a_candidate_is_counted_and_said(folder):
    (folder / "gg.fa").write_text(">gg\nGGGGAAAAGGGG\n((((....))))\n" + (folder / "test.fa").read_text())
    words = ("run", "--model", "planted", "--validation", "validation.fa", "--test", "gg.fa", "--protocol", "strict")
    found = answer(rnaexp(*words, "--json", cwd=folder))
    assert [(one["rna"], one["failed"]) for one in found["skipped"]] == [("gg", False)]
    assert "candidate" in found["skipped"][0]["reason"]
    assert found["structure"]["skipped"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = 'viennarna'", "wrong.toml: models: must be a list, not 'viennarna'"),
        ("models = []", "wrong.toml: models: must have at least one entry"),
        ("models = [5]", "wrong.toml: models, entry 1: must be a word, not 5"),
        ("models = ['planted']\nrelated = 'kep'", "wrong.toml: related: must be 'drop' or 'keep', not 'kep'"),
        ("models = ['planted']\nprotocols = [{name = 'paper', min_separation = 4.5}]", "whole number"),
        ("models = ['planted']\nprotocols = [{name = 'paper', magic = 1}]", "magic"),
    ],
)
def test_a_question_that_would_run_something_else_is_refused(folder, text, said):
    (folder / "wrong.toml").write_text(f"{text}\n[[sets]]\nvalidation = 'validation.fa'\ntest = 'test.fa'\n")
    done = rnaexp("run", "wrong.toml", cwd=folder)
    assert done.returncode == 65, done.stderr
    assert said in done.stderr


def test_a_leak_in_one_row_of_a_question_costs_only_that_row(folder):
    (folder / "leak.toml").write_text(
        "models = ['planted']\nrelated = 'keep'\n[[sets]]\nvalidation = 'test.fa'\ntest = 'test.fa'\n"
        "[[sets]]\nvalidation = 'validation.fa'\ntest = 'test.fa'\n"
    )
    done = rnaexp("run", "leak.toml", cwd=folder)
    assert done.returncode == 65
    assert "validation.fa" in done.stdout


def test_a_tool_cannot_take_the_name_of_a_model(folder):
    done = rnaexp("score", "--name", "viennarna", "--pairs", ".", "--test", "test.fa", cwd=folder)
    assert done.returncode == 65
