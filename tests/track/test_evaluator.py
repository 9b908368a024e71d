"""`mlflow.models.evaluate(..., evaluators="rnaexp")`: MLflow's call, our figures."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models.evaluation.evaluator_registry import _model_evaluation_registry

from rnaexp.data.sets import load_set
from rnaexp.errors import LeakageError
from rnaexp.rna import Rna
from rnaexp.track.evaluator import MODEL_TYPE, evaluation_frame
from rnaexp.track.model_folder import write_model

from .test_deploy import shipped

HAIRPIN = "GGGGAAAACCCC"


@pytest.fixture
def store(place):
    """As MLflow does for an installed package with this entry point; runs go to a store of their own."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    ((name, value),) = project["entry-points"]["mlflow.model_evaluator"].items()
    _model_evaluation_registry.register(name, EntryPoint(name=name, value=value, group="mlflow.model_evaluator").load())
    uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
    yield place
    mlflow.set_tracking_uri(uri)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "model"
    write_model(folder, shipped("lm-nano"))
    return mlflow.pyfunc.load_model(str(folder), model_config={"device": "cpu"})


def evaluated(model, data, **more):
    return mlflow.models.evaluate(
        model=model, data=data, targets="reference", model_type=MODEL_TYPE, evaluators="rnaexp", **more
    )


def plain_f1(called, known):
    return 2 * len(called & known) / (len(called) + len(known)) if called or known else 0.0


def test_a_registered_head_is_judged_as_by_the_definition_and_all_of_it_is_in_the_run(store, model):
    rnas = [rna for rna in load_set("builtin-ts").rnas if rna.pairs][:12]
    data = evaluation_frame(rnas)
    with mlflow.start_run() as run:
        found = evaluated(model, data)
    answers = model.predict(data[["id", "sequence"]])
    called = [{(one["i"] - 1, one["j"] - 1) for one in pairs} for pairs in answers["pairs"]]
    expected = [plain_f1(some, set(rna.pairs)) for some, rna in zip(called, rnas, strict=True)]
    assert found.metrics["structure.f1"] == pytest.approx(sum(expected) / len(expected))
    assert found.metrics["structure.recall"] == pytest.approx(
        sum(len(some & set(rna.pairs)) / len(rna.pairs) for some, rna in zip(called, rnas, strict=True)) / len(rnas)
    )
    assert found.metrics["structure.rnas"] == 12
    assert found.metrics["structure.clusters"] == len({rna.cluster for rna in rnas})
    stored = mlflow.get_run(run.info.run_id)
    assert stored.data.metrics == pytest.approx(found.metrics)
    table = mlflow.load_table("per_rna.json", run_ids=[run.info.run_id])
    assert table["f1"].tolist() == pytest.approx(expected)
    assert [rna.id for rna in rnas] == found.artifacts["per_rna"].content["rna"].tolist()
    drawn = evaluated(model, data, evaluator_config={"answer": "structure"})
    strict = evaluated(model, data, evaluator_config={"protocol": "strict"})
    f1 = {found.metrics["structure.f1"], drawn.metrics["structure.f1"], strict.metrics["structure.f1"]}
    assert len(f1) == 3


def test_answers_of_any_other_model_are_judged_too_and_a_base_may_have_two_partners(store):
    data = evaluation_frame(
        [
            Rna(id="a", sequence=HAIRPIN, pairs=((0, 11), (1, 10), (2, 9), (3, 8))),
            Rna(id="b", sequence=HAIRPIN, pairs=((0, 10), (0, 11))),
        ]
    )
    assert data["reference"].tolist() == ["((((....))))", "[[1, 11], [1, 12]]"]

    def answer(rows):
        assert set(rows.columns) <= {"id", "sequence"}
        return pd.DataFrame({"pairs": [[{"i": 1, "j": 12}, {"i": 2, "j": 3}], [[1, 12]]]})

    found = evaluated(answer, data).metrics
    assert found["structure.f1"] == pytest.approx((2 / 6 + 2 / 3) / 2)
    given = data.assign(answer=["((((....))))", "[[1, 12]]"])
    static = mlflow.models.evaluate(
        data=given, targets="reference", predictions="answer", model_type=MODEL_TYPE, evaluators="rnaexp"
    )
    assert static.metrics["structure.f1"] == pytest.approx((1 + 2 / 3) / 2)


def test_an_rna_that_the_head_was_tuned_on_is_refused(store, model):
    with pytest.raises(LeakageError, match="was tuned on"):
        evaluated(model, evaluation_frame([rna for rna in load_set("builtin-vl").rnas if rna.pairs][:2]))


@pytest.mark.parametrize(
    ("frame", "config", "reason"),
    [
        ({"sequence": [HAIRPIN], "reference": ["((("]}, {}, "rna1: reference '\\(\\(\\(' is neither"),
        ({"sequence": ["GGXX"], "reference": ["...."]}, {}, "letter 'X'"),
        ({"letters": [HAIRPIN], "reference": ["............"]}, {}, "a column `sequence`"),
        ({"sequence": [HAIRPIN], "reference": ["............"]}, {}, "no RNA has a known pair"),
        ({"sequence": [HAIRPIN], "reference": ["((((....))))"]}, {"protocol": "best"}, "protocol='best'"),
        ({"sequence": ["GGAACC"], "reference": ["((..))"]}, {}, "outside 1..6"),
    ],
)
def test_what_cannot_be_judged_is_named(store, frame, config, reason):
    def answer(rows):
        return pd.DataFrame({"pairs": [[[1, 12]]]})

    with pytest.raises(MlflowException, match=reason):
        evaluated(answer, pd.DataFrame(frame), evaluator_config=config)


def test_no_other_evaluation_is_taken_over(store):
    from rnaexp.track.evaluator import PairsEvaluator

    assert not PairsEvaluator.can_evaluate(model_type="classifier", evaluator_config={})
    assert not PairsEvaluator.can_evaluate(model_type=None, evaluator_config={})
