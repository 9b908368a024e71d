import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import rnaexp
from rnaexp.callbacks import Probe
from rnaexp.data.rfam import read_seed
from rnaexp.errors import InputError
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.checkpoint import flops_per_token, log_lines
from rnaexp.pretrain.crops import unigram_entropy
from rnaexp.pretrain.families import training_families
from rnaexp.pretrain.fit import STATE, Limits, fit, new_network
from rnaexp.pretrain.recipe import Optimiser, Validation, read_recipe
from rnaexp.pretrain.training import Pretraining, _steps_with_cooldown_at, cooldown_begins, masked_loss, rate_share
from rnaexp.rna import Rna
from tests.command import environment, inside
from tests.planted_sets import write_set
from tests.pretrain.seeds import TINY, recipe_file, seed_file


@pytest.fixture
def small(tmp_path):
    """(recipe, families, folder) of a training of seconds."""
    families = training_families(read_seed(seed_file(tmp_path / "seed.sto")), ())
    return lambda **more: (read_recipe(recipe_file(tmp_path / "recipe.toml", **more)), families, tmp_path / "out")


def state_of(module):
    return {name: tensor.clone() for name, tensor in module.network.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_same_seed_gives_the_same_weights_to_the_bit(small, tmp_path):
    recipe, families, _ = small(steps=6)
    first, second = (state_of(fit(recipe, families, tmp_path / name)) for name in ("a", "b"))
    assert same(first, second)
    assert not same(first, new_network(recipe).state_dict())


class KilledError(RuntimeError):
    pass


@pytest.mark.fault
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_stopped_between_two_states_ends_like_an_undisturbed_one(small, tmp_path, accumulate):
    recipe, families, _ = small(steps=55, accumulate=accumulate)
    whole = fit(recipe, families, tmp_path / "whole")

    def stop(line, step):
        if step == 50:
            raise KilledError

    with pytest.raises(KilledError):
        fit(recipe, families, tmp_path / "cut", note=stop, limits=Limits(save_every_seconds=0))
    assert (tmp_path / "cut" / STATE).is_file()
    resumed = fit(recipe, families, tmp_path / "cut")
    assert same(state_of(whole), state_of(resumed))
    assert resumed.tokens_done == whole.tokens_done
    told = [[(line["step"], line.get("loss")) for line in log_lines(tmp_path / name)] for name in ("whole", "cut")]
    assert told[0] == told[1]


@pytest.mark.fault
@pytest.mark.slow
def test_kill_9_costs_nothing_but_time(tmp_path):
    seed_file(tmp_path / "seed.sto")
    recipe_file(tmp_path / "recipe.toml", steps=3000)
    words = ["pretrain", "recipe.toml", "--data", "seed.sto", "--device", "cpu", "--save-every", "0.2", "--out"]
    command = [sys.executable, "-m", "rnaexp", *words]
    delays = np.random.default_rng(0).uniform(0, 2, 3)
    for delay in delays:
        begun = time.time()
        process = subprocess.Popen([*command, "killed"], cwd=tmp_path, env=environment())
        _wait_for_state(tmp_path / "killed" / STATE, newer_than=begun)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL  # it was still training
    for name in ("killed", "whole"):
        subprocess.run([*command, name], cwd=tmp_path, env=environment(), check=True, timeout=200)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


def _wait_for_state(path, newer_than):
    for _ in range(600):
        if path.is_file() and path.stat().st_mtime > newer_than:
            return
        time.sleep(0.1)
    pytest.fail("no state within a minute")


@pytest.mark.fault
def test_a_state_torn_while_it_was_written_is_never_the_one_gone_on_with(small, monkeypatch):
    recipe, families, folder = small(steps=4)
    fit(recipe, families, folder)
    before = (folder / STATE).read_bytes()

    def torn(trainer, path, **more):
        path.write_bytes(b"half a")
        raise KilledError

    monkeypatch.setattr("lightning.Trainer.save_checkpoint", torn)
    longer, _, _ = small(steps=8)
    with pytest.raises(KilledError):
        fit(longer, families, folder, limits=Limits(save_every_seconds=0))
    assert (folder / STATE).read_bytes() == before


def test_a_short_training_gets_below_the_entropy_of_the_letters(small):
    # Half of the planted hairpins' letters follow from their partners: only a model that pairs gets there.
    network = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    free = {"row_positions": "none", "column_positions": "relative", "column_attention": False, "local_width": 3}
    recipe, families, folder = small(steps=300, network=network | free, depths=[4], depth_shares=[1])
    fit(recipe, families, folder)
    losses = [line["loss"] for line in log_lines(folder) if "loss" in line]
    assert losses[-1] < unigram_entropy(families) - 0.1
    assert losses[-1] < losses[0]


def test_the_loss_is_the_mean_cross_entropy_over_the_four_letters(small):
    recipe, families, _ = small(steps=1)
    module = Pretraining(new_network(recipe), recipe, families, None)
    module.eval()  # no dropout
    example = module.prepare(0).letters
    with torch.no_grad():
        loss, plain = masked_loss(module.network, example)
        logits = module.network(example.ids).logits
    by_hand = []
    for (b, s, t), letter in zip(example.predicted.nonzero().tolist(), example.letters.tolist(), strict=True):
        four = logits[b, s, t, list(LETTERS.letters[:4])]
        by_hand.append(float(torch.logsumexp(four, 0) - four[letter]))
    assert float(plain) == pytest.approx(np.mean(by_hand), abs=1e-5)
    assert float(loss) == pytest.approx(float(plain), abs=1e-5)  # rare letters weigh 1 here


def test_the_rate_rises_stays_and_falls_to_nothing():
    chosen = Optimiser(warmup=10, cooldown=0.2)
    shares = [rate_share(step, 100, chosen) for step in range(100)]
    assert shares[0] == 0.1
    assert shares[9:80] == [1.0] * 71
    assert np.all(np.diff(shares[80:]) < 0)
    assert 0 < shares[-1] <= 0.06
    assert rate_share(10**6, None, chosen) == 1


def test_steps_fixed_by_the_clock_begin_their_cooldown_at_once():
    for share in (0.1, 0.25, 0.3, 0.5):
        for step in range(1, 200):
            assert cooldown_begins(_steps_with_cooldown_at(step, share), share) == step


def test_a_training_by_the_clock_is_repeated_to_the_bit_by_its_number_of_steps(small, tmp_path):
    recipe, families, folder = small()
    by_clock = fit(recipe, families, folder, limits=Limits(minutes=0.05))
    assert by_clock.steps == by_clock.steps_done > 0
    again, _, _ = small(steps=by_clock.steps)
    assert same(state_of(by_clock), state_of(fit(again, families, tmp_path / "again")))


def test_without_steps_or_minutes_nothing_begins(small):
    recipe, families, folder = small()
    with pytest.raises(ValueError, match="minutes"):
        fit(recipe, families, folder)


def test_flops_are_those_of_the_matrix_products(small):
    # By hand: one layer without attention to speak of is 4 d^2 (attention) + 2 d i (feed-forward) multiplications.
    wide = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 64}
    free = {"row_positions": "none", "column_positions": "relative", "column_attention": False}
    recipe, families, _ = small(steps=1, network=wide | free, depths=[1], depth_shares=[1])
    module = Pretraining(new_network(recipe), recipe, families, None)
    linear = 3 * 2 * (4 * 64 * 64 + 2 * 64 * 64)
    maps = 3 * 2 * 2 * 18 * 64
    found = flops_per_token(module, 2)
    assert linear < found < 1.35 * (linear + maps)


