"""Composition as a control, families that a model has not seen, and homologs that words no longer recognise."""

import numpy as np
import pytest

from rnaexp.classify.controls import homologous_sample, other_sample
from rnaexp.classify.measure import Design
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.clusters import sequence_identity
from rnaexp.data.families import Selection, load_families
from rnaexp.reading.store import Store
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.record import as_frame, as_json
from rnaexp.tasks.families.settings import ClassifyTask
from tests.classify.test_classification_job import mutated

SEEN, UNSEEN = ("RF00013", "RF00014", "RF00016"), ("RF00003", "RF00005", "RF00012")
FEW = Design(resamples=20, permutations=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Families named by accessions, of near and far members and each of its own composition."""
    folder, rng = tmp_path_factory.mktemp("families") / "fams", np.random.default_rng(0)
    folder.mkdir()
    for at, name in enumerate((*SEEN, *UNSEEN)):
        first = "".join(rng.choice(list("ACGU"), 60, p=np.roll([0.4, 0.3, 0.2, 0.1], at)))
        members = [mutated(rng, first, share) for share in (0.2, 0.25, 0.3, 0.6, 0.65, 0.7)]
        text = "".join(f">r{number}\n{member}\n" for number, member in enumerate(members))
        (folder / f"{name}.fasta").write_text(text)
    return folder


@pytest.fixture
def found(folder, tmp_path, announce):
    def run(model, **fields):
        protocol = EmbeddingProtocol(identity=1.0, **fields)
        task = ClassifyTask(model=model, families=str(folder), protocol=protocol, loading={"device": "cpu"}, design=FEW)
        return classify(task, Store(tmp_path / "store"), announce)

    return run


@pytest.mark.parametrize(("model", "k"), [("1-mer", 1), ("2-mer", 2), ("3-mer-centred", 3)])
def test_words_are_counted_and_centred_where_they_say_so(found, model, k):
    result = found(model)
    words = sorted({rna.sequence[at : at + k] for rna in result.rnas for at in range(len(rna) - k + 1)})
    rows = [[sum(r.sequence[at : at + k] == w for at in range(len(r) - k + 1)) for w in words] for r in result.rnas]
    counts = np.array(rows, float)
    if "centred" in model:
        counts = counts - counts.mean(0)
    expected = counts / np.sqrt((counts**2).sum(1, keepdims=True))
    np.testing.assert_allclose(result.vectors @ result.vectors.T, expected @ expected.T, atol=1e-5)


def test_families_that_a_model_was_trained_on_are_left_out_unless_it_is_said(found):
    for model, unseen_by, left in (
        ("lm-nano", "auto", UNSEEN),
        ("untrained:lm-nano", "auto", UNSEEN),
        ("lm-nano", "none", (*SEEN, *UNSEEN)),
        ("1-mer", "auto", (*SEEN, *UNSEEN)),
        ("1-mer", "lm-nano", UNSEEN),
    ):
        result = found(model, unseen_by=unseen_by)
        assert {rna.family for rna in result.rnas} == set(left), (model, unseen_by)
        apart = left == UNSEEN
        assert ("unseen by lm-nano" in result.data.name) == apart, "another set has another name"
        assert result.data.left_out.get("families that lm-nano was trained on", 0) == 3 * apart


@pytest.mark.parametrize("model", ["2-mer", "identity"])
def test_remote_homologs_are_those_under_the_identity_and_nothing_else_changes(found, model):
    plain, result = found(model), found(model, below_identity=0.6)
    assert plain.remote is None
    assert plain.every.overlaps == result.every.overlaps
    order, rnas = result.layout, result.rnas
    own, others = (draw(order, None, 4000, 0) for draw in (homologous_sample, other_sample))

    def identity(i, j, known={}):  # noqa: B006  # each pair is aligned once
        if (i, j) not in known:
            known[i, j] = sequence_identity(rnas[i].sequence, rnas[j].sequence)
        return known[i, j]

    def similarity(i, j):
        return identity(i, j) if model == "identity" else float(result.vectors[i] @ result.vectors[j])

    far = [tuple(pair) for pair in own.tolist() if identity(*sorted(pair)) < 0.6]
    assert 0 < len(far) < len(own)
    assert result.remote.kept == pytest.approx(len(far) / len(own))
    mine = np.array([similarity(*sorted(pair)) for pair in far])
    theirs = np.array([similarity(*sorted(pair)) for pair in others.tolist()])
    above = (mine[:, None] > theirs).mean() + (mine[:, None] == theirs).mean() / 2
    assert result.remote.auroc.value == pytest.approx(above, abs=result.remote.auroc.error + 0.005)
    assert result.remote.auroc.value < result.every.auroc.value, "the easy pairs are gone"
    table = as_frame([as_json(result, None)]).set_index("pairs")
    assert table.loc["homologs under 60% identity", "auroc"] == pytest.approx(result.remote.auroc.value, abs=1e-6)


def test_a_family_left_out_is_counted_as_if_its_members_had_been_chosen(tmp_path):
    """Of such a family only two members are looked for: enough to know in which of the two counts it belongs."""
    rng = np.random.default_rng(1)
    for name, shares in {"few": (0, 0.02, 0.03), "seen": (0, 0.4, 0.5, 0.6), "one": (0, 0.4), "two": (0, 0.4)}.items():
        first = "".join(rng.choice(list("ACGU"), 80))
        members = [first, *(mutated(rng, first, share) for share in shares[1:])]
        (tmp_path / f"{name}.fasta").write_text("".join(f">r{at}\n{one}\n" for at, one in enumerate(members)))
    whole = load_families(str(tmp_path), Selection())
    apart = load_families(str(tmp_path), Selection(without=frozenset({"few", "seen"}), without_name="m"))
    assert {rna.family for rna in whole.rnas} == {"seen", "one", "two"}
    assert apart.rnas == tuple(rna for rna in whole.rnas if rna.family != "seen")
    assert apart.left_out == {**whole.left_out, "families that m was trained on": 1}
