import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock
from uuid import uuid4

import pandas as pd
import pytest

from rnaexp.errors import Terminated, UnavailableError
from rnaexp.track import connect, outbox, safe_name, tracked_run
from rnaexp.track.export import runs_table
from tests.track.servers import eventually

HASH = "0123456789abcdef" * 4


def statuses(client, experiment="rnaexp"):
    runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return {run.info.run_name: run.info.status for run in runs}


def only_run(client):
    (run,) = client.search_runs([client.get_experiment_by_name("rnaexp").experiment_id])
    return run


def test_a_run_and_its_child_leave_what_was_logged(place, mlflow_of):
    with tracked_run("rnabert", params={"model": "rnabert", "layer": 3}, tags={"group": "diverse-ncrna"}) as run:
        run.metrics({"structure.f1": 0.05, "seconds": 3})
        with run.child("tune", kind="tune") as child:
            child.data_set("spot-rna-vl1", HASH, "https://host/vl1.tar", "validation", 30)
    client = mlflow_of(place)
    parent, nested = client.get_run(run.run_id), client.get_run(child.run_id)
    assert parent.data.params == {"model": "rnabert", "layer": "3"}
    assert parent.data.metrics == {"structure.f1": 0.05, "seconds": 3.0}
    assert parent.data.tags.items() >= {"group": "diverse-ncrna", "rnaexp.kind": "parent"}.items()
    assert nested.data.tags.items() >= {"mlflow.parentRunId": run.run_id, "rnaexp.kind": "tune"}.items()
    (used,) = nested.inputs.dataset_inputs
    assert (used.dataset.name, used.tags[0].value) == ("spot-rna-vl1", "validation")
    assert HASH.startswith(used.dataset.digest)
    assert json.loads(used.dataset.profile) == {"num_rows": 30, "sha256": HASH}
    assert statuses(client) == {"rnabert": "FINISHED", "tune": "FINISHED"}
    assert not list((place / ".rnaexp" / "outbox").iterdir())


@pytest.mark.fault
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("2 words\nand a line"), "FAILED"),
        (SystemExit(1), "FAILED"),
        (SystemExit("why"), "FAILED"),
        (SystemExit(0), "FINISHED"),
        (SystemExit(), "FINISHED"),
        (Terminated("SIGTERM"), "KILLED"),
        (KeyboardInterrupt(), "KILLED"),
    ],
    ids=repr,
)
def test_a_run_ends_as_it_really_ended(place, mlflow_of, error, status):
    run = tracked_run("parent")

    def leave():
        with run:
            run.child("left open", kind="tune")
            raise error

    with pytest.raises(type(error)):
        leave()
    client = mlflow_of(place)
    assert statuses(client) == {"parent": status, "left open": status}
    tags = client.get_run(run.run_id).data.tags
    assert tags.get("error.type") == (None if status == "FINISHED" else type(error).__name__)
    if isinstance(error, ValueError):
        assert tags["error.message"] == "2 words and a line"


def test_an_error_message_is_cut_at_500(place, mlflow_of):
    run = tracked_run("parent")
    with pytest.raises(ValueError, match="x"), run:
        raise ValueError("x" * 9000)
    assert mlflow_of(place).get_run(run.run_id).data.tags["error.message"] == "x" * 500


def test_a_childs_failure_that_is_handled_leaves_the_parent_finished(place, mlflow_of):
    with tracked_run("parent") as run:
        child = run.child("tune", kind="tune")
        with pytest.raises(OSError, match="disk"), child:
            raise OSError("disk")
    assert statuses(mlflow_of(place)) == {"parent": "FINISHED", "tune": "FAILED"}


def test_more_than_forty_metrics_are_refused_over_all_calls(place):
    with tracked_run("parent") as run:
        run.metrics({f"m{i}": i for i in range(40)})
        run.metrics({"m0": 5})
        with pytest.raises(ValueError, match="more than 40 metrics"):
            run.metrics({"one.more": 1})
        with pytest.raises(ValueError, match="is nan"):
            run.metrics({"m0": float("nan")})


