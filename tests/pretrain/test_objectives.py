"""Contrast and distillation: what is drawn, what is lost, and that a kill changes nothing."""

import json
import math
import random
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from rnaexp.classify.embed import reduce
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.rfam import read_seed
from rnaexp.errors import InputError
from rnaexp.models.nano_catalog import SHIPPED
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.checkpoint import labels_seen, objectives
from rnaexp.pretrain.contrast import ViewSampler, contrast_loss, fft_magnitude, grouped, info_nce, pooled_states
from rnaexp.pretrain.distil import Distiller, decoded, distillation_loss, family_pairs, teacher_of
from rnaexp.pretrain.families import GAP, aligned, training_families
from rnaexp.pretrain.fit import Limits, fit, new_network
from rnaexp.pretrain.recipe import Contrast, Distillation, Validation, read_recipe, recipe_of
from rnaexp.pretrain.training import Batch, losses
from tests.pretrain.seeds import TINY, family_of, hairpin, seed_file

LOCAL = TINY | {"local_feed_forward": 3, "row_scores": "mean"}
CROPS = {"tokens": 256, "depths": [1, 4], "depth_shares": [0.5, 0.5], "lengths": [24]}


def recipe(*, network=LOCAL, **parts):
    optimiser = {"rate": 0.01, "warmup": 5}
    held = {"title": "tiny", "architecture": "msa", "network": network, "crops": CROPS, "optimiser": optimiser}
    return recipe_of(held | {"distillation_crops": CROPS} | parts)


def hairpins(families=6, rows=5, seed=0):
    rng = random.Random(seed)
    return [aligned(family_of(f"RF{n:05d}", [hairpin(rng) for _ in range(rows)])) for n in range(families)]


class Mirror(torch.nn.Module):
    """Attends from each base of the hairpins to its mirror image."""

    device = torch.device("cpu")

    def row_attention_head(self, ids, layer, head):
        assert (layer, head) == (1, 0)
        tokens = ids.shape[2]
        maps = torch.full((len(ids), tokens, tokens), 0.001)
        for i in range(1, 7):
            maps[:, i, tokens - i] = maps[:, tokens - i, i] = 1.0
        return maps


def test_contrast_is_the_cross_entropy_of_finding_the_counterpart_among_all_others():
    vectors = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    cosine = torch.nn.functional.cosine_similarity
    total = 0.0
    for i in range(8):
        scores = {j: float(cosine(vectors[i], vectors[j], 0)) / 0.2 for j in range(8) if j != i}
        partner = i + 1 if i % 2 == 0 else i - 1
        total -= scores[partner] - math.log(sum(math.exp(score) for score in scores.values()))
    assert float(info_nce(vectors, 0.2)) == pytest.approx(total / 8, rel=1e-5)


def test_a_row_is_pooled_over_its_own_bases_whatever_stands_beside_it_in_the_batch():
    network = new_network(recipe(network=LOCAL | {"num_hidden_layers": 2})).eval()
    rng = np.random.default_rng(0)
    views = [rng.integers(0, 4, n).astype(np.uint8) for n in (9, 30, 14, 22)]
    batch = grouped(views, 2)
    with torch.no_grad():
        together = torch.cat([pooled_states(network, ids) for ids in batch.ids])[batch.order.argsort()]
        for view, found in zip(views, together, strict=True):
            ids = torch.tensor([[[LETTERS.first, *(LETTERS.letters[x] for x in view)]]])
            alone = network(ids).last_hidden_state[0, 0, 1:].mean(0)
            assert torch.allclose(found, alone, atol=1e-5)
        value = contrast_loss(network, batch, Contrast(temperature=0.1))
        assert float(value) == pytest.approx(float(info_nce(together, 0.1)), abs=1e-4)


def test_states_are_compared_as_classification_reduces_them():
    vectors = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    expected = reduce(vectors.numpy(), EmbeddingProtocol())
    assert torch.allclose(fft_magnitude(vectors), torch.from_numpy(np.asarray(expected, np.float32)), atol=1e-4)


