"""A registered configuration as an MLflow model: rows of RNAs in, base pairs out, by the single-head way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Object, Property

from rnaexp.data.values import rna_of
from rnaexp.errors import InputError, ScoreError, TooLongError, UnsuitableError
from rnaexp.models.spec import Encoder
from rnaexp.reading.store import read_json
from rnaexp.rna import Rna
from rnaexp.structure.configuration import Configuration, hash_of
from rnaexp.structure.predict import predict_one, record_of, refuse_beyond_memory
from rnaexp.track.packaged import CONFIGURATION
from rnaexp.track.sealed import read_sealed

_BASES = [Property("i", DataType.long), Property("j", DataType.long), Property("bases", DataType.string)]
_CALL = Object([*_BASES, Property("score", DataType.double), Property("probability", DataType.double, required=False)])
_DRAWN = Object([*_BASES, Property("confidence", DataType.double, required=False)])
SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.string, "sequence"),
            ColSpec(DataType.string, "id", required=False),
            ColSpec(DataType.string, "alignment", required=False),
        ]
    ),
    outputs=Schema(
        [
            ColSpec(DataType.string, "id"),
            ColSpec(Array(_CALL), "pairs"),
            ColSpec(Array(_DRAWN), "structure"),
            ColSpec(DataType.string, "dot_bracket"),
            ColSpec(DataType.string, "decoder"),
            ColSpec(DataType.double, "expected_f1", required=False),
            ColSpec(DataType.double, "expected_precision", required=False),
            ColSpec(DataType.double, "validation_f1", required=False),
            ColSpec(DataType.string, "validation"),
            ColSpec(DataType.string, "control", required=False),
            ColSpec(DataType.double, "control_f1", required=False),
            ColSpec(DataType.long, "depth"),
            ColSpec(DataType.string, "model"),
            ColSpec(DataType.string, "head"),
            ColSpec(DataType.string, "configuration"),
            ColSpec(DataType.string, "version", required=False),
        ]
    ),
)
# What a reader of the registry page sees; a caller may override both: load_model(uri, model_config={"device": "cpu"}).
SETTINGS = {"device": "auto", "weights": ""}
EXAMPLE = {
    "sequence": "GGGGCUAUAGCUCAGCUGGGAGAGCGCCUGCUUUGCACGCAGGAGGUCUGCGGUUCGAUCCCGCAUAGCUCCACCA",
    "id": "tRNA-like",
}


class TunedHeadModel(PythonModel):  # type: ignore[misc]
    """Loaded once; answers in any number of threads.

    A request is answered whole or refused whole, with the reason, so that nothing is dropped in silence.
    """

    _configuration: Configuration
    _encoder: Encoder
    _origin: dict[str, str | None]

    def load_context(self, context: Any) -> None:
        """Read the configuration and load its model, before the first request.

        Raises: InputError for one that was altered, UnavailableError where the weights cannot be had.
        """
        settings = {**SETTINGS, **(context.model_config or {})}
        here = Path(context.artifacts["configuration"]).parents[1]
        self._configuration, folder = read_sealed(here)
        # Once, as it was loaded: an alias that is moved meanwhile does not change what this process answers from.
        registered = hash_of(read_json(here / "artifacts" / CONFIGURATION))  # as its version's tag has it
        self._origin = {"configuration": registered, "version": _version_of(here)}
        self._origin["head"] = self._configuration.label
        weights, device = settings["weights"], settings["device"]
        self._encoder = self._configuration.load_either(folder, weights=weights, device=device)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """One row for each RNA, in order.

        Raises: MlflowException, which the server turns into 400 with the reason, or 500 for a map that is unusable.
        """
        try:
            rnas = _rnas(model_input.to_dict("records"))
            for rna in rnas:
                self._encoder.check(rna)
                refuse_beyond_memory(self._encoder, rna)
        except (InputError, TooLongError, UnsuitableError) as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        try:
            return pd.DataFrame([self._answer(rna) for rna in rnas])
        except ScoreError as error:
            raise MlflowException(str(error)) from error

    def _answer(self, rna: Rna) -> dict[str, Any]:
        tuned = self._configuration.tuned
        return record_of(predict_one(self._encoder, rna, tuned), tuned) | self._origin


def _version_of(folder: Path) -> str | None:
    """`NAME/NUMBER` as MLflow notes it next to a model that was loaded from its registry; None of a plain folder."""
    try:
        noted = yaml.safe_load((folder / REGISTERED_MODEL_META_FILE_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return f"{noted['model_name']}/{noted['model_version']}"


def _rnas(rows: Sequence[Any]) -> list[Rna]:
    if not rows:
        message = "no RNA: give at least one row with a sequence"
        raise InputError(message)
    return [_rna(row, at) for at, row in enumerate(rows, start=1)]


def _rna(row: Any, at: int) -> Rna:
    given = {name: value for name, value in row.items() if value == value}  # a column that other rows have is NaN here
    return rna_of(given.get("sequence"), given.get("id"), given.get("alignment"), default_id=f"rna{at}")
