"""Every task by two processes of torchrun, and by two shards whose stores are merged: the numbers of one process."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from rnaexp.experiment import embed_verb
from rnaexp.models.planted import Planted
from rnaexp.models.sequence_encoder import SequenceEncoder
from rnaexp.reading import embeddings, likelihoods, upkeep
from rnaexp.reading.store import Store
from tests.command import environment, inside, runs
from tests.planted_sets import hairpin, write_sets
from tests.proteins.toy import File, chain, random_sequence

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
PLANTED = ("--model", "planted")
PAIRS = ("--validation", "validation.fa", "--test", "test.fa")
VERBS = {
    "pairs": ("run", *PLANTED, *PAIRS, "--json"),
    "contacts": ("run", *PLANTED, "--config", "planted.json", "--protocol", "contacts", "--test", "set", "--json"),
    "families": ("classify", "--model", "lm-nano", "--set", "families", "--json"),
    "fitness": ("fitness", "--model", "lm-nano", "--set", "dms.csv", "--convention", "mutant-marginal", "--json"),
    "predict": ("predict", *PLANTED, "test.fa", "--format", "json"),
    "embed": ("embed", "test.fa", "--model", "lm-nano"),
}


def fill(folder):
    """Files of every task."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(3)
    (folder / "planted.json").write_text('{"noise": 0.1, "hub_share": 0.1, "pair_share": 0.5}')
    (folder / "set").mkdir()
    for at in range(6):
        atoms, names = chain("A", random_sequence(60 + 3 * at, 50 + at), at, lost={5}, crowding=15)
        (folder / "set" / f"p{at}.pdb").write_text(File({"A": names}, [atoms]).pdb())
    write_sets(folder, test=7)
    (folder / "families").mkdir()
    for name in ("one", "two", "three"):
        rnas = "".join(f">{name}{at}\n{hairpin(rng)}\n" for at in range(4))
        (folder / "families" / f"{name}.fa").write_text(rnas)
    wild = "GGGAAAUCCCGAUCGGAUCC"
    variants = [
        wild[:at] + letter + wild[at + 1 :] for at in range(len(wild)) for letter in "ACGU" if letter != wild[at]
    ]
    rows = [f"{one},{at % 7},{wild}" for at, one in enumerate(variants)]
    (folder / "dms.csv").write_text("\n".join(["sequence,score,wild_type", *rows]) + "\n")
    return folder


@pytest.fixture
def small_shards(monkeypatch):
    """As one_rank.py has them: what a shard holds is part of its key."""
    for module in (embeddings, embed_verb):
        monkeypatch.setattr(module, "SHARD", 4)
    monkeypatch.setattr(likelihoods, "SHARD", 8)


def record(text):
    """What `--json` printed, without the ids of runs."""
    found = json.loads(text)
    for one in (found, *found.get("controls", ()), *found.get("runs", ())):
        one["run_id"] = None
    return found


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_processes_say_and_write_what_one_does(tmp_path, small_shards):
    alone, both = fill(tmp_path / "alone"), fill(tmp_path / "both")
    one = {}
    for name, words in VERBS.items():
        done = inside(*words, cwd=alone)
        assert done.returncode == 0, (name, done.stderr)
        one[name] = done.stdout
    (both / "verbs.json").write_text(json.dumps([*VERBS.values()]))
    done = subprocess.run(
        [*TORCHRUN, str(Path(__file__).with_name("one_rank.py")), "verbs.json"],
        cwd=both,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for at, name in enumerate(VERBS):
        first, second = ((both / f"said_{at}_{rank}").read_text() for rank in (0, 1))
        assert second == "", f"{name}: the first process alone speaks"
        if "--json" in VERBS[name]:
            assert record(first) == record(one[name]), name
        else:
            assert first == one[name], name
    assert done.stderr.count("rnaexp: planted: head") == 1
    assert files(both / "predictions") == files(alone / "predictions")
    assert parquet.read_table(both / "embeddings.parquet").equals(parquet.read_table(alone / "embeddings.parquet"))
    assert [kind for _, kind, *_ in runs(both)].count("parent") == [kind for _, kind, *_ in runs(alone)].count("parent")


def test_two_shards_and_their_merged_stores_answer_as_one_machine(tmp_path, small_shards, monkeypatch):
    """Each task's first model by one shard, its second by the other; the whole question then runs none."""
    question = (
        'title = "All"\nmodels = ["planted", "lm-nano"]\n[[sets]]\nvalidation = "validation.fa"\ntest = "test.fa"\n'
        '[[families]]\nname = "families"\n[[assays]]\nname = "dms.csv"\nconvention = "mutant-marginal"\n'
    )
    places = [fill(tmp_path / name) for name in ("alone", "first", "second")]
    shards = ((), ("--shard", "1/2"), ("--shard", "2/2"))
    said = []
    for place, shard in zip(places, shards, strict=True):
        (place / "all.toml").write_text(question)
        done = inside("run", "all.toml", *shard, "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        said.append([record(line) for line in done.stdout.splitlines()])
    alone, first, second = said
    assert len(alone) == 3, "a table of each task"
    for parts in zip(first, second, strict=True):
        assert [one["runs"][0]["model"] for one in parts] == ["planted", "lm-nano"]
    new, _, wrong = upkeep.merge(Store(places[1] / ".rnaexp"), [places[2] / ".rnaexp"])
    assert new
    assert not wrong
    reads = ("read_attention", "read_head", "embed", "log_probabilities", "predict_letters")
    for model in (Planted, SequenceEncoder):
        for name in reads:
            if hasattr(model, name):
                monkeypatch.setattr(model, name, lambda *_, **__: pytest.fail("a model ran again"))
    merged = inside("run", "all.toml", "--json", cwd=places[1])
    assert merged.returncode == 0, merged.stderr
    assert [record(line) for line in merged.stdout.splitlines()] == alone
