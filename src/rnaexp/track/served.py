"""The file that MLflow copies into a registered model and runs to load it; all that it does is rnaexp's own code."""

from mlflow.models import set_model

from rnaexp.track.pyfunc import TunedHeadModel

set_model(TunedHeadModel())
