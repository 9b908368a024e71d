"""A probe changes nothing of the training it rides along with, and its numbers are those of the model at that step."""

import threading

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from transformers import BertConfig, BertForMaskedLM, Trainer, TrainingArguments

import rnaexp
import rnaexp.track.training_log as logs
from rnaexp.callbacks import Probe
from rnaexp.callbacks.lightning import LightningProbe
from rnaexp.callbacks.probe import hidden_letters_loss
from rnaexp.callbacks.transformers import TrainerProbe
from rnaexp.errors import InputError
from rnaexp.reading.maps import Reader
from rnaexp.reading.several import Reading
from rnaexp.rna import Rna
from tests.planted_sets import write_set

LETTERS = {"N": 5, "A": 6, "C": 7, "G": 8, "U": 9, "before": [2], "after": [3], "pad": 0, "mask": 4}
STEPS = 4


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {
        "validation": str(write_set(folder / "vl.dbn", 1, 6, "v")),
        "test": str(write_set(folder / "ts.dbn", 2, 6, "t")),
    }


def network():
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return BertForMaskedLM(BertConfig(vocab_size=10, max_position_embeddings=66, initializer_range=0.3, **sizes))


def batches():
    drawn = torch.Generator().manual_seed(7)
    return [{"input_ids": (ids := torch.randint(6, 10, (3, 20), generator=drawn)), "labels": ids} for _ in range(STEPS)]


def trained_by_hand(probe=None):
    model = network().train()
    steps = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(11)  # of dropout
    for step, batch in enumerate(batches()):
        if probe is not None and probe.due(step):
            probe(model, step)
        steps.zero_grad()
        model(**batch).loss.backward()
        steps.step()
    return model


