"""`rnaexp watch`: each checkpoint once, when it is whole; stopped and started again, one curve in one run."""

import contextlib
import json
import shutil

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import rnaexp
from rnaexp.errors import InputError, Terminated
from rnaexp.experiment import watch_verb
from rnaexp.experiment.checkpoints import arrivals, look
from rnaexp.models.in_training import load_checkpoint
from rnaexp.tasks.pairs.learning import Row, tradeoff_path
from tests.command import answer, inside, runs
from tests.models.conftest import write_bert
from tests.planted_sets import write_set

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
OPTIONS = ("--every", "0.01", "--json")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The model that is trained, and its tokenizer."""
    return write_bert(tmp_path_factory.mktemp("base"), list("NACGU"), seed=0, **SIZES)


@pytest.fixture
def here(tmp_path):
    write_set(tmp_path / "vl.fa", 1, 6, "v")
    write_set(tmp_path / "ts.fa", 2, 6, "t")
    (tmp_path / "out").mkdir()
    return tmp_path


def weights(base, step):
    drawn = torch.Generator().manual_seed(step)
    return {
        name: torch.randn(each.shape, generator=drawn) / 4
        for name, each in load_file(base / "model.safetensors").items()
    }


def write(base, out, step, kind="folder"):
    """As transformers (without a tokenizer), Lightning, or a loop of one's own writes it."""
    state = weights(base, step)
    if kind == "folder":
        folder = out / f"checkpoint-{step}"
        folder.mkdir()
        shutil.copy(base / "config.json", folder)
        save_file(state, folder / "model.safetensors", {"format": "pt"})
        return folder
    path = out / (f"epoch=0-step={step}.ckpt" if kind == "ckpt" else f"model_{step}.pt")
    wrapped = {f"model.net.{name}": each for name, each in state.items()}
    held = {"state_dict": wrapped, "global_step": step, "epoch": 0} if kind == "ckpt" else state
    torch.save(held, path)
    return path


def curve_of(told):
    return [row["step"] for row in told["curve"]]


def watch(here, base, *more):
    sets = ("--validation", "vl.fa", "--test", "ts.fa", "--model-like", base)
    return inside("watch", "out", *sets, *OPTIONS, *more, cwd=here)


def names_of(found):
    return [each.path.name for each in found]


class Stopped(Exception):  # noqa: N818
    pass


def test_a_checkpoint_is_given_out_once_and_only_when_it_is_whole(tmp_path):
    path, folder = tmp_path / "step=5.ckpt", tmp_path / "checkpoint-9"
    part = "model-0000{}-of-00002.safetensors"
    index = {"weight_map": {"a": part.format(1), "b": part.format(2)}}
    steps = [  # what is written between two looks; what is given out at the look after it; what the folder lacks then
        (lambda: (path.write_bytes(b"half"), folder.mkdir()), [], "config.json is missing"),
        (lambda: path.write_bytes(b"half and whole"), [], "config.json is missing"),
        (lambda: (folder / "config.json").write_text("{}"), ["step=5.ckpt"], "weights are missing"),
        (lambda: (folder / part.format(1)).write_bytes(b"1"), [], "the index of its parts is missing"),
        (
            lambda: (folder / "model.safetensors.index.json").write_text("{"),
            [],
            "model.safetensors.index.json is not whole",
        ),
        (
            lambda: (folder / "model.safetensors.index.json").write_text(json.dumps(index)),
            [],
            f"{part.format(2)} is missing",
        ),
        (lambda: (folder / part.format(2)).write_bytes(b"2"), [], ""),
        (lambda: None, ["checkpoint-9"], ""),
        (lambda: path.write_bytes(b"written anew"), [], ""),
        (lambda: (tmp_path / ".hidden.pt").write_bytes(b""), ["step=5.ckpt"], ""),
        (lambda: None, [], ""),
    ]
    rounds, taken, left = [], [], iter(steps)

    def sleep(_):
        rounds.append(list(taken))
        taken.clear()
        step = next(left, None)
        if step is None:
            raise Stopped
        step[0]()
        assert [each.lacks for each in look(tmp_path) if each.path == folder] == [step[2]]

    with contextlib.suppress(Stopped):
        for each in arrivals(tmp_path, every=0, sleep=sleep):
            taken.append(each.path.name)
    assert rounds == [[], *(names for _, names, _ in steps)]


