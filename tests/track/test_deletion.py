"""`rnaexp delete`: a run goes with all that stands below it, and does not come back."""

import pytest

from rnaexp.errors import InputError
from rnaexp.track import sync, tracked_run
from rnaexp.track.deletion import delete
from rnaexp.track.outbox import Synced, default_outbox

from ..command import inside as rnaexp
from .test_history import of
from .test_registry import empty


def question(*models):
    """A question with its models' runs and their steps: ids by name."""
    with tracked_run("question", kind="question") as above:
        ids = {"question": above.run_id}
        for model in models:
            with (
                tracked_run(model, under=above, params={"model": model}) as run,
                run.child("test", kind="test") as test,
            ):
                ids |= {model: run.run_id, f"{model} test": test.run_id}
    return ids


def test_a_run_goes_with_what_stands_below_it_and_the_others_stay(place, mlflow_of):
    one, two = question("rnabert", "rna-fm"), question("rnabert")
    done = rnaexp("delete", one["question"], two["rnabert"], cwd=place)
    assert (done.returncode, done.stdout.splitlines()[0].split()[0]) == (0, "7"), done.stderr
    left = mlflow_of(place).search_runs(["1"])
    assert [run.info.run_id for run in left] == [two["question"]]
    assert rnaexp("delete", "no-such-run", cwd=place).returncode == 69


@pytest.mark.fault
def test_what_waits_in_the_outbox_does_not_bring_a_deleted_run_back(place, monkeypatch, mlflow_of):
    kept = question("rna-fm")
    with tracked_run("rnabert") as run:
        run.metrics({"seconds": 1})
        monkeypatch.setattr("rnaexp.track.journal.Journal.remove", lambda journal: journal.close())
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert len(list(default_outbox().iterdir())) == 1
    done = rnaexp("delete", run.run_id, cwd=place)
    assert "1 logs of theirs were waiting" in done.stdout
    assert list(default_outbox().iterdir()) == []
    assert sync() == Synced()
    assert {one.info.run_id for one in mlflow_of(place).search_runs(["1"])} == set(kept.values())


def test_a_run_that_still_runs_is_refused_and_a_registered_version_stays(place, monkeypatch, mlflow_of):
    with tracked_run("rnabert") as run, pytest.raises(InputError, match="still runs"):
        delete([run.run_id])
    monkeypatch.setattr("rnaexp.track.registry.write_model", lambda folder, *rest: empty(folder))
    of("lm-nano", f1=0.5, protocol="strict")
    client = mlflow_of(place)
    done = rnaexp("delete", client.get_model_version("lm-nano", "1").run_id, cwd=place)
    assert done.stdout.splitlines()[1:] == [
        "models:/lm-nano/1 stays registered",
        "models:/rnaexp-pairs/1 stays registered",
    ]
    version = client.get_model_version_by_alias("lm-nano", "champion")
    assert client.list_logged_model_artifacts(version.source.removeprefix("models:/"))
