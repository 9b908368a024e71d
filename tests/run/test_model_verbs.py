"""`rnaexp models check` and `convert`, on checkpoints in their authors' layouts."""

import argparse
import json
import os
import subprocess
import sys

import pytest
import torch

from rnaexp.models import load, names
from rnaexp.models.fair_esm import RNA_FM
from rnaexp.models.nucleotide_transformer import ADAPTER as NT
from rnaexp.rna import Rna
from tests.command import answer, inside
from tests.models.conftest import write_bert
from tests.models.test_mosaic_bert import folder as dnabert_2_folder  # noqa: F401

SIZES = {"encoder_layers": 2, "encoder_embed_dim": 24, "encoder_attention_heads": 3, "encoder_ffn_embed_dim": 48}
RNA = Rna(id="r", sequence="GGGAAACUCGAUUGCAUCCGAAAGAGUUCC")


@pytest.fixture(scope="module")
def authors_file(tmp_path_factory):
    """RNA-FM's layout: a pickled namespace of sizes beside the tensors, both under fairseq's names."""
    path = tmp_path_factory.mktemp("rna-fm") / "RNA-FM_pretrained.pth"
    ours = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 48}
    network = RNA_FM.build(RNA_FM.completed({**ours, "max_position_embeddings": 66}), seed=2)
    state = {RNA_FM.named(key): tensor for key, tensor in network.state_dict().items()}
    torch.save({"args": argparse.Namespace(**SIZES, token_dropout=True), "model": state}, path)
    return path


def maps(name, **where):
    return torch.stack([layer.clone() for layer in load(name, device="cpu", **where).attention(RNA)])


def test_check_says_what_was_loaded_and_what_it_needs(authors_file, tmp_path):
    told = answer(inside("models", "check", "rna-fm", "--weights", authors_file, "--json", cwd=tmp_path))
    encoder = load("rna-fm", weights=authors_file, device="cpu")
    assert told["parameters"] == sum(parameter.numel() for parameter in encoder.network.parameters())
    wanted = {"name": "rna-fm", "layers": 2, "heads": 3, "width": 24, "proof": "golden", "maps_finite": True}
    assert wanted.items() <= told.items()
    assert told["fingerprint"] == encoder.fingerprint
    assert told["memory_for_500_bases_mb"] >= 2 * 3 * 500**2 * 4 / 1e6
    shown = inside("models", "check", "rna-fm", "--weights", authors_file, cwd=tmp_path)
    assert "revision                 unknown" in shown.stdout


@pytest.mark.fault
def test_check_refuses_what_does_not_fit_and_what_gives_no_numbers(authors_file, tmp_path):
    other = tmp_path / "other.pth"
    torch.save({"model": {"embed_tokens.weight": torch.zeros(25, 24)}}, other)
    done = inside("models", "check", "rna-fm", "--weights", other, cwd=tmp_path)
    assert done.returncode == 65
    assert "weights do not fit the model; missing:" in done.stderr
    held = torch.load(authors_file, weights_only=False)
    held["model"]["layers.0.fc1.weight"][0, 0] = float("nan")
    torch.save(held, tmp_path / "nan.pth")
    done = inside("models", "check", "rna-fm", "--weights", tmp_path / "nan.pth", cwd=tmp_path)
    assert (done.returncode, "rna-fm: these weights give no finite numbers" in done.stderr) == (65, True)


def test_convert_writes_safetensors_that_load_alone_with_equal_maps(authors_file, tmp_path):
    told = answer(
        inside("models", "convert", "rna-fm", "--weights", authors_file, "--out", "out", "--json", cwd=tmp_path)
    )
    assert told == {"name": "rna-fm", "path": "out", "outputs_equal": True}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.safetensors", "config.json"}
    assert json.loads((tmp_path / "out" / "config.json").read_text())["num_attention_heads"] == 3
    assert torch.equal(maps("rna-fm", weights=tmp_path / "out"), maps("rna-fm", weights=authors_file))


