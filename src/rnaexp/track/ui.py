"""MLflow's own pages on the store that runs go to, on the loopback device unless told otherwise."""

import os
import socket
import subprocess
import sys

from rnaexp.errors import UnavailableError
from rnaexp.track.store import EXPERIMENT, connect, target


def serve(host: str = "127.0.0.1", port: int = 5000, *, experiment: str = EXPERIMENT) -> int:
    """Run the UI until it is stopped (Ctrl-C ends it with 0); for a store that is a server, only say where it is.

    Raises: UnavailableError if the port is taken or the store cannot be used.
    """
    where, experiment_id = target(experiment), connect(experiment)
    if where.uri.startswith("http"):
        _say(f"the tracking store is a server: {where.public_uri.rstrip('/')}/#/experiments/{experiment_id}")
        return 0
    _refuse_taken(host, port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", where.uri]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    _say(f"MLflow UI: http://{host}:{port}/#/experiments/{experiment_id} (Ctrl-C stops it)")
    # Background jobs are for MLflow's GenAI evaluation; without them the server starts no worker processes.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return _until_stopped(command, environment)


def _until_stopped(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"cannot serve on {host}:{port} ({error.strerror}): choose another port with --port"
            raise UnavailableError(message) from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