def test_two_rows_of_a_family_are_drawn_and_no_two_pairs_of_a_clan():
    rng = random.Random(0)
    families = [
        aligned(family_of(f"RF{n:05d}", [hairpin(rng) for _ in range(4)], clan=f"CL{n // 2:05d}")) for n in range(12)
    ]
    families.append(aligned(family_of("RF00099", [hairpin(rng)])))  # one row: no pair
    row_of = {tuple(row[row != GAP]): family for family in families for row in family.codes}
    sampler = ViewSampler(families, Contrast(weight=1, pairs=5, groups=2))
    for number in range(20):
        batch = sampler.batch(0, number)
        rows = [None] * 10
        flat = [row for ids in batch.ids for row in ids[:, 0]]
        for place, row in zip(batch.order.tolist(), flat, strict=True):
            rows[place] = tuple(LETTERS.letters.index(x) for x in row[1:].tolist() if x != LETTERS.pad)
        found = [row_of[row] for row in rows]
        for at in range(0, 10, 2):
            assert found[at].accession == found[at + 1].accession
            assert rows[at] != rows[at + 1]
        clans = [family.clan for family in found[::2]]
        assert len(set(clans)) == 5
        again = ViewSampler(families, Contrast(weight=1, pairs=5, groups=2)).batch(0, number)
        assert all(torch.equal(a, b) for a, b in zip(batch.ids, again.ids, strict=True))


def test_clans_are_drawn_by_a_power_of_their_rows():
    rng = random.Random(0)
    families = [aligned(family_of(f"RF{n:05d}", [hairpin(rng) for _ in range(rows)])) for n, rows in enumerate((2, 32))]
    sampler = ViewSampler(families, Contrast(weight=1, clan_power=0.25))
    assert sampler.chance == pytest.approx(np.array([1, 2]) / 3)


def test_crops_of_one_row_need_no_labels_and_are_mutated_as_often_as_wanted():
    rng = np.random.default_rng(0)
    rows = ["".join("ACGU"[x] for x in rng.integers(0, 4, 200)) for _ in range(2)]
    families = [aligned(family_of(f"RF{n:05d}", [row])) for n, row in enumerate(rows)]
    sampler = ViewSampler(families, Contrast(weight=1, views="crops", least=0.5, mutated=0.0, max_bases=150))
    lengths, texts = [], [family.codes[0].tobytes() for family in families]
    for number in range(60):
        for ids in sampler.batch(0, number).ids:
            for row in ids[:, 0]:
                view = bytes(LETTERS.letters.index(x) for x in row[1:].tolist() if x != LETTERS.pad)
                assert any(view in text for text in texts)
                lengths.append(len(view))
    assert min(lengths) >= 100
    assert max(lengths) == 150
    same = ViewSampler(families, Contrast(weight=1, views="crops", mutated=0.4))
    changed = []
    for number in range(30):
        batch = same.batch(0, number)
        for ids in batch.ids:
            for row in ids[:, 0]:
                view = np.array([LETTERS.letters.index(x) for x in row[1:].tolist()])
                changed.append(min((view != family.codes[0]).mean() for family in families))
    assert np.mean(changed) == pytest.approx(0.4 * 3 / 4, abs=0.02)


def test_one_clan_is_nothing_to_contrast():
    with pytest.raises(ValueError, match="two are needed"):
        ViewSampler(hairpins(1), Contrast(weight=1))


def test_decoded_pairs_are_nested_helices_of_each_bases_best():
    scores = np.zeros((20, 20), np.float32)
    for (i, j), score in {
        (0, 19): 0.9, (1, 18): 0.8, (2, 17): 0.5,  # a helix, its last pair at the threshold
        (2, 16): 0.45,                             # a weaker partner of 2, and below
        (1, 10): 0.7,                              # of 1, weaker than its best
        (5, 12): 0.95,                             # alone: no helix
        (7, 10): 0.99, (8, 9): 0.99,               # a helix of bases that are too near
    }.items():  # fmt: skip
        scores[i, j] = score
    assert decoded(scores, 0.5) == ((0, 19), (1, 18), (2, 17))
    crossing = np.zeros((30, 30), np.float32)
    for i, j in ((0, 20), (1, 19), (2, 18), (10, 25), (11, 24)):  # the last two cross the first three
        crossing[i, j] = 0.6
    assert decoded(crossing, 0.5) == ((0, 20), (1, 19), (2, 18))


def test_pairs_of_a_family_stand_in_the_columns_of_its_alignment():
    rng = random.Random(2)
    rows = [hairpin(rng) for _ in range(6)]
    gapped = [row[:8] + "--" + row[8:] for row in rows[:5]] + [rows[5][:8] + "AC" + rows[5][8:]]
    family = aligned(family_of("RF00001", gapped))
    found = family_pairs(family, Mirror(), Distillation(rows=4), (1, 0), 0.5)
    assert found == tuple((i, 18 - i) for i in range(6))


def tiny_distiller(families, **more):
    chosen = recipe(distillation={"weight": 1.0, "head": [1, 0], "student": [0, 1], **more})
    return Distiller(chosen, families, new_network(chosen), Mirror()), chosen