def test_a_parameter_cannot_change(place):
    with tracked_run("parent", params={"layer": 3}) as run:
        run.params({"layer": "3", "head": None})
        with pytest.raises(ValueError, match="layer is 3 and cannot become 4"):
            run.params({"layer": 4})


def test_artifacts_of_every_kind_are_kept(place, mlflow_of):
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

    frame = pd.DataFrame({"f1": [0.5, 0.25]}, index=pd.Index(["a", "b"], name="rna"))
    (place / "head.json").write_text("{}")
    with tracked_run("parent") as run:
        run.table(frame, "tables/per_rna.csv")
        run.table(frame, "tables/per_rna.parquet")
        run.text("a", "notes.txt")
        run.file(place / "head.json", "tuned")
        run.figure(b"png", "plain.png")
        run.figure(go.Figure(go.Heatmap(z=[[1, 2]])), "f1.html")
        picture = Figure()
        picture.subplots().plot([1, 2])
        run.figure(picture, "f1.png")
        with pytest.raises(ValueError, match=r"\.csv or \.parquet"):
            run.table(frame, "table.xlsx")
        with pytest.raises(TypeError, match="neither bytes nor"):
            run.figure(3, "x.png")
    folder = Path(mlflow_of(place).get_run(run.run_id).info.artifact_uri.removeprefix("file://"))
    assert folder.is_relative_to(place / "mlartifacts" / "rnaexp")
    assert pd.read_csv(folder / "tables/per_rna.csv").to_dict("list") == {"rna": ["a", "b"], "f1": [0.5, 0.25]}
    assert list(pd.read_parquet(folder / "tables/per_rna.parquet").columns) == ["rna", "f1"]
    assert (folder / "tuned/head.json").read_text() == "{}"
    assert (folder / "f1.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "f1.html").read_text()
    assert len(page) > 1_000_000, "plotly.js is inside"
    assert 'src="http' not in page


@pytest.mark.fault
def test_escapes_in_names_stay_data(place, mlflow_of):
    script = "<script>alert(1)</script>"
    with tracked_run(f"../x {script}\nb", params={"model": "../x"}, tags={"rna": script}) as run:
        run.text("x", f"rnas/{safe_name('../x')}.txt")
        run.text("x", f"rnas/{safe_name(script)}.txt")
        with pytest.raises(ValueError, match="not a path inside the run"):
            run.text("x", "rnas/../../x.txt")
        with pytest.raises(ValueError, match="not a path inside the run"):
            run.file(place / "mlflow.db", "..")
    client = mlflow_of(place)
    assert client.get_run(run.run_id).info.run_name == f"../x {script} b"
    names = [file.path for file in client.list_artifacts(run.run_id, "rnas")]
    assert len(names) == 2
    assert not [name for name in names if ".." in name or "<" in name]
    assert sorted(p.name for p in place.iterdir()) == [".rnaexp", "mlartifacts", "mlflow.db", "mlflow.db.lock"]


@pytest.mark.fault
def test_runs_that_waited_stand_below_their_question_whichever_folder_comes_first(place, mlflow_of, monkeypatch):
    blocked = place / "later"
    blocked.write_text("a file where the store's folder should be")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{blocked}/mlflow.db")
    monkeypatch.setattr("rnaexp.track.push.PAUSES", ())
    names = iter("zyxw")
    monkeypatch.setattr("rnaexp.track.journal.uuid.uuid4", lambda: mock.Mock(hex=next(names, None) or uuid4().hex))
    with tracked_run("all", kind="question") as question:
        for model in ("rnabert", "random"):
            with tracked_run(model, under=question) as run:
                run.data_set("ts", HASH, "ts", "test", 3)
    assert sorted(path.name for path in (place / ".rnaexp" / "outbox").iterdir())[-1] == "z", "the question comes last"
    blocked.unlink()
    assert outbox.sync() == outbox.Synced(pushed=3)
    client = mlflow_of(blocked)
    runs = {run.info.run_name: run for run in client.search_runs(["1"])}
    above = {name: run.data.tags.get("mlflow.parentRunId") for name, run in runs.items()}
    assert above == {"all": None, "rnabert": runs["all"].info.run_id, "random": runs["all"].info.run_id}
    assert [one.dataset.name for one in runs["all"].inputs.dataset_inputs] == ["ts"]


@pytest.mark.fault
def test_a_shown_table_that_is_pushed_twice_or_was_cut_short_is_whole(place, mlflow_of):
    frame = pd.DataFrame({"rna": ["001", "1e5"], "f1": [0.5, None]})
    with tracked_run("rnabert") as run:
        run.shown_table(frame, "per_rna.json")
        run.metrics({"f1": 1})
        with run.child("x", kind="test"):  # pushes what waits
            pass
        folder = run._tree.journal.folder
        kept = shutil.copytree(folder, place / "kept")
    client = mlflow_of(place)
    file = Path(client.get_run(run.run_id).info.artifact_uri.removeprefix("file://")) / "per_rna.json"
    whole = file.read_bytes()
    for left in (whole, whole[:20]):
        file.write_bytes(left)
        shutil.copytree(kept, place / ".rnaexp" / "outbox" / "again")
        assert outbox.sync().pushed == 1
        assert file.read_bytes() == whole
    assert json.loads(whole)["data"] == [["001", 0.5], ["1e5", None]]
    assert json.loads(client.get_run(run.run_id).data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "per_rna.json", "type": "table"}
    ]


