"""`rnaexp serve` from an empty directory: a head that ships, over HTTP, answers what `rnaexp predict` says."""

import json
import os
import signal
import socket
import sys
import time
import urllib.request

import pytest

from ..command import environment, rnaexp, start
from .test_first_commands import HAIRPIN

pytestmark = pytest.mark.slow  # two processes that import torch and MLflow


@pytest.fixture
def address(tmp_path):
    """Of a server of lm-nano, started as docs/serving.md types it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"  # noqa: PTH120 (a text, for PATH)
    served = start("serve", "--model", "lm-nano", "--port", str(port), cwd=tmp_path, PATH=path)
    try:
        yield f"http://127.0.0.1:{port}", served
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)


def ready(url, served, seconds=240):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert served.poll() is None, served.stderr.read()
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5) as answered:
                return answered.status == 200
        except OSError:
            time.sleep(0.5)
    return False


def test_a_shipped_head_is_served_over_http_from_an_empty_directory(tmp_path, address):
    url, served = address
    assert environment().get("RNAEXP_STORE") is None
    assert ready(url, served)
    body = json.dumps({"dataframe_records": [{"id": "mine", "sequence": HAIRPIN}]}).encode()
    request = urllib.request.Request(f"{url}/invocations", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answered:
        (told,) = json.load(answered)["predictions"]
    assert told["pairs"]
    (tmp_path / "my.fa").write_text(f">mine\n{HAIRPIN}\n")
    done = rnaexp("predict", "--model", "lm-nano", "my.fa", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [told] == json.loads((tmp_path / "predictions" / "predictions.json").read_text())