def test_each_base_is_taught_its_partner_or_none_and_padding_counts_for_nothing():
    families = hairpins(4)
    distiller, _ = tiny_distiller(families)
    for number in range(6):
        batch = distiller.batch(0, number)
        for ids, partners in zip(batch.ids[:, 0], batch.partners, strict=True):
            real = (ids != LETTERS.pad)[1:]
            assert int(partners[0]) == -1
            assert partners[1:][real].tolist() == [17 - i if i < 6 or i > 10 else 0 for i in range(17)]
            assert (partners[1:][~real] == -1).all()
    assert torch.equal(distiller.batch(0, 3).ids, distiller.batch(0, 3).ids)


def test_families_in_which_the_teacher_finds_too_little_teach_nothing():
    with pytest.raises(ValueError, match="no pairs"):
        tiny_distiller(hairpins(4), least=0.9)[0].batch(0, 0)


def test_distillation_is_the_negative_log_of_the_attention_to_the_partner():
    distiller, chosen = tiny_distiller(hairpins(4))
    network = new_network(chosen).eval()
    batch = distiller.batch(0, 1)
    with torch.no_grad():
        maps = next(network.row_attention(batch.ids))[:, 1]
        value = float(distillation_loss(network, batch, (0, 1)))
    each = [
        -math.log(float(maps[b, t, batch.partners[b, t]]) + 1e-6)
        for b in range(len(maps))
        for t in range(maps.shape[1])
        if batch.partners[b, t] >= 0
    ]
    assert value == pytest.approx(np.mean(each), rel=1e-5)


def test_the_step_adds_the_weighted_losses():
    taught = {"weight": 3.0, "student": [0, 0]}
    chosen = recipe(objective={"weight": 0.5}, contrast={"weight": 2.0}, distillation=taught)
    network, families = new_network(chosen).eval(), hairpins(4)
    sampler = ViewSampler(families, Contrast(weight=2.0, pairs=3))
    distiller, _ = tiny_distiller(families)
    from rnaexp.pretrain.crops import CropSampler
    from rnaexp.pretrain.masking import hide

    letters = hide(CropSampler(families, chosen.crops).batch(0, 0), chosen.objective, LETTERS, 0)
    batch = Batch(letters, sampler.batch(0, 0), distiller.batch(0, 0))
    with torch.no_grad():
        total, parts = losses(network, chosen, batch)
    value = {name: loss for name, (loss, _) in parts.items()}
    expected = 0.5 * value["loss"] + 2 * value["contrast_loss"] + 3 * value["distillation_loss"]
    assert float(total) == pytest.approx(expected, rel=1e-5)
    alone = recipe(objective={"weight": 0.0}, contrast={"weight": 1.0})
    assert set(losses(network, alone, batch._replace(letters=None, taught=None))[1]) == {"contrast_loss"}


class KilledError(RuntimeError):
    pass


@pytest.mark.fault
@pytest.mark.parametrize("stop_at", [3, 4, 5, 6])
def test_a_training_by_all_objectives_killed_at_any_step_ends_the_same(tmp_path, monkeypatch, stop_at):
    """Around batch 4 the student becomes the teacher, and a loader has one more batch ready than is done."""
    monkeypatch.setattr("rnaexp.pretrain.fit.teacher_of", lambda name, near: Mirror())
    monkeypatch.setattr("rnaexp.pretrain.fit._LOG_EVERY", 1)
    families = training_families(read_seed(seed_file(tmp_path / "seed.sto", families=6)), ())
    taught = {"weight": 1.0, "head": [1, 0], "student": [0, 1], "again": [1, 4], "again_threshold": -9.0, "least": 0.0}
    chosen = recipe(contrast={"weight": 0.5, "pairs": 4}, distillation=taught, steps=11)
    whole = fit(chosen, families, tmp_path / "whole")

    def stop(line, step):
        if step == stop_at:
            raise KilledError

    with pytest.raises(KilledError):
        fit(chosen, families, tmp_path / "cut", note=stop, limits=Limits(save_every_seconds=0))
    resumed = fit(chosen, families, tmp_path / "cut")
    one, other = whole.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert whole.tokens_done == resumed.tokens_done
    assert whole.distiller.round == 2


