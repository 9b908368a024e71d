"""A local store that is moved or copied, and one that an older MLflow made: said before anything is written."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from rnaexp.errors import UnavailableError
from rnaexp.track import tracked_run
from rnaexp.track.store import connect

from ..command import inside as rnaexp
from .test_history import of
from .test_registry import empty


@pytest.mark.fault
@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_store_elsewhere_says_so_writes_nothing_and_is_relocated(clean, monkeypatch, mlflow_of, ready_database, how):
    one, two = clean / "a 100% _b", clean / "two"
    one.mkdir()
    shutil.copy(ready_database, one / "mlflow.db")
    monkeypatch.chdir(one)
    monkeypatch.setattr("rnaexp.track.registry.write_model", lambda folder, *rest: empty(folder))
    of("lm-nano", f1=0.5, protocol="strict")
    with tracked_run("rnabert") as run:
        run.text("kept", "kept.txt")
    how(one, two)
    held = sorted(one.rglob("*")) if one.exists() else []
    monkeypatch.chdir(two)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it to where it was connected last
    for words in (("run", "--model", "stems"), ("doctor", "--server"), ("compare",)):
        done = rnaexp(*words, cwd=two)
        assert done.returncode == 69, done.stdout
        assert "rnaexp relocate" in done.stderr + done.stdout
    assert (sorted(one.rglob("*")) if one.exists() else []) == held, "nothing is written there"
    done = rnaexp("relocate", cwd=two)
    assert (done.returncode, str(one) in done.stdout) == (0, True), done.stderr
    assert rnaexp("relocate", cwd=two).returncode == 69, "nothing is left to do"
    if one.exists():
        shutil.rmtree(one)
    client = mlflow_of(two)
    assert Path(client.download_artifacts(run.run_id, "kept.txt")).read_text() == "kept"
    version = client.get_model_version_by_alias("lm-nano", "champion")
    logged = client.get_logged_model(version.source.removeprefix("models:/"))
    assert logged.artifact_location.startswith(f"{two.as_uri()}/mlartifacts/")
    addresses = "".join(sqlite3.connect(two / "mlflow.db").iterdump())
    assert f"{one.as_uri()}/" not in addresses
    assert f"{one}/" not in addresses
    with tracked_run("rnabert") as later:
        later.text("new", "new.txt")
    assert not one.exists(), "a new run writes where the store is"
    assert client.get_run(later.run_id).info.artifact_uri.startswith(f"{two.as_uri()}/mlartifacts/")
    assert Path(client.download_artifacts(later.run_id, "new.txt")).read_text() == "new"


def test_a_store_that_stayed_is_left_alone(place):
    with tracked_run("rnabert") as run:
        run.text("kept", "kept.txt")
    connect()
    assert rnaexp("relocate", cwd=place).returncode == 69


def older_tables(file):
    """As the MLflow before logged models left them."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    uri = f"sqlite:///{file}"
    engine = create_engine(uri)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(uri)
    steps = ScriptDirectory.from_config(config).walk_revisions()
    first = next(
        step
        for step in steps
        if "logged_models" in Path(step.path).read_text() and "create_table" in Path(step.path).read_text()
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, first.down_revision)
    engine.dispose()
    return first.down_revision


@pytest.mark.fault
def test_tables_of_an_older_mlflow_are_changed_only_when_asked_and_after_a_copy(clean, mlflow_of):
    revision = older_tables(clean / "mlflow.db")
    before = (clean / "mlflow.db").read_bytes()
    with pytest.raises(UnavailableError, match=r"made by an older MLflow than .*rnaexp upgrade"):
        connect()
    assert (clean / "mlflow.db").read_bytes() == before
    done = rnaexp("upgrade", cwd=clean)
    assert done.returncode == 0, done.stderr
    copy = Path(done.stdout.rpartition(" kept as ")[2].strip())
    assert sqlite3.connect(copy).execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
    with tracked_run("rnabert") as run:
        run.metrics({"seconds": 1})
    assert mlflow_of(clean).get_run(run.run_id).info.status == "FINISHED"
    assert rnaexp("upgrade", cwd=clean).returncode == 69
    with sqlite3.connect(clean / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    with pytest.raises(UnavailableError, match="made by a newer MLflow"):
        connect()
