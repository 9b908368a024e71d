import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, silhouette_samples

from rnaexp.classify.embed import unit
from rnaexp.classify.families import family_similarity, family_table, silhouettes
from rnaexp.classify.layout import MOST_UNITS, layout
from rnaexp.classify.matching import DIFFERENCES, Matching, length_matching
from rnaexp.classify.overlap import auroc, overlap
from rnaexp.classify.resample import _redrawn, family_bootstrap, length_groups, paired_overlap, permuted
from rnaexp.classify.similarity import count_pairs, spread
from tests.classify import oracle

BINS = 20


def example(seed=0, rnas=90, families=12, signal=0.6):
    rng = np.random.default_rng(seed)
    member = rng.permutation(np.r_[0, 0, rng.integers(families, size=rnas - 2)])
    vectors = unit(signal * rng.normal(size=(families, 16))[member] + rng.normal(size=(rnas, 16)))
    names = [f"f{at}" for at in member]
    clans = [f"c{int(name[1:]) // 2}" if int(name[1:]) < 6 else name for name in names]
    lengths = [int(length) for length in rng.integers(40, 60, rnas) + 3 * np.array([int(n[1:]) for n in names])]
    return vectors, names, clans, lengths


def counted(vectors, place, **more):
    sorted_vectors = vectors[place.order]
    return count_pairs(sorted_vectors, place, spread=spread(sorted_vectors), bins=BINS, **more)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Many blocks even of a few RNAs, so that their edges are crossed everywhere."""
    monkeypatch.setattr("rnaexp.classify.similarity._ROWS", 16)
    monkeypatch.setattr("rnaexp.classify.similarity._COLUMNS", 24)
    monkeypatch.setattr("rnaexp.classify.similarity._LANES", 16)


@pytest.mark.parametrize("clans_count", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_counting_in_blocks_agrees_with_a_loop_over_pairs(clans_count, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    vectors, names, clans, _ = example()
    clans = clans if clans_count else None
    place = layout(names, clans)
    counts = counted(vectors, place)
    a, wa, b, wb = oracle.weighted_pairs(vectors, names, clans)
    edges = np.linspace(counts.low, counts.high, len(counts.homologous) + 1)
    for mass, values, weights in ((counts.homologous, a, wa), (counts.non_homologous, b, wb)):
        assert mass.sum() == pytest.approx(weights.sum())
        known = np.histogram(values.clip(edges[0], edges[-1]), edges, weights=weights)[0]
        assert np.abs(np.cumsum(mass - known)).max() < 0.01 * weights.sum(), "a value may round over an edge, no more"
    assert counts.squares == pytest.approx([(wa**2).sum(), (wb**2).sum()])
    assert counts.between.sum() == pytest.approx(counts.non_homologous.sum(), rel=1e-5)
    assert counts.within.sum() == pytest.approx(counts.homologous.sum())
    assert counts.outside[0] <= 1
    densities = counts.densities
    known = oracle.overlap(a, wa, b, wb, (counts.low, counts.high), BINS)
    assert overlap(densities, estimator="histogram", bins=BINS) == pytest.approx(known, abs=2e-3)
    area = roc_auc_score(np.repeat([1, 0], [len(a), len(b)]), np.r_[a, b], sample_weight=np.r_[wa, wb])
    assert auroc(densities).value == pytest.approx(area, abs=auroc(densities).error + 1e-6)


def test_the_order_of_rnas_changes_nothing():
    vectors, names, clans, lengths = example()
    shuffled = np.random.default_rng(9).permutation(len(names))
    place, again = layout(names, clans), layout([names[at] for at in shuffled], [clans[at] for at in shuffled])
    one, two = counted(vectors, place), counted(vectors[shuffled], again)
    assert two.homologous == pytest.approx(one.homologous)
    assert two.between == pytest.approx(one.between, rel=1e-4, abs=1e-6)
    matched = length_matching(lengths, place), length_matching([lengths[at] for at in shuffled], again)
    assert matched[0].non_homologous == pytest.approx(matched[1].non_homologous)


def test_the_parts_of_several_processes_add_up():
    vectors, names, clans, _ = example(rnas=130)
    place = layout(names, clans)
    whole = counted(vectors, place)
    parts = [counted(vectors, place, part=(at, 3)) for at in range(3)]
    parts[0].add(parts[1])
    parts[0].add(parts[2])
    for name in ("homologous", "non_homologous", "within", "between", "squares", "best_same", "best_other"):
        assert getattr(parts[0], name) == pytest.approx(getattr(whole, name), rel=1e-5), name
    assert parts[1].homologous.sum() < whole.homologous.sum()


def test_every_rna_finds_its_nearest_of_both_kinds():
    vectors, names, clans, _ = example()
    place = layout(names, clans)
    counts = counted(vectors, place)
    best = {True: [-2.0] * len(names), False: [-2.0] * len(names)}
    for i, j, own in oracle.pairs(names, clans):
        cosine = float(vectors[i] @ vectors[j])
        for each in (i, j):
            best[own][each] = max(best[own][each], cosine)
    assert counts.best_same == pytest.approx(np.array(best[True])[place.order], abs=1e-6)
    assert counts.best_other == pytest.approx(np.array(best[False])[place.order], abs=1e-6)
    table = family_table(vectors[place.order], place, counts).set_index("family")
    for name in set(names):
        mine = [at for at, other in enumerate(names) if other == name]
        right = [best[True][at] > best[False][at] for at in mine]
        assert table.loc[name, "nearest_is_own"] == pytest.approx(np.mean(right))


@pytest.mark.parametrize("rnas", [75, 81])  # 81: the last stands alone in its block
def test_the_range_is_that_of_all_pairs_or_of_a_stated_sample(rnas):
    vectors, *_ = example(rnas=rnas)
    cosines = (vectors.astype(np.float64) @ vectors.T)[np.triu_indices(rnas, 1)]
    assert spread(vectors) == pytest.approx((cosines.min(), cosines.max()), abs=1e-6)
    low, high = spread(vectors, at_most=20)
    assert cosines.min() <= low < high <= cosines.max()


def test_the_range_of_matched_pairs_is_theirs_alone():
    vectors, names, *_ = example(rnas=75)
    place = layout(names)
    vectors = vectors[place.order]
    vectors[1] = vectors[0]  # the most similar two, of lengths that do not match
    lengths = np.arange(75, dtype=np.int64) % 2
    alike = Matching(length_class=lengths, homologous=np.eye(2), non_homologous=np.eye(2), kept=1.0)
    left, right = np.triu_indices(75, 1)
    cosines = (vectors.astype(np.float64) @ vectors.T)[left, right][lengths[left] == lengths[right]]
    assert spread(vectors, alike) == pytest.approx((cosines.min(), cosines.max()), abs=1e-6)


def test_a_quarter_without_a_pair_of_like_lengths_leaves_the_range_of_all_cosines():
    vectors, names, *_ = example(rnas=75)
    place = layout(names)
    none = np.zeros((1, 1))
    apart = Matching(length_class=np.zeros(75, np.int64), homologous=none, non_homologous=none, kept=0.0)
    assert spread(vectors[place.order], apart, at_most=20) == (-1, 1)


def test_only_the_table_of_units_is_missing_where_it_is_not_asked_for():
    vectors, names, clans, _ = example()
    place = layout(names, clans)
    whole, lean = counted(vectors, place), counted(vectors, place, by_unit=False)
    assert lean.between.size == 0
    assert list(lean.between_rows()) == []
    for name in ("homologous", "non_homologous", "within", "squares", "outside", "best_same", "best_other"):
        assert np.array_equal(getattr(lean, name), getattr(whole, name)), name


def test_the_table_of_units_holds_each_pair_of_families_once():
    vectors, names, clans, _ = example()
    place = layout(names, clans)
    known = np.zeros((place.units, place.units))
    rank = {place.names[f]: int(u) for f, u in zip(place.family, place.unit, strict=True)}
    sizes = {name: names.count(name) for name in names}
    for i, j, own in oracle.pairs(names, clans):
        if not own:
            x, y = sorted((rank[names[i]], rank[names[j]]))
            known[x, y] += 1 / (sizes[names[i]] * sizes[names[j]])
    for unit_, rows in counted(vectors, place).between_rows():
        assert rows.sum(1) == pytest.approx(known[unit_, unit_:], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.1), (-0.1, 1.1), (-1.1, 0.1)])
def test_pairs_beyond_the_range_are_counted_in_the_end_bins_and_told(low, high):
    vectors, names, *_ = example()
    place = layout(names)
    counts = count_pairs(vectors[place.order], place, spread=(low, high), bins=BINS)
    a, wa, b, wb = oracle.weighted_pairs(vectors, names)
    assert counts.outside[0] == sum(((x < low) | (x > high)).sum() for x in (a, b))
    assert counts.homologous.sum() == pytest.approx(wa.sum())
    assert counts.non_homologous.sum() == pytest.approx(wb.sum())


def test_silhouette_and_family_means_agree_with_scikit_learn_and_a_loop():
    vectors, names, *_ = example()
    place = layout(names)
    labels = np.array(names)[place.order]
    ordered = vectors[place.order]
    assert silhouettes(ordered, place) == pytest.approx(silhouette_samples(ordered, labels, metric="cosine"), abs=1e-5)
    means = family_similarity(ordered, place)
    for x, first in enumerate(place.names):
        for y, second in enumerate(place.names):
            cosines = [
                vectors[i] @ vectors[j]
                for i in range(len(names))
                for j in range(len(names))
                if i != j and names[i] == first and names[j] == second
            ]
            assert means[x, y] == pytest.approx(np.mean(cosines), abs=1e-5)


def plain_factor(lengths, families, clans):
    """Weights of length matching from the definition: equal mass of both classes in each stratum of two lengths."""

    def stratum(i, j):
        short, long = sorted((lengths[i], lengths[j]))
        apart = sum(1 - short / long > edge for edge in DIFFERENCES)
        size = math.floor(math.log(math.sqrt(short * long)) / math.log(1.25))
        return (size, apart) if apart < len(DIFFERENCES) else None

    mass = {True: {}, False: {}}
    for i, j, own in oracle.pairs(families, clans):
        sizes = [families.count(families[at]) for at in (i, j)]
        weight = 1 / math.comb(sizes[0], 2) if own else 1 / (sizes[0] * sizes[1])
        mass[own][stratum(i, j)] = mass[own].get(stratum(i, j), 0) + weight
    both = {s for s in mass[True] if s is not None and s in mass[False]}

    def factor(i, j, own):
        s = stratum(i, j)
        return 0.0 if s not in both else 1.0 if own else mass[True][s] / mass[False][s]

    return factor, sum(mass[True][s] for s in both) / sum(mass[True].values())


def test_length_matching_agrees_with_its_definition():
    vectors, names, clans, lengths = example()
    place = layout(names, clans)
    matching = length_matching(lengths, place)
    factor, kept = plain_factor(lengths, names, clans)
    assert matching.kept == pytest.approx(kept)
    assert 0 < matching.kept < 1
    counts = counted(vectors, place, matching=matching)
    a, wa, b, wb = oracle.weighted_pairs(vectors, names, clans, factor=factor)
    assert counts.homologous.sum() == pytest.approx(wa.sum())
    assert counts.non_homologous.sum() == pytest.approx(counts.homologous.sum()), "the same mass in each stratum"
    known = oracle.overlap(a, wa, b, wb, (counts.low, counts.high), BINS)
    assert overlap(counts.densities, estimator="histogram", bins=BINS) == pytest.approx(known, abs=2e-3)
    assert counts.densities.pairs[1] == pytest.approx(wb.sum() ** 2 / (wb**2).sum(), rel=1e-4)


def test_after_matching_length_tells_nothing():
    rng = np.random.default_rng(1)
    names = [f"f{at}" for at in rng.integers(40, size=900)]
    typical = {name: rng.uniform(60, 200) for name in set(names)}
    lengths = [round(typical[name] * rng.uniform(0.95, 1.05)) for name in names]
    angle = np.log(np.array(lengths) / 50) / np.log(5) * np.pi / 2
    ruler = unit(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    place = layout(names)
    free = auroc(counted(ruler, place).densities).value
    matched = auroc(counted(ruler, place, matching=length_matching(lengths, place)).densities)
    assert free > 0.9
    assert abs(matched.value - 0.5) < 0.03 + matched.error


def test_the_weighted_bootstrap_agrees_with_a_plain_loop():
    vectors, names, clans, _ = example()
    place = layout(names, clans)
    counts = counted(vectors, place)
    assert place.families_are_units
    drawn = np.random.default_rng(5).multinomial(place.units, np.full(place.units, 1 / place.units), size=8)
    family_of = dict(zip(place.unit.tolist(), (place.names[f] for f in place.family), strict=True))
    for densities, weights in zip(_redrawn(counts, 8, 5), drawn, strict=True):
        times = {family_of[unit_]: int(count) for unit_, count in enumerate(weights)}
        a, wa, b, wb = oracle.weighted_pairs(vectors, names, clans, drawn=times)
        known = oracle.overlap(a, wa, b, wb, (counts.low, counts.high), BINS)
        assert overlap(densities, estimator="histogram", bins=BINS) == pytest.approx(known, abs=2e-3)


def test_a_paired_difference_of_overlaps_is_over_the_same_families():
    vectors, names, clans, _ = example()
    noisy = unit(vectors + 0.1 * np.random.default_rng(4).normal(size=vectors.shape))
    place = layout(names, clans)
    one, other = counted(vectors, place), counted(noisy, place)
    difference, low, high = paired_overlap(one, other, resamples=12, seed=5)
    family_of = dict(zip(place.unit.tolist(), (place.names[f] for f in place.family), strict=True))
    draws = np.random.default_rng(5).multinomial(place.units, np.full(place.units, 1 / place.units), size=12)
    ratios = []
    for weights in [None, *draws]:
        times = weights if weights is None else {family_of[at]: int(count) for at, count in enumerate(weights)}
        ratios.append([])
        for each, counts in ((vectors, one), (noisy, other)):
            a, wa, b, wb = oracle.weighted_pairs(each, names, clans, drawn=times)
            ratios[-1].append(oracle.overlap(a, wa, b, wb, (counts.low, counts.high), BINS))
    gaps = np.subtract(*np.array(ratios).T)
    assert difference == pytest.approx(gaps[0], abs=4e-3)
    assert (low, high) == pytest.approx(gaps[0] - gaps[1:].mean() + np.quantile(gaps[1:], [0.025, 0.975]), abs=6e-3)
    assert paired_overlap(one, one, resamples=12) == (0, 0, 0)


def test_more_families_than_units_are_drawn_in_groups_of_whole_clans():
    rng = np.random.default_rng(2)
    families = MOST_UNITS + 88
    names = [f"f{at}" for at in np.repeat(np.arange(families), 2)]
    clans = [f"c{int(name[1:]) // 3}" for name in names]
    vectors = unit(np.repeat(rng.normal(size=(families, 16)), 2, axis=0) + rng.normal(size=(2 * families, 16)))
    place = layout(names, clans)
    assert not place.families_are_units
    assert place.units == 64
    for clan in set(clans):
        mine = {int(place.unit[at]) for at, where in enumerate(place.order) if clans[where] == clan}
        assert len(mine) == 1
    counts = counted(vectors, place)
    a, wa, b, wb = oracle.weighted_pairs(vectors, names, clans)
    assert counts.non_homologous.sum() == pytest.approx(wb.sum())
    known = oracle.overlap(a, wa, b, wb, (counts.low, counts.high), BINS)
    densities = counts.densities
    assert overlap(densities, estimator="histogram", bins=BINS) == pytest.approx(known, abs=2e-3)
    interval = family_bootstrap(counts, ("histogram",), resamples=200)["histogram"]
    assert interval.low < known < interval.high


def test_labels_without_meaning_overlap_but_for_the_bias_of_few_pairs():
    vectors, names, _, lengths = example(rnas=300, families=40, signal=1.5)
    place = layout(names)
    real = overlap(counted(vectors, place).densities, estimator="histogram", bins=BINS)
    order = permuted(len(names), np.zeros(len(names), np.int64), seed=3)
    null = overlap(counted(vectors[order], place).densities, estimator="histogram", bins=BINS)
    assert real < 0.3 < 0.8 < null
    assert sorted(order.tolist()) == list(range(300))
    groups = length_groups(np.array(lengths))
    within = permuted(300, groups, seed=3)
    assert (groups[within] == groups).all()
    assert (within != np.arange(300)).mean() > 0.7


def test_a_family_in_two_clans_or_alone_in_the_world_is_refused():
    with pytest.raises(ValueError, match="family a stands in two clans"):
        layout(["a", "b", "a"], ["x", "y", "z"])
    with pytest.raises(ValueError, match="at least two"):
        layout(["a", "a"])