def test_old_files_need_no_second_look(tmp_path):
    import os

    path = tmp_path / "step=5.ckpt"
    path.write_bytes(b"x")
    os.utime(path, (0, 0))

    def never(_):
        raise AssertionError

    assert names_of(arrivals(tmp_path, every=1, once=True, sleep=never)) == ["step=5.ckpt"]


def test_a_folder_that_is_filled_and_a_watch_that_is_stopped_twice(here, base, monkeypatch):
    out = here / "out"
    for step, kind in ((10, "folder"), (20, "ckpt"), (30, "pt")):
        write(base, out, step, kind)
    half = write(base, out, 40)
    whole = (half / "model.safetensors").read_bytes()
    (half / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    damaged = write(base, out, 50, "pt")
    damaged.write_bytes(damaged.read_bytes()[:-2000])

    first = answer(watch(here, base, "--once"))
    assert curve_of(first) == [10, 20, 30]
    assert [each["checkpoint"] for each in first["left_out"]] == ["checkpoint-40", "model_50.pt"]

    (half / "model.safetensors").write_bytes(whole)
    for step, kind in ((60, "ckpt"), (70, "folder"), (80, "pt")):
        write(base, out, step, kind)
    opened = []

    def counted(path, **how):
        opened.append(path.name)
        if path.name == "checkpoint-70":
            raise Terminated
        return load_checkpoint(path, **how)

    monkeypatch.setattr(watch_verb, "load_checkpoint", counted)
    assert watch(here, base, "--once").returncode == 143
    assert opened == ["checkpoint-40", "model_50.pt", "epoch=0-step=60.ckpt", "checkpoint-70"]

    monkeypatch.undo()
    for step in (90, 100):
        write(base, out, step)
    done = answer(watch(here, base, "--once", "--compare", "100:10", "--csv", "curve.csv"))
    assert curve_of(done) == [10, 20, 30, 40, 60, 70, 80, 90, 100]
    assert [each["checkpoint"] for each in done["left_out"]] == ["model_50.pt"]
    assert "damaged" in done["left_out"][0]["reason"]
    assert list(pd.read_csv(here / "curve.csv")["step"]) == curve_of(done)
    _one_run_with_each_step_once(here, done)
    _figures_are_those_of_an_evaluation(here, base, done)


def _one_run_with_each_step_once(here, done):
    import mlflow

    assert [(kind, status, run) for _, kind, status, run, *_ in runs(here)] == [("watch", "FINISHED", done["run_id"])]
    client = mlflow.MlflowClient(f"sqlite:///{here}/mlflow.db")
    logged = {each.step: each.value for each in client.get_metric_history(done["run_id"], "rnaexp/pairs/f1")}
    assert len(client.get_metric_history(done["run_id"], "rnaexp/pairs/f1")) == len(logged)
    assert logged == {row["step"]: pytest.approx(row["f1"]) for row in done["curve"]}
    names = {each.path for each in client.list_artifacts(done["run_id"])}
    assert names == {"curve.csv", "comparisons.csv", "curve.png", "left_out.csv"}
    compared = {(each["step"], each["against"]) for each in done["comparisons"]}
    assert compared >= {(100, 10)}
    assert all(one == done["best_step"] or one == 100 for one, _ in compared)


def _figures_are_those_of_an_evaluation(here, base, done):
    for kind, step in (("folder", 40), ("ckpt", 60)):
        alone = shutil.copytree(base, here / f"alone-{kind}")
        save_file(weights(base, step), alone / "model.safetensors", {"format": "pt"})
        found = rnaexp.evaluate(str(alone), validation=str(here / "vl.fa"), test=str(here / "ts.fa")).frame.iloc[0]
        row = next(row for row in done["curve"] if row["step"] == step)
        assert (row["f1"], row["oracle_f1"]) == pytest.approx((found["structure.f1"], found["structure.oracle_f1"]))


def test_what_cannot_be_watched_is_said(here, base):
    assert watch(here, base, "--once").returncode == 65
    gone = inside("watch", "nowhere", "--once", "--test", "ts.fa", cwd=here)
    assert gone.returncode == 65
    assert "no such folder of checkpoints" in gone.stderr
    assert inside("watch", "out", "--weights", "x.pt", cwd=here).returncode == 2
    assert inside("watch", "out", "--compare", "1-2", cwd=here).returncode == 2
    assert "no model 'typo'" in inside("watch", "out", "--model-like", "typo", cwd=here).stderr


def test_a_checkpoint_without_a_step_and_one_of_a_step_that_is_known_are_left_out(here, base):
    write(base, here / "out", 10, "ckpt")
    shutil.copy(here / "out" / "epoch=0-step=10.ckpt", here / "out" / "last.ckpt")
    torch.save(weights(base, 3), here / "out" / "final.pt")
    done = answer(watch(here, base, "--once"))
    assert curve_of(done) == [10]
    reasons = {each["checkpoint"]: each["reason"] for each in done["left_out"]}
    assert "no training step" in reasons["final.pt"]
    assert "step 10 is that of" in str(sorted(reasons.items()))


def test_the_path_of_f1_against_overlap_goes_through_the_steps_in_order():
    curve = pd.DataFrame(
        {"step": [40, 0, 20, 30], "f1": [0.4, 0.1, 0.2, None], "overlap_ratio": [0.5, 0.9, 0.3, 0.2]}
    ).assign(f1_low=0.05, f1_high=0.6)
    axes = tradeoff_path(curve, 20, "a training").axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[0.9, 0.1], [0.3, 0.2], [0.5, 0.4]]
    assert axes.collections[0].get_offsets().tolist() == [[0.9, 0.1], [0.3, 0.2], [0.5, 0.4]]
    assert [each.get_text() for each in axes.texts] == ["step 0", "step 20 (best)", "step 40"]


