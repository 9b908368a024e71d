import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from rnaexp.structure.decode import one_partner
from rnaexp.structure.pairs import candidates
from rnaexp.structure.protocol import PAIR_SCORES
from rnaexp.structure.ranking import average_precision, precision_at_references
from tests.structure.examples import PAPER, random_attention, random_rna, table_of


def dense(rna, scores):
    """Every candidate's score and truth, from the list."""
    n = len(rna)
    allowed = np.flatnonzero(candidates(rna, PAPER))
    by_index = dict(zip(scores.indices[0].tolist(), scores.scores[0].tolist(), strict=True))
    known = {i * n + j for i, j in rna.pairs}
    return np.array([by_index[index] for index in allowed]), np.array([index in known for index in allowed])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rounded", [False, True])
def test_average_precision_is_scikit_learns(seed, rounded):
    rng = np.random.default_rng(seed)
    rna = random_rna(rng, 30)
    maps = random_attention(rng, 1, 30, rna, strength=2.0)
    table = table_of(rna, [(maps * 20).round() if rounded else maps], read_out=PAIR_SCORES)
    scores, truth = dense(rna, table)
    assert rounded == (len(np.unique(scores)) < len(scores) / 2), "APC would tell ties apart"
    assert average_precision(table, 0) == pytest.approx(average_precision_score(truth, scores), abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_precision_at_references_is_the_mean_over_all_orders_of_ties(seed):
    rng = np.random.default_rng(seed)
    rna = random_rna(rng, 16)
    table = table_of(rna, [(random_attention(rng, 1, 16, rna, strength=2.0) * 10).round()], read_out=PAIR_SCORES)
    scores, truth = dense(rna, table)
    cut = np.sort(scores)[::-1][truth.sum() - 1]
    assert (scores == cut).sum() > 1, "no tie at the last place"
    drawn = []
    for _ in range(4000):
        best_first = np.lexsort((rng.random(len(scores)), -scores))
        drawn.append(truth[best_first][: truth.sum()].mean())
    assert precision_at_references(table, 0) == pytest.approx(np.mean(drawn), abs=0.02)


def test_a_list_cut_before_its_last_reference_pair_has_no_average_precision():
    rng = np.random.default_rng(0)
    rna = random_rna(rng, 30)
    table = table_of(rna, [random_attention(rng, 1, 30)], depth=1)
    assert np.isnan(average_precision(table, 0))
    assert 0 <= precision_at_references(table, 0) <= 1


def test_pairs_that_the_decoder_cannot_call_count_as_missed():
    rng = np.random.default_rng(0)
    rna = random_rna(rng, 30, pairs=25)
    whole = table_of(rna, [random_attention(rng, 1, 30, rna, strength=6.0)])
    decoded = one_partner(whole, 0)
    hits = decoded.hits[0]
    plain = sum(hits[: at + 1].mean() for at in np.flatnonzero(hits)) / decoded.references
    assert average_precision(decoded, 0) == pytest.approx(plain)
    assert average_precision(decoded, 0) < average_precision(whole, 0)
    assert precision_at_references(decoded, 0) == pytest.approx(hits[: decoded.references].sum() / decoded.references)


@pytest.mark.parametrize("seed", range(6))
def test_one_partner_is_the_plain_loop_over_falling_scores(seed):
    rng = np.random.default_rng(seed)
    rna = random_rna(rng, int(rng.integers(2, 60)))
    table = table_of(rna, [random_attention(rng, 2, len(rna), rna, strength=2.0)])
    if seed % 2:  # a list that ends before its row does
        table.indices[1, len(table.indices[1]) // 2 :] = -1
    for row in range(2):
        free, places = set(range(len(rna))), []
        for place, index in enumerate(table.indices[row].tolist()):
            if index < 0:
                break
            if {index // len(rna), index % len(rna)} <= free:
                free -= {index // len(rna), index % len(rna)}
                places.append(place)
        decoded = one_partner(table, row)
        assert decoded.indices[0].tolist() == table.indices[row][places].tolist()
        assert decoded.scores[0].tolist() == table.scores[row][places].tolist()
        assert 0 < len(places) <= len(rna) // 2
