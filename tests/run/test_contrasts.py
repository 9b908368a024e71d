import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from rnaexp.stats.paired import holm, paired_contrast
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks, choices_table, contrast_table, every_two, most_important

CLUSTERS = np.array([f"c{at // 2}" for at in range(20)])


def answer(model, f1, *, protocol="paper", alignment=None, related="drop", rnas=range(20)):
    rnas = list(rnas)
    told = {
        "model": model,
        "alignment": alignment,
        "validation": "v",
        "test": "t",
        "related": related,
        "protocol": {"name": protocol},
        "structure": {"f1": float(np.mean(f1))},
    }
    table = pd.DataFrame(
        {"rna": [f"r{at}" for at in rnas], "cluster": CLUSTERS[rnas], "f1": np.asarray(f1)[: len(rnas)]}
    )
    return Answer(record=told, f1=table)


def f1(seed, shift=0.0):
    return np.random.default_rng(seed).uniform(0.2, 0.6, 20) + shift


def test_a_contrast_is_paired_by_rna_over_those_both_scored():
    one, other = f1(0, 0.1), f1(1)
    got = contrast_table(
        [{"model": "a", "against": "b"}], [answer("a", one), answer("b", other[5:], rnas=range(5, 20))]
    )
    expected = paired_contrast((one - other)[5:], CLUSTERS[5:])
    row = got.iloc[0]
    assert (row["rnas"], row["clusters"]) == (15, len(set(CLUSTERS[5:])))
    assert row["difference"] == pytest.approx((one - other)[5:].mean())
    assert (row["low"], row["p_sign_flip"]) == (expected.difference.low, expected.p_sign_flip)


def test_holm_is_taken_over_every_declared_contrast_of_the_question():
    answers = [answer(m, f1(at, 0.04 * at), protocol=p) for at, m in enumerate("abc") for p in ("paper", "strict")]
    got = contrast_table([{"model": "c", "against": "a"}, {"model": "b", "against": "a"}], answers)
    assert len(got) == 4
    assert got["p_holm"].tolist() == holm(got["p_sign_flip"].tolist())
    assert (got["p_holm"] >= got["p_sign_flip"]).all()


def test_an_alteration_of_the_alignment_is_a_side_of_its_own():
    answers = [answer("m", f1(0, 0.2), alignment="intact"), answer("m", f1(0), alignment="shuffled")]
    got = contrast_table([{"model": "m", "against": "m", "against_alignment": "shuffled"}], answers).iloc[0]
    assert (got["model"], got["against"]) == ("m", "m (shuffled)")
    assert got["difference"] == pytest.approx(0.2)


def test_contrasts_of_models_come_first_and_two_controls_are_set_against_each_other_only_alone():
    named = [answer(name, f1(at)) for at, name in enumerate(("stems", "lm-nano", "untrained:lm-nano", "own", "kernel"))]
    pairs = [(each["model"], each["against"]) for each in every_two(named)]
    controls = ("stems", "untrained:lm-nano", "kernel")
    wanted = [{"lm-nano", "own"}, *({model, one} for model in ("lm-nano", "own") for one in controls)]
    assert set(pairs[0]) == wanted[0]
    assert sorted(map(sorted, pairs)) == sorted(map(sorted, wanted))
    alone = every_two([one for one in named if one.who[0] in controls])
    assert len(alone) == 3


def test_models_are_ranked_only_among_answers_to_the_same_question():
    answers = [answer("a", f1(0, 0.3)), answer("b", f1(1)), answer("a", f1(2), protocol="strict")]
    add_ranks(answers)
    assert [a.record["structure"].get("rank") for a in answers] == [1.0, 2.0, None]
    assert answers[0].record["structure"]["rank_high"] == 1.0


def test_choices_compare_each_variant_with_the_first_one_asked():
    before, after = [0.6, 0.4, 0.2, 0.1], [0.5, 0.1, 0.3, 0.15]
    answers = [
        answer(model, np.full(20, value), protocol=protocol)
        for protocol, values in (("paper", before), ("paper:averaging=pooled", after))
        for model, value in zip("abcd", values, strict=True)
    ]
    answers += [answer(m, np.full(20, v), related="keep") for m, v in zip("abcd", before, strict=True)]
    got = choices_table(answers)
    assert got["choice"].tolist() == ["paper:averaging=pooled", "paper, related keep"]
    assert got["kendall_tau"].tolist() == [pytest.approx(kendalltau(before, after).statistic), 1.0]
    assert got["mean_change"].iloc[0] == pytest.approx(np.mean(np.abs(np.subtract(after, before))))
    assert got["moves_most"].tolist() == ["b by 2", "none"]
    assert "averaging=pooled" in most_important(got)


def test_two_models_have_no_order_worth_comparing():
    assert choices_table([answer(m, f1(at), protocol=p) for at, m in enumerate("ab") for p in ("x", "y")]).empty
