"""What an answer costs once a head is registered: beside a bare forward pass, and with MLflow's own part named apart.

Four ways to the base pairs of one RNA of 100 bases, interleaved: the bare forward pass of a model of RNA-FM's size
(random weights), our answer in Python, the same through `mlflow.pyfunc`, and from `mlflow models serve` over HTTP.
README.md beside this file says what each column means.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import mlflow.pyfunc
import pandas as pd
import torch
import typer
from structure import RNA_FM, TOY, Plan, random_rna, write_checkpoint

from rnaexp.models import load, spec
from rnaexp.rna import Rna
from rnaexp.structure.configuration import configuration
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.predict import predict_one
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.track import tracked_run
from rnaexp.track.registry import register

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_serve.csv"
BASES = 100
ROUNDS, WARM = 25, 2
PATIENCE = 60.0  # seconds at one layer after which no further round begins


def head(encoder: Any, layer: int) -> TunedHead:
    """A head as if tuned; its threshold calls about one pair a base, as tuned heads do."""
    values = dict.fromkeys(("model", "tuned_on", "tuned_on_sha256"), "random")
    tuned = TunedHead(
        **values,
        weights=encoder.fingerprint,
        layer=layer,
        head=0,
        threshold=0.0,
        validation_f1=0.0,
        sequences=(),
        clusters=(),
        read_out=ATTENTION,
        scoring=Scoring(),
    )
    scores = predict_one(encoder, random_rna(BASES), tuned).scores
    return TunedHead(**{name: getattr(tuned, name) for name in tuned.__slots__} | {"threshold": scores[BASES]})


def registered(name: str, tuned: TunedHead) -> str:
    """The URI of a registered version."""
    with tracked_run(f"layer {tuned.layer}") as run:
        pass
    assert run.run_id is not None
    found = configuration(spec(name), tuned, {"name": name, "seed": 0}, alignment="intact")
    done = register(run.run_id, found)
    return f"models:/{done.name}/{done.version}"


@contextlib.contextmanager
def served(uri: str) -> Iterator[http.client.HTTPConnection]:
    """MLflow's own server on a free port, and one open connection to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        [*command, "-m", uri, "-p", str(port)], env=os.environ | {"PATH": path}, start_new_session=True, **quiet
    ) as server:
        try:
            while server.poll() is None and not _answers(port):
                time.sleep(0.2)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.connect()
            # Else the kernel holds back the body of each request until the head is acknowledged: 40 ms.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(connection: http.client.HTTPConnection, rna: Rna) -> list[dict[str, Any]]:
    """One RNA over HTTP."""
    body = json.dumps({"dataframe_records": [{"sequence": rna.sequence, "id": rna.id}]})
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    answered = connection.getresponse()
    assert answered.status == 200
    return json.loads(answered.read())["predictions"]


@torch.inference_mode()
def measure(encoder: Any, layer: int, name: str, rounds: int) -> dict[str, Any]:
    """One row: medians, and ratios within a round."""
    rna, tuned = random_rna(BASES), head(encoder, layer)
    uri = registered(name, tuned)
    model = mlflow.pyfunc.load_model(uri, model_config={"device": "cpu"})
    body, ids = encoder.network.base_model, torch.tensor([encoder.tokens.encode(rna).ids])
    row = pd.DataFrame([{"sequence": rna.sequence, "id": rna.id}])
    with served(uri) as connection:
        ways: dict[str, tuple[str, Callable[[], Any]]] = {
            "forward": ("sdpa", lambda: body(ids)),
            "ours": ("rnaexp", lambda: predict_one(encoder, rna, tuned)),
            "pyfunc": ("rnaexp", lambda: model.predict(row)),
            "http": ("rnaexp", lambda: ask(connection, rna)),
        }
        assert ask(connection, rna) == model.predict(row).to_dict("records"), "both ways give one answer"
        taken: dict[str, list[float]] = {way: [] for way in ways}
        enough = time.perf_counter() + PATIENCE
        for done in range(WARM + rounds):
            if done > WARM and time.perf_counter() > enough:
                break
            for way, (attention, run) in ways.items():
                body.set_attn_implementation(attention)
                start = time.perf_counter()
                run()
                if done >= WARM:
                    taken[way].append(time.perf_counter() - start)
    return summary(encoder.layers, layer, taken)


def summary(layers: int, layer: int, taken: dict[str, list[float]]) -> dict[str, Any]:
    """Milliseconds, the ratio that the goal is about, and what MLflow adds."""
    goal = (layer + 1) / layers + 0.1
    ratio = median(ours / bare for ours, bare in zip(taken["ours"], taken["forward"], strict=True))
    least = min(taken["ours"]) / min(taken["forward"])
    fits = [ratio <= goal, least <= goal]
    return {
        "bases": BASES,
        "layer": layer,
        "layers": layers,
        **{f"{way}_ms": 1000 * median(times) for way, times in taken.items()},
        "of_forward": ratio,
        "of_forward_min": least,
        "goal": goal,
        "met": "yes" if all(fits) else "unclear" if any(fits) else "NO",
        "mlflow_python_ms": 1000 * added(taken, "pyfunc", "ours"),
        "mlflow_http_ms": 1000 * added(taken, "http", "pyfunc"),
        "rounds": len(taken["ours"]),
    }


def added(taken: dict[str, list[float]], way: str, inner: str) -> float:
    """Median over the rounds of what one way takes more than another."""
    return median(outer - within for outer, within in zip(taken[way], taken[inner], strict=True))


def run(plan: Plan, rounds: int) -> pd.DataFrame:
    """A row for each of three layers."""
    folder = Path.cwd() / "random-model"
    write_checkpoint(folder, plan.network)
    encoder: Any = load(str(folder), device="cpu")
    layers = dict.fromkeys((0, encoder.layers // 2 - 1, encoder.layers - 1))
    return pd.DataFrame([measure(encoder, layer, str(folder), rounds) for layer in layers])


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A toy model: shows that it runs, measures nothing.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Where to write; default tracking/results, --quick nowhere.")] = None,
) -> None:
    """Measure, print, write."""
    target = (csv or (None if quick else RESULTS)) and (csv or RESULTS).absolute()
    threads = torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # the server takes as many
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        results = run(TOY if quick else RNA_FM, 3 if quick else ROUNDS)
    setting = {"threads": threads, "cores": os.cpu_count(), "load": round(os.getloadavg()[1], 1)}
    print(results.to_string(index=False, float_format="%.3g"), setting, sep="\n")
    if target is not None:
        results.assign(**setting, torch=torch.__version__, mlflow=mlflow.__version__).to_csv(
            target, index=False, float_format="%.5g"
        )


if __name__ == "__main__":
    typer.run(main)
