"""The fine-tuning of nano: what it learns from, and what it is then measured on."""

import importlib.util
import random
from pathlib import Path

import pytest

from rnaexp.data.rfam import read_seed
from rnaexp.data.rfam_split import accession, side
from rnaexp.data.stockholm import Family
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.families import aligned
from rnaexp.rna import Rna
from tests.pretrain.seeds import seed_file

SCRIPT = Path(__file__).parents[2] / "experiments" / "pretrain" / "fine_tune.py"


@pytest.fixture(scope="module")
def fine_tune():
    spec = importlib.util.spec_from_file_location("fine_tune", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def families(tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(seed_file(tmp_path / "seed.sto")))
    return read_seed(tmp_path / "seed.sto")


def test_only_families_of_the_validation_side_that_nothing_is_tuned_or_tested_on_are_learned(
    fine_tune, families, monkeypatch
):
    class Held:
        rnas = ()

    sets = {name: Held() for name in (*fine_tune.TUNED_ON, *fine_tune.TESTED_ON)}
    monkeypatch.setattr(fine_tune, "load_set", lambda name: sets[name])
    first, second = [family for family in families if side(family) == "validation"]
    assert fine_tune.chosen(families) == [first, second]
    sets["rfam-vl"].rnas = [Rna(id="x", sequence="ACGU", cluster=accession(first))]
    assert fine_tune.chosen(families) == [second]
    # A relative of a test RNA: a copy of a long row.
    row = "".join(random.Random(0).choice("ACGU") for _ in range(80))
    long = Family(names=("a",), rows=(row,), consensus=((0, 79),), tags=dict(second.tags), source_sha256="")
    assert fine_tune.chosen([long]) == [long]
    sets["builtin-ts"].rnas = [Rna(id="y", sequence=row, cluster="other")]
    assert fine_tune.chosen([long]) == []


def test_the_pairs_taught_are_those_of_the_consensus(fine_tune, families):
    taught = fine_tune.KnownPairs(
        fine_tune.recipe(), [aligned(family) for family in families], [family.consensus for family in families]
    ).batch(0, 3)
    letters = dict(zip(LETTERS.letters[:4], "ACGU", strict=True))
    pairs = 0
    for ids, partners in zip(taught.ids[:, 0].tolist(), taught.partners.tolist(), strict=True):
        for at, partner in enumerate(partners):
            if partner > 0:
                assert partners[partner] == at
                assert {letters[ids[at]], letters[ids[partner]]} in ({"A", "U"}, {"C", "G"})  # as planted
                pairs += 1
    assert pairs == 12 * len(taught.ids), "both bases of six pairs of each row"


def test_unseen_families_are_those_of_neither_network(fine_tune, families, tmp_path, monkeypatch):
    names = [accession(family) for family in families]
    monkeypatch.setattr(fine_tune, "listed_families", lambda spec: frozenset(names[:3]))
    (tmp_path / "unseen.sto").write_text(fine_tune.unseen({names[5]}))
    kept = read_seed(tmp_path / "unseen.sto")
    assert [accession(family) for family in kept] == [name for at, name in enumerate(names) if at not in (0, 1, 2, 5)]
    assert [family.rows for family in kept[:2]] == [families[3].rows, families[4].rows]


def test_both_questions_can_be_read(fine_tune, tmp_path):
    from rnaexp.experiment.question_file import read_words

    for name, text in fine_tune.questions(tmp_path).items():
        (tmp_path / f"{name}.toml").write_text(text)
        assert read_words(tmp_path / f"{name}.toml").models[0] == "nano"