class Kept:
    """A run that only notes what it is given."""

    def __init__(self):
        self.files = []

    def metrics(self, *_, **__):
        pass

    def tags(self, _):
        pass

    def table(self, _, name):
        self.files.append(name)

    def figure(self, _, name):
        self.files.append(name)


@pytest.mark.parametrize("families", [True, False])
def test_the_path_is_in_the_run_where_there_are_families(tmp_path, families):
    f1 = pd.DataFrame({"rna": ["a", "b"], "cluster": ["a", "b"], "f1": [0.2, 0.4]})
    names = ("f1", "f1_low", "f1_high", "validation_f1", "oracle_f1", "p_at_n", "stems_f1", "layer", "head")
    figures = {f"rnaexp/pairs/{name}": 0.3 for name in names}
    figures |= {"rnaexp/families/overlap_ratio": 0.5} if families else {}
    facts = {"checkpoint": "c", "test": "t", "fingerprint": "f", "logged": 1, "figures": figures, "f1": f1}
    rows = {step: Row(step=step, controls={"stems": f1}, **facts) for step in (10, 20)}
    run = Kept()
    watch_verb._log(run, watch_verb._Curve(rows=rows), watch_verb.Watching(), tmp_path)
    assert ("tradeoff.png" in run.files) is families


def test_a_pickle_that_would_run_code_is_not_opened(tmp_path, base):
    torch.save({"state_dict": weights(base, 1), "callback": print, "global_step": 1}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="not a plain set of weights"):
        load_checkpoint(tmp_path / "a.ckpt", like=str(base))
