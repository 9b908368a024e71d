import csv
import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from rnaexp.data.rfam_split import clan, side
from rnaexp.errors import InputError
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.crops import PADDING, CropSampler, longest_stack, unigram_entropy
from rnaexp.pretrain.families import GAP, aligned, excluded_clans, row_weights, training_families
from rnaexp.pretrain.make_exclusions import lines, reasons
from rnaexp.pretrain.masking import hide
from rnaexp.pretrain.recipe import Crops, Objective, read_recipe, recipe_of
from rnaexp.rna import ALIGNED_LETTERS, Alignment
from tests.pretrain.seeds import family_of, hairpin, on_side, seed_file


def random_rows(seed, rows=12, columns=30, gaps=0.1):
    rng = random.Random(seed)
    first = [rng.choice("ACGU") for _ in range(columns)]
    return ["".join(first)] + [
        "".join(
            "-" if rng.random() < gaps else letter if rng.random() < 0.85 else rng.choice("ACGUN") for letter in first
        )
        for _ in range(rows - 1)
    ]


def test_row_weights_sum_to_the_alignments_neff():
    for seed in range(5):
        rows = random_rows(seed)
        alignment = Alignment(names=tuple(map(str, range(len(rows)))), rows=tuple(rows))
        assert row_weights(alignment.codes()).sum() == pytest.approx(alignment.neff(0.8))


def test_only_the_training_side_without_excluded_clans_is_trained_on():
    train, test, validation = (list(islice(on_side(which), 2)) for which in ("train", "test", "validation"))
    clans = [f"CL{at:05d}" for at in range(100)]
    training_clan = next(name for name in clans if side(family_of("RF99999", ["A"], clan=name)) == "train")
    families = [family_of(name, ["ACGU"]) for name in train + test + validation]
    families.append(family_of(test[0], ["ACGU"], clan=training_clan))  # the clan decides, not the family
    kept = training_families(families, {train[1]})
    assert [family.accession for family in kept] == [train[0], test[0]]
    assert training_families(families, {train[0], train[1], training_clan}) == []


def test_exclusions_take_in_every_relative_of_what_is_tested_on(tmp_path):
    overlap = tmp_path / "overlap.tsv"
    overlap.write_text(
        "set\tid\tbest_family\tevalue\tbits\tequal_to_seed_row_of\tinside_seed_row_of\tcontains_seed_row_of\n"
        "ts1\t1abc\tRF00100\t1\t1\t-\t-\tRF00200,RF00300\n"
        "ts1\t2abc\t-\t-\t-\t-\t-\t-\n"
    )
    seed = tmp_path / "seed.sto"
    blocks = [("RF00100", "CL00777"), ("RF00101", "CL00777"), ("RF00200", None), ("RF00999", None)]
    seed.write_text(
        "".join(
            f"# STOCKHOLM 1.0\n#=GF AC {name}\n" + (f"#=GF CL {family}\n" if family else "") + "a ACGU\n//\n"
            for name, family in blocks
        )
    )
    assert reasons(overlap)["RF00300"] == "ts1 1abc"
    table = list(csv.DictReader((x for x in lines(overlap, seed) if not x.startswith("#")), delimiter="\t"))
    excluded = {(row["clan"], row["accession"]) for row in table}
    assert {("CL00777", "RF00100"), ("CL00777", "RF00101"), ("RF00200", "RF00200"), ("RF00300", "-")} <= excluded
    assert not [row for row in table if row["accession"] == "RF00999"]
    assert {"RF00006", "CL00002"} <= {row["clan"] for row in table}  # of the built-in set, one without accession


def test_the_committed_exclusions_hold_the_builtin_families(request):
    path = request.config.rootpath / "experiments" / "pretrain" / "excluded_rfam.tsv"
    held = excluded_clans(path)
    for name in ("RF00006", "CL00006", "CL00002", "CL00045", "CL00001", "CL00005", "CL00100", "CL00003"):
        assert name in held