def weights(model):
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def test_a_bare_loop_ends_with_the_same_weights_to_the_bit(sets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    probe = Probe(LETTERS, **sets)
    with_probe = trained_by_hand(probe)
    assert torch.equal(weights(with_probe), weights(trained_by_hand()))
    assert with_probe.training
    assert list(probe.history["step"]) == [0, 1, 2]
    assert not list(tmp_path.glob("**/*.npz")), "no file is kept"


def test_its_figures_are_those_of_an_evaluation_of_the_same_weights(sets):
    model = network()
    found = Probe(LETTERS, **sets)(model, 3)
    whole = rnaexp.evaluate(rnaexp.wrap(model, LETTERS, name="again"), **sets)
    assert found["rnaexp/pairs/f1"] == whole.frame.loc["again", "structure.f1"]
    assert found["rnaexp/pairs/p_at_n"] == whole.frame.loc["again", "structure.p_at_n"]
    stems = rnaexp.evaluate("stems", **sets)
    assert found["rnaexp/pairs/stems_f1"] == stems.frame.loc["stems", "structure.f1"]


class Known:
    """Says A with probability 0.7 wherever a letter is hidden, and notes which ones were."""

    hidden = None

    def check(self, rna):
        pass

    def predict_letters(self, rnas, masked):
        self.hidden = masked[0]
        return [torch.log(torch.tensor([[0.7, 0.1, 0.1, 0.1]] * len(rnas[0])))]


def test_the_loss_of_hidden_letters_is_the_mean_over_the_same_letters_each_time():
    model, rna = Known(), Rna(id="x", sequence="ANCAGUACGAAUUCGANNNACG")
    loss = hidden_letters_loss(model, [rna])
    assert len(model.hidden) == round(0.15 * 18)
    assert "N" not in [rna.sequence[at] for at in model.hidden]
    assert loss == pytest.approx(np.mean([-np.log(0.7 if rna.sequence[at] == "A" else 0.1) for at in model.hidden]))
    assert hidden_letters_loss(model, [rna]) == loss


class Module(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = network().train()

    def training_step(self, batch):
        return self.model(**batch).loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trained_by_lightning(folder, *callbacks):
    module = Module()
    torch.manual_seed(11)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(
        max_epochs=1,
        accelerator="cpu",
        default_root_dir=folder,
        enable_checkpointing=False,
        callbacks=[*callbacks],
        **quiet,
    )
    trainer.fit(module, torch.utils.data.DataLoader(batches(), batch_size=None))
    return module.model, trainer


def test_lightning_ends_with_the_same_weights_and_can_watch_the_figures(sets, tmp_path):
    probe = Probe(LETTERS, every=2, **sets)
    with_probe, trainer = trained_by_lightning(tmp_path, LightningProbe(probe))
    assert torch.equal(weights(with_probe), weights(trained_by_lightning(tmp_path)[0]))
    assert list(probe.history["step"]) == [0, 2, 4]
    assert float(trainer.callback_metrics["rnaexp/pairs/f1"]) == pytest.approx(
        probe.history["rnaexp/pairs/f1"].iloc[-1]
    )


def trained_by_transformers(folder, *callbacks):
    model = network()
    given = TrainingArguments(
        output_dir=str(folder), max_steps=STEPS, per_device_train_batch_size=3, learning_rate=0.1, optim="sgd",
        report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, seed=11, logging_strategy="no",
    )  # fmt: skip
    rows = [{"input_ids": ids, "labels": ids} for batch in batches() for ids in batch["input_ids"]]
    trainer = Trainer(model=model, args=given, train_dataset=rows, callbacks=[*callbacks])
    trainer.train()
    return model, trainer


def test_transformers_trainer_ends_with_the_same_weights_and_keeps_the_figures(sets, tmp_path):
    probe = Probe(LETTERS, every=2, **sets)
    with_probe, trainer = trained_by_transformers(tmp_path, TrainerProbe(probe))
    assert torch.equal(weights(with_probe), weights(trained_by_transformers(tmp_path)[0]))
    kept = [entry for entry in trainer.state.log_history if "rnaexp/pairs/f1" in entry]
    assert [entry["step"] for entry in kept] == list(probe.history["step"]) == [0, 2, 4]


def test_a_failing_probe_is_counted_and_training_goes_on_unless_it_is_strict(sets, capfd):
    probe = Probe({"A": 6, "C": 7, "G": 8}, **sets)
    assert probe(network(), 5) == {}
    assert probe.failed == 1
    said = "the probe at step 5 failed, training goes on: probe: its vocabulary lacks T"
    assert said in capfd.readouterr().err
    assert "vocabulary" in probe.history["error"].iloc[0]
    with pytest.raises(InputError, match="vocabulary"):
        Probe({"A": 6}, strict=True, **sets)(network(), 5)


class FlatParameter(torch.nn.Parameter):
    """As FSDP calls its own."""


def test_weights_of_which_a_process_has_only_a_part_are_named(sets, capfd):
    model = network()
    model.part = FlatParameter(torch.zeros(2))
    probe = Probe(LETTERS, **sets)
    assert probe(model, 3) == {}
    assert "its weights are sharded (FSDP)" in capfd.readouterr().err
    assert probe.failed == 1


class Planned(Probe):
    """Its F1 at each step is planned."""

    f1 = (0.1, 0.4, 0.3, 0.2, 0.35, 0.1)

    def __call__(self, model, step):
        return {"rnaexp/pairs/f1": self.f1[step], "rnaexp/seconds": 0.0}


def test_lightning_stops_early_on_a_probes_figure_and_keeps_the_best_checkpoint(sets, tmp_path):
    best = ModelCheckpoint(
        tmp_path, "{step}", monitor="rnaexp/pairs/f1", mode="max", every_n_train_steps=1, save_top_k=1
    )
    stop = EarlyStopping("rnaexp/pairs/f1", mode="max", patience=2, check_on_train_epoch_end=True)
    trainer = L.Trainer(
        max_epochs=6, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[LightningProbe(Planned(LETTERS, every=1, **sets)), stop, best],
    )  # fmt: skip
    trainer.fit(Module(), torch.utils.data.DataLoader(batches()[:1], batch_size=None))
    assert trainer.global_step == 3, "0.4 after step 1 is the best; two worse ones end it"
    assert stop.best_score == pytest.approx(0.4)
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["step=1.ckpt"]


class Hanging:
    """An MLflow that does not answer until it may, and one that refuses."""

    def __init__(self, error=None):
        self.may, self.error, self.sent = threading.Event(), error, []

    def get_metric_history(self, run_id, name):
        return []

    def log_batch(self, run_id, metrics):
        if self.error is not None:
            raise self.error
        self.may.wait(60)
        self.sent.append(metrics[0].step)


def test_an_mlflow_that_hangs_or_fails_stops_nothing_and_loses_nothing(monkeypatch, capfd):
    monkeypatch.setattr(logs, "PATIENCE", 0.05)
    log, server = logs.Log(), Hanging()
    for step in (1, 2, 2):
        log.into(server, "run", {"rnaexp/seconds": 1.0}, step)
    assert server.sent == []
    assert capfd.readouterr().err.count("training goes on, it is sent in the background") == 3
    server.may.set()
    log._late.result(60)
    assert (server.sent, log.failed) == ([1, 2], 0), "a step once"
    log.into(Hanging(OSError("refused")), "other", {"rnaexp/seconds": 1.0}, 3)
    assert "MLflow did not take step 3, training goes on: refused" in capfd.readouterr().err
    assert log.failed == 1


def test_what_is_wrong_is_said_before_training_begins():
    with pytest.raises(InputError, match="no set and no file or folder is named 'typo'"):
        Probe(LETTERS, test="typo")
    with pytest.raises(InputError, match="every=-1"):
        Probe(LETTERS, every=-1)


def test_lightning_does_not_own_the_callers_network():
    """It moves its modules to the CPU when it is done: the caller's would be gone from its device."""
    encoder = rnaexp.wrap(network(), LETTERS, name="mine")
    assert list(Reading(Reader(encoder, None, None, {}, None)).parameters()) == []
    assert list(Reading(Reader(rnaexp.load("lm-nano", device="cpu"), None, None, {}, None)).parameters())


def test_figures_go_into_the_run_that_is_open(sets, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "PATIENCE", 600.0)  # the first run makes its store
    mlflow.set_tracking_uri("sqlite:///own.db")
    try:
        with mlflow.start_run() as run:
            probe = Probe(LETTERS, **sets)
            for step in (0, 1):
                probe(network(), step)
        logged = mlflow.MlflowClient("sqlite:///own.db").get_metric_history(run.info.run_id, "rnaexp/pairs/f1")
        assert [each.step for each in logged] == [0, 1]
        assert logged[0].value == probe.history["rnaexp/pairs/f1"].iloc[0]
    finally:
        mlflow.set_tracking_uri(None)
