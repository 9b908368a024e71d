"""Two people at work while the server is killed, once, and the database: the benchmark of a team's load, smaller."""

from pathlib import Path

import pytest

from .servers import needs_postgresql

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@needs_postgresql
@pytest.mark.fault
@pytest.mark.slow
def test_two_people_lose_and_double_nothing_while_the_server_is_killed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    load = __import__("load")
    found = load.worked(tmp_path, 2, 8)
    assert found["kills"] >= 1
    assert found["waiting_in_outboxes"] >= 1, "else nothing was logged while the server was gone"
    assert (found["runs_in_mlflow"], found["runs_finished"]) == (32, 32)
    wrong = ("processes_failed", "left_in_outboxes", "runs_missing", "runs_doubled", "points_missing")
    assert {name: found[name] for name in (*wrong, "points_doubled_or_wrong", "files_missing")} == dict.fromkeys(
        (*wrong, "points_doubled_or_wrong", "files_missing"), 0
    )