def test_the_next_teacher_is_the_student_as_it_was_when_its_batch_began(tmp_path, monkeypatch):
    monkeypatch.setattr("rnaexp.pretrain.fit.teacher_of", lambda name, near: Mirror())
    families = training_families(read_seed(seed_file(tmp_path / "seed.sto", families=6)), ())
    taught = {"weight": 1.0, "head": [1, 0], "student": [0, 1], "again": [2], "again_threshold": -9.0, "least": 0.0}
    chosen = recipe(distillation=taught, steps=4, validation={"steps": [2]})
    seen = {}

    def probe(network, step):
        seen[step] = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        return {}

    trained = fit(chosen, families, tmp_path / "out", probe=probe)
    kept = trained.copies[0].state_dict()
    assert all(torch.equal(kept[name], seen[2][name]) for name in kept)
    assert not all(torch.equal(kept[name], seen[4][name]) for name in kept)


def test_taught_pairs_are_learned_on_single_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("rnaexp.pretrain.fit.teacher_of", lambda name, near: Mirror())
    network = LOCAL | {"hidden_size": 32, "num_hidden_layers": 1}
    single = {"tokens": 512, "depths": [1], "depth_shares": [1.0], "lengths": [24]}
    chosen = recipe(
        network=network, steps=150, objective={"weight": 0.0}, distillation_crops=single,
        distillation={"weight": 1.0, "head": [1, 0], "student": [0, 0]},
    )  # fmt: skip
    module = fit(chosen, hairpins(8, rows=8), tmp_path)
    fresh = hairpins(1, rows=20, seed=9)[0].codes
    ids = torch.tensor([[[LETTERS.first, *(LETTERS.letters[x] for x in row)]] for row in fresh])
    with torch.no_grad():
        maps = module.network.eval().row_attention_head(ids, 0, 0)
    right = [float(maps[:, i + 1, 17 - i].mean()) for i in range(6)]
    assert np.mean(right) > 0.35  # untrained: about 1/17


def test_contrast_pulls_rows_of_a_family_together_and_families_apart(tmp_path):
    rng = random.Random(3)
    words = ["".join(rng.sample("ACGU" * 5, 20)) for _ in range(6)]  # of one composition

    def row(word):
        return "".join(letter if rng.random() < 0.85 else rng.choice("ACGU") for letter in word)

    families = [aligned(family_of(f"RF{n:05d}", [row(word) for _ in range(8)])) for n, word in enumerate(words)]
    chosen = recipe(steps=80, objective={"weight": 0.0}, contrast={"weight": 1.0, "pairs": 6, "groups": 1})
    before = new_network(chosen)
    module = fit(chosen, families, tmp_path)
    views, labels = [row(word) for word in words for _ in range(2)], [n for n in range(6) for _ in range(2)]
    batch = grouped([np.array(["ACGU".index(x) for x in view], np.uint8) for view in views], 1)

    def error_rate(network):
        with torch.no_grad():
            vectors = pooled_states(network.eval(), batch.ids[0])[batch.order.argsort()]
        unit = torch.nn.functional.normalize(vectors, dim=1)
        own = [float(unit[i] @ unit[j]) for i, j in combinations(range(12), 2) if labels[i] == labels[j]]
        other = [float(unit[i] @ unit[j]) for i, j in combinations(range(12), 2) if labels[i] != labels[j]]
        return np.mean([a <= b for a in own for b in other])

    assert error_rate(module.network) < min(0.1, error_rate(before))


def test_the_card_names_objectives_and_labels():
    plain = recipe()
    assert objectives(plain) == ["hidden letters and columns (weight 1)"]
    assert labels_seen(plain) == "none"
    family = recipe(contrast={"weight": 0.3}, distillation={"weight": 1.0})
    assert len(objectives(family)) == 3
    assert labels_seen(family) == "families (supervised: training clans)"
    assert labels_seen(recipe(contrast={"weight": 0.3, "views": "crops"})) == "none"


def test_a_teacher_that_is_nowhere_is_named(tmp_path):
    with pytest.raises(InputError, match="no teacher 'nowhere'"):
        teacher_of("nowhere", tmp_path)
    assert teacher_of("msm-nano", tmp_path).config.num_hidden_layers == 2


def test_the_recipe_of_nano_is_the_one_on_its_card(request):
    chosen = read_recipe(request.config.rootpath / "experiments" / "pretrain" / "nano.toml")
    card = (SHIPPED / "nano" / "README.md").read_text()
    held = json.loads(card.split("```json")[1].split("```")[0])
    held.pop("validation")  # where is looked changes no weight
    assert recipe_of(held) == replace(chosen, validation=Validation()), "fields that came later are left alone"
    assert f"| labels seen | {labels_seen(chosen)} |" in card
