"""Real servers for tests: MLflow on loopback, and PostgreSQL in a folder of its own, run by an unprivileged user."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # where Debian keeps what is not on the PATH
_USER = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
PASSWORD = "not-a-secret-1"


def _binary(name: str) -> str | None:
    return shutil.which(name) or next(
        (str(path / name) for path in reversed(_BINARIES) if (path / name).exists()), None
    )


needs_postgresql = pytest.mark.skipif(_binary("initdb") is None, reason="PostgreSQL is not installed (initdb)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(question, seconds=30):
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


class Server:
    """A real MLflow server on loopback that can be stopped and started again on the same files."""

    def __init__(self, backend: str, folder: Path, *options: str, **environment: str) -> None:
        self.backend, self.folder, self.options, self.environment = backend, folder, options, environment
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--artifacts-destination", str(self.folder / "artifacts"), *self.options]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment |= {"MLFLOW_BACKEND_STORE_URI": self.backend, **self.environment}
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=self.folder
            )
        assert eventually(lambda: answers(self.port) or self.process.poll() is not None, seconds=90)
        assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class Postgres:
    """A cluster of its own on a free loopback port; `start` and `stop` as often as wanted, `remove` at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rnaexp-postgres-"))
        if _USER is not None:
            shutil.chown(self.folder, _USER)
        self.port = free_port()
        self.uri = f"postgresql+psycopg://mlflow:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        made = ["-D", str(self.folder / "data"), "--username=mlflow", f"--pwfile={password}"]
        self._run("initdb", *made, "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def _run(self, name: str, *words: str) -> None:
        binary = _binary(name)
        assert binary is not None
        subprocess.run([binary, *words], user=_USER, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
