"""What a run leaves in MLflow; the only package that imports mlflow."""

from rnaexp.track.names import safe_name
from rnaexp.track.outbox import sync
from rnaexp.track.runs import RunHandle, tracked_run
from rnaexp.track.store import connect

__all__ = ["RunHandle", "connect", "safe_name", "sync", "tracked_run"]
