"""Every task by two processes of torchrun: the same numbers as by one, told and tracked once."""

import json
import subprocess
import sys

import pytest

from tests.command import environment, inside, runs
from tests.proteins.toy import File, chain, random_sequence

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rnaexp")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    (folder / "planted.json").write_text('{"noise": 0.1, "hub_share": 0.1, "pair_share": 0.5}')
    (folder / "set").mkdir()
    for at in range(6):
        atoms, names = chain("A", random_sequence(60 + 3 * at, 50 + at), at, lost={5}, crowding=15)
        (folder / "set" / f"p{at}.pdb").write_text(File({"A": names}, [atoms]).pdb())
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("fitness", "--model", "lm-nano", "--set", "dms.csv", "--convention", "mutant-marginal"),
        ("run", "--model", "planted", "--config", "planted.json", "--protocol", "contacts", "--test", "set"),
    ],
    ids=["fitness", "contacts"],
)
def test_two_processes_say_what_one_does(place, tmp_path, words):
    wild = "GGGAAAUCCCGAUCGGAUCC"
    variants = [
        wild[:at] + letter + wild[at + 1 :] for at in range(len(wild)) for letter in "ACGU" if letter != wild[at]
    ]
    rows = [f"{one},{at % 7},{wild}" for at, one in enumerate(variants)]
    (place / "dms.csv").write_text("\n".join(["sequence,score,wild_type", *rows]) + "\n")
    alone = inside(*words, "--json", cwd=place)
    assert alone.returncode == 0, alone.stderr
    done = subprocess.run(
        [*TORCHRUN, *words, "--json"],
        cwd=place,
        env=environment(
            RNAEXP_STORE=tmp_path / "store", MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/mlflow.db", OMP_NUM_THREADS="1"
        ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    both, one = json.loads(done.stdout), json.loads(alone.stdout)
    for record in (both, one, *both.get("controls", ()), *one.get("controls", ())):
        record["run_id"] = None
    assert both == one
    assert [kind for _, kind, *_ in runs(tmp_path)].count("parent") == 1