def test_the_probe_sees_the_network_before_and_after_training_and_at_the_recipes_steps(small):
    recipe, families, folder = small(steps=9, validation={"steps": [0, 2, 5]})
    seen = {}

    def probe(network, step):
        seen[step] = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        return {"known": 0.5 + step}

    trained = fit(recipe, families, folder, probe=probe)
    assert list(seen) == [0, 2, 5, 9]
    assert same(seen[0], new_network(recipe).state_dict())
    assert same(seen[9], state_of(trained))
    logged = [(line["step"], line["known"]) for line in log_lines(folder) if "known" in line]
    assert logged == [(0, 0.5), (2, 2.5), (5, 5.5), (9, 9.5)]


@pytest.mark.parametrize(
    ("chosen", "steps"),
    [({}, [0, 1, 2, 4, 8, 16]), ({"every": 7}, [0, 7, 14]), ({"every": 7, "steps": [3, 5]}, [3, 5])],
)
def test_a_recipe_says_at_which_steps_is_looked(chosen, steps):
    held = {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}
    assert [step for step in range(20) if Validation(**held).due(step)] == steps


def real_probe(tmp_path, **more):
    """Of `rnaexp.callbacks`, on two sets of hairpins."""
    sets = {name: str(write_set(tmp_path / f"{name}.dbn", at, 6, name)) for at, name in enumerate(("vl", "ts"))}
    return Probe(None, validation=sets["vl"], test=sets["ts"], log=False, strict=True, **more)


