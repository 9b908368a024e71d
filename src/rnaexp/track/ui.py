"""MLflow's own pages on the store that runs go to, on the loopback device by default."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from rnaexp.errors import UnavailableError
from rnaexp.track.store import EXPERIMENT, Target, client, connect, target

_VIEW = "rnaexp"
# Model, test set and protocol stand in a run's name; with these the table fits 1600 pixels.
_COLUMNS = [
    "metrics.`structure.f1`",
    "metrics.`structure.f1_low`",
    "metrics.`structure.f1_high`",
    "metrics.`structure.oracle_f1`",
    "metrics.`classify.overlap_ratio`",
    "params.`layer`",
    "params.`head`",
    "tags.`rnaexp.diagnosis`",
]

_AS_CHARTS = "&compareRunsMode=CHART"
_SECTION = "rnaexp-charts"
_F1, _OR = ({"type": "METRIC", "key": f"{key}"} for key in ("structure.f1", "classify.overlap_ratio"))
# What MLflow's chart view shows without set-up, in its own words for a chart.
_CHARTS: tuple[dict[str, Any], ...] = (
    {"type": "BAR", "metricKey": "structure.f1", "runsCountToCompare": 100},
    {
        "type": "PARALLEL",
        "selectedParams": ["group", "test"],
        "selectedMetrics": [
            "structure.f1",
            "structure.oracle_f1",
            "structure.p_at_n",
            "structure.recall",
            "structure.precision",
        ],
        "showAllRuns": True,
    },
    {"type": "SCATTER", "xaxis": _OR, "yaxis": _F1, "runsCountToCompare": 100},
    {
        "type": "SCATTER",
        "xaxis": {"type": "METRIC", "key": "structure.validation_f1"},
        "yaxis": _F1,
        "runsCountToCompare": 100,
    },
)


def serve(host: str = "127.0.0.1", port: int = 5000, *, experiment: str = EXPERIMENT) -> int:
    """Run the UI until Ctrl-C or SIGTERM stops it (0); for a store that is a server, only say where it is.

    Raises: UnavailableError if the port is taken or the store cannot be used.
    """
    where, experiment_id = target(experiment), connect(experiment)
    _offer_view(where, experiment_id)
    if where.uri.startswith("http"):
        page = runs_page(where.public_uri, experiment_id)
        _say(f"the tracking store is a server: {page}")
        _say(f"as charts: {page}{_AS_CHARTS}")
        return 0
    refuse_taken(host, port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", where.uri]
    command += ["--host", host, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    page = runs_page(f"http://{host}:{port}", experiment_id)
    _say(f"MLflow UI: {page} (Ctrl-C stops it)")
    _say(f"as charts: {page}{_AS_CHARTS}")
    # Background jobs are for MLflow's GenAI evaluation; without them the server starts no worker processes.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    return until_stopped(command, os.environ | quiet)


def runs_page(server: str, experiment_id: str) -> str:
    """The address of the runs table with our columns, filter and charts.

    MLflow 3.17 opens its GenAI pages without the first parameter, and shows no metric without the second.
    """
    view = f"workflowType=machine_learning&viewStateShareKey={_VIEW}"
    return f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs?{view}"


def _offer_view(where: Target, experiment_id: str) -> None:
    state = {
        "selectedColumns": _COLUMNS,
        "searchFilter": "tags.`rnaexp.kind` = 'parent'",
        "orderByKey": "metrics.`structure.f1`",
        "orderByAsc": False,
        "runsHiddenMode": "SHOWALL",
        "compareRunSections": [
            {"uuid": _SECTION, "name": "models", "display": True, "isReordered": True, "columns": 2, "cardHeight": 380}
        ],
        "compareRunCharts": [
            {"uuid": f"{_SECTION}-{at}", "metricSectionId": _SECTION, "deleted": False, "isGenerated": False, **chart}
            for at, chart in enumerate(_CHARTS)
        ],
    }
    client(where).set_experiment_tag(experiment_id, f"mlflow.sharedViewState.{_VIEW}", json.dumps(state))


def until_stopped(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a server until Ctrl-C or SIGTERM; its exit code."""
    # Its own session and SIGTERM for Ctrl-C too: on SIGINT uvicorn ends with a page of traceback.
    with subprocess.Popen(command, env=environment, start_new_session=True) as server:
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda *_: server.terminate())
        return server.wait()


def refuse_taken(host: str, port: int) -> None:
    """Raises: UnavailableError where something listens already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"cannot serve on {host}:{port} ({error.strerror}): choose another port with --port"
            raise UnavailableError(message) from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
