"""`tracking/server/server.sh` as an administrator uses it: start, log in, back up, restore elsewhere."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest

from rnaexp.track import tracked_run

from .servers import answers, eventually, free_port, needs_postgresql

SCRIPT = Path(__file__).parents[2] / "tracking" / "server" / "server.sh"


class Place:
    """One server folder with its two ports."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.environment = os.environ | {"PORT": str(self.port), "DATABASE_PORT": str(free_port())}
        self.environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(self, verb, *words):
        command = [SCRIPT, verb, self.folder, *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([SCRIPT, "start", self.folder], env=self.environment, **quiet)
        assert eventually(lambda: answers(self.port), seconds=90)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) in (0, 143)
        assert not answers(self.port)
        assert not (self.folder / "database" / "data" / "postmaster.pid").exists(), "the database ends with it"

    @property
    def password(self):
        lines = (self.folder / "secrets").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if "ADMIN_PASSWORD" in line)


@pytest.fixture
def places(monkeypatch):
    """Two folders that PostgreSQL's own user can reach."""
    root = Path(tempfile.mkdtemp(prefix="rnaexp-server-"))
    root.chmod(0o711)
    monkeypatch.chdir(root)
    yield Place(root / "one"), Place(root / "two")
    shutil.rmtree(root)


def status_of(place, host, password=None):
    request = urllib.request.Request(f"http://127.0.0.1:{place.port}/#/", headers={"Host": host})
    if password is not None:
        request.add_header("Authorization", f"Basic {b64encode(f'admin:{password}'.encode()).decode()}")
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


@needs_postgresql
def test_without_its_extra_the_script_names_it_and_makes_nothing(places):
    place, _ = places
    bare = place.folder.parent / "bare"
    bare.mkdir()
    (bare / "python").write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')  # a Python without packages
    (bare / "python").chmod(0o755)
    place.environment["PATH"] = f"{bare}:{place.environment['PATH']}"
    done = place.run("start")
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == 'server.sh: missing: the extra "server": pip install "rnaexp[server]"\n'
    assert not place.folder.exists()


@needs_postgresql
@pytest.mark.slow
def test_who_has_no_login_gets_nothing_and_a_backup_restores_everything(places, monkeypatch):
    from mlflow import MlflowClient

    from rnaexp.errors import UnavailableError

    one, two = places
    one.start()
    try:
        assert status_of(one, "localhost:80") == 401
        assert status_of(one, "localhost:80", one.password) == 200
        assert status_of(one, "evil.example", one.password) == 403, "a page elsewhere whose name was bent to loopback"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{one.port}")
        with pytest.raises(UnavailableError, match="MLFLOW_TRACKING_USERNAME"):
            tracked_run("stranger")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", one.password)
        client = MlflowClient(f"http://127.0.0.1:{one.port}")
        assert eventually(lambda: client.get_experiment_by_name("rnaexp")), "before anybody's first run"
        with tracked_run("rnabert", params={"model": "rnabert"}) as run:
            run.metrics({"structure.f1": 0.05})
            run.text("kept", "kept.txt")
        shown = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
        assert one.password not in shown
        done = one.run("backup", one.folder.parent / "all.tar")
        assert done.returncode == 0, done.stderr
    finally:
        one.stop()
    assert (one.folder / "secrets").stat().st_mode & 0o077 == 0
    done = two.run("restore", one.folder.parent / "all.tar")
    assert done.returncode == 0, done.stderr
    assert "holds a server already" in two.run("restore", one.folder.parent / "all.tar").stderr
    two.start()
    try:
        client = MlflowClient(f"http://127.0.0.1:{two.port}")  # the logins came along, the first admin's password too
        there = client.get_run(run.run_id)
        assert (there.info.status, there.data.metrics) == ("FINISHED", {"structure.f1": 0.05})
        assert Path(client.download_artifacts(run.run_id, "kept.txt")).read_text() == "kept"
    finally:
        two.stop()
