"""The fault matrix: a few cells here, every cell by `python -m tests.faults` (or `pytest -m "slow and fault"`)."""

import json
import subprocess

import pandas as pd
import pytest

from tests.command import COMMAND, environment
from tests.faults import disks
from tests.faults.__main__ import RESULTS
from tests.faults.matrix import CELLS, DONE, as_expected, outcome_of, undisturbed_job
from tests.track.servers import Server

OFTEN = {  # what 40 s of processor time allow
    "full_disk-store-end",
    "full_disk-database-middle",
    "full_disk-artifacts-start",
    "read-only-output-end",
    "read-only-database-start",
    "SIGKILL-process-end",
    "second_process-store-middle",
    "clock_goes_back-process-middle",
}

pytestmark = pytest.mark.fault
needs_disks = pytest.mark.skipif(bool(disks.why_none()), reason=disks.why_none() or "no reason")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def clean(root):
    return undisturbed_job(root / "clean")


@pytest.fixture(scope="module")
def server(root):
    started = []

    def start():
        if not started:
            (root / "server").mkdir()
            started.append(Server(f"sqlite:///{root}/server/mlflow.db", root / "server"))
            started[0].start()
        return started[0]

    yield start
    for each in started:
        each.stop()


@needs_disks
@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, id=cell.name, marks=[] if cell.name in OFTEN else pytest.mark.slow) for cell in CELLS],
)
def test_a_fault_has_its_exit_code_and_its_words_and_costs_nothing(cell, root, clean, server):
    outcome = outcome_of(cell, root / cell.name, clean, server)
    assert as_expected(cell, outcome), (cell, outcome)


def test_the_stored_table_has_every_cell_as_expected_and_none_is_silent():
    stored = pd.read_csv(RESULTS, keep_default_na=False)
    named = ["fault", "place", "moment", "exit_code"]
    assert [*stored[named].itertuples(index=False, name=None)] == [
        (cell.fault, cell.place, cell.moment, cell.exit_code) for cell in CELLS
    ]
    assert set(stored["after"]) == {DONE}
    failed = stored[~stored["exit_code"].isin([0, 137])]
    assert len(failed) > 20
    assert (failed["message"] != "").all()
    assert not stored["message"].str.contains("fault of rnaexp|Traceback").any()


@needs_disks
def test_a_line_that_did_not_fit_leaves_the_lines_before_and_after_it_whole(tmp_path):
    from rnaexp.track.journal import Journal

    with disks.small_disk(tmp_path / "outbox", 1):
        journal = Journal.create(tmp_path / "outbox", {"uri": "x"})
        disks.fill(tmp_path / "outbox")
        written = []

        def write_on():
            while True:
                journal.append({"op": "metrics", "values": {"f1": len(written)}})
                written.append(len(written))

        with pytest.raises(OSError, match="No space left") as full:
            write_on()
        assert full.value.filename == str(journal.folder / "journal.jsonl")
        disks.free(tmp_path / "outbox")
        journal.append({"op": "end"})
        _, *kept, last = journal.operations()
        assert [each["values"]["f1"] for each in kept] == written
        assert last == {"op": "end"}
        journal.remove()


@pytest.mark.parametrize("words", [("models", "list", "--json"), ("models", "show", "stems")])
def test_a_full_disk_under_the_screen_is_named_too(tmp_path, words):
    words = [*COMMAND, *words]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(), check=False
        )
    assert (done.returncode, done.stderr) == (
        74,
        "rnaexp: standard output or a temporary file: No space left on device\n",
    )


def test_of_two_heads_the_one_kept_last_is_the_newest_whatever_the_clock_says(tmp_path, monkeypatch):
    from rnaexp.reading import store

    kept = store.Store(tmp_path)
    kept.put_tuned("m", {"head": 1})
    real = store.time.time_ns
    monkeypatch.setattr(store.time, "time_ns", lambda: real() - 10**15)
    kept.put_tuned("m", {"head": 2})
    kept.put_tuned("m", {"head": 3})
    assert kept.newest_tuned("m") == {"head": 3}


def test_of_what_waits_a_question_is_sent_before_its_models_though_the_clock_went_back(tmp_path):
    from rnaexp.track.journal import Journal, begun

    for name, time, under in (("question", 2000, None), ("model", 1000, "question")):
        journal = Journal.create(tmp_path, {"time": time})
        journal.append({"op": "start", "run": name, "under": under})
        journal.close()
    starts = [(each / "journal.jsonl").read_text().splitlines()[1] for each in sorted(tmp_path.iterdir(), key=begun)]
    assert [json.loads(start)["run"] for start in starts] == ["question", "model"]