def test_children_in_threads_do_not_mix(place, mlflow_of):
    def work(number):
        with run.child(f"child {number}", kind="test") as child:
            for _ in range(3):
                child.metrics({"number": number})
                child.text(str(number), "number.txt")
        return child.run_id

    with tracked_run("parent") as run, ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(work, range(8)))
    client = mlflow_of(place)
    assert [client.get_run(run_id).data.metrics["number"] for run_id in ids] == list(range(8))
    assert set(statuses(client).values()) == {"FINISHED"}


def test_the_run_that_mlflow_run_opened_is_continued(place, mlflow_of, monkeypatch):
    client = mlflow_of(place)
    experiment = client.create_experiment("theirs")
    opened = client.create_run(experiment, run_name="merciful-cat-412", tags={"mlflow.source.name": "project"})
    for key, value in {"model": "rnabert", "validation": "builtin", "layer": ""}.items():
        client.log_param(opened.info.run_id, key, value)
    monkeypatch.setenv("MLFLOW_RUN_ID", opened.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    with tracked_run("rnabert", params={"model": "rnabert", "layer": 3, "head": 6}) as run:
        child = run.child("tune", kind="tune")
        second = tracked_run("second")
        second.close("FINISHED")
    assert run.run_id == opened.info.run_id != second.run_id
    now = client.get_run(run.run_id)
    assert (now.info.run_name, now.info.status, now.data.tags["mlflow.source.name"]) == (
        "rnabert",
        "FINISHED",
        "project",
    )
    assert now.data.params == {
        "model": "rnabert",
        "validation": "builtin",
        "layer": "",
        "resolved.layer": "3",
        "head": "6",
    }
    assert client.get_run(child.run_id).info.experiment_id == experiment
    table = runs_table().set_index("name")
    assert table.loc["rnabert", "params.layer"] == "3"
    assert sorted(table.index) == ["rnabert", "second"]


def test_a_run_id_that_the_store_does_not_have_is_refused_at_the_start(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with pytest.raises(UnavailableError, match="not found"):
        tracked_run("rnabert")
    assert not list((place / ".rnaexp" / "outbox").iterdir())


def test_connect_says_what_is_wrong_with_a_store(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9.*MLFLOW_TRACKING_URI") as caught:
        connect()
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(place / "mlruns"))
    with pytest.raises(UnavailableError):
        tracked_run("x")


def test_a_deleted_experiment_is_refused_with_the_remedy(place, mlflow_of):
    mlflow_of(place).delete_experiment(connect("old"))
    with pytest.raises(UnavailableError, match="mlflow experiments restore"):
        tracked_run("x", experiment="old")


def test_the_environment_names_the_experiment_unless_the_caller_does(place, mlflow_of, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from the environment")
    assert mlflow_of(place).get_experiment(connect()).name == "from the environment"
    assert mlflow_of(place).get_experiment(connect("mine")).name == "mine"


def test_the_artifact_location_is_absolute_and_does_not_follow_the_working_directory(place, mlflow_of, monkeypatch):
    first = connect()
    (place / "elsewhere").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    monkeypatch.chdir(place / "elsewhere")
    assert connect() == first
    location = mlflow_of(place).get_experiment(first).artifact_location
    assert location == (place / "mlartifacts" / "rnaexp").as_uri()
    assert connect("other") != first
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("folder", ["a b", "a%20b", "a#b?c=d", "ü"])
def test_any_working_directory_will_do(place, monkeypatch, folder):
    (place / folder).mkdir()
    (place / "mlflow.db").rename(place / folder / "mlflow.db")
    monkeypatch.chdir(place / folder)
    with tracked_run("rnabert") as run:
        run.text("x", "x.txt")
    assert run.run_id is not None
    assert {path.name for path in (place / folder).iterdir()} >= {"mlflow.db", "mlflow.db.lock", "mlartifacts"}
    assert len(list((place / folder / "mlartifacts").rglob("x.txt"))) == 1


def test_the_runs_table_has_one_row_per_parent(place, tmp_path):
    assert list(runs_table().columns) == ["run_id", "name", "status", "started"]
    for model in ("rnabert", "random"):
        with tracked_run(model, params={"model": model}) as run:
            run.child("tune", kind="tune")
            run.metrics({"structure.f1": len(model) / 10})
    table = runs_table()
    assert list(table["params.model"]) == ["random", "rnabert"]
    assert list(table["metrics.structure.f1"]) == [0.6, 0.7]
    assert set(table["status"]) == {"FINISHED"}


def test_parameters_metrics_and_tags_of_a_run_go_in_one_call(place, mlflow_of, monkeypatch):
    from mlflow import MlflowClient

    calls, real = [], MlflowClient.log_batch

    def counted(self, run_id, **entities):
        calls.append({name: len(some) for name, some in entities.items()})
        return real(self, run_id, **entities)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    monkeypatch.setattr(outbox, "PUSH_SECONDS", 600)
    with tracked_run("rnabert", params={"model": "rnabert"}) as run:
        calls.clear()
        run.metrics({"structure.f1": 0.05})
        run.tags({"group": "a"})
        run.tags({"group": "b", "other": "c"})
        assert calls == [], "nothing waits for a server between the starts and the ends of runs"
        with run.child("tune", kind="tune") as child:
            child.params({"layer": 3})
    assert calls == [{"params": 1, "metrics": 1, "tags": 1}, {"tags": 2}, {"params": 1}]
    assert mlflow_of(place).get_run(run.run_id).data.tags["group"] == "b", "the later value stays"


def test_what_is_logged_while_the_program_is_busy_arrives_soon(place, mlflow_of, monkeypatch):
    monkeypatch.setattr(outbox, "PUSH_SECONDS", 0.05)
    with tracked_run("rnabert") as run:
        run.metrics({"structure.f1": 0.05})
        assert eventually(lambda: mlflow_of(place).get_run(run.run_id).data.metrics) == {"structure.f1": 0.05}


def test_a_data_set_that_another_writer_logs_in_the_same_moment_is_logged_again(place, monkeypatch, mlflow_of, capsys):
    """MLflow looks whether the row is there and then writes it: of two writers one is refused."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import BAD_REQUEST

    real, tries = MlflowClient.log_inputs, []

    def refused_once(self, *arguments, **named):
        tries.append(named)
        if len(tries) == 1:
            message = "(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id, datasets.name"
            raise MlflowException(message, error_code=BAD_REQUEST)
        return real(self, *arguments, **named)

    monkeypatch.setattr(MlflowClient, "log_inputs", refused_once)
    with tracked_run("m") as run:
        run.data_set("builtin", "ab" * 32, "builtin", "validation", 8)
    assert len(tries) == 2
    (found,) = mlflow_of(place).get_run(run.run_id).inputs.dataset_inputs
    assert found.dataset.name == "builtin"
    assert "refused" not in capsys.readouterr().err
