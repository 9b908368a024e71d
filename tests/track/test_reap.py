"""Runs whose process is gone, closed from anywhere."""

import threading
import time

import pytest

from rnaexp.track import outbox, tracked_run
from rnaexp.track.outbox import HEARTBEAT_TAG
from rnaexp.track.push import UUID_TAG
from rnaexp.track.reap import reap

from .servers import eventually

HOUR = 3600


def ago(seconds):
    return int(1000 * (time.time() - seconds))


@pytest.fixture
def store(place, mlflow_of):
    """MLflow's own client, and a function that leaves a run as a killed process of another machine does."""
    client = mlflow_of(place)
    experiment = client.create_experiment("rnaexp", artifact_location=(place / "artifacts").as_uri())

    def leave(name, started, *, parent=None, **tags):
        named = {UUID_TAG: name} | tags | ({"mlflow.parentRunId": parent} if parent else {})
        return client.create_run(experiment, start_time=ago(started), tags=named, run_name=name).info.run_id

    return client, leave


def status(client, run):
    return client.get_run(run).info.status


@pytest.mark.fault
def test_a_run_without_a_sign_of_life_is_closed_as_killed_with_its_children(store):
    client, leave = store
    dead = leave("dead", 3 * HOUR, **{HEARTBEAT_TAG: str(ago(2 * HOUR))})
    child = leave("tune", 60, parent=dead)
    before = client.get_run(dead).data.tags[HEARTBEAT_TAG]
    assert [one.name for one in reap(HOUR)] == ["tune", "dead"]
    assert (status(client, dead), status(client, child)) == ("KILLED", "KILLED")
    assert client.get_run(dead).info.end_time == int(before), "it ended when it was last seen, not now"
    assert "no sign of life since" in client.get_run(dead).data.tags["rnaexp.reaped"]
    assert reap(HOUR) == []


@pytest.mark.fault
def test_what_lives_what_has_ended_and_what_is_not_ours_is_left_alone(store):
    client, leave = store
    alive = leave("alive", 9 * HOUR, **{HEARTBEAT_TAG: str(ago(600))})
    step = leave("test", 9 * HOUR, parent=alive)
    young = leave("young", 600)
    done = leave("done", 9 * HOUR)
    client.set_terminated(done, "FINISHED")
    foreign = client.create_run(client.get_run(alive).info.experiment_id, start_time=ago(9 * HOUR)).info.run_id
    assert reap(HOUR) == []
    assert {status(client, run) for run in (alive, step, young, foreign)} == {"RUNNING"}
    assert status(client, done) == "FINISHED"


def test_a_dry_run_only_says_which(store):
    client, leave = store
    dead = leave("dead", 3 * HOUR)
    assert [one.run_id for one in reap(HOUR, dry_run=True)] == [dead]
    assert status(client, dead) == "RUNNING"
    assert "rnaexp.reaped" not in client.get_run(dead).data.tags


def test_a_live_run_renews_its_sign_of_life_until_it_ends(store, monkeypatch):
    client, _ = store
    monkeypatch.setattr(outbox, "HEARTBEAT_SECONDS", 0.05)

    def beats(run):
        return int(client.get_run(run.run_id).data.tags.get(HEARTBEAT_TAG, 0))

    others, problems = threading.enumerate(), []
    with tracked_run("alive") as run:
        first = eventually(lambda: beats(run))
        assert first
        assert eventually(lambda: beats(run) > first)
        (heart,) = [one for one in threading.enumerate() if one.name == "heartbeat" and one not in others]
        monkeypatch.setattr(threading, "excepthook", lambda problem: problems.append(problem.exc_value))
    last = beats(run)
    heart.join(10)
    assert not heart.is_alive()
    assert problems == [], "it ends by itself, not by writing to a journal that is gone"
    assert beats(run) == last


@pytest.mark.fault
def test_a_run_that_was_closed_by_mistake_still_ends_as_it_really_ended(store):
    client, _ = store
    with tracked_run("slow") as run:
        assert [one.name for one in reap(-1)] == ["slow"]
        assert status(client, run.run_id) == "KILLED"
        run.metrics({"structure.f1": 0.5})
    assert status(client, run.run_id) == "FINISHED"
    assert client.get_run(run.run_id).data.metrics == {"structure.f1": 0.5}
