"""Questions and their models' runs in MLflow, and the documented queries, each compared with what was printed."""

import json
import re
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from ..command import answer
from ..command import inside as rnaexp
from ..planted_sets import write_sets

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
# On a set of the test's own: the built-in one has too few clusters for an interval.
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text().replace("builtin-ts", "test.fa"), re.S)
QUESTION = """
title = "Two of <ours>"
models = ["stems", "lm-nano"]

[[sets]]
validation = "validation.fa"
test = "test.fa"

[[protocols]]
name = "strict"

[[contrasts]]
model = "lm-nano"
against = "stems"

[[families]]
name = "builtin"
members = 3
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a question's runs, a failed one, and a registered model."""
    folder = tmp_path_factory.mktemp("queries")
    (folder / "two.toml").write_text(QUESTION)
    write_sets(folder)
    done = rnaexp("run", "two.toml", "--tag", "who=me", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "answers.jsonl").write_text(done.stdout)
    leak = ("--validation", "test.fa", "--test", "test.fa", "--families", "none")
    failed = rnaexp("run", "--model", "stems", *leak, cwd=folder)
    assert failed.returncode == 65, failed.stderr
    pairs = json.loads(done.stdout.splitlines()[0])
    lm_nano = next(run for run in pairs["runs"] if run["model"] == "lm-nano")
    assert rnaexp("register", lm_nano["run_id"], cwd=folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def records(place):
    """What the question printed: {model: record} of its pairs, and the one record of its families."""
    pairs, families = map(json.loads, (place / "answers.jsonl").read_text().splitlines())
    return {run["model"]: run for run in pairs["runs"]}, families["runs"][0], pairs["contrasts"]


@pytest.fixture(scope="module")
def client(place):
    return MlflowClient(f"sqlite:///{place / 'mlflow.db'}")


def of_kind(client, kind):
    runs = client.search_runs(["1"], f"tags.`rnaexp.kind` = '{kind}'", order_by=["attributes.start_time ASC"])
    return [run for run in runs if run.info.status == "FINISHED"]


def test_models_runs_stand_below_their_question(client, records):
    (question,) = of_kind(client, "question")
    parents = of_kind(client, "parent")
    assert [run.info.run_name for run in parents] == [
        "stems · test.fa · strict",
        "lm-nano · test.fa · strict",
        "lm-nano · builtin · paper",
    ]
    assert {run.data.tags["mlflow.parentRunId"] for run in parents} == {question.info.run_id}
    assert {run.info.run_id for run in parents[:2]} == {one["run_id"] for one in records[0].values()}
    assert {run.data.tags["who"] for run in (*parents, question)} == {"me"}
    for kind, named in (("tune", "validation"), ("test", "test")):
        for child, parent in zip(of_kind(client, kind), parents, strict=False):
            assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert (
                child.data.params.items()
                >= {
                    "model": parent.data.params["model"],
                    "protocol": "strict",
                    named: parent.data.params[named],
                }.items()
            )


def test_a_questions_run_says_what_was_asked_and_what_came_out(client, records):
    (question,) = of_kind(client, "question")
    assert (
        question.data.params.items()
        >= {
            "models": "stems, lm-nano",
            "runs": "3",
            "validation": "validation.fa",
            "test": "test.fa",
            "families": "builtin",
        }.items()
    )
    used = {(one.dataset.name, one.tags[0].value) for one in question.inputs.dataset_inputs}
    assert used == {("validation.fa", "validation"), ("test.fa", "test"), ("builtin", "classification")}
    text = question.data.tags["mlflow.note.content"]
    assert "Two of &lt;ours&gt;" in text
    for model, record in records[0].items():
        assert any(model in line and f"{record['structure']['f1']:.3f}" in line for line in text.splitlines())
    held = Path(client.download_artifacts(question.info.run_id, ""))
    assert (held / "question.toml").read_text() == QUESTION
    assert json.loads((held / "recipe.json").read_text())["task"] == "question"
    assert pd.read_csv(held / "runs.csv")["model"].tolist() == ["stems", "lm-nano"]
    assert pd.read_csv(held / "runs_families.csv")["model"].tolist() == ["lm-nano"]


def test_a_models_run_shows_pictures_a_table_and_what_to_believe(client, records):
    run = client.get_run(records[0]["lm-nano"]["run_id"])
    names = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert names >= {"1_heads.png", "2_f1_distribution.png", "3_pairs_median.png", "per_rna.json"}
    text, structure = run.data.tags["mlflow.note.content"], records[0]["lm-nano"]["structure"]
    assert (
        f"F1 **{structure['f1']:.3f}**, 95 % interval [{structure['f1_low']:.2f}, {structure['f1_high']:.2f}]" in text
    )
    stems = next(line for line in text.splitlines() if line.startswith("| stems "))
    theirs = records[0]["stems"]["structure"]["f1"]
    assert [cell.strip() for cell in stems.split("|")][2:4] == [f"{theirs:.3f}", f"{structure['f1'] - theirs:+.3f}"]
    shown = client.load_table("1", "per_rna.json", run_ids=[run.info.run_id])
    (test,) = [each for each in of_kind(client, "test") if each.data.tags["mlflow.parentRunId"] == run.info.run_id]
    kept = pd.read_csv(client.download_artifacts(test.info.run_id, "per_rna.csv"))
    assert shown["rna"].tolist() == kept["rna"].tolist()
    assert shown["f1"].tolist() == pytest.approx(kept["f1"].tolist())


EXPECTED = {
    1: lambda found, pairs, *_: found["run_id"].tolist() == by_f1(pairs),
    2: lambda found, pairs, *_: found["run_id"].tolist() == by_f1(pairs),
    3: lambda found, pairs, *_: set(found["run_id"]) == set(by_f1(pairs)),
    4: lambda found, pairs, *_: set(found["params.model"]) == set(pairs) and found["metrics.structure.f1_q25"].all(),
    5: lambda found, pairs, *_: (
        set(found["run_id"]) == {run["run_id"] for run in pairs.values() if run["structure"]["f1_low"] > 0.2}
    ),
    6: lambda found, pairs, *_: (
        set(found["run_id"])
        == {run["run_id"] for run in pairs.values() if any("not above" in tag for tag in run["tags"])}
    ),
    7: lambda found, pairs, families, *_: set(found["run_id"]) == {*by_f1(pairs), families["run_id"]},
    8: lambda found, pairs, families, contrasts: (
        found["difference"].tolist() == pytest.approx([contrasts[0]["difference"]])
    ),
    9: lambda found, pairs, *_: (
        found.groupby("run_id")["f1"].mean().to_dict()
        == pytest.approx({run["run_id"]: run["structure"]["f1"] for run in pairs.values()})
    ),
    10: lambda found, *_: found["tags.error.type"].tolist() == ["InputError"],
    11: lambda found, *_: set(found.get("tags.rnaexp.source.dirty", ())) <= {"true"},
    12: lambda found, pairs, *_: (
        [
            [one.value for one in model.metrics if (one.key, one.dataset_name) == ("structure.f1", "test.fa")]
            for model in found
        ]
        == [[pytest.approx(pairs["lm-nano"]["structure"]["f1"])]]
    ),
}


def by_f1(pairs):
    return [run["run_id"] for run in sorted(pairs.values(), key=lambda run: -run["structure"]["f1"])]


def test_every_documented_query_finds_what_was_printed(place, records, monkeypatch):
    monkeypatch.chdir(place)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
    try:
        names = {}
        exec(BLOCKS[0], names)
        for at, block in enumerate(BLOCKS[1:], start=1):
            exec(block, names)
            assert EXPECTED[at](names["found"], *records), f"query {at}: {names['found']}"
    finally:
        mlflow.set_tracking_uri(before)
    assert len(BLOCKS) == len(EXPECTED) + 1


def test_a_question_made_again_gives_every_figure_of_its_models_and_contrasts(place, client):
    (question,) = of_kind(client, "question")
    again = answer(rnaexp("reproduce", question.info.run_id, "--json", cwd=place))
    assert (again["different"], again["facts"]) == (0, [])
    figures = {one["figure"] for one in again["figures"]}
    assert {"2 lm-nano · test.fa · strict: structure.f1", "contrasts 1: p_holm"} <= figures
    new = client.get_run(again["again"])
    below = client.search_runs(["1"], f"tags.`mlflow.parentRunId` = '{new.info.run_id}'")
    assert {run.data.tags["rnaexp.kind"] for run in (new, *below)} == {"reproduction"}
    assert len(below) == 3
    assert len(of_kind(client, "parent")) == 3
