"""What a command left: JSON, files, MLflow runs, entries of the store; what no two runs share is hidden."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

HIDDEN = {"seconds", "peak_memory_mb", "version", "fetched_at", "minutes"}
_OF_A_CHECKOUT = {"mlflow.source.git.commit", "rnaexp.source.dirty"}
_ASKED = ("schema", "task", "settings", "more")  # of a recipe: the rest says on which machine, by which command
_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")
_LONG_NUMBER = re.compile(r"-?\d+\.(\d{7,}|\d+e-?\d+)")
_PRINTED = ("answer.json", "leaderboard.json")  # what is printed, and frozen as that, once more
_MOST_ROWS = 12  # of an artifact's table: more would only swell the files


def hide(text, folder):
    return _RUN_ID.sub("<run id>", text.replace(str(folder), "<here>"))


def plain(value, folder, key=""):
    """Numbers to six digits."""
    if key in HIDDEN and isinstance(value, (int, float, str)):
        return f"<{key}>"
    if isinstance(value, dict):
        return {hide(name, folder): plain(one, folder, name) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one, folder) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return hide(value, folder) if isinstance(value, str) else value


def written(value):
    """JSON of one line a leaf, so that a change is a short diff."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def kinds(value):
    """Names and types alone, of what differs from machine to machine."""
    if isinstance(value, dict):
        return {name: kinds(one) for name, one in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return type(value).__name__


def table(path, rows=None):
    """A table's own text; of a Parquet file its rows, long vectors by their first numbers."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        for name in frame.columns:
            if frame[name].map(lambda one: hasattr(one, "__len__") and not isinstance(one, str)).any():
                frame[name] = ["" if one is None else _start_of(one) for one in frame[name]]
        return frame.to_csv(index=False)
    if path.suffix != ".csv":
        return path.read_text()
    head, *lines = csv.reader(io.StringIO(path.read_text()))
    shown = [[_cell(name, text) for name, text in zip(head, line, strict=True)] for line in lines]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *shown[:rows]])
    return text.getvalue() + (f"{len(lines)} rows\n" if rows is not None else "")


def _cell(name, text):
    """As it stands, but to seven digits where there are more."""
    if name in HIDDEN and text:
        return f"<{name}>"
    return f"{float(text):.7g}" if _LONG_NUMBER.fullmatch(text) else text


def _start_of(vector):
    return f"{len(vector)}: " + " ".join(f"{x:.6g}" for x in vector[:8])


class Tracked:
    """The runs of the folder's MLflow, step by step."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, set()

    def new(self):
        """(runs since the last call as a tree, {path: text} of their small artifacts)."""
        if not (self.folder / "mlflow.db").exists():
            return [], {}
        self.client = MlflowClient(tracking_uri=f"sqlite:///{self.folder}/mlflow.db")
        experiments = {one.experiment_id: one.name for one in self.client.search_experiments()}
        runs = [run for run in self.client.search_runs(list(experiments)) if run.info.run_id not in self.seen]
        self.seen |= {run.info.run_id for run in runs}
        inside = {run.info.run_id: [] for run in runs}
        for run in runs:
            inside.get(run.data.tags.get("mlflow.parentRunId"), []).append(run)
        tops = [run for run in runs if run.data.tags.get("mlflow.parentRunId") not in inside]
        texts = {}
        return [self._run(run, inside, experiments, texts, ()) for run in _sorted(tops)], texts

    def _run(self, run, inside, experiments, texts, within):
        place = (*within, run.info.run_name)
        artifacts = sorted(self._artifacts(run.info.run_id))
        for name in artifacts:
            if name.endswith((".csv", ".json")) and name not in _PRINTED:
                folder = "/".join(re.sub(r"[^\w.=-]+", "_", part) for part in place)
                again = sum(path.startswith(f"{folder}/{name}") for path in texts)
                texts[f"{folder}/{name}" + (f".{again + 1}" if again else "")] = self._text(run, name)
        return {
            "name": hide(run.info.run_name, self.folder),
            "experiment": experiments[run.info.experiment_id],
            "status": run.info.status,
            "parent is elsewhere": "mlflow.parentRunId" in run.data.tags and not within,
            "params": plain(dict(sorted(run.data.params.items())), self.folder),
            "metrics": plain(dict(sorted(run.data.metrics.items())), self.folder),
            "tags": sorted(set(run.data.tags) - _OF_A_CHECKOUT),
            "data sets": sorted(
                f"{one.dataset.name} {one.dataset.digest} {' '.join(tag.value for tag in one.tags)}"
                for one in run.inputs.dataset_inputs
            ),
            "artifacts": artifacts,
            "children": [self._run(one, inside, experiments, texts, place) for one in _sorted(inside[run.info.run_id])],
        }

    def _artifacts(self, run_id, folder=None):
        for one in self.client.list_artifacts(run_id, folder):
            if one.is_dir:
                yield from self._artifacts(run_id, one.path)
            else:
                yield hide(one.path, self.folder)

    def _text(self, run, name):
        path = Path(run.info.artifact_uri.removeprefix("file://")) / name
        if name.endswith(".csv"):
            return hide(table(path, _MOST_ROWS), self.folder)
        values = json.loads(path.read_text())
        if name == "recipe.json":
            values = {key: values[key] for key in _ASKED if key in values}
        return written(plain(values, self.folder))

    def versions(self):
        """Registered models: versions, aliases, names of tags."""
        return [
            {
                "name": model.name,
                "aliases": {alias: int(version) for alias, version in sorted(model.aliases.items())},
                "tags": [re.sub(r"\d{20}", "<when>", tag) for tag in sorted(model.tags)],
                "versions": [
                    {"version": int(one.version), "tags": sorted(one.tags)}
                    for one in self.client.search_model_versions(f"name = '{model.name}'")
                ],
            }
            for model in self.client.search_registered_models()
        ]


def _sorted(runs):
    return sorted(runs, key=lambda run: (run.data.tags.get("rnaexp.kind", ""), run.info.run_name, run.info.start_time))


def machine():
    """Hash of random weights and a layer's output: where these bits differ, so do fingerprints made of them."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights, inputs = torch.randn(64, 64), torch.rand(50, 64)
    out = torch.nn.functional.gelu(torch.softmax(inputs @ weights, -1) @ weights.T)
    return hashlib.sha256(weights.numpy().tobytes() + out.numpy().tobytes()).hexdigest()


def store_keys(store: Path):
    """Names of all entries but pictures, whose key holds the hash of the code that drew them; of tuned heads without
    the moment they were written."""
    results = {path.name for path in (store / "results").rglob("*") if path.is_file() and not _is_picture(path)}
    heads = {f"tuned {path.parent.name} {path.name.split('-', 1)[1]}" for path in (store / "tuned").rglob("*.json")}
    return results | heads


def _is_picture(entry: Path):
    return b"png.npy" in entry.read_bytes()[:200]
