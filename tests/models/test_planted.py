import numpy as np
import pytest
import torch

from rnaexp.errors import InputError
from rnaexp.models import planted
from rnaexp.models.spec import ModelSpec
from rnaexp.rna import Rna

SPEC = ModelSpec(name="planted", title="toy", group="reference", loader="rnaexp.models.planted:load")
SEQUENCES = ("GGGCAAAGGCUAUUUUAGCCAAAAAGCCCAACGACGAGAAUCGUCG", "ACGGCUUAAGCCGUAAACCUAGGCUUUUGCCUAGGA", "GGGGAAAACCCC")


def hairpins():
    return [Rna(id=sequence, sequence=sequence, pairs=planted.stems(sequence)) for sequence in SEQUENCES]


def symmetrised(scores):
    return scores + scores.T


def corrected(scores):
    return scores - np.outer(scores.sum(1), scores.sum(0)) / scores.sum()


def found(scores, rna, min_separation=1):
    """Share of the planted pairs among as many top candidates."""
    ranked = sorted(
        ((i, j) for i in range(len(rna)) for j in range(i + min_separation, len(rna))), key=lambda at: -scores[at]
    )
    return len(set(ranked[: len(rna.pairs)]) & set(rna.pairs)) / len(rna.pairs)


def planted_map(rna, **config):
    toy = planted.load(SPEC, config=config)
    return toy.read_head(rna, toy.config.layer, toy.config.head).double().numpy()


def test_a_stem_is_found_from_the_sequence_alone():
    assert planted.stems("AGGGGAAAACCCCA") == ((1, 12), (2, 11), (3, 10), (4, 9))
    assert planted.stems("AAAAAAAA") == ()


@pytest.mark.parametrize("rna", hairpins(), ids=lambda rna: rna.id)
def test_the_planted_head_ranks_every_planted_pair_on_top(rna):
    assert found(corrected(symmetrised(planted_map(rna))), rna) == 1


def test_one_threshold_separates_planted_pairs_from_the_rest_in_every_rna():
    called, others = [], []
    for rna in hairpins():
        scores = corrected(symmetrised(planted_map(rna)))
        for i in range(len(rna)):
            for j in range(i + 1, len(rna)):
                (called if (i, j) in rna.pairs else others).append(scores[i, j])
    assert min(called) > max(others) + 0.05


@pytest.mark.parametrize("rna", hairpins(), ids=lambda rna: rna.id)
@pytest.mark.parametrize(
    "mutated",
    [corrected, symmetrised, lambda scores: corrected(symmetrised(np.roll(scores, 1, (0, 1))))],
    ids=["no symmetrising", "no APC", "shifted by one"],
)
def test_leaving_out_a_step_hides_the_pairs(rna, mutated):
    assert found(mutated(planted_map(rna)), rna) < 0.5


@pytest.mark.parametrize("strip", [(0, 2), (2, 0)])
def test_special_tokens_cut_off_by_one_hide_the_pairs(strip):
    rna = hairpins()[0]
    assert found(corrected(symmetrised(planted_map(rna, strip=strip))), rna) < 0.5


def test_no_other_head_holds_the_pairs():
    rna, toy = hairpins()[0], planted.load(SPEC)
    shares = [[found(corrected(symmetrised(m)), rna) for m in layer.double().numpy()] for layer in toy.attention(rna)]
    assert np.argwhere(np.array(shares) > 0.5).tolist() == [[toy.config.layer, toy.config.head]]


def test_rows_of_a_raw_map_sum_to_one_and_the_answer_stands_below_the_diagonal():
    rna, toy = hairpins()[0], planted.load(SPEC)
    raw = toy.raw_layer(rna, toy.config.layer)
    torch.testing.assert_close(raw.sum(-1), torch.ones(toy.heads, len(rna) + 2))
    i, j = rna.pairs[0]
    assert raw[toy.config.head, j + 1, i + 1] > 0.3 > raw[toy.config.head, i + 1, j + 1]


def test_a_reference_is_planted_unless_the_sequence_is_asked_for():
    rna = Rna(id="x", sequence="GGGGAAAACCCC", pairs=((0, 7),))
    assert planted.load(SPEC).answer(rna) == ((0, 7),)
    assert planted.load(SPEC, config={"answer": "stems"}).answer(rna) == planted.stems(rna.sequence)
    assert planted.load(SPEC).answer(Rna(id="y", sequence=rna.sequence)) == planted.stems(rna.sequence)


def test_a_base_with_two_partners_attends_to_both():
    rna = Rna(id="x", sequence="GGGGAAAACCCC", pairs=((0, 11), (1, 11)))
    head = planted_map(rna)
    assert head[11, 0] > 0.15
    assert head[11, 1] > 0.15


def test_maps_depend_on_nothing_but_seed_and_sequence():
    rna, toy = hairpins()[0], planted.load(SPEC, seed=3)
    again, other = planted.load(SPEC, config={"seed": 3}), planted.load(SPEC, seed=4)
    seen = {}
    toy.read_attention([*hairpins()[::-1], rna], lambda index, layer, maps: seen.update({(index, layer): maps}))
    for layer, maps in enumerate(again.attention(rna)):
        assert torch.equal(seen[2, layer], maps)
        assert torch.equal(seen[3, layer], maps)
        assert torch.equal(again.read_head(rna, layer, 1), maps[1])
    assert toy.fingerprint == again.fingerprint != other.fingerprint
    assert not torch.equal(other.read_head(rna, 0, 0), toy.read_head(rna, 0, 0))
    assert not torch.equal(toy.read_head(rna, 2, 0), toy.read_head(rna, 0, 0))


def test_a_masked_base_is_predicted_from_its_visible_partner_only():
    rna, toy = Rna(id="x", sequence="GGGGAAAACCCC"), planted.load(SPEC)
    assert toy.log_probabilities(rna, [0])[0].exp().tolist() == pytest.approx([0.05, 0.05, 0.85, 0.05])
    torch.testing.assert_close(toy.log_probabilities(rna, [0, 11]).exp(), torch.full((2, 4), 0.25))
    assert toy.embed([rna, rna])[1].shape == (12, toy.config.width)


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="'leyers'"):
        planted.load(SPEC, config={"leyers": 3})
    with pytest.raises(ValueError, match="outside 3 layers"):
        planted.load(SPEC, config={"layer": 3})
