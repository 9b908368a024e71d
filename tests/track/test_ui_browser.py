"""MLflow's pages as a user sees them; the browser part needs chromium."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from rnaexp.errors import UnavailableError
from rnaexp.track import tracked_run
from rnaexp.track.ui import serve
from tests import browser

DRAWN = [f"structure.{name}" for name in ("oracle_f1", "p_at_n", "recall", "precision", "validation_f1")]
SCRIPT = "<script>document.title='owned'</script>"


def test_a_taken_port_is_refused_with_the_remedy(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"cannot serve on 127.0.0.1:{port}.*choose another port"):
            serve(port=port)


@pytest.fixture
def page(place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from rnaexp.track.ui import serve; raise SystemExit(serve(port={port}))"
    server = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    address = next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _answers(port):
        time.sleep(0.2)
    yield address
    server.terminate()
    assert server.wait(30) == 0
    assert not _answers(port), "the server does not outlive `serve`"


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _seen_by_chromium(address, profile):
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--no-first-run", f"--user-data-dir={profile}", "--window-size=2400,1000"]
    command += ["--virtual-time-budget=20000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
def test_the_runs_table_shows_runs_and_metrics_and_names_stay_text(place, page):
    for model in ("rnabert", SCRIPT):
        with tracked_run(model, params={"model": model, "group": "reference", "test": "spot-rna-ts1"}) as run:
            run.metrics({"structure.f1": 0.0472, **dict.fromkeys(DRAWN, 0.1)})
            run.child("tune", kind="tune")
    seen = _seen_by_chromium(page, place / "profile")
    assert "structure.f1" in seen
    assert seen.count("0.0472") >= 2
    assert "rnabert" in seen
    assert SCRIPT not in seen
    assert "<title>owned" not in seen
    asyncio.run(_charts_are_there(f"{page}&compareRunsMode=CHART", place / "charts"))


async def _charts_are_there(address, profile):
    async with browser.page(address, profile, width=1600, height=1200) as opened:
        for title in ("Parallel Coordinates", "structure.validation_f1 vs. structure.f1"):
            await opened.until(f"document.body.innerText.includes({title!r})")
