"""The whole task as a user runs it, on a toy whose answer is known, and what keeps it apart from base pairs."""

import pandas as pd
import pytest

from rnaexp import models
from rnaexp.models.fair_esm import ESM2, RESM
from rnaexp.report.leaderboard_rows import leaderboard_rows
from rnaexp.rna import AMINO_ACIDS, Protein, Rna

from ..command import answer, runs
from ..command import inside as rnaexp
from .toy import File, chain, random_sequence

PLANTED = ("run", "--model", "planted", "--config", "planted.json", "--protocol", "contacts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("work")
    (place / "planted.json").write_text('{"noise": 0.1, "hub_share": 0.1, "pair_share": 0.5}')
    (place / "set").mkdir()
    (place / "other").mkdir()
    for at in range(9):
        where = place / ("other" if at == 8 else "set")
        lost = {0, 1, 30} if at % 2 else {5}
        atoms, names = chain(
            "A", random_sequence(60 + 3 * at, 50 + at), at, lost=lost, crowding=15
        )  # few contacts a residue
        file = File({"A": names}, [atoms])
        (where / f"p{at}.{'cif' if at % 3 else 'pdb'}").write_text(file.mmcif() if at % 3 else file.pdb())
    return place


def test_planted_contacts_are_found_and_nothing_is_taken_for_base_pairs(folder):
    found = answer(rnaexp(*PLANTED, "--test", "set", "--json", cwd=folder))
    figures = found["structure"]
    assert (found["task"], found["proof"]) == ("contacts", "unproven")
    assert found["tags"][0].startswith("unproven: no set of proteins ships with rnaexp")
    assert (figures["f1"], figures["validation_f1"], figures["layer"], figures["head"]) == (1.0, 1.0, 1, 2)
    assert (figures["rnas"], figures["clusters"], figures["coverage"]) == (4, 4, 1.0)
    assert (found["validation"], found["test"]) == ("set-validation", "set-test")
    assert found["protocol"].items() >= {"name": "contacts", "min_separation": 6, "pairs": "contacts"}.items()
    # A perfect ranking: as many right as there are contacts, of the L best that the range has.
    assert 0 < figures["long_p_at_l"] <= figures["long_p_at_l2"] <= figures["long_p_at_l5"] <= 1
    assert figures["long_p_at_l5"] == 1.0

    parent = next(run for run in runs(folder) if run[3] == found["run_id"])
    assert parent[2] == "FINISHED"
    assert parent[5].items() >= {"contacts.f1": 1.0, "contacts.long_p_at_l5": 1.0}.items()
    assert parent[4].items() >= {"protocol": "contacts", "proof": "unproven", "test": "set-test"}.items()
    assert not [name for *_, metrics in runs(folder) for name in metrics if name.startswith("structure.")]

    other = rnaexp("structure", "--model", "planted", "--config", "planted.json", "--test", "other",
                   "--tuned", found["run_id"], "--json", cwd=folder)  # fmt: skip
    assert answer(other)["structure"]["f1"] == 1.0
    again = rnaexp("structure", "--model", "planted", "--config", "planted.json", "--test", "set",
                   "--tuned", found["run_id"], cwd=folder)  # fmt: skip
    assert again.returncode == 65
    assert "was tuned on (in set-validation)" in again.stderr

    (folder / "mine.fa").write_text(">a\nGGGGAAAACCCC\n")
    for words, code, said in (
        (("predict", "--model", "planted", "mine.fa"), 69, "no tuned head of planted"),
        (("predict", "--model", "planted", "--tuned", found["run_id"], "mine.fa"), 65, "tuned on contacts of proteins"),
        (("register", found["run_id"]), 65, "a head of contacts in proteins; heads of base pairs are registered"),
        (("compare",), 65, "no finished runs"),
    ):
        done = rnaexp(*words, cwd=folder)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "rnabert", "--test", "set"), "rnabert does not read proteins; contacts are measured of esm2-8m"),
        (("--model", "untrained:rna-fm", "--test", "set"), "untrained:rna-fm does not read proteins"),
        (("--model", "viennarna", "--test", "set"), "viennarna does not read proteins"),
        (("--model", "canonical", "--test", "set"), "canonical does not read proteins"),
        (("--model", "distance"), "no set of proteins ships with rnaexp"),
        (("--model", "distance", "--test", "spot-rna-ts1"), "spot-rna-ts1 is a set of RNAs"),
        (("--model", "distance", "--test", "set", "--validation", "spot-rna-vl1"), "spot-rna-vl1 is a set of RNAs"),
        (("--model", "distance", "--test", "set", "--pairs", "canonical"), "two tasks"),
        (("--model", "distance", "--test", "set", "--register"), "--register"),
        (("--model", "distance", "--test", "other"), "one cluster of relatives"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(folder, words, said):
    done = rnaexp("run", "--protocol", "contacts", *words, cwd=folder)
    assert done.returncode == 65
    assert said in done.stderr


def test_base_pairs_are_not_asked_of_proteins(folder):
    done = rnaexp("run", "--model", "distance", "--test", "set", "--validation", "set", cwd=folder)
    assert done.returncode == 65
    assert "proteins are read under --protocol contacts" in done.stderr
    done = rnaexp("run", "--model", "distance", "--pairs", "contacts", cwd=folder)
    assert done.returncode == 2
    assert "'contacts' is not one of 'all', 'canonical'" in done.stderr


def test_a_question_asks_many_models_and_declares_contrasts(folder):
    (folder / "question.toml").write_text(
        'title = "Contacts"\nmodels = ["planted", "distance", "random"]\nfamilies = "builtin"\n'
        'sets = [{ validation = "other", test = "set" }]\nprotocols = [{ name = "contacts" }]\n'
        'contrasts = [{ model = "planted", against = "distance" }]\n'
    )
    done = rnaexp("run", "question.toml", "--json", cwd=folder)
    found = answer(done)
    f1 = {run["model"]: run["structure"]["f1"] for run in found["runs"]}
    assert set(f1) == {"planted", "distance", "random"}
    assert f1["planted"] > max(value for name, value in f1.items() if name != "planted")
    assert found["contrasts"][0]["difference"] == pytest.approx(f1["planted"] - f1["distance"])
    assert {run["validation"] for run in found["runs"]} == {"other"}
    shown = rnaexp("run", *PLANTED[1:], "--test", "set", cwd=folder)
    assert "long P@L" in shown.stdout
    assert "ESM2 15B F1 0.675" in " ".join(shown.stdout.split())
    assert "RNAs" not in shown.stdout + shown.stderr


def test_a_model_of_proteins_and_its_probe_run_to_the_end(folder):
    (folder / "tiny.json").write_text('{"encoder_layers": 2, "encoder_embed_dim": 24, "encoder_attention_heads": 3}')
    for model in ("untrained:esm2-8m", "fitted:untrained:esm2-8m"):
        done = rnaexp(
            "run",
            "--model",
            model,
            "--config",
            "tiny.json",
            "--protocol",
            "contacts",
            "--test",
            "set",
            "--json",
            cwd=folder,
        )
        found = answer(done)
        assert 0 < found["structure"]["f1"] < 0.3
        assert found["structure"]["coverage"] == 1
        assert found["proof"] == "unproven"


def test_a_run_of_contacts_stands_on_no_board_of_rnas():
    row = {"run_id": "r", "name": "m", "status": "FINISHED", "started": pd.Timestamp(0, tz="UTC")}
    row |= {"params.model": "m", "params.test": "ts", "params.protocol": "paper", "metrics.structure.f1": 0.9}
    assert len(leaderboard_rows(pd.DataFrame([row]))) == 1
    both = pd.DataFrame([row, row | {"run_id": "s", "params.test": "set", "tags.rnaexp.task": "contacts"}])
    assert leaderboard_rows(both)["run_id"].tolist() == ["r"]


def test_esm2_reads_a_protein_by_its_own_letters_and_an_rna_as_ever():
    tokens = ESM2.tokens
    sequence = AMINO_ACIDS + "X"
    protein = tokens.encode(Protein(id="p", sequence=sequence))
    order = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
    assert [order[token] for token in protein.ids] == ["<cls>", *sequence, "<eos>"]
    assert protein.spans[1:-1] == tuple((at, at + 1) for at in range(21))
    assert tokens.encode(Rna(id="r", sequence="ACGUN")).ids == tuple(map(order.index, ["<cls>", *"ACGUN", "<eos>"]))
    # What was stored of RNAs is found again: the fingerprint is that of the letters of RNAs, as it was.
    assert tokens.fingerprint() == "13503b3f8417077060af69758c1245d54b040d460c114a25b566ef094c987d2d"
    for other in (RESM.tokens, models.load("untrained:rnabert", device="cpu").tokens):
        with pytest.raises(ValueError, match=r"a protein; .* reads nucleic acids"):
            other.encode(Protein(id="p", sequence="ACG"))
