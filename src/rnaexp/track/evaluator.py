"""MLflow's own `mlflow.models.evaluate`, with rnaexp's figures: evaluator `rnaexp`, model type `rna-structure`.

The model answers with a column `pairs`, as registered configurations do: lists of `{"i": ..., "j": ...}` from 1.
`evaluator_config`: `protocol` (paper, strict), `answer` (pairs: the calls; structure: what is drawn) and `related`
(refuse, allow: relatives of the RNAs that the registered head was tuned on; those themselves are always refused).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models.evaluation import EvaluationResult, ModelEvaluator
from mlflow.models.evaluation.artifacts import CsvEvaluationArtifact

from rnaexp.data.csv_text import csv_text
from rnaexp.data.dot_bracket import parse_dot_bracket, to_dot_bracket
from rnaexp.data.values import rna_of
from rnaexp.errors import InputError
from rnaexp.rna import Pair, Rna
from rnaexp.structure.evaluate import evaluate_head, refuse_leakage
from rnaexp.structure.heads import HeadScores, RnaScores, TunedHead
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.protocol import PAIR_SCORES, Scoring, scoring
from rnaexp.structure.reading import sequence_sha256

MODEL_TYPE = "rna-structure"
CONFIG = {"protocol": ("paper", "strict"), "answer": ("pairs", "structure"), "related": ("refuse", "allow")}
FIGURES = ("precision", "recall", "mcc", "pooled_f1", "relaxed_f1", "calls_per_100_bases")


def evaluation_frame(rnas: Sequence[Rna]) -> pd.DataFrame:
    """RNAs with known pairs as `data` of `mlflow.models.evaluate`: columns id, sequence, cluster, reference.

    References are dot-brackets; of an RNA in which a base has two partners, JSON lists of [i, j], from 1.
    """
    rows = [rna for rna in rnas if rna.pairs]
    return pd.DataFrame(
        {
            "id": [rna.id for rna in rows],
            "sequence": [rna.sequence for rna in rows],
            "cluster": [rna.cluster or rna.id for rna in rows],
            "reference": [_as_text(rna) for rna in rows],
        }
    )


class PairsEvaluator(ModelEvaluator):  # type: ignore[misc]
    """Base pairs against known ones, by the code that judges runs."""

    @classmethod
    def can_evaluate(cls, *, model_type: str, evaluator_config: Any, **_: Any) -> bool:
        """Of the one model type that it knows."""
        return model_type == MODEL_TYPE

    def evaluate(
        self,
        *,
        dataset: Any,
        run_id: str,
        evaluator_config: Mapping[str, Any] | None = None,
        model: Any = None,
        model_id: str | None = None,
        **_: Any,
    ) -> EvaluationResult:
        """Log figures and a table of RNAs into the run.

        Raises: MlflowException for rows or a configuration that cannot be read; LeakageError for RNAs tuned on.
        """
        given = _config(evaluator_config or {})
        features = dataset.features_data
        try:
            rnas = _known(features, dataset.labels_data)
            answers = dataset.predictions_data if model is None else model.predict(_inputs(features))
            called = [_pairs(answer) for answer in _column(answers, given["answer"])]
            scores = _scores(rnas, called, scoring(given["protocol"]), str(dataset.name))
            if (tuned := _tuned_head(model)) is not None:
                refuse_leakage(scores, tuned, allow_related=given["related"] == "allow")
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        found = evaluate_head(scores, layer=0, head=0, threshold=-np.inf)
        f1 = {"f1": found.f1.mean, "f1_low": found.f1.low, "f1_high": found.f1.high}
        figures = {f"structure.{name}": value for name, value in f1.items() if value is not None}
        figures |= {f"structure.{name}": float(getattr(found, name)) for name in FIGURES}
        figures |= {"structure.rnas": float(len(found.per_rna)), "structure.clusters": float(found.f1.clusters)}
        table = found.per_rna[["rna", "f1", "precision", "recall", "calls", "references", "right", "cluster"]]
        mlflow.log_metrics(figures, run_id=run_id, model_id=model_id)
        mlflow.log_table(table, "per_rna.json", run_id=run_id)
        mlflow.log_text(csv_text(table), "per_rna.csv", run_id=run_id)
        uri = mlflow.get_run(run_id).info.artifact_uri + "/per_rna.csv"
        return EvaluationResult(figures, {"per_rna": CsvEvaluationArtifact(uri=uri, content=table)}, run_id)


def _config(given: Mapping[str, Any]) -> dict[str, str]:
    for name, value in given.items():
        if value not in CONFIG.get(name, ()):
            allowed = "; ".join(f"{key}: {' or '.join(values)}" for key, values in CONFIG.items())
            message = f"evaluator_config {name}={value!r}: not known to rnaexp ({allowed})"
            raise MlflowException.invalid_parameter_value(message)
    return {name: str(given.get(name, values[0])) for name, values in CONFIG.items()}


def _known(features: pd.DataFrame, labels: Sequence[Any]) -> list[Rna]:
    """Raises: InputError naming the RNA."""
    if "sequence" not in features:
        message = "data: a column `sequence` is needed, and in `targets` the known structures"
        raise InputError(message)
    rnas = []
    for at, (row, label) in enumerate(zip(features.to_dict("records"), labels, strict=True), start=1):
        rna = rna_of(row["sequence"], row.get("id"), default_id=f"rna{at}")
        cluster = row.get("cluster")
        try:
            pairs = _from_text(label)
            rnas.append(Rna(id=rna.id, sequence=rna.sequence, pairs=pairs, cluster=cluster and str(cluster)))
        except (ValueError, TypeError, KeyError) as error:
            message = f"{rna.id}: reference {str(label)[:60]!r} is neither a dot-bracket nor pairs [i, j]: {error}"
            raise InputError(message) from error
    return rnas


def _inputs(features: pd.DataFrame) -> pd.DataFrame:
    """What a registered configuration reads; MLflow warns of any other column."""
    return features[[name for name in ("id", "sequence", "alignment") if name in features]]


def _as_text(rna: Rna) -> str:
    try:
        return to_dot_bracket(len(rna), rna.pairs or ())
    except ValueError:
        return json.dumps([[i + 1, j + 1] for i, j in rna.pairs or ()])


def _from_text(label: Any) -> tuple[Pair, ...]:
    if isinstance(label, str) and not label.lstrip().startswith("[["):
        return parse_dot_bracket(label)
    return _pairs(json.loads(label) if isinstance(label, str) else label)


def _pairs(answer: Any) -> tuple[Pair, ...]:
    """From 0, of what counts from 1: objects with i and j, or lists of two; text is read as a reference is."""
    if isinstance(answer, str):
        return _from_text(answer)
    both = [(one["i"], one["j"]) if isinstance(one, Mapping) else tuple(one) for one in answer]
    return tuple(sorted({(min(i, j) - 1, max(i, j) - 1) for i, j in both}))


def _column(answers: Any, name: str) -> Any:
    return answers[name] if isinstance(answers, pd.DataFrame) else answers


def _scores(rnas: Sequence[Rna], called: Sequence[Sequence[Pair]], judged: Scoring, data: str) -> HeadScores:
    made = [_of_rna(rna, pairs, judged) for rna, pairs in zip(rnas, called, strict=True)]
    if not any(rna.references for rna in made):
        message = f"{data}: no RNA has a known pair"
        raise InputError(message)
    return HeadScores(
        model="",
        weights="",
        data=data,
        data_sha256="",
        read_out=PAIR_SCORES,
        scoring=judged,
        heads_per_layer=1,
        heads=(0,),
        rnas=tuple(made),
    )


def _of_rna(rna: Rna, called: Sequence[Pair], judged: Scoring) -> RnaScores:
    allowed = candidates(rna, judged)
    if any(not 0 <= i < j < len(rna) for i, j in called):
        message = f"{rna.id}: a called pair lies outside 1..{len(rna)}"
        raise InputError(message)
    places = np.array([i * len(rna) + j for i, j in called if allowed[i, j]], np.int64)
    return RnaScores(
        id=rna.id,
        sequence_sha256=sequence_sha256(rna),
        cluster=rna.cluster or rna.id,
        bases=len(rna),
        candidates=int(allowed.sum()),
        reference=reference(rna, judged),
        scores=np.zeros((1, len(places)), np.float32),
        indices=places[None],
        complete=True,
        match=judged.match,
    )


def _tuned_head(model: Any) -> TunedHead | None:
    """Of a registered configuration; None of any other model."""
    try:
        configuration = model.unwrap_python_model()._configuration
    except (AttributeError, MlflowException):
        return None
    found: TunedHead = configuration.tuned
    return found