def test_convert_takes_a_vocabulary_and_a_tokenizer_along(dnabert_2_folder, tmp_path):  # noqa: F811
    network = NT.build({"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32})
    state = {NT.named(key): tensor for key, tensor in network.state_dict().items()}
    nt = tmp_path / "nt"
    nt.mkdir()
    torch.save(state, nt / "pytorch_model.bin")
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32}
    (nt / "config.json").write_text(json.dumps({**sizes, "model_type": "esm"}))
    specials = ["<unk>", "<pad>", "<mask>", "<cls>"]
    (nt / "vocab.txt").write_text("\n".join([*specials, *sorted(NT.tokens.ids, reverse=True), "<eos>", "<bos>"]))
    for name, folder in (("nt-v2-50m", nt), ("dnabert-2", dnabert_2_folder)):
        answer(inside("models", "convert", name, "--weights", folder, "--out", name, "--json", cwd=tmp_path))
        assert torch.equal(maps(name, weights=tmp_path / name), maps(name, weights=folder))


def test_convert_of_a_transformers_folder_is_opened_by_transformers(tmp_path):
    folder = write_bert(tmp_path / "bert", list("NACGU"))
    answer(inside("models", "convert", str(folder), "--out", "out", "--json", cwd=tmp_path))
    assert torch.equal(maps(str(tmp_path / "out")), maps(str(folder)))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("viennarna", "--out", "new"), 65, "viennarna has no weights to convert"),
        (("rna-msm", "--out", "new"), 69, "or give --weights"),
        (("rnabert", "--out", "full"), 65, "not empty; give a new folder"),
    ],
)
def test_convert_refuses_what_it_cannot_do(words, code, said, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    done = inside("models", "convert", *words, cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"


def test_the_list_holds_every_row_for_people_and_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    shown = inside("models", "list", cwd=tmp_path).stdout
    told = answer(inside("models", "list", "--json", cwd=tmp_path))["models"]
    assert [row["name"] for row in told] == list(names())
    by_name = {row["name"]: row for row in told}
    lines = {line.split("│")[1].strip(): line for line in shown.splitlines() if line.startswith("│")}
    assert set(by_name) <= set(lines)
    headings = [each.strip() for each in next(line for line in shown.splitlines() if "┃ name" in line).split("┃")]
    row = {name: dict(zip(headings, map(str.strip, line.split("│")), strict=True)) for name, line in lines.items()}
    for name, cells in {
        "hyenadna-tiny": ["2", "none", "128", "1024"],
        "nt-v2-250m": ["unknown", "unknown", "unknown", "12282"],
        "msm-nano": ["2", "2", "64", "unknown"],
    }.items():
        assert [row[name][column] for column in ("layers", "heads", "width", "max_bases")] == cells
    assert {name: row[name]["proof_state"] for name in ("viennarna", "mp-rna", "rnabert")} == {
        "viennarna": "none needed",
        "mp-rna": "unproven",
        "rnabert": "golden",
    }
    assert by_name["hyenadna-tiny"]["has_attention"] is False
    assert by_name["nt-v2-250m"]["layers"] is None


@pytest.mark.parametrize("name", ["protrna", "evo-2-7b", "evo-1-8k"])
def test_what_cannot_be_had_is_shown_and_says_what_to_do_with_69(name, tmp_path):
    assert inside("models", "show", name, cwd=tmp_path).returncode == 0
    for verb in (
        ("models", "fetch", name),
        ("models", "check", name),
        ("run", "--model", name),
        ("embed", "x.fa", "--model", name),
    ):
        (tmp_path / "x.fa").write_text(">a\nACGU\n")
        done = inside(*verb, cwd=tmp_path)
        assert done.returncode == 69
        assert "rnaexp score --" in done.stderr


def test_a_reader_who_has_read_enough_is_no_fault():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "rnaexp", "models", "list"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "fault" not in done.stderr
    assert "Traceback" not in done.stderr