def test_a_table_without_its_columns_is_refused_by_name(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("family\nRF1\n")
    with pytest.raises(InputError, match=r"x\.tsv"):
        excluded_clans(path)


def families_with(lengths, rows=6, gaps=0.2):
    return [aligned(family_of(f"RF{n:05d}", random_rows(n, rows, n, gaps))) for n in lengths]


def test_a_batch_depends_on_seed_and_number_alone():
    families = families_with((20, 40, 90, 200))
    one, other = (CropSampler(families, Crops(depths=(1, 2, 4), depth_shares=(1, 1, 1))) for _ in range(2))
    later = [one.batch(5, number) for number in range(8)]
    assert all(np.array_equal(other.batch(5, number), later[number]) for number in (7, 3, 0))
    assert not all(np.array_equal(other.batch(6, number), later[number]) for number in range(8))


def test_crops_are_rows_of_their_family_in_the_columns_of_the_first():
    families = families_with((30,), gaps=0.3)
    sampler = CropSampler(families, Crops(tokens=200, depths=(3,), depth_shares=(1,), lengths=(16, 64)))
    for number in range(10):
        for crop in sampler.batch(0, number):
            real = (crop != PADDING).any(0)
            assert not (crop[0, real] == GAP).any()
            whole = families[0].codes
            query = [at for at, row in enumerate(whole) if row[row != GAP].tobytes() == crop[0, real].tobytes()]
            assert query
            columns = whole[query[0]] != GAP
            expected = {row[columns].tobytes() for row in whole}
            assert {row[real].tobytes() for row in crop} <= expected


def test_no_crop_is_deeper_or_longer_than_asked_for_and_short_ones_are_padded_right():
    sampler = CropSampler(
        families_with((10, 14, 300)), Crops(tokens=512, depths=(2,), depth_shares=(1,), lengths=(16, 32))
    )
    for number in range(20):
        batch = sampler.batch(1, number)
        assert batch.shape[1] == 2
        assert batch.shape[2] <= 32
        assert batch.size <= 512
        real = batch[:, 0] != PADDING
        assert (np.diff(real.astype(int), axis=1) <= 0).all()
        assert ((batch == PADDING).all(1) | (batch != PADDING).all(1)).all()


def test_families_shallower_than_asked_for_are_not_drawn():
    deep, shallow = families_with((20,), rows=8)[0], families_with((21,), rows=2)[0]
    sampler = CropSampler([deep, shallow], Crops(tokens=400, depths=(4,), depth_shares=(1,), lengths=(64,)))
    assert all((sampler.batch(0, number) != PADDING).sum(2).max() <= 20 for number in range(10))


def test_families_are_drawn_by_what_the_recipe_says():
    given = (("CL1", 2), ("CL1", 6), ("CL2", 12))
    families = [aligned(family_of(f"RF{n}", random_rows(n, n, 30, 0), clan)) for clan, n in given]
    crops = Crops(tokens=3000, depths=(1,), depth_shares=(1,), lengths=(30,))
    expected = {"rows": [0.1, 0.3, 0.6], "family": [1 / 3, 1 / 3, 1 / 3], "clan": [0.25, 0.25, 0.5]}
    for drawn_by, shares in expected.items():
        sampler = CropSampler(families, replace(crops, drawn_by=drawn_by))
        drawn = [place.family for number in range(60) for place in sampler.batch_with_columns(0, number)[1]]
        assert np.bincount(drawn) / len(drawn) == pytest.approx(shares, abs=0.03)  # 6,000 draws: four standard errors


def test_from_the_batch_asked_for_on_only_single_rows_are_drawn():
    sampler = CropSampler(families_with((20, 30)), Crops(depths=(4,), depth_shares=(1,), single_from=3))
    assert [sampler.batch(0, number).shape[1] for number in range(6)] == [4, 4, 4, 1, 1, 1]


def test_of_several_places_the_one_with_the_longest_stack_is_taken():
    row = "A" * 60 + "GGGCGCAAAAGCGCCC" + "A" * 60
    family = aligned(family_of("RF1", [row]))
    sampler = CropSampler([family], Crops(tokens=16, depths=(1,), depth_shares=(1,), lengths=(16,), places=400))
    found = ["".join(ALIGNED_LETTERS[x] for x in sampler.batch(0, number)[0, 0]) for number in range(3)]
    assert found == ["GGGCGCAAAAGCGCCC"] * 3


def test_the_longest_stack_is_that_of_plain_loops():
    rng = random.Random(1)
    pairs = {"AU", "UA", "CG", "GC", "GU", "UG"}
    for _ in range(50):
        row = "".join(rng.choice("ACGUN-") for _ in range(rng.randint(1, 25)))
        best = 0
        for i in range(len(row)):
            for j in range(i + 4, len(row)):
                run = 0
                while j - run - (i + run) >= 4 and row[i + run] + row[j - run] in pairs:
                    run += 1
                best = max(best, run)
        assert longest_stack(np.array([ALIGNED_LETTERS.index(x) for x in row], np.uint8)) == best


def test_unigram_entropy_is_that_of_the_weighted_composition():
    family = aligned(family_of("RF1", ["AAAC", "AAAC", "GGUU"]))
    share = np.array([3, 1, 2, 2]) / 8  # the two equal rows count once
    assert unigram_entropy([family]) == pytest.approx(-(share * np.log(share)).sum())


def hairpins(seed=0, crops=20, rows=5):
    rng = random.Random(seed)
    return np.array(
        [[[ALIGNED_LETTERS.index(x) for x in hairpin(rng)] for _ in range(rows)] for _ in range(crops)], np.uint8
    )


def test_a_hidden_column_is_hidden_in_every_row():
    codes = hairpins()
    example = hide(codes, Objective(whole_columns=((0, 1),), replaced=0, kept=0), LETTERS, 0)
    hidden = (example.ids == LETTERS.mask).numpy()[..., 1:]
    assert hidden.any((1, 2)).all()
    assert np.array_equal(hidden.all(1), hidden.any(1))
    assert np.array_equal(hidden, example.predicted[..., 1:].numpy())


def test_what_is_asked_for_is_the_true_letter_and_never_a_gap_or_n():
    codes = hairpins()
    codes[:, 1, ::3], codes[:, 2, ::4] = GAP, ALIGNED_LETTERS.index("N")
    example = hide(codes, Objective(hidden=(0.5, 0.6)), LETTERS, 7)
    asked = example.predicted.numpy()[..., 1:]
    assert (codes[asked] < 4).all()
    assert np.array_equal(codes[asked], example.letters.numpy())
    untouched = ~asked & (codes < 4)
    table = np.array(LETTERS.letters)
    assert np.array_equal(example.ids.numpy()[..., 1:][untouched], table[codes[untouched]])
    assert not example.predicted[..., 0].any()


def test_shares_of_hidden_replaced_and_kept_are_as_asked_for():
    codes = np.zeros((400, 2, 50), np.uint8)
    example = hide(codes, Objective(whole_columns=((0, 0),), hidden=(0.2, 0.2), replaced=0.3, kept=0.2), LETTERS, 1)
    asked, ids = example.predicted.numpy()[..., 1:], example.ids.numpy()[..., 1:]
    assert asked.mean() == pytest.approx(0.2, abs=0.01)
    assert (ids[asked] == LETTERS.mask).mean() == pytest.approx(0.5, abs=0.03)
    assert (ids[asked] == LETTERS.letters[0]).mean() == pytest.approx(0.2 + 0.3 / 4, abs=0.03)


def test_whole_columns_come_in_stages():
    chosen = Objective(whole_columns=((0, 0.0), (5, 1.0), (9, 0.5)), replaced=0, kept=0)
    codes = hairpins(crops=200)
    shares = []
    for number in (0, 4, 5, 8, 9, 1000):
        hidden = (hide(codes, chosen, LETTERS, 0, number).ids == LETTERS.mask).numpy()[..., 1:]
        shares.append((hidden.all(1) == hidden.any(1)).all(1).mean())
    assert shares[:4] == [0, 0, 1, 1]
    assert shares[4:] == pytest.approx([0.5, 0.5], abs=0.1)


def test_rare_letters_weigh_more():
    codes = np.array([[[0, 1], [0, 1], [2, 1]]], np.uint8)
    example = hide(codes, Objective(whole_columns=((0, 0),), hidden=(0.999, 0.9999), rare_weight=3), LETTERS, 0)
    assert sorted(example.weights.tolist()) == [1, 1, 1, 1, 1, 3]


def test_a_batch_always_asks_for_something():
    codes = np.zeros((1, 1, 2), np.uint8)
    for seed in range(20):
        assert len(hide(codes, Objective(whole_columns=((0, 0),), hidden=(0.001, 0.002)), LETTERS, seed).letters)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("architecture = 'msa'\nnetwork = {}", "title"),
        ("title = 'x'\narchitecture = 'rnn'\nnetwork = {}", "architecture 'rnn'"),
        ("title = 'x'\narchitecture = 'msa'\nnetwork = {}\ncrops = {deep = 3}", "unknown field 'deep'"),
        ("title = 'x'\narchitecture = 'sequence'\nnetwork = {}", r"depths must be \[1\]"),
        ("title = 'x'\narchitecture = 'msa'\nnetwork = {}\nobjective = {hidden = [0.5, 0.2]}", "hidden"),
        ("title = 'x'\narchitecture = 'msa'\nnetwork = {}\nobjective = {whole_columns = [[5, 1.0]]}", "stages"),
        ("title = 'x'\narchitecture = 'msa'\nnetwork = {}\nobjective = {whole_columns = [[0, 0], [0, 1]]}", "stages"),
        ("title = ", "cannot be read"),
    ],
)
def test_a_faulty_recipe_is_refused_by_file_and_field(tmp_path, text, complaint):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        read_recipe(path)
    assert "recipe.toml" in str(caught.value)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "experiments" / "pretrain").glob("*.toml")))
def test_the_recipes_of_the_shipped_models_are_read(path):
    assert read_recipe(path).objective.whole_share(10**6) > 0


def test_lists_of_a_recipe_become_tuples():
    assert recipe_of(
        {"title": "x", "architecture": "msa", "network": {}, "crops": {"lengths": [8, 16]}}
    ).crops.lengths == (8, 16)


def test_the_planted_seed_file_is_read_as_it_was_written(tmp_path):
    from rnaexp.data.rfam import read_seed

    families = read_seed(seed_file(tmp_path / "s.sto", families=3))
    assert [side(f) for f in families] == ["train"] * 3 + ["validation"] * 2
    assert all(clan(f) == f.tags["AC"] for f in families)
