"""`import rnaexp` as a notebook uses it: the same numbers as the command line, and models that are only in memory."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

import rnaexp
from rnaexp.errors import InputError, UnavailableError
from tests.command import answer, environment, inside
from tests.models.conftest import write_bert
from tests.planted_sets import hairpin, write_set

LETTERS = {"N": 5, "A": 6, "C": 7, "G": 8, "U": 9, "before": [2], "after": [3], "pad": 0, "mask": 4}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small BERT, two small sets, and a set with families."""
    folder = tmp_path_factory.mktemp("face")
    write_bert(folder / "bert", list("NACGU"))
    write_set(folder / "vl.dbn", 1, 6, "v")
    write_set(folder / "ts.dbn", 2, 7, "t")
    rng = np.random.default_rng(3)
    (folder / "families").mkdir()
    for name in ("one", "two", "three"):
        rnas = [hairpin(rng) for _ in range(4)]
        (folder / "families" / f"{name}.fa").write_text("".join(f">{name}{at}\n{rna}\n" for at, rna in enumerate(rnas)))
    return folder


@pytest.fixture
def inside_place(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNAEXP_STORE")  # as on the command line: .rnaexp in the working directory
    for name in ("bert", "vl.dbn", "ts.dbn", "families"):
        (tmp_path / name).symlink_to(place / name)
    return tmp_path


def network(place):
    return AutoModelForMaskedLM.from_pretrained(place / "bert")


def of_the_command_line(record):
    """A record as `--json` prints it: what differs between two runs of the same thing is left out."""
    return {name: value for name, value in json.loads(json.dumps(record)).items() if name != "run_id"}


def test_three_models_and_two_tasks_have_the_command_lines_numbers_to_the_bit(inside_place, capfd):
    models = ["bert", "stems", "random"]
    found = rnaexp.evaluate(
        models, tasks=["pairs", "families"], validation="vl.dbn", test="ts.dbn", families="families", related="keep"
    )
    assert capfd.readouterr() == ("", ""), "nothing is printed unless it is asked for"
    sets = '[[sets]]\nvalidation = "vl.dbn"\ntest = "ts.dbn"\n'
    (inside_place / "q.toml").write_text(f'models = {json.dumps(models)}\nrelated = "keep"\n{sets}')
    told = answer(inside("run", "q.toml", "--json", cwd=inside_place))
    assert [of_the_command_line(run) for run in told["runs"]] == [*map(of_the_command_line, found.records["pairs"])]
    classified = answer(inside("classify", "--model", "bert", "--set", "families", "--json", cwd=inside_place))
    assert of_the_command_line(classified) == of_the_command_line(found.records["families"][0])
    assert found.frame.loc["bert", "classify.overlap_ratio"] == classified["classify"]["overlap_ratio"]
    assert np.isnan(found.frame.loc["stems", "classify.overlap_ratio"])
    assert any("stems: has no embeddings" in note for note in found.notes)
    assert list(found.table("pairs")["model"]) == [
        run["model"] for run in sorted(told["runs"], key=lambda run: -run["structure"]["f1"])
    ]
    per_rna = found.per_rna("pairs")
    assert per_rna.groupby("model")["f1"].mean().to_dict() == pytest.approx(found.frame["structure.f1"].to_dict())
    assert found.to_csv("out.csv").read_text().startswith("model,structure.f1,")


def test_a_bert_in_memory_equals_the_same_one_from_its_folder(inside_place):
    model, tokenizer = network(inside_place), AutoTokenizer.from_pretrained("bert")
    model.train()
    seen = []
    model.register_forward_hook(lambda *_: seen.append("called"))
    random_state = torch.get_rng_state()
    settings = {"tasks": ["pairs", "families"], "validation": "vl.dbn", "test": "ts.dbn", "families": "families"}
    folder = rnaexp.evaluate("bert", **settings)
    for given in (tokenizer, LETTERS):
        mine = rnaexp.evaluate({"mine": rnaexp.wrap(model, given, name="mine")}, **settings)
        assert mine.frame.loc["mine"].equals(folder.frame.loc["bert"])
    assert model.training
    assert model.config._attn_implementation != "rnaexp"
    assert not seen, "the caller's hooks do not see our passes"
    assert torch.equal(torch.get_rng_state(), random_state)


def test_what_is_wrapped_follows_the_weights_without_a_copy_and_is_told_apart_by_them(place):
    model = network(place)
    before = rnaexp.wrap(model, LETTERS, name="mine")
    assert next(before.network.parameters()).data_ptr() == next(model.parameters()).data_ptr()
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[6] += 1
    after = rnaexp.wrap(model, LETTERS, name="mine")
    assert after.fingerprint != before.fingerprint
    assert rnaexp.wrap(after) is after


class Maps:
    """An object of the user's own: a head that looks at the base opposite, and one that is flat."""

    def attention(self, rna):
        n = len(rna)
        opposite = np.full((n, n), 1e-3)
        opposite[np.arange(n), n - 1 - np.arange(n)] = 1
        return np.stack([opposite / opposite.sum(1, keepdims=True), np.full((n, n), 1 / n)])[None]


def test_any_object_with_maps_is_evaluated_and_what_it_lacks_is_said(inside_place):
    found = rnaexp.evaluate(
        {"opposite": Maps(), "viennarna": "viennarna"},
        tasks=["pairs", "families"],
        validation="vl.dbn",
        test="ts.dbn",
        families="families",
    )
    assert found.records["pairs"][0]["structure"]["head"] == 0
    assert found.frame.loc["opposite", "structure.f1"] > 0
    assert found.notes.count("opposite: has no embeddings, so no overlap of families") == 1
    with pytest.raises(UnavailableError, match=r"opposite has no embed\(\)"):
        rnaexp.embed(rnaexp.wrap(Maps(), name="opposite"), "GGGAAACCC")


class Wrong(Maps):
    def __init__(self, spoil):
        self.spoil = spoil

    def attention(self, rna):
        return self.spoil(super().attention(rna))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda maps: maps[..., :-1], r"gave \(1, 2, 12, 11\) for 12 bases; wanted \[layers heads 12 12\]"),
        (lambda maps: maps - 1, "negative or non-finite numbers; give it after softmax"),
        (lambda maps: maps * np.nan, "negative or non-finite numbers"),
    ],
)
def test_maps_that_cannot_be_attention_are_refused(spoil, complaint):
    with pytest.raises(InputError, match=complaint):
        rnaexp.wrap(Wrong(spoil), name="wrong")


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda place: rnaexp.evaluate("viennarna", related="maybe"), "related 'maybe': must be drop or keep"),
        (lambda place: rnaexp.evaluate("viennarna", tset="x"), "tset: no such setting; there are validation, test"),
        (lambda place: rnaexp.evaluate("viennarna", tasks="pair"), "tasks 'pair': must be among pairs, families"),
        (lambda place: rnaexp.evaluate("viennarna", tasks=[]), "tasks: name at least one"),
        (lambda place: rnaexp.evaluate([]), "models: name at least one"),
        (lambda place: rnaexp.evaluate(["random", "random"]), "two are called 'random'"),
        (lambda place: rnaexp.evaluate("viennarna", tasks="fitness"), "task fitness: say on which assay"),
        (lambda place: rnaexp.wrap(network(place)), "give its tokenizer as well"),
        (lambda place: rnaexp.wrap(network(place), LETTERS, name="rnabert"), "a model of the catalogue is called so"),
        (lambda place: rnaexp.wrap(object()), "has none of attention"),
        (lambda place: rnaexp.embed("random", "no such file"), "neither a file nor a sequence"),
        (lambda place: rnaexp.embed("random", []), "the list is empty"),
        (lambda place: rnaexp.wrap(network(place), {"A": 5, "C": 6, "G": 7}, name="m"), "its vocabulary lacks"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(place, call, complaint):
    with pytest.raises(InputError, match=complaint):
        call(place)


def test_embeddings_are_one_row_an_rna(inside_place):
    found = rnaexp.embed("bert", ["GGGAAACCC", "GGGGGAAAACCCC", "A" * 99])
    assert found.shape == (3, 24)
    assert found.iloc[2].isna().all()
    assert "rna3" in found.attrs["skipped"]
    mean = rnaexp.load("bert").embed([rnaexp.Rna(id="x", sequence="GGGAAACCC")])[0].mean(0)
    assert np.allclose(found.iloc[0], mean, atol=1e-6)


def test_predictions_are_the_command_lines(inside_place):
    assert (
        inside(
            "run",
            "--model",
            "bert",
            "--validation",
            "vl.dbn",
            "--test",
            "ts.dbn",
            "--families",
            "none",
            cwd=inside_place,
        ).returncode
        == 0
    )
    (inside_place / "mine.fa").write_text(">one\nGGGGCAAAAGCCCC\n>two\nGGGAAACCCUUU\n")
    assert inside("predict", "--model", "bert", "mine.fa", "--format", "json", cwd=inside_place).returncode == 0
    theirs = json.loads((inside_place / "predictions" / "predictions.json").read_text())
    mine = rnaexp.predict("bert", "mine.fa")
    assert [row["dot_bracket"] for row in theirs] == list(mine["dot_bracket"])
    assert [row["pairs"] for row in theirs] == list(mine["pairs"])
    assert rnaexp.predict("bert", "GGGGCAAAAGCCCC")["pairs"][0] == theirs[0]["pairs"]


NESTED = """
import mlflow, rnaexp
mlflow.set_tracking_uri("sqlite:///own.db")
mlflow.set_experiment("my own")
steps = []
with mlflow.start_run() as mine:
    found = rnaexp.evaluate("stems", validation="vl.dbn", test="ts.dbn", track=True,
                            progress=lambda what, done, total: steps.append((done, total)))
    assert mlflow.active_run().info.run_id == mine.info.run_id
run = mlflow.get_run(found.run_ids["stems"])
assert run.data.tags["mlflow.parentRunId"] == mine.info.run_id
assert run.info.experiment_id == mine.info.experiment_id
assert run.data.metrics["structure.f1"] == found.frame.loc["stems", "structure.f1"]
assert run.info.status == "FINISHED" and steps[-1][0] == steps[-1][1]
alone = rnaexp.evaluate("stems", validation="vl.dbn", test="ts.dbn")
assert alone.run_ids == {"stems": None} and alone.frame.equals(found.frame)
"""


def test_runs_are_nested_in_the_callers_open_run_in_its_own_store(inside_place):
    done = subprocess.run(
        [sys.executable, "-c", NESTED], cwd=inside_place, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert not (inside_place / "mlflow.db").exists()


def test_importing_is_light_and_every_name_is_there(tmp_path):
    code = (
        "import sys, rnaexp\n"
        "heavy = {'torch', 'transformers', 'mlflow', 'pandas', 'numpy', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert all(callable(getattr(rnaexp, name)) for name in rnaexp.__all__)\n"
        "assert set(rnaexp.__all__) <= set(dir(rnaexp))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="it has Alignment, Results, Rna"):
        rnaexp.evalute  # noqa: B018


def test_every_named_set_is_listed_with_its_task():
    listed = rnaexp.list_sets().set_index("name")["tasks"]
    assert {"pairs, families", "pairs", "families", "fitness"} <= set(listed)
    assert listed["rfam-500"] == "families"
    assert listed["dms_trna"] == "fitness"
    assert rnaexp.list_tasks() == ("pairs", "families", "fitness", "contacts")


def test_fitness_of_a_wrapped_model(inside_place):
    table = "sequence,score\nGGGAAACCC,1.0\nGGGAAACCU,0.5\nGGGAAACGC,0.4\nAGGAAACCC,0.1\nGCGAAACCC,0.3\n"
    (inside_place / "assay.csv").write_text(table)
    given = {"tasks": "fitness", "assay": "assay.csv", "convention": "pseudo-likelihood"}
    mine = rnaexp.evaluate({"mine": rnaexp.wrap(network(inside_place), LETTERS, name="mine")}, **given)
    folder = rnaexp.evaluate("bert", **given)
    assert mine.frame.loc["mine", "fitness.spearman"] == folder.frame.loc["bert", "fitness.spearman"]
    assert list(mine.per_rna("fitness")["score"]) == list(folder.per_rna("fitness")["score"])
    with pytest.raises(InputError, match="task 'pairs': this evaluation has fitness"):
        mine.table("pairs")