def test_weights_with_and_without_the_probe_are_the_same_to_the_bit(small, tmp_path):
    recipe, families, _ = small(steps=6, network=TINY | {"hidden_dropout": 0.2}, validation={"steps": [0, 1, 3]})
    probe = real_probe(tmp_path)
    looked, plain = fit(recipe, families, tmp_path / "a", probe=probe), fit(recipe, families, tmp_path / "b")
    assert same(state_of(looked), state_of(plain))
    assert list(probe.history["step"]) == [0, 1, 3, 6]
    last = probe.history.iloc[-1]
    measured = rnaexp.evaluate(rnaexp.wrap(looked.network, name="again"), validation=probe.validation, test=probe.test)
    assert last["rnaexp/pairs/f1"] == measured.frame.loc["again", "structure.f1"]
    assert {"rnaexp/pairs/kernel_f1", "rnaexp/pairs/untrained_f1", "rnaexp/letters/1-mer_loss"} <= set(last.index)


@pytest.mark.fault
def test_a_training_killed_after_a_probe_looks_at_no_step_twice_and_knows_its_first_head(small, tmp_path):
    recipe, families, _ = small(steps=6, validation={"steps": [0, 1, 3, 4]})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    fit(recipe, families, whole, probe=real_probe(tmp_path))

    def stop(line, step):
        if step == 3:
            raise KilledError

    with pytest.raises(KilledError):
        fit(recipe, families, cut, note=stop, probe=real_probe(tmp_path), limits=Limits(save_every_seconds=0))
    again, noted = real_probe(tmp_path), []
    again.first = next(line for line in log_lines(cut) if "rnaexp/pairs/f1" in line)
    fit(recipe, families, cut, probe=again, note=lambda line, step: noted.append(dict(line)))
    ours, theirs = ([_measured(line) for line in log_lines(name)] for name in (cut, whole))
    assert ours == theirs == [_measured(line) for line in noted], "a resumed training shows its whole curve, once"
    assert "rnaexp/pairs/untrained_f1" in ours[-1]


def _measured(line):
    return {name: value for name, value in line.items() if "second" not in name and "share_of" not in name}


def test_time_of_the_probe_is_none_of_the_training(small):
    recipe, families, folder = small(steps=2, validation={"every": 1})

    def slow(network, step):
        time.sleep(0.7)
        return {}

    assert fit(recipe, families, folder, probe=slow).seconds < 2.0


def test_the_verb_writes_a_checkpoint_that_runs(tmp_path):
    seed_file(tmp_path / "seed.sto")
    for name, at in (("vl", 0), ("ts", 1)):
        write_set(tmp_path / f"{name}.dbn", at, 6, name)
    looks = {"steps": [0, 30], "tuned_on": "vl.dbn", "tested_on": "ts.dbn"}
    recipe_file(tmp_path / "recipe.toml", steps=60, validation=looks)
    done = inside("pretrain", "recipe.toml", "--data", "seed.sto", "--out", "ours", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "ours").iterdir()} >= {
        "config.json", "model.safetensors", "tokenizer.json", "README.md", "log.jsonl"
    }  # fmt: skip
    card = (tmp_path / "ours" / "README.md").read_text()
    for word in ("tokens/s", "MFLOP", "unigram", "sha256", "steps = 60"):
        assert word in card
    lines = log_lines(tmp_path / "ours")
    assert any({"loss", "tokens_per_second"} <= line.keys() for line in lines)
    assert [line["step"] for line in lines if "rnaexp/pairs/f1" in line] == [0, 30, 60]
    assert "F1 on ts.dbn, step 60" in card
    _mlflow_has_the_curve(tmp_path, lines)
    from rnaexp.models import load

    encoder = load(str(tmp_path / "ours"))
    maps = list(encoder.attention(Rna(id="x", sequence="ACGUACGUAC")))
    assert maps[0].shape == (2, 10, 10)


def _mlflow_has_the_curve(folder, lines):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("rnaexp").experiment_id])
    curve = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(curve) == sorted((line["step"], line["loss"]) for line in lines if "loss" in line)
    assert run.info.status == "FINISHED"
    assert {item.path for item in client.list_artifacts(run.info.run_id, "checkpoint")} >= {
        "checkpoint/model.safetensors", "checkpoint/README.md"
    }  # fmt: skip


def test_a_seed_file_without_a_training_family_is_refused(tmp_path):
    recipe_file(tmp_path / "recipe.toml", steps=1)
    (tmp_path / "none.sto").write_text("# STOCKHOLM 1.0\n#=GF AC RF00050\na ACGU\n//\n")
    from rnaexp.experiment.pretrain_verb import pretrain

    excluded = read_recipe(tmp_path / "recipe.toml")
    assert excluded.excluded is None
    held = seed_file(tmp_path / "seed.sto", families=0)
    with pytest.raises(InputError, match="training side"):
        pretrain(tmp_path / "recipe.toml", tmp_path / "out", data=held, limits=Limits())


def test_the_log_is_json_lines(small):
    recipe, families, folder = small(steps=50)
    fit(recipe, families, folder)
    assert [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()] == [50]
